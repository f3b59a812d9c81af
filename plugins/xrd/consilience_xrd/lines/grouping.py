"""Which candidates are fitted together, and where one group's window ends."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consilience_xrd.lines.peakfind import Candidate

__all__ = ["groups_of", "middle"]


def middle(outer: Candidate, inner: Candidate) -> float:
    """How far from `outer` the window of `inner`'s group ends."""
    gap = abs(outer.center - inner.center)
    return gap * outer.fwhm / (outer.fwhm + inner.fwhm)


def groups_of(candidates: list[Candidate], window: float, longest: int) -> list[list[Candidate]]:
    """Runs of peaks whose windows overlap by half, cut where they are too long."""
    groups: list[list[Candidate]] = []
    for c in sorted(candidates, key=lambda c: c.center):
        if (
            groups
            and c.center - groups[-1][-1].center
            < 0.75 * window * (c.fwhm + groups[-1][-1].fwhm) / 2 * 2**0.5
        ):
            groups[-1].append(c)
        else:
            groups.append([c])
    out: list[list[Candidate]] = []
    for members in groups:
        out.extend(_cut(members, longest))
    return out


def _cut(members: list[Candidate], longest: int) -> list[list[Candidate]]:
    if len(members) <= longest:
        return [members]
    gaps = [b.center - a.center for a, b in pairwise(members)]
    at = max(range(len(gaps)), key=lambda i: gaps[i] / (1 + abs(i - len(gaps) / 2) / len(gaps)))
    return _cut(members[: at + 1], longest) + _cut(members[at + 1 :], longest)
