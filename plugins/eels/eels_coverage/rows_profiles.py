"""Interfaces in line profiles across small maps of counts."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np

from consilience.testing.coverage import Outcome, Row
from consilience_eels.profiles.interface import WIDTH_10_90, Shape, StepFit, fit_step, step_shape
from consilience_eels.profiles.line import line_profile

__all__ = ["ROWS"]

STEP, ROWS_OF_PIXELS, COLUMNS = 2.0, 6, 40
BEFORE, AFTER = 20.0, 45.0
"""Counts of a pixel on either side."""
SCALE = 3.0
"""nm: scale of the interface, an error function, or a logistic one as wide from 10 to 90 %."""


def _fitted(model: str, seed: int) -> tuple[StepFit | None, float]:
    """Fit of one map, and where its interface is: the second is logistic and rough."""
    chance = np.random.default_rng((seed, 8))
    x = STEP * np.arange(COLUMNS, dtype=np.float64)
    y = STEP * np.arange(ROWS_OF_PIXELS, dtype=np.float64)
    truth = 0.5 * float(x[-1]) + float(chance.uniform(-STEP, STEP))
    shape: Shape = "erf" if model == "first" else "logistic"
    size = SCALE * WIDTH_10_90["erf"] / WIDTH_10_90[shape]
    places = np.full(ROWS_OF_PIXELS, truth)
    if model == "second":
        rough = chance.normal(0.0, 0.5, ROWS_OF_PIXELS)
        places += rough - rough.mean()
    mean = BEFORE + (AFTER - BEFORE) * step_shape(
        shape, x, STEP, places, np.full(ROWS_OF_PIXELS, size)
    )
    counts = chance.poisson(mean).astype(np.float64)
    if model == "second":
        counts += chance.normal(0.0, 2.0, counts.shape)
    std = np.sqrt(mean) if model == "first" else None
    profile = line_profile(counts, std, x, y, (0.0, 5.0), (float(x[-1]), 5.0), 12.0)
    return fit_step(profile.distance, profile.values, profile.std, STEP), truth


def _location(model: str, seed: int) -> Outcome:
    found, truth = _fitted(model, seed)
    if found is None:
        return Outcome(reason="too few bins")
    return Outcome(pull=(found.location - truth) / found.location_std)


def _width(model: str, seed: int) -> Outcome:
    found, _ = _fitted(model, seed + 20_000_000)
    if found is None:
        return Outcome(reason="too few bins")
    low, high = found.width_interval
    return Outcome(inside=low <= WIDTH_10_90["erf"] * SCALE <= high)


ROWS = [
    Row("position of an interface", "pull", _location),
    Row("width of an interface, 10 to 90 %", "interval", _width),
]
