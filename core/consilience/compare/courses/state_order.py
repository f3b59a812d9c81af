"""In what order did a sample pass through its states, and how is that known?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from consilience.compare.context import ComparisonContext
from consilience.compare.history import latest_of
from consilience.model.finding import Finding
from consilience.states import State, value_words

__all__ = ["Order", "order_of"]

Order = tuple[list[int] | None, str]
"""Places of the states in their order, and how that is known; None: not known, and why."""


def order_of(
    states: Sequence[State],
    measured: Sequence[Sequence[Sequence[Finding]]],
    context: ComparisonContext,
    stated: str | Sequence[str] | None = None,
) -> Order:
    """Order states by what the study says of them.

    Parameters
    ----------
    states : sequence of mapping
        All different.
    measured : sequence
        For each technique the findings of each state.
    context : ComparisonContext
        When measurements started, and their places in the chain.
    stated : str or sequence of str, optional
        State variable, or values of one in their order, as the study states it.

    Returns
    -------
    Order
        By what is stated; else the one numeric state variable that differs from state to state;
        else when the measurements were made, if all techniques passed the states in one order.
    """
    if isinstance(stated, str):
        places = _by_number(states, stated)
        if places is None:
            return None, f"the state variable {stated!r} is not a different number in each state"
        return places, f"by {stated}"
    if stated is not None:
        return _by_values(states, stated)
    keys = sorted({key for state in states for key in state})
    numeric = {key: places for key in keys if (places := _by_number(states, key)) is not None}
    found = {tuple(places) for places in numeric.values()}
    if len(found) == 1:
        return list(found.pop()), f"by {' and '.join(numeric)}"
    for word, moments in (("time", _times), ("place in the chain", _sequences)):
        orders = [_sorted(moments(groups, context)) for groups in measured]
        known = [places for places in orders if places is not None]
        if known and all(places == known[0] for places in known):
            return known[0], f"by the {word} of measurement"
        if known:
            return None, "the two techniques passed the states in different orders"
    return None, "neither a number in each state nor times of measurement order them"


def _by_number(states: Sequence[State], key: str) -> list[int] | None:
    values = [state.get(key) for state in states]
    units = {v["unit"] for v in values if isinstance(v, Mapping)}
    numbers = [v["value"] if isinstance(v, Mapping) else v for v in values]
    mixed = len(units) > 1 or (units and not all(isinstance(v, Mapping) for v in values))
    if mixed or any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return None
    return _sorted(numbers)


def _by_values(states: Sequence[State], stated: Sequence[str]) -> Order:
    places = {value: place for place, value in enumerate(stated)}
    for key in sorted({key for state in states for key in state}):
        values = [value_words(state.get(key)) for state in states]
        if all(v in places for v in values) and len(set(values)) == len(values):
            return _sorted([places[v] for v in values]), "as the study states it"
    return None, "the stated order does not name each of the states"


def _times(groups: Sequence[Sequence[Finding]], context: ComparisonContext) -> list[float | None]:
    from datetime import datetime

    made = []
    for group in groups:
        latest = latest_of([context.starts.get(m) for f in group for m in f.measurements])
        made.append(None if latest is None else datetime.fromisoformat(latest).timestamp())
    return made


def _sequences(
    groups: Sequence[Sequence[Finding]], context: ComparisonContext
) -> list[float | None]:
    made: list[float | None] = []
    for group in groups:
        places = [context.sequences.get(m) for f in group for m in f.measurements]
        known = [float(p) for p in places if p is not None]
        made.append(max(known) if known and len(known) == len(places) else None)
    return made


def _sorted(values: Sequence[Any]) -> list[int] | None:
    """Return the places in rising order, or None if two are equal or one is unknown."""
    if any(v is None for v in values) or len(set(values)) < len(values):
        return None
    return sorted(range(len(values)), key=lambda i: values[i])
