"""A rule, and where rules come from."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Literal

from pydantic import ValidationError

from consilience.declarations import Rules
from consilience.errors import PluginError
from consilience.model.base import FiniteFloat, FrozenModel
from consilience.model.sample import problems_of
from consilience.registry import Registry

__all__ = ["Rule", "Scope", "load_rules"]


class Scope(FrozenModel):
    """Where a rule holds; an empty list means everywhere."""

    modality: list[str] = []
    kind: list[str] = []
    element: list[str] = []


class Rule(FrozenModel):
    """A comparator over one metric, with its effect, its words and its citation.

    `words` may name metrics in braces; they are filled in with the numbers that
    fired the rule.
    """

    id: str
    effect: Literal["note", "doubt", "veto"]
    metric: str
    op: Literal[">", ">=", "<", "<=", "=="]
    value: FiniteFloat
    scope: Scope = Scope()
    words: str
    clear: str
    citation: str

    def holds(self, number: float) -> bool:
        """Return True if `number` compares to the rule's value as the rule says."""
        return {
            ">": number > self.value,
            ">=": number >= self.value,
            "<": number < self.value,
            "<=": number <= self.value,
            "==": number == self.value,
        }[self.op]


def load_rules(registry: Registry) -> list[Rule]:
    """Read every rule that the core and the plugins ship.

    Raises
    ------
    PluginError
        A resource is missing, no TOML, or holds a rule that does not validate;
        all problems of the resource are listed at once.
    """
    rules: dict[str, Rule] = {}
    for item in registry.all(Rules):
        try:
            text = files(item.package).joinpath(item.resource).read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except (OSError, ModuleNotFoundError, tomllib.TOMLDecodeError) as error:
            raise PluginError(
                f"rules {item.key!r}: {item.package}/{item.resource} cannot be read: {error}",
                fix="mend the resource, or uninstall the plugin",
            ) from error
        for number, entry in enumerate(table.get("rule", ())):
            try:
                rule = Rule.model_validate(entry)
            except ValidationError as error:
                raise PluginError(
                    f"rules {item.key!r}, rule {number + 1}: {'; '.join(problems_of(error))}",
                    fix=f"mend {item.resource} of {item.package}",
                ) from error
            if rule.id in rules:
                raise PluginError(
                    f"rule {rule.id!r} is declared twice", fix="rename one of the two"
                )
            rules[rule.id] = rule
    return [rules[key] for key in sorted(rules)]
