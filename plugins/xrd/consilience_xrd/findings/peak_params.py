"""Parameters of the analysis of peaks alone."""

from __future__ import annotations

from pydantic import Field

from consilience_xrd.findings.params import PeakParams

__all__ = ["LineParams"]


class LineParams(PeakParams):
    """How peaks are found, and with which blank their baseline is held against."""

    blank: str | None = Field(
        None, description="reference file with the pattern of the wet cell or holder alone"
    )
