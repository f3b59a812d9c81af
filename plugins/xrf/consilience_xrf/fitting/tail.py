"""How much of a line is not in its Gaussian: a tail, fitted where there are counts enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.design import Design, family_column
from consilience_xrf.fitting.linear import Solver
from consilience_xrf.lines.response import Response, channel_edges

__all__ = ["TAIL", "TAIL_WIDTH", "FittedTail", "fitted_tail"]

Array = NDArray[np.float64]

TAIL, TAIL_WIDTH = 0.015, 0.3
"""Share of a line's counts (one standard deviation) in a tail that nothing was fitted for, and
its decay in keV: what charge that is not collected whole does in silicon."""
TOLD = 0.5
"""Of `TAIL`: a fit that leaves more open than this says nothing."""
LARGEST = 0.1
"""A tail with more than this share is no tail of a detector that works."""


@dataclass(frozen=True)
class FittedTail:
    """A response with its tail, and the standard deviation of the share that is in it."""

    response: Response
    std: float


def fitted_tail(design: Design, total: Array, amounts: Array) -> FittedTail | None:
    """Return the tail that all lines of elements have in common.

    Parameters
    ----------
    design : Design
        Without tails, with all columns of the fit of `total`.
    total : ndarray, shape (channels,)
        Counts of all spectra.
    amounts : ndarray, shape (columns,)
        Its fit.

    Returns
    -------
    FittedTail or None
        None where counts are too few to tell: that is decided by the error alone, not by the
        share, so that it favours none.  None too where the share is more than a tenth.

    Notes
    -----
    Scattered photons have no part in it: what the sample scatters twice looks like a tail.
    """
    if design.response.tail > 0:
        return None
    edges = channel_edges(design.energy)
    share = 0.01
    tailed = replace(design.response, tail=share, tail_width=TAIL_WIDTH)
    more = np.zeros(design.energy.size)
    for j, family in enumerate(design.families):
        if amounts[j] > 0:
            column = family_column(family, edges, tailed, design.geometry)
            more += amounts[j] * (column - design.matrix[:, j])
    area = float(more.sum())
    if area <= 0:
        return None
    fit = Solver(np.column_stack([design.matrix, more / area]), total)
    # counts of the tail for one count in the Gaussian
    unit = share / (1.0 - share) / area
    std = unit * float(np.sqrt(fit.covariance(fit.mean_amounts)[-1, -1]))
    found = unit * float(fit.mean_amounts[-1])
    if std > TOLD * TAIL or found > LARGEST:
        return None
    return FittedTail(
        replace(design.response, tail=found / (1.0 + found), tail_width=TAIL_WIDTH), std
    )
