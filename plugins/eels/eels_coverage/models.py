"""Forward models of low-loss and X-ray spectra: the fitter's own, and another one."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENERGY", "ENERGY_LOSS", "low_loss", "x_rays"]

ENERGY_LOSS: NDArray[np.float64] = -20.0 + 0.2 * np.arange(1500, dtype=np.float64)
ENERGY: NDArray[np.float64] = 0.1 + 0.02 * np.arange(700, dtype=np.float64)


def low_loss(t: float, *, electrons: float = 2e5, other: bool = False) -> NDArray[np.float64]:
    """Expected electrons in each channel.

    The fitter's model: a Gaussian zero loss, Gaussian plasmons far above the threshold.  The
    other: a zero loss with a long tail on both sides, an asymmetric plasmon with intensity from
    4 eV on, and single-electron losses like a power law.
    """
    expected = np.zeros(ENERGY_LOSS.size)
    for n in range(9):
        share = math.exp(-t) * t**n / math.factorial(n)
        expected += share * _peak(n, other=other)
    return electrons * expected


def _peak(n: int, *, other: bool) -> NDArray[np.float64]:
    sigma = math.sqrt(0.4**2 + n * 1.8**2)
    shape = np.exp(-((ENERGY_LOSS - 22.0 * n) ** 2) / (2 * sigma**2))
    if other and n == 0:
        tail = 0.4**2 / ((ENERGY_LOSS - 0.0) ** 2 + 0.4**2)
        shape = shape + 0.05 * tail
    if other and n > 0:
        e = np.clip(ENERGY_LOSS, 0.01, None)
        drude = e * 60.0 / ((e**2 - (20.0 * n) ** 2) ** 2 + (e * 6.0 * n) ** 2)
        shape = np.where(ENERGY_LOSS > 4.0, drude, 0.0)
    total: float = float(shape.sum())
    found: NDArray[np.float64] = shape / total
    return found


def x_rays(
    iron: float, platinum: float, background: float, *, other: bool = False
) -> NDArray[np.float64]:
    """Expected counts in each channel.

    The fitter's model: Gaussian lines on a straight background.  The other: lines with a tail of
    incomplete charge, 3 % of their counts, on a background that falls as an exponential.
    """
    expected = np.full(ENERGY.size, background)
    if other:
        expected = 2.7 * background * np.exp(-ENERGY / 8.0)
    for counts, at in ((iron, 6.4039), (platinum, 9.4421)):
        sigma = 1e-3 * math.sqrt(130.0**2 + 2.5e3 * (at - 5.8987)) / 2.3548
        line = np.exp(-((ENERGY - at) ** 2) / (2 * sigma**2))
        line *= 0.02 / (sigma * math.sqrt(2 * math.pi))
        if other:
            tail = np.where(at > ENERGY, np.exp((ENERGY - at) / 0.5), 0.0)
            line = 0.97 * line + 0.03 * tail / tail.sum()
        expected = expected + counts * line
    return expected
