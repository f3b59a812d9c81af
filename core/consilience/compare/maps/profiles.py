"""Two profiles along one line: do they go together?

A profile finding names its data set by ``array`` and the variable in it by ``evidence["variable"]``
(with ``evidence["variable_std"]``), as a map does; the variable has one dimension, whose coordinate
says where its points lie.  On a ``line`` of two ends, the finding's region, it is the distance from
the first end; in any other region it is the coordinate along the axis ``evidence["axis"]`` of the
region's frame.

The two are brought to the points of the coarser one and correlated as maps of one row are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.compare.maps.correlation import correlate
from consilience.compare.maps.judging import Words, about_one_thing, judged
from consilience.compare.maps.maps import NEAR, read_map
from consilience.compare.maps.orientation import better_orientation
from consilience.errors import BadInputError
from consilience.model.finding import Finding, Region
from consilience.model.verdict import Answer, Verdict
from consilience.quantities import convert

__all__ = ["KEY", "Profile", "compare"]

KEY = "core.profiles"
FEWEST = 8
"""Points that both profiles must have."""
INDEPENDENT = 4.0
"""As many independent points must there be: a steady rise alone has 2.6, one sharp step 3.4."""
REVERSED = "read from its other end"
WORDS = Words(
    key=KEY,
    what="profile",
    laid_wrong="one may run the other way, or lie elsewhere",
    settle_orientation="from which end each profile was read, and a landmark that both show",
    resampled="the finer one was interpolated to the points of the coarser one",
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Values at positions along a line.

    Parameters
    ----------
    values, std : ndarray, shape (n,)
        NaN where nothing is known; std is None where no errors are stated.
    at : ndarray, shape (n,)
        Positions, rising.
    """

    values: Array
    std: Array | None
    at: Array

    @classmethod
    def rising(cls, values: Array, std: Array | None, at: Array) -> Profile:
        """Return a profile in the order of its positions."""
        way = slice(None, None, -1 if at[0] > at[-1] else 1)
        return cls(values[way], None if std is None else std[way], at[way])

    @property
    def step(self) -> float:
        """Median distance of neighbouring points."""
        return float(np.median(np.diff(self.at)))

    @property
    def regular(self) -> bool:
        """Whether all neighbours are equally far apart."""
        steps = np.diff(self.at)
        return bool(np.ptp(steps) <= NEAR * self.step)

    @property
    def reversed(self) -> Profile:
        """The values in the other order at the same positions, as if read from the other end."""
        at = self.at[0] + self.at[-1] - self.at[::-1]
        return Profile(self.values[::-1], None if self.std is None else self.std[::-1], at)

    def on(self, points: Array) -> Profile:
        """Return it on other points, by linear interpolation; NaN beyond its ends and beside gaps.

        The errors of its points are taken as independent.
        """
        left = np.clip(np.searchsorted(self.at, points, side="right") - 1, 0, self.at.size - 2)
        share = (points - self.at[left]) / (self.at[left + 1] - self.at[left])
        share = np.where(np.abs(share - np.round(share)) < 1e-6, np.round(share), share)
        inside = (share >= 0.0) & (share <= 1.0)

        def taken(values: Array, power: int) -> Array:
            # a gap at a point that has no weight is none
            low = np.where(share < 1.0, values[left], 0.0) * (1.0 - share) ** power
            high = np.where(share > 0.0, values[left + 1], 0.0) * share**power
            return np.where(inside, low + high, np.nan)

        std = None if self.std is None else np.sqrt(taken(self.std**2, 2))
        return Profile(taken(self.values, 1), std, points)


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare the profiles of two findings point by point.

    *Consistent*: they go together more than two profiles of their smoothness would by chance.
    *Disagree*: profiles of one subject exclude each other.  *Undecided* if they go together
    significantly better when one is read from its other end, and if they are too short or too
    smooth for an answer.  Never *agree*: whether they are equal is not asked.  Profiles without one
    line in one frame are *not comparable*.
    """
    subjects = (first.subject, second.subject)
    if any(s is None or (s.element is None and s.formula is None) for s in subjects):
        return None  # counts of whatever there is: that two are alike would say nothing
    if not about_one_thing(first, second):
        return None
    a, b = context.name(first), context.name(second)
    if context.relation(first, second) != "same":
        said = f"{a} and {b} followed lines on different pieces, whose place in each other is not "
        return _told(first, second, said + "known", "profiles along one line of one piece")
    one, other = _read(first, context), _read(second, context)
    if isinstance(one, str):
        return _told(first, second, f"{a}: {one}")
    if isinstance(other, str):
        return _told(first, second, f"{b}: {other}")
    placed = _on_one_line(first, second, one, other)
    if isinstance(placed, str):
        settle = "profiles along one line, in one frame that both state"
        return _told(first, second, f"{a} and {b}: {placed}", settle)
    return _held(first, second, *placed, context)


def _read(finding: Finding, context: ComparisonContext) -> tuple[Profile, str] | str:
    """Return a profile with the unit of its positions, or why there is none."""
    found = read_map(finding, context, lines=True, what="profile")
    if isinstance(found, str):
        return found
    if found.values.shape[0] != 1:
        return "what it names is a map, and no profile"
    if found.x.size < 2:
        return "it has one point"
    std = None if found.std is None else found.std[0]
    return Profile.rising(found.values[0], std, found.x), found.units[1]


def _on_one_line(
    first: Finding, second: Finding, one: tuple[Profile, str], other: tuple[Profile, str]
) -> tuple[Profile, Profile] | str:
    """Return both at positions along the first one's line in its unit, or why that cannot be."""
    regions = first.region, second.region
    if any(r is None or not r.frame for r in regions):
        return "no frame is stated, so that where the points of one lie on the other is not known"
    here, there = (r for r in regions if r is not None)
    if here.frame != there.frame:
        return (
            f"one line is in frame {here.frame!r}, the other in {there.frame!r}: where the points "
            "of one lie on the other is not known"
        )
    try:
        (mine, own), (its, to) = one, other
        its = replace(its, at=its.at * convert(1.0, to, own))
        if here.shape != "line" and there.shape != "line":
            return _along_axis(first, second, here, there) or (mine, its)
        lines = [_line(r, own) for r in (here, there)]
    except BadInputError:
        return f"positions in {_unit(one[1])} and {_unit(other[1])} are not one length"
    if lines[0] is None or lines[1] is None:
        return "a line without two ends, so that where it runs is not known"
    return _projected(mine, its, lines[0], lines[1], own)


def _unit(unit: str) -> str:
    return unit or "no unit"


def _along_axis(first: Finding, second: Finding, here: Region, there: Region) -> str:
    """Return why two profiles along axes of a frame are not on one line; empty if they are."""
    axes = {str(f.evidence.get("axis", "")) for f in (first, second)}
    if "" in axes:
        return "along which axis of the frame a profile runs is not stated"
    if len(axes) > 1:
        return f"they run along different axes ({' and '.join(sorted(axes))})"
    if region_key(here) != region_key(there):
        return "they are means over different parts of the sample"
    return ""


def _line(region: Region, unit: str) -> tuple[Array, Array] | None:
    """Return the first end of a line and its direction, of length 1; None if it has no two ends."""
    ends = region.coordinates
    if region.shape != "line" or len(ends) != 2 or len(ends[0]) != len(ends[1]):
        return None
    start, end = (np.array(p) * convert(1.0, region.unit, unit) for p in ends)
    length = float(np.linalg.norm(end - start))
    return (start, (end - start) / length) if length > 0 else None


def _projected(
    mine: Profile,
    its: Profile,
    line: tuple[Array, Array],
    other: tuple[Array, Array],
    unit: str,
) -> tuple[Profile, Profile] | str:
    """Return both at distances along the first line; the second may begin elsewhere on it."""
    (start, along), (began, way) = line, other
    if start.size != began.size:
        return "their lines have ends of different numbers of coordinates"
    points = began + its.at[:, None] * way - start
    at = points @ along
    apart = float(np.linalg.norm(points - at[:, None] * along, axis=1).max())
    if apart > max(mine.step, its.step):
        return f"their lines lie up to {apart:.3g} {_unit(unit)} apart, which is more than a step"
    return mine, Profile.rising(its.values, its.std, at)


def _held(
    first: Finding, second: Finding, one: Profile, other: Profile, context: ComparisonContext
) -> Verdict:
    """Correlate two profiles on one line, at the points of the coarser one."""
    low, high = max(one.at[0], other.at[0]), min(one.at[-1], other.at[-1])
    coarse, moved = (one, other) if one.step >= other.step else (other, one)
    slack = NEAR * coarse.step
    if high <= low:
        said = (
            f"they have no stretch in common: one ends at {high:.4g}, the other begins at {low:.4g}"
        )
        return _told(first, second, said, "profiles that cover one stretch of the line")
    points = coarse.at[(coarse.at >= low - slack) & (coarse.at <= high + slack)]
    if not coarse.regular:
        points = np.arange(low, high + 1e-6 * coarse.step, coarse.step)
    a, b = _pair(coarse, moved, points)
    both = np.isfinite(a.values) & np.isfinite(b.values)
    count = int(np.count_nonzero(both))
    if count < FEWEST:
        said = f"they have {count} points in common, and {FEWEST} are needed"
        settle = "profiles with finer steps, or along more of one line"
        return _told(first, second, said, settle, "undecided")
    try:
        found = correlate(
            *(p.values[None] for p in (a, b)),
            *(None if p.std is None else p.std[None] for p in (a, b)),
            fewest=FEWEST,
            what="profile",
        )
    except ValueError as error:
        return _told(first, second, str(error))
    unsure = ""
    if found.independent < INDEPENDENT:
        unsure = (
            f"so smooth over so short a stretch that there are {found.independent:.1f} independent "
            f"points, and {INDEPENDENT:g} are needed"
        )
    turned = [_pair(coarse, moved.reversed, points)[1], _pair(coarse, b.reversed, points)[1]]
    better = better_orientation(
        a.values[None], b.values[None], [(REVERSED, t.values[None]) for t in turned]
    )
    resampled = b is not moved
    return judged(first, second, found, better, context, WORDS, resampled=resampled, unsure=unsure)


def _pair(coarse: Profile, moved: Profile, points: Array) -> tuple[Profile, Profile]:
    """Return both at the points; as they are where theirs are those already."""
    made = []
    for one in (coarse, moved):
        same = one.at.size == points.size
        near = same and float(np.abs(one.at - points).max()) <= NEAR * coarse.step
        made.append(one if near else one.on(points))
    return made[0], made[1]


def _told(
    first: Finding,
    second: Finding,
    reason: str,
    settle: str = "",
    answer: Answer = "not_comparable",
) -> Verdict:
    return Verdict.between(KEY, first, second, answer, reason, settle=settle)
