"""Baselines under many patterns at once: a banded solve that runs along the patterns.

Whittaker baselines solve (W + lam D'D) z = W y for every pattern, D taking second differences.
Only the diagonal differs from pattern to pattern, so the LDL' recurrence of the five bands is
walked once along the axis, each step for all patterns of a block together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.lines.baseline import smoothing_for_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BATCH_METHODS", "BatchBaseline", "fit_baselines", "numba_kernels"]

BATCH_METHODS = ("asls", "arpls")
BLOCK = 512
"""Patterns walked together without numba: a row of the recurrence stays in the first cache."""
WORTH_COMPILING = 20_000_000
"""Points times solves from which loading numba is paid back."""
Accelerate = Literal["auto", "yes", "no"]


@dataclass(frozen=True)
class BatchBaseline:
    """Baselines of many patterns and how they were made.

    Attributes
    ----------
    values : ndarray, shape (m, n)
        In the unit of the intensity.
    parameters : dict
        Method, lam, p or tolerance, number of solves (the most of any pattern), how many patterns
        had not settled, and which route was taken.
    """

    values: NDArray[np.float64]
    parameters: dict[str, Any] = field(default_factory=dict)


def fit_baselines(
    intensity: NDArray[np.floating[Any]] | NDArray[np.integer[Any]],
    method: str = "arpls",
    lam: float | None = None,
    p: float = 0.01,
    iterations: int | None = None,
    fwhm_points: float | None = None,
    tolerance: float = 1e-3,
    accelerate: Accelerate = "auto",
) -> BatchBaseline:
    """Fit a baseline under each of many patterns on one axis.

    Parameters
    ----------
    intensity : ndarray, shape (m, n)
        m patterns of n points, all finite.
    method : {"asls", "arpls"}
    lam : float, optional
        Smoothness; by default from `fwhm_points` through `smoothing_for_width`.
    p : float
        Asymmetry of asls, 0 to 1: weight of points above the baseline.
    iterations : int, optional
        Exact number of solves of each pattern; by default until the weights have settled, at
        most 50.
    fwhm_points : float, optional
        Typical width of the peaks in points; a fiftieth of the pattern if unknown.
    tolerance : float
        Relative change of the weights below which they count as settled.
    accelerate : {"auto", "yes", "no"}
        Whether the solves run through numba; auto: where it is installed and the work is long
        enough to pay for loading it.

    Raises
    ------
    BadInputError
        Unknown method, lam not positive, p outside 0 to 1, fewer than 5 points, values that are
        not finite, numba asked for and not there.

    References
    ----------
    .. [1] P. H. C. Eilers, H. F. M. Boelens, Baseline correction with asymmetric least
       squares smoothing, 2005.
    .. [2] S.-J. Baek et al., Analyst 140 (2015) 250, eq. 8 to 11 (arPLS).
    """
    if method not in BATCH_METHODS:
        raise BadInputError(
            f"The baseline method {method!r} has no batched form.",
            fix=f"Use one of {', '.join(BATCH_METHODS)}.",
        )
    y = np.asarray(intensity)
    if y.ndim != 2 or y.shape[1] < 5:
        raise BadInputError(
            f"Baselines need (patterns, points) with at least 5 points, not shape {y.shape}.",
            fix="Give patterns with more points.",
        )
    if not np.isfinite(y).all():
        raise BadInputError(
            "Some intensities are not finite numbers.", fix="Mask or fill these points first."
        )
    chosen = "given by the user"
    if lam is None:
        width = fwhm_points if fwhm_points is not None else y.shape[1] / 50
        lam = smoothing_for_width(width)
        chosen = f"from a width of {width:.3g} points"
    if not (math.isfinite(lam) and lam > 0):
        raise BadInputError(f"lam = {lam:g} is not positive.", fix="Give a positive lam.")
    if not 0 < p < 1:
        raise BadInputError(f"p = {p:g} is not between 0 and 1.", fix="Give p between 0 and 1.")
    if iterations is not None and iterations < 1:
        raise BadInputError("iterations is below 1.", fix="Give 1 or more.")
    kernels = _chosen_kernels(accelerate, y.size * (iterations or 10))
    values = np.empty(y.shape)
    most, unsettled = 0, 0
    for first in range(0, len(y), BLOCK):
        part = slice(first, first + BLOCK)
        columns = np.ascontiguousarray(y[part].T, dtype=np.float64)
        got, count, left = _block(columns, method, lam, p, iterations, tolerance, kernels)
        values[part] = got.T
        most, unsettled = max(most, count), unsettled + left
    parameters: dict[str, Any] = {
        "method": method,
        "lam": lam,
        "lam_chosen": chosen,
        "iterations": most,
        "unsettled": unsettled,
        "route": "numba" if kernels is not None else "numpy",
    }
    if method == "asls":
        parameters["p"] = p
    return BatchBaseline(values, parameters)


Kernel = Callable[..., None]
Kernels = tuple[Kernel, Kernel]


def numba_kernels() -> Kernels | None:
    """The compiled solver and the compiled asls, or None where numba is not installed."""
    try:
        from consilience_xrd.lines import _batch_numba
    except ImportError:
        return None
    return _batch_numba.solve_columns, _batch_numba.asls_columns


def _chosen_kernels(accelerate: Accelerate, work: int) -> Kernels | None:
    if accelerate == "no" or (accelerate == "auto" and work < WORTH_COMPILING):
        return None
    kernels = numba_kernels()
    if kernels is None and accelerate == "yes":
        raise BadInputError(
            "numba was asked for and cannot be imported.",
            fix="Install numba, or leave the choice to the program.",
        )
    return kernels


def _bands(n: int, lam: float) -> tuple[NDArray[np.float64], ...]:
    """Diagonals 0, 1 and 2 of lam D'D, each of length n (padded with zeros)."""
    main, first, second = np.zeros(n), np.zeros(n), np.zeros(n)
    for i, coefficient in enumerate((1.0, -2.0, 1.0)):
        main[i : n - 2 + i] += coefficient**2
    first[: n - 2] -= 2.0
    first[1 : n - 1] -= 2.0
    second[: n - 2] = 1.0
    return lam * main, lam * first, lam * second


def _solve(
    wy: NDArray[np.float64],
    w: NDArray[np.float64],
    bands: tuple[NDArray[np.float64], ...],
    work: tuple[NDArray[np.float64], ...],
) -> NDArray[np.float64]:
    """Solve (W + lam D'D) z = wy for all columns; both of shape (n, m).

    Notes
    -----
    LDL' of a matrix with two bands on either side: with pivots d, l1 = L[i+1, i] and
    l2 = L[i+2, i], d_i = a_i - g_{i-1} l1_{i-1} - f l2_{i-2} and g_i = e_i - f l1_{i-1}, where e
    and f are the bands and l1 = g / d, l2 = f / d.
    """
    first, second = bands[1].tolist(), bands[2].tolist()
    inverse, l1, l2, z = work
    n = len(wy)
    np.add(w, bands[0][:, None], out=inverse)  # the diagonal, turned into 1 / pivot row by row
    np.copyto(z, wy)
    g = np.empty(wy.shape[1])
    t = np.empty(wy.shape[1])
    multiply, subtract, divide = np.multiply, np.subtract, np.divide
    for i in range(n):
        d, zi = inverse[i], z[i]
        if i > 0:
            before = l1[i - 1]
            multiply(g, before, out=t)
            subtract(d, t, out=d)
            multiply(before, z[i - 1], out=t)
            subtract(zi, t, out=zi)
            multiply(before, second[i - 1], out=g)
            subtract(first[i], g, out=g)
        else:
            g.fill(first[0])
        if i > 1:
            two = l2[i - 2]
            multiply(two, second[i - 2], out=t)
            subtract(d, t, out=d)
            multiply(two, z[i - 2], out=t)
            subtract(zi, t, out=zi)
        divide(1.0, d, out=d)
        multiply(g, d, out=l1[i])
        multiply(d, second[i], out=l2[i])
    multiply(z, inverse, out=z)
    for i in range(n - 2, -1, -1):
        zi = z[i]
        multiply(l1[i], z[i + 1], out=t)
        subtract(zi, t, out=zi)
        if i < n - 2:
            multiply(l2[i], z[i + 2], out=t)
            subtract(zi, t, out=zi)
    return z


def _block(
    y: NDArray[np.float64],
    method: str,
    lam: float,
    p: float,
    iterations: int | None,
    tolerance: float,
    kernels: Kernels | None,
) -> tuple[NDArray[np.float64], int, int]:
    """Baselines of the columns of `y` (n, m), most solves of any, and how many had not settled."""
    n = len(y)
    bands = _bands(n, lam)
    out = np.empty_like(y)
    live = np.arange(y.shape[1])
    w = np.ones_like(y)
    here = y
    if kernels is not None and method == "asls" and iterations is not None:
        kernels[1](y, *bands, p, iterations, out)
        return out, iterations, 0
    most = iterations if iterations is not None else 50
    for count in range(1, most + 1):
        z = np.empty_like(here)
        if kernels is not None:
            kernels[0](here, w, *bands, z)
        else:
            work = tuple(np.empty_like(here) for _ in range(3))
            z = _solve(w * here, w, bands, (*work, z))
        new = np.where(here > z, p, 1 - p) if method == "asls" else _arpls_weights(here - z, w)
        if iterations is not None:
            w = new
            continue
        change = np.linalg.norm(new - w, axis=0) / np.maximum(np.linalg.norm(w, axis=0), 1e-300)
        settled = change < tolerance
        if settled.any():
            out[:, live[settled]] = z[:, settled]
            keep = ~settled
            live, here, z, new = live[keep], here[:, keep], z[:, keep], new[:, keep]
            here = np.ascontiguousarray(here)
        w = np.ascontiguousarray(new)
        if not len(live):
            return out, count, 0
    out[:, live] = z
    return out, most, 0 if iterations is not None else len(live)


def _arpls_weights(
    residual: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of arPLS; a column with nothing below its baseline keeps those it had."""
    below = residual < 0
    number = below.sum(axis=0)
    negative = np.where(below, residual, 0.0)
    mean = negative.sum(axis=0) / np.maximum(number, 1)
    spread = np.where(below, residual - mean, 0.0)
    std = np.sqrt((spread**2).sum(axis=0) / np.maximum(number - 1, 1))
    usable = (number > 1) & (std > 0)
    safe = np.where(usable, std, 1.0)
    argument = 2 * (residual - (2 * safe - mean)) / safe
    weights = 1 / (1 + np.exp(np.clip(argument, -700, 700)))
    return np.asarray(np.where(usable, weights, before))
