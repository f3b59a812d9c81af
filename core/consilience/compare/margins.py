"""Differences against equivalence margins, never just "not significantly different".

Two one-sided tests [1]_ for each: with a difference *d*, its standard deviation *s* and a margin
*m*, it is inside at level α if ``|d| + z s < m`` and outside if ``|d| - z s > m``, with ``z`` the
normal quantile of ``1 - α``.  Several at once are an intersection-union test.  *Agree*: every
difference is inside its margin; the level of the whole is α, too [2]_.  *Disagree*: some
difference is outside, shown at α/D for D differences (Bonferroni), because one of many is found
outside more often by chance.  Two fractions of two elements are one difference.

References
----------
.. [1] D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657, eq. 2.
.. [2] R. L. Berger, Technometrics 24 (1982) 295, theorem 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from consilience.model.verdict import Answer

__all__ = ["Decision", "decide"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """What the tests of all differences came to.

    `at` is the difference that decides; `room` the standard deviation that nothing knows of
    yet and that every difference could bear on top of `std` and still be inside its margin
    (0 if it is not); `needed` the one below which the deciding difference would be
    decided.
    """

    answer: Answer
    at: int
    statistic: float
    p_value: float
    smallest: float
    needed: float
    room: float


def decide(differences: Array, std: Array, margins: Array, level: float = 0.05) -> Decision:
    """Decide over one difference or several.

    Parameters
    ----------
    differences, std, margins : ndarray, shape (D,)
        In one unit; every ``std > 0``.
    level : float
        One-sided level α, 0 to 0.5.

    Returns
    -------
    Decision
        Its `statistic` is ``(|difference| - margin) / std`` of the one that decides,
        `p_value` that of the test on its side of the margin (inside: of non-equivalence;
        outside: of equivalence, times the number of tests), `smallest` the smallest
        difference that would be found outside with probability ``1 - level`` in any element.

    Raises
    ------
    ValueError
        A standard deviation of zero.
    """
    if not np.all(std > 0):
        raise ValueError("a standard deviation of zero is no uncertainty")
    normal = NormalDist()
    tests = 1 if len(differences) <= 2 else len(differences)
    inside, outside = normal.inv_cdf(1.0 - level), normal.inv_cdf(1.0 - level / tests)
    off = (np.abs(differences) - margins) / std
    # the two fractions of a pair are equally far off: not for rounding errors to choose between
    at = int(np.argmax(np.round(off, 9)))
    worst = float(off[at])
    p_value = normal.cdf(worst) if worst < 0.0 else min(1.0, tests * normal.cdf(-worst))
    answer: Answer = "undecided"
    if worst < -inside:
        answer = "agree"
    elif worst > outside:
        answer = "disagree"
    gap = float(margins[at] - abs(differences[at]))
    bear = (np.maximum(margins - np.abs(differences), 0.0) / inside) ** 2 - std**2
    return Decision(
        answer=answer,
        at=at,
        statistic=worst,
        p_value=p_value,
        smallest=float(np.max(margins + (inside + outside) * std)),
        needed=gap / inside if gap >= 0 else -gap / outside,
        room=float(np.sqrt(max(float(bear.min()), 0.0))),
    )
