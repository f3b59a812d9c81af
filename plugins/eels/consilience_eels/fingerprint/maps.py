"""Amounts of each pixel, with the weights of the region that it lies in."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.fingerprint.fit import Fit
from consilience_eels.fingerprint.limits import CALIBRATION, Z95

__all__ = ["PixelAmounts", "fit_pixels"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PixelAmounts:
    """Formula units per nm² in each pixel, their standard deviations, and Currie's limit.

    Parameters
    ----------
    amounts, std, limit : ndarray, shape (pixels, k)
        `std` from counting and references together.
    chi_square : ndarray, shape (pixels,)
        For each degree of freedom.
    """

    amounts: Array
    std: Array
    limit: Array
    chi_square: Array


def fit_pixels(fit: Fit, counts: Array, beam: Array) -> PixelAmounts:
    """Fit all pixels of a region with its columns and the weights of its mean pixel.

    Parameters
    ----------
    fit : Fit
        Of the sum of the region.
    counts : ndarray, shape (pixels, n)
        In the bins of the fit.
    beam : ndarray, shape (pixels,)
        Counts of the low loss of each pixel over those of the region: columns scale with it.

    Notes
    -----
    One orthogonal factor serves all pixels, so that each costs a small problem only.
    """
    from scipy.linalg import qr, solve_triangular
    from scipy.optimize import nnls

    share = float(beam.mean())
    variance = np.diag(fit.weights.counting * share) + fit.weights.model * share**2
    factor = np.linalg.cholesky(variance)
    columns = share * np.hstack([fit.design.columns, fit.design.backgrounds])
    white = solve_triangular(factor, columns, lower=True)
    norm = np.sqrt((white**2).sum(axis=0))
    live = norm > 1e-12 * norm.max()
    basis, upper = qr(white[:, live] / norm[live], mode="economic")
    values = solve_triangular(factor, counts.T, lower=True)
    projected = basis.T @ values
    rest = (values**2).sum(axis=0) - (projected**2).sum(axis=0)
    k = len(fit.design.species)
    scale = np.zeros(columns.shape[1])
    scale[live] = 1.0 / norm[live]
    inverse = np.linalg.pinv(upper, rcond=1e-9)
    spread = np.full(columns.shape[1], np.inf)
    spread[live] = np.sqrt((inverse**2).sum(axis=1)) / norm[live]
    amounts = np.zeros((len(counts), k))
    chi = np.empty(len(counts))
    full = np.zeros(columns.shape[1])
    for pixel in range(len(counts)):
        found, left = nnls(upper, projected[:, pixel], maxiter=50 * upper.shape[1])
        full[live] = found
        amounts[pixel] = (full * scale)[:k]
        chi[pixel] = (left**2 + rest[pixel]) / max(1, counts.shape[1] - int((found > 0).sum()))
    relative = (beam / share)[:, None]
    std = np.broadcast_to(spread[:k], amounts.shape) / np.sqrt(relative)
    return PixelAmounts(amounts / relative, std, 2.0 * Z95 * CALIBRATION * std, chi)
