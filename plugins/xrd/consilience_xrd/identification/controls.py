"""Peaks of a sample against those of its control: a blank, a dry cell, the raw electrolyte."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ComparedPeak", "PlacedPeak", "compare_with_control"]

Verdict = Literal["in the control too", "not in the control", "outside the control's range"]


@dataclass(frozen=True)
class PlacedPeak:
    """Place and standard deviation of a peak [1/angstrom]."""

    q: float
    std: float


@dataclass(frozen=True)
class ComparedPeak:
    """A peak with the nearest one of the control, if there is one within tolerance."""

    peak: PlacedPeak
    verdict: Verdict
    partner: PlacedPeak | None
    delta: float | None
    sigmas: float | None


def compare_with_control(
    peaks: Sequence[PlacedPeak],
    control: Sequence[PlacedPeak],
    control_range: tuple[float, float],
    k: float = 3.0,
    shift_std: float = 0.0,
) -> list[ComparedPeak]:
    """Say of each peak whether the control has it too.

    Parameters
    ----------
    peaks, control : sequence of PlacedPeak
    control_range : (float, float)
        Range of the control's data [1/angstrom].
    k : float
        Tolerance in standard deviations of the difference.
    shift_std : float
        Standard deviation of a shift between the two patterns [1/angstrom].

    Returns
    -------
    list of ComparedPeak
        In the order of `peaks`.  A peak that both have comes from what both have, which is not
        the sample; one that only the sample has need not be the sample's own, since the control
        may be less exposed or thinner.
    """
    out = []
    low, high = control_range
    for peak in peaks:
        best: tuple[float, float, PlacedPeak] | None = None
        for other in control:
            delta = peak.q - other.q
            sigmas = abs(delta) / max(math.hypot(peak.std, other.std, shift_std), 1e-12)
            if sigmas <= k and (best is None or sigmas < best[0]):
                best = (sigmas, delta, other)
        if best is not None:
            out.append(ComparedPeak(peak, "in the control too", best[2], best[1], best[0]))
        elif low <= peak.q <= high:
            out.append(ComparedPeak(peak, "not in the control", None, None, None))
        else:
            out.append(ComparedPeak(peak, "outside the control's range", None, None, None))
    return out
