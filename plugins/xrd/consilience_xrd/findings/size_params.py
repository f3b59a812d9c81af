"""Parameters of the analysis of size and strain."""

from __future__ import annotations

from pydantic import Field

from consilience_xrd.findings.params import PhaseParams

__all__ = ["SizeParams"]


class SizeParams(PhaseParams):
    """How sizes and strains are taken from the breadths of lines.

    Without `calibrant` the instrument's share is not known, and only lower bounds of sizes and
    upper bounds of strains follow.
    """

    calibrant: str | None = Field(
        None, description="reference file with the pattern of LaB6, CeO2 or the like"
    )
    scherrer_constant: float = Field(
        1.0, gt=0.5, lt=2, description="K for integral breadths; 1: length of columns"
    )
