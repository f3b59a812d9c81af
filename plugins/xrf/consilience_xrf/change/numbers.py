"""Numbers that say how a film's matter is spread, each with its errors from counting and alignment.

All but the void fraction are ratios of sums over masks of the fine grid; the weight of every scan
point in them follows, and with it the counting error without any approximation of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrf.change.footprint import Footprint
from consilience_xrf.change.operators import BOX, fine_positions, sampling, sharpened
from consilience_xrf.change.shift import Shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NAMES", "Number", "on_footprint", "shape_numbers"]

NAMES = (
    "matter",
    "void_fraction",
    "edge_to_centre",
    "rim_share",
    "centre_y",
    "centre_x",
    "spread",
)
"""What is computed of each map."""
VOID = 0.5
"""Of the film's level, below which it is a void."""
FLOOR = 0.002
"""Least relative error of `FLOORED` from where the scan's points fall on the edges: a noiseless
film with edges of 0.4 steps at other shifts."""
FLOORED = ("matter", "edge_to_centre", "rim_share", "spread")
SURE = 6.0
"""Standard deviations that no point reaches by chance."""
RULE_OF_THREE = 3.0
"""No event in N trials: at 95 % the chance of one is below 3/N (−ln 0.05 = 2.996)."""
DRAWS = 24
"""Of noise, for the void fraction's counting error."""


@dataclass(frozen=True)
class Number:
    """A value with its errors apart.

    Attributes
    ----------
    value : float
    counting : float
        Standard deviation from the points' own noise.
    parts : mapping
        Systematic standard deviations by name: `alignment`; `resolution`, half of what straight
        lines between the points make other; `threshold` of the voids; `outline`, the same for all
        maps on one footprint.
    limit : float or None
        Of a void fraction of 0: the share that could be void and not be seen, at 95 %.
    gradient : ndarray or None, shape (rows, columns)
        Derivative by each scan point; None for the void fraction.
    """

    value: float
    counting: float
    parts: Mapping[str, float]
    unit: str = "1"
    gradient: NDArray[np.float64] | None = None
    limit: float | None = None

    @property
    def systematic(self) -> float:
        """All systematic parts in quadrature."""
        return math.sqrt(sum(p * p for p in self.parts.values()))

    @property
    def std(self) -> float:
        """All errors in quadrature."""
        return math.hypot(self.counting, self.systematic)

    @property
    def own(self) -> float:
        """Errors that this map does not share with others on the same footprint."""
        shared = self.parts.get("outline", 0.0)
        return math.sqrt(max(self.std**2 - shared**2, 0.0))


@dataclass(frozen=True)
class _Laid:
    """A map on the fine grid, and the matrices that brought it there."""

    fine: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]


def on_footprint(
    values: NDArray[np.float64],
    shift: tuple[float, float],
    film: Footprint,
    *,
    sharpen: bool = True,
) -> NDArray[np.float64]:
    """Return a map on the film's fine grid, at its place in the reference."""
    return _laid(values, shift, film, sharpen).fine


def _laid(
    values: NDArray[np.float64], shift: tuple[float, float], film: Footprint, sharpen: bool
) -> _Laid:
    rows, columns = values.shape
    degree = 3 if sharpen else 1
    y = sampling(rows, fine_positions(rows, film.factor) + shift[0], degree)
    x = sampling(columns, fine_positions(columns, film.factor) + shift[1], degree)
    if sharpen:
        y, x = sharpened(y, film.factor), sharpened(x, film.factor)
    return _Laid(y @ values @ x.T, y, x)


def shape_numbers(
    values: NDArray[np.float64],
    variance: NDArray[np.float64],
    shift: Shift,
    film: Footprint,
    seed: int = 0,
) -> dict[str, Number]:
    """Return the numbers of one map.

    Parameters
    ----------
    values, variance : ndarray, shape (rows, columns)
        Finite.
    shift : Shift
        Against the map that the film's outline was found in.
    film : Footprint
    seed : int
        Of the noise drawn for the void fraction.

    Returns
    -------
    dict
        By the names of `NAMES`; what needs an edge is left out of a film without one, and voids
        of one without points clear of its edges.

    Notes
    -----
    Matter is the sum of the background-free map over the film and its blurred edges, in the map's
    unit times points.  The rim's share is what is not in the core, of all matter.
    """
    at = (shift.y, shift.x)
    laid = _laid(values, at, film, True)
    found = _linear(laid, film)
    blunt = _linear(_laid(values, at, film, False), film)
    moved = _derivatives(values, shift, film)
    outline = _outline(laid, film)
    numbers: dict[str, Number] = {}
    for name, (value, weights) in found.items():
        gradient = laid.y.T @ weights @ laid.x
        unit = film.unit if name in ("centre_y", "centre_x", "spread") else "1"
        parts = {
            "alignment": moved[name],
            "resolution": 0.5 * abs(value - blunt[name][0]),
        }
        if name in FLOORED:
            parts["resolution"] = max(parts["resolution"], FLOOR * abs(value))
        if name in outline:
            parts["outline"] = outline[name]
        counting = math.sqrt(float((gradient**2 * variance).sum()))
        numbers[name] = Number(value, counting, parts, unit, gradient)
    if film.inner.any():
        numbers["void_fraction"] = _voids(
            values, variance, film, laid, (shift.y, shift.x), moved["void_fraction"], seed
        )
    return {name: numbers[name] for name in NAMES if name in numbers}


def _outline(laid: _Laid, film: Footprint) -> dict[str, float]:
    """What the grain of the fine grid, along which the rim is cut, makes of rim and core."""
    if not (film.edges and film.rim.any() and all(core.any() for core in film.cores)):
        return {}
    both = [_linear(laid, replace(film, core=core, rim=film.inside & ~core)) for core in film.cores]
    return {
        name: abs(both[0][name][0] - both[1][name][0]) * 0.5 * BOX
        for name in ("edge_to_centre", "rim_share")
        if name in both[0] and name in both[1]
    }


def _background(fine: NDArray[np.float64], film: Footprint) -> float:
    return 0.0 if film.outside is None else float(fine[film.outside].mean())


def _linear(laid: _Laid, film: Footprint) -> dict[str, tuple[float, NDArray[np.float64]]]:
    """Values and their derivatives by the fine points."""
    fine = laid.fine - _background(laid.fine, film)
    cell = 1 / film.factor**2
    reach = np.asarray(film.reach * cell, dtype=np.float64)
    matter = float((fine * reach).sum())
    found: dict[str, tuple[float, NDArray[np.float64]]] = {"matter": (matter, reach)}
    if film.edges and film.rim.any() and film.core.any():
        rim, core = (mask / mask.sum() for mask in (film.rim, film.core))
        high, low = float((fine * rim).sum()), float((fine * core).sum())
        if low > 0:
            found["edge_to_centre"] = (high / low, rim / low - core * (high / low**2))
        share = 1 - low * float(film.core.sum()) * cell / matter
        found["rim_share"] = (share, ((1 - share) * reach - film.core * cell) / matter)
    if matter > 0:
        middle = []
        for name, axis in (("centre_y", film.y[:, None]), ("centre_x", film.x[None, :])):
            centre = float((fine * reach * axis).sum()) / matter
            middle.append(centre)
            found[name] = (centre, (axis - centre) * reach / matter)
        far = (film.y[:, None] - middle[0]) ** 2 + (film.x[None, :] - middle[1]) ** 2
        square = float((fine * reach * far).sum()) / matter
        if square > 0:
            spread = math.sqrt(square)
            found["spread"] = (spread, (far - square) * reach / (2 * spread * matter))
    if film.outside is None:
        return found
    outside = film.outside / film.outside.sum()
    return {name: (v, w - w.sum() * outside) for name, (v, w) in found.items()}


def _derivatives(values: NDArray[np.float64], shift: Shift, film: Footprint) -> dict[str, float]:
    """What the shift's error makes of each number, void fraction and all."""
    whole = shift.whole
    if not whole.any():
        return dict.fromkeys(NAMES, 0.0)
    ends, axes = np.linalg.eigh(whole)
    total = dict.fromkeys(NAMES, 0.0)
    for size, axis in zip(np.sqrt(np.clip(ends, 0, None)), axes.T, strict=True):
        both = []
        for sign in (-1.0, 1.0):
            at = (shift.y + sign * size * axis[0], shift.x + sign * size * axis[1])
            laid = _laid(values, at, film, True)
            here = {name: v for name, (v, _) in _linear(laid, film).items()}
            here["void_fraction"] = _void_area(laid.fine, film, VOID)
            both.append(here)
        for name in both[0].keys() & both[1].keys():
            total[name] += (0.5 * (both[1][name] - both[0][name])) ** 2
    return {name: math.sqrt(v) for name, v in total.items()}


def _void_area(fine: NDArray[np.float64], film: Footprint, threshold: float) -> float:
    """Share of the film that is below a threshold between background and level."""
    base = _background(fine, film)
    core = film.core if film.core.any() else film.inner
    if not core.any() or not film.inner.any():
        return 0.0
    level = float(np.median(fine[core]))
    dark = film.inner & (fine < base + threshold * (level - base))
    return float(dark.sum() / film.inside.sum())


def _voids(
    values: NDArray[np.float64],
    variance: NDArray[np.float64],
    film: Footprint,
    laid: _Laid,
    at: tuple[float, float],
    alignment: float,
    seed: int,
) -> Number:
    """Void fraction; its counting error by drawing noise, where any could make a void.

    No void at any of N scan points clear of the edges is no proof that there is none: with each
    point a trial, a share of up to 3/N is missed in one of twenty films (the rule of three), and
    1/N is the mean of what is missed.  The area of one point, 1/N again, stands for voids that
    are too small to bring a point below the threshold.
    """
    base = _background(laid.fine, film)
    core = film.core if film.core.any() else film.inner
    level = float(np.median(laid.fine[core])) - base if core.any() else 0.0
    far = VOID * level + SURE * 1.3 * math.sqrt(float(variance.max()))
    one = film.factor**2 / float(film.inner.sum())  # a scan point's share
    if float(laid.fine[film.inner].min()) - base > max(far, 0.7 * level):
        parts = {"alignment": 0.0, "threshold": 0.0, "resolution": one}
        return Number(0.0, one, parts, limit=min(RULE_OF_THREE * one, 1.0))
    value = _void_area(laid.fine, film, VOID)
    chance = np.random.default_rng([seed, 5])
    noise = chance.standard_normal((DRAWS, *values.shape)) * np.sqrt(variance)
    drawn = [_void_area(laid.fine + laid.y @ n @ laid.x.T, film, VOID) for n in noise]
    tenth = [_void_area(laid.fine, film, VOID + d) for d in (-0.1, 0.1)]
    blunt = _void_area(on_footprint(values, at, film, sharpen=False), film, VOID)
    parts = {
        "alignment": alignment,
        "threshold": 0.5 * abs(tenth[1] - tenth[0]),
        "resolution": 0.5 * abs(value - blunt),
    }
    counting = float(np.sqrt(np.mean((np.array(drawn) - value) ** 2)))
    if value == 0.0:
        parts["resolution"] = max(parts["resolution"], one)
        limit = max(RULE_OF_THREE * one, 2.0 * counting)
        return Number(0.0, max(counting, one), parts, limit=min(limit, 1.0))
    # an area is counted in whole cells of the fine grid, so that no noise may show in it
    grain = 1.0 / (math.sqrt(12.0) * float(film.inside.sum()))
    return Number(value, max(counting, grain), parts)
