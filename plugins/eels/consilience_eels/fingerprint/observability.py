"""Present, absent below a limit, or not observable with the reason: for one species of one region.

The question has an amount in it: a species is asked for at a stoichiometry (one lithium for each
platinum, a tenth of the volume).  Where the limit is above that amount, a fit that finds nothing
has said nothing; *why* it is so is asked of the same covariance: what would the limit be without
each neighbour, with a hundred times the electrons, in a specimen that scatters once?
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consilience_eels.fingerprint.design import Design
from consilience_eels.fingerprint.limits import (
    Z95,
    Null,
    detection_limit,
    null_of,
    significance,
)
from consilience_eels.fingerprint.references import Edge, Reference

__all__ = ["Answer", "Cause", "Question", "answer"]

Array = NDArray[np.float64]
Status = Literal["present", "absent_below_limit", "not_observable"]

LABEL = 3.0
"""Standard deviations from which a species is called present.

Absence is given up from `Z95` on; in between neither is said, since what references are wrong by
is known to about one standard deviation only.
"""

WORTH = 1.3
"""A cause is named if the limit would be lower by this factor without it."""

NEAR = 8.0
"""eV, between edges that lie on one another."""

COARSE = 3.0
"""eV of a bin from which it is one of the reasons."""

MANY = 100.0
"""Times the electrons that are asked for to see whether counting sets the limit."""


@dataclass(frozen=True)
class Question:
    """What is asked of a region.

    Parameters
    ----------
    name : str
        As a reader sees it.
    group : tuple of str
        Species that are left out together: one phase, or all that hold an element.
    direction : dict of str to float
        Species to formula units for an amount of 1, at which the limit is asked.
    asked : float
        The amount (formula units per nm²) that is asked for.
    words : str
        The same in words.
    host : str
        What a ratio is to; empty where limits are shares of the whole.
    """

    name: str
    group: tuple[str, ...]
    direction: dict[str, float]
    asked: float
    words: str
    host: str = ""


@dataclass(frozen=True)
class Cause:
    """Why a limit is high: in words, the limit without it, and the species that it is about."""

    words: str
    limit: float
    species: str = ""


@dataclass(frozen=True)
class Answer:
    """What is said of one question; amounts in formula units per nm² along its direction.

    `status` is None where it cannot be told.
    """

    question: Question
    status: Status | None
    significance: float
    limit: float
    reason: str | None
    causes: tuple[Cause, ...]
    replaced: dict[str, float]
    per: float = 1.0

    @property
    def limit_fraction(self) -> float:
        """The limit as a share of itself and all else; 1 where it is infinite."""
        ratio = self.limit / self.per
        return ratio / (1.0 + ratio) if math.isfinite(ratio) else 1.0


def answer(
    question: Question,
    design: Design,
    counts: Array,
    amounts: Array,
    heights: Array,
    references: Mapping[str, Reference],
    null: Null,
    *,
    t_over_lambda: float | None = None,
    single: Design | None = None,
    per: float = 1.0,
    explain: bool = True,
) -> Answer:
    """Answer one question about one region.

    Parameters
    ----------
    question : Question
    design : Design
    counts : ndarray, shape (n,)
    amounts, heights : ndarray
        Of the fit with all species.
    references : mapping of str to Reference
        By species, for the names of their edges.
    null : Null
        The region without the question's group.
    t_over_lambda : float, optional
    single : Design, optional
        The same region in a specimen that scatters once.
    per : float
        Formula units per nm² that a limit of 1 in words, and in `limit_fraction`, stands for:
        those of all else, or of the host.
    explain : bool
        Look for causes; without, the reason is the limit alone.
    """
    edges = [e for n in question.direction for e in references[n].edges if _seen(e, design)]
    if not edges:
        named = [e for n in question.direction for e in references[n].edges]
        where = _names(named) if named else f"none of {', '.join(question.direction)} is known"
        reason = f"no edge of {question.name} lies in the range that was fitted ({where})"
        return Answer(question, "not_observable", 0.0, math.inf, reason, (), {}, per)
    z, replaced = significance(design, question.group, counts, amounts, heights)
    limit = detection_limit(null, question.direction)
    others = {
        n: float(a)
        for n, a in zip(design.species, replaced, strict=True)
        if a > 0 and n not in question.group
    }
    own = design.index([n for n in question.group if n in design.species])
    found = float(amounts[own].sum())
    if z > Z95 and (limit <= question.asked or found >= limit):
        if z >= LABEL:
            return Answer(question, "present", z, limit, None, (), others, per)
        reason = (
            f"{z:.1f} standard deviations speak for {question.name}: too many to call it absent, "
            f"fewer than the {LABEL:g} of a label"
        )
        return Answer(question, None, z, limit, reason, (), others, per)
    if limit <= question.asked:
        return Answer(question, "absent_below_limit", z, limit, None, (), others, per)
    causes = _causes(question, null, edges, references, t_over_lambda, single) if explain else []
    reason = _reason(question, limit, causes, per)
    return Answer(question, "not_observable", z, limit, reason, tuple(causes), others, per)


def _seen(edge: Edge, design: Design) -> bool:
    return any(s.energy[0] < edge.onset < s.energy[-1] - 4.0 for s in design.stretches)


def _causes(
    question: Question,
    null: Null,
    edges: Sequence[Edge],
    references: Mapping[str, Reference],
    t_over_lambda: float | None,
    single: Design | None,
) -> list[Cause]:
    found: list[Cause] = []
    design = null.design
    for name in design.species:
        if name in question.group or null.amounts[design.species.index(name)] <= 0:
            continue
        less = detection_limit(null, question.direction, without=[name])
        near = [
            (theirs, ours)
            for theirs in references[name].edges
            for ours in edges
            if abs(theirs.onset - ours.onset) <= NEAR
        ]
        if near:
            theirs, ours = min(near, key=lambda p: abs(p[0].onset - p[1].onset))
            apart = abs(theirs.onset - ours.onset)
            of = "" if name == theirs.element else f" of {name}"
            words = f"{theirs.name}{of} lies {apart:.3g} eV from {ours.name}"
        else:
            words = f"the edges of {name} lie under those of {question.name}"
        found.append(Cause(words, less, name))
    fewer = detection_limit(null, question.direction, counting=1.0 / MANY)
    found.append(Cause(f"too few electrons ({MANY:g} times as many)", fewer))
    if single is not None:
        # the same counts, so that only plural scattering differs
        weights_null = null_of(
            single,
            question.group,
            single.columns @ null.amounts + single.backgrounds @ null.heights,
            null.amounts,
            null.heights,
        )
        said = "" if t_over_lambda is None else f", t/λ {t_over_lambda:.2f}"
        found.append(
            Cause(f"the specimen is thick{said}", detection_limit(weights_null, question.direction))
        )
    width = max(s.width for s in design.stretches if any(_inside(e, s.energy) for e in edges))
    if width > COARSE:
        found.append(Cause(f"channels of {width:.3g} eV do not part these edges", math.nan))
    return sorted(found, key=lambda c: c.limit if math.isfinite(c.limit) else math.inf)


def _inside(edge: Edge, energy: Array) -> bool:
    return bool(energy[0] < edge.onset < energy[-1])


def _reason(question: Question, limit: float, causes: Sequence[Cause], per: float) -> str:
    worth = [c for c in causes if not (c.limit * WORTH > limit)][:3]
    head = (
        f"the limit for {question.name}, {_worded(limit, per, question)}, is above what is asked "
        f"for, {question.words}"
    )
    if not math.isfinite(limit):
        head = f"no amount of {question.name} could be told from what else is there"
    if not worth:
        return f"{head}; no single cause stands out"
    said = "; ".join(
        c.words
        + ("" if math.isnan(c.limit) else f" (without that: {_worded(c.limit, per, question)})")
        for c in worth
    )
    return f"{head}: {said}"


def _worded(limit: float, per: float, question: Question) -> str:
    """A limit as a ratio to the host, or as a share of the whole."""
    ratio = limit / per
    if not math.isfinite(ratio):
        return "none"
    if question.host:
        return f"{ratio:.3g} for each {question.host}"
    return f"{100.0 * ratio / (1.0 + ratio):.3g} %"


def _names(edges: Sequence[Edge]) -> str:
    return ", ".join(sorted({e.name for e in edges}))
