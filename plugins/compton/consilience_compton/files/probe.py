"""Is this HDF5 with raw frames?  Looks at the head alone and imports nothing heavy."""

from __future__ import annotations

from consilience.declarations import Claim, FileProbe

__all__ = ["DATASET", "probe_hexitec"]

DATASET = "raw_frames"


def probe_hexitec(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head names ``raw_frames``.

    HDF5 keeps the names of the root group right behind its superblock, so they stand in the
    first 4096 bytes of files with few entries.  A file where they do not can be read with
    ``--reader compton.hexitec``.
    """
    hdf5 = probe.head.startswith(b"\x89HDF\r\n\x1a\n")
    return Claim.YES if hdf5 and DATASET.encode() in probe.head else Claim.NO
