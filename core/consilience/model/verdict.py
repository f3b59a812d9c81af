"""Caveats and verdicts."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from consilience.model.base import FiniteFloat, FrozenModel, Json, NonNegative
from consilience.model.canonical import content_id
from consilience.model.finding import Finding, Subject

__all__ = ["VERDICTS", "Answer", "Caveat", "Margin", "Verdict"]

Answer = Literal["agree", "consistent", "disagree", "undecided", "not_comparable"]
VERDICTS: tuple[str, ...] = Answer.__args__  # type: ignore[attr-defined]


class Caveat(FrozenModel):
    """What a rule makes of the steps and the dose behind a finding.

    A *note* is shown, a *doubt* qualifies the verdict, a *veto* leaves the finding
    out of it; all three are printed with the rule, its citation and the numbers
    that fired it.  `evidence` names the steps, series and measurements behind the
    numbers.
    """

    finding: str
    rule: str
    effect: Literal["note", "doubt", "veto"]
    message: str
    citation: str
    numbers: dict[str, Json] = {}
    evidence: list[str] = []
    clear: str = ""


class Margin(FrozenModel):
    """Differences up to `value` count as equivalent; `relative` to the mean if so said."""

    value: NonNegative
    unit: str
    relative: bool = False
    reason: str


class Verdict(FrozenModel):
    """What a comparison of findings says.

    `difference` is first minus second; `std` its standard deviation, `statistic`
    and `p_value` belong to the named `test`; `smallest_detectable` is the smallest
    difference that these uncertainties could have shown.  All are None where
    they do not exist or are not known.  Of a verdict on several numbers at once, such as a
    composition, they are those of the one that decides; `numbers` holds all of them.
    """

    id: str
    kind: str
    subject: Subject | None
    samples: list[str]
    findings: list[str]
    verdict: Answer
    reason: str
    difference: FiniteFloat | None = None
    std: NonNegative | None = None
    unit: str | None = None
    test: str | None = None
    statistic: FiniteFloat | None = None
    p_value: NonNegative | None = None
    margin: Margin | None = None
    smallest_detectable: NonNegative | None = None
    settle: str = ""
    comparison: str = ""
    caveats: list[Caveat] = []
    numbers: dict[str, Json] = {}

    @classmethod
    def between(
        cls,
        comparison: str,
        first: Finding,
        second: Finding,
        answer: Answer,
        reason: str,
        **fields: Any,
    ) -> Self:
        """Return the verdict of a comparison on two findings, with the ID that follows from it.

        Kind and subject are those of the first finding, unless `fields` have others.
        """
        findings = sorted([first.id, second.id])
        body = {"comparison": comparison, "findings": findings, "verdict": answer}
        return cls(
            id=content_id("v", body),
            verdict=answer,
            reason=reason,
            findings=[first.id, second.id],
            samples=sorted({first.sample, second.sample}),
            comparison=comparison,
            **{"kind": first.kind, "subject": first.subject, **fields},
        )

    @model_validator(mode="after")
    def _reason(self) -> Self:
        if not self.reason:
            raise ValueError("a verdict needs its reason in words")
        return self
