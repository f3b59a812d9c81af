"""Is this a list of ions?  A ``.pos`` has no header, so the numbers themselves must say it."""

from __future__ import annotations

import struct

from consilience.declarations import Claim, FileProbe

__all__ = [
    "APT_SIGNATURE",
    "EPOS_RECORD",
    "LARGEST_MASS",
    "LARGEST_POSITION",
    "RECORD",
    "SIMULATED",
    "is_simulated",
    "probe_apt",
    "probe_ato",
    "probe_epos",
    "probe_hdf5",
    "probe_pos",
    "simulated_mark",
]

RECORD = 16
"""Bytes of one ion: x, y, z in nm and m/z in Da, float32 each."""
APT_SIGNATURE = b"APT\0"
"""First bytes of an .apt of AP Suite."""
EPOS_RECORD = 44
"""Bytes of one ion of an ``.epos``: those of a ``.pos``, five float32 more and two uint32."""
LARGEST_POSITION = 5000.0
"""nm; a needle is a hundred wide and, at most, a few thousand long."""
LARGEST_MASS = 1000.0
"""Da; instruments record up to a few hundred."""
SIMULATED = b"\x3f\x80SI\x3f\x80MU\x3f\x80LA\x3f\x80TE"
"""First record of a simulated file: to other programs one ion near (1, 1, 1) nm of 1 Da.

The format has no place for a word, so that the mark lies in the low half of four numbers;
that a measured ion has these eight bytes has a probability of 2⁻⁶⁴.
"""


def simulated_mark(record: int = RECORD) -> bytes:
    """Return the first record of a simulated file whose ions take `record` bytes.

    Parameters
    ----------
    record : int
        `RECORD` (.pos) or `EPOS_RECORD` (.epos); an .epos goes on with time of flight 1 ns,
        voltages of 1 V, detector (1, 1) mm, one pulse and one ion.

    Raises
    ------
    ValueError
        No such record is known.
    """
    if record == RECORD:
        return SIMULATED
    if record == EPOS_RECORD:
        return SIMULATED + struct.pack(">5f2I", 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1)
    raise ValueError(f"records of {record} bytes are neither .pos ({RECORD}) nor .epos")


def is_simulated(head: bytes) -> bool:
    """Whether a .pos or .epos that begins with `head` says that it was simulated."""
    return head.startswith(SIMULATED)


def probe_pos(probe: FileProbe) -> Claim:
    """Say YES to plausible big-endian ions, MAYBE to little-endian ones, which `read` explains."""
    return _claim(probe, RECORD)


def probe_epos(probe: FileProbe) -> Claim:
    """Say YES and MAYBE as `probe_pos` does, to records of 44 bytes."""
    return _claim(probe, EPOS_RECORD)


def probe_apt(probe: FileProbe) -> Claim:
    """Say YES to the header of AP Suite."""
    known = probe.head[:8] == APT_SIGNATURE + struct.pack("<i", 540)
    return Claim.YES if known and not probe.is_dir else Claim.NO


def probe_ato(probe: FileProbe) -> Claim:
    """Say YES to a header of version 3 or 5, and MAYBE to 4 or 6, which `read` explains."""
    if probe.is_dir or len(probe.head) < 8:
        return Claim.NO
    versions = {struct.unpack_from(f"{order}I", probe.head, 4)[0] for order in "<>"}
    if versions & {3, 5}:
        return Claim.YES
    return Claim.MAYBE if versions & {4, 6} else Claim.NO


def probe_hdf5(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head names the columns of a table of ions, or NXapm.

    MAYBE where it names raw events of the same instruments, which `read` explains.
    """
    head = probe.head
    if not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Claim.NO
    if b"NXapm" in head or b"atom_probe" in head or (b"df\0" in head and b"axis0" in head):
        return Claim.YES
    return Claim.MAYBE if b"dld\0" in head and b"tdc\0" in head else Claim.NO


def _claim(probe: FileProbe, record: int) -> Claim:
    if probe.is_dir or len(probe.head) < record:
        return Claim.NO
    if _plausible(probe.head, ">", record):
        return Claim.YES
    return Claim.MAYBE if _plausible(probe.head, "<", record) else Claim.NO


def _plausible(head: bytes, order: str, record: int) -> bool:
    number = len(head) // record
    ions = [struct.unpack_from(f"{order}4f", head, i * record) for i in range(number)]
    good = sum(
        all(c == 0 or 1e-6 < abs(c) <= LARGEST_POSITION for c in ion[:3])
        and (ion[3] == 0 or 0.1 <= ion[3] <= LARGEST_MASS)
        for ion in ions
    )
    return good >= 0.9 * number and any(0.5 <= ion[3] <= LARGEST_MASS for ion in ions)
