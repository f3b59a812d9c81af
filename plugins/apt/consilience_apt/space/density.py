"""How much of a species lies on a plane that was fitted to an interface, and where on it.

References
----------
.. [1] P. J. Felfer, T. Alam, S. P. Ringer, J. M. Cairney, Microsc. Res. Tech. 75 (2012) 484.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import Selects, element_weights, labelled_blocks
from consilience_apt.space.isosurface import Isosurface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = [
    "Plane",
    "PlaneMap",
    "fit_plane",
    "plane_density",
]


@dataclass(frozen=True)
class Plane:
    """A plane fitted to a surface.

    Attributes
    ----------
    point : three floats
        Centre of what it was fitted to, nm.
    normal : three floats
        Unit vector, to the side of lower fractions.
    roughness : float
        Standard deviation of the surface's distances from the plane, nm.
    area : float
        Of the surface it was fitted to, nm².
    tilt_std : float
        Of the normal, radian, from the roughness and the number of independent patches of the
        delocalisation's size.
    offset_std : float
        Of the position along the normal, nm, likewise.
    """

    point: tuple[float, float, float]
    normal: tuple[float, float, float]
    roughness: float
    area: float
    tilt_std: float
    offset_std: float


def fit_plane(surface: Isosurface, faces: NDArray[np.bool_] | None = None) -> Plane:
    """Fit a plane to the triangles of a surface by least squares of distances, by area.

    Parameters
    ----------
    surface : Isosurface
    faces : array of bool, shape (m,), optional
        Triangles to use.

    Raises
    ------
    BadInputError
        Fewer than three triangles.
    """
    chosen = np.ones(len(surface.faces), bool) if faces is None else faces
    if int(chosen.sum()) < 3:
        raise BadInputError(
            f"a plane through {int(chosen.sum())} triangles", fix="choose more of the surface"
        )
    weight = surface.face_areas[chosen]
    middle = surface.triangles[chosen].mean(axis=1)
    area = float(weight.sum())
    point = weight @ middle / area
    moment = (weight[:, None] * (middle - point)).T @ (middle - point) / area
    values, vectors = np.linalg.eigh(moment)
    normal = vectors[:, 0]
    if normal @ (weight @ surface.normals[chosen]) < 0:
        normal = -normal
    roughness = math.sqrt(max(float(values[0]), 0.0))
    patch = 4 * math.pi * max(surface.field.spread) ** 2
    independent = max(area / patch, 1.0)
    offset = roughness / math.sqrt(independent)
    extent = math.sqrt(max(float(values[1]), 1e-12))
    return Plane(
        (float(point[0]), float(point[1]), float(point[2])),
        (float(normal[0]), float(normal[1]), float(normal[2])),
        roughness, area, offset / extent, offset,
    )  # fmt: skip


@dataclass(frozen=True)
class PlaneMap:
    """Density of a species on a plane.

    Attributes
    ----------
    density : array of shape (u, v)
        Detected atoms beyond the bulk on both sides, 1/nm² (over the detection efficiency if
        that was given); NaN where too few ions of any kind were seen.
    std_stat : array of shape (u, v)
        Counting, at least that of one ion; neighbours are correlated over the delocalisation.
    edges_u, edges_v : arrays
        nm, along `axis_u` and `axis_v` from the plane's point.
    corrected : bool
        Whether the detection efficiency was divided out.
    """

    density: NDArray[np.float64]
    std_stat: NDArray[np.float64]
    edges_u: NDArray[np.float64]
    edges_v: NDArray[np.float64]
    axis_u: tuple[float, float, float]
    axis_v: tuple[float, float, float]
    corrected: bool


def checked_efficiency(value: float | None) -> float:
    """Return a detection efficiency, 1 where it is unknown and so nothing can be divided out."""
    if value is not None and not 0 < value <= 1:
        raise BadInputError(
            f"a detection efficiency of {value:g}", fix="give a share, as 0.52, or leave it out"
        )
    return 1.0 if value is None else value


def plane_density(
    source: IonSource,
    table: RangeTable,
    plane: Plane,
    what: str,
    half_width: float = 1.0,
    flank: float = 2.0,
    pixel: float = 1.0,
    sigma: float = 1.0,
    half_size: float = 50.0,
    least: float = 1.0,
    efficiency: float | None = None,
    region: Selects | None = None,
    progress: Progress = no_progress,
) -> PlaneMap:
    """Map how much of an element or species lies on a plane, in one pass.

    Ions within `half_width` of the plane count; of those in the two flanks beyond, the number
    that would lie within `half_width` if there were no interface is taken off.

    Parameters
    ----------
    half_width, flank : float
        nm; flanks reach from `half_width` to ``half_width + flank`` on either side.
    pixel, sigma : float
        Of the map, nm; `sigma` is the standard deviation of a Gaussian delocalisation.
    half_size : float
        Half the side of the map, nm.
    least : float
        Fewest delocalised ranged ions within all distances for a pixel to be known.
    efficiency : float, optional
        Detection efficiency, 0 to 1.

    Raises
    ------
    BadInputError
        No ranged ion near the plane, or a species that has no range.
    """
    from scipy.ndimage import gaussian_filter

    share = checked_efficiency(efficiency)
    part, _ = element_weights(table, what)
    normal = np.array(plane.normal)
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(helper, normal)
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    number = 2 * math.ceil(half_size / pixel)
    # zone, lower flank, upper flank: atoms, squares of atoms (for molecular ions), and all ions
    sums = np.zeros((3, 3, number, number))
    weight = part[table.species]
    for block, labels in labelled_blocks(
        source, table, ("x", "y", "z"), region, progress, "density on a plane"
    ):
        moved = np.column_stack([block[name] for name in "xyz"]) - np.array(plane.point)
        away = moved @ normal
        near = (np.abs(away) < half_width + flank) & (labels > 0)
        kept, away = moved[near], away[near]
        a = np.floor(kept @ u / pixel).astype(np.intp) + number // 2
        b = np.floor(kept @ v / pixel).astype(np.intp) + number // 2
        inside = (a >= 0) & (a < number) & (b >= 0) & (b < number)
        band = np.where(np.abs(away) < half_width, 0, np.where(away < 0, 1, 2))
        atoms = weight[labels[near]]
        place = ((band * number + a) * number + b)[inside]
        for row, values in enumerate((atoms, atoms**2, np.ones_like(atoms))):
            sums[row] += np.bincount(
                place, weights=values[inside], minlength=3 * number**2
            ).reshape(3, number, number)
    if not sums[2].any():
        raise BadInputError(
            f"no ranged ion within {half_width + flank:g} nm of the plane",
            fix="compare the plane's place with the needle's",
        )
    factor = half_width / flank
    net = sums[0, 0] - factor * (sums[0, 1] + sums[0, 2])
    variance = sums[1, 0] + factor**2 * (sums[1, 1] + sums[1, 2])
    every = sums[2].sum(axis=0)
    if sigma > 0:
        width = sigma / pixel
        net, every = (gaussian_filter(m, width, mode="constant") for m in (net, every))
        one = np.zeros((2 * math.ceil(4 * width) + 1,) * 2)
        one[len(one) // 2, len(one) // 2] = 1.0
        kernel = gaussian_filter(one, width, mode="constant")
        # the square of a Gaussian is a narrower one, times the sum of the squared kernel
        worth = float((kernel**2).sum())
        variance = gaussian_filter(variance, width / math.sqrt(2), mode="constant") * worth
        one_ion = worth
    else:
        one_ion = 1.0
    known = every >= least
    scale = pixel**2 * share
    half = number // 2
    edges = np.arange(-half, half + 1, dtype=np.float64) * pixel
    return PlaneMap(
        np.where(known, net / scale, np.nan),
        np.where(known, np.sqrt(np.maximum(variance, one_ion)) / scale, np.nan),
        edges, edges.copy(),
        (float(u[0]), float(u[1]), float(u[2])),
        (float(v[0]), float(v[1]), float(v[2])),
        efficiency is not None,
    )  # fmt: skip
