"""A composition as one vector: gathered from findings, with parts of its covariance apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consilience.compare.compositions.logratio import closed_covariance
from consilience.compare.context import ComparisonContext
from consilience.errors import BadInputError
from consilience.model.finding import Finding

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PRIOR", "TRACE", "Vector", "doubt_of", "vector_of"]

Array = NDArray[np.float64]

TRACE = 3.0
"""A fraction below so many of its own statistical deviations is a trace: no logarithm of it."""

PRIOR = "half a count added to each trace (Jeffreys prior)"


@dataclass(frozen=True)
class Vector:
    """What one run says about the composition of one region.

    Attributes
    ----------
    name : str
        Technique and sample.
    elements : tuple of str
        Those with a number, sorted.
    values : ndarray, shape (D,)
        Atomic fractions.
    stat, sys : ndarray, shape (D, D)
        Covariances; `sys` holds what is known of the systematic part.
    unknown_stat, unknown_sys : tuple of str
        Elements whose statistical or (full) systematic deviation is unknown.
    counts : ndarray, shape (D,)
        Counts that the statistical deviation comes from; NaN where it does not come from counts.
    left_out : dict of str to str
        Elements without a number, and why.
    doubts : dict of str to str
        Elements whose counts could be something else, and what; see `doubt_of`.
    notes : tuple of str
    """

    name: str
    elements: tuple[str, ...]
    values: Array
    stat: Array
    sys: Array
    unknown_stat: tuple[str, ...]
    unknown_sys: tuple[str, ...]
    counts: Array
    left_out: dict[str, str]
    doubts: dict[str, str]
    notes: tuple[str, ...]

    def part(self, elements: Sequence[str]) -> tuple[Array, Array, Array, Array]:
        """Return values, both covariances and counts of some elements, in their order."""
        at = [self.elements.index(e) for e in elements]
        both = np.ix_(at, at)
        return self.values[at], self.stat[both], self.sys[both], self.counts[at]

    def logarithms(self, elements: Sequence[str]) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
        """Return logarithms of some elements, both covariances, and which are traces.

        A trace that rests on counts gets half a count more, which keeps zero counts finite
        and nearly free of bias [1]_; any other trace is NaN, because its logarithm says nothing.

        References
        ----------
        .. [1] J. B. S. Haldane, Ann. Hum. Genet. 20 (1956) 309.
        """
        values, stat, sys, counts = self.part(elements)
        trace = values <= TRACE * np.sqrt(np.diag(stat))
        counted = trace & np.isfinite(counts)
        per_count = _per_count(values, counts)
        shown = np.where(trace, np.nan, values)
        shown[counted] = (counts[counted] + 0.5) * per_count
        scale = np.outer(shown, shown)
        stat, sys = stat / scale, sys / scale
        for i in np.flatnonzero(counted):
            # what few counts share with the others is small beside their own spread
            stat[i, :], stat[:, i] = 0.0, 0.0
            stat[i, i] = 1.0 / (counts[i] + 0.5)
        return np.log(shown), stat, sys, trace


def _per_count(values: Array, counts: Array) -> float:
    good = np.isfinite(counts) & (counts > 0) & (values > 0)
    return float(values[good].sum() / counts[good].sum()) if np.any(good) else 0.0


def vector_of(finding: Finding, context: ComparisonContext) -> Vector:
    """Gather the findings that belong to one composition into a vector.

    Raises
    ------
    BadInputError
        An element is given twice, or the joint covariance contradicts the findings.
    """
    numbers: dict[str, Finding] = {}
    left_out: dict[str, str] = {}
    notes: list[str] = []
    name = context.name(finding)
    group = context.group(finding)
    for one in group:
        element = one.subject.element if one.subject else None
        if element is None:
            continue
        if element in numbers or element in left_out:
            raise BadInputError(
                f"{name} gives {element} twice in one composition",
                fix="tell the two compositions apart by region, parameters or covariance array",
            )
        if one.status == "not_observable":
            left_out[element] = f"not observable: {one.reason}"
        elif one.value is None and one.limit is None:
            left_out[element] = one.reason or "no number"
        else:
            numbers[element] = one
    elements = tuple(sorted(numbers))
    chosen = [numbers[e] for e in elements]
    values, std_stat, unknown = _values(chosen, notes)
    stat, sys = _covariances(chosen, values, std_stat, context, notes)
    return Vector(
        name=name,
        elements=elements,
        values=values,
        stat=stat,
        sys=sys,
        unknown_stat=tuple(e for e, bad in zip(elements, unknown, strict=True) if bad),
        unknown_sys=tuple(
            e
            for e, f in zip(elements, chosen, strict=True)
            if f.std_sys is None and f.value is not None
        ),
        counts=_counts(chosen, values, std_stat),
        left_out=left_out,
        doubts={e: d for e, f in zip(elements, chosen, strict=True) if (d := doubt_of(f))},
        notes=tuple(dict.fromkeys(notes)),
    )


def doubt_of(finding: Finding) -> str:
    """Return what else than its standard deviation makes a number uncertain, or nothing.

    That is a live rival, or an interval that is half again as wide as the deviation says,
    such as one over several readings of an overlap.
    """
    live = [r.subject.label for r in finding.rivals if r.live]
    if live:
        return f"could be {', '.join(live)} in part"
    span = finding.interval
    if span is None or span.low is None or span.high is None or finding.std_stat is None:
        return ""
    width = NormalDist().inv_cdf(0.5 + 0.5 * span.level)
    if span.high - span.low <= 3.0 * width * math.hypot(finding.std_stat, finding.std_sys or 0.0):
        return ""
    return f"may lie anywhere from {100 * span.low:.3g} to {100 * span.high:.3g} at.%"


def _values(chosen: Sequence[Finding], notes: list[str]) -> tuple[Array, Array, list[bool]]:
    values, std, unknown = [], [], []
    for one in chosen:
        if one.value is not None:
            values.append(one.value)
            std.append(one.std_stat or 0.0)
            unknown.append(one.std_stat is None)
            continue
        limit = one.limit or 0.0
        label = one.subject.label if one.subject else one.kind
        notes.append(
            f"{label} below a limit of {100 * limit:.3g} at.% is taken as half of it, give or "
            "take half of it (a prior)"
        )
        values.append(0.5 * limit)
        std.append(0.5 * limit)
        unknown.append(limit == 0.0)
    return np.array(values), np.array(std), unknown


def _counts(chosen: Sequence[Finding], values: Array, std: Array) -> Array:
    """Return counts where the statistical deviation is theirs, NaN elsewhere."""
    raw = [f.evidence.get("counts") if f.value is not None else None for f in chosen]
    counts = np.array(
        [c if isinstance(c, int | float) and c >= 0 else np.nan for c in raw], dtype=float
    )
    per_count = _per_count(values, counts)
    if per_count == 0.0:
        return np.full(len(values), np.nan)
    # a background that was subtracted, or pixels summed with weights, spread more than counts do
    return np.where(std <= 1.25 * per_count * np.sqrt(np.maximum(counts, 1.0)), counts, np.nan)


def _covariances(
    chosen: Sequence[Finding],
    values: Array,
    std_stat: Array,
    context: ComparisonContext,
    notes: list[str],
) -> tuple[Array, Array]:
    std_sys = np.array([f.std_sys or 0.0 for f in chosen])
    stat = closed_covariance(values, std_stat)
    sys = closed_covariance(values, std_sys)
    at = [i for i, f in enumerate(chosen) if f.covariance is not None]
    names = {f.covariance.array for f in chosen if f.covariance is not None}
    if not chosen:
        return stat, sys
    if len(names) != 1 or context.open_array is None:
        notes.append(
            f"{context.name(chosen[0])} gives no joint covariance: the errors of its amounts "
            "before normalisation are taken as independent"
        )
        return stat, sys
    rows = [f.covariance.index for f in chosen if f.covariance is not None]
    given = context.open_array(next(iter(names)))
    alone = [i for i in range(len(chosen)) if i not in at]
    stat = _merged(stat, _read(given, "statistical", rows), at, alone, std_stat, "statistical")
    parts = sorted(str(v) for v in given.data_vars if str(v).split("_")[0] == "systematic")
    if parts:
        known = np.array([f.std_sys if f.std_sys is not None else np.nan for f in chosen])
        joint = np.sum([_read(given, part, rows) for part in parts], axis=0)
        sys = _merged(sys, joint, at, alone, known, "systematic")
    return stat, sys


def _read(given: xr.Dataset, part: str, rows: Sequence[int]) -> Array:
    try:
        matrix = np.asarray(given[part].values, dtype=float)
        return np.array(matrix[np.ix_(list(rows), list(rows))])
    except (KeyError, IndexError) as error:
        raise BadInputError(
            f"the joint covariance of a composition has no {part!r} for rows {list(rows)}",
            fix="name the variables 'statistical' and 'systematic' (or several, each "
            "'systematic_' and its cause), all over ('element', 'other')",
        ) from error


def _merged(
    own: Array, given: Array, at: Sequence[int], alone: Sequence[int], std: Array, part: str
) -> Array:
    made = np.zeros_like(own)
    made[np.ix_(at, at)] = 0.5 * (given + given.T)
    for i in alone:
        made[i, i] = own[i, i]
    have = np.sqrt(np.maximum(np.diag(made), 0.0))
    known = np.isfinite(std) & (std > 0)
    if not np.all(np.isfinite(made)) or np.any(np.abs(have - std)[known] > 0.01 * std[known]):
        raise BadInputError(
            f"the joint {part} covariance of a composition contradicts its findings' deviations",
            fix="give the same errors in both",
        )
    return made
