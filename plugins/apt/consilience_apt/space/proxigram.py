"""Composition against the distance to an iso-surface: the proximity histogram.

References
----------
.. [1] O. C. Hellman, J. A. Vandenbroucke, J. Rüsing, D. Isheim, D. N. Seidman, Microscopy and
   Microanalysis 6 (2000) 437.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import (
    BackgroundShare,
    Counts,
    Selects,
    by_species,
    labelled_blocks,
)
from consilience_apt.space.isosurface import Isosurface, Side, interpolated
from consilience_apt.space.profile import Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["Proxigram", "distance_to_surface", "proxigram", "signed_distances"]

NEIGHBOURS = 12
"""Triangles nearest by their middles, of which the nearest by distance is taken."""
_PIECE = 8192


@dataclass(frozen=True)
class Proxigram:
    """A profile over the signed distance to a surface, positive inside.

    Attributes
    ----------
    profile : Profile
    distance_std : float
        Root mean square error of the interpolated distances, nm, found with ions at which
        the distance was computed exactly as well.
    surface : Isosurface
    """

    profile: Profile
    distance_std: float
    surface: Isosurface


def distance_to_surface(
    surface: Isosurface, positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return unsigned distances to the nearest triangle, and which it is.

    Parameters
    ----------
    surface : Isosurface
    positions : array of shape (n, 3)
        nm.

    Returns
    -------
    tuple of arrays of shape (n,)
        nm, and rows of ``surface.faces``.
    """
    from scipy.spatial import cKDTree

    corners = surface.triangles
    tree = cKDTree(corners.mean(axis=1))
    number = min(NEIGHBOURS, len(corners))
    distance = np.empty(len(positions))
    nearest = np.empty(len(positions), np.int64)
    for first in range(0, len(positions), _PIECE):
        piece = positions[first : first + _PIECE]
        _, candidates = tree.query(piece, k=number)
        candidates = np.asarray(candidates).reshape(len(piece), number)
        square = _to_triangles(piece[:, None, :], corners[candidates])
        best = square.argmin(axis=1)
        rows = np.arange(len(piece))
        distance[first : first + len(piece)] = np.sqrt(square[rows, best])
        nearest[first : first + len(piece)] = candidates[rows, best]
    return distance, nearest


def _to_triangles(point: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances of points (n, 1, 3) to triangles (n, k, 3, 3)."""

    def dot(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        made: NDArray[np.float64] = np.einsum("...i,...i->...", left, right)
        return made

    def to_segment(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        along = b - a
        t = np.clip(dot(point - a, along) / np.maximum(dot(along, along), 1e-300), 0.0, 1.0)
        off = point - a - t[..., None] * along
        return dot(off, off)

    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    normal = np.cross(b - a, c - a)
    area = np.maximum(dot(normal, normal), 1e-300)
    height = dot(point - a, normal) ** 2 / area
    # inside the triangle's prism if all three barycentric weights are positive
    u = dot(np.cross(b - a, point - a), normal)
    v = dot(np.cross(c - b, point - b), normal)
    w = dot(np.cross(a - c, point - c), normal)
    edge = np.minimum(np.minimum(to_segment(a, b), to_segment(b, c)), to_segment(c, a))
    return np.where((u >= 0) & (v >= 0) & (w >= 0), height, edge)


def proxigram(
    source: IonSource,
    table: RangeTable,
    surface: Isosurface,
    width: float = 0.5,
    reach: float = 5.0,
    region: Selects | None = None,
    background: BackgroundShare | None = None,
    progress: Progress = no_progress,
) -> Proxigram:
    """Count all species by their distance to a surface, in one pass.

    Distances are exact at the middles of the voxels and interpolated linearly between them;
    `Proxigram.distance_std` says how good that is.

    Parameters
    ----------
    source : IonSource
    table : RangeTable
    surface : Isosurface
    width : float
        nm.
    reach : float
        Largest distance, nm; bins go from ``-reach`` (outside) to ``reach`` (inside).
    region : Selects, optional
        Only ions inside.
    background : BackgroundShare, optional
    progress : callable

    Raises
    ------
    BadInputError
        Lengths that make no sense, or no ion within reach.
    """
    bins = 2 * round(reach / width) if width > 0 and math.isfinite(reach / width) else 0
    if bins < 2:
        raise BadInputError(
            f"bins of {width:g} nm up to {reach:g} nm",
            fix="give a positive width and a reach of at least one bin",
        )
    reach = bins / 2 * width
    signed = signed_distances(surface, reach)
    number = len(table.ranges) + 1
    counts = np.zeros((bins, number), np.int64)
    errors: list[NDArray[np.float64]] = []
    for block, labels in labelled_blocks(
        source, table, ("x", "y", "z"), region, progress, "proxigram"
    ):
        x, y, z = block["x"], block["y"], block["z"]
        at = interpolated(surface.field, signed, x, y, z)
        places = np.floor(at / width).astype(np.intp) + bins // 2
        kept = np.flatnonzero((places >= 0) & (places < bins))
        counts += np.bincount(
            places[kept] * number + labels[kept], minlength=bins * number
        ).reshape(bins, number)
        if len(errors) < 20 and kept.size:
            some = kept[:: max(kept.size // 100, 1)]
            exact, _ = distance_to_surface(
                surface, np.column_stack([x[some], y[some], z[some]]).astype(np.float64)
            )
            errors.append(np.abs(at[some]) - exact)
    if not errors:
        raise BadInputError(
            f"no ion within {reach:g} nm of the surface", fix="take a larger reach or region"
        )
    edges = np.arange(-(bins // 2), bins // 2 + 1, dtype=np.float64) * width
    made = Profile(
        edges,
        Counts(by_species(counts, table), table, background),
        f"distance to the {100 * surface.level:g} % {surface.field.what} surface",
    )
    error = float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))
    return Proxigram(made, error, surface)


def signed_distances(surface: Isosurface, reach: float) -> NDArray[np.float32]:
    """Return signed distances at the middles of the voxels, exact within reach.

    Farther away they are as large as makes ions there fall outside of all bins.
    """
    from scipy.spatial import cKDTree

    field = surface.field
    # an interpolated ion within reach has all eight neighbours within reach and a diagonal
    margin = reach + 2 * float(np.linalg.norm(field.voxel))
    shape = field.value.shape
    order = [field.axes.index(name) for name in "xyz"]
    tree = cKDTree(surface.vertices)
    signed = np.full(field.value.size, np.float32(margin), np.float32)
    for first in range(0, signed.size, 1 << 18):
        flat = np.arange(first, min(first + (1 << 18), signed.size))
        nodes = np.column_stack(np.unravel_index(flat, shape)).astype(np.float64)
        nodes = (nodes + 0.5) * field.voxel + field.low
        nodes = nodes[:, order]
        near, _ = tree.query(nodes, distance_upper_bound=margin)
        kept = np.flatnonzero(np.isfinite(near))
        if kept.size:
            exact, _ = distance_to_surface(surface, nodes[kept])
            signed[flat[kept]] = exact
    outside = np.ravel(Side(surface).nodes) < surface.level
    np.negative(signed, out=signed, where=outside)
    return np.reshape(signed, shape)
