"""Do two quantities go together over a few states?  Ranks, with an exact permutation p.

Ordered states of one cell are neither independent nor many: the p-value describes these numbers
and says nothing of other cells.

References
----------
.. [1] C. Spearman, Am. J. Psychol. 15 (1904) 72.
.. [2] R. A. Fisher, The Design of Experiments (1935), ch. 3 (permutation tests).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from consilience.errors import BadInputError

__all__ = ["DESCRIBES", "Association", "spearman"]

DESCRIBES = (
    "the states follow each other in one cell and are not independent, so that this p-value "
    "describes these numbers and tests nothing about other cells"
)
_EXACT = 9
"""Most states whose orders are all looked at (362 880)."""
_FEWEST = 3


@dataclass(frozen=True)
class Association:
    """Rank correlation of two quantities over n states.

    Parameters
    ----------
    rho : float or None
        None where one of them does not change.
    p : float or None
        Two-sided share of all orders with a correlation at least as large.
    least_p : float or None
        The smallest p that n states can give with these ties.
    n : int
    """

    rho: float | None
    p: float | None
    least_p: float | None
    n: int


def spearman(first: Sequence[float], second: Sequence[float]) -> Association:
    """Return Spearman's rank correlation with its exact two-sided permutation p.

    Parameters
    ----------
    first, second : sequence of float
        The same states, 3 to 9 of them; ties get mean ranks.

    Raises
    ------
    BadInputError
        Different lengths, too few or too many states, or numbers that are none.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = a.size
    if a.shape != b.shape or not _FEWEST <= n <= _EXACT:
        raise BadInputError(
            f"{n} and {b.size} states have no exact rank correlation",
            fix=f"give the same {_FEWEST} to {_EXACT} states for both",
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadInputError(
            "a state without a number has no rank", fix="leave out states that miss one of the two"
        )
    left, right = _standard(rankdata(a)), _standard(rankdata(b))
    if left is None or right is None:
        return Association(None, None, None, n)
    rho = float(left @ right)
    orders = np.array(list(itertools.permutations(range(n))), dtype=np.intp)
    every = np.abs(right[orders] @ left)
    edge = 1e-9
    largest = float(every.max())
    return Association(
        rho,
        float(np.mean(every >= abs(rho) - edge)),
        float(np.mean(every >= largest - edge)),
        n,
    )


def _standard(ranks: NDArray[np.float64]) -> NDArray[np.float64] | None:
    centred = ranks - ranks.mean()
    size = math.sqrt(float(centred @ centred))
    return centred / size if size > 0.0 else None
