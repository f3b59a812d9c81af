"""Drift of a series of frames: the shift of each with its error, and the sum of all.

References
----------
.. [1] M. Guizar-Sicairos, S. T. Thurman and J. R. Fienup, Opt. Lett. 33 (2008) 156: sub-pixel
   registration by upsampled cross-correlation, as scikit-image computes it.
.. [2] B. H. Savitzky et al., Ultramicroscopy 191 (2018) 56: shifts of all pairs of frames hold
   more than shifts from one reference, and must agree with each other.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["FrameShifts", "FrameSum", "NoStructureError", "measure_shifts", "sum_frames"]

LAGS = 4
"""Each frame is compared with so many before it."""

UPSAMPLE = 50
"""Shifts are read off to this part of a pixel."""

CLOSURE = 1.0
"""Pixels by which shifts of pairs may disagree (root mean square) before they mean nothing."""


class NoStructureError(Exception):
    """The frames show nothing by which one could be laid on another."""


@dataclass(frozen=True)
class FrameShifts:
    """Displacement of each frame from the first, in pixels, rows of (y, x).

    ``shift[k]`` is how far the picture has moved; ``std`` its standard deviation from how well
    the pairs agree (0 for the first, by definition).  ``closure`` is the root mean square
    of what pairs say beyond that; ``contrast`` the correlation of neighbouring frames, with
    that of pictures that share nothing in ``chance``.
    """

    shift: NDArray[np.float64]
    std: NDArray[np.float64]
    pairs: int
    closure: float
    contrast: float
    chance: float


@dataclass(frozen=True)
class FrameSum:
    """Sum of frames laid on each other, over the pixels that all of them fill.

    ``noise_factor`` is the mean of Σw²/Σw over the pixels read between: the variance of one
    pixel of the sum is that part of its counts (times the counts per electron), as neighbours
    share electrons.  It is 1 where frames were moved by whole pixels.
    """

    total: NDArray[np.float32]
    rows: slice
    columns: slice
    noise_factor: float
    neighbour_correlation: float


def measure_shifts(frames: NDArray[Any], lags: int = LAGS) -> FrameShifts:
    """Return how far each frame has drifted.

    Parameters
    ----------
    frames : ndarray, shape (k, y, x)
        k ≥ 2 frames of at least 8 × 8 pixels.
    lags : int
        Frames before each with which it is compared.

    Raises
    ------
    NoStructureError
        The frames are flat, their correlation is that of noise, or pairs contradict each other.
    BadInputError
        Too few frames or pixels.

    Notes
    -----
    The shifts of pairs, by scikit-image's ``phase_cross_correlation`` [1]_, are solved for those
    of frames by least squares [2]_.  The scatter of pairs about the solution gives one part of
    the error; the other is what a frame's own noise moves it by, which all of its pairs share and
    none can tell: ``σ² Σw⁴(∂f)² / (Σw²(∂f)²)²`` for white noise of variance σ², the filtered
    picture f and the window w.  The first frame's noise is in all errors, so they are not
    independent.
    """
    if frames.ndim != 3 or frames.shape[0] < 2 or min(frames.shape[1:]) < 8:
        raise BadInputError(
            f"a series of frames needs two or more of at least 8 x 8 pixels, got {frames.shape}",
            fix="give a stack of images",
        )
    ready, independent, own = _filtered([_standard(frame, k) for k, frame in enumerate(frames)])
    contrast = _contrast(ready)
    chance = (math.sqrt(2.0 * math.log(independent)) + 1.5) / math.sqrt(independent)
    if contrast < chance:
        raise NoStructureError(
            f"frames that follow each other correlate by {contrast:.2g} at best, which noise "
            f"alone may reach ({chance:.2g}): there is nothing to lay them on each other by"
        )
    first, second, said = _pairs(ready, lags)
    shift, std, closure = _solve(len(ready), first, second, said)
    std[1:] = np.hypot(std[1:], math.sqrt(2.0) * own)  # of this frame and of the first
    if closure > CLOSURE:
        raise NoStructureError(
            f"shifts of pairs of frames contradict each other by {closure:.2g} pixels (root mean "
            "square): the correlation finds no shift that holds"
        )
    return FrameShifts(shift, std, len(first), closure, contrast, chance)


def _standard(frame: NDArray[Any], k: int) -> NDArray[np.float64]:
    values = np.asarray(frame, dtype=np.float64)
    values = values - values.mean()
    scale = float(values.std())
    if scale == 0.0 or not math.isfinite(scale):
        raise NoStructureError(f"frame {k} is the same in every pixel, or holds no numbers")
    standard: NDArray[np.float64] = values / scale
    return standard


def _window(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.outer(np.hanning(shape[0] + 2)[1:-1], np.hanning(shape[1] + 2)[1:-1])


def _filtered(
    frames: list[NDArray[np.float64]],
) -> tuple[list[NDArray[np.float64]], float, NDArray[np.float64]]:
    """Weigh spatial frequencies by how far they stand above white noise (Wiener's filter).

    Noise times noise is as white as noise, and would place the top of a broad correlation.
    Returned beside: how many pixels of noise the filter and the window leave independent, and
    the standard deviation (y, x) by which a frame's noise moves it.
    """
    shape = frames[0].shape
    window = _window(shape)
    power = np.mean([np.abs(np.fft.rfft2(frame * window)) ** 2 for frame in frames], axis=0)
    away = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    ring = np.rint(away * min(shape)).astype(int)
    of_ring = np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    noise = float(np.median(power[away > 0.35])) / math.log(2.0)  # of exponential numbers
    weight = np.clip(1.0 - noise / np.maximum(of_ring[ring], 1e-300), 0.0, 1.0)
    weight[0, 0] = 0.0
    if not weight.any():
        weight[...] = 1.0
    both = np.where((np.arange(weight.shape[1]) > 0)[None, :], 2.0, 1.0)
    kept = float(np.sum(both * weight**2) ** 2 / np.sum(both * weight**4))
    for size in shape:
        own = np.hanning(size + 2)[1:-1]
        kept *= float(np.sum(own**2) ** 2 / np.sum(own**4)) / size
    picture = both * np.clip(power - noise, 0.0, None) * weight**2
    crowd = float(np.mean(window**4) / np.mean(window**2) ** 2)
    own_std = []
    for wave in (np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]):
        slope = (2.0 * math.pi * wave) ** 2 * picture
        moved = (2.0 * math.pi * wave) ** 2 * (picture + 0.5 * both * noise * weight**2)
        bend = float(np.sum(slope))
        variance = crowd * noise * float(np.sum(moved * weight**2)) / bend**2 if bend else math.inf
        own_std.append(math.sqrt(variance))
    made = [np.fft.irfft2(np.fft.rfft2(frame) * weight, s=shape) for frame in frames]
    return made, max(kept, 2.0), np.array(own_std)


def _contrast(frames: list[NDArray[np.float64]]) -> float:
    """Mean correlation of frames that follow each other, each pair at its best shift."""
    window = _window(frames[0].shape)
    found = []
    for a, b in pairwise(frame * window for frame in frames):
        surface = np.fft.irfft2(np.fft.rfft2(a) * np.conj(np.fft.rfft2(b)), s=a.shape)
        found.append(float(surface.max()) / math.sqrt(float(np.sum(a**2) * np.sum(b**2))))
    return float(np.mean(found))


def _pairs(
    frames: list[NDArray[np.float64]], lags: int
) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float64]]:
    first, second, said = [], [], []
    for k in range(1, len(frames)):
        for lag in range(1, min(lags, k) + 1):
            first.append(k - lag)
            second.append(k)
            said.append(_pair(frames[k], frames[k - lag]))
    return np.array(first), np.array(second), np.array(said, dtype=np.float64)


def _pair(later: NDArray[np.float64], earlier: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far `later` has moved; first by whole pixels, then on what both of them show.

    A window that stands still holds the shift back; on the common part little is left to move.
    """
    window = _window(later.shape)
    whole = np.rint(_correlated(later * window, earlier * window, 1)).astype(int)
    height, width = (n - abs(int(m)) for n, m in zip(later.shape, whole, strict=True))
    if min(height, width) < 8:
        return whole.astype(np.float64)
    window = _window((height, width))
    both = []
    for frame, way in ((later, 1), (earlier, -1)):
        y, x = (max(0, way * int(m)) for m in whole)
        both.append(frame[y : y + height, x : x + width] * window)
    return whole + _correlated(both[0], both[1], UPSAMPLE)


def _correlated(
    later: NDArray[np.float64], earlier: NDArray[np.float64], parts: int
) -> NDArray[np.float64]:
    from skimage.registration import phase_cross_correlation

    found = phase_cross_correlation(  # type: ignore[no-untyped-call]
        later, earlier, upsample_factor=parts, normalization=None
    )
    return np.asarray(found[0], dtype=np.float64)


def _solve(
    count: int, first: NDArray[np.int_], second: NDArray[np.int_], said: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    design = np.zeros((len(first), count - 1))
    rows = np.arange(len(first))
    design[rows, second - 1] += 1.0
    later = first > 0
    design[rows[later], first[later] - 1] -= 1.0
    inverse = np.linalg.inv(design.T @ design)
    solved = inverse @ design.T @ said
    left = said - design @ solved
    free = len(first) - (count - 1)
    closure = float(np.sqrt(np.mean(left**2))) if free else 0.0
    # what upsampling rounds away is there even where the pairs agree
    rounded = 1.0 / (UPSAMPLE * math.sqrt(12.0))
    per_pair = np.sum(left**2, axis=0) / free if free else np.full(2, np.nan)
    variance = np.diag(inverse)[:, None] * np.maximum(per_pair, rounded**2)[None, :]
    shift = np.vstack([np.zeros(2), solved])
    return shift, np.vstack([np.zeros(2), np.sqrt(variance)]), closure


def sum_frames(
    frames: NDArray[Any], shift: NDArray[np.float64], *, subpixel: bool = True
) -> FrameSum:
    """Lay frames on the first and add them up.

    Parameters
    ----------
    frames : ndarray, shape (k, y, x) or (k, y, x, n)
        Images, or spectrum images with the energy last.
    shift : ndarray, shape (k, 2)
        How far each has moved, (y, x) in pixels, from `measure_shifts`.
    subpixel : bool
        Read between pixels (bilinear); else move by whole pixels, which keeps the
        noise of pixels independent and blurs by up to half a pixel.

    Raises
    ------
    BadInputError
        The drift is as large as the frame.
    """
    count, height, width = frames.shape[:3]
    back = -shift if subpixel else -np.rint(shift)
    rows, columns = _common(back[:, 0], height), _common(back[:, 1], width)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        raise BadInputError(
            "the frames have drifted so far that no pixel was seen by all of them",
            fix="leave the last frames out",
        )
    size = (rows.stop - rows.start, columns.stop - columns.start)
    total = np.zeros((*size, *frames.shape[3:]), dtype=np.float32)
    squares, between = 0.0, 0.0
    for k in range(count):
        whole = np.floor(back[k]).astype(int)
        part = back[k] - whole
        weights = {
            (dy, dx): (part[0] if dy else 1.0 - part[0]) * (part[1] if dx else 1.0 - part[1])
            for dy in (0, 1)
            for dx in (0, 1)
        }
        for (dy, dx), weight in weights.items():
            if weight == 0.0:
                continue
            y, x = rows.start - whole[0] - dy, columns.start - whole[1] - dx
            total += np.float32(weight) * frames[k, y : y + size[0], x : x + size[1]]
        squares += sum(w**2 for w in weights.values()) / count
        between += (
            weights[0, 0] * weights[0, 1]
            + weights[1, 0] * weights[1, 1]
            + weights[0, 0] * weights[1, 0]
            + weights[0, 1] * weights[1, 1]
        ) / (2 * count)
    return FrameSum(total, rows, columns, float(squares), float(between / squares))


def _common(back: NDArray[np.float64], size: int) -> slice:
    """Pixels of the first frame that every frame, moved back, still fills."""
    low = max(0, math.ceil(float(back.max()) - 1e-9))
    high = min(0, math.floor(float(back.min()) + 1e-9))
    return slice(low, size + high)
