"""Regions of different composition along a profile: change points, against gradients.

Every number of change points, and in every stretch one fraction (flat) or an evenly changing one
(gradient), is fitted by binomial likelihood; dynamic programming finds the most likely places of
all change points together.  Steps between flat stretches are also fitted with a width of their
own.  All models are reported with likelihood and BIC [1]_, because a staircase, a diffuse step and
a ramp can be equally likely.

References
----------
.. [1] G. Schwarz, Ann. Statist. 6 (1978) 461; the sample size is the number of atoms, over their
   dispersion, and a change point is a parameter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.change_points import ChangePoint, beside_gradient, between_flats
from consilience_apt.space.counting import Basis
from consilience_apt.space.diffuse_steps import Steps, diffuse_model
from consilience_apt.space.profile import Profile
from consilience_apt.space.segment_models import (
    Model,
    best_models,
    likelihood_of,
    placed,
    refined,
)
from consilience_apt.space.segments import Bins, Kind, end_errors

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
    steps = _diffuse(every, models, least_bins)
    models = sorted([*models, *steps], key=lambda model: model.bic)
    best = models[0]
    wide = steps.get(best)
    ramp = "gradient" in best.kinds
    rival = next((one for one in models if ("gradient" in one.kinds) != ramp), None)
    places = list(best.stops[:-1])
    if wide is None:
        places = refined(every, places, best.kinds, least_bins)
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
            if wide is None
            else _between(every, first, stop, wide, place)
            for place, (first, stop, kind) in enumerate(
                zip(bounds[:-1], bounds[1:], best.kinds, strict=True)
            )
        ),
        change_points=tuple(
            between_flats(every, bounds, place, wide, least_bins, level, depth_relative_std, fixed)
            if best.kinds[place - 1 : place + 1] == ("flat", "flat")
            else beside_gradient(
                every, bounds, place, best.kinds, least_bins, level, depth_relative_std, fixed
            )
            for place in range(1, len(bounds) - 1)
        ),
        bins=every,
        merged=len(coarse) < len(every),
    )


def _diffuse(bins: Bins, models: list[Model], least: int) -> dict[Model, Steps]:
    """Fit diffuse rivals of the models with sharp steps, until more steps make them worse."""
    sharp = [one for one in models if len(one.kinds) > 1 and "gradient" not in one.kinds]
    found: dict[Model, Steps] = {}
    lowest = math.inf
    for model in sorted(sharp, key=lambda one: len(one.kinds)):
        made = diffuse_model(bins, model, least)
        if made is None:
            continue
        found[made[0]] = made[1]
        if made[0].bic > lowest + DECIDED:
            break
        lowest = min(lowest, made[0].bic)
    return found


def _segment(bins: Bins, first: int, stop: int, kind: Kind) -> Segment:
    _, ends = likelihood_of(bins, np.array([first]), np.array([stop]), kind)
    start, end = float(ends[0, 0]), float(ends[0, 1])
    errors = end_errors(bins, first, stop, kind, (start, end))
    return Segment(
        kind, float(bins.edges[first]), float(bins.edges[stop]), start, end, *errors,
        float(bins.n[first:stop].sum()),
    )  # fmt: skip


def _between(bins: Bins, first: int, stop: int, steps: Steps, place: int) -> Segment:
    """A stretch between diffuse steps, whose own bins the steps reach into."""
    value, std = steps.fractions[place], steps.fraction_stds[place]
    ends = float(bins.edges[first]), float(bins.edges[stop])
    return Segment("flat", *ends, value, value, std, std, float(bins.n[first:stop].sum()))


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
    68 %): the profile likelihood holds at a kink, and at a diffuse step the likelihood over all
    widths of `ChangePoint`.
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
    places = [int(np.searchsorted(bins.edges, one.high)) for one in found.segments[:-1]]
    ends = np.empty((repeats, len(places)))
    for repeat in range(repeats):
        k = rng.binomial(trials, np.clip(p, 0, 1)) * (bins.n / np.maximum(trials, 1))
        drawn = Bins(bins.edges, np.minimum(k, bins.n), bins.n, bins.dispersion)
        ends[repeat] = bins.edges[refined(drawn, list(places), found.best.kinds, least_bins)]
        progress(repeat + 1, repeats, "errors of change points")
    made = []
    for column, part in zip(ends.T, found.segments[:-1], strict=True):
        edge = part.high
        low, high = np.quantile(column - edge, (0.5 - level / 2, 0.5 + level / 2))
        made.append(
            (
                float(column.std(ddof=1)),
                (edge - float(high), edge - float(low)),
            )
        )
    return made
