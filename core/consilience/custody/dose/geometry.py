"""How regions lie on each other: covered, partly, apart, or not known.

Regions compare only in one frame; `consilience.custody.dose.frames` says where two that name it
alike are in one.  Boxes (two opposite corners) and polygons (corners in order) in the plane have
an inside; points and lines have none.  What else there is (a mask, a body in three dimensions)
cannot be placed here, except on itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from consilience.errors import BadInputError
from consilience.model.finding import Region
from consilience.quantities import convert

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["Place", "highest_sum", "place"]

Place = Literal["covers", "part", "apart", "unknown"]

_GRID = 33
_MAX_EDGES = 400


def place(region: Region | None, wanted: Sequence[Region | None]) -> Place:
    """Return how an irradiated region lies to a place that lies within all of `wanted`.

    Parameters
    ----------
    region : Region or None
        What was irradiated; None: not recorded.
    wanted : sequence of Region or None
        What is asked for first, then what encloses it (where the sample was cut from its parent,
        where that was cut from the next …).

    Returns
    -------
    {"covers", "part", "apart", "unknown"}
        *covers*: all of what is asked for was irradiated.  *part*: some of the first of `wanted`.
    """
    if region is None:
        return "unknown"
    if region.shape == "whole":
        return "covers"
    found: Place = "unknown"
    for depth, target in enumerate(wanted):
        if target is None:
            continue
        relation = _relation(region, target)
        if relation in ("covers", "apart"):
            return relation
        if relation == "part" and depth == 0:
            found = "part"
    return found


def _relation(region: Region, target: Region) -> Place:
    if region.frame != target.frame:
        return "unknown"
    if target.shape == "whole":
        return "part" if _corners(region) is not None else "unknown"
    if (region.shape, region.coordinates, region.unit, region.array) == (
        target.shape,
        target.coordinates,
        target.unit,
        target.array,
    ):
        return "covers"
    first, second = _corners(region), _corners(target)
    if first is None or second is None:
        return "unknown"
    if region.unit != target.unit and None in (_scale(region.unit), _scale(target.unit)):
        return "unknown"  # pixels against micrometres
    low, high = first.min(axis=0), first.max(axis=0)
    low_target, high_target = second.min(axis=0), second.max(axis=0)
    if (high < low_target).any() or (low > high_target).any():
        return "apart"
    if region.shape == target.shape == "box":
        inner = (low <= low_target).all() and (high >= high_target).all()
        if inner:
            return "covers"
        # boxes that only touch share no inside
        over = (high > low_target).all() and (low < high_target).all()
        return "part" if over else "apart"
    if not _area(region) and not _area(target):
        return "unknown"  # how wide the beam was there is not said
    points = _points([target, region], target)
    inside = _inside(region, points)
    if len(points) and inside.all() and _inside(region, _edge(target)).all():
        return "covers"
    if inside.any():
        return "part"
    # a sliver of a polygon can lie between the grid's points: ask its border, drawn in a little
    border = second if not _area(target) else _shrunk(region)
    asked = region if not _area(target) else target
    return "part" if _inside(asked, border).any() else "apart"


def _shrunk(region: Region) -> Points:
    edge = _edge(region)
    centre = edge.mean(axis=0)
    shrunk: Points = centre + (edge - centre) * (1.0 - 1e-6)
    return shrunk


def highest_sum(regions: Sequence[Region], amounts: Sequence[float], within: Region) -> float:
    """Return the highest sum of amounts at any point of a region.

    Parameters
    ----------
    regions : sequence of Region
        In one frame, each with the amount that every point of it received.
    amounts : sequence of float
    within : Region
        Where to look; *whole*: everywhere.

    Notes
    -----
    Exact for boxes.  For polygons the sum is taken on a grid that the corners of all regions
    refine, so that an overlap of three or more that is smaller than a cell may be missed.
    """
    import numpy as np

    if not regions:
        return 0.0
    shapes = list(regions) if within.shape == "whole" else [within, *regions]
    sums = [0.0]
    for seed in [None, *(r for r in regions if not _area(r))]:
        points = _points(shapes, within) if seed is None else _edge(seed)
        if within.shape != "whole" and seed is not None and _area(within):
            points = points[_inside(within, points)]
        if not len(points):
            continue
        total = np.zeros(len(points))
        for region, amount in zip(regions, amounts, strict=True):
            total += amount * _inside(region, points)
        sums.append(float(total.max()))
    return max(sums)


def _corners(region: Region) -> Points | None:
    """Return the corners in nm, one row each; None where the shape has no place in the plane."""
    import numpy as np

    least = {"point": 1, "line": 2, "box": 2, "polygon": 3}.get(region.shape)
    if least is None or len(region.coordinates) < least:
        return None
    if any(len(row) != 2 for row in region.coordinates):
        return None
    scale = _scale(region.unit)
    return np.asarray(region.coordinates, dtype=float) * (1.0 if scale is None else scale)


@cache
def _scale(unit: str) -> float | None:
    """Return nm in a unit; None for pixels and what else is no length."""
    if unit in ("px", "pixel", "pixels"):
        return None  # pint takes them for those of a screen
    try:
        return convert(1.0, {"Å": "angstrom", "µm": "um"}.get(unit, unit), "nm")
    except BadInputError:
        return None


def _area(region: Region) -> bool:
    return region.shape in ("box", "polygon")


def _points(shapes: Sequence[Region], within: Region) -> Points:
    """Return points inside `within`: the middles of the cells that all shapes' edges make."""
    import numpy as np

    placed = [c for c in map(_corners, shapes) if c is not None]
    if not placed:
        return np.empty((0, 2))
    if within.shape != "whole" and not _area(within):
        return _edge(within)
    corners = np.concatenate(placed)
    frame = _corners(within)
    axes = []
    for axis in range(2):
        bounds = corners[:, axis] if frame is None else frame[:, axis]
        low, high = bounds.min(), bounds.max()
        edges = np.unique(corners[:, axis])
        if len(edges) > _MAX_EDGES:
            edges = edges[:: len(edges) // _MAX_EDGES + 1]
        if any(s.shape == "polygon" for s in shapes):
            edges = np.unique(np.concatenate([edges, np.linspace(low, high, _GRID)]))
        edges = np.unique(np.clip(edges, low, high))
        axes.append((edges[:-1] + edges[1:]) / 2.0)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid if frame is None else grid[_inside(within, grid)]


def _edge(region: Region) -> Points:
    """Return points on a region's border: its corners, and points between them."""
    import numpy as np

    corners = _corners(region)
    assert corners is not None
    if region.shape == "box":
        (x0, y0), (x1, y1) = corners[0], corners[1]
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if len(corners) == 1:
        return corners
    following = np.roll(corners, -1, axis=0) if region.shape != "line" else corners[1:]
    starts = corners[: len(following)]
    parts = np.linspace(0.0, 1.0, 65 if region.shape == "line" else 9)[:, None, None]
    between: Points = starts * (1.0 - parts) + following * parts
    return between.reshape(-1, 2)


def _inside(region: Region, points: Points) -> NDArray[np.bool_]:
    """Return which points lie in a region, its border included."""
    import numpy as np

    corners = _corners(region)
    if corners is None:
        return np.zeros(len(points), dtype=bool)
    if region.shape == "box":
        low, high = corners.min(axis=0), corners.max(axis=0)
        return np.asarray(((points >= low) & (points <= high)).all(axis=1))
    if region.shape == "polygon":
        return _in_polygon(corners, points)
    # a point or a line has no inside: only the same place is in it
    edge = _edge(region)
    apart = np.abs(points[:, None, :] - edge[None, :, :]).max(axis=2)
    return np.asarray(apart.min(axis=1) < 1e-9)


def _in_polygon(corners: Points, points: Points) -> NDArray[np.bool_]:
    """Even-odd rule: count the edges that a ray to the right crosses; the border counts."""
    import numpy as np

    inside = np.zeros(len(points), dtype=bool)
    border = np.zeros(len(points), dtype=bool)
    x, y = points[:, 0], points[:, 1]
    scale = float(np.ptp(corners)) or 1.0
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        cross = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
        dot = (x - x0) * (x - x1) + (y - y0) * (y - y1)
        border |= (np.abs(cross) <= 1e-9 * scale * scale) & (dot <= 1e-9 * scale * scale)
        if y0 != y1:
            crosses = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            inside ^= crosses
    return inside | border
