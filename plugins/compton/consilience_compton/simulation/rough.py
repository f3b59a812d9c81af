"""Random rough surfaces of known roughness, and volumes that hold one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

__all__ = ["Spectrum", "filled_volume", "imaged", "rough_heights", "with_pores_and_fragments"]

Spectrum = Literal["gaussian", "power_law", "moss"]
"""How waves are shared out: a Gaussian autocorrelation; a power law of waves shorter than the
correlation length (self-affine); moss: hemispherical hills on a flat ground, not Gaussian."""
HURST = 0.8


def rough_heights(
    shape: tuple[int, int],
    step: float,
    s_a: float,
    length: float,
    seed: int,
    spectrum: Spectrum = "gaussian",
) -> NDArray[np.float64]:
    """Return heights about 0 whose expected arithmetic mean height is `s_a`.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    step : float
        Distance of points, in the unit of `length`.
    s_a : float
        Expected over many surfaces; a single one differs, as a sample does.
    length : float
        Distance at which the autocorrelation falls to 0.2.
    seed : int
    spectrum : {"gaussian", "power_law", "moss"}

    References
    ----------
    S_q = S_a √(π/2) for Gaussian heights.
    """
    chance = np.random.default_rng(seed)
    large = tuple(2 * n for n in shape)  # a cut of a larger one, so that its ends do not match
    if spectrum == "moss":
        return _moss(shape, step, s_a, length, chance)
    # the filter's transfer function, so that the variance is known from it
    frequency = [np.fft.fftfreq(n, step) for n in large]
    k = 2.0 * np.pi * np.hypot(frequency[0][:, None], frequency[1][None, :])
    if spectrum == "gaussian":
        scale = length / (2.0 * np.log(5.0)) ** 0.5  # exp(-r²/2s²) = 0.2 at r = length
        transfer = np.exp(-0.25 * (k * scale) ** 2)
    else:
        transfer = (1.0 + (k * 0.55 * length) ** 2) ** (-0.5 * (1.0 + HURST))
    noise = np.fft.fft2(chance.normal(size=large))
    heights = np.fft.ifft2(noise * transfer).real[: shape[0], : shape[1]]
    s_q = float(np.mean(transfer**2)) ** 0.5
    return np.asarray(heights * (s_a * (np.pi / 2.0) ** 0.5 / s_q))


def _moss(
    shape: tuple[int, int], step: float, s_a: float, length: float, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Hills of random places and heights, added up, on the same ground."""
    margin = int(np.ceil(4 * length / step))
    rows, columns = (n + 2 * margin for n in shape)
    number = chance.poisson(rows * columns * step**2 / (2.0 * length) ** 2)
    impulses = np.zeros((rows, columns))
    at = chance.integers(0, rows, number), chance.integers(0, columns, number)
    np.add.at(impulses, at, chance.gamma(3.0, 1.0 / 3.0, number))
    hills = gaussian_filter(impulses, 0.5 * length / step)
    inner = hills[margin:-margin, margin:-margin]
    # no closed form: the scale is that of many such surfaces (a fixed seed, 800 of them)
    return np.asarray((inner - inner.mean()) * (s_a / _moss_scale(round(length / step, 3))))


_SCALES: dict[float, float] = {}


def _moss_scale(length: float) -> float:
    if length not in _SCALES:
        chance = np.random.default_rng(20_260_101)
        n = int(max(64, 16 * length))
        found = []
        for _ in range(800):
            number = chance.poisson(n * n / (2.0 * length) ** 2)
            impulses = np.zeros((n, n))
            at = chance.integers(0, n, number), chance.integers(0, n, number)
            np.add.at(impulses, at, chance.gamma(3.0, 1.0 / 3.0, number))
            hills = gaussian_filter(impulses, 0.5 * length, mode="wrap")
            expected = (n * n / (2.0 * length) ** 2) / (n * n)
            found.append(float(np.mean(np.abs(hills - expected))))
        _SCALES[length] = float(np.mean(found))
    return _SCALES[length]


def filled_volume(heights: NDArray[np.float64], depth: int, voxel: float) -> NDArray[np.float32]:
    """Return how full each voxel is under a surface: 1 below it, 0 above, between where it cuts.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        Above the first face of the volume.
    depth : int
        Voxels along the height.
    voxel : float

    Returns
    -------
    ndarray of shape (depth, rows, columns)
    """
    index = np.arange(depth)[:, None, None]
    full: NDArray[np.float32] = np.clip(heights[None] / voxel - index, 0.0, 1.0).astype(np.float32)
    return full


def with_pores_and_fragments(
    full: NDArray[np.float32],
    heights: NDArray[np.float64],
    voxel: float,
    pores: int,
    fragments: int,
    radius: float,
    chance: np.random.Generator,
) -> tuple[NDArray[np.float32], int, int]:
    """Put spherical pores below the surface and spherical fragments above it.

    Returns
    -------
    volume : ndarray
    pore_voxels, fragment_voxels : int
        Of those that stand free, as they were put.
    """
    volume = full.copy()
    z, y, x = np.ogrid[tuple(slice(n) for n in full.shape)]
    gap = radius + 2.0  # voxels: a ball that touches nothing
    taken = np.zeros(full.shape, dtype=bool)
    put = [0, 0]
    for kind, number in enumerate((pores, fragments)):
        for _ in range(40 * number):
            if put[kind] >= number:
                break
            row, column = (int(chance.integers(int(gap), n - int(gap))) for n in full.shape[1:])
            near = heights[
                row - int(gap) : row + int(gap) + 1, column - int(gap) : column + int(gap) + 1
            ]
            down, up = float(near.min()) / voxel, float(near.max()) / voxel
            low, high = (gap, down - gap) if kind == 0 else (up + gap, full.shape[0] - gap)
            if high <= low:
                continue
            ball = (z - chance.uniform(low, high)) ** 2 + (y - row) ** 2 + (x - column) ** 2
            if taken[ball <= gap**2].any():
                continue
            volume[ball <= radius**2] = float(kind)
            taken |= ball <= gap**2
            put[kind] += 1
    below, above = volume < full, volume > full
    return volume, int(below.sum()), int(above.sum())


def imaged(
    full: NDArray[np.float32],
    dark: float,
    bright: float,
    blur: float,
    noise: float,
    chance: np.random.Generator,
) -> NDArray[np.float64]:
    """Return grey values of a volume: blurred by a Gaussian (voxels), with Gaussian noise."""
    grey = full.astype(np.float64)
    if blur > 0:
        for axis in range(3):
            grey = gaussian_filter1d(grey, blur, axis=axis, mode="nearest")
    return dark + (bright - dark) * grey + chance.normal(0.0, noise, full.shape)
