"""Rules and protocols of a study: what it changes, what it brings, and chains held against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError
from consilience.study.added import Added

if TYPE_CHECKING:
    from consilience.custody.protocols.holding import Held
    from consilience.rules import RuleChange
    from consilience.study.contents import Contents
    from consilience.study.stating import Stating

__all__ = ["change_of", "check_chains", "keep_protocols", "keep_rules"]


def change_of(table: Mapping[str, Any]) -> RuleChange:
    """Return a ``[[rule]]`` table of a study as a change: ID, changed fields, reason.

    Raises
    ------
    BadInputError
        ID or reason is missing.
    """
    from consilience.rules import RuleChange

    fields = dict(table)
    rule, reason = fields.pop("id", None), fields.pop("reason", None)
    if not isinstance(rule, str) or not isinstance(reason, str):
        missing = "id" if not isinstance(rule, str) else "reason"
        raise BadInputError(
            f"[[rule]] {rule or 'without id'!r}: {missing!r} is missing",
            fix="write id, the changed fields, and reason: why this study differs",
        )
    return RuleChange(id=rule, fields=fields, reason=reason)


def keep_rules(study: Stating, changes: Sequence[RuleChange]) -> list[Added]:
    """Register what a study changes in the rules; nothing, if one change is wrong."""
    from consilience.rules import apply_changes

    apply_changes(study.rules(shipped=True), changes)
    return [
        _keep(study, "rule", c.id, c.reason, {"fields": c.fields, "reason": c.reason})
        for c in changes
    ]


def keep_protocols(study: Stating, tables: Sequence[Mapping[str, Any]]) -> list[Added]:
    """Register protocols of a study; nothing, if one is wrong."""
    from consilience.custody.protocols.protocol import read_protocol

    protocols, problems = [], []
    for number, table in enumerate(tables, start=1):
        try:
            protocols.append(read_protocol(table, f"[[protocol]] number {number}"))
        except BadInputError as error:
            problems.append(error.what)
    if problems:
        raise BadInputError("; ".join(problems), fix="correct the places named; they count from 0")
    return [_keep(study, "protocol", p.name, p.title, {"plan": p.to_json()}) for p in protocols]


def _keep(study: Stating, about: str, name: str, title: str, content: Mapping[str, Any]) -> Added:
    record = f"{about}:{name}"
    body = {"id": record, "about": about, about: name, **content}
    known = study.store.index.get("note", record)
    new = known is None or known.body != body
    if new:
        study.store.append([("note", body)])
    return Added(about, name, new, title)


def check_chains(study: Contents, protocol: str | None, sample: str | None) -> list[Held]:
    """Hold chains against a protocol, or against all that the study brings.

    Parameters
    ----------
    protocol : str or None
        Name, or a file that ends in .toml; None: the study's own.
    sample : str or None
        None: every sample that has steps and of which nothing was cut.
    """
    from consilience.custody.protocols.holding import hold
    from consilience.custody.protocols.protocol import chosen, shipped_protocols

    own = study.protocols()
    if protocol is None and not own:
        raise BadInputError(
            "no protocol is named, and the study brings none",
            fix=f"use --protocol with one of {', '.join(shipped_protocols())} or a .toml file",
        )
    protocols = own if protocol is None else [chosen(protocol, own)]
    custody = study.custody()
    if sample is not None:
        samples = [study.sample(sample).id]
    else:
        parents = {s.parent for s in custody.samples.values()}
        stepped = {s.sample for s in custody.steps}
        samples = [s for s in custody.samples if s in stepped and s not in parents]
    return [hold(custody, s, p) for p in protocols for s in samples]
