"""Parameters of the analyses of maps, profiles and masses per area."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from consilience_xrf.amounts.emission import LINE_NAME

__all__ = [
    "DensityParams",
    "LayerParams",
    "MapsParams",
    "ProfileParams",
    "SensitivityParams",
    "StandardMass",
]

Positive = Annotated[float, Field(gt=0.0, le=1e12, allow_inf_nan=False)]
Relative = Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]
Angle = Annotated[float, Field(gt=0.0, le=90.0)]
Place = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Formula = Annotated[str, Field(min_length=1, max_length=80)]
Basis = Literal["monitor", "dwell", "live_time", "real_time", "dead_time"]
_STRICT = ConfigDict(frozen=True, extra="forbid")
_LINE = re.compile(LINE_NAME)


class LayerParams(BaseModel):
    """A layer on the way of the X-rays.

    Parameters
    ----------
    material : str or dict
        A formula, or formulas with their mass fractions.
    density : float, optional
        g/cm³; an element's is looked up.
    thickness : float
        µm.
    thickness_std : float or None
        µm; None: not known.
    """

    model_config = _STRICT

    material: Formula | dict[Formula, Positive]
    density: Positive | None = None
    thickness: Annotated[float, Field(ge=0.0, le=1e7)]
    thickness_std: Annotated[float, Field(ge=0.0, le=1e7)] | None = None


class StandardMass(BaseModel):
    """Mass per area of an element in a standard, µg/cm², and its standard deviation."""

    model_config = _STRICT

    mass: Positive
    std: Annotated[float, Field(ge=0.0)] | None = None


class _Maps(BaseModel):
    """What all analyses of maps share.

    Parameters
    ----------
    lines : tuple of str
        Maps to take, such as ``"Pt_La"``; by default all that the measurements have.
    normalise_by : tuple of str
        Of these, what all measurements have; ``()`` divides by nothing.
    monitor_std : float, optional
        Relative standard deviation of the monitor at a point; by default 1/√counts.
    counting : bool
        √N for maps in counts without a standard deviation: the least that it can be.
    incident_energy : float, optional
        keV, where the files do not say.
    incident_angle, takeoff_angle : float
        Degrees between surface and beam, and surface and detector.
    matrix : str or dict, optional
        What the elements lie in, formula or mass fractions, with `matrix_density` in g/cm³; by
        default each element by itself.
    matrix_density : float, optional
        g/cm³.
    """

    model_config = _STRICT

    lines: tuple[str, ...] = ()
    normalise_by: tuple[Basis, ...] = ("monitor", "dwell", "live_time", "real_time", "dead_time")
    monitor_std: Relative | None = None
    counting: bool = True
    incident_energy: Positive | None = None
    incident_angle: Angle = 90.0
    takeoff_angle: Angle = 90.0
    matrix: Formula | dict[Formula, Positive] | None = None
    matrix_density: Positive | None = None

    @model_validator(mode="after")
    def _sound(self) -> _Maps:
        for name in self.lines:
            if not _LINE.fullmatch(name):
                raise ValueError(f"{name!r} is no line; write for example 'Pt_La' or 'Fe_K'")
        return self


class MapsParams(_Maps):
    """Parameters of `run_maps`; the shared ones are those of `_Maps`.

    Parameters
    ----------
    percentile : float
        The robust number beside the greatest value.
    electrolyte : LayerParams, optional
        Over the sample; by default 10 µm of 1 mol/L LiPF6 in carbonates as an example.
    dry : str
        Name of the measurement, or value of its state, that was taken without electrolyte; the
        others are then held against it.
    """

    percentile: Annotated[float, Field(gt=50.0, lt=100.0)] = 99.5
    electrolyte: LayerParams | None = None
    dry: str = ""


class ProfileParams(_Maps):
    """Parameters of `run_profile`; the shared ones are those of `_Maps`.

    Parameters
    ----------
    start, end : (x, y), optional
        In the unit of the scan's positions; by default along x through the middle of each map.
    width : float, optional
        Of the strip across the line; by default all of the map.
    step : float, optional
        Of a bin; by default the greater of the steps along x and y.
    """

    start: tuple[Place, Place] | None = None
    end: tuple[Place, Place] | None = None
    width: Positive | None = None
    step: Positive | None = None

    @model_validator(mode="after")
    def _ends(self) -> ProfileParams:
        if (self.start is None) != (self.end is None):
            raise ValueError("a line needs both 'start' and 'end'")
        return self


class SensitivityParams(_Maps):
    """Parameters of `run_sensitivity`; the shared ones are those of `_Maps`.

    Parameters
    ----------
    standard : dict
        Element to its mass per area in this measurement.
    over : tuple of LayerParams
        Over the standard.
    """

    standard: dict[str, StandardMass] = {}
    over: tuple[LayerParams, ...] = ()


class DensityParams(_Maps):
    """Parameters of `run_density`; the shared ones are those of `_Maps`.

    One of three says how many counts a mass gives: `standard_measurement` with `standard`;
    `sensitivity` from `xrf.sensitivity`; or `photons` with `solid_angle`.

    Parameters
    ----------
    standard_measurement : str
        Name or ID of a measurement of the same sample that is the standard.
    standard : dict
        Element to its mass per area in that measurement.
    sensitivity : dict
        Line to counts for 1 µg/cm² and one unit of exposure, with the standard deviation.
    transfer : bool
        Lines without a standard of their own: by fundamental parameters from one that has.
    photons : float, optional
        On the sample for one unit of exposure (of the monitor, a second, or a point).
    photons_std, solid_angle_std : float, optional
        Relative; None: not known, and so is the systematic error.
    solid_angle : float, optional
        sr.
    over, before : tuple of LayerParams
        Over the sample; before the detector.
    detector_thickness : float
        µm of silicon.
    self_absorption : bool
        False takes layers as thin.
    fractions : dict
        Element to its mass fraction in `matrix`, for self-absorption; by default 1.
    """

    standard_measurement: str = ""
    standard: dict[str, StandardMass] = {}
    sensitivity: dict[str, StandardMass] = {}
    transfer: bool = True
    photons: Positive | None = None
    photons_std: Relative | None = None
    solid_angle: Annotated[float, Field(gt=0.0, le=12.6)] | None = None
    solid_angle_std: Relative | None = None
    over: tuple[LayerParams, ...] = ()
    before: tuple[LayerParams, ...] = ()
    detector_thickness: Positive = 450.0
    self_absorption: bool = True
    fractions: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = {}
