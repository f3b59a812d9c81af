"""Is this file ours?  Looks at the head alone."""

from __future__ import annotations

from consilience.declarations import Claim, FileProbe

__all__ = ["MAGIC", "probe_text"]

MAGIC = "#raman-spectrum 1"


def probe_text(probe: FileProbe) -> Claim:
    """Say YES to files whose first line is the format's, NO to everything else."""
    first = probe.head.splitlines()[:1]
    return Claim.YES if first == [MAGIC.encode()] else Claim.NO
