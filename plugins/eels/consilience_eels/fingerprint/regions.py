"""Which pixels belong together: boxes that are given, or groups of like spectra."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["alike", "inner"]

MOST = 8
"""Groups at most."""

PIXELS = 1500
"""Pixels that are grouped among each other; the others join the group that they are nearest to."""


def alike(spectra: NDArray[np.floating], most: int = MOST) -> NDArray[np.int64]:
    """Group pixels by the form of their spectra.

    Parameters
    ----------
    spectra : ndarray, shape (pixels, bins)
        Counts in some tens of bins.
    most : int

    Returns
    -------
    ndarray, shape (pixels,)
        Group of each pixel, from 0, in the order of their first pixels.

    Notes
    -----
    Square roots of shares have the same noise in all bins; of their singular vectors those above
    the noise are kept, and Ward's tree is cut at its widest relative gap.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    totals = spectra.sum(axis=1, keepdims=True)
    good = totals[:, 0] > 0
    if good.sum() < 4:
        return np.zeros(len(spectra), dtype=np.int64)
    shares = np.sqrt(np.clip(spectra, 0.0, None) / np.where(totals > 0, totals, 1.0))
    centred = shares - shares[good].mean(axis=0)
    _, sizes, vectors = np.linalg.svd(centred[good], full_matrices=False)
    floor = np.median(sizes) * 2.0
    keep = max(1, min(6, int((sizes > floor).sum())))
    scores = centred @ vectors[:keep].T
    some = np.flatnonzero(good)
    if some.size > PIXELS:
        some = some[np.linspace(0, some.size - 1, PIXELS).astype(int)]
    tree = linkage(scores[some], "ward")
    heights = tree[:, 2][::-1]
    top = heights[: min(most, len(heights))]
    ratios = top[:-1] / np.maximum(top[1:], 1e-12)
    many = 1 if len(ratios) == 0 else int(np.argmax(ratios)) + 2
    labels = fcluster(tree, many, "maxclust")
    groups = np.unique(labels)
    centres = np.array([scores[some][labels == g].mean(axis=0) for g in groups])
    apart = ((scores[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    nearest = apart.argmin(axis=1)
    order = {g: i for i, g in enumerate(dict.fromkeys(nearest.tolist()))}
    return np.array([order[g] for g in nearest.tolist()], dtype=np.int64)


def inner(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pixels of a map have no neighbour of another group: no interface in them.

    Where a group would be left with no pixel, it keeps all.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    size = tuple(3 if n > 2 else 1 for n in labels.shape)
    same = maximum_filter(labels, size=size) == minimum_filter(labels, size=size)
    for group in np.unique(labels):
        own = labels == group
        if not (own & same).any():
            same |= own
    return np.asarray(same)
