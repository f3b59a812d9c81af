"""Rows of the table: counts of sums and of pixels, at zero and at the limit, and labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from consilience.model.sample import Sample
from consilience.testing.coverage import Outcome, Row
from consilience_xrf.findings.elements_drafts import Whole
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import run_elements
from consilience_xrf.fitting.fitted_scale import Scale, found_scale
from consilience_xrf.fitting.intervals import bounded_interval
from consilience_xrf.fitting.maps import fit_maps
from consilience_xrf.fitting.whole import fit_whole
from xrf_coverage.models import ENERGY, GEOMETRY, Array, expected

__all__ = ["ROWS"]

SUM = {"Ca_K": 3e4, "Fe_K": 8e4, "Cu_K": 3e4, "As_K": 2e4, "Pb_L": 6e4, "elastic": 5e4,
       "compton": 1.2e5}  # fmt: skip
NAMED = ("Ca", "Fe", "Cu", "As", "Pb_L", "Ni")
"""Nickel is not there."""
PIXEL = {"Ca_K": 60.0, "Fe_K": 150.0, "Cu_K": 40.0, "elastic": 80.0, "compton": 200.0}
MAPPED = ("Ca", "Fe", "Cu", "Ni")
SPECTRA = 50
"""Of one simulated map."""


def _scale(total: Array, named: tuple[str, ...]) -> Scale:
    elements = [name.partition("_")[0] for name in named]
    return found_scale(ENERGY, total, GEOMETRY, elements, unasked=False, rivals=False)


def _with_nickel(
    model: str, seed: tuple[int, int], amounts: Mapping[str, float], level: float, nickel: float
) -> tuple[Array, np.random.Generator]:
    """Mean counts with so much nickel, everything else drawn alike, and what draws next."""
    chance = np.random.default_rng(seed)
    return expected(model, {**amounts, "Ni_K": nickel}, level, chance), chance


def _photons(
    model: str, seed: tuple[int, int], amounts: Mapping[str, float], level: float, nickel: float
) -> Array:
    """Photons that so much nickel adds to a spectrum that has been counted without any."""
    without, with_some = (
        _with_nickel(model, seed, amounts, level, amount)[0] for amount in (0.0, nickel)
    )
    more = np.maximum(with_some - without, 0.0)
    return np.random.default_rng((*seed, 1)).poisson(more).astype(np.float64)


@lru_cache(maxsize=4096)
def _sum(model: str, seed: int, added: float = 0.0) -> dict[str, tuple[float, ...]]:
    """Counts, counting and systematic error, critical level and limit of each family.

    As ``xrf.elements`` finds them in a sum without nickel, to which `added` counts of it came.
    """
    place = (seed, 11)
    mean, chance = _with_nickel(model, place, SUM, 400.0, 0.0)
    total = chance.poisson(mean).astype(np.float64)
    if added > 0:
        total = total + _photons(model, place, SUM, 400.0, added)
    made = fit_whole(total, _scale(total, NAMED), NAMED)
    whole = Whole(made.fit, made.errors, made.scale, 1, frozenset(NAMED))
    found: dict[str, tuple[float, ...]] = {}
    for i, name in enumerate(whole.fit.names[: whole.fit.elements]):
        net, critical, limit = whole.decision(i)
        errors = (float(whole.fit.std[i]), float(whole.errors.total[i]))
        found[name] = (net, *errors, critical, limit)
    return found


def _counted(name: str, model: str, seed: int) -> Outcome:
    net, std, sys, _, _ = _sum(model, seed)[name]
    away = net - SUM[name]
    return Outcome(pull=away / std, pull_total=away / float(np.hypot(std, sys)))


def _iron(model: str, seed: int) -> Outcome:
    return _counted("Fe_K", model, seed)


def _copper(model: str, seed: int) -> Outcome:
    return _counted("Cu_K", model, seed)


def _arsenic(model: str, seed: int) -> Outcome:
    """Its α line lies on that of lead: ratios and the fitted width of lines decide."""
    return _counted("As_K", model, seed)


def _absent(model: str, seed: int) -> Outcome:
    net, _, _, critical, _ = _sum(model, seed)["Ni_K"]
    return Outcome(happened=net > critical)


NOT_SAID = "called present, so that no limit is read"


def _at_limit(model: str, seed: int) -> Outcome:
    """Whether the limit that is read of a spectrum is wrong of it.

    A spectrum without the element states a limit.  Had there been as much, would it have been
    called absent?  The photons of so much are added to those that were counted, and all is fitted
    anew.
    """
    net, _, _, critical, limit = _sum(model, seed)["Ni_K"]
    if net > critical:
        return Outcome(reason=NOT_SAID)
    net, _, _, critical, _ = _sum(model, seed, limit)["Ni_K"]
    return Outcome(happened=net <= critical)


@lru_cache(maxsize=4096)
def _pixel(
    model: str, seed: int, nickel: float = 0.0, added: float = 0.0
) -> dict[str, tuple[float, ...]]:
    """As `_sum`, of one pixel of a map whose other pixels are its like.

    All have so much `nickel`; to this one `added` counts came.  One pixel of each map: what
    drifted, and what was fitted to the sum, is the same for all of a map.
    """
    place = (seed, 12)
    mean, chance = _with_nickel(model, place, PIXEL, 2.0, nickel)
    cube = chance.poisson(mean, (SPECTRA, ENERGY.size)).astype(np.float64)
    if added > 0:
        cube[0] += _photons(model, place, PIXEL, 2.0, added)
    total = cube.sum(axis=0)
    whole = fit_whole(total, _scale(total, MAPPED), MAPPED)
    response, geometry = whole.scale.response, whole.scale.geometry
    fit = fit_maps(cube, whole.scale.energy, MAPPED, response=response, geometry=geometry)
    found: dict[str, tuple[float, ...]] = {}
    for i, name in enumerate(fit.names[: fit.elements]):
        sys = float(whole.errors.total[whole.fit.of(name)]) / SPECTRA
        of_pixel = (fit.free[i, 0], fit.std[i, 0], sys, fit.critical[i, 0], fit.limit[i, 0])
        found[name] = tuple(float(value) for value in of_pixel)
    return found


def _iron_of_a_pixel(model: str, seed: int) -> Outcome:
    free, std, sys, _, _ = _pixel(model, seed)["Fe_K"]
    away = free - PIXEL["Fe_K"]
    return Outcome(pull=away / std, pull_total=away / float(np.hypot(std, sys)))


@lru_cache(maxsize=2)
def _typical_of_a_pixel(model: str) -> float:
    """Limit of nickel in such a pixel: the median of a few."""
    return float(np.median([_pixel(model, seed)["Ni_K"][4] for seed in range(9)]))


def _interval_at_zero(model: str, seed: int) -> Outcome:
    return _interval(0.0, model, seed)


def _interval_at_limit(model: str, seed: int) -> Outcome:
    return _interval(_typical_of_a_pixel(model), model, seed)


def _interval(nickel: float, model: str, seed: int) -> Outcome:
    free, std, sys, _, _ = _pixel(model, seed, nickel)["Ni_K"]
    low, high = bounded_interval(np.array(free), np.array(np.hypot(std, sys)))
    return Outcome(inside=bool(low <= nickel <= high))


def _pixel_absent(model: str, seed: int) -> Outcome:
    free, _, _, critical, _ = _pixel(model, seed)["Ni_K"]
    return Outcome(happened=free > critical)


def _pixel_at_limit(model: str, seed: int) -> Outcome:
    """As `_at_limit`, of one pixel."""
    free, _, _, critical, limit = _pixel(model, seed)["Ni_K"]
    if free > critical:
        return Outcome(reason=NOT_SAID)
    free, _, _, critical, _ = _pixel(model, seed, added=limit)["Ni_K"]
    return Outcome(happened=free <= critical)


def _labelled(model: str, seed: int) -> Outcome:
    """Whether the whole analysis calls an element present that is not there."""
    chance = np.random.default_rng((seed, 13))
    mean = expected(model, SUM, 400.0, chance)
    data = xr.Dataset(
        {"counts": ("channel", chance.poisson(mean).astype(np.float64), {"units": "count"})},
        {"energy": ("channel", ENERGY, {"units": "keV"})},
    )
    made: Any = SimpleNamespace(
        data=data,
        metadata={"incident_energy": {"value": 14.0, "unit": "keV"}},
        record=SimpleNamespace(name="sum"),
    )
    sample: Any = SimpleNamespace(sample=Sample(id="film", elements=["Fe"]))
    found = run_elements([made], ElementsParams(), sample).findings
    there = {
        f.subject.element
        for f in found
        if f.kind == "element" and f.status == "present" and f.subject
    }
    return Outcome(happened=bool(there - {"Ca", "Fe", "Cu", "As", "Pb"}))


ROWS = [
    Row("iron in a sum", "pull with systematic", _iron),
    Row("copper in a sum", "pull with systematic", _copper),
    Row("arsenic under lead in a sum", "both errors", _arsenic),
    Row("an element that is not in a sum, called present", "at most", _absent),
    Row("as much as the limit in a sum, called absent", "at most", _at_limit),
    Row("an element that nobody named and that is not there, called present", "at most", _labelled),
    Row("iron in a pixel", "pull with systematic", _iron_of_a_pixel),
    Row("interval of an element that is not in a pixel", "interval", _interval_at_zero),
    Row("interval of an element at its limit in a pixel", "interval", _interval_at_limit),
    Row("an element that is not in a pixel, called present", "at most", _pixel_absent),
    Row("as much as the limit in a pixel, called absent", "at most", _pixel_at_limit),
]
