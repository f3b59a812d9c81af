"""Did the film change?  All tests of all states together, so that chance alone rarely says yes.

References
----------
.. [1] S. Holm, Scand. J. Stat. 6 (1979) 65.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from consilience_xrf.change.difference import Difference
from consilience_xrf.change.histogram import HistogramDistance
from consilience_xrf.change.numbers import Number

__all__ = ["TESTED", "Test", "held_together", "tests_of"]

ALPHA = 0.01
"""Chance that a series without change is called changed."""
TESTED = ("void_fraction", "edge_to_centre", "rim_share", "centre_y", "centre_x", "spread")
"""Numbers that are tested; all matter is not, since liquid, focus and monitor change it."""


@dataclass(frozen=True)
class Test:
    """One comparison of a state with the reference.

    Attributes
    ----------
    name : str
        A number of `TESTED`, ``histogram`` or ``map``.
    change, std : float or None
        None for the map, which has no single number.
    p : float
        By itself.
    adjusted : float
        For all tests of the series together (Holm).
    """

    name: str
    change: float | None
    std: float | None
    p: float
    adjusted: float = 1.0

    @property
    def changed(self) -> bool:
        """Whether it counts, all tests together."""
        return self.adjusted < ALPHA


def tests_of(
    reference: Mapping[str, Number],
    state: Mapping[str, Number],
    histogram: HistogramDistance | None,
    difference: Difference | None,
) -> list[Test]:
    """Return the tests of one state, not yet held together with those of others.

    Errors that both share, as that of the outline, cancel.  Numbers are taken as normal.
    """
    found: list[Test] = []
    for name in TESTED:
        if name not in reference or name not in state:
            continue
        change = state[name].value - reference[name].value
        std = math.hypot(state[name].own, reference[name].own)
        p = 1.0 if change == 0 else 2 * float(norm.sf(abs(change) / max(std, 1e-300)))
        found.append(Test(name, change, std, p))
    if histogram is not None:
        std = math.hypot(histogram.counting, histogram.alignment)
        found.append(Test("histogram", histogram.value - histogram.noise, std, histogram.p))
    if difference is not None:
        found.append(Test("map", None, None, difference.p))
    return found


def held_together(states: Sequence[Sequence[Test]]) -> list[list[Test]]:
    """Return the tests with p-values for all of them together ([1]_)."""
    flat = [test for tests in states for test in tests]
    if not flat:
        return [list(tests) for tests in states]
    p = np.array([test.p for test in flat])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    factor = len(p) - np.arange(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factor), 1.0)
    rest = iter(adjusted)
    return [
        [Test(t.name, t.change, t.std, t.p, float(next(rest))) for t in tests] for tests in states
    ]
