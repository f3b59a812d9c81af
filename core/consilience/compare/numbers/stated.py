"""A figure that a text states against what its formula gives.

A figure is printed with so many digits, and so are the numbers that it follows from.  The two
*agree* if the computed number would be printed as the figure is; they are *consistent* if it would
not, but some numbers that round to the printed terms would (interval arithmetic encloses all of
these); they *disagree* if none would, beyond z standard deviations of the terms that have any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from consilience.claims.claim import ARITHMETIC, Claim
from consilience.claims.stated import Stated
from consilience.compare.context import ComparisonContext
from consilience.model.finding import Finding
from consilience.model.verdict import Answer, Margin, Verdict
from consilience.notation import number, unit_text

__all__ = ["compare"]

KEY = "core.stated"
TEST = "one-sided, beyond what printed digits leave open"
WHY = "half a unit of the last digit that is printed"


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare a stated figure with the one computed for it; None for any other pair."""
    stated, computed = sorted((first, second), key=lambda f: f.source.analysis == ARITHMETIC)
    if computed.source.analysis != ARITHMETIC or computed.evidence.get("claim") != stated.id:
        return None
    claim = Claim.model_validate(stated.evidence["claim"])
    told: dict[str, Any] = dict(computed.evidence)
    if computed.value is None:
        reason = f"the text {_verb(claim)} {_says(claim)}; {computed.reason}"
        return _verdict(stated, computed, "undecided", reason, settle="the numbers of its formula")
    text = _text_of(claim, told)
    z = context.z
    answer = _answer(text, told, z)
    unit = unit_text(claim.unit)
    known = f"the text {_verb(claim)} {_says(claim, told)}, and {_shown(told, unit)}"
    parts = [f"{known}; {_ending(answer, text, claim, told)}", *_others(text, told, unit, z)]
    settle = ""
    if claim.caution and answer in ("agree", "consistent", "disagree"):
        answer = "undecided" if answer == "disagree" else "consistent"
        parts.append(f"but {claim.caution}")
        settle = claim.settle
    std = float(told["std"])
    spread = 0.5 * (float(told["high"]) - float(told["low"]))
    whole = math.sqrt(std**2 + (text.half**2 + spread**2) / 3.0)
    tested = std > 0.0
    gap = text.gap(float(told["low"]), float(told["high"])) / std if tested else 0.0
    return _verdict(
        stated,
        computed,
        answer,
        "; ".join(parts),
        settle=settle,
        difference=None if text.bound else text.value - computed.value,
        std=whole if whole > 0.0 and not text.bound else None,
        unit=claim.unit,
        test=TEST if tested else None,
        statistic=gap if tested else None,
        p_value=NormalDist().cdf(-gap) if tested else None,
        margin=Margin(value=text.half, unit=claim.unit, reason=WHY) if text.half else None,
        smallest_detectable=None if text.bound else text.half + spread + 2.0 * z * std,
        numbers={
            "stated": claim.value or number(text.value, 4),
            "computed": computed.value,
            "low": told["low"],
            "high": told["high"],
            "formula": claim.formula,
            "terms": told["terms"],
        },
    )


def _text_of(claim: Claim, told: Mapping[str, Any]) -> Stated:
    """Return what is stated; a second formula stands for a figure with its rounding."""
    if claim.value:
        return Stated.read(claim.value)
    other = told["equals"]
    low, high = float(other["low"]), float(other["high"])
    return Stated(claim.equals, low, high, float(other["value"]), 0.5 * (high - low))


def _answer(text: Stated, told: Mapping[str, Any], z: float) -> Answer:
    value, reach = float(told["value"]), z * float(told["std"])
    low, high = float(told["low"]) - reach, float(told["high"]) + reach
    ends = (low, high) if text.bound else (value - reach, value + reach)
    if all(text.holds(end) for end in ends):
        return "agree"
    return "consistent" if text.reached(low, high) else "disagree"


def _verb(claim: Claim) -> str:
    return "implies" if claim.implied else "says"


def _ending(answer: Answer, text: Stated, claim: Claim, told: Mapping[str, Any]) -> str:
    if answer == "agree":
        return "as it is said" if text.bound or claim.implied else "which is printed so"
    if answer == "disagree":
        return "and no numbers that are printed like its terms give that"
    if text.holds(float(told["value"])):
        return "which fits, but it is not known as well as that"
    if text.reached(float(told["low"]), float(told["high"])):
        return "which would be printed otherwise, but the digits of its terms leave it open"
    return "which would be printed otherwise, but within its error there are numbers that fit"


def _says(claim: Claim, told: Mapping[str, Any] | None = None) -> str:
    unit = unit_text(claim.unit)
    if claim.value:
        signs = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
        sign, _, digits = claim.value.partition(" ")
        said = f"{signs[sign]} {digits}" if sign in signs else claim.value
        quote = f" (“{claim.quote}”)" if claim.quote else ""
        return f"{said} {unit}".rstrip() + quote
    if told is None:
        return claim.equals
    return f"{_shown(told['equals'], unit)}{f' (“{claim.quote}”)' if claim.quote else ''}"


def _shown(told: Mapping[str, Any], unit: str) -> str:
    value, low, high, std = (float(told[k]) for k in ("value", "low", "high", "std"))
    error = f" ± {number(std, 2)}" if std > 0.0 else ""
    said = f"{told['printed']} is {number(value, 4)}{error} {unit}".rstrip()
    if high > low:
        said += f" ({number(low, 4)} to {number(high, 4)} by the digits of its terms)"
    return said + (f": {told['means']}" if told["means"] else "")


def _others(text: Stated, told: Mapping[str, Any], unit: str, z: float) -> list[str]:
    """Return what other readings of the words give, those that fit first."""
    said = []
    for other in told["otherwise"]:
        fits = _answer(text, other, z)
        ends = {
            "agree": "; that is what the text says",
            "consistent": "; that can be what the text says",
        }
        said.append((fits, f"read otherwise, {_shown(other, unit)}{ends.get(fits, '')}"))
    order = ("agree", "consistent", "disagree")
    return [words for _, words in sorted(said, key=lambda pair: order.index(pair[0]))]


def _verdict(
    stated: Finding, computed: Finding, answer: Answer, reason: str, **fields: Any
) -> Verdict:
    return Verdict.between(KEY, stated, computed, answer, reason, **fields)
