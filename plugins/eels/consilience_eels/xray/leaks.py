"""Lines that lie in the background windows of others, and what they take from their net counts."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from consilience_eels.library import LineSums, lines_of
from consilience_eels.xray.quantify import LineCounts

__all__ = ["Leak", "leaks", "leaks_std"]

LEAST = 0.5
"""Counts below which a leak is not worth naming."""


@dataclass(frozen=True)
class Leak:
    """A line in the background windows of another: its counts there, and what that takes away."""

    line: str
    into: str
    energy: float
    counts: float
    lost: float


def leaks(
    sums: Sequence[LineSums], found: Sequence[LineCounts], quantified: Sequence[LineSums]
) -> list[Leak]:
    """Return what lines of elements that are present leave in background windows.

    The counts of a line are those of the line that was counted, times exSpy's ratio of the two
    within their shell; lines of other shells than the one counted are not known and left out.

    Parameters
    ----------
    sums, found : sequence of LineSums and of LineCounts
        All lines counted.
    quantified : sequence of LineSums
        Those whose background windows are looked at.
    """
    made = []
    for one, counts in zip(sums, found, strict=True):
        element, _, name = one.line.partition("_")
        family = lines_of(element)
        if not counts.present or one.line not in family:
            continue
        for line, (at, weight) in family.items():
            if line.partition("_")[2][0] != name[0]:
                continue
            strength = counts.net * weight / family[one.line][1]
            sigma = one.fwhm / 2.3548 * np.sqrt(max(0.2, at / max(one.energy, 1e-6)))
            for other in quantified:
                a, b, c, d = other.background
                share = _inside(a, b, at, sigma) + _inside(c, d, at, sigma)
                width = other.window[1] - other.window[0]
                lost = strength * share * width / max(1e-9, (b - a) + (d - c))
                if lost > LEAST:
                    made.append(Leak(line, other.line, at, float(strength * share), float(lost)))
    return made


def leaks_std(found: Sequence[Leak], quantified: Sequence[LineSums]) -> NDArray[np.float64]:
    """Return by line what leaks take from its net counts, as one standard deviation."""
    return np.array([sum(leak.lost for leak in found if leak.into == q.line) for q in quantified])


def _inside(low: float, high: float, at: float, sigma: float) -> float:
    scale = sigma * np.sqrt(2.0)
    return float(0.5 * (erf((high - at) / scale) - erf((low - at) / scale)))
