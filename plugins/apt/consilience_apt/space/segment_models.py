"""Models of a profile: stretches that are flat or gradients, and where they meet best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_apt.space.segments import (
    PARAMETERS,
    Bins,
    Kind,
    flat_likelihood,
    gradient_likelihood,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Model", "best_models", "change_curve", "likelihood_of", "placed", "refined"]


@dataclass(frozen=True)
class Model:
    """One description of the profile.

    Attributes
    ----------
    name : str
    kinds : tuple of str
        Of the stretches, in order.
    stops : tuple of int
        Bins of `Segmentation.bins` at which stretches end.
    log_likelihood : float
        Over the dispersion.
    parameters : int
    bic : float
    widths : tuple of float
        From 10 to 90 % of each step, nm; empty where steps are sharp.
    """

    name: str
    kinds: tuple[Kind, ...]
    stops: tuple[int, ...]
    log_likelihood: float
    parameters: int
    bic: float
    widths: tuple[float, ...] = ()


def likelihood_of(
    bins: Bins, first: NDArray[np.intp], stop: NDArray[np.intp], kind: Kind
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log-likelihoods and end fractions of stretches of one kind."""
    return (flat_likelihood if kind == "flat" else gradient_likelihood)(bins, first, stop)


def best_models(bins: Bins, most_changes: int, least: int) -> list[Model]:
    """Find the best model for each number of stretches, without and with gradients."""
    number = len(bins)
    first, stop = np.triu_indices(number + 1, k=least)
    cost = math.log(max(float(bins.n.sum()) / bins.dispersion, 2.0))
    table: dict[Kind, NDArray[np.float64]] = {}
    for kind in ("flat", "gradient"):
        table[kind] = np.full((number + 1, number + 1), -np.inf)
        values, _ = likelihood_of(bins, first, stop, kind)
        table[kind][first, stop] = values - 0.5 * cost * PARAMETERS[kind]
    # value[ramp][j]: highest penalised likelihood of bins 0 … j − 1; ramp: has a gradient
    value = [np.full(number + 1, -np.inf), np.full(number + 1, -np.inf)]
    value[0][0] = 0.0
    back: list[list[list[tuple[int, int, Kind] | None]]] = []
    found: list[Model] = []
    steps: list[tuple[int, int, Kind]] = [
        (0, 0, "flat"), (1, 1, "flat"), (1, 0, "gradient"), (1, 1, "gradient")
    ]  # fmt: skip
    for count in range(1, min(most_changes + 1, number // least) + 1):
        grown = [np.full(number + 1, -np.inf), np.full(number + 1, -np.inf)]
        origin: list[list[tuple[int, int, Kind] | None]] = [[None] * (number + 1) for _ in "ab"]
        for target, source, kind in steps:
            whole = value[source][:, None] + table[kind]
            begin = whole.argmax(axis=0)
            top = whole[begin, np.arange(number + 1)]
            for j in np.flatnonzero(top > grown[target]):
                grown[target][j] = top[j]
                origin[target][j] = (int(begin[j]), source, kind)
        value = grown
        back.append(origin)
        found += [
            _traced(back, count, ramp, number, float(value[ramp][number]), cost)
            for ramp in (0, 1)
            if np.isfinite(value[ramp][number])
        ]
    return sorted(found, key=lambda model: model.bic)


def _traced(
    back: list[list[list[tuple[int, int, Kind] | None]]],
    count: int,
    ramp: int,
    number: int,
    value: float,
    cost: float,
) -> Model:
    kinds: list[Kind] = []
    stops: list[int] = []
    at, state = number, ramp
    for level in range(count - 1, -1, -1):
        step = back[level][state][at]
        assert step is not None
        stops.append(at)
        at, state, kind = step
        kinds.append(kind)
    kinds.reverse()
    inner = sum(PARAMETERS[kind] for kind in kinds)
    parameters = inner + count - 1
    likelihood = value + 0.5 * cost * inner
    changes = f"{count - 1} change point{'s' if count != 2 else ''}"
    name = "one fraction throughout" if count == 1 else changes
    if ramp:
        name = "one gradient throughout" if count == 1 else f"{changes}, with gradients"
    return Model(
        name, tuple(kinds), tuple(reversed(stops)), likelihood, parameters,
        parameters * cost - 2 * likelihood,
    )  # fmt: skip


def placed(every: Bins, coarse: Bins, model: Model, least: int) -> Model:
    """Move a model from joined bins to all of them.

    A wide bin across a change point mixes both sides, which a short stretch of its own would
    describe best; in narrow bins it does not.
    """
    start = np.searchsorted(every.edges, [coarse.edges[stop] for stop in model.stops[:-1]])
    places = refined(every, [int(place) for place in start], model.kinds, least)
    bounds = [0, *places, len(every)]
    likelihood = sum(
        float(likelihood_of(every, np.array([first]), np.array([stop]), kind)[0][0])
        for first, stop, kind in zip(bounds[:-1], bounds[1:], model.kinds, strict=True)
    )
    return replace(
        model,
        stops=(*places, len(every)),
        log_likelihood=likelihood,
        bic=model.bic + 2 * (model.log_likelihood - likelihood),
    )


def change_curve(
    bins: Bins,
    low: int,
    high: int,
    kinds: tuple[Kind, Kind],
    least: int,
    step: int = 1,
    among: NDArray[np.intp] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return places of one change between two fixed ones, and the log-likelihood of each."""
    places = np.arange(low + least, high - least + 1, step)
    if among is not None:
        places = among[(among >= low + least) & (among <= high - least)]
    if not places.size:
        places = np.array([(low + high) // 2])
    left, _ = likelihood_of(bins, np.full_like(places, low), places, kinds[0])
    right, _ = likelihood_of(bins, places, np.full_like(places, high), kinds[1])
    return places, left + right


def refined(bins: Bins, places: list[int], kinds: tuple[Kind, ...], least: int) -> list[int]:
    """Move each change point to its best edge, the others fixed, until none moves."""
    for _ in range(10):
        bounds = [0, *places, len(bins)]
        for i in range(1, len(bounds) - 1):
            low, high, pair = bounds[i - 1], bounds[i + 1], (kinds[i - 1], kinds[i])
            # some places first, then all around the best of them: the likelihood is rough, but
            # over a few bins it is not
            step = max((high - low) // 40, 1)
            tried, likelihood = change_curve(bins, low, high, pair, least, step=step)
            if step > 1:
                best = tried[np.argsort(likelihood)[-3:]]
                near = np.unique((best[:, None] + np.arange(1 - step, step)).ravel())
                tried, likelihood = change_curve(bins, low, high, pair, least, among=near)
            bounds[i] = int(tried[likelihood.argmax()])
        if bounds[1:-1] == places:
            break
        places = bounds[1:-1]
    return places
