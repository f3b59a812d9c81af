"""The common shift of all lines from the whole pattern, where single peaks give none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.wholepattern import solve_scales
from consilience_xrd.identification.wholetemplates import prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["ScannedShift", "scan_shift"]


@dataclass(frozen=True)
class ScannedShift:
    """A shift [deg] added to all lines, its error, and the share of the peaks left unexplained."""

    amount: float
    std: float
    left: float


def scan_shift(
    pattern: Pattern, fit: PeakFit, pairing: Pairing, limit: float
) -> ScannedShift | None:
    """Find the common shift of all lines that fits a sum of all phases best.

    Parameters
    ----------
    limit : float
        Largest shift considered [deg].

    Returns
    -------
    ScannedShift or None
        None where another shift, more than a width away, does nearly as well.

    Notes
    -----
    The templates are moved by interpolation.  The error is the half width over which chi-square
    rises by its value per degree of freedom, from a parabola through the lowest three values.
    """
    made = prepare(pattern, fit, pairing, None)
    if made is None:
        return None
    law = np.ones_like(made.x)
    if pairing.settings.shift == "displacement":
        law = np.cos(np.radians(made.x) / 2)
    width = made.shape.level + made.shape.slope * float(np.median(made.x))
    step = max(0.25 * width, float(np.median(np.diff(made.x))))
    grid = np.arange(-limit, limit + 0.5 * step, step)

    def moved(amount: float) -> NDArray[np.float64]:
        at = made.x - amount * law
        return np.stack(
            [np.interp(at, made.x, column, left=0.0, right=0.0) for column in made.raw.T], axis=1
        )

    def chi2(amount: float) -> float:
        columns = made.project(moved(amount) / made.sigma[:, None])
        rest = made.data - columns @ solve_scales(columns, made.data)
        # small shifts first: the prior of a decently set up instrument
        return float(rest @ rest) * (1 + 0.02 * (amount / limit) ** 2)

    values = np.array([chi2(float(s)) for s in grid])
    best = int(np.argmin(values))
    reduced = max(values[best] / max(len(made.x) - made.raw.shape[1], 1), 1.0)
    far = np.abs(grid - grid[best]) > width
    total = float(made.data @ made.data)
    # another shift that leaves nearly as little cannot be told from the best one
    if far.any() and values[far].min() - values[best] < 0.05 * (total - values[best]):
        return None
    fine = float(grid[best]) + np.array([-0.5, 0.0, 0.5]) * step
    three = np.array([chi2(float(s)) for s in fine])
    bend = (three[0] - 2 * three[1] + three[2]) / (0.5 * step) ** 2
    if bend <= 0:
        return None
    slope = (three[2] - three[0]) / step
    amount = float(np.clip(fine[1] - slope / bend, fine[0], fine[2]))
    raw = moved(amount)
    columns = made.project(raw / made.sigma[:, None])
    model = raw @ solve_scales(columns, made.data)
    found = np.maximum(fit.model[made.used] - made.base, 0.0)
    left = float(np.maximum(found - model, 0.0).sum() / max(found.sum(), 1e-300))
    return ScannedShift(amount, math.sqrt(2 * reduced / bend), left)
