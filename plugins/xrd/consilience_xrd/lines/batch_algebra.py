"""Normal equations of many small fits at once: damped steps with bounds, and covariances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["damped_step", "inverse_square", "inverted", "normal_equations"]


def inverse_square(sigma: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Weights from standard deviations, zero where those are infinite."""
    assert sigma is not None
    usable = np.isfinite(sigma) & (sigma > 0)
    return np.asarray(np.where(usable, 1 / np.where(usable, sigma, 1.0) ** 2, 0.0))


def normal_equations(
    rows: NDArray[np.float64], weight: NDArray[np.float64], residual: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """J'WJ (m, p, p) and J'Wr (m, p)."""
    weighted = rows * weight[:, None, :]
    return weighted @ rows.transpose(0, 2, 1), (weighted @ residual[:, :, None])[:, :, 0]


def damped_step(
    normal: NDArray[np.float64],
    slope: NDArray[np.float64],
    mu: NDArray[np.float64],
    here: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The damped step of each window, and which parameters a bound holds."""
    diagonal = np.einsum("mii->mi", normal)
    held = ((here <= low) & (slope < 0)) | ((here >= high) & (slope > 0)) | ~(diagonal > 0)
    scale = 1 / np.sqrt(np.where(held, 1.0, diagonal))
    matrix = normal * scale[:, :, None] * scale[:, None, :]
    both = held[:, :, None] | held[:, None, :]
    matrix = np.where(both, 0.0, matrix)
    index = np.arange(matrix.shape[1])
    matrix[:, index, index] = 1 + mu[:, None]
    right = np.where(held, 0.0, slope * scale)
    return np.linalg.solve(matrix, right[:, :, None])[:, :, 0] * scale, held


def inverted(
    normal: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Covariance, NaN where a parameter is not determined, and which are."""
    diagonal = np.einsum("mii->mi", normal)
    known = wanted & (diagonal > 0)
    scale = 1 / np.sqrt(np.where(known, diagonal, 1.0))
    both = known[:, :, None] & known[:, None, :]
    matrix = np.where(both, normal * scale[:, :, None] * scale[:, None, :], 0.0)
    index = np.arange(matrix.shape[1])
    matrix[:, index, index] = np.where(known, matrix[:, index, index], 1.0)
    inverse = np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)
    inverse = inverse * scale[:, :, None] * scale[:, None, :]
    return np.where(both, inverse, np.nan), known
