"""The banded solve compiled by numba: imported only for long work and only where numba is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["asls_columns", "solve_columns"]

LANES = 16
"""Patterns solved side by side: the inner loops over them become vector instructions."""


@numba.njit(cache=True, fastmath={"contract"})
def _solve_lanes(
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    main: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    inverse: NDArray[np.float64],
    l1: NDArray[np.float64],
    z: NDArray[np.float64],
) -> None:
    """Solve (W + bands) z = W y for LANES columns; all work arrays of shape (n, LANES)."""
    n = y.shape[0]
    g = np.empty(LANES)
    for k in range(LANES):
        inverse[0, k] = 1.0 / (w[0, k] + main[0])
        g[k] = first[0]
        l1[0, k] = g[k] * inverse[0, k]
        z[0, k] = w[0, k] * y[0, k]
    for k in range(LANES):
        d = w[1, k] + main[1] - g[k] * l1[0, k]
        z[1, k] = w[1, k] * y[1, k] - l1[0, k] * z[0, k]
        g[k] = first[1] - second[0] * l1[0, k]
        inverse[1, k] = 1.0 / d
        l1[1, k] = g[k] * inverse[1, k]
    for i in range(2, n):
        f1, f2 = second[i - 1], second[i - 2]
        for k in range(LANES):
            before = l1[i - 1, k]
            two = f2 * inverse[i - 2, k]
            d = w[i, k] + main[i] - g[k] * before - f2 * two
            z[i, k] = w[i, k] * y[i, k] - before * z[i - 1, k] - two * z[i - 2, k]
            g[k] = first[i] - f1 * before
            inverse[i, k] = 1.0 / d
            l1[i, k] = g[k] * inverse[i, k]
    for k in range(LANES):
        z[n - 1, k] *= inverse[n - 1, k]
        z[n - 2, k] = z[n - 2, k] * inverse[n - 2, k] - l1[n - 2, k] * z[n - 1, k]
    for i in range(n - 3, -1, -1):
        f = second[i]
        for k in range(LANES):
            z[i, k] = (z[i, k] - f * z[i + 2, k]) * inverse[i, k] - l1[i, k] * z[i + 1, k]


@numba.njit(cache=True)
def solve_columns(
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    main: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Solve for all columns of `y`, shape (n, m), into `out`."""
    n, m = y.shape
    ys, ws = np.empty((n, LANES)), np.empty((n, LANES))
    inverse, l1, z = np.empty((n, LANES)), np.empty((n, LANES)), np.empty((n, LANES))
    for j in range(0, m, LANES):
        used = min(LANES, m - j)
        for i in range(n):
            for k in range(LANES):
                ys[i, k] = y[i, j + min(k, used - 1)]
                ws[i, k] = w[i, j + min(k, used - 1)]
        _solve_lanes(ys, ws, main, first, second, inverse, l1, z)
        for i in range(n):
            for k in range(used):
                out[i, j + k] = z[i, k]


@numba.njit(cache=True)
def asls_columns(
    y: NDArray[np.float64],
    main: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    p: float,
    iterations: int,
    out: NDArray[np.float64],
) -> None:
    """Asymmetric least squares of all columns of `y`, shape (n, m), with `iterations` solves."""
    n, m = y.shape
    ys, ws = np.empty((n, LANES)), np.empty((n, LANES))
    inverse, l1, z = np.empty((n, LANES)), np.empty((n, LANES)), np.empty((n, LANES))
    for j in range(0, m, LANES):
        used = min(LANES, m - j)
        for i in range(n):
            for k in range(LANES):
                ys[i, k] = y[i, j + min(k, used - 1)]
        ws[:] = 1.0
        for turn in range(iterations):
            _solve_lanes(ys, ws, main, first, second, inverse, l1, z)
            if turn < iterations - 1:
                for i in range(n):
                    for k in range(LANES):
                        ws[i, k] = p if ys[i, k] > z[i, k] else 1.0 - p
        for i in range(n):
            for k in range(used):
                out[i, j + k] = z[i, k]
