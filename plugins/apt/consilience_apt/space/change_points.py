"""Where two stretches of a profile meet, with the width that the step may have.

References
----------
.. [1] D. Siegmund, Ann. Statist. 16 (1988) 487: twice the log-likelihood ratio of a change
   point is at most x with probability (1 − exp(−x/2))², for a step that is not too large.  Used
   beside a gradient; between flat stretches see `consilience_apt.space.step_posterior`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience_apt.space.diffuse_steps import ERF_10_90, Steps
from consilience_apt.space.segment_models import change_curve
from consilience_apt.space.segments import Bins, Kind
from consilience_apt.space.step_posterior import StepBins, step_posterior

__all__ = ["ChangePoint", "beside_gradient", "between_flats"]

DIFFUSE = 2.71
"""Twice the log-likelihood that a width has to gain before a step is called diffuse: a sharp one
gains as much in one of twenty (the width cannot be negative)."""


@dataclass(frozen=True)
class ChangePoint:
    """Where one stretch ends and the next begins.

    Attributes
    ----------
    position : float
        nm.  Between two flat stretches the mean over all places and widths that the counts
        allow; beside a gradient the best edge of the bins.
    std_stat : float
        Standard deviation over the likelihood of all other places, and widths.
    std_sys : float or None
        From the depth scale; None where that is unknown.
    interval : tuple of float
        Central, over places and widths; beside a gradient by profile likelihood with Siegmund's
        quantile, for a sharp step.
    level : float
        Of the intervals.
    width_interval : tuple of float or None
        Shortest, of the width from 10 to 90 %, nm; from 0 where the step may be sharp.  None
        beside a gradient, which a width cannot be told from.
    diffuse : bool or None
        Whether the counts speak against a sharp step (2 Δ ln L > 2.71).
    """

    position: float
    std_stat: float
    std_sys: float | None
    interval: tuple[float, float]
    level: float
    width_interval: tuple[float, float] | None = None
    diffuse: bool | None = None

    def sentence(self) -> str:
        """Return place, error and width in words."""
        said = f"change point at {self.position:.4g} ± {self.std_stat:.2g} nm (stat)"
        if self.width_interval is None:
            return f"{said}, taken as sharp: its width cannot be told from the gradient beside it"
        low, high = self.width_interval
        if self.diffuse:
            return f"{said}, diffuse: {low:.2g} to {high:.2g} nm from 10 to 90 %"
        return f"{said}, sharp or at most {high:.2g} nm wide from 10 to 90 %"


def between_flats(
    bins: Bins,
    bounds: list[int],
    place: int,
    wide: Steps | None,
    least: int,
    level: float,
    depth: float | None,
    fixed: float,
) -> ChangePoint:
    """Return the change between two flat stretches over all places and widths.

    Parameters
    ----------
    bins : Bins
    bounds : list of int
        Bins at which stretches begin and end, with the profile's ends.
    place : int
        Which of them.
    wide : Steps or None
        Of a model whose steps are diffuse.
    least : int
        Fewest bins in a stretch.
    level : float
        Of the intervals.
    depth : float or None
        Relative standard deviation of the depth's scale.
    fixed : float
        Distance that the scale does not move, nm.
    """
    edges = bins.edges
    first, last = float(edges[bounds[place - 1]]), float(edges[bounds[place + 1]])
    if wide is not None:  # stay out of the steps beside
        if place > 1:
            first += 2 * wide.scales[place - 2]
        if place < len(wide.places):
            last -= 2 * wide.scales[place]
    used = (edges[:-1] >= first) & (edges[1:] <= last)
    own = (edges[:-1] >= edges[bounds[place] - least]) & (edges[1:] <= edges[bounds[place] + least])
    used |= own
    part = StepBins(edges[:-1][used], edges[1:][used], bins.k[used], bins.n[used], bins.dispersion)
    fine = float(np.diff(edges).min())
    here = float(edges[bounds[place]])
    ends = float(part.low[min(least, len(part.k) - 1)]), float(part.high[-min(least, len(part.k))])
    limits = min(ends[0], here - fine), max(ends[1], here + fine)
    # a step is no step unless either stretch has room for its width
    room = min(here - float(part.low[0]), float(part.high[-1]) - here)
    scales = 0.1 * fine, max(room / ERF_10_90, 0.5 * fine)
    found = step_posterior("erf", part, here, 2 * fine, scales, limits)
    low, high = found.scale_interval(level)
    return ChangePoint(
        found.mean,
        found.std(),
        None if depth is None else abs(found.mean - fixed) * depth,
        found.interval(level),
        level,
        (ERF_10_90 * low, ERF_10_90 * high),
        found.rise > DIFFUSE,
    )


def beside_gradient(
    bins: Bins,
    bounds: list[int],
    place: int,
    kinds: tuple[Kind, ...],
    least: int,
    level: float,
    depth: float | None,
    fixed: float,
) -> ChangePoint:
    """Return the change beside a gradient, by profile likelihood over the edges of bins.

    Parameters
    ----------
    kinds : tuple of str
        Of all stretches; the others as in `between_flats`.
    """
    pair = (kinds[place - 1], kinds[place])
    tried, likelihood = change_curve(bins, bounds[place - 1], bounds[place + 1], pair, least)
    fall = 2 * (likelihood.max() - likelihood)
    quantile = -2 * math.log(1 - math.sqrt(level))
    kept = tried[fall <= quantile]
    edges = bins.edges
    at = int(tried[likelihood.argmax()])
    weight = np.exp(-0.5 * fall)
    weight /= weight.sum()
    # a change may lie anywhere between the neighbouring edges
    before, after = edges[max(at - 1, 0)], edges[min(at + 1, len(bins))]
    spread = float((weight * (edges[tried] - edges[at]) ** 2).sum())
    low, high = int(kept[0]), int(kept[-1])
    return ChangePoint(
        float(edges[at]),
        math.sqrt(spread + (after - before) ** 2 / 48),
        None if depth is None else abs(float(edges[at]) - fixed) * depth,
        (
            float(edges[low] + edges[max(low - 1, 0)]) / 2,
            float(edges[high] + edges[min(high + 1, len(bins))]) / 2,
        ),
        level,
    )
