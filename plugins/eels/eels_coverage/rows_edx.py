"""Atomic fractions by X-rays, by each method, in maps, and what may be called absent."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.testing.coverage import Outcome, Row
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.library import atomic_weight
from consilience_eels.xray.maps import fraction_map, net_counts
from consilience_eels.xray.quantify import line_counts
from eels_coverage.edx_models import (
    ENERGY,
    TAKE_OFF,
    Slab,
    expected,
    prepared,
    quantified,
    true_atomic,
)

__all__ = ["ROWS"]

Array = NDArray[np.float64]

ELECTRON = 1.602176634e-19
CURRENT = 0.5
ZETA = {"O_Ka": 600.0, "Fe_Ka": 850.0, "Pt_La": 2600.0}
STATED = 0.04
"""Relative standard deviation of factors, drawn in the second model."""
DENSITY, THICKNESS = 9.0, 90.0

OXIDE = Slab(
    weight=(("Fe_Ka", 0.45), ("O_Ka", 0.15), ("Pt_La", 0.40)),
    zeta=tuple((line, ZETA[line]) for line in ("Fe_Ka", "O_Ka", "Pt_La")),
    areal_mass=1e3 * DENSITY * THICKNESS * 1e-9,
    electrons=2e10,
    background=60.0,
)
"""Absorbs a third of its oxygen's X-rays; few enough counts that counting errors show."""
ALLOY = Slab(
    weight=(("Fe_Ka", 0.10), ("Pt_La", 0.90)),
    zeta=tuple((line, ZETA[line]) for line in ("Fe_Ka", "Pt_La")),
    areal_mass=1e-5,
    electrons=3e12,
    background=60.0,
)
"""Too thin to absorb."""


def _params(slab: Slab, method: str, **more: Any) -> QuantificationParams:
    """Parameters that state the factors of a slab with their errors."""
    zeta = dict(slab.zeta)
    given: dict[str, Any] = {"method": method, "look_for_artefacts": False, **more}
    given["detector_window"] = "windowless"
    if method == "cliff_lorimer":
        factors = {line: value / zeta["Fe_Ka"] for line, value in zeta.items()}
        given |= {"k_factors": factors, "k_std": {n: STATED * k for n, k in factors.items()}}
    elif method == "zeta":
        given |= {"zeta_factors": zeta, "zeta_std": {n: STATED * z for n, z in zeta.items()}}
    else:
        barn = {n: atomic_weight(n.split("_")[0]) / (z * 0.0602214076) for n, z in zeta.items()}
        given |= {"cross_sections": barn}
        given |= {"cross_section_std": {n: STATED * b for n, b in barn.items()}}
    if method != "cliff_lorimer":
        live = slab.electrons * ELECTRON / (CURRENT * 1e-9)
        given |= {"beam_current": CURRENT, "beam_current_std": 0.05 * CURRENT}
        given |= {"live_time": live, "live_time_std": 0.01 * live}
    return QuantificationParams.model_validate(given)


@dataclass(frozen=True)
class _Found:
    """A number with its errors, the same without noise, and the truth."""

    value: float
    stat: float
    sys: float | None
    clean: float
    truth: float

    def by_counting(self) -> Outcome:
        """About the value without noise: what is systematic is the other row's."""
        if not np.isfinite(self.value):
            return Outcome(reason="no number")
        return Outcome(pull=(self.value - self.clean) / self.stat)

    def by_all(self) -> Outcome:
        """About the truth."""
        if self.sys is None or not np.isfinite(self.value):
            return Outcome(reason="no number, or an error that is not known")
        return Outcome(pull_total=(self.value - self.truth) / math.hypot(self.stat, self.sys))


def _spectra(slab: Slab, model: str, seed: int, salt: int) -> tuple[Array, Array]:
    """Return counts, and what they are on average."""
    chance = np.random.default_rng((seed, salt))
    other = model == "second"
    if other:
        # what is stated is wrong by as much as is stated of it
        slab = replace(
            slab,
            areal_mass=slab.areal_mass * (1.0 + 0.08 * chance.normal()),
            electrons=slab.electrons * (1.0 + 0.05 * chance.normal()),
        )
    mean = expected(slab, other=other, chance=chance if other else None)
    return np.asarray(chance.poisson(mean), dtype=np.float64), mean


def _fraction(
    slab: Slab, params: QuantificationParams, element: str, model: str, seed: int, salt: int
) -> _Found:
    counts, mean = _spectra(slab, model, seed, salt)
    other = model == "second"
    spectrum, parts = quantified(slab, params, counts, other=other)
    i = [line.partition("_")[0] for line in spectrum.lines].index(element)
    _, clean = quantified(slab, params, mean, other=other)
    return _Found(
        float(parts.amounts.atomic[i]),
        parts.std_stat(i),
        parts.std_sys(i),
        float(clean.amounts.atomic[i]),
        true_atomic(slab)[element],
    )


SLAB = {
    "absorption": True,
    "thickness": THICKNESS,
    "thickness_std": 0.07 * THICKNESS,
    "density": DENSITY,
    "density_std": 0.04 * DENSITY,
    "take_off_angle": TAKE_OFF,
}


def _cliff_lorimer(model: str, seed: int) -> _Found:
    return _fraction(ALLOY, _params(ALLOY, "cliff_lorimer"), "Fe", model, seed, 21)


def _corrected(model: str, seed: int) -> _Found:
    return _fraction(OXIDE, _params(OXIDE, "cliff_lorimer", **SLAB), "O", model, seed, 22)


def _neglected(model: str, seed: int) -> _Found:
    """Absorption that could be corrected and is not: its size is a part of the error."""
    given = {**SLAB, "absorption": False}
    return _fraction(OXIDE, _params(OXIDE, "cliff_lorimer", **given), "O", model, seed, 23)


def _zeta(model: str, seed: int) -> _Found:
    params = _params(OXIDE, "zeta", absorption=True, take_off_angle=TAKE_OFF)
    return _fraction(OXIDE, params, "O", model, seed, 24)


def _cross_section(model: str, seed: int) -> _Found:
    params = _params(OXIDE, "cross_section", absorption=True, take_off_angle=TAKE_OFF)
    return _fraction(OXIDE, params, "Fe", model, seed, 25)


def _mass(model: str, seed: int) -> _Found:
    """Mass per area; in the second model the electrons are misstated, and the factors."""
    params = _params(OXIDE, "zeta", absorption=True, take_off_angle=TAKE_OFF)
    chance = np.random.default_rng((seed, 26))
    other = model == "second"
    slab = OXIDE
    if other:
        slab = replace(OXIDE, electrons=OXIDE.electrons * (1.0 + 0.05 * chance.normal()))
    mean = expected(slab, other=other, chance=chance if other else None)
    counts = np.asarray(chance.poisson(mean), dtype=np.float64)
    _, parts = quantified(OXIDE, params, counts, other=other)
    _, clean = quantified(OXIDE, params, mean, other=other)
    assert parts.amounts.areal_mass is not None
    assert clean.amounts.areal_mass is not None
    stat = parts.mass["statistical"]
    others = [part for name, part in parts.mass.items() if name != "statistical"]
    known = [part for part in others if part is not None]
    assert stat is not None
    return _Found(
        float(parts.amounts.areal_mass),
        math.sqrt(stat),
        math.sqrt(sum(known)) if len(known) == len(others) else None,
        float(clean.amounts.areal_mass),
        OXIDE.areal_mass,
    )


def _map(model: str, seed: int) -> _Found:
    """A cell of a quad-tree: that of one pixel, wherever that came to lie."""
    other = model == "second"
    params = _params(ALLOY, "cliff_lorimer")
    clean, plan = prepared(ALLOY, params, other=other)
    chance = np.random.default_rng((seed, 27))
    y, x = np.mgrid[:8, :8]
    thick = 0.2 + (x + y) / 14.0
    mean = expected(ALLOY, other=other, chance=chance if other else None) / 40.0
    cube = chance.poisson(thick[:, :, None] * mean)
    nets, covariance = net_counts(cube, clean.weights)
    assert plan.recipe is not None
    made = fraction_map(nets, covariance, plan.recipe, 0.04)
    row, column = chance.integers(0, 8, 2)
    i = clean.lines.index("Fe_Ka")
    # what is systematic is that of the sum
    _, parts = quantified(ALLOY, params, cube.sum(axis=(0, 1)).astype(np.float64), other=other)
    _, whole = quantified(ALLOY, params, mean, other=other)
    return _Found(
        float(made.atomic[i, row, column]),
        float(made.atomic_std[i, row, column]),
        parts.std_sys(i),
        float(whole.amounts.atomic[i]),
        true_atomic(ALLOY)["Fe"],
    )


def _false_presence(model: str, seed: int) -> Outcome:
    """Iron where there is none."""
    other = model == "second"
    clean, _ = prepared(ALLOY, _params(ALLOY, "cliff_lorimer"), other=other)
    chance = np.random.default_rng((seed, 28))
    none = replace(ALLOY, weight=(("Fe_Ka", 0.0), ("Pt_La", 1.0)))
    counts = chance.poisson(expected(none, other=other)).astype(np.float64)
    i = clean.lines.index("Fe_Ka")
    return Outcome(happened=line_counts(clean.weights, counts)[i].present)


def _missed_at_limit(model: str, seed: int) -> Outcome:
    """Iron as much as the limit of a typical spectrum without any."""
    other = model == "second"
    clean, _ = prepared(ALLOY, _params(ALLOY, "cliff_lorimer"), other=other)
    i = clean.lines.index("Fe_Ka")
    none = replace(ALLOY, weight=(("Fe_Ka", 0.0), ("Pt_La", 1.0)))
    blank = expected(none, other=other)
    limit = line_counts(clean.weights, blank.round())[i].detection
    at, fwhm = 6.4039, 0.1335
    line = np.exp(-((ENERGY - at) ** 2) / (2 * (fwhm / 2.3548) ** 2))
    inside = clean.weights[i] @ line
    chance = np.random.default_rng((seed, 29))
    counts = chance.poisson(blank + limit * line / inside).astype(np.float64)
    return Outcome(happened=not line_counts(clean.weights, counts)[i].present)


def _counting(run: Callable[[str, int], _Found], model: str, seed: int) -> Outcome:
    return run(model, seed).by_counting()


def _everything(run: Callable[[str, int], _Found], model: str, seed: int) -> Outcome:
    return run(model, seed + 10_000_000).by_all()


NUMBERS: tuple[tuple[str, Callable[[str, int], _Found]], ...] = (
    ("at.% by Cliff–Lorimer", _cliff_lorimer),
    ("at.% by Cliff–Lorimer, absorption corrected", _corrected),
    ("at.% by ζ-factors, absorption corrected", _zeta),
    ("at.% by cross-sections, absorption corrected", _cross_section),
    ("mass per area by ζ-factors", _mass),
    ("at.% in a cell of a map", _map),
)

ROWS = [
    *(Row(f"{name}: counting", "pull", partial(_counting, run)) for name, run in NUMBERS),
    *(
        Row(f"{name}: all errors", "both errors", partial(_everything, run))
        for name, run in NUMBERS
    ),
    Row(
        "at.% by Cliff–Lorimer, absorption known and left: all errors",
        "both errors",
        partial(_everything, _neglected),
    ),
    Row("an element by X-rays that is not there", "at most", _false_presence),
    Row("an element at its limit by X-rays, missed", "at most", _missed_at_limit),
]
