"""Lattice planes in a reconstruction: spatial distribution maps.

Differences between the positions of atoms that lie near each other pile up at multiples of the
spacing of planes, however few of the atoms were detected [1]_ [2]_.

References
----------
.. [1] B. P. Geiser et al., Microscopy and Microanalysis 13 (2007) 437.
.. [2] M. P. Moody, B. Gault, L. T. Stephenson, D. Haley, S. P. Ringer, Ultramicroscopy 109 (2009)
   815.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.roi import Direction, frame_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable
    from consilience_apt.space.counting import Selects

__all__ = [
    "DistributionMap",
    "PlaneSpacing",
    "distribution_map",
    "find_spacing",
    "gather",
    "search_direction",
]

MOST_IONS = 200_000
"""Ions of a region up to which neighbours are looked at; the list is held in memory."""
_SLAB = 20_000


@dataclass(frozen=True)
class DistributionMap:
    """Differences between neighbouring ions.

    Attributes
    ----------
    edges : array of shape (bins + 1,)
        Of differences along the normal, nm, symmetric about 0.
    counts : array of shape (bins,)
        Pairs whose lateral distance is at most `lateral` (each pair both ways).
    by_part : array of shape (parts, bins)
        The same for parts of the region side by side, by the first ion of a pair.
    in_plane : array of shape (n, n)
        Pairs in one plane by their two lateral differences.
    in_plane_edges : array of shape (n + 1,)
        nm.
    ions : int
    lateral : float
        nm.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    by_part: NDArray[np.int64]
    in_plane: NDArray[np.int64]
    in_plane_edges: NDArray[np.float64]
    ions: int
    lateral: float


@dataclass(frozen=True)
class PlaneSpacing:
    """A spacing of planes, or none.

    Attributes
    ----------
    found : bool
        Whether `p_value` is at most the level asked for.
    spacing : float or None
        nm; None if nothing was found.
    std_stat : float or None
        By a jackknife over parts of the region.
    std_sys : float or None
        Change of the spacing when differences up to seven tenths of the depth are used alone.
    modulation : float
        Amplitude of the strongest wave over the mean number of pairs.
    p_value : float
        Share of trials without planes (each ion moved along the normal at random) in which some
        wave was at least as strong.
    """

    found: bool
    spacing: float | None
    std_stat: float | None
    std_sys: float | None
    modulation: float
    p_value: float


def gather(
    source: IonSource,
    region: Selects,
    table: RangeTable | None = None,
    what: str | None = None,
    most: int = MOST_IONS,
    progress: Progress = no_progress,
) -> NDArray[np.float64]:
    """Return the positions of the ions of a region, up to a stated number.

    Parameters
    ----------
    source : IonSource
    region : Selects
    table, what : optional
        Only ions that contain this element, or are of this species.
    most : int
        More ions than that are refused: neighbours are held in memory.
    progress : callable

    Returns
    -------
    array of shape (n, 3)
        nm.

    Raises
    ------
    BadInputError
        Fewer than 50 ions, or more than `most`.
    """
    chosen: NDArray[np.bool_] | None = None
    if table is not None and what is not None:
        from consilience_apt.space.counting import element_weights

        chosen = (element_weights(table, what)[0] > 0)[table.species]
    columns = ["x", "y", "z", *(["mass_to_charge"] if chosen is not None else [])]
    parts, held = [], 0
    for first, block in source.blocks(columns):
        inside = region.contains(block["x"], block["y"], block["z"])
        if chosen is not None and table is not None:
            inside &= chosen[table.labels(block["mass_to_charge"])]
        part = np.column_stack([block[name][inside] for name in "xyz"]).astype(np.float64)
        held += len(part)
        if held > most:
            raise BadInputError(
                f"more than {most} ions in the region",
                fix="take a smaller region: neighbours are held in memory",
            )
        parts.append(part)
        progress(first + len(block["x"]), source.ions, "gathering a region")
    if held < 50:
        raise BadInputError(f"{held} ions in the region show no planes", fix="take a larger region")
    return np.concatenate(parts)


def distribution_map(
    positions: NDArray[np.float64],
    direction: Direction = "z",
    lateral: float = 0.5,
    depth: float = 1.5,
    width: float = 0.01,
    parts: int = 4,
    progress: Progress = no_progress,
) -> DistributionMap:
    """Return how often which difference between neighbouring ions occurs.

    Parameters
    ----------
    positions : array of shape (n, 3)
        nm.
    direction : {"x", "y", "z"} or three floats
        Normal of the planes that are looked for.
    lateral : float
        Largest distance across the normal, nm: small against the curvature of planes.
    depth : float
        Largest difference along the normal, nm: several spacings.
    width : float
        Of the bins, nm.
    parts : int
        The region is divided into ``parts × parts`` columns for the errors.
    progress : callable
    """
    from scipy.spatial import cKDTree

    if len(positions) > MOST_IONS:
        raise BadInputError(
            f"{len(positions)} ions, at most {MOST_IONS} can be compared",
            fix="take a smaller region",
        )
    local = positions @ frame_of(direction).T
    half = round(depth / width)
    edges = np.arange(-half, half + 1, dtype=np.float64) * width
    column = _columns(local, parts)
    counts = np.zeros((parts**2, 2 * half), np.int64)
    plane_edges = np.linspace(-lateral, lateral, 41)
    in_plane = np.zeros((40, 40))
    # along the normal the ball is stretched to the depth asked for
    scaled = local * np.array([1.0, 1.0, lateral / depth])
    order = np.argsort(local[:, 2])
    tree = cKDTree(scaled)
    for first in range(0, len(order), _SLAB):
        own = order[first : first + _SLAB]
        pairs = cKDTree(scaled[own]).sparse_distance_matrix(
            tree, lateral * (1 + 1e-9), p=np.inf, output_type="ndarray"
        )
        i, j = own[pairs["i"]], pairs["j"]
        apart = i != j
        i, j = i[apart], j[apart]
        move = local[j] - local[i]
        near = move[:, 0] ** 2 + move[:, 1] ** 2 <= lateral**2
        i, move = i[near], move[near]
        at = np.floor(move[:, 2] / width).astype(np.intp) + half
        kept = (at >= 0) & (at < 2 * half)
        counts += np.bincount(
            column[i[kept]] * (2 * half) + at[kept], minlength=counts.size
        ).reshape(counts.shape)
        flat = np.abs(move[:, 2]) < width * 5
        in_plane += np.histogram2d(move[flat, 0], move[flat, 1], bins=(plane_edges, plane_edges))[0]
        progress(min(first + _SLAB, len(order)), len(order), "distances of neighbours")
    return DistributionMap(
        edges, counts.sum(axis=0), counts, in_plane.astype(np.int64), plane_edges,
        len(positions), lateral,
    )  # fmt: skip


def _columns(local: NDArray[np.float64], parts: int) -> NDArray[np.intp]:
    """Return which of parts × parts columns with as many ions each ion is in."""
    strip = np.searchsorted(
        np.quantile(local[:, 0], np.linspace(0, 1, parts + 1)[1:-1]), local[:, 0]
    )
    column = strip * parts
    for number in range(parts):
        inside = strip == number
        cuts = np.quantile(local[inside, 1], np.linspace(0, 1, parts + 1)[1:-1])
        column[inside] += np.searchsorted(cuts, local[inside, 1])
    return column.astype(np.intp)


def find_spacing(
    positions: NDArray[np.float64],
    direction: Direction = "z",
    between: tuple[float, float] = (0.1, 0.6),
    lateral: float = 0.5,
    depth: float = 1.5,
    trials: int = 19,
    level: float = 0.05,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[PlaneSpacing, DistributionMap]:
    """Find the spacing of planes across a direction, or say that there is none.

    Parameters
    ----------
    positions : array of shape (n, 3)
        nm.
    between : two floats
        Smallest and largest spacing looked for, nm.
    trials : int
        Without planes, for the p-value; the least possible p is ``1 / (trials + 1)``.
    level : float
        p-value up to which planes count as found.
    direction, lateral, depth, progress
        As in `distribution_map`.
    seed : int
    """
    if not 0 < between[0] < between[1] <= depth:
        raise BadInputError(
            f"spacings from {between[0]:g} to {between[1]:g} nm with differences of up to "
            f"{depth:g} nm",
            fix="look for spacings below the largest difference",
        )
    made = distribution_map(positions, direction, lateral, depth, progress=progress)
    wave = _waves(made.edges, between)
    spacing, strength = wave(made.counts)
    rng = np.random.default_rng(seed)
    normal = frame_of(direction)[2]
    stronger = 0
    for trial in range(trials):
        moved = positions + np.outer(rng.uniform(-1, 1, len(positions)) * between[1], normal)
        other = distribution_map(moved, direction, lateral, depth, parts=1)
        stronger += wave(other.counts)[1] >= strength
        progress(trial + 1, trials, "trials without planes")
    p_value = (stronger + 1) / (trials + 1)
    if p_value > level:
        return PlaneSpacing(False, None, None, None, strength, p_value), made
    without = [wave(made.counts - part)[0] for part in made.by_part if part.sum()]
    n = len(without)
    std = math.sqrt((n - 1) / n * float(((np.array(without) - np.mean(without)) ** 2).sum()))
    cut = round(0.15 * len(made.counts))
    inner = slice(cut, len(made.counts) - cut)
    shorter = _waves(made.edges[cut : len(made.edges) - cut], between)(made.counts[inner])[0]
    return PlaneSpacing(True, spacing, std, abs(shorter - spacing), strength, p_value), made


def _waves(
    edges: NDArray[np.float64], between: tuple[float, float]
) -> Callable[[NDArray[np.int64]], tuple[float, float]]:
    """Return a function that gives spacing and relative amplitude of the strongest wave."""
    middle = (edges[1:] + edges[:-1]) / 2
    reach = edges[-1]
    window = np.cos(np.pi * middle / (2 * reach)) ** 2
    # pairs of one ion with itself are left out: the hole they leave is no wave
    low = np.stack([np.ones_like(middle), (middle / reach) ** 2, (middle / reach) ** 4])
    fine = np.arange(1 / between[1], 1 / between[0], 0.05 / reach)

    def amplitude(excess: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
        waves = np.cos(2 * np.pi * np.outer(q, middle))
        made: NDArray[np.float64] = 2 * waves @ (window * excess) / window.sum()
        return made

    def strongest(counts: NDArray[np.int64]) -> tuple[float, float]:
        mean = max(float(counts.mean()), 1e-300)
        relative = counts / mean
        trend = np.linalg.lstsq(low.T * window[:, None] ** 0.5, relative * window**0.5, rcond=None)[
            0
        ]
        excess = relative - trend @ low
        place = fine[amplitude(excess, fine).argmax()]
        near = np.linspace(place - 0.05 / reach, place + 0.05 / reach, 201)
        values = amplitude(excess, near)
        return 1 / float(near[values.argmax()]), float(values.max())

    return strongest


def search_direction(
    positions: NDArray[np.float64],
    around: Direction = "z",
    degrees: float = 10.0,
    steps: int = 5,
    between: tuple[float, float] = (0.1, 0.6),
    lateral: float = 0.5,
    depth: float = 1.5,
    progress: Progress = no_progress,
) -> tuple[tuple[float, float, float], float]:
    """Return the direction near another across which planes show most, and how much.

    Parameters
    ----------
    around : {"x", "y", "z"} or three floats
    degrees : float
        Largest tilt.
    steps : int
        Tilts tried to each side; then the best is refined once.
    positions, between, lateral, depth, progress
        As in `find_spacing`.

    Returns
    -------
    tuple
        Unit vector, and the modulation there.
    """
    frame = frame_of(around)
    best, centre, reach = (-math.inf, frame[2]), np.zeros(2), math.radians(degrees)
    total = 2 * (2 * steps + 1) ** 2
    done = 0
    for _ in range(2):
        tilts = np.linspace(-reach, reach, 2 * steps + 1)
        begin = centre.copy()
        for a in tilts:
            for b in tilts:
                tilt = begin + np.array([a, b])
                vector = frame[2] + math.tan(tilt[0]) * frame[0] + math.tan(tilt[1]) * frame[1]
                vector /= np.linalg.norm(vector)
                made = distribution_map(
                    positions, vector.tolist(), lateral, depth, width=0.02, parts=1
                )
                strength = _waves(made.edges, between)(made.counts)[1]
                if strength > best[0]:
                    best, centre = (strength, vector), tilt
                done += 1
                progress(done, total, "directions of planes")
        reach /= steps
    return (float(best[1][0]), float(best[1][1]), float(best[1][2])), best[0]
