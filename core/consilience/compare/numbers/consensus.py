"""Three or more techniques that give one number: their consensus, and the odd one out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.compare.margins import Decision, decide
from consilience.compare.numbers.random_effects import Consensus, consensus_of
from consilience.model.canonical import canonical_json, content_id
from consilience.model.finding import Finding
from consilience.model.verdict import Margin, Verdict
from consilience.states import state_json
from consilience.text import in_unit

__all__ = ["KEY", "consensus_verdicts"]

KEY = "core.consensus"
FEWEST = 3
"""Techniques: a variance between two of them cannot be estimated."""


@dataclass(frozen=True)
class _Result:
    """What one technique says: its repeats pooled, their systematic error common to all."""

    technique: str
    value: float
    std: float
    findings: tuple[Finding, ...]


def consensus_verdicts(
    findings: Sequence[Finding], context: ComparisonContext, vetoed: Collection[str] = ()
) -> Iterator[Verdict]:
    """Give one verdict for each number that three or more techniques state.

    Parameters
    ----------
    findings : sequence of Finding
    context : ComparisonContext
    vetoed : collection of str
        Findings that a rule leaves out; the reason says what they would change.

    Yields
    ------
    Verdict
        *Agree*: each technique is equal to the consensus of the others within the margin;
        *disagree*: one is off beyond it, and is named.

    Notes
    -----
    One sample, state, region, kind and subject make one number.  What was weighed in takes no
    part.  Systematic errors of different techniques are taken as independent.
    """
    for group in _groups(findings, context):
        known = [f for f in group if f.std]
        sound = [f for f in known if f.id not in vetoed]
        results = _results(sound, context)
        if len(results) < FEWEST:
            continue
        left = [f for f in group if not f.std]
        out = [f for f in known if f.id in vetoed]
        yield _verdict(results, left, out, _results(known, context), context)


def _groups(findings: Sequence[Finding], context: ComparisonContext) -> list[list[Finding]]:
    groups: dict[bytes, list[Finding]] = defaultdict(list)
    for one in findings:
        if (
            context.kinds[one.kind].about == "scalar"
            and one.value is not None
            and not one.weighed_in
        ):
            subject = one.subject.key if one.subject else None
            place = region_key(one.region)
            key = [one.kind, subject, one.unit, one.sample, state_json(one), place]
            groups[canonical_json([*key, one.origin == "simulated"])].append(one)
    return [sorted(groups[key], key=lambda f: f.id) for key in sorted(groups)]


def _results(findings: Sequence[Finding], context: ComparisonContext) -> list[_Result]:
    techniques: dict[str, list[Finding]] = defaultdict(list)
    for one in findings:
        techniques[context.modalities.get(one.id, "?")].append(one)
    return [_pooled(name, techniques[name]) for name in sorted(techniques)]


def _pooled(technique: str, findings: Sequence[Finding]) -> _Result:
    """Average repeats; one recording read twice does not count twice, nor does a common error."""
    values = np.array([f.value for f in findings], dtype=np.float64)
    total = np.array([f.std for f in findings], dtype=np.float64)
    weights = total**-2 / (total**-2).sum()
    recordings: dict[frozenset[str], float] = defaultdict(float)
    for weight, one in zip(weights, findings, strict=True):
        data = frozenset(x.sha256 for x in one.source.files if x.role == "data") or {one.id}
        recordings[frozenset(data)] += float(weight) * (one.std_stat or 0.0)
    stat2 = sum(part**2 for part in recordings.values())
    sys = float(weights @ np.array([f.std_sys for f in findings], dtype=np.float64))
    std = float(np.sqrt(stat2 + sys**2))
    return _Result(technique, float(weights @ values), std, tuple(findings))


def _verdict(
    results: Sequence[_Result],
    left: Sequence[Finding],
    out: Sequence[Finding],
    with_out: Sequence[_Result],
    context: ComparisonContext,
) -> Verdict:
    first = results[0].findings[0]
    margin = context.margin(first.kind)
    found, decided = _weighed(results, margin, context)
    unit = first.unit or ""
    said = [_sentence(results, found, unit)]
    if decided is None:
        said.insert(0, "no margin is stated: say what difference would not matter")
    else:
        said.insert(0, _decision(results, found, decided, margin, unit))
    if left:
        names = sorted({context.name(f) for f in left})
        said.append(f"left out, because a standard deviation is unknown: {', '.join(names)}")
    if out:
        _, other = _weighed(with_out, margin, context)
        names = sorted({context.name(f) for f in out})
        answer = "undecided" if other is None else other.answer
        said.append(f"left out by a rule: {', '.join(names)}; with it: {answer}")
    body = {
        "comparison": KEY,
        "findings": sorted(f.id for r in results for f in r.findings),
        "margin": None if margin is None else margin.to_json(),
        "left": sorted(f.id for f in [*left, *out]),
    }
    at = None if decided is None else decided.at
    answer = "undecided" if decided is None else decided.answer
    return Verdict(
        id=content_id("v", body),
        kind=first.kind,
        subject=first.subject,
        samples=[first.sample],
        findings=[f.id for r in results for f in r.findings],
        verdict=answer,
        reason="; ".join(said),
        difference=None if at is None else float(found.off[at]),
        std=None if at is None else float(found.off_std[at]),
        unit=first.unit,
        test=None if decided is None else "each against the consensus of the others",
        statistic=None if decided is None else decided.statistic,
        p_value=None if decided is None else decided.p_value,
        margin=margin,
        smallest_detectable=None if decided is None else decided.smallest,
        settle="" if answer != "undecided" else _settle(results, decided, unit),
        comparison=KEY,
        numbers={
            "consensus": found.value,
            "std": found.std,
            "interval_95": [found.low, found.high],
            "between_techniques": found.between,
            "homogeneity_p": found.homogeneity,
            "results": [
                {
                    "technique": r.technique,
                    "value": r.value,
                    "std": r.std,
                    "findings": len(r.findings),
                    "off": float(off),
                    "off_std": float(std),
                }
                for r, off, std in zip(results, found.off, found.off_std, strict=True)
            ],
        },
    )


def _weighed(
    results: Sequence[_Result], margin: Margin | None, context: ComparisonContext
) -> tuple[Consensus, Decision | None]:
    values = np.array([r.value for r in results])
    found = consensus_of(values, np.array([r.std for r in results]))
    if margin is None:
        return found, None
    width = margin.value * (abs(found.value) if margin.relative else 1.0)
    widths = np.full(len(results), width)
    return found, decide(found.off, found.off_std, widths, context.level)


def _decision(
    results: Sequence[_Result],
    found: Consensus,
    decided: Decision,
    margin: Margin | None,
    unit: str,
) -> str:
    i = decided.at
    by = in_unit(_pm(found.off[i], found.off_std[i]), unit)
    off = f"{results[i].technique} is off by {by}"
    reason = "" if margin is None else f" ({margin.reason})"
    if decided.answer == "agree":
        return f"each technique is equal to the consensus of the others within the margin{reason}"
    if decided.answer == "disagree":
        return f"{off} from the consensus of the others, beyond the margin{reason}"
    return f"{off} from the consensus of the others, which decides nothing against the margin"


def _sentence(results: Sequence[_Result], found: Consensus, unit: str) -> str:
    each = ", ".join(f"{r.technique} {_pm(r.value, r.std)}" for r in results)
    spread = (
        f"between techniques they scatter by {in_unit(f'{found.between:.2g}', unit)} more than "
        "their errors say"
        if found.between > 0
        else "their errors explain how they scatter"
    )
    mean = in_unit(_pm(found.value, found.std), unit)
    return (
        f"consensus of {len(results)} techniques ({each}): {mean}, "
        f"95 % from {found.low:.4g} to {found.high:.4g}; {spread} (p = {found.homogeneity:.2g})"
    )


def _settle(results: Sequence[_Result], decided: Decision | None, unit: str) -> str:
    if decided is None:
        return "a margin in the study's [margins] table"
    name = results[decided.at].technique
    needed = in_unit(f"{decided.needed:.2g}", unit)
    return f"a standard deviation below {needed} of {name} against the others"


def _pm(value: float, std: float) -> str:
    digits = 0 if std <= 0 else min(max(1 - int(np.floor(np.log10(std))), 0), 9)
    return f"{value:.{digits}f} ± {std:.{digits}f}"
