"""Parameters of the analyses; every value used is written into the findings' source."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PeakParams", "PhaseParams"]


class PeakParams(BaseModel):
    """How peaks are found and fitted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    baseline: Literal["asls", "arpls", "iarpls", "aspls", "airpls", "drpls"] = "arpls"
    lam: float | None = Field(None, gt=0, description="smoothness; None: from the peaks' width")
    p: float = Field(0.01, gt=0, lt=1, description="asymmetry of asls")
    significance: float = Field(5.0, ge=2, description="least peak over noise, in std")
    shape: Literal["auto", "free", "shared"] = "auto"
    axis_min: float | None = Field(None, description="lowest 2theta [deg] or q [1/angstrom] used")
    axis_max: float | None = Field(None, description="highest 2theta [deg] or q [1/angstrom] used")
    wavelength: float | None = Field(None, gt=0, description="where the file has none [angstrom]")


class PhaseParams(PeakParams):
    """How peaks are matched to phases, beside how they are found.

    `phases` None means the whole library and all CIFs among the study's references; a CIF
    replaces a library entry of the same formula and space group.
    """

    phases: list[str] | None = None
    use_references: bool = True
    k: float = Field(3.0, gt=0, description="tolerance in standard deviations")
    plain_tolerance: float | None = Field(
        None, gt=0, description="plain tolerance instead [1/angstrom], such as 0.01"
    )
    shift: Literal["auto", "none", "zero", "displacement"] = "auto"
    apply_shift: bool = True
    shift_limit: float = Field(0.5, gt=0, le=2, description="largest shift sought [deg]")
    shift_prior: float = Field(
        0.1, ge=0, le=2, description="std of the shift where none can be fitted [deg]"
    )
    profile_std: float = Field(
        0.05, ge=0, le=1, description="error of a position by a wrong profile, in widths"
    )
    least_share: float = Field(0.7, gt=0, le=1, description="strong intensity needed for present")
    greatest_chance: float = Field(
        1e-3, gt=0, lt=1, description="largest chance of an accidental match, all phases together"
    )
    listed_std: float = Field(
        0.005, gt=0, description="std of an entered position without one [1/angstrom]"
    )
    blank: str | None = Field(
        None,
        description="reference file with the pattern of the wet cell or holder alone, which is "
        "scaled and taken away",
    )
    whole_pattern: bool = Field(
        True, description="fit the whole pattern too, as a second opinion and for mass fractions"
    )
    grain_size: float | None = Field(
        None, gt=0, description="size of the powder's grains, for micro-absorption [um]"
    )
    polarisation: float | None = Field(
        None,
        ge=0,
        le=1,
        description="K of 1 + K cos^2(2theta): 1 unpolarised, 0 where it is divided out already; "
        "None: not known, taken as 1 with an error",
    )
