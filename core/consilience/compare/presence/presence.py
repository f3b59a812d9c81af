"""Presence against presence: status, limits and rivals, never a bare yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consilience.compare.compositions.stoichiometry import own_range
from consilience.compare.context import ComparisonContext
from consilience.compare.rivals import Ruling, ruling_on
from consilience.compare.subjects import same_subject
from consilience.model.finding import Finding, Rival
from consilience.model.verdict import Answer, Verdict
from consilience.text import in_unit

__all__ = ["compare", "unlisted"]

KEY = "core.presence"


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare two findings about the presence of one subject.

    *Agree* needs both to see it with no live rival; *consistent* where a rival is
    left, where both see nothing above their limits, or where the amount lies
    below the other's limit.  *Disagree* needs an amount above the other's
    limit by more than its uncertainty.
    """
    if not same_subject(first.subject, second.subject):
        return None
    where = context.relation(first, second)
    a, b = context.name(first), context.name(second)
    label = first.subject.label if first.subject else first.kind
    for one, name in ((first, a), (second, b)):
        if one.status == "not_observable":
            return _verdict(
                first, second, "not_comparable", f"{name} cannot observe {label}: {one.reason}"
            )
    for one, name in ((first, a), (second, b)):
        if one.status is None:
            why = one.reason or "it neither sees it nor states a detection limit"
            return _verdict(
                first,
                second,
                "undecided",
                f"{name} cannot tell whether {label} is there: {why}",
                settle=f"a detection limit of {label} for {name}",
            )
    if first.status == second.status == "present":
        return _both_present(first, second, context, where != "same")
    if first.status == second.status:
        limits = " and ".join(
            f"{in_unit(_number(one.limit), one.unit)} ({name})"
            for one, name in ((first, a), (second, b))
        )
        return _verdict(
            first, second, "consistent", f"neither sees {label}; detection limits {limits}"
        )
    seen, unseen = (first, second) if first.status == "present" else (second, first)
    return _seen_and_unseen(first, second, seen, unseen, context, where != "same")


def _both_present(
    first: Finding, second: Finding, context: ComparisonContext, elsewhere: bool
) -> Verdict:
    label = first.subject.label if first.subject else first.kind
    names = f"{context.name(first)} and {context.name(second)}"
    open_, settled, rulings = _rivals(first, second, context)
    live = [rival for _, rival in open_]
    holders = [context.name(one) for one, _ in open_]
    ranges = _two_ranges(first, second)
    if ranges is not None:
        return _verdict(
            first,
            second,
            "disagree",
            f"{names} both find {label}, but not as one thing: {ranges}; a phase has one range",
            settle=f"compositions of {label} alone, in several samples",
        )
    notes = [f"{names} both find {label}"]
    if settled:
        notes.append(
            f"the rival {_labels(settled)} is not on the complete list of what was weighed in"
        )
    notes += dict.fromkeys(r.words(label, context) for r in rulings if r.here)
    used = [r.to_json() for r in rulings if r.here]
    numbers: dict[str, Any] = {"ruled_out": used} if used else {}
    answer: Answer = "agree"
    settle = ""
    if live:
        answer = "consistent"
        settle = " or ".join(sorted({d for rival in live for d in rival.decided_by}))
        whose = f" of {' and '.join(dict.fromkeys(holders))}" if used else ""
        notes.append(f"but the data{whose} allow {_labels(live)} instead")
        notes += dict.fromkeys(r.words(label, context) for r in rulings if not r.here)
    elif elsewhere:
        answer = "consistent"
        notes.append("on different volumes of one line of samples, so neither proves the other")
    made = _verdict(first, second, answer, "; ".join(notes), settle=settle)
    return made.model_copy(update={"numbers": numbers})


def _two_ranges(first: Finding, second: Finding) -> str | None:
    """Say in words how the ranges of composition that two findings state differ, None if not."""
    formula = (first.subject.formula if first.subject else None) or ""
    one, other = own_range(first), own_range(second)
    if one is None or other is None or one.of(formula) == other.of(formula):
        return None
    words = []
    for stated in (one, other):
        range_ = "a line compound"
        if not stated.line_compound:
            range_ = ", ".join(
                f"{e} {100 * low:g} to {100 * high:g} at.%"
                for e, (low, high) in stated.of(formula).items()
            )
        words.append(f"{range_} ({stated.citation})")
    return " against ".join(words)


def _rivals(
    first: Finding, second: Finding, context: ComparisonContext
) -> tuple[list[tuple[Finding, Rival]], list[Rival], list[Ruling]]:
    """Split the live rivals of both findings: open, settled by a complete list, and rulings.

    Rulings of other volumes leave their rival open.
    """
    live: list[tuple[Finding, Rival]] = []
    settled: list[Rival] = []
    rulings: list[Ruling] = []
    for one in (first, second):
        listed = context.listed.get(one.sample)
        for rival in (r for r in one.rivals if r.live):
            known = listed is not None and not any(
                same_subject(rival.subject, item.subject) for item in listed
            )
            if known:
                settled.append(rival)
                continue
            ruling = ruling_on(rival, one, context)
            if ruling is not None:
                rulings.append(ruling)
            if ruling is None or not ruling.here:
                live.append((one, rival))
    return live, settled, rulings


def _seen_and_unseen(
    first: Finding,
    second: Finding,
    seen: Finding,
    unseen: Finding,
    context: ComparisonContext,
    elsewhere: bool,
) -> Verdict:
    label = first.subject.label if first.subject else first.kind
    a, b = context.name(seen), context.name(unseen)
    limit = in_unit(_number(unseen.limit), unseen.unit)
    story = f"{a} finds {label}, {b} does not down to its limit of {limit}"
    if elsewhere:
        return _verdict(
            first,
            second,
            "not_comparable",
            f"{story}; they probed different volumes, and how evenly {label} is spread is unknown",
            settle="a map of either, or both techniques on one piece",
        )
    if seen.value is None or seen.unit != unseen.unit or unseen.limit is None:
        return _verdict(
            first,
            second,
            "undecided",
            f"{story}; the amount that {a} speaks of is not known in that unit",
            settle=f"an amount of {label} with its uncertainty from {a}",
        )
    excess = seen.value - unseen.limit
    if seen.value <= unseen.limit:
        return _verdict(
            first,
            second,
            "consistent",
            f"{story}, and the amount of {in_unit(_number(seen.value), seen.unit)} lies below it",
        )
    if seen.std is None or excess <= context.z * seen.std:
        doubt = "unknown" if seen.std is None else f"{_number(seen.std)}"
        return _verdict(
            first,
            second,
            "undecided",
            f"{story}; the amount of {in_unit(_number(seen.value), seen.unit)} is above it, but "
            f"its standard deviation is {doubt}",
        )
    return _verdict(
        first,
        second,
        "disagree",
        f"{story}, although the amount of {in_unit(_number(seen.value), seen.unit)} lies above it",
    )


def unlisted(
    finding: Finding, listed: Sequence[Finding], context: ComparisonContext
) -> Verdict | None:
    """Hold a phase that was found against a complete list of what was weighed in.

    None if the phase is on the list, or the finding does not claim presence.
    """
    if finding.status != "present" or any(
        same_subject(finding.subject, item.subject) for item in listed
    ):
        return None
    label = finding.subject.label if finding.subject else finding.kind
    names = ", ".join(item.subject.label for item in listed if item.subject)
    story = (
        f"{context.name(finding)} finds {label}, which is not among what was weighed in ({names})"
    )
    listed_rivals = [
        rival
        for rival in finding.rivals
        if rival.live and any(same_subject(rival.subject, item.subject) for item in listed)
    ]
    if listed_rivals:
        return _verdict(
            finding,
            listed[0],
            "undecided",
            f"{story}; its rival {_labels(listed_rivals)} is",
            settle=" or ".join(sorted({d for r in listed_rivals for d in r.decided_by})),
        )
    return _verdict(
        finding,
        listed[0],
        "disagree",
        f"{story}: an impurity, a reaction product or a wrong label",
    )


def _labels(rivals: Sequence[Rival]) -> str:
    return ", ".join(sorted({rival.subject.label for rival in rivals}))


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"


def _verdict(
    first: Finding, second: Finding, answer: Answer, reason: str, settle: str = ""
) -> Verdict:
    limits = [f.limit for f in (first, second) if f.limit is not None]
    if len(limits) == 2 and first.unit != second.unit:
        limits = []  # no larger one among different quantities
    return Verdict.between(
        KEY,
        first,
        second,
        answer,
        reason,
        unit=next((f.unit for f in (first, second) if f.limit is not None), None),
        smallest_detectable=max(limits) if limits else None,
        settle=settle,
    )
