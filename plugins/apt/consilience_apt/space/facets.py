"""Facets of an iso-surface, and how much of a species lies on each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import Selects, element_weights, labelled_blocks
from consilience_apt.space.density import checked_efficiency
from consilience_apt.space.isosurface import Isosurface, interpolated
from consilience_apt.space.proxigram import distance_to_surface, signed_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["Facet", "FacetDensity", "facet_density", "facets"]


@dataclass(frozen=True)
class Facet:
    """Triangles of a surface that look in one direction.

    Attributes
    ----------
    faces : array of bool, shape (m,)
    normal : three floats
    area : float
        nm².
    """

    faces: NDArray[np.bool_]
    normal: tuple[float, float, float]
    area: float


def facets(
    surface: Isosurface, tolerance: float = 20.0, most: int = 8, least_area: float = 10.0
) -> tuple[list[Facet], NDArray[np.int64]]:
    """Divide a surface into facets by the directions of its triangles.

    The direction with the most area within `tolerance` is taken out first, then the next; the
    normals are smoothed over neighbouring triangles before, because noise tilts each of them.

    Parameters
    ----------
    surface : Isosurface
    tolerance : float
        Degrees.
    most : int
        Most facets.
    least_area : float
        nm²; smaller ones are left out.

    Returns
    -------
    tuple
        Facets, largest first, and the facet of each triangle (−1 for none), shape (m,).
    """
    from scipy.spatial import cKDTree

    area, normals = surface.face_areas, surface.normals
    middle = surface.triangles.mean(axis=1)
    tree = cKDTree(middle)
    _, near = tree.query(middle, k=min(48, len(middle)))
    smooth = (normals[near] * area[near][..., None]).sum(axis=1)
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    cosine = math.cos(math.radians(tolerance))
    label = np.full(len(area), -1, np.int64)
    trial = smooth[:: max(len(smooth) // 2000, 1)]
    found: list[Facet] = []
    for number in range(most):
        free = label < 0
        if not free.any():
            break
        score = ((trial @ smooth[free].T) >= cosine) @ area[free]
        centre = trial[int(score.argmax())]
        for _ in range(5):
            inside = free & (smooth @ centre >= cosine)
            mean = area[inside] @ smooth[inside]
            centre = mean / max(float(np.linalg.norm(mean)), 1e-12)
        inside = free & (smooth @ centre >= cosine)
        held = float(area[inside].sum())
        if held < least_area:
            break
        label[inside] = number
        found.append(Facet(inside, (float(centre[0]), float(centre[1]), float(centre[2])), held))
    return found, label


@dataclass(frozen=True)
class FacetDensity:
    """A species on one facet (or on what belongs to none: `facet` −1).

    Attributes
    ----------
    atoms : float
        Detected within the distance, beyond what the flanks lead to expect.
    density : float
        1/nm², over the detection efficiency if that was given.
    std_stat : float
        Counting.
    std_sys : float or None
        Area and efficiency; None where an error is unknown.
    corrected : bool
        Whether the detection efficiency was divided out.
    """

    facet: int
    area: float
    atoms: float
    density: float
    std_stat: float
    std_sys: float | None
    corrected: bool


def facet_density(
    source: IonSource,
    table: RangeTable,
    surface: Isosurface,
    labels_of_faces: NDArray[np.int64],
    what: str,
    half_width: float = 1.0,
    flank: float = 2.0,
    area_relative_std: float | None = None,
    efficiency: float | None = None,
    efficiency_relative_std: float | None = None,
    region: Selects | None = None,
    progress: Progress = no_progress,
) -> list[FacetDensity]:
    """Count an element or species on each facet of a surface, in one pass.

    Ions belong to the facet of the nearest triangle.  Flanks are taken off as by
    `plane_density`, which for a curved surface is right to first order in distance over radius.

    Parameters
    ----------
    labels_of_faces : array of int, shape (m,)
        As `facets` gives them.
    """
    share = checked_efficiency(efficiency)
    part, _ = element_weights(table, what)
    weight = part[table.species]
    names = np.unique(labels_of_faces)
    reach = half_width + flank
    signed = signed_distances(surface, reach)
    zone = np.zeros((3, len(names), 2))
    for block, labels in labelled_blocks(
        source, table, ("x", "y", "z"), region, progress, "density on facets"
    ):
        held = np.flatnonzero(weight[labels] > 0)
        x, y, z = (block[name][held] for name in "xyz")
        at = interpolated(surface.field, signed, x, y, z)
        near = np.abs(at) < reach
        if not near.any():
            continue
        positions = np.column_stack([x[near], y[near], z[near]]).astype(np.float64)
        _, face = distance_to_surface(surface, positions)
        facet = np.searchsorted(names, labels_of_faces[face])
        band = np.where(np.abs(at[near]) < half_width, 0, np.where(at[near] < 0, 1, 2))
        atoms = weight[labels[held[near]]]
        for row, values in enumerate((atoms, atoms**2)):
            zone[..., row] += np.bincount(
                band * len(names) + facet, weights=values, minlength=3 * len(names)
            ).reshape(3, len(names))
    factor = half_width / flank
    made = []
    for row, name in enumerate(names.tolist()):
        area = float(surface.face_areas[labels_of_faces == name].sum())
        net = float(zone[0, row, 0] - factor * (zone[1, row, 0] + zone[2, row, 0]))
        variance = float(zone[0, row, 1] + factor**2 * (zone[1, row, 1] + zone[2, row, 1]))
        std_sys = None
        if area_relative_std is not None and (
            efficiency is None or efficiency_relative_std is not None
        ):
            relative = math.hypot(area_relative_std, efficiency_relative_std or 0.0)
            std_sys = abs(net) / (area * share) * relative
        made.append(
            FacetDensity(
                name,
                area,
                net,
                net / (area * share),
                math.sqrt(max(variance, 1.0)) / (area * share),
                std_sys,
                efficiency is not None,
            )
        )
    return made
