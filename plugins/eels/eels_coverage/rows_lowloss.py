"""Relative thickness by the log-ratio."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.sample import Sample
from consilience.testing.coverage import Outcome, Row
from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness
from consilience_eels.lowloss.thickness import log_ratio
from eels_coverage.models import ENERGY_LOSS, low_loss

__all__ = ["ROWS"]

CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"))
TRUTH, GAIN, THRESHOLD = 0.8, 4.0, 8.0


@lru_cache(maxsize=4)
def _clean(model: str) -> NDArray[np.float64]:
    return low_loss(TRUTH, electrons=5e4, other=model == "second")


def _thickness(model: str, seed: int) -> tuple[float, float, float | None]:
    chance = np.random.default_rng((seed, 7))
    counts = GAIN * chance.poisson(_clean(model)).astype(np.float64)
    if model == "second":
        counts = counts + chance.normal(0.0, 6.0, counts.size)
    data = xr.Dataset(
        {"counts": (("energy_loss",), counts, {"units": "count"})},
        {"energy_loss": ("energy_loss", ENERGY_LOSS, {"units": "eV"})},
    )
    spectrum: Any = SimpleNamespace(
        data=data, modality="eels", metadata={}, record=SimpleNamespace(name="spectrum", notices=())
    )
    params = ThicknessParams(threshold=THRESHOLD, counts_per_electron=GAIN)
    (found,) = [
        f for f in run_thickness([spectrum], params, CONTEXT).findings if f.kind == "t_over_lambda"
    ]
    assert found.value is not None
    assert found.std_stat is not None
    return found.value, found.std_stat, found.std


def _counting(model: str, seed: int) -> Outcome:
    """About the value without noise: what the threshold does is the next row's."""
    value, std, _ = _thickness(model, seed)
    expected = float(log_ratio(ENERGY_LOSS, _clean(model), THRESHOLD).t_over_lambda)
    return Outcome(pull=(value - expected) / std)


def _all(model: str, seed: int) -> Outcome:
    value, _, std = _thickness(model, seed + 10_000_000)
    if std is None:
        return Outcome(reason="what lies beyond the axis cannot be told")
    return Outcome(pull_total=(value - TRUTH) / std)


ROWS = [
    Row("t/λ, counting", "pull", _counting),
    Row("t/λ, all errors", "both errors", _all),
]
