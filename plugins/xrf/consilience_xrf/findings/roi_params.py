"""Parameters of ``xrf.roi``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RoiParams"]

Energy = Annotated[float, Field(gt=0.1, le=800.0)]


class RoiParams(BaseModel):
    """Parameters of `consilience_xrf.findings.roi_run.run_roi`.

    Parameters
    ----------
    elements : tuple of str
        Elements (``"Fe"``) or families (``"Pt_L"``), beside those of the sample.
    incident_energy : float, optional
        keV; by default what the file says.
    noise : float, optional
        FWHM of the electronics, keV; by default from the widths of single peaks.
    half, side : float
        Line widths (FWHM) from a line to the ends of its window, and of the background on each
        side.
    maps : bool
        Windows of each spectrum of a scan; False: of their sum alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    elements: tuple[str, ...] = ()
    incident_energy: Energy | None = None
    noise: Annotated[float, Field(gt=0.0, le=2.0)] | None = None
    half: Annotated[float, Field(ge=0.3, le=5.0)] = 1.0
    side: Annotated[float, Field(ge=0.2, le=5.0)] = 0.6
    maps: bool = True
