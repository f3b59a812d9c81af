"""Do two quantities go together over a few states?  Ranks, with a permutation p.

Ordered states of one sample are neither independent nor many: the p-value describes these numbers
and says nothing of other samples.

References
----------
.. [1] C. Spearman, Am. J. Psychol. 15 (1904) 72.
.. [2] R. A. Fisher, The Design of Experiments (1935), ch. 3 (permutation tests).
.. [3] B. Phipson, G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39, eq. 2: p of randomly
       drawn permutations is never 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from consilience.errors import BadInputError

__all__ = ["DESCRIBES", "EXACT", "FEWEST", "ORDERS", "Association", "spearman"]

DESCRIBES = (
    "the states follow each other in one sample and are not independent, so that this p-value "
    "describes these numbers and tests nothing about other samples"
)
EXACT = 9
"""Most states whose orders are all looked at (362 880)."""
ORDERS = 20_000
"""Orders that are drawn where there are more states."""
FEWEST = 3
_EDGE = 1e-9
"""Correlations this close are one."""


@dataclass(frozen=True)
class Association:
    """Rank correlation of two quantities over n states.

    Parameters
    ----------
    rho : float or None
        None where one of them does not change.
    p : float or None
        Two-sided share of the orders with a correlation at least as large.
    least_p : float or None
        The smallest p that n states with these ties can give in this way.
    n : int
    orders : int
        How many orders were looked at; 0 where there is no correlation.
    exact : bool
        All n! orders; False: drawn at random from a stated seed.
    """

    rho: float | None
    p: float | None
    least_p: float | None
    n: int
    orders: int = 0
    exact: bool = True

    @property
    def how(self) -> str:
        """Which orders p was counted over, in words."""
        if self.exact:
            return f"all {self.orders} orders"
        return f"{self.orders} random orders"


def spearman(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> Association:
    """Return Spearman's rank correlation with its two-sided permutation p.

    Parameters
    ----------
    first, second : sequence of float
        The same states, 3 or more; ties get mean ranks.  Of up to 9 states all orders are
        looked at, of more 20 000 that are drawn.
    seed : int
        Of the drawn orders.

    Raises
    ------
    BadInputError
        Different lengths, too few states, or numbers that are none.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = a.size
    if a.shape != b.shape or n < FEWEST:
        raise BadInputError(
            f"{n} and {b.size} states have no rank correlation",
            fix=f"give the same {FEWEST} or more states for both",
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadInputError(
            "a state without a number has no rank", fix="leave out states that miss one of the two"
        )
    left, right = _standard(rankdata(a)), _standard(rankdata(b))
    if left is None or right is None:
        return Association(None, None, None, n)
    rho = float(left @ right)
    if n <= EXACT:
        every = np.abs(right[_orders(n)] @ left)
        largest = float(every.max())
        p = float(np.mean(every >= abs(rho) - _EDGE))
        return Association(rho, p, float(np.mean(every >= largest - _EDGE)), n, len(every))
    chance = np.random.default_rng(seed)
    drawn = np.abs(chance.permuted(np.tile(right, (ORDERS, 1)), axis=1) @ left)
    p = float((1 + np.count_nonzero(drawn >= abs(rho) - _EDGE)) / (1 + ORDERS))
    return Association(rho, p, 1.0 / (1 + ORDERS), n, ORDERS, exact=False)


@lru_cache(maxsize=2)
def _orders(n: int) -> NDArray[np.intp]:
    return np.array(list(itertools.permutations(range(n))), dtype=np.intp)


def _standard(ranks: NDArray[np.float64]) -> NDArray[np.float64] | None:
    centred = ranks - ranks.mean()
    size = math.sqrt(float(centred @ centred))
    return centred / size if size > 0.0 else None
