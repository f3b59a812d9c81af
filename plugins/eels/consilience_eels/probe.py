"""Is this EMSA text with an energy loss?  Looks at the head alone and imports nothing heavy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

from consilience.declarations import Claim, FileProbe

__all__ = ["FORMAT", "SIGNAL", "probe_msa"]

FORMAT = re.compile(rb"\s*#FORMAT\s*:\s*EMSA/MAS", re.IGNORECASE)
SIGNAL = re.compile(rb"^#SIGNALTYPE\s*:\s*([A-Z]+)", re.MULTILINE | re.IGNORECASE)


def probe_msa(probe: FileProbe) -> Claim:
    """Say YES if the header names an energy loss, MAYBE if it names no type, NO to others."""
    if not FORMAT.match(probe.head):
        return Claim.NO
    signal = SIGNAL.search(probe.head)
    if signal is None:
        return Claim.MAYBE
    return Claim.YES if signal.group(1).upper() == b"ELS" else Claim.NO
