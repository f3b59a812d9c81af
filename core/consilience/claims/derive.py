"""What the formulas of claims give: a finding beside each figure that a text states.

Like verdicts these findings are derived whenever they are asked for, and never stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience._version import __version__
from consilience.claims.claim import ARITHMETIC, COMPUTED, STATED, Claim, Formula
from consilience.claims.formula import Range, evaluate, interval, printed
from consilience.claims.terms import NoNumberError, Number, number_of
from consilience.model.finding import Finding, Source, Subject

if TYPE_CHECKING:
    from consilience.model.measurement import Measurement

__all__ = ["derived_findings"]


def derived_findings(
    findings: Sequence[Finding], measurements: Callable[[], Sequence[Measurement]]
) -> list[Finding]:
    """Return what the formula of each claim among the findings gives.

    Parameters
    ----------
    findings : sequence of Finding
        All that hold in the study; claims are those of kind `STATED`.
    measurements : callable
        Returns all measurements; called if a term is a cell of a table.
    """
    return [
        _derived(one, Claim.model_validate(one.evidence["claim"]), findings, measurements)
        for one in findings
        if one.kind == STATED and "claim" in one.evidence
    ]


def _derived(
    stated: Finding,
    claim: Claim,
    findings: Sequence[Finding],
    measurements: Callable[[], Sequence[Measurement]],
) -> Finding:
    numbers: dict[str, Number] = {}
    reason = ""
    for name, term in claim.terms.items():
        try:
            numbers[name] = number_of(term, stated.sample, findings, measurements)
        except NoNumberError as error:
            reason = reason or f"term {name}: {error}"
    evidence: dict[str, Any] = {"claim": stated.id, "formula": claim.formula, "means": claim.means}
    body: dict[str, Any] = {"value": None, "unit": None, "std_stat": None, "std_sys": None}
    if not reason:
        try:
            own = _computed(claim, numbers)
            evidence |= own
            evidence["otherwise"] = [_computed(other, numbers) for other in claim.otherwise]
            if claim.equals:
                evidence["equals"] = _computed(Formula(formula=claim.equals), numbers)
        except (ArithmeticError, ValueError) as error:
            reason = f"{claim.formula} cannot be computed: {error}"
        else:
            half = 0.5 * (own["high"] - own["low"])
            body = {
                "value": own["value"],
                "unit": claim.unit,
                "std_stat": own["std"] or None,
                "std_sys": half / math.sqrt(3.0) if half > 0.0 else None,
            }
    evidence["terms"] = {name: one.text() for name, one in numbers.items()}
    evidence["rests_on"] = sorted({f for one in numbers.values() for f in one.findings})
    origins = {one.origin for one in numbers.values()} or {"entered"}
    origin = next(o for o in ("simulated", "entered", "measured") if o in origins)
    cited = {one.citation for one in numbers.values() if one.citation}
    return Finding.identified(
        {
            **body,
            "kind": STATED,
            "subject": Subject(label=claim.title).to_json(),
            "sample": stated.sample,
            "region": None,
            "state": {},
            "interval": None,
            "covariance": None,
            "array": None,
            "probe": None,
            "status": "not_observable" if reason else None,
            "limit": None,
            "reason": reason or None,
            "rivals": [],
            "unassigned": None,
            "evidence": evidence,
            "assumptions": _assumed(claim, numbers, body),
            "method": f"{claim.formula}{f': {claim.means}' if claim.means else ''}",
            "origin": origin,
            "measurements": sorted({m for one in numbers.values() for m in one.measurements}),
            "source": Source(
                plugin="core",
                version=__version__,
                analysis=ARITHMETIC,
                parameters={"modality": COMPUTED},
                citation="; ".join(sorted(cited)) or stated.source.citation,
            ).to_json(),
        }
    )


def _assumed(claim: Claim, numbers: Mapping[str, Number], body: Mapping[str, Any]) -> list[str]:
    said = [claim.caution] if claim.caution else []
    if body["std_sys"] is not None:
        said.append("the systematic error is that of printed digits alone")
    return said + list(dict.fromkeys(one.doubt for one in numbers.values() if one.doubt))


def _computed(formula: Formula, numbers: Mapping[str, Number]) -> dict[str, Any]:
    values = {name: one.value for name, one in numbers.items()}
    ranges = {name: one.range for name, one in numbers.items()}
    enclosed: Range = interval(formula.formula, ranges)
    return {
        "value": evaluate(formula.formula, values),
        "low": enclosed.low,
        "high": enclosed.high,
        "std": _std(formula.formula, values, numbers),
        "means": formula.means,
        "printed": formula.formula  # of one number alone the name says more than its digits
        if formula.formula in numbers
        else printed(formula.formula, {name: one.said for name, one in numbers.items()}),
    }


def _std(text: str, values: Mapping[str, float], numbers: Mapping[str, Number]) -> float:
    """Propagate the standard deviations to first order; 0 where no number of it has one."""
    total = 0.0
    for name, one in numbers.items():
        if one.std:
            ends = [evaluate(text, {**values, name: one.value + s * one.std}) for s in (1.0, -1.0)]
            total += (0.5 * (ends[0] - ends[1])) ** 2
    return math.sqrt(total)
