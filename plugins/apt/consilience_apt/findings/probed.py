"""What part of the needle findings speak of: its extent, and the volume that its ions fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft, Probe, Region
from consilience.progress import Progress, no_progress
from consilience.sizes import SIZES
from consilience_apt.files.stream import IonSource
from consilience_apt.findings.drafts_spectrum import FRAME
from consilience_apt.space.counting import Selects
from consilience_apt.space.roi import Box, Slab, Sphere
from consilience_apt.space.volumes import Filled, fillings

__all__ = ["with_extent"]

SAID = {
    "depth": "extent of the ions along z, as reconstructed",
    "lateral": "greater extent of the ions along x and y, as reconstructed",
    "volume": "voxels that ions fill at least by half, as reconstructed",
}


def with_extent(
    drafts: Sequence[FindingDraft],
    source: IonSource,
    selected: Mapping[str, Selects] | None = None,
    progress: Progress = no_progress,
) -> list[FindingDraft]:
    """Return findings with the size of the part of the needle that each speaks of.

    Parameters
    ----------
    drafts : sequence of FindingDraft
    source : IonSource
    selected : mapping, optional
        Label of a region to what selects its ions, where the region alone does not say it.
    progress : callable

    Returns
    -------
    list of FindingDraft
        Depth is the extent of the ions along z, the needle's axis, lateral size the greater one
        along x and y: those of the box around them.  The volume is that of voxels that they fill.
        A place along the axis has the width of the whole needle.  Nothing where ions have no
        positions, and where it is not known which ions a finding is of.
    """
    chosen: dict[str, Selects | None] = {}
    for draft in drafts:
        if draft.region is not None and draft.probe is None:
            key = draft.region.model_dump_json()
            if draft.region.shape in ("whole", "point"):
                chosen[_WHOLE] = None
            elif (region := _selects(draft.region, selected or {})) is not None:
                chosen[key] = region
    found = fillings(source, chosen, progress)
    return [_one(draft, found) for draft in drafts]


_WHOLE = ""


def _one(draft: FindingDraft, found: Mapping[str, Filled]) -> FindingDraft:
    if draft.region is None or draft.probe is not None:
        return draft
    whole = draft.region.shape in ("whole", "point")
    filled = found.get(_WHOLE if whole else draft.region.model_dump_json())
    if filled is None:
        return draft
    x, y, z = filled.sides
    volume = filled.volume
    sizes: dict[str, Quantity | None] = {
        "depth": _rounded(z, "nm"),
        "lateral": _rounded(max(x, y), "nm"),
        "volume": None if volume is None else _rounded(volume, "nm^3"),
    }
    if draft.region.shape == "point":
        sizes |= {"depth": None, "volume": None}
    said = {name: SAID[name] for name, size in sizes.items() if size is not None}
    evidence = {**draft.evidence, SIZES: said}
    return draft.model_copy(update={"probe": Probe(**sizes), "evidence": evidence})


def _selects(region: Region, selected: Mapping[str, Selects]) -> Selects | None:
    """Return what selects the ions of a region; None where its coordinates do not say it."""
    if region.label in selected:
        return selected[region.label]
    points = region.coordinates
    if region.shape == "sphere" and len(points) == 2 and len(points[0]) == 3:
        return Sphere((points[0][0], points[0][1], points[0][2]), points[1][0])
    if region.shape != "box" or len(points) != 2:
        return None
    low, high = points
    axis = region.frame.removeprefix(f"{FRAME}, ")
    if len(low) == 1:
        return Slab(low[0], high[0], axis) if axis in ("x", "y", "z") else None
    flat = any(a >= b for a, b in zip(low, high, strict=True))
    return None if len(low) != 3 or flat else Box.between(low, high)


def _rounded(value: float, unit: str) -> Quantity:
    return Quantity(value=float(f"{value:.4g}"), unit=unit)
