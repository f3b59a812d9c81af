"""Composition against composition, and one element's amount against a composition.

Both are closed to the elements that both can see.  Log-ratios with their covariance give χ² and
p for *no difference*; the verdict comes from the fractions, each against the margin, in an
intersection-union test (`consilience.compare.margins`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from consilience.compare.compositions.amount import of_amount
from consilience.compare.compositions.decision import capped, closed, percent, verdict_on
from consilience.compare.compositions.different_volumes import ElementVariation, elsewhere_of
from consilience.compare.compositions.logratio import no_difference
from consilience.compare.compositions.vectors import PRIOR, Vector, vector_of
from consilience.compare.context import ComparisonContext
from consilience.compare.outcome import Outcome
from consilience.model.finding import Finding
from consilience.model.verdict import Margin, Verdict

__all__ = ["compare"]


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare two compositions, or the amount of one element with a composition."""
    kinds = (first.kind, second.kind)
    key = "core.composition"
    if kinds == ("composition", "composition"):
        margin = context.margin("composition")
        outcome = _of_two(first, second, context, margin)
        if outcome is None:
            return None
        said = [*context.group(first), *context.group(second)]
        return verdict_on(key, "composition", said, outcome, margin)
    amount, whole = (first, second) if kinds[0] == "element_amount" else (second, first)
    margin = context.margin("element_amount")
    sign = 1.0 if amount is first else -1.0
    one = of_amount(amount, whole, context, margin, sign)
    if one is None or amount.subject is None:
        return None
    mates = context.group(whole)
    said = [amount, *mates] if amount is first else [*mates, amount]
    made = verdict_on(key, "element_amount", said, one, margin)
    return made.model_copy(update={"subject": amount.subject})


def _of_two(
    first: Finding, second: Finding, context: ComparisonContext, margin: Margin | None
) -> Outcome | None:
    a, b = vector_of(first, context), vector_of(second, context)
    if not a.elements or not b.elements:
        return None
    common = [e for e in a.elements if e in b.elements]
    apart = _apart(a, b, common)
    if len(common) < 2:
        seen = f"only {common[0]} is" if common else "no element is"
        return Outcome(
            "not_comparable",
            f"{seen} given by both {a.name} and {b.name}, and a ratio needs two"
            + (f"; {apart}" if apart else ""),
            "a technique that sees the same elements",
        )
    one, other = closed(a, common), closed(b, common)
    if one is None or other is None:
        blank = a.name if one is None else b.name
        return Outcome("not_comparable", f"{blank} found nothing of {', '.join(common)}")
    differences = one.fractions - other.fractions
    stat = np.sqrt(one.std_stat**2 + other.std_stat**2)
    sys = np.sqrt(one.std_sys**2 + other.std_sys**2)
    chi, test = _chi2(a, b, common)
    numbers = {
        "elements": {
            e: {
                "first": float(one.fractions[i]),
                "second": float(other.fractions[i]),
                "difference": float(differences[i]),
                "std_stat": float(stat[i]),
                "std_sys_known": float(sys[i]),
            }
            for i, e in enumerate(common)
        },
        "shares": [one.share, other.share],
        "left_out": _left_out(a, b, common),
        "no_difference": test,
    }
    each = ", ".join(
        f"{e} {percent(one.fractions[i], one.std_stat[i])} against "
        f"{percent(other.fractions[i], other.std_stat[i])}"
        for i, e in enumerate(common)
    )
    who = f"{a.name} against {b.name}"
    story = [f"at.% of {', '.join(common)} alone (± statistical), {who}: {each}", chi]
    story += [apart] if apart else []
    story += [*dict.fromkeys([*a.notes, *b.notes])]
    elsewhere = elsewhere_of(first, second, a, b, common, context)
    if isinstance(elsewhere, ElementVariation):
        sys = np.hypot(sys, elsewhere.std)
        numbers.update(elsewhere.numbers)
        story += [elsewhere.words, "χ² does not count it"]
    elif elsewhere is not None:
        reason, settle = elsewhere
        return Outcome("not_comparable", "; ".join([reason, *story]), settle, numbers)
    return capped(
        common, differences, stat, sys, [a, b], margin, story, context.level, numbers,
        0.5 * (one.fractions + other.fractions),
    )  # fmt: skip


def _chi2(a: Vector, b: Vector, common: Sequence[str]) -> tuple[str, dict[str, Any] | None]:
    if set(common) & {*a.unknown_stat, *b.unknown_stat}:
        return "no χ² of log-ratios without the statistical deviations", None
    one, stat_a, sys_a, trace_a = a.logarithms(common)
    other, stat_b, sys_b, trace_b = b.logarithms(common)
    good = [int(i) for i in np.flatnonzero(np.isfinite(one) & np.isfinite(other))]
    names = [common[i] for i in good]
    left = [e for e in common if e not in names]
    skipped = f" (without the trace{'s' if len(left) > 1 else ''} {', '.join(left)})"
    if len(good) < 2:
        return f"no χ² of log-ratios{skipped if left else ''}", None
    spread = (stat_a + sys_a + stat_b + sys_b)[np.ix_(good, good)]
    try:
        statistic, degrees, p_value = no_difference(one[good], other[good], spread)
    except ValueError as error:
        return f"no χ² of log-ratios: {error}", None
    counted = [e for i, e in enumerate(common) if i in good and (trace_a[i] or trace_b[i])]
    prior = f"{PRIOR}: {', '.join(counted)}" if counted else ""
    partly = set(common) & {*a.unknown_sys, *b.unknown_sys}
    said = f"no difference in log-ratios: χ² = {statistic:.3g} for {degrees}, p = {p_value:.2g}"
    said += ", with the known parts of the errors only" if partly else ""
    said += skipped if left else ""
    said += f" ({prior})" if prior else ""
    return said, {
        "chi2": statistic,
        "degrees": degrees,
        "p_value": p_value,
        "elements": names,
        "left_out": left,
        "prior": prior,
    }


def _left_out(a: Vector, b: Vector, common: Sequence[str]) -> dict[str, str]:
    said: dict[str, list[str]] = {}
    for one, other in ((a, b), (b, a)):
        for e in (*one.elements, *one.left_out):
            if e not in common and e not in other.elements:
                said.setdefault(e, []).append(
                    f"{other.name}: {other.left_out.get(e, 'does not speak of it')}"
                )
            if e in one.left_out:
                said.setdefault(e, []).append(f"{one.name}: {one.left_out[e]}")
    return {e: "; ".join(dict.fromkeys(why)) for e, why in sorted(said.items())}


def _apart(a: Vector, b: Vector, common: Sequence[str]) -> str:
    said = _left_out(a, b, common)
    return f"left out: {', '.join(f'{e} ({why})' for e, why in said.items())}" if said else ""
