"""What is known besides the two numbers, and how far it lets a verdict go.

Simulation against reality, two states, steps between weighing and measuring, repeats, and
caveats: none makes a verdict stronger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consilience.compare.context import ComparisonContext
from consilience.compare.history import altered_before, latest_of
from consilience.model.finding import Finding
from consilience.model.verdict import Caveat, Verdict
from consilience.states import contradicting, value_words

__all__ = [
    "as_far_as_known",
    "in_one_state",
    "of_one_world",
    "while_unaltered",
    "with_caveats",
]


def of_one_world(
    verdict: Verdict, first: Finding, second: Finding, context: ComparisonContext
) -> Verdict:
    """Turn a verdict between simulation and reality into *not comparable*."""
    if (first.origin == "simulated") == (second.origin == "simulated"):
        return verdict
    one, other = (first, second) if first.origin == "simulated" else (second, first)
    return verdict.model_copy(
        update={
            "verdict": "not_comparable",
            "reason": f"{context.name(one)} is simulated, {context.name(other)} is "
            f"{other.origin}; these are never held against each other",
            "settle": "",
        }
    )


def as_far_as_known(
    verdict: Verdict, first: Finding, second: Finding, context: ComparisonContext
) -> Verdict:
    """Let agreement be no more than *consistent* for a repeat, or where a state is unknown."""
    if verdict.verdict != "agree":
        return verdict
    if context.repeat(first, second):
        return verdict.model_copy(
            update={
                "verdict": "consistent",
                "reason": f"{verdict.reason}; one technique twice is a repeat, no second witness",
            }
        )
    lacking = [
        f"{key} of {context.name(one)}"
        for one, other in ((first, second), (second, first))
        for key in sorted(set(other.state) - set(one.state))
    ]
    if not lacking:
        return verdict
    return verdict.model_copy(
        update={
            "verdict": "consistent",
            "reason": f"{verdict.reason}; but the state is not known: {', '.join(lacking)}",
            "settle": f"the state: {', '.join(lacking)}",
        }
    )


def while_unaltered(verdict: Verdict, measured: Finding, context: ComparisonContext) -> Verdict:
    """Turn a verdict about what was weighed in into *not comparable* once a step altered it."""
    if verdict.verdict == "not_comparable":
        return verdict
    starts = [context.starts.get(m) for m in measured.measurements]
    latest = latest_of(starts)
    places = [context.sequences.get(m) for m in measured.measurements]
    known = [place for place in places if place is not None]
    last = max(known) if known and len(known) == len(places) else None
    reason = altered_before(measured.sample, latest, context.samples, context.steps, last)
    if reason is None:
        return verdict
    return verdict.model_copy(
        update={
            "verdict": "not_comparable",
            "reason": f"what was weighed in need not be there any more: {reason}",
            "settle": "the time of the measurement" if latest is None else "",
        }
    )


def in_one_state(verdict: Verdict, first: Finding, second: Finding) -> Verdict:
    """Turn a verdict over two different states into *not comparable*."""
    different = [
        f"{key} {value_words(first.state[key])} against {value_words(second.state[key])}"
        for key in contradicting(first, second)
    ]
    if not different or verdict.verdict == "not_comparable":
        return verdict
    return verdict.model_copy(
        update={
            "verdict": "not_comparable",
            "reason": f"the sample was in different states: {', '.join(different)}",
            "settle": "both techniques in one state",
        }
    )


def with_caveats(verdict: Verdict, by_finding: Mapping[str, Sequence[Caveat]]) -> Verdict:
    """Let vetoes and doubts reach the verdict, and say what it would be without them."""
    caveats = [c for finding in verdict.findings for c in by_finding.get(finding, ())]
    if not caveats:
        return verdict
    update: dict[str, object] = {"caveats": caveats}
    vetoes = [c for c in caveats if c.effect == "veto"]
    doubts = [c for c in caveats if c.effect == "doubt"]
    if vetoes and verdict.verdict != "not_comparable":
        update["verdict"] = "not_comparable"
        update["reason"] = _without(verdict, "left out", vetoes)
        update["numbers"] = {**verdict.numbers, **_otherwise(verdict)}
        update["settle"] = _clearing(vetoes) or verdict.settle
    elif doubts and verdict.verdict in ("agree", "consistent", "disagree"):
        update["verdict"] = "undecided"
        update["reason"] = _without(verdict, "doubted", doubts)
        update["numbers"] = {**verdict.numbers, **_otherwise(verdict)}
        update["settle"] = _clearing(doubts) or verdict.settle
    return verdict.model_copy(update=update)


def _without(verdict: Verdict, word: str, caveats: Sequence[Caveat]) -> str:
    """Say which rules spoke, and what the verdict would be without them."""
    said = dict.fromkeys(f"{word} by rule {c.rule}: {c.message}" for c in caveats)
    rules = "the rule" if len({c.rule for c in caveats}) == 1 else "these rules"
    return f"{'; '.join(said)}; without {rules}: {_words(verdict.verdict)}, {verdict.reason}"


def _otherwise(verdict: Verdict) -> dict[str, str]:
    return {"without_rules": verdict.verdict, "reason_without_rules": verdict.reason}


def _clearing(caveats: Sequence[Caveat]) -> str:
    return "; ".join(dict.fromkeys(c.clear for c in caveats if c.clear))


def _words(answer: str) -> str:
    return answer.replace("_", " ")
