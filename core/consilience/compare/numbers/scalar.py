"""Two numbers of one kind and subject against the margin of the kind.

What decides is `consilience.compare.margins`; what is put to it is worked out here: on one volume
or on two, with errors that are known, against a margin that is stated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import place_of
from consilience.compare.margins import Decision, decide
from consilience.compare.numbers.different_volumes import Variation, variation_between
from consilience.compare.subjects import same_subject
from consilience.model.canonical import content_id
from consilience.model.finding import Finding
from consilience.model.verdict import Answer, Margin, Verdict
from consilience.text import in_unit

__all__ = ["compare"]

TEST = "two one-sided tests (Schuirmann 1987)"


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare two scalar findings of one kind and subject."""
    if first.kind != second.kind or not same_subject(first.subject, second.subject):
        return None
    a, b = context.name(first), context.name(second)
    margin = context.margin(first.kind)
    for one, name in ((first, a), (second, b)):
        if one.value is None:
            why = f"{name} gives no number" + (f": {one.reason}" if one.reason else "")
            return _verdict(first, second, "not_comparable", why, margin)
    if first.value is None or second.value is None or first.unit != second.unit:
        return _verdict(
            first,
            second,
            "not_comparable",
            f"{a} is in {first.unit}, {b} in {second.unit}",
            margin,
        )
    difference = first.value - second.value
    between: Variation | None = None
    apart = _apart(first, second, context)
    if apart:
        found = variation_between(first, second, context)
        if isinstance(found, str):
            return _verdict(
                first,
                second,
                "not_comparable",
                f"{a} and {b} {apart}, and how much the value varies between them is unknown: "
                f"{found}",
                margin,
                difference=difference,
                settle="a map or profile that shows the variation",
            )
        between = found
    missing = [
        f"the {part} standard deviation of {name}"
        for one, name in ((first, a), (second, b))
        for part, std in (("statistical", one.std_stat), ("systematic", one.std_sys))
        if std is None
    ]
    if missing or first.std is None or second.std is None:
        return _verdict(
            first,
            second,
            "undecided",
            f"{' and '.join(missing)} is unknown",
            margin,
            difference=difference,
            settle=" and ".join(missing),
        )
    if margin is None:
        return _verdict(
            first,
            second,
            "undecided",
            f"no margin is stated for {first.kind}: say what difference would not matter",
            None,
            difference=difference,
            std=math.hypot(first.std, second.std),
            settle="a margin in the study's [margins] table",
        )
    std = math.hypot(first.std, second.std, 0.0 if between is None else between.std)
    if std == 0.0:
        return _verdict(
            first,
            second,
            "undecided",
            f"both {a} and {b} state a standard deviation of zero, which no measurement has",
            margin,
            difference=difference,
            settle="their uncertainties",
        )
    width = margin.value
    if margin.relative:
        width *= 0.5 * (abs(first.value) + abs(second.value))
    decided = decide(np.array([difference]), np.array([std]), np.array([width]), context.level)
    words = {
        "agree": "equal within the margin",
        "disagree": "different beyond the margin",
        "undecided": "the uncertainties do not decide between inside and outside the margin",
    }[decided.answer]
    needed = in_unit(f"{decided.needed:.2g}", first.unit)
    return _verdict(
        first,
        second,
        decided.answer,
        f"{words} of {in_unit(f'{width:.3g}', first.unit)} ({margin.reason})"
        + ("" if between is None else f"; {between.words}"),
        margin,
        difference=difference,
        std=std,
        decided=decided,
        settle=(
            f"a standard deviation of the difference below {needed}"
            if decided.answer == "undecided"
            else ""
        ),
        numbers={} if between is None else between.numbers,
    )


def _apart(first: Finding, second: Finding, context: ComparisonContext) -> str:
    """Say in what way two numbers are of different volumes; empty if they are of one."""
    if context.relation(first, second) != "same":
        return "probed different volumes"
    if first.weighed_in or second.weighed_in:
        return ""  # what was weighed in is mixed all through
    place = place_of(first.region, second.region)
    said = {"part": "the whole and a region of it", "larger": "a region and the whole"}
    return {"same": "", "other": "speak of two regions"}.get(place, f"speak of {said.get(place)}")


def _verdict(
    first: Finding,
    second: Finding,
    answer: Answer,
    reason: str,
    margin: Margin | None,
    *,
    difference: float | None = None,
    std: float | None = None,
    decided: Decision | None = None,
    settle: str = "",
    numbers: dict[str, Any] | None = None,
) -> Verdict:
    body = {
        "comparison": "core.scalar",
        "kind": first.kind,
        "findings": sorted([first.id, second.id]),
        "verdict": answer,
        "margin": None if margin is None else margin.to_json(),
    }
    return Verdict(
        id=content_id("v", body),
        kind=first.kind,
        subject=first.subject,
        samples=sorted({first.sample, second.sample}),
        findings=[first.id, second.id],
        verdict=answer,
        reason=reason,
        difference=difference,
        std=std,
        unit=first.unit,
        test=None if decided is None else TEST,
        statistic=None if decided is None else decided.statistic,
        p_value=None if decided is None else decided.p_value,
        margin=margin,
        smallest_detectable=None if decided is None else decided.smallest,
        settle=settle,
        comparison="core.scalar",
        numbers=numbers or {},
    )
