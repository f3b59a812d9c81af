"""Where rules come from: resources of the core and of plugins, and what a study changed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from consilience.declarations import Rules
from consilience.errors import BadInputError, PluginError
from consilience.model.base import FrozenModel, Json, OneLine
from consilience.model.sample import problems_of
from consilience.registry import Registry
from consilience.rules.model import Rule

__all__ = ["RuleChange", "apply_changes", "load_rules", "problems_in_rules", "read_rules"]


class RuleChange(FrozenModel):
    """What a study changes in a rule, or a rule of its own (an ID that begins with ``study.``).

    `fields` are those of `Rule`; what is left out stays as shipped.
    """

    id: str
    fields: dict[str, Json]
    reason: OneLine


def read_rules(text: str, where: str) -> tuple[list[Rule], list[str]]:
    """Read rules from TOML.

    Returns
    -------
    rules
        Those that validate.
    problems
        All others, with file and number of the rule.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [], [f"{where}: it is not TOML: {error}"]
    rules: list[Rule] = []
    problems = [f"{where}: there is no table [[{key}]] for rules" for key in table if key != "rule"]
    entries = table.get("rule", [])
    if not isinstance(entries, list):
        return [], [*problems, f"{where}: write [[rule]], with two brackets"]
    for number, entry in enumerate(entries, start=1):
        name = entry.get("id", "without id") if isinstance(entry, Mapping) else "no table"
        try:
            rule = Rule.model_validate(entry)
        except ValidationError as error:
            problems += [f"{where}, rule {number} ({name}): {p}" for p in problems_of(error)]
            continue
        if any(known.id == rule.id for known in rules):
            problems.append(f"{where}, rule {number} ({name}): this id stands there twice")
        rules.append(rule)
    return rules, problems


def problems_in_rules(item: Rules) -> list[str]:
    """Return what is wrong with a resource of rules; nothing if it can be used."""
    return _of_resource(item)[1]


def _of_resource(item: Rules) -> tuple[list[Rule], list[str]]:
    where = f"{item.package}/{item.resource}"
    try:
        text = files(item.package).joinpath(item.resource).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError, UnicodeDecodeError) as error:
        return [], [f"{where}: it cannot be read: {error}"]
    return read_rules(text, where)


def load_rules(registry: Registry, changes: Sequence[RuleChange] = ()) -> list[Rule]:
    """Read every rule that the core and the plugins ship, sorted by ID.

    Parameters
    ----------
    changes : sequence of RuleChange
        What a study changed; see `apply_changes`.

    Raises
    ------
    PluginError
        A resource is missing, no TOML, or holds rules that do not validate;
        all problems of all resources are listed at once.
    """
    rules: dict[str, Rule] = {}
    problems: list[str] = []
    for item in registry.all(Rules):
        found, wrong = _of_resource(item)
        problems += wrong
        for rule in found:
            if rule.id in rules:
                problems.append(f"{item.package}/{item.resource}: {rule.id!r} is declared twice")
            rules[rule.id] = rule
    if problems:
        raise PluginError(
            f"{len(problems)} problem(s) in rules: " + "; ".join(problems),
            fix="mend the file that is named, or uninstall its plugin",
        )
    shipped = [rules[key] for key in sorted(rules)]
    return apply_changes(shipped, changes) if changes else shipped


def apply_changes(rules: Sequence[Rule], changes: Sequence[RuleChange]) -> list[Rule]:
    """Return the rules as a study wants them; each changed rule says so in `overrides`.

    Raises
    ------
    BadInputError
        A rule is not known, no reason is given, or the changed rule does not validate; all
        problems at once.
    """
    by_id = {rule.id: rule for rule in rules}
    problems: list[str] = []
    for change in changes:
        if not change.reason.strip():
            problems.append(f"rule {change.id!r}: no reason is given")
            continue
        known = by_id.get(change.id)
        if known is None and not change.id.startswith("study."):
            near = get_close_matches(change.id, by_id, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; a rule of your own is study.NAME"
            problems.append(f"there is no rule {change.id!r}{hint}")
            continue
        try:
            by_id[change.id] = _changed(known, change)
        except ValidationError as error:
            problems += [f"rule {change.id!r}: {p}" for p in problems_of(error)]
    if problems:
        raise BadInputError(
            f"{len(problems)} problem(s) in the study's rules: " + "; ".join(problems),
            fix="correct the [[rule]] tables; 'consilience rules' lists the rules",
        )
    return [by_id[key] for key in sorted(by_id)]


def _changed(known: Rule | None, change: RuleChange) -> Rule:
    if known is None:
        return Rule.model_validate({**change.fields, "id": change.id})
    before = known.to_json()
    fields: dict[str, Any] = {k: v for k, v in change.fields.items() if k != "overrides"}
    if "metric" in fields and fields["metric"] != known.metric:
        before = {k: v for k, v in before.items() if k not in ("unit", "value", "at")}
    if isinstance(fields.get("scope"), Mapping):
        fields["scope"] = {**before["scope"], **fields["scope"]}
    after = Rule.model_validate({**before, **fields})
    after = Rule.model_validate({**after.to_json(), **_own_words(known, after, fields)})
    said = [
        f"{name} {_short(before.get(name))} → {_short(after.to_json()[name])}"
        for name in change.fields
        if name in after.to_json() and before.get(name) != after.to_json()[name]
    ]
    text = f"{', '.join(said) or 'nothing'}; reason: {change.reason}"
    return after.model_copy(update={"overrides": text})


def _own_words(known: Rule, after: Rule, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return words for another threshold: the shipped ones name the shipped threshold."""
    if all(getattr(known, f) == getattr(after, f) for f in ("metric", "op", "value", "at")):
        return {}
    unit = "" if after.unit == "1" else f" {after.unit}"
    own = f"this study's own threshold, {after.text()}"
    words = (
        f"{after.titled()}: {{{after.metric}}}{unit} ({{{after.metric}.why}}), beyond {own}",
        f"stay within {own}; as shipped: {known.clear}",
    )
    return {n: text for n, text in zip(("words", "clear"), words, strict=True) if n not in fields}


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in value.items() if v) or "nothing"
    return str(value)
