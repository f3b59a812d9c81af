"""Is this a file of diffraction patterns?  Looks at the head alone and imports nothing heavy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.declarations import Claim, FileProbe

__all__ = ["MAGIC", "probe_diffraction"]

MAGIC: dict[str, tuple[bytes, ...]] = {".blo": (b"IMGBLO",), ".mib": (b"MQ1,",)}
"""How the files of each suffix begin."""


def probe_diffraction(probe: FileProbe) -> Claim:
    """Say YES if the beginning is that of a block file or of Merlin's frames."""
    starts = MAGIC.get(probe.suffix, ())
    return Claim.YES if starts and probe.head.startswith(starts) else Claim.NO
