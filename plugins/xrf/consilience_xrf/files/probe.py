"""Is this file ours?  Looks at the head alone and imports nothing heavy."""

from __future__ import annotations

import re

from consilience.declarations import Claim, FileProbe

__all__ = [
    "NUMBER",
    "SPEC_LINE",
    "probe_aps",
    "probe_mca",
    "probe_nexus",
    "probe_processed",
    "probe_pymca",
    "probe_spe",
    "probe_spec",
]  # fmt: skip

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""A decimal number; not ``nan``, ``inf`` or ``1_000``, which float() would take."""

SPEC_LINE = re.compile(r"#(?:F |S \d+ |@MCA)|@A ", re.ASCII)
"""Lines that only a SPEC file with scans has."""


def probe_mca(probe: FileProbe) -> Claim:
    """Say YES to comments followed by single numbers, NO to SPEC scans."""
    if probe.is_dir or b"\0" in probe.head:
        return Claim.NO
    lines = probe.head.decode("latin-1").splitlines()
    if len(probe.head) >= 4096 and lines:
        lines.pop()  # cut by the end of the head
    if any(SPEC_LINE.match(line) for line in lines):
        return Claim.NO
    filled = [line.strip() for line in lines if line.strip()]
    data = [line for line in filled if not line.startswith("#")]
    if data and all(NUMBER.fullmatch(line) for line in data):
        return Claim.YES
    return Claim.NO


HDF5 = b"\x89HDF\r\n\x1a\n"

_FLUORESCENCE = (b"NXfluo", b"fluorescence", b"XRF Elemental Maps", b"xsp3", b"xspress3")
"""Words in the head of a NeXus file that speak of fluorescence."""


def probe_nexus(probe: FileProbe) -> Claim:
    """Say YES to HDF5 whose head speaks of fluorescence, and NO to any other.

    Other readers take NeXus files too; a file that holds several techniques is claimed by all
    of them, and the user chooses.
    """
    ours = probe.head.startswith(HDF5) and any(word in probe.head for word in _FLUORESCENCE)
    return Claim.YES if ours else Claim.NO


def probe_processed(probe: FileProbe) -> Claim:
    """Say YES to NeXus under a name that speaks of fluorescence, where the head says nothing."""
    nexus = probe.head.startswith(HDF5) and re.search(rb"NX_class|NXentry|NXroot", probe.head)
    known = probe_nexus(probe) or probe_aps(probe) or probe_pymca(probe)
    return Claim.YES if nexus and not known else Claim.NO


def probe_aps(probe: FileProbe) -> Claim:
    """HDF5 whose root has the group ``MAPS`` of XRF-Maps."""
    if not probe.head.startswith(HDF5):
        return Claim.NO
    return Claim.YES if re.search(rb"\0MAPS\0", probe.head) else Claim.NO


def probe_pymca(probe: FileProbe) -> Claim:
    """HDF5 that says PyMca created it."""
    if not probe.head.startswith(HDF5):
        return Claim.NO
    ours = b"pymca" in probe.head.lower()
    return Claim.YES if ours else Claim.NO


def probe_spec(probe: FileProbe) -> Claim:
    """SPEC scans with spectra; a header longer than the head leaves it open."""
    if probe.is_dir or b"\0" in probe.head:
        return Claim.NO
    lines = probe.head.decode("latin-1").splitlines()
    if any(re.match(r"#@MCA|@A ", line, re.ASCII) for line in lines):
        return Claim.YES
    scans = any(re.match(r"#S \d+ ", line, re.ASCII) for line in lines)
    return Claim.MAYBE if scans else Claim.NO


def probe_spe(probe: FileProbe) -> Claim:
    """Sections ``$…:``; sure where one of them is known."""
    if probe.is_dir or b"\0" in probe.head:
        return Claim.NO
    known = re.search(rb"^\$(?:SPEC_ID|DATA|MEAS_TIM|DATE_MEA|MCA_CAL):", probe.head, re.MULTILINE)
    return Claim.YES if known else Claim.NO
