"""Non-negative least squares of many spectra at once, from their normal equations.

References
----------
.. [1] H. Kim, H. Park, SIAM Journal on Scientific Computing 33 (2011) 3261: block pivoting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["nonnegative"]

Array = NDArray[np.float64]

PATIENCE = 3
"""Full exchanges without progress before single ones (after [1]_)."""
MOST = 200
TOLERANCE = 1e-9
RIDGE = 1e-11


def nonnegative(gram: Array, right: Array, start: Array | None = None) -> Array:
    """Return x ≥ 0 that minimises ½ xᵀ G x − bᵀ x for each row of `right`.

    Parameters
    ----------
    gram : ndarray, shape (n, n) or (pixels, n, n)
        Positive (semi-)definite; one for all, or one for each.
    right : ndarray, shape (pixels, n)
    start : ndarray, shape (pixels, n), optional
        The unbounded solution, if known.

    Returns
    -------
    ndarray, shape (pixels, n)

    Notes
    -----
    Block principal pivoting [1]_, all pixels in step.
    """
    pixels, n = right.shape
    scale = np.sqrt(np.diagonal(gram, axis1=-2, axis2=-1))
    scale = np.where(scale > 0, scale, 1.0)
    g = gram / (scale[..., :, None] * scale[..., None, :])
    # columns that are nothing, or the sum of others, get an answer and not an error
    g = g + RIDGE * np.eye(n)
    b = right / scale
    x = _solve(g, b, np.ones((pixels, n), dtype=np.bool_)) if start is None else start * scale
    size = np.abs(b).max(axis=1) + 1e-300
    free = x >= -TOLERANCE * size[:, None]
    todo = np.flatnonzero(~free.all(axis=1))
    x = np.maximum(x, 0.0) if todo.size == 0 else x
    best = np.full(pixels, n + 1)
    patience = np.full(pixels, PATIENCE)
    for _ in range(MOST):
        if todo.size == 0:
            break
        own = g if g.ndim == 2 else g[todo]
        now = _solve(own, b[todo], free[todo])
        x[todo] = now
        slope = _times(own, now) - b[todo]
        bound = TOLERANCE * size[todo][:, None]
        wrong = np.where(free[todo], now < -bound, slope < -bound)
        count = wrong.sum(axis=1)
        done = count == 0
        better = count < best[todo]
        best[todo] = np.where(better, count, best[todo])
        patience[todo] = np.where(better, PATIENCE, patience[todo] - 1)
        single = (~better) & (patience[todo] < 0)
        if single.any():
            last = n - 1 - np.argmax(wrong[:, ::-1], axis=1)
            only = np.zeros_like(wrong)
            only[np.arange(len(todo)), last] = True
            wrong = np.where(single[:, None], only & wrong, wrong)
        free[todo] ^= wrong
        todo = todo[~done]
    return np.asarray(np.maximum(x, 0.0) / scale)


def _times(gram: Array, x: Array) -> Array:
    if gram.ndim == 2:
        return np.asarray(x @ gram)
    return np.asarray(np.einsum("pij,pj->pi", gram, x))


def _solve(gram: Array, right: Array, free: NDArray[np.bool_]) -> Array:
    """Solve for the free unknowns of each row, the others being 0."""
    pixels, n = right.shape
    made = np.zeros((pixels, n))
    if gram.ndim == 2 and pixels == 1:
        on = np.flatnonzero(free[0])
        made[0, on] = np.linalg.solve(gram[on[:, None], on], right[0, on])
        return made
    if gram.ndim == 2:
        # one factorisation for all rows with the same unknowns
        codes = np.packbits(free, axis=1)
        keys = np.ascontiguousarray(codes).view([("", codes.dtype)] * codes.shape[1]).ravel()
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        if len(first) <= max(pixels // 4, 1):
            order = np.argsort(group, kind="stable")
            cuts = np.searchsorted(group[order], np.arange(len(first) + 1))
            for k, row in enumerate(first):
                on = np.flatnonzero(free[row])
                rows = order[cuts[k] : cuts[k + 1]]
                if on.size:
                    part = np.linalg.solve(gram[np.ix_(on, on)], right[np.ix_(rows, on)].T)
                    made[np.ix_(rows, on)] = part.T
            return made
    both = free[:, :, None] & free[:, None, :]
    own = np.where(both, gram, 0.0)
    diagonal = np.arange(n)
    own[:, diagonal, diagonal] += ~free
    return np.asarray(np.linalg.solve(own, np.where(free, right, 0.0)[..., None])[..., 0])
