"""Parameters of the analyses of volumes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Box", "ComponentParams", "SurfaceParams"]

Positive = Annotated[float, Field(gt=0.0, le=1e6)]
Label = Annotated[int, Field(ge=0, le=255)]
Range = tuple[float, float]


class Box(BaseModel):
    """Part of a volume, in the unit of its axes (um, or voxels where their size is unknown)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    z: Range | None = None
    y: Range | None = None
    x: Range | None = None
    name: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Box:
        for axis in ("z", "y", "x"):
            found = getattr(self, axis)
            if found is not None and not found[0] < found[1]:
                raise ValueError(f"box: {axis} runs from {found[0]:g} to {found[1]:g}")
        return self


class SurfaceParams(BaseModel):
    """Parameters of ``compton.surface``; lengths in um.

    Parameters
    ----------
    solid : tuple of int, optional
        Labels under the interface; by default all but 0.
    threshold : float, optional
        Grey value of the interface; by default Otsu's.
    bright : bool
        The solid is brighter than the threshold.
    axis, side : optional
        Which axis crosses the interface, and from which end one looks; by default found.
    form : {"mean", "plane", "second"}
        What is taken off the heights.
    cutoff, shortest : float, optional
        Cut-off lengths λ_c (L-filter) and λ_s (S-filter); none by default.
    connectivity : {6, 26}
        What counts as hanging together.
    least_voxels : int
        Smaller pieces are noise.
    resolution : float, optional
        Full width at half maximum of the blur of the volume.
    mask_overhangs : bool
        Leave columns with an overhang out.
    subsurface : float, optional
        Depth below the surface in which pores are counted; by default ten voxels.
    tile : float, optional
        Side of the tiles of the map of density; by default an eighth of the shorter side.
    box : Box, optional
        Part of the volume to look at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    solid: tuple[Label, ...] | None = None
    threshold: float | None = None
    bright: bool = True
    axis: Literal["z", "y", "x"] | None = None
    side: Literal["high", "low"] | None = None
    form: Literal["mean", "plane", "second"] = "second"
    cutoff: Positive | None = None
    shortest: Positive | None = None
    connectivity: Literal[6, 26] = 6
    least_voxels: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    resolution: Positive | None = None
    mask_overhangs: bool = False
    subsurface: Positive | None = None
    tile: Positive | None = None
    box: Box | None = None


class ComponentParams(BaseModel):
    """Parameters of ``compton.components``; lengths in um.

    Parameters
    ----------
    names : dict
        Label to the name of its phase.
    axis : {"z", "y", "x"}
        Columns along it are summed.
    boxes : tuple of Box
        Parts of the volume to tell apart; the whole is always told.
    lithium : tuple of int
        Labels that are lithium metal, for α and β.
    regions : dict, optional
        1, 2 and 3 to the lower and upper edge of the sheet beam along `axis`, from the first face
        of the volume on; with `lithium`, α and β are told.
    edge_std : float
        Standard deviation of the beam's place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: dict[Label, str] = {}
    axis: Literal["z", "y", "x"] = "z"
    boxes: tuple[Box, ...] = ()
    lithium: tuple[Label, ...] = ()
    regions: dict[Annotated[int, Field(ge=1, le=3)], Range] | None = None
    edge_std: Annotated[float, Field(ge=0.0, le=1e4)] = 0.0
