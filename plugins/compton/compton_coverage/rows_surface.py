"""Roughness of interfaces and shares of phases.

The first forward model is a Gaussian surface of a Gaussian autocorrelation in a segmented volume.
The second is a surface of hills (not Gaussian, long tails) or a self-affine one, seen through a
blurred and noisy grey volume.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.testing.coverage import Outcome, Row
from consilience_compton.simulation.rough import filled_volume, imaged, rough_heights
from consilience_compton.surface.blocks import (
    block_covariance,
    block_side,
    deviation_field,
    ratio_influence,
)
from consilience_compton.surface.components import volume_fractions
from consilience_compton.surface.correlation import autocorrelation
from consilience_compton.surface.measure import Settings, Surface, measure_surface

__all__ = ["ROWS"]

VOXEL = 3.25
TRUTH = 6.0
LENGTH = 16.0
SIDE = 128
MAP = 224
FINE = 4.5
"""Correlation length of maps, in points."""
Told = tuple[float, float | None, float]


def _map(model: str, seed: int) -> NDArray[np.float64]:
    spectrum: Any = "gaussian" if model == "first" else "moss"
    return rough_heights((MAP, MAP), 1.0, 1.0, FINE, seed, spectrum)


def _sampling(model: str, seed: int) -> Outcome:
    """Heights as they are: how S_a scatters from place to place."""
    heights = _map(model, seed)
    level = heights - heights.mean()
    found = autocorrelation(level, (1.0, 1.0))
    one = np.ones_like(level)
    value = float(np.mean(np.abs(level)))
    influence = ratio_influence(deviation_field(level, one), one)[1]
    std = block_covariance([influence], block_side(level.shape, (1.0, 1.0), found.longest)).std()
    if std is None:
        return Outcome(reason="too few blocks")
    return Outcome(pull=(value - 1.0) / std)


@lru_cache(maxsize=4096)
def _surface(model: str, seed: int) -> tuple[Told, ...]:
    """Value, statistical and systematic error of each quantity: three rows look at one surface."""
    found = _measured(model, seed)
    told = []
    for i, value in enumerate(found.values):
        parts = [p[i] ** 2 for p in found.systematic.values() if p is not None]
        told.append((value, found.spread.std(i), float(sum(parts)) ** 0.5))
    return tuple(told)


def _measured(model: str, seed: int) -> Surface:
    spectrum: Any = "gaussian" if model == "first" else "power_law"
    y, x = np.mgrid[:SIDE, :SIDE] * VOXEL
    rough = rough_heights((SIDE, SIDE), VOXEL, TRUTH, LENGTH, seed, spectrum)
    heights = rough + 0.02 * x - 0.01 * y + 5e-5 * (x - 200.0) ** 2
    heights += 75.0 - heights.mean()
    full = filled_volume(heights, 48, VOXEL)
    chance = np.random.default_rng((seed, 3))
    labels = model == "first"
    volume: NDArray[Any] = (full > 0.5).astype(np.uint8)
    if not labels:
        volume = imaged(full, 400.0, 1400.0, 0.7, 90.0, chance)
    return measure_surface(volume, labels, None, (VOXEL, VOXEL, VOXEL), "um", Settings())


def _all(model: str, seed: int, index: int, truth: float) -> Outcome:
    value, stat, systematic = _surface(model, seed + 20_000_000)[index]
    if stat is None:
        return Outcome(reason="too few blocks")
    return Outcome(pull_total=(value - truth) / float(np.hypot(stat, systematic)))


def _s_a(model: str, seed: int) -> Outcome:
    return _all(model, seed, 0, TRUTH)


def _s_q(model: str, seed: int) -> Outcome:
    return _all(model, seed, 1, TRUTH * (np.pi / 2.0) ** 0.5)


def _r_a(model: str, seed: int) -> Outcome:
    """Profiles long against the correlation length: their mean R_a is S_a but for mean lines."""
    return _all(model, seed, 3, TRUTH)


def _share(model: str, seed: int) -> Outcome:
    """Half of a volume is one phase, in lumps."""
    spectrum: Any = "gaussian" if model == "first" else "power_law"
    field = rough_heights((MAP, MAP), 1.0, 1.0, FINE, seed + 40_000_000, spectrum)
    labels = np.broadcast_to((field > 0.0)[None], (2, MAP, MAP)).astype(np.uint8)
    found = volume_fractions(labels, (1.0, 1.0, 1.0))[1]
    if found.std_stat is None:
        return Outcome(reason="too few blocks")
    return Outcome(pull=(found.value - 0.5) / found.std_stat)


ROWS = [
    Row("S_a, from place to place", "pull", _sampling),
    Row("S_a of a volume", "both errors", _s_a),
    Row("S_q of a volume", "both errors", _s_q),
    Row("R_a of a volume", "both errors", _r_a),
    Row("share of a phase", "pull", _share),
]
