"""In which order the states of a sample came, and what they are plotted against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consilience.errors import BadInputError

__all__ = ["StateAxis", "order_states"]

PREFERRED = ("cycle", "time", "potential", "voltage", "charge", "temperature")
"""State variables that a series runs along by itself, in this order; then any other number."""


@dataclass(frozen=True)
class StateAxis:
    """The states in order.

    Attributes
    ----------
    name, unit : str
        What the series runs along, such as "cycle"; "order" where only an order is known.
    values : tuple of float
        One for each state; 1, 2, 3, … where only an order is known.
    labels : tuple of str
        What tells the states apart, in words.
    order : tuple of int
        Where each state was in the list that was given.
    notes : tuple of str
    """

    name: str
    unit: str
    values: tuple[float, ...]
    labels: tuple[str, ...]
    order: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether distances between states mean something."""
        return self.name != "order"


def order_states(
    states: Sequence[Mapping[str, Any]],
    starts: Sequence[str | None],
    names: Sequence[str],
    along: str | None = None,
) -> StateAxis:
    """Order states by a state variable, else by time, else as they were registered.

    Parameters
    ----------
    states : sequence of mapping
        State variables: text, numbers, or ``{"value": …, "unit": …}``.
    starts : sequence of str or None
        When each measurement started (ISO 8601, with its zone).
    names : sequence of str
        What the measurements are called, for states that nothing else tells apart.
    along : str, optional
        A state variable, or "time" for the start of the measurements.

    Raises
    ------
    BadInputError
        `along` is no number in every state, or its units differ.
    """
    varying = _varying(states)
    labels = [_label(state, varying, name) for state, name in zip(states, names, strict=True)]
    values, name, unit = _axis(states, starts, along)
    notes: list[str] = []
    if values is None:
        order = tuple(range(len(states)))
        notes.append(
            "no state variable is a number in every state and not all times are known: the states "
            "are taken in the order of registration"
        )
        values = [float(i + 1) for i in order]
    else:
        order = tuple(sorted(range(len(states)), key=lambda i: (values[i], starts[i] or "", i)))
        if len(set(values)) < len(values):
            notes.append(
                f"some states have the same {name}; those are in the order of their times, or of "
                "registration"
            )
    return StateAxis(
        name,
        unit,
        tuple(values[i] for i in order),
        tuple(labels[i] for i in order),
        order,
        tuple(notes),
    )


def _axis(
    states: Sequence[Mapping[str, Any]], starts: Sequence[str | None], along: str | None
) -> tuple[list[float] | None, str, str]:
    if along is not None and (along != "time" or any("time" in s for s in states)):
        return _numbers(states, along, must=True)
    if along is None:
        keys = set.intersection(*(set(s) for s in states)) if states else set()
        known = [k for k in PREFERRED if k in keys] + sorted(keys - set(PREFERRED))
        for key in known:
            values, name, unit = _numbers(states, key, must=False)
            if values is not None and len(set(values)) > 1:
                return values, name, unit
    if all(starts):
        moments = [datetime.fromisoformat(str(s)) for s in starts]
        first = min(moments)
        return [(m - first).total_seconds() / 3600 for m in moments], "time", "h"
    if along == "time":
        raise BadInputError(
            f"{sum(s is None for s in starts)} of {len(starts)} measurements have no start time",
            fix="leave `along` out, name a state variable, or register the files with their times",
        )
    return None, "order", ""


def _numbers(
    states: Sequence[Mapping[str, Any]], key: str, *, must: bool
) -> tuple[list[float] | None, str, str]:
    values: list[float] = []
    units: set[str] = set()
    for state in states:
        said = state.get(key)
        value = getattr(said, "value", said)
        unit = getattr(said, "unit", "")
        if isinstance(said, Mapping):
            value, unit = said.get("value"), str(said.get("unit", ""))
        if isinstance(value, bool) or not isinstance(value, int | float):
            if must:
                raise BadInputError(
                    f"state variable {key!r} is no number in every state: one has {said!r}",
                    fix="name a variable that every measurement of this sample has as a number",
                )
            return None, "order", ""
        values.append(float(value))
        units.add(unit)
    if len(units) > 1:
        if must:
            raise BadInputError(
                f"state variable {key!r} has different units: {', '.join(sorted(units))}",
                fix="give it in one unit",
            )
        return None, "order", ""
    return values, key, units.pop() if units else ""


def _varying(states: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = sorted({key for state in states for key in state})
    return [k for k in keys if len({_text(s.get(k)) for s in states}) > 1]


def _label(state: Mapping[str, Any], varying: Sequence[str], name: str) -> str:
    said = [f"{key} {_text(state[key])}" for key in varying if key in state]
    return ", ".join(said) or name


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Mapping):
        return f"{value.get('value')} {value.get('unit', '')}".strip()
    if hasattr(value, "value") and hasattr(value, "unit"):
        return f"{value.value:g} {value.unit}".strip()
    return f"{value:g}" if isinstance(value, float) else str(value)
