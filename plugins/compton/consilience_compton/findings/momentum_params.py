"""Parameters of the analyses of electron momentum."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Absorber", "ChangeParams", "MomentumParams", "PixelBox", "RegionParams"]

Energy = Annotated[float, Field(gt=0.0, le=1000.0)]
Angle = Annotated[float, Field(gt=0.0, le=180.0)]
Std = Annotated[float, Field(ge=0.0, le=1000.0)]
Length = Annotated[float, Field(gt=0.0, le=1e5)]
Interval = tuple[float, float]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PixelBox(_Model):
    """A named box of pixels.

    Parameters
    ----------
    name : str
    rows, columns : tuple of int, optional
        First and last, both belong to it; None: all.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, pair in (("rows", self.rows), ("columns", self.columns)):
            if pair is not None and not 0 <= pair[0] <= pair[1]:
                raise ValueError(f"{name}: from {pair[0]} to {pair[1]} is no range of pixels")
        return self


class Absorber(_Model):
    """What scattered photons pass: a formula, g/cm³, and µm along the ray."""

    formula: Annotated[str, Field(min_length=1, max_length=80)]
    density: Annotated[float, Field(gt=0.0, le=25.0)]
    thickness: Length


class MomentumParams(_Model):
    """Parameters of ``compton.momentum``; what is None is taken from the file.

    Parameters
    ----------
    incident_energy, incident_energy_std : float, optional
        keV.
    scattering_angle, scattering_angle_std : float, optional
        Of the detector's middle, degrees.
    distance : float, optional
        From the pinhole, or a small sample, to the detector, mm.
    pixel_pitch : float, optional
        µm.
    angle_direction : str, optional
        ``+column``, ``-column``, ``+row`` or ``-row``: where the angle grows.
    aperture : float, optional
        Diameter of the pinhole, mm.
    low, high : tuple of intervals
        Windows of p_z whose counts are compared, atomic units.
    resolution, resolution_std : float
        Detector's FWHM at the peak and its standard deviation, keV.
    background : {"none", "linear"}
        Straight line in energy through `sides`.
    sides : pair of intervals, optional
        Below and above the peak, keV; None: nearest stretches without known lines.
    composition : str
        Formula of what scatters; with it the line's fit counts the profile's own tails.
    escape : {"report", "subtract", "ignore"}
        Excess counts at escape peaks of the elastic line.
    correct : bool
        Divide by cross-section, sensor and absorbers.
    polarisation : float
        0: electric field across the plane of scattering; 1: unpolarised; 2: in the plane.
    sensor : float, optional
        Thickness of the CdZnTe sensor, µm.
    absorbers : tuple of Absorber
    energy_scale : {"stated", "lines"}
        Energies as the file or its companion states them, or each pixel's by the detector's own
        lines, fitted as `compton.calibration` does.
    nominal_gain, nominal_offset : float
        keV a channel and keV at channel 0, to begin that fit with where the axis is in channels.
    centre : {"predicted", "found"}
        Windows lie around the energy that E₁ and θ give, or around the peak that is found.
    energy_offset_std : float, optional
        keV; None: what the fit of the lines says, or else the deviation of the peak from its place.
    multiple_scattering : float, optional
        Standard deviation of the share of photons that scattered more than once.
    wanted : float
        Relative error of EMR that pixels are pooled for.
    boxes : tuple of PixelBox
        Parts of the detector for which EMR is said as well.
    """

    incident_energy: Energy | None = None
    incident_energy_std: Std | None = None
    scattering_angle: Angle | None = None
    scattering_angle_std: Std | None = None
    distance: Length | None = None
    pixel_pitch: Length | None = None
    angle_direction: Literal["+column", "-column", "+row", "-row"] | None = None
    aperture: Length | None = None
    low: tuple[Interval, ...] = ((-1.0, 1.0),)
    high: tuple[Interval, ...] = ((-5.0, -1.0), (1.0, 5.0))
    resolution: Annotated[float, Field(gt=0.0, le=20.0)] = 0.8
    resolution_std: Annotated[float, Field(ge=0.0, le=5.0)] = 0.05
    background: Literal["none", "linear"] = "none"
    sides: tuple[Interval, Interval] | None = None
    composition: Annotated[str, Field(max_length=80)] = ""
    escape: Literal["report", "subtract", "ignore"] = "report"
    correct: bool = True
    polarisation: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    sensor: Length | None = None
    absorbers: tuple[Absorber, ...] = ()
    energy_scale: Literal["stated", "lines"] = "stated"
    nominal_gain: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    nominal_offset: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.0
    centre: Literal["predicted", "found"] = "predicted"
    energy_offset_std: Std | None = None
    multiple_scattering: Share | None = None
    wanted: Annotated[float, Field(gt=0.0, le=1.0)] = 0.03
    boxes: tuple[PixelBox, ...] = ()


class RegionParams(MomentumParams):
    """Parameters of ``compton.regions``, beside those of ``compton.momentum``.

    Parameters
    ----------
    region : str
        State variable or metadata that names the region: 1, R1 or ``region 1``, and so on.
    region_rows : three pairs of int, optional
        First and last row of the detector of regions 1, 2 and 3, where one image holds them all.
    alpha, beta : float, optional
        Volume of lithium metal in regions 2 and 1 for one in region 3.
    alpha_std, beta_std : float, optional
    correlation : float
        Of the errors of α and β.
    beam, cathode, electrolyte : float, optional
        Heights in µm, from which α and β follow where they are not given.
    beam_std, cathode_std, electrolyte_std, aligned_std : float
        µm; `aligned_std` is that of each beam's edge against its layer's.
    cathode_formula, electrolyte_formula : str
        For the tails of their profiles under a linear background.
    exposure_std : float, optional
        Relative standard deviation of each region's exposure against the others'.
    """

    region: Annotated[str, Field(min_length=1, max_length=80)] = "region"
    region_rows: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None = None
    alpha: float | None = None
    beta: float | None = None
    alpha_std: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    beta_std: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    correlation: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    beam: Length | None = None
    cathode: Length | None = None
    electrolyte: Length | None = None
    beam_std: Std = 0.0
    cathode_std: Std = 0.0
    electrolyte_std: Std = 0.0
    aligned_std: Std = 0.0
    cathode_formula: Annotated[str, Field(max_length=80)] = ""
    electrolyte_formula: Annotated[str, Field(max_length=80)] = ""
    exposure_std: Annotated[float, Field(ge=0.0, le=1.0)] | None = None


class ChangeParams(MomentumParams):
    """Parameters of ``compton.changes``, beside those of ``compton.momentum``.

    Parameters
    ----------
    along : str, optional
        State variable that orders the measurements; None: as they were registered.
    """

    along: str | None = None
