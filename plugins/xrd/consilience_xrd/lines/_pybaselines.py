"""The one place where pybaselines, which is untyped, is called."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["whittaker"]


def whittaker(
    y: NDArray[np.float64], method: str, lam: float, p: float | None, iterations: int | None
) -> tuple[NDArray[np.float64], int]:
    """Run a Whittaker-smoothing baseline; returns the baseline and the number of solves."""
    from pybaselines import Baseline

    arguments: dict[str, Any] = {"lam": lam}
    if p is not None:
        arguments["p"] = p
    if iterations is not None:
        # pybaselines solves max_iter + 1 times; a negative tolerance is never met
        arguments.update(max_iter=iterations - 1, tol=-1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "did not converge" is read from the history instead
        values, details = getattr(Baseline(), method)(y, **arguments)
    return np.asarray(values, dtype=np.float64), len(details["tol_history"])
