"""Maps of one area in several states: aligned, measured, compared with the first, tested."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import generic_filter

from consilience.errors import BadInputError
from consilience_xrf.change.difference import Difference, map_difference
from consilience_xrf.change.footprint import Footprint, find_footprint
from consilience_xrf.change.histogram import HistogramDistance, histogram_distance
from consilience_xrf.change.numbers import Number, shape_numbers
from consilience_xrf.change.shift import Shift, fit_shift, refuse_other_shape
from consilience_xrf.change.testing import Test, held_together, tests_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChangeSeries", "StateChange", "StateMap", "compare_states"]

SAME_STEP = 0.01
"""Relative difference of scan steps that is none."""


@dataclass(frozen=True)
class StateMap:
    """One map: values and variances (rows, columns), y and x of the points; a name.

    Points that were not measured are NaN in both.
    """

    name: str
    values: NDArray[np.float64]
    variance: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    unit: str


@dataclass(frozen=True)
class StateChange:
    """What one state is, and how it differs from the reference.

    `ratio` is its matter over the reference's with errors from counting and alignment; `filled`
    counts points that were not measured and got their neighbours' median.
    """

    name: str
    shift: Shift
    numbers: Mapping[str, Number]
    ratio: Number
    histogram: HistogramDistance | None
    difference: Difference | None
    tests: Sequence[Test]
    filled: int = 0


@dataclass(frozen=True)
class ChangeSeries:
    """All states, the reference first among equals: `states[reference]` is held against itself."""

    states: tuple[StateChange, ...]
    reference: int
    film: Footprint

    @property
    def changed(self) -> bool:
        """Whether any test of any state says so, all together."""
        return any(test.changed for state in self.states for test in state.tests)


def compare_states(
    maps: Sequence[StateMap],
    reference: int = 0,
    *,
    align: bool = True,
    rim_width: float | None = None,
    threshold: float = 0.5,
    seed: int = 0,
) -> ChangeSeries:
    """Return the numbers of all states and what changed against one of them.

    Parameters
    ----------
    maps : sequence of StateMap
        Two or more, of one shape and step.
    reference : int
    align : bool
        False takes the scans as lying on each other, with no error of that.
    rim_width : float, optional
        In the axes' unit.
    threshold : float
        Share of the film's level at which it ends.
    seed : int

    Raises
    ------
    BadInputError
        Fewer than two maps; other shapes or steps; no outline.
    """
    if len(maps) < 2:
        raise BadInputError(
            f"a change needs two maps or more; here is {len(maps)}",
            fix="register another state of this area",
        )
    base = maps[reference]
    for one in maps:
        refuse_other_shape(base.values.shape, one.values.shape, (base.name, one.name))
        _refuse_other_step(base, one)
    full = [_filled(one) for one in maps]
    values, variances = [f[0] for f in full], [f[1] for f in full]
    shifts = [
        Shift.none()
        if i == reference or not align
        else fit_shift(values[reference], v, (variances[reference], variances[i]))
        for i, v in enumerate(values)
    ]
    film = find_footprint(
        values[reference],
        (base.y, base.x),
        base.unit,
        [(s.y, s.x) for s in shifts],
        rim_width,
        threshold,
    )
    numbers = [
        shape_numbers(v, var, s, film, seed + i)
        for i, (v, var, s) in enumerate(zip(values, variances, shifts, strict=True))
    ]
    differences: list[Difference | None] = []
    histograms: list[HistogramDistance | None] = []
    for i, (v, var, s) in enumerate(zip(values, variances, shifts, strict=True)):
        if i == reference:
            differences.append(None)
            histograms.append(None)
            continue
        pair, noise = (values[reference], v), (variances[reference], var)
        whole = ratio_of(numbers[i]["matter"], numbers[reference]["matter"])
        scale = (whole.value, whole.std) if whole.value > 0 else (1.0, 0.0)
        differences.append(map_difference(*pair, noise, s, scale))
        histograms.append(histogram_distance(pair, noise, s, film, seed + i))
    tests = held_together(
        [
            [] if i == reference else tests_of(numbers[reference], n, histograms[i], differences[i])
            for i, n in enumerate(numbers)
        ]
    )
    return ChangeSeries(
        tuple(
            StateChange(
                one.name,
                shifts[i],
                numbers[i],
                ratio_of(numbers[i]["matter"], numbers[reference]["matter"])
                if i != reference
                else Number(1.0, 0.0, {}),
                histograms[i],
                differences[i],
                tests[i],
                full[i][2],
            )
            for i, one in enumerate(maps)
        ),
        reference,
        film,
    )


def ratio_of(above: Number, below: Number) -> Number:
    """Return a ratio of two independent numbers with its errors."""
    value = above.value / below.value if below.value else math.nan

    def relative(part: str) -> float:
        both = [n.parts.get(part, 0.0) / abs(n.value) for n in (above, below) if n.value]
        return abs(value) * math.hypot(*both) if both else 0.0

    counting = abs(value) * math.hypot(
        *(n.counting / abs(n.value) for n in (above, below) if n.value)
    )
    return Number(value, counting, {p: relative(p) for p in above.parts})


def _refuse_other_step(base: StateMap, one: StateMap) -> None:
    for axis, a, b in (("y", base.y, one.y), ("x", base.x, one.x)):
        steps = [(v[-1] - v[0]) / max(len(v) - 1, 1) for v in (a, b)]
        if base.unit != one.unit or abs(steps[1] - steps[0]) > SAME_STEP * abs(steps[0]):
            raise BadInputError(
                f"maps of different step are compared: along {axis} {base.name} has "
                f"{steps[0]:.4g} {base.unit}, {one.name} {steps[1]:.4g} {one.unit}",
                fix="compare scans with one step, or name those measurements with 'states'",
            )


def _filled(
    one: StateMap,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Values and variances with what was not measured filled from its neighbours."""
    missing = ~(np.isfinite(one.values) & np.isfinite(one.variance))
    if not missing.any():
        return one.values, one.variance, 0
    if missing.mean() > 0.5:
        raise BadInputError(
            f"{one.name}: {missing.sum()} of {missing.size} points were not measured",
            fix="leave this scan out with the parameter 'states'",
        )
    values = np.where(missing, np.nan, one.values)
    size = 3
    filled = values
    while np.isnan(filled).any():
        median = generic_filter(values, np.nanmedian, size=size, mode="nearest")
        filled = np.where(np.isnan(filled), median, filled)
        size += 2
    typical = float(np.nanmedian(np.where(missing, np.nan, one.variance)))
    variance = np.where(missing, typical, one.variance)
    return filled, variance, int(missing.sum())
