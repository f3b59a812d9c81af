"""Parameters of ``xrf.elements``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ElementsParams", "PathLayer"]

Energy = Annotated[float, Field(gt=0.1, le=800.0)]


class PathLayer(BaseModel):
    """A layer between sample and detector: formula or NIST compound, g/cm³, µm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    material: Annotated[str, Field(min_length=1, max_length=100)]
    density: Annotated[float, Field(gt=0.0, le=25.0)]
    thickness: Annotated[float, Field(gt=0.0, le=1e7)]


class ElementsParams(BaseModel):
    """Parameters of `consilience_xrf.findings.elements_run.run_elements`.

    Parameters
    ----------
    elements : tuple of str
        Elements (``"Fe"``) that are fitted in any case, beside those of the sample.
    search : bool
        Look for other elements too.
    incident_energy : float, optional
        keV; by default what the file says.
    scattering_angle : float, optional
        Degrees between beam and detector; by default from the Compton peak.
    path : tuple of PathLayer
        What lies between sample and detector: air, window, dead layer.
    detector : {"Si", "Ge"}
    detector_thickness : float
        µm.
    calibrate : bool
        Fit zero, gain and noise on elements that are sure.
    background : {"auto", "columns", "splines", "snip"}
        As of `consilience_xrf.fitting.maps.fit_maps`.
    low, high : float, optional
        keV that are fitted.
    maps : bool
        Fit each spectrum of a scan; False: their sum alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    elements: tuple[str, ...] = ()
    search: bool = True
    incident_energy: Energy | None = None
    scattering_angle: Annotated[float, Field(gt=0.0, le=180.0)] | None = None
    path: tuple[PathLayer, ...] = ()
    detector: Literal["Si", "Ge"] = "Si"
    detector_thickness: Annotated[float, Field(gt=0.0, le=1e5)] = 450.0
    calibrate: bool = True
    background: Literal["auto", "columns", "splines", "snip"] = "auto"
    low: Energy | None = None
    high: Energy | None = None
    maps: bool = True
