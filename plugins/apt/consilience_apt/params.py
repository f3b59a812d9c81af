"""Parameters of the analyses; every value used is written into the findings' source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CompositionParams",
    "HomogeneityParams",
    "ProfileParams",
    "RangeParams",
    "RegionSpec",
    "SpectrumParams",
    "SurfaceParams",
]

Point = tuple[float, float, float]
Relative = Annotated[float, Field(gt=0.0, lt=1.0)]


class RangeParams(BaseModel):
    """Which ranges are used, and how ions are counted over mass.

    `ranges` names a registered reference file; without it the range file registered beside
    the ions is used, and where there is none, ranges are proposed from the spectrum.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ranges: str | None = None
    elements: list[str] | None = Field(
        None, description="what peaks may be; None: the ranges', the sample's, and hydrogen"
    )
    most_atoms: int = Field(4, ge=1, le=4, description="of a molecular ion that is looked for")
    charges: list[int] = Field([1, 2, 3, 4], min_length=1, max_length=4)
    bin_width: float = Field(0.01, ge=0.001, le=0.1, description="of the mass spectrum [Da]")
    background: Literal["flight", "local", "none"] = "flight"


class SpectrumParams(RangeParams):
    """How peaks are found and identified, and how ranges are held against the isotopes."""

    threshold: float = Field(5.0, ge=3.0, description="least peak, in standard deviations")
    rivals: int = Field(5, ge=1, le=12, description="candidates kept for each peak")
    level: float = Field(0.95, gt=0.5, lt=1.0, description="of intervals of traces")


class RegionSpec(BaseModel):
    """A region of interest; lengths in nm, in the frame of the reconstruction.

    box: `centre`, `size`; cylinder: `centre`, `radius`, `length`; sphere: `centre`, `radius`; slab:
    `low`, `high` along `direction`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1)
    shape: Literal["box", "cylinder", "sphere", "slab"]
    centre: Point | None = None
    size: Point | None = None
    radius: float | None = None
    length: float | None = None
    low: float | None = None
    high: float | None = None
    direction: Literal["x", "y", "z"] | Point = "z"

    @model_validator(mode="after")
    def _complete(self) -> RegionSpec:
        needed = {
            "box": ("centre", "size"),
            "cylinder": ("centre", "radius", "length"),
            "sphere": ("centre", "radius"),
            "slab": ("low", "high"),
        }[self.shape]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"region {self.label!r}: a {self.shape} needs {', '.join(missing)}")
        return self


class CompositionParams(RangeParams):
    """What is composed, and which systematic effects are stated.

    `efficiency_std` and `field_loss_std` are relative standard deviations of the counts of one
    species against another; without them those effects stay unknown, and so does the
    systematic error.
    """

    regions: list[RegionSpec] = []
    efficiency_std: Relative | None = None
    field_loss_std: Relative | None = None
    overlaps: bool = True
    level: float = Field(0.95, gt=0.5, lt=1.0, description="of intervals")


class DepthParams(RangeParams):
    """Along which axis, and how well the reconstruction's scale is known (relative)."""

    element: str | None = Field(
        None, description="whose fraction is divided; None: the one that varies most"
    )
    axis: Literal["x", "y", "z"] = "z"
    width: float | None = Field(None, gt=0, description="of the finest bins [nm]; None: by counts")
    most_changes: int = Field(4, ge=0, le=6)
    field_factor_std: Relative | None = None
    image_compression_std: Relative | None = None
    efficiency_relative_std: Relative | None = None
    evaporation_field_std: Relative | None = None


class ProfileParams(DepthParams):
    """How a profile is divided, and what is said of the stretches."""

    efficiency: float | None = Field(None, gt=0, le=1, description="detection efficiency")
    area_relative_std: Relative | None = None
    simulations: int = Field(50, ge=0, le=1000, description="to check an interface's errors")
    map_voxel: float = Field(1.0, gt=0, description="of the map over x and z [nm]")
    map_sigma: float = Field(1.0, ge=0, description="delocalisation of the map [nm]")
    efficiency_std: Relative | None = None
    field_loss_std: Relative | None = None


class HomogeneityParams(DepthParams):
    """Which tests, on how many ions.

    Each stretch without a change point is tested for itself; `low` and `high` name one stretch.
    """

    low: float | None = None
    high: float | None = None
    block: int = Field(100, ge=10, le=10_000, description="ions in a block")
    most_ions: int = Field(30_000, ge=200, le=1_000_000, description="whose places are compared")
    relabellings: int = Field(399, ge=39, le=9999)
    reach: float = Field(1.5, gt=0, le=10, description="of the radial distribution [nm]")
    level: float = Field(0.05, gt=0, lt=0.5, description="of all tests of a stretch together")

    @model_validator(mode="after")
    def _reachable(self) -> HomogeneityParams:
        # five tests share the level, and a two-sided p-value is 2/(n + 1) at least
        if 2 * 5 / (self.relabellings + 1) >= self.level:
            raise ValueError(
                f"with {self.relabellings} relabellings no p-value can be below a fifth of "
                f"{self.level:g}; take more than {10 / self.level:.0f}"
            )
        return self


class SurfaceParams(RangeParams):
    """An iso-concentration surface and the composition against the distance to it."""

    element: str | None = None
    concentration: float | None = Field(
        None, gt=0, lt=1, description="fraction on the surface; None: midway"
    )
    voxel: float | None = Field(
        None, gt=0, description="[nm]; None: 1, or what holds some eight ions"
    )
    sigma: float | None = Field(
        None, ge=0, description="delocalisation [nm]; None: as large as a voxel"
    )
    width: float = Field(0.5, gt=0, description="of the bins of distance [nm]")
    reach: float = Field(5.0, gt=0, description="largest distance [nm]")
    repeats: int = Field(8, ge=2, le=200, description="resampled surfaces, for the area's error")
    efficiency: float | None = Field(None, gt=0, le=1)
