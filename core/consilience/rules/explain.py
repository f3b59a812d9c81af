"""A rule in words: scope, comparison, basis, citation, what clears it, what a study changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from consilience.custody.metric import METRICS
from consilience.rules.model import Basis, Rule

__all__ = ["explained", "table_of_rules"]


def explained(rule: Rule, shipped: Rule | None = None) -> list[str]:
    """Return a rule as lines to print.

    Parameters
    ----------
    rule : Rule
        As it holds.
    shipped : Rule, optional
        As it is shipped, where a study changed it.
    """
    lines = [f"{rule.id}: {rule.effect}"]
    lines += [f"  {title:<10} {text}" for title, text in _parts(rule)]
    if rule.overrides and shipped is not None:
        lines.append(f"  {'changed':<10} this study changed it: {rule.overrides}")
        lines.append(
            f"  {'shipped':<10} {shipped.effect}: {shipped.text()}; {_with_gaps(shipped.words)}"
        )
    elif rule.overrides or rule.id.startswith("study."):
        lines.append(f"  {'own':<10} this study's own rule")
    else:
        lines.append(f"  {'changed':<10} as shipped")
    return lines


def _with_gaps(words: str) -> str:
    """Return the words of a rule with dots where its numbers will stand."""
    return re.sub(r"\{[^{}]*\}", "…", words)


def _parts(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "says", _with_gaps(rule.words)
    yield "scope", rule.scope.words()
    yield "fires if", rule.text()
    yield "metric", METRICS[rule.metric].title
    for comparator in rule.where:
        yield "only where", comparator.text()
    for comparator in rule.unless:
        yield "not where", comparator.text()
    unknown = "nothing is said" if rule.if_unknown == "nothing" else f"a {rule.if_unknown}"
    yield "unknown", unknown
    if rule.basis is not None:
        yield from _basis(rule.basis)
    yield "clear by", rule.clear
    yield "citation", rule.cited
    if rule.link:
        yield "link", rule.link


def _basis(basis: Basis) -> Iterator[tuple[str, str]]:
    yield "published", basis.published
    if basis.derived:
        yield "derived", basis.derived
    if basis.relation == "<":
        yield "limit", "lies below the threshold; how far is not published"
    if basis.harmless:
        yield "limit", "shown to do no harm; where harm begins is not published"
    conditions = [
        f"{name} {text}"
        for name, text in (
            ("voltage", basis.voltage),
            ("temperature", basis.temperature),
            ("rate", basis.fluence_rate),
            ("time", basis.duration),
            ("loss", basis.loss),
        )
        if text
    ]
    if conditions:
        yield "measured", ", ".join(conditions)
    for statement in basis.also:
        yield "also", statement


def table_of_rules(rules: list[Rule]) -> list[str]:
    """Return the shipped rules as a table in Markdown, for the documentation."""
    lines = ["| rule | effect | fires if | scope | citation |", "| --- | --- | --- | --- | --- |"]
    for rule in rules:
        numbers = [n for n in (rule.doi, f"arXiv:{rule.arxiv}" if rule.arxiv else "") if n]
        cited = f"[{numbers[0]}]({rule.link})" if numbers else "follows from the record"
        cells = [f"`{rule.id}`", rule.effect, rule.when(), rule.scope.words(), cited]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines
