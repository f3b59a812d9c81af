"""Parameters of the analyses; every value used is written into the findings' source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CompositionParams",
    "FacetParams",
    "HomogeneityParams",
    "PlaneParams",
    "ProfileParams",
    "RangeParams",
    "ReconstructionParams",
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


class ScaleParams(RangeParams):
    """How well the reconstruction's parameters are known (relative); None is unknown."""

    field_factor_std: Relative | None = None
    image_compression_std: Relative | None = None
    efficiency_relative_std: Relative | None = None
    evaporation_field_std: Relative | None = None


class DepthParams(ScaleParams):
    """Along which axis a profile is counted, and how it is divided."""

    element: str | None = Field(
        None, description="whose fraction is divided; None: the one that varies most"
    )
    axis: Literal["x", "y", "z"] = "z"
    width: float | None = Field(None, gt=0, description="of the finest bins [nm]; None: by counts")
    most_changes: int = Field(4, ge=0, le=6)


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


class IsoParams(RangeParams):
    """How an iso-concentration surface is made."""

    element: str | None = Field(None, description="None: the one that varies most along z")
    concentration: float | None = Field(
        None, gt=0, lt=1, description="fraction on the surface; None: midway"
    )
    voxel: float | None = Field(
        None, gt=0, description="[nm]; None: 1, or what holds some eight ions"
    )
    sigma: float | None = Field(
        None, ge=0, description="delocalisation [nm]; None: as large as a voxel"
    )
    repeats: int = Field(8, ge=2, le=200, description="resampled surfaces, for the area's error")
    efficiency: float | None = Field(None, gt=0, le=1, description="detection efficiency")


class SurfaceParams(IsoParams):
    """An iso-concentration surface and the composition against the distance to it."""

    width: float = Field(0.5, gt=0, description="of the bins of distance [nm]")
    reach: float = Field(5.0, gt=0, description="largest distance [nm]")


class FacetParams(IsoParams):
    """Facets of an iso-concentration surface, and how much of each species lies on them."""

    concentration: float | None = Field(
        0.25, gt=0, lt=1, description="fraction on the surface; None: midway"
    )
    species: list[str] | None = Field(
        None, min_length=1, max_length=12, description="elements or ions; None: other elements"
    )
    tolerance: float = Field(20.0, gt=0, lt=60, description="of a facet's directions [degree]")
    most_facets: int = Field(8, ge=1, le=50)
    least_area: float = Field(10.0, gt=0, description="of a facet [nm^2]")
    half_width: float = Field(1.0, gt=0, description="within which a species is on a facet [nm]")
    flank: float = Field(2.0, gt=0, description="beyond that, what is taken for the bulk [nm]")
    area_relative_std: Relative | None = None
    efficiency_relative_std: Relative | None = None


class ReconstructionParams(ScaleParams):
    """What the reconstruction was made with, and the density of the solid."""

    field_factor: float | None = Field(None, gt=0, le=20, description="k_f, as it was put in")
    image_compression: float | None = Field(None, gt=0, le=10, description="as it was put in")
    efficiency: float | None = Field(None, gt=0, le=1, description="detection efficiency")
    solid_density: float | None = Field(None, gt=0, description="atoms of the solid [1/nm^3]")
    solid_density_relative_std: Relative | None = None
    voxel: float | None = Field(
        None, gt=0, description="in which the needle's volume is told [nm]; None: some 20 ions"
    )


class PlaneParams(ScaleParams):
    """Where, across which direction and for which spacings lattice planes are looked for."""

    region: RegionSpec | None = Field(
        None, description="None: a cylinder, 6 nm wide and 20 nm long, about the needle's middle"
    )
    direction: Literal["x", "y", "z"] | Point = "z"
    element: str | None = Field(None, description="only ions with it; None: all ions")
    smallest: float = Field(0.1, gt=0, description="spacing that is looked for [nm]")
    largest: float = Field(0.6, gt=0, description="spacing that is looked for [nm]")
    lateral: float = Field(0.5, gt=0, le=2, description="of neighbours across the normal [nm]")
    depth: float = Field(1.5, gt=0, le=5, description="of neighbours along the normal [nm]")
    most_ions: int = Field(50_000, ge=50, le=200_000, description="of the region")
    trials: int = Field(99, ge=4, le=999, description="without planes, for the p-value")
    level: float = Field(0.01, gt=0, lt=0.5, description="p-value up to which planes count")

    @model_validator(mode="after")
    def _reachable(self) -> PlaneParams:
        if not self.smallest < self.largest <= self.depth:
            raise ValueError(
                f"spacings from {self.smallest:g} to {self.largest:g} nm with differences of up "
                f"to {self.depth:g} nm; take smallest < largest <= depth"
            )
        if 1 / (self.trials + 1) > self.level * (1 + 1e-9):
            raise ValueError(
                f"with {self.trials} trials no p-value can be as low as {self.level:g}; take "
                f"{1 / self.level - 1:.0f} or more"
            )
        return self
