"""Surfaces of one concentration, their area, and what they enclose.

Marching cubes is scikit-image's (Lewiner's variant, which leaves no holes) [1]_.

References
----------
.. [1] T. Lewiner, H. Lopes, A. W. Vieira, G. Tavares, J. Graphics Tools 8 (2003) 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import BackgroundShare, Counts, by_species, labelled_blocks
from consilience_apt.space.grid import Field, Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json
    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["Isosurface", "Side", "area_errors", "count_sides", "isosurface"]


@dataclass(frozen=True)
class Isosurface:
    """A triangulated surface.

    Attributes
    ----------
    vertices : array of shape (n, 3)
        nm, in the order x, y, z.
    faces : array of int, shape (m, 3)
    level : float
        Fraction on the surface; inside is where the fraction is at least that.
    field : Field
    area : float
        nm².
    area_std_stat : float or None
        From counting, by resampling the voxels; None until `area_errors` was called.
    area_std_sys : float or None
        What noise and delocalisation do to the area, estimated by adding more of each.
    closed : bool
        Whether no triangle ends freely; a surface that leaves the needle is open.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    level: float
    field: Field
    area: float
    closed: bool
    area_std_stat: float | None = None
    area_std_sys: float | None = None

    @property
    def triangles(self) -> NDArray[np.float64]:
        """Corners, shape (m, 3, 3), nm."""
        return self.vertices[self.faces]

    @property
    def face_areas(self) -> NDArray[np.float64]:
        """nm², shape (m,)."""
        found: NDArray[np.float64] = np.linalg.norm(self._crossed(), axis=1) / 2
        return found

    @property
    def normals(self) -> NDArray[np.float64]:
        """Unit normals of the triangles, shape (m, 3), pointing to lower fractions."""
        crossed = self._crossed()
        length = np.linalg.norm(crossed, axis=1, keepdims=True)
        found: NDArray[np.float64] = crossed / np.where(length > 0, length, 1.0)
        return found

    def _crossed(self) -> NDArray[np.float64]:
        a, b, c = np.moveaxis(self.triangles, 1, 0)
        return np.cross(b - a, c - a)

    @property
    def enclosed_volume(self) -> float | None:
        """nm³ inside by the divergence theorem; None for an open surface."""
        if not self.closed:
            return None
        a, b, c = np.moveaxis(self.triangles - self.vertices.mean(axis=0), 1, 0)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    @property
    def piece_areas(self) -> NDArray[np.float64]:
        """Areas of the pieces that do not touch each other, nm², largest first."""
        areas = np.zeros(int(self.pieces.max()) + 1)
        np.add.at(areas, self.pieces, self.face_areas)
        return np.sort(areas)[::-1]

    @property
    def pieces(self) -> NDArray[np.int64]:
        """Number of the piece that each triangle belongs to, shape (m,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self.vertices)
        ends = np.concatenate([self.faces[:, :2], self.faces[:, 1:]])
        links = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
        _, labels = connected_components(links, directed=False)
        found: NDArray[np.int64] = labels[self.faces[:, 0]].astype(np.int64)
        return np.unique(found, return_inverse=True)[1]


def isosurface(field: Field, level: float, within: NDArray[np.bool_] | None = None) -> Isosurface:
    """Return the surface on which a fraction has one value.

    Parameters
    ----------
    field : Field
        Of three dimensions.  Where it is NaN there is no surface: it ends at the needle's edge.
    level : float
        Fraction, 0 to 1; 25 at.% is 0.25.
    within : array of bool, optional
        Voxels to look at.

    Raises
    ------
    BadInputError
        A map of two dimensions, or a level that the field never reaches.
    """
    from skimage.measure import marching_cubes

    if field.value.ndim != 3:
        raise BadInputError(
            f"a map over {', '.join(field.axes)} has no surface", fix="count a grid of x, y and z"
        )
    known = np.isfinite(field.value)
    if within is not None:
        known &= within
    if not known.any():
        raise BadInputError(
            "no voxel holds enough ions for a fraction",
            fix="take larger voxels, a wider delocalisation or a lower least number of atoms",
        )
    low, high = float(field.value[known].min()), float(field.value[known].max())
    problem = BadInputError(
        f"{field.what} never reaches {100 * level:g} %: it goes from {100 * low:.3g} to "
        f"{100 * high:.3g} % in voxels of {field.voxel.max():g} nm with a delocalisation of "
        f"{field.sigma:g} nm",
        fix="choose a level between these",
    )
    if not low < level < high:
        raise problem
    values = np.where(np.isfinite(field.value), field.value, 0.0).astype(np.float32)
    # a cube counts if all of its corners are known; marching_cubes looks at the last corner only
    whole = known.copy()
    for axis in range(3):
        before = np.zeros_like(whole)
        target = [slice(None)] * 3
        origin = [slice(None)] * 3
        target[axis], origin[axis] = slice(1, None), slice(None, -1)
        before[tuple(target)] = whole[tuple(origin)]
        whole &= before
    try:
        vertices, faces, _, _ = marching_cubes(  # type: ignore[no-untyped-call]
            values, level, spacing=tuple(field.voxel.tolist()), mask=whole,
            gradient_direction="ascent", allow_degenerate=False,
        )  # fmt: skip
    except (RuntimeError, ValueError) as error:
        raise problem from error
    if not len(faces):
        raise problem
    order = [field.axes.index(name) for name in "xyz"]
    vertices = vertices + field.low + field.voxel / 2
    faces = faces.astype(np.int64)
    if np.linalg.det(np.eye(3)[order]) < 0:
        faces = faces[:, ::-1]
    found = Isosurface(
        vertices[:, order].astype(np.float64), faces, level, field, 0.0, _closed(faces)
    )
    return replace(found, area=float(found.face_areas.sum()))


def _closed(faces: NDArray[np.int64]) -> bool:
    sides = np.sort(np.concatenate([faces[:, :2], faces[:, 1:], faces[:, ::2]]), axis=1)
    _, number = np.unique(sides, axis=0, return_counts=True)
    return bool((number == 2).all())


def area_errors(
    grid: Grid,
    surface: Isosurface,
    repeats: int = 20,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Isosurface:
    """Return the surface with errors of its area, by resampling the counts of all voxels.

    Each repeat draws every count again from a Poisson distribution around what was counted,
    and builds the surface anew.  The spread is the counting error.  The surfaces are also larger
    than the one they come from, because noise roughens them; the noise in the data did the same
    once, so that the mean growth is part of the systematic error.  So is the change with twice the
    delocalisation (in variance), which shrinks what is convex by about its variance over the
    radius.

    Parameters
    ----------
    grid : Grid
        Of which `surface` was made.
    surface : Isosurface
    repeats : int
        Two or more.
    seed : int
    progress : callable
    """
    if repeats < 2:
        raise BadInputError(f"{repeats} repeats give no spread", fix="take at least two")
    rng = np.random.default_rng(seed)
    known = np.isfinite(surface.field.value)
    areas = []
    for repeat in range(repeats):
        drawn = replace(grid, counts=rng.poisson(grid.counts).astype(np.int32))
        made = drawn.field(surface.field.what, surface.field.sigma, least=0.0)
        areas.append(isosurface(made, surface.level, known).area)
        progress(repeat + 1, repeats, "area of the iso-surface")
    what = surface.field.what
    wider = grid.fields_beyond([what], surface.field.spread[0] * 2**0.5, 0.0)[what]
    shrunk = isosurface(wider, surface.level, known).area
    return replace(
        surface,
        area_std_stat=float(np.std(areas, ddof=1)),
        area_std_sys=math.hypot(float(np.mean(areas)) - surface.area, shrunk - surface.area),
    )


@dataclass(frozen=True)
class Side:
    """The region on one side of an iso-surface.

    Parameters
    ----------
    surface : Isosurface
    side : {"inside", "outside"}
        Inside is where the interpolated fraction is at least the level.
    """

    surface: Isosurface
    side: Literal["inside", "outside"] = "inside"
    nodes: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.side not in ("inside", "outside"):
            raise BadInputError(f"the side {self.side!r}", fix="write inside or outside")
        object.__setattr__(self, "nodes", _filled(self.surface.field.value))

    @property
    def volume(self) -> float | None:
        """nm³ enclosed, where the surface is closed; None outside."""
        return self.surface.enclosed_volume if self.side == "inside" else None

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions (nm) are on that side."""
        at = interpolated(self.surface.field, self.nodes, x, y, z)
        inside: NDArray[np.bool_] = at >= self.surface.level
        return inside if self.side == "inside" else ~inside

    def to_json(self) -> Json:
        """Return how the surface was made."""
        made = self.surface.field
        return {
            "shape": f"iso-surface, {self.side}",
            "what": made.what,
            "basis": made.basis,
            "level": self.surface.level,
            "voxel": made.voxel.tolist(),
            "sigma": made.sigma,
            "unit": "nm",
        }


def _filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give voxels without ions the fraction of the nearest that has some.

    Ions near the needle's edge lie between known and empty voxels; an empty one is not a
    place where the fraction is zero.
    """
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(values)
    if not unknown.any():
        return values
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    made: NDArray[np.float32] = values[tuple(nearest)]
    return made


def interpolated(
    field: Field,
    values: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    z: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return values at the middles of voxels, interpolated linearly to positions."""
    from scipy.ndimage import map_coordinates

    given = {"x": x, "y": y, "z": z}
    at = np.empty((3, len(x)), np.float64)
    for place, name in enumerate(field.axes):
        np.subtract(given[name], field.low[place], out=at[place], dtype=np.float64)
        at[place] /= field.voxel[place]
        at[place] -= 0.5
    found: NDArray[np.float32] = map_coordinates(
        values, at, order=1, mode="nearest", output=np.float32
    )
    return found


def count_sides(
    source: IonSource,
    table: RangeTable,
    surface: Isosurface,
    background: BackgroundShare | None = None,
    progress: Progress = no_progress,
) -> tuple[Counts, Counts]:
    """Count the ions inside and outside of an iso-surface, in one pass.

    Returns
    -------
    tuple of Counts
        Inside and outside, with a single bin each; they add up to all ions.
    """
    side = Side(surface)
    number = len(table.ranges) + 1
    found = np.zeros((2, number), np.int64)
    for block, labels in labelled_blocks(
        source, table, ("x", "y", "z"), None, progress, "ions inside the surface"
    ):
        inside = side.contains(block["x"], block["y"], block["z"])
        found[0] += np.bincount(labels[inside], minlength=number)
        found[1] += np.bincount(labels, minlength=number)
    found[1] -= found[0]
    made = by_species(found, table)
    return Counts(made[:1], table, background), Counts(made[1:], table, background)
