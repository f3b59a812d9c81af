"""Is this a list of ions?  A ``.pos`` has no header, so the numbers themselves must say it."""

from __future__ import annotations

import struct

from consilience.declarations import Claim, FileProbe

__all__ = ["LARGEST_MASS", "LARGEST_POSITION", "RECORD", "SIMULATED", "probe_pos"]

RECORD = 16
"""Bytes of one ion: x, y, z in nm and m/z in Da, float32 each."""
LARGEST_POSITION = 5000.0
"""nm; a needle is a hundred wide and, at most, a few thousand long."""
LARGEST_MASS = 1000.0
"""Da; instruments record up to a few hundred."""
SIMULATED = b"\x3f\x80SI\x3f\x80MU\x3f\x80LA\x3f\x80TE"
"""First record of a simulated file: to other programs one ion near (1, 1, 1) nm of 1 Da.

The format has no place for a word, so that the mark lies in the low half of four numbers;
that a measured ion has these eight bytes has a probability of 2⁻⁶⁴.
"""


def probe_pos(probe: FileProbe) -> Claim:
    """Say YES to plausible big-endian ions, MAYBE to little-endian ones, which `read` explains."""
    if probe.is_dir or len(probe.head) < RECORD:
        return Claim.NO
    if _plausible(probe.head, ">"):
        return Claim.YES
    return Claim.MAYBE if _plausible(probe.head, "<") else Claim.NO


def _plausible(head: bytes, order: str) -> bool:
    number = len(head) // RECORD
    values = struct.unpack(f"{order}{4 * number}f", head[: number * RECORD])
    good = sum(
        all(c == 0 or 1e-6 < abs(c) <= LARGEST_POSITION for c in values[i : i + 3])
        and (values[i + 3] == 0 or 0.1 <= values[i + 3] <= LARGEST_MASS)
        for i in range(0, 4 * number, 4)
    )
    return good >= 0.9 * number and any(0.5 <= m <= LARGEST_MASS for m in values[3::4])
