"""The needle along an axis: a profile in fine bins, the element that varies, and its stretches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.findings.measured import Prepared, share_of
from consilience_apt.space.counting import Counts
from consilience_apt.space.grid import extent
from consilience_apt.space.profile import Profile, profile
from consilience_apt.space.reconstruction import ReconstructionErrors, ScaleErrors, scale_errors
from consilience_apt.space.segmentation import ChangePoint, Segment, Segmentation, segment_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.analysis import AnalysisContext
    from consilience_apt.params import DepthParams

__all__ = [
    "Boundary",
    "Stretch",
    "Stretches",
    "most_variable",
    "rebinned",
    "slopes",
    "stretches_of",
]

IONS_A_BIN = 40
NARROWEST, WIDEST = 0.05, 1.0
"""nm; no needle's depth is known better, and no change point should be spread over more."""
JOIN = 1.0
"""nm; change points nearer to each other than that are one interface, not a stretch."""
MAIN = 0.05
MOST_ELEMENTS = 3


@dataclass(frozen=True)
class Boundary:
    """Change points of one or several elements that are one interface.

    `low` and `high` (nm) are the outermost of them.
    """

    low: float
    high: float
    members: tuple[tuple[str, ChangePoint], ...]

    @property
    def middle(self) -> float:
        """Nm."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Stretch:
    """What lies between two boundaries; a gradient if any element changes within.

    `change` is the largest difference between the ends of any such gradient (a fraction).
    """

    low: float
    high: float
    kind: Literal["homogeneous", "gradient"]
    gradients: tuple[str, ...]
    change: float


@dataclass(frozen=True)
class Stretches:
    """A profile and what it is made of.

    Attributes
    ----------
    fine : Profile
        In narrow bins.
    elements : tuple of str
        Those whose fraction was divided.
    chosen : str
        How they were chosen.
    found : dict of str to Segmentation
        Empty where there are too few ions.
    problem : str
        Why not.
    boundaries, stretches
        Of all elements together, by rising distance.
    low, high : arrays of shape (3,)
        Extent of the needle, nm.
    scale : ScaleErrors
    """

    fine: Profile
    elements: tuple[str, ...]
    chosen: str
    found: dict[str, Segmentation]
    problem: str
    boundaries: tuple[Boundary, ...]
    stretches: tuple[Stretch, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: ScaleErrors

    @property
    def std_scale(self) -> float | None:
        """Relative error of the depth, None where a parameter's error is unknown."""
        return self.scale.depth

    def neighbours(self, boundary: Boundary) -> tuple[Stretch, Stretch]:
        """Return the stretches before and after a boundary."""
        place = self.boundaries.index(boundary)
        return self.stretches[place], self.stretches[place + 1]


def stretches_of(
    prepared: Prepared,
    params: DepthParams,
    context: AnalysisContext,
    narrowest: float = NARROWEST,
) -> Stretches:
    """Count a fine profile, divide it for each element, and join the change points.

    `narrowest` (nm) bounds the bins' width from below.

    Raises
    ------
    BadInputError
        No ranged ion; an element that has no range.
    """
    source, table = prepared.source, prepared.table
    assert table is not None
    low, high = extent(source, ("x", "y", "z"), progress=context.progress)
    along = "xyz".index(params.axis)
    length = float(high[along] - low[along])
    width = params.width
    if width is None:
        width = float(np.clip(length * IONS_A_BIN / max(source.ions, 1), narrowest, WIDEST))
    fine = profile(source, table, params.axis, width, None, share_of(prepared), context.progress)
    if params.element is not None:
        fine.counts.weights(params.element)
        elements: tuple[str, ...] = (params.element,)
        chosen = "named by the parameters"
    else:
        elements = most_variable(fine)
        chosen = "those that make up 5 % and whose fractions vary most along the axis"
    scale = scale_errors(
        ReconstructionErrors(
            params.field_factor_std,
            params.image_compression_std,
            params.efficiency_relative_std,
            params.evaporation_field_std,
        )
    )
    found: dict[str, Segmentation] = {}
    problem = ""
    for done, element in enumerate(elements):
        context.progress(done, len(elements), f"dividing the profile of {element}")
        try:
            found[element] = segment_profile(
                fine, element, most_changes=params.most_changes, depth_relative_std=scale.depth
            )
        except BadInputError as error:
            problem = error.what
    boundaries = joined(found)
    ends = (float(fine.edges[0]), float(fine.edges[-1]))
    return Stretches(
        fine, elements, chosen, found, problem, boundaries, between(boundaries, found, ends),
        low, high, scale,
    )  # fmt: skip


def slopes(segment: Segment) -> bool:
    """Return whether the ends of a stretch differ by more than three standard deviations."""
    error = math.hypot(segment.start_std_stat, segment.end_std_stat)
    return segment.kind == "gradient" and abs(segment.end - segment.start) > 3 * error


def joined(found: Mapping[str, Segmentation]) -> tuple[Boundary, ...]:
    """Return change points of all elements, those within `JOIN` as one boundary."""
    every = sorted(
        ((name, change) for name, one in found.items() for change in one.change_points),
        key=lambda pair: pair[1].position,
    )
    groups: list[list[tuple[str, ChangePoint]]] = []
    for name, change in every:
        near = groups and change.position - groups[-1][-1][1].position <= JOIN
        if near:
            groups[-1].append((name, change))
        else:
            groups.append([(name, change)])
    return tuple(
        Boundary(group[0][1].position, group[-1][1].position, tuple(group)) for group in groups
    )


def between(
    boundaries: Sequence[Boundary], found: Mapping[str, Segmentation], ends: tuple[float, float]
) -> tuple[Stretch, ...]:
    """Return the stretches between boundaries; a gradient of any element makes one a gradient."""
    if not found:
        return ()
    lows = [ends[0], *(one.high for one in boundaries)]
    highs = [*(one.low for one in boundaries), ends[1]]
    made = []
    for low, high in zip(lows, highs, strict=True):
        middle = (low + high) / 2
        ramps = {
            name: abs(s.end - s.start) * (high - low) / (s.high - s.low)
            for name, one in found.items()
            for s in one.segments
            if slopes(s) and s.low <= middle < s.high
        }
        kind: Literal["homogeneous", "gradient"] = "gradient" if ramps else "homogeneous"
        made.append(Stretch(low, high, kind, tuple(ramps), max(ramps.values(), default=0.0)))
    return tuple(made)


def most_variable(fine: Profile, bins: int = 30, most: int = MOST_ELEMENTS) -> tuple[str, ...]:
    """Return the elements whose fractions vary most against their counting errors.

    Only those that make up 5 % of the atoms, or the most abundant one.
    """
    wide = rebinned(fine, bins)
    scores: dict[str, float] = {}
    shares: dict[str, float] = {}
    for element in wide.counts.table.elements:
        k, n, dispersion = wide.binomial(element)
        used = n > 0
        share = shares[element] = float(k.sum() / max(n.sum(), 1.0))
        scores[element] = 0.0
        if 0 < share < 1:
            expected = n[used] * share
            chi2 = float((((k[used] - expected) ** 2) / (expected * (1 - share))).sum())
            scores[element] = chi2 / dispersion
    order = sorted(scores, key=lambda name: -scores[name])
    main = [name for name in order if shares[name] >= MAIN][:most]
    return tuple(main) or (max(shares, key=lambda name: shares[name]),)


def rebinned(fine: Profile, bins: int) -> Profile:
    """Return the profile in at most `bins` bins, neighbours joined."""
    number = len(fine.edges) - 1
    factor = max(-(-number // bins), 1)
    starts = np.arange(0, number, factor)
    counts = np.add.reduceat(fine.counts.ions, starts, axis=0)
    edges = np.append(fine.edges[starts], fine.edges[-1])
    made = Counts(counts, fine.counts.table, fine.counts.background)
    return Profile(edges, made, fine.axis, fine.direction)
