"""Where the film is: its outline on a grid finer than the scan, its rim, core, surroundings.

The outline comes from one map, the reference, and stays; the other maps are brought onto it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_erosion, binary_fill_holes, distance_transform_edt, label

from consilience.errors import BadInputError
from consilience_xrf.change.operators import covered, fine_positions, sampling, smoothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Footprint", "find_footprint"]

MARGIN = 3.0
"""Steps beyond the outline that still belong to the film's matter: blurred edges end there."""
EDGE = 1.5
"""Steps within the outline that the edge's own blur reaches."""
LEAST_OUTSIDE = 0.05
"""Share of the field from which a background can be taken."""
SMALLEST = 0.02
"""Parts of an outline below this share of the largest are specks, not the film."""
MOST_FINE = 400_000


@dataclass(frozen=True)
class Footprint:
    """Masks over the fine grid, shape (rows * factor, columns * factor).

    Attributes
    ----------
    factor : int
        Fine points to a step.
    step : tuple of float
        Of the scan along y and x, in `unit`.
    y, x : ndarray
        Fine coordinates, in `unit`.
    inside, rim, core : ndarray of bool
        The film as the outline has it, voids filled; its rim and what the rim surrounds.
    cores : pair of ndarray of bool
        The core with a rim one fine point narrower, and one wider.
    inner : ndarray of bool
        The film without what the blur of its edges reaches.
    reach : ndarray of bool
        The film with a margin that holds its blurred edges.
    outside : ndarray of bool or None
        Where the background is taken; None: too little of the field.
    rim_width : float
        In `unit`.
    edges : bool
        Whether the film ends within the field on at least one side.
    whole : bool
        Whether it does so on all sides.
    level : float
        Typical value in the film of the reference.
    """

    factor: int
    step: tuple[float, float]
    unit: str
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    inside: NDArray[np.bool_]
    rim: NDArray[np.bool_]
    core: NDArray[np.bool_]
    cores: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    inner: NDArray[np.bool_]
    reach: NDArray[np.bool_]
    outside: NDArray[np.bool_] | None
    rim_width: float
    edges: bool
    whole: bool
    level: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the scan."""
        return len(self.y) // self.factor, len(self.x) // self.factor

    @property
    def area(self) -> float:
        """Of the film, in `unit` squared."""
        return float(self.inside.sum()) * self.step[0] * self.step[1] / self.factor**2


def find_footprint(
    reference: NDArray[np.float64],
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    unit: str,
    shifts: Sequence[tuple[float, float]] = (),
    rim_width: float | None = None,
    threshold: float = 0.5,
) -> Footprint:
    """Return the outline of what is bright in the reference.

    Parameters
    ----------
    reference : ndarray, shape (rows, columns)
        Finite.
    axes : pair of ndarray
        y and x of the points, in `unit`, evenly spaced.
    shifts : sequence of (float, float)
        Of all maps that will be laid on it, in steps: only what all have is used.
    rim_width : float, optional
        In `unit`; by default a quarter of the greatest distance of the film from its edge.
    threshold : float
        Share of the film's level at which it ends.

    Raises
    ------
    BadInputError
        Nothing stands out, or the maps share no area.
    """
    rows, columns = reference.shape
    factor = 4
    while factor > 1 and rows * columns * factor**2 > MOST_FINE:
        factor -= 1
    at = fine_positions(rows, factor), fine_positions(columns, factor)
    step = tuple(abs(float(a[-1] - a[0])) / max(len(a) - 1, 1) for a in axes)
    fine = (
        sampling(rows, at[0]) @ smoothing(rows, 0.5) @ reference @ smoothing(columns, 0.5).T
        @ sampling(columns, at[1]).T
    )  # fmt: skip
    common = _common(at, (rows, columns), shifts)
    if not common.any():
        raise BadInputError(
            "the maps share no area after they are aligned",
            fix="compare scans of one area, or set 'align' to false",
        )
    top = float(np.quantile(fine[common], 0.95))
    low = float(np.quantile(fine[common], 0.02))
    bright = fine > low + threshold * (top - low)
    level = float(np.median(fine[common & bright])) if (common & bright).any() else 0.0
    if level <= 0 or top <= 0:
        raise BadInputError(
            "the map has no part that stands out, so it has no outline",
            fix="name another element with the parameter 'line'",
        )
    base = min(low, 0.5 * level)
    inside = _cleaned(fine > base + threshold * (level - base)) & common
    away = _distance(inside, step, factor)
    widest = float(away[common].max())
    edges = bool((common & ~inside).mean() > 0.01)
    rim = rim_width if rim_width is not None else widest / 4
    near = _distance(~inside, step, factor)
    smallest = min(s for s in step if s > 0)
    outside = common & (near > MARGIN * smallest)
    return Footprint(
        factor,
        (step[0] or smallest, step[1] or smallest),
        unit,
        axes[0][0] + np.sign(axes[0][-1] - axes[0][0]) * step[0] * at[0],
        axes[1][0] + np.sign(axes[1][-1] - axes[1][0]) * step[1] * at[1],
        inside,
        inside & (away <= rim),
        inside & (away > rim),
        (inside & (away > rim - smallest / factor), inside & (away > rim + smallest / factor)),
        inside & (away > EDGE * smallest),
        common & (near <= MARGIN * smallest),
        outside if outside.sum() >= LEAST_OUTSIDE * common.sum() else None,
        rim,
        edges,
        not (inside & common & ~binary_erosion(common, iterations=factor)).any(),
        level,
    )


def _common(
    at: tuple[NDArray[np.float64], NDArray[np.float64]],
    shape: tuple[int, int],
    shifts: Sequence[tuple[float, float]],
) -> NDArray[np.bool_]:
    found = np.ones((len(at[0]), len(at[1])), dtype=bool)
    for y, x in shifts:
        found &= np.logical_and.outer(covered(shape[0], at[0] + y), covered(shape[1], at[1] + x))
    return found


def _cleaned(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without specks, and with the voids filled."""
    parts, number = label(bright)
    sizes = np.bincount(parts.ravel(), minlength=number + 1)
    sizes[0] = 0
    kept = sizes >= SMALLEST * sizes.max()
    kept[0] = False
    return np.asarray(binary_fill_holes(kept[parts]))


def _distance(mask: NDArray[np.bool_], step: tuple[float, ...], factor: int) -> NDArray[np.float64]:
    """Distance of what is in the mask from what is not; the field's border is no edge."""
    if mask.all():
        return np.full(mask.shape, np.inf)
    spacing = [max(s, 1e-12) / factor for s in step]
    return np.asarray(distance_transform_edt(mask, sampling=spacing))
