"""Maps as smooth as a given one that have nothing to do with anything.

They keep its spectrum, and so how alike its neighbouring points are, and have random phases [1]_.

References
----------
.. [1] J. Theiler et al., Physica D 58 (1992) 77, section 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["surrogates"]

Array = NDArray[np.float64]
AT_ONCE = 20_000
"""Points that are transformed together: as many as a processor keeps at hand."""


def surrogates(values: Array, count: int, chance: np.random.Generator) -> Iterator[Array]:
    """Yield fields with the spectrum of a map and the phases of white noise, some at a time.

    The map is mirrored at its edges first: its ends are not neighbours, and a step from one to
    the other would give the surrogates a roughness that the map has not.

    Parameters
    ----------
    values : ndarray, shape (ny, nx)
        Without gaps.
    count : int
        How many in all.
    chance : Generator

    Yields
    ------
    ndarray, shape (some, ny, nx)
    """
    ny, nx = values.shape
    mirrored = np.pad(values, ((0, ny), (0, nx)), mode="symmetric")
    strength = np.abs(fft.rfft2(mirrored))
    step = max(AT_ONCE // mirrored.size, 1)
    for begin in range(0, count, step):
        size = (min(step, count - begin), *mirrored.shape)
        phases = fft.rfft2(chance.standard_normal(size=size))
        phases *= strength / np.maximum(np.abs(phases), 1e-300)
        yield np.asarray(fft.irfft2(phases, s=mirrored.shape)[:, :ny, :nx], dtype=np.float64)
