"""How much of an element that was not seen there can be for each atom of one that was."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from consilience_eels.library import LineSums
from consilience_eels.xray.quantify import LineCounts

__all__ = ["ratio_limits"]

Array = NDArray[np.float64]
Z = 1.645
"""One-sided, 95 %."""


def ratio_limits(
    i: int,
    sums: Sequence[LineSums],
    found: Sequence[LineCounts],
    beside: Sequence[int],
    atoms_per_count: Mapping[str, float],
    relative_std: Mapping[str, float],
    counting: Array,
    form: Array,
    cut: Array,
) -> dict[str, float]:
    """Return by element the most atoms of the element of line `i` for each atom of it.

    The detection limit, with what the form of the background may hide, over the least net counts
    of the other line, times the most that the ratio of their factors can be; each at 95 %.
    A line that is softer than the other one is left out: absorption, which is not corrected here,
    would take more of it.

    Parameters
    ----------
    i : int
        Line that was not seen.
    sums, found : sequence of LineSums and of LineCounts
        Of all lines.
    beside : sequence of int
        Lines that were seen and belong to their element alone.
    atoms_per_count, relative_std : mapping
        By line: what a count is in atoms, up to one common factor, and its relative standard
        deviation.  Lines without both are left out.
    counting, form, cut : ndarray, shape (lines,)
        Standard deviations of net counts by counting and by the background's form; share of each
        line outside of its window.

    References
    ----------
    .. [1] L. A. Currie, Anal. Chem. 40 (1968) 586-593: the detection limit.
    """
    own = sums[i]
    if own.line not in atoms_per_count or own.line not in relative_std:
        return {}
    made: dict[str, float] = {}
    most = found[i].detection + Z * float(form[i])
    for j in beside:
        other = sums[j]
        if other.line not in atoms_per_count or other.line not in relative_std:
            continue
        least = found[j].net - Z * math.hypot(float(counting[j]), float(form[j]))
        if least <= 0 or own.energy < other.energy:
            continue
        factor = atoms_per_count[own.line] / atoms_per_count[other.line]
        spread = math.hypot(
            relative_std[own.line], relative_std[other.line], float(cut[i] - cut[j])
        )
        ratio = most / least * factor * (1.0 + Z * spread)
        made[other.line.partition("_")[0]] = float(f"{ratio:.4g}")
    return made
