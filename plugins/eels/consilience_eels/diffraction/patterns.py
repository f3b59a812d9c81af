"""Patterns in reciprocal space: of an image by its transform, or as recorded and summed.

Lengths of reciprocal space are k = 1/d in 1/nm.

References
----------
.. [1] P. D. Welch, IEEE Transactions on Audio and Electroacoustics 15 (1967) 70: the mean of the
   spectra of overlapping windowed pieces.
.. [2] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), appendix A: wavelength of fast electrons.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["Pattern", "centre_of", "of_image", "of_sum", "wavelength"]

SMALLEST = 32
"""Pixels along a side, below which no ring can be told from its neighbours."""


@dataclass(frozen=True)
class Pattern:
    """Intensity over reciprocal space.

    Attributes
    ----------
    intensity : ndarray, shape (rows, columns)
    step : float
        1/nm for each pixel, both ways.
    centre : (float, float)
        Row and column of k = 0.
    pieces : int
        Spectra that were averaged; 1 for a recorded pattern.
    spectrum : bool
        A power spectrum, which is its own inversion: half of its pixels say nothing new.
    """

    intensity: NDArray[np.float64]
    step: float
    centre: tuple[float, float]
    pieces: int
    spectrum: bool

    @property
    def reach(self) -> float:
        """The largest k whose ring lies within the pattern, 1/nm."""
        rows, columns = self.intensity.shape
        y, x = self.centre
        return float(self.step * max(min(y, rows - 1 - y, x, columns - 1 - x), 0.0))


def wavelength(beam_energy: float) -> float:
    """Return the wavelength in nm of electrons of `beam_energy` keV.

    Examples
    --------
    >>> round(wavelength(200.0), 7)
    0.0025079
    """
    volt = 1e3 * beam_energy
    return 1.226426 / math.sqrt(volt * (1.0 + 0.97847564e-6 * volt))


def of_image(image: NDArray[Any], step: float, tile: int | None = None) -> Pattern:
    """Return the power spectrum of an image, the mean over overlapping square pieces.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    step : float
        nm from pixel to pixel, both ways.
    tile : int, optional
        Pixels along a side of a piece; by default the smaller side of the image, at most 1024.

    Raises
    ------
    BadInputError
        The image is too small, or holds what is no number.

    Notes
    -----
    Each piece loses its mean plane and is windowed by a Hann window in both directions, or
    else the image's edges would make a cross through the centre.
    """
    side = min(tile or 1024, *image.shape)
    if min(image.shape) < SMALLEST or side < SMALLEST:
        raise BadInputError(
            f"an image of {image.shape[0]} × {image.shape[1]} pixels is too small for rings",
            fix=f"use an image, and pieces, of {SMALLEST} pixels a side at least",
        )
    if not np.isfinite(image).all():
        raise BadInputError(
            "the image holds values that are no numbers", fix="mask or crop them first"
        )
    window = np.hanning(side + 2)[1:-1]
    both = window[:, None] * window[None, :]
    starts = [_starts(n, side) for n in image.shape]
    total = np.zeros((side, side))
    for row in starts[0]:
        for column in starts[1]:
            piece = np.asarray(image[row : row + side, column : column + side], dtype=np.float64)
            flat = _without_plane(piece)
            total += np.abs(np.fft.fft2(flat * both)) ** 2
    count = len(starts[0]) * len(starts[1])
    power = np.fft.fftshift(total) / (count * float((both**2).sum()))
    middle = float(side // 2)
    return Pattern(power, 1.0 / (side * step), (middle, middle), count, spectrum=True)


def of_sum(
    pattern: NDArray[Any], step: float, centre: tuple[float, float] | None = None
) -> Pattern:
    """Return a recorded pattern, or the sum of many, with its centre.

    Parameters
    ----------
    pattern : ndarray, shape (rows, columns)
    step : float
        1/nm for each pixel.
    centre : (float, float), optional
        Row and column of the direct beam; by default that about which the pattern is most
        like its own inversion.
    """
    if min(pattern.shape) < SMALLEST:
        raise BadInputError(
            f"a pattern of {pattern.shape[0]} × {pattern.shape[1]} pixels is too small for rings",
            fix=f"use a detector of {SMALLEST} pixels a side at least",
        )
    values = np.asarray(pattern, dtype=np.float64)
    return Pattern(values, step, centre or centre_of(values), 1, spectrum=False)


def centre_of(pattern: NDArray[np.float64]) -> tuple[float, float]:
    """Return row and column about which a pattern is most like its inversion (Friedel's law).

    Notes
    -----
    The cross-correlation of the pattern with itself turned by 180° is highest at twice the
    centre's distance from the middle; a parabola through the top and its neighbours gives
    parts of a pixel.  The square root keeps the direct beam from deciding alone.
    """
    root = np.sqrt(np.clip(pattern - np.percentile(pattern, 5.0), 0.0, None))
    rows, columns = root.shape
    size = (2 * rows, 2 * columns)
    spectrum = np.fft.rfft2(root, size)
    product = np.fft.irfft2(spectrum * spectrum, size)
    top = np.unravel_index(int(product.argmax()), size)
    found = []
    for axis, at in enumerate(top):
        index = list(top)
        near = []
        for move in (-1, 0, 1):
            index[axis] = (at + move) % size[axis]
            near.append(float(product[tuple(index)]))
        bend = near[0] - 2.0 * near[1] + near[2]
        found.append(0.5 * (at + (0.5 * (near[0] - near[2]) / bend if bend < 0 else 0.0)))
    return float(found[0]), float(found[1])


def _starts(size: int, side: int) -> list[int]:
    """Beginnings of pieces that overlap by half, the last one at the end."""
    if size == side:
        return [0]
    count = max(2, round(2.0 * size / side) - 1)
    return sorted({round(i * (size - side) / (count - 1)) for i in range(count)})


def _without_plane(piece: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = piece.shape
    y = np.linspace(-1.0, 1.0, rows)[:, None]
    x = np.linspace(-1.0, 1.0, columns)[None, :]
    left = piece - piece.mean()
    left = left - y * float((left * y).sum() / (columns * float((y**2).sum())))
    return np.asarray(left - x * float((left * x).sum() / (rows * float((x**2).sum()))))
