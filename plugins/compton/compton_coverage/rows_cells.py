"""Ratios and lithium of a layered cell: counting, all errors, α and β known and uncertain."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from compton_coverage.cells import CONTEXT, MODELS, as_measurement, expected
from consilience.compare.courses.association import spearman
from consilience.testing.coverage import Outcome, Row
from consilience_compton.findings.lithium_run import run_lithium
from consilience_compton.findings.lithium_states import StateRatio, states_of_spectra
from consilience_compton.findings.series_params import LithiumParams, PointParams
from consilience_compton.model.calibration import Point, fit_calibration
from consilience_compton.model.profiles import LOG_LINEAR, SPLINE, nmc622, ratio_of_windows
from consilience_compton.simulation.spectra import noisy

__all__ = ["ROWS"]

BEAM = 250.0
PLANTED = 0.57
KNOWN = LithiumParams(alpha=0.88, beta=0.62, beam=BEAM)
ALIGNED_STD = 1.0
"""µm of each sheet's edge, independent in regions 1 and 2."""
UNCERTAIN = LithiumParams(
    beam=BEAM, cathode=65.0, electrolyte=30.0, aligned_std=ALIGNED_STD, same_setup=True
)
CALIBRATED = (0.2, 0.4, 0.6, 0.8, 1.0)
X_STD = 0.01
"""Of x by chemical analysis, in each point of the calibration."""
PARTS = ("cathode", "electrolyte", "anode")
FWHM = 0.905


def _regions(
    model: str, x: float, chance: np.random.Generator | None, shifts: tuple[float, float] = (0, 0)
) -> list[Any]:
    """Three regions of one state; sheets 1 and 2 lie off by `shifts`, in µm of lithium less."""
    clean = expected(model, x)
    counts = clean.counts.copy()
    for region, shift in enumerate(shifts):
        counts[region] -= shift / BEAM * clean.counts[2]
    values = counts if chance is None else noisy(counts, chance, MODELS[model])
    return [
        as_measurement(values[n], clean.edges, clean.geometry, region=n + 1, state="measured")
        for n in range(3)
    ]


def _ratios(regions: list[Any], params: LithiumParams = KNOWN) -> dict[str, StateRatio]:
    states, notices = states_of_spectra(regions, params, PARTS)
    assert not notices, notices
    return {one.part: one for one in states}


@lru_cache(maxsize=32)
def _clean(model: str, x: float = PLANTED) -> dict[str, tuple[float, float]]:
    """EMR without noise, and the counting error, of each part."""
    found = _ratios(_regions(model, x, None))
    return {
        part: (one.value or math.nan, float(one.evaluated.result.std_stat))
        for part, one in found.items()
    }


def _counting(part: str, model: str, seed: int) -> Outcome:
    """About the value of the same spectra without noise."""
    one = _ratios(_regions(model, PLANTED, np.random.default_rng((seed, 1))))[part]
    if one.value is None:
        return Outcome(reason="too few counts")
    pull = (one.value - _clean(model)[part][0]) / float(one.evaluated.result.std_stat)
    return Outcome(pull=pull)


def _cathode(model: str, seed: int) -> Outcome:
    return _counting("cathode", model, seed)


def _electrolyte(model: str, seed: int) -> Outcome:
    return _counting("electrolyte", model, seed + 1_000_000)


def _lithium(model: str, seed: int) -> Outcome:
    return _counting("anode", model, seed + 2_000_000)


def _absolute(model: str, seed: int) -> Outcome:
    """About the ratio of the profile that was put in, broadened by the detector."""
    told = KNOWN.model_copy(update={"multiple_scattering": 0.02})
    regions = _regions(model, PLANTED, np.random.default_rng((seed, 2)))
    one = _ratios(regions, told)["cathode"]
    if one.value is None or one.evaluated.result.std_sys is None:
        return Outcome(reason="too few counts")
    planted = nmc622(PLANTED)
    if model == "first":
        truth = ratio_of_windows(planted, fwhm=FWHM, interpolation=SPLINE)
    else:
        wide = MODELS[model].stretch
        low, high = (
            ((-1.0 / wide, 1.0 / wide),),
            ((-5.0 / wide, -1.0 / wide), (1.0 / wide, 5.0 / wide)),
        )
        truth = ratio_of_windows(planted, low, high, FWHM / wide, LOG_LINEAR)
    whole = math.hypot(float(one.evaluated.result.std_stat), one.evaluated.result.std_sys)
    return Outcome(pull_total=(one.value - truth) / whole)


def _points(model: str, chance: np.random.Generator) -> tuple[PointParams, ...]:
    """A calibration with the same set-up, of five states with errors of their own."""
    found = []
    for x in CALIBRATED:
        emr, std = _clean(model, x)["cathode"]
        found.append(
            PointParams(
                emr=emr + chance.normal(0.0, std),
                x=x + chance.normal(0.0, X_STD),
                emr_std=std,
                x_std=X_STD,
            )
        )
    return tuple(found)


@lru_cache(maxsize=8)
def _straight(model: str) -> float:
    """Return what the line gives without any noise: what it bends is a systematic error's."""
    points = [Point(_clean(model, x)["cathode"][0], x) for x in CALIBRATED]
    return fit_calibration(points).content(_clean(model)["cathode"][0]).x


@lru_cache(maxsize=4096)
def _content(model: str, seed: int, *, uncertain: bool) -> tuple[float, float, float]:
    """Return x, its error without the line's bend and scale, and its whole error."""
    chance = np.random.default_rng((seed, 4 if uncertain else 3))
    shifts = chance.normal(0.0, ALIGNED_STD, 2) if uncertain else np.zeros(2)
    given = (UNCERTAIN if uncertain else KNOWN).model_copy(
        update={"points": _points(model, chance), "same_setup": True}
    )
    regions = _regions(model, PLANTED, chance, (float(shifts[0]), float(shifts[1])))
    found = run_lithium(regions, given, CONTEXT).findings
    (one,) = [f for f in found if f.kind == "li_content"]
    (line,) = [f for f in found if f.kind == "lithium_calibration"]
    assert one.value is not None
    assert one.std is not None
    parts: Any = one.evidence["std_sys_parts"]
    # a scale that is 1 or more makes errors long on purpose: propagation is judged without it
    scale = float(str(line.evidence["scale"]))
    longer = parts["straightness"] ** 2 + parts["calibration"] ** 2 * (1.0 - scale**-2)
    return one.value, math.sqrt(one.std**2 - longer), one.std


def _drawn(model: str, seed: int, *, uncertain: bool) -> Outcome:
    """About what the line gives without noise."""
    value, drawn, _ = _content(model, seed, uncertain=uncertain)
    return Outcome(pull=(value - _straight(model)) / drawn)


def _planted(model: str, seed: int, *, uncertain: bool) -> Outcome:
    value, _, whole = _content(model, seed, uncertain=uncertain)
    return Outcome(pull_total=(value - PLANTED) / whole)


def _x_known(model: str, seed: int) -> Outcome:
    return _drawn(model, seed, uncertain=False)


def _x_known_all(model: str, seed: int) -> Outcome:
    return _planted(model, seed, uncertain=False)


def _x_uncertain(model: str, seed: int) -> Outcome:
    return _drawn(model, seed, uncertain=True)


def _x_uncertain_all(model: str, seed: int) -> Outcome:
    return _planted(model, seed, uncertain=True)


def _line(model: str, seed: int) -> Outcome:
    """A line through points with errors of both variables; scattered more by the second model."""
    chance = np.random.default_rng((seed, 5))
    more = 1.0 if model == "first" else 1.5
    ratio = np.linspace(0.94, 1.0, 6)
    points = [
        Point(
            r + chance.normal(0.0, 0.002 * more),
            -15.0 + 16.0 * r + chance.normal(0.0, 0.02 * more),
            0.002,
            0.02,
        )
        for r in ratio
    ]
    found = fit_calibration(points)
    assert found.covariance is not None
    std = math.sqrt(found.covariance[1, 1])
    off = found.slope - 16.0
    return Outcome(pull=off / std, pull_total=off / (std * found.scale))


def _association(model: str, seed: int) -> Outcome:
    """Two quantities that have nothing to do with each other; by the second model with ties."""
    chance = np.random.default_rng((seed, 6))
    first, second = chance.normal(size=(2, 6))
    if model == "second":
        first, second = np.round(first), np.round(second, 1)
    found = spearman(first.tolist(), second.tolist())
    if found.p is None:
        return Outcome(reason="one does not change")
    return Outcome(happened=found.p <= 0.05)


ROWS = [
    Row("EMR of the cathode, counting", "pull", _cathode),
    Row("EMR of the electrolyte, counting", "pull", _electrolyte),
    Row("EMR of lithium alone, counting", "pull", _lithium),
    Row("EMR of the cathode, all errors", "both errors", _absolute),
    Row("x of the cathode, α and β known, counting and line", "pull", _x_known),
    Row("x of the cathode, α and β known, all errors", "both errors", _x_known_all),
    Row("x of the cathode, α and β uncertain, counting, line and α, β", "pull", _x_uncertain),
    Row("x of the cathode, α and β uncertain, all errors", "both errors", _x_uncertain_all),
    Row("slope of x on EMR, errors in both", "pull with systematic", _line),
    Row("association of nothing, p below 5 %", "at most", _association),
]
