"""Is this one of the files read here?  Looks at the head alone and imports nothing heavy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

from consilience.declarations import Claim, FileProbe

__all__ = ["FORMAT", "MAGIC", "SIGNAL", "probe_microscope", "probe_msa"]

FORMAT = re.compile(rb"\s*#FORMAT\s*:\s*EMSA/MAS", re.IGNORECASE)
EMSA_TYPES = (b"ELS", b"EDS", b"EDX")
"""Of #SIGNALTYPE: energy loss, and X-rays as the standard and as some programs write it."""

SIGNAL = re.compile(rb"^#SIGNALTYPE\s*:\s*([A-Z]+)", re.MULTILINE | re.IGNORECASE)


def probe_msa(probe: FileProbe) -> Claim:
    """Say YES if the header names an energy loss or X-rays, MAYBE if no type, NO to others."""
    if not FORMAT.match(probe.head):
        return Claim.NO
    signal = SIGNAL.search(probe.head)
    if signal is None:
        return Claim.MAYBE
    return Claim.YES if signal.group(1).upper() in EMSA_TYPES else Claim.NO


MAGIC: dict[str, tuple[bytes, ...]] = {
    ".dm3": (b"\x00\x00\x00\x03",),
    ".dm4": (b"\x00\x00\x00\x04",),
    ".emd": (b"\x89HDF\r\n\x1a\n",),
    ".hspy": (b"\x89HDF\r\n\x1a\n",),
    ".zspy": (b"PK\x03\x04",),
    ".bcf": (b"AAMVHFSS",),
}
"""How the files of each suffix begin."""


def probe_microscope(probe: FileProbe) -> Claim:
    """Say YES if the beginning is that of a file of this suffix.

    In DigitalMicrograph's files the byte order, 0 or 1, follows version and size.
    """
    starts = MAGIC.get(probe.suffix, ())
    if not probe.head.startswith(starts) or not starts:
        return Claim.NO
    if probe.suffix in (".dm3", ".dm4"):
        order = 8 if probe.suffix == ".dm3" else 12
        if probe.head[order : order + 4] not in (b"\x00\x00\x00\x00", b"\x00\x00\x00\x01"):
            return Claim.NO
    return Claim.YES
