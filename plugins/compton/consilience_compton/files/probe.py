"""Which file of HEXITEC is this?  Looks at the head alone and imports nothing heavy."""

from __future__ import annotations

import struct

from consilience.declarations import Claim, FileProbe

__all__ = [
    "DATASET",
    "probe_binned",
    "probe_hexitec",
    "probe_hxt",
    "probe_offsets",
    "probe_packets",
]

DATASET = "raw_frames"
HDF5 = b"\x89HDF\r\n\x1a\n"
SYNC = 0xFE6B
LARGEST_OFFSET = 1 << 14


def probe_hexitec(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head names ``raw_frames``; MAYBE if spectra are there as well.

    HDF5 keeps the names of the root group right behind its superblock, so they stand in the
    first 4096 bytes of files with few entries.  A file where they do not can be read with
    ``--reader compton.hexitec``.
    """
    if not probe.head.startswith(HDF5) or DATASET.encode() not in probe.head:
        return Claim.NO
    return Claim.MAYBE if b"pixel_spectra" in probe.head else Claim.YES


def probe_binned(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head names ``pixel_spectra`` and ``spectra_bins``."""
    if not probe.head.startswith(HDF5):
        return Claim.NO
    both = b"pixel_spectra" in probe.head and b"spectra_bins" in probe.head
    return Claim.YES if both else Claim.NO


def probe_hxt(probe: FileProbe) -> Claim:
    """Say YES to what begins with ``HEXITECH``."""
    return Claim.YES if probe.head.startswith(b"HEXITECH") else Claim.NO


def probe_packets(probe: FileProbe) -> Claim:
    """Say YES to a frame's start and the header of its first row."""
    words = _words(probe.head)
    if len(words) < 13 or words[0] != SYNC or max(words[1:4]) > 0xFFFF:
        return Claim.NO
    masks = words[5:13]
    row = words[4] & 0xFF
    fits = all(m < 1 << 6 for m in masks[::2]) and all(m < 1 << 14 for m in masks[1::2])
    return Claim.YES if row == 0 and fits else Claim.NO


def probe_offsets(probe: FileProbe) -> Claim:
    """Say MAYBE to small whole numbers alone: nothing in such a table names it."""
    words = _words(probe.head)
    if len(words) < 1024 or words[0] == 0 or words[0] == SYNC:
        return Claim.NO
    return Claim.MAYBE if max(words) < LARGEST_OFFSET and any(words[1:]) else Claim.NO


def _words(head: bytes) -> tuple[int, ...]:
    n = len(head) // 4
    return struct.unpack(f"<{n}I", head[: 4 * n])
