"""The lines that a map is fitted with, and how they group into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peak import Peak

__all__ = ["MapLine", "Window", "map_lines", "windows_of"]

SAME = 0.6
"""Lines nearer than this many mean widths are one line to a map."""


@dataclass(frozen=True)
class MapLine:
    """A line as the mean, the maximum or a region's pattern shows it, on the q axis.

    Attributes
    ----------
    center, fwhm, eta : float
        [1/angstrom]; the Lorentzian fraction.
    found_in : str
        Pattern that it was found in.
    merged : int
        How many fitted peaks it stands for.
    area_sys : float or None
        Relative systematic standard deviation of its area, the same at all points; None: unknown.
    share : float
        What the baseline leaves of a weak line's area.
    own_noise : float
        Variance of a fitted area over the area, from the line's own counts; 0: not counts.
    base_sys : float or None
        Systematic standard deviation of its area by the choice of the baseline, such as over a
        liquid's halo; typical of a point, in the unit of areas.
    """

    center: float
    fwhm: float
    eta: float
    found_in: str
    merged: int = 1
    area_sys: float | None = None
    share: float = 1.0
    own_noise: float = 0.0
    base_sys: float | None = None


@dataclass(frozen=True)
class Window:
    """Lines fitted together: their numbers, and the points of q from `first` to `last`."""

    lines: tuple[int, ...]
    first: int
    last: int


def map_lines(found: Sequence[tuple[str, Sequence[Peak]]], step: float) -> list[MapLine]:
    """One list of lines from the peaks of several patterns, the first pattern's before others.

    Parameters
    ----------
    found : sequence of (str, sequence of Peak)
        Name of the pattern and its peaks on the q axis.
    step : float
        Of q [1/angstrom]: narrower peaks are spikes.
    """
    lines: list[MapLine] = []
    for name, peaks in found:
        for peak in sorted(peaks, key=lambda p: -p.area):
            if peak.fwhm < 1.5 * step or "broad" in peak.flags:
                continue
            new = MapLine(peak.center, peak.fwhm, float(np.clip(peak.eta, 0, 1)), name)
            near = [
                i
                for i, line in enumerate(lines)
                if abs(line.center - new.center) < SAME * (line.fwhm + new.fwhm) / 2
            ]
            if not near:
                lines.append(new)
            elif lines[near[0]].found_in == name:
                old = lines[near[0]]
                # the stronger came first; together they are wider
                width = max(old.fwhm, new.fwhm, abs(old.center - new.center) + old.fwhm / 2)
                lines[near[0]] = MapLine(old.center, width, old.eta, name, old.merged + 1)
    return sorted(lines, key=lambda line: line.center)


def windows_of(
    lines: Sequence[MapLine], q: NDArray[np.float64], reach: float = 4.0, most: int = 5
) -> list[Window]:
    """Group lines whose windows of `reach` widths overlap; at most `most` together.

    A long run is cut at its widest gap, where each side then stops at the middle.
    """
    groups: list[list[int]] = []
    for i, line in enumerate(lines):
        if groups:
            last = lines[groups[-1][-1]]
            if line.center - last.center < 0.75 * reach * (line.fwhm + last.fwhm):
                groups[-1].append(i)
                continue
        groups.append([i])
    cut = [part for group in groups for part in _cut(group, lines, most)]
    out: list[Window] = []
    for number, group in enumerate(cut):
        low = min(lines[i].center - reach * lines[i].fwhm for i in group)
        high = max(lines[i].center + reach * lines[i].fwhm for i in group)
        if number:
            low = max(low, (lines[cut[number - 1][-1]].center + lines[group[0]].center) / 2)
        if number + 1 < len(cut):
            high = min(high, (lines[group[-1]].center + lines[cut[number + 1][0]].center) / 2)
        first, last_point = int(np.searchsorted(q, low)), int(np.searchsorted(q, high))
        if last_point - first >= len(group) + 4:
            out.append(Window(tuple(group), first, last_point))
    return out


def _cut(group: list[int], lines: Sequence[MapLine], most: int) -> list[list[int]]:
    if len(group) <= most:
        return [group]
    gaps = [lines[b].center - lines[a].center for a, b in pairwise(group)]
    at = int(np.argmax(gaps))
    return _cut(group[: at + 1], lines, most) + _cut(group[at + 1 :], lines, most)
