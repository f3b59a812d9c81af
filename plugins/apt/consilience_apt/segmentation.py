"""Regions of different composition along a profile: change points, against gradients.

Every number of change points, and in every stretch one fraction (flat) or an evenly changing one
(gradient), is fitted by binomial likelihood; dynamic programming finds the most likely places of
all change points together.  All models are reported with likelihood and BIC [1]_, because a
staircase and a ramp can be equally likely.

References
----------
.. [1] G. Schwarz, Ann. Statist. 6 (1978) 461; the sample size is the number of atoms, over their
   dispersion, and a change point is a parameter.
.. [2] D. Siegmund, Ann. Statist. 16 (1988) 487: twice the log-likelihood ratio of a change
   point is at most x with probability (1 − exp(−x/2))², for a step that is not too large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.counting import Basis
from consilience_apt.profile import Profile
from consilience_apt.segment_models import (
    Model,
    best_models,
    change_curve,
    likelihood_of,
    placed,
    refined,
)
from consilience_apt.segments import Bins, Kind, end_errors

__all__ = ["ChangePoint", "Model", "Segment", "Segmentation", "bootstrap", "segment_profile"]

DECIDED = 6.0
"""Difference of BIC from which one model is called better: odds of 20 to 1."""


@dataclass(frozen=True)
class Segment:
    """A stretch: fractions at its two ends (equal if flat), nm, and their counting errors."""

    kind: Kind
    low: float
    high: float
    start: float
    end: float
    start_std_stat: float
    end_std_stat: float
    atoms: float


@dataclass(frozen=True)
class ChangePoint:
    """Where one stretch ends and the next begins.

    Attributes
    ----------
    position : float
        nm, an edge of the profile's bins.
    std_stat : float
        Standard deviation over the likelihood of all other places, the bins' width included.
    std_sys : float or None
        From the depth scale; None where that is unknown.
    interval : tuple of float
        By profile likelihood with Siegmund's quantile.
    level : float
        Of the interval.
    """

    position: float
    std_stat: float
    std_sys: float | None
    interval: tuple[float, float]
    level: float


@dataclass(frozen=True)
class Segmentation:
    """What a profile can be made of.

    Attributes
    ----------
    models : tuple of Model
        All that were fitted, lowest BIC first.
    best : Model
    rival : Model or None
        The best with a gradient if `best` has none, the best without if it has one.
    bic_difference : float or None
        Of the rival to the best.
    likelihood_ratio : float or None
        Twice the difference of log-likelihoods, best minus rival.
    decided : bool
        Whether the rival's BIC is higher by 6 or more, and the best is also the more likely one:
        one that is only simpler is not shown to be right.
    throughout : Segment
        One gradient fitted to the whole profile, whatever the best model: with its errors it
        says how much of a gradient could be there unseen.
    segments : tuple of Segment
        Of the best model.
    change_points : tuple of ChangePoint
        Of the best model.
    merged : bool
        Whether neighbouring bins were joined to find the models.
    """

    what: str
    models: tuple[Model, ...]
    best: Model
    rival: Model | None
    bic_difference: float | None
    likelihood_ratio: float | None
    decided: bool
    throughout: Segment
    segments: tuple[Segment, ...]
    change_points: tuple[ChangePoint, ...]
    bins: Bins
    merged: bool


def segment_profile(
    profile: Profile,
    what: str,
    basis: Basis = "atomic",
    most_changes: int = 4,
    least_bins: int = 3,
    most_bins: int = 120,
    level: float = 0.683,
    depth_relative_std: float | None = None,
    fixed: float = 0.0,
) -> Segmentation:
    """Divide a profile into stretches, with rivals.

    Parameters
    ----------
    profile : Profile
        In narrow bins, of some tens of ions: a bin across a change point mixes both sides.
    what, basis
        Element or species, and of what it is a fraction.
    most_changes : int
        Most change points tried.
    least_bins : int
        Fewest bins in a stretch, 2 or more.
    most_bins : int
        A profile of more bins has neighbours joined to find the change points, which are then
        placed on the edges of all bins.
    level : float
        Of the intervals.
    depth_relative_std : float, optional
        Relative standard deviation of the depth's scale; unknown if not given.
    fixed : float
        Distance that the scale does not move, nm.

    Raises
    ------
    BadInputError
        Fewer bins with ions than two stretches take.
    """
    k, n, dispersion = profile.binomial(what, basis)
    held = np.flatnonzero(n > 0)
    if held.size < 2 * least_bins or least_bins < 2:
        raise BadInputError(
            f"{held.size} bins with ions, two stretches of {least_bins} bins take {2 * least_bins}",
            fix="take narrower bins, or fewer bins a stretch (at least 2)",
        )
    span = slice(int(held[0]), int(held[-1]) + 1)
    every = Bins(profile.edges[span.start : span.stop + 1], k[span], n[span], dispersion)
    coarse = every.merged(most_bins)
    models = best_models(coarse, most_changes, least_bins)
    if len(coarse) < len(every):
        models = [placed(every, coarse, model, least_bins) for model in models]
    models.sort(key=lambda model: model.bic)
    best = models[0]
    ramp = "gradient" in best.kinds
    rival = next((one for one in models if ("gradient" in one.kinds) != ramp), None)
    places = refined(every, list(best.stops[:-1]), best.kinds, least_bins)
    bounds = [0, *places, len(every)]
    difference = None if rival is None else rival.bic - best.bic
    ratio = None if rival is None else 2 * (best.log_likelihood - rival.log_likelihood)
    return Segmentation(
        what=what,
        models=tuple(models),
        best=best,
        rival=rival,
        bic_difference=difference,
        likelihood_ratio=ratio,
        decided=difference is not None
        and ratio is not None
        and difference >= DECIDED
        and ratio > 0,
        throughout=_segment(every, 0, len(every), "gradient"),
        segments=tuple(
            _segment(every, first, stop, kind)
            for first, stop, kind in zip(bounds[:-1], bounds[1:], best.kinds, strict=True)
        ),
        change_points=tuple(
            _change(every, bounds, place, best.kinds, least_bins, level, depth_relative_std, fixed)
            for place in range(1, len(bounds) - 1)
        ),
        bins=every,
        merged=len(coarse) < len(every),
    )


def _segment(bins: Bins, first: int, stop: int, kind: Kind) -> Segment:
    _, ends = likelihood_of(bins, np.array([first]), np.array([stop]), kind)
    start, end = float(ends[0, 0]), float(ends[0, 1])
    errors = end_errors(bins, first, stop, kind, (start, end))
    return Segment(
        kind, float(bins.edges[first]), float(bins.edges[stop]), start, end, *errors,
        float(bins.n[first:stop].sum()),
    )  # fmt: skip


def _change(
    bins: Bins,
    bounds: list[int],
    place: int,
    kinds: tuple[Kind, ...],
    least: int,
    level: float,
    depth: float | None,
    fixed: float,
) -> ChangePoint:
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


def bootstrap(
    found: Segmentation,
    repeats: int = 200,
    level: float = 0.683,
    seed: int = 0,
    least_bins: int = 3,
    progress: Progress = no_progress,
) -> list[tuple[float, tuple[float, float]]]:
    """Return spread and interval of each change point over profiles simulated from the best model.

    Number and kinds of the stretches stay as they are; each change point is looked for between
    its neighbours.

    Parameters
    ----------
    found : Segmentation
    repeats : int
    level : float
        Of the intervals.
    seed, least_bins, progress

    Returns
    -------
    list of (std, (low, high))
        nm; the interval is the change point minus the quantiles of its error.

    Notes
    -----
    A check of `ChangePoint.interval` where the fraction jumps.  Where a gradient meets a flat
    stretch without a jump, or the step is diffuse, the fitted model has more of a jump than the
    truth and these intervals are far too short (a fifth to a third of the trials instead of
    68 %): the profile likelihood holds at a kink; a diffuse step is for
    `consilience_apt.interface.fit_interface`.
    """
    if repeats < 2:
        raise BadInputError(f"{repeats} repeats give no spread", fix="take at least two")
    bins, rng = found.bins, np.random.default_rng(seed)
    centres = (bins.edges[1:] + bins.edges[:-1]) / 2
    p = np.empty(len(bins))
    for part in found.segments:
        inside = (centres > part.low) & (centres < part.high)
        t = (centres[inside] - part.low) / (part.high - part.low)
        p[inside] = part.start * (1 - t) + part.end * t
    trials = np.round(bins.n / bins.dispersion).astype(np.int64)
    places = [int(np.searchsorted(bins.edges, c.position)) for c in found.change_points]
    ends = np.empty((repeats, len(places)))
    for repeat in range(repeats):
        k = rng.binomial(trials, np.clip(p, 0, 1)) * (bins.n / np.maximum(trials, 1))
        drawn = Bins(bins.edges, np.minimum(k, bins.n), bins.n, bins.dispersion)
        ends[repeat] = bins.edges[refined(drawn, list(places), found.best.kinds, least_bins)]
        progress(repeat + 1, repeats, "errors of change points")
    made = []
    for column, point in zip(ends.T, found.change_points, strict=True):
        low, high = np.quantile(column - point.position, (0.5 - level / 2, 0.5 + level / 2))
        made.append(
            (
                float(column.std(ddof=1)),
                (point.position - float(high), point.position - float(low)),
            )
        )
    return made
