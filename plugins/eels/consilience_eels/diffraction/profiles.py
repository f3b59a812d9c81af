"""The mean of a pattern over the angle, with the background under its rings."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from consilience.errors import BadInputError
from consilience_eels.diffraction.patterns import Pattern

__all__ = ["Profile", "radial_profile"]


@dataclass(frozen=True)
class Profile:
    """Mean over the angle.

    Attributes
    ----------
    k : ndarray, shape (n,)
        1/nm.
    mean, std : ndarray, shape (n,)
        Mean intensity and its standard deviation, from the scatter over the angle.
    background : ndarray, shape (n,)
        What varies slowly with k.
    polar : ndarray, shape (angles, n)
        Intensity by angle, 0 to 360°.
    """

    k: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    background: NDArray[np.float64]
    polar: NDArray[np.float64]


def radial_profile(pattern: Pattern) -> Profile:
    """Return the mean over the angle of a pattern, by scikit-image's polar transform."""
    from skimage.transform import warp_polar

    radius = int(pattern.reach / pattern.step)
    if radius < 12:
        raise BadInputError(
            f"only {radius} pixels lie between the centre and the pattern's edge",
            fix="state the centre of the direct beam, or use a pattern that holds whole rings",
        )
    angles = int(min(720, max(180, 2 * round(math.pi * radius / 2))))
    polar = warp_polar(
        pattern.intensity, center=pattern.centre, radius=radius, output_shape=(angles, radius)
    )
    k = pattern.step * np.arange(radius, dtype=np.float64)
    turns = math.pi if pattern.spectrum else 2.0 * math.pi
    independent = np.clip(turns * np.arange(radius), 1.0, angles)
    mean = polar.mean(axis=0)
    scatter = np.asarray(polar.std(axis=0))
    std = scatter / np.sqrt(independent)
    floor = 1e-12 * max(float(mean.max()), 1e-300)
    return Profile(k, mean, np.maximum(std, floor), _background(mean), np.asarray(polar))


def _background(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median of the logarithm over a sixth of the axis, smoothed: rings are narrower."""
    floor = max(float(mean[mean > 0].min()) if (mean > 0).any() else 1.0, 1e-300)
    log = np.log(np.maximum(mean, floor))
    size = max(9, 2 * (mean.size // 12) + 1)
    slow = median_filter(log, size=size, mode="nearest")
    kernel = np.hanning(size // 2 * 2 + 1)
    padded = np.pad(slow, kernel.size // 2, mode="edge")
    return np.exp(np.convolve(padded, kernel / kernel.sum(), mode="valid"))
