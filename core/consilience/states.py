"""States of samples: when two are one, and how they are said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consilience.model.base import Quantity
from consilience.model.finding import Finding

__all__ = ["State", "contradicting", "state_json", "state_words", "value_words"]

State = Mapping[str, Any]
"""Values of a state in JSON form: quantities are ``{"value", "unit", …}``."""


def state_json(finding: Finding) -> dict[str, Any]:
    """Return the state in JSON form; a whole number is the same as one with a point."""
    return {
        key: value.to_json()
        if isinstance(value, Quantity)
        else float(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else value
        for key, value in finding.state.items()
    }


def contradicting(first: Finding, second: Finding) -> list[str]:
    """Return the state variables that both state and that differ."""
    one, other = state_json(first), state_json(second)
    return [key for key in sorted(set(one) & set(other)) if one[key] != other[key]]


def state_words(state: State) -> str:
    """Return a state in a few words."""
    words = []
    for key, value in sorted(state.items()):
        words.append(value if isinstance(value, str) else f"{key} {value_words(value)}")
    return ", ".join(words) or "no stated state"


def value_words(value: Any) -> str:
    """Return the value of a state variable as a person would write it."""
    if isinstance(value, Quantity):
        value = value.to_json()
    if isinstance(value, Mapping):
        return f"{value['value']:g} {value['unit']}"
    return f"{value:g}" if isinstance(value, float) else str(value)
