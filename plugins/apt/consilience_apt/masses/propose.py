"""Proposed ranges: a help for those who have none yet, never applied unasked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.errors import BadInputError
from consilience_apt.ranges import Range, RangeTable

if TYPE_CHECKING:
    from consilience_apt.masses.identify import Candidate
    from consilience_apt.masses.peaks import Peak

__all__ = ["propose_ranges"]


def propose_ranges(
    peaks: Sequence[Peak],
    found: Sequence[Sequence[Candidate]],
    *,
    source: str = "proposed",
) -> RangeTable:
    """Return one range a peak, from foot to foot.

    Parameters
    ----------
    peaks : sequence of Peak
        From `find_peaks`.
    found : sequence of sequence of Candidate
        From `identify`, one list a peak.
    source : str
        Name of the table.

    Returns
    -------
    RangeTable
        A peak gets an ion only if its best candidate's ratios were tested and fit and no other
        candidate's do; otherwise the range is unidentified and its label names the candidates.
        Neighbours that touch are cut midway.

    Raises
    ------
    BadInputError
        No peak, or another number of lists than of peaks.
    """
    if not peaks or len(peaks) != len(found):
        raise BadInputError(
            f"{len(peaks)} peaks and candidates for {len(found)}",
            fix="find peaks and identify them first",
        )
    order = sorted(range(len(peaks)), key=lambda at: peaks[at].position)
    edges = [[peaks[at].low, peaks[at].high] for at in order]
    for left, right in pairwise(edges):
        if left[1] > right[0]:
            left[1] = right[0] = (left[1] + right[0]) / 2
    made = []
    for at, (low, high) in zip(order, edges, strict=True):
        live = [one for one in found[at] if one.live]
        proven = [one for one in live if one.match is not None and one.match.proven]
        ion = proven[0].ion if len(proven) == 1 else None
        names = ", ".join(one.ion.name for one in (proven or live)[:4])
        label = ion.name if ion else (f"one of {names}" if names else "not identified")
        made.append(Range(low, high, ion, label=label))
    return RangeTable(made, source)
