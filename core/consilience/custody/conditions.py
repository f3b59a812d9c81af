"""Conditions of steps as they are stored: checked against the glossary, and read back.

A condition is a quantity stored in one unit, a bound on one (``"< 5 ppm"``, kept as text: it is
not a number), or words.  Names that nearly are a known one are refused, others are kept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from consilience.custody.glossary import (
    ANYWHERE,
    ASKED,
    GLOSSARY,
    METRIC_SAID,
    OTHER_NAMES,
    OWN,
    Condition,
)
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.sample import Step, problems_of
from consilience.quantities import convert, parse_quantity, parse_value

__all__ = [
    "ASKED",
    "GLOSSARY",
    "OWN",
    "Condition",
    "bounds",
    "checked",
    "missing",
    "out_of_bounds",
    "unusual",
]

ConditionValue = Quantity | str | bool | int | float


_BOUND = re.compile(r"^\s*(<=|>=|<|>|≤|≥|below|above|under|over)\s*(.+)$")
_SIGNS = {"≤": "<=", "≥": ">=", "below": "<", "under": "<", "above": ">", "over": ">"}
_CHARGE = re.compile(r"[⁺⁺+\d]+$|\s+ions?$", re.IGNORECASE)


def checked(step_type: str, conditions: Mapping[str, Any]) -> dict[str, ConditionValue]:
    """Return conditions as they are stored: each known one in its unit, or as a word rules know.

    Parameters
    ----------
    step_type : str
    conditions : mapping
        Name to text with a unit (``"90 K"``), a bound (``"< 5 ppm"``), words, or a Quantity.

    Raises
    ------
    BadInputError
        All problems at once: a name or word that is nearly a known one, a number without a unit,
        a unit of another dimension, or a value that cannot be.
    """
    stored: dict[str, ConditionValue] = {}
    problems: list[BadInputError] = []
    for name, value in conditions.items():
        try:
            stored[name] = _checked(step_type, name, value)
        except BadInputError as error:
            problems.append(error)
    if problems:
        raise BadInputError(
            f"step {step_type!r}: {'; '.join(p.what for p in problems)}",
            fix="; ".join(dict.fromkeys(p.fix for p in problems)),
        )
    return stored


def bounds(value: object, unit: str) -> tuple[float | None, float | None]:
    """Return the least and the greatest that a stored condition can be; None where unknown.

    A quantity is both; ``"< 5 ppm"`` has a greatest only; words and None have neither.
    """
    if isinstance(value, Quantity):
        number = convert(value.value, value.unit, unit)
        return number, number
    if isinstance(value, str) and (match := _BOUND.match(value)) is not None:
        try:
            limit = parse_quantity(match[2], unit).value
        except BadInputError:
            return None, None
        return (None, limit) if _sign(match[1])[0] == "<" else (limit, None)
    return None, None


def missing(step: Step) -> list[str]:
    """Return what the field asks of such a step and was not said.

    Start and end are as good as a duration.
    """
    said = set(step.conditions)
    if step.start is not None and step.end is not None:
        said.add("duration")
    return [ask for ask in ASKED[step.type] if not said & set(ask.split(" or "))]


def unusual(step: Step) -> list[str]:
    """Return known conditions that belong to another type of step."""
    usual = ANYWHERE | OWN[step.type]
    return [name for name in step.conditions if name in GLOSSARY and name not in usual]


def out_of_bounds(name: str, value: object) -> str | None:
    """Say why a stored condition cannot be, or return None."""
    known = GLOSSARY.get(name)
    if known is None or known.unit is None or not isinstance(value, Quantity):
        return None
    try:
        number = convert(value.value, value.unit, known.unit)
    except BadInputError as error:
        return error.what
    if known.low < number <= known.high or (number == known.low and not known.above):
        return None
    return f"{name} {value.value:g} {value.unit} is {number:g} {known.unit}, which cannot be"


def _checked(step_type: str, name: str, value: Any) -> ConditionValue:
    known = GLOSSARY.get(name)
    if known is None:
        _not_nearly_known(name)
        parsed = parse_value(value) if isinstance(value, str) else value
        if isinstance(value, str) and not isinstance(parsed, Quantity):
            return value
        return _plain(name, parsed)
    if known.unit is not None:
        return _quantity(step_type, known, known.unit, value)
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(
            f"{name} is {value!r}, expected words",
            fix=f"write {name} as text"
            + (f", for example {known.words[0]!r}" if known.words else ""),
        )
    if name == "modality":
        return value.strip().lower()
    if name == "method" and step_type != "freeze":
        return value.strip()
    return _word(known, value.strip(), closed=known.closed or name == "method")


def _quantity(step_type: str, known: Condition, unit: str, value: Any) -> Quantity | str:
    sign = ""
    quantity: Quantity
    if isinstance(value, str):
        match = _BOUND.match(value)
        if match is not None:
            sign, value = _sign(match[1]), match[2]
        try:
            quantity = parse_quantity(value, unit)
        except BadInputError as error:
            fix = _voltage_meant(known.name, value) or error.fix
            raise BadInputError(f"{known.name}: {error.what}", fix=fix) from error
    else:
        given = _plain(known.name, value)
        if not isinstance(given, Quantity):
            raise BadInputError(
                f"{known.name} is {value!r}, without a unit",
                fix=f"write it with its unit, for example {known.name} = '{value} {unit}'",
            )
        quantity = _converted(given, unit)
    wrong = out_of_bounds(known.name, quantity)
    if wrong is None and step_type == "mill" and known.name == "voltage" and quantity.value <= 0:
        wrong = f"voltage of the ion beam is {quantity.value:g} V, which cannot be"
    if wrong is not None:
        raise BadInputError(
            wrong if not isinstance(value, str) else _as_written(known.name, value, wrong),
            fix="correct the number or its unit",
        )
    return f"{sign} {quantity.value:.12g} {unit}" if sign else quantity


def _as_written(name: str, text: str, wrong: str) -> str:
    """Return why a value cannot be, with what was written in place of what it was converted to."""
    said = wrong.removeprefix(f"{name} ")
    number = said.partition(" is ")[2] if said != wrong else ""
    return f"{name} {text!r} is {number}" if number else f"{name} {text!r}: {wrong}"


def _voltage_meant(name: str, text: str) -> str | None:
    """Return what to write for a voltage that was stated as an energy, None if it is none."""
    if name != "energy":
        return None
    try:
        volts = parse_quantity(text, "kV").value
    except BadInputError:
        return None
    return (
        f"write voltage = '{volts:g} kV', or for electrons energy = '{volts:g} keV', which is what "
        f"{volts:g} kV gives them"
    )


def _converted(given: Quantity, unit: str) -> Quantity:
    zero = convert(0.0, given.unit, unit)
    scale = abs(convert(1.0, given.unit, unit) - zero)
    return Quantity(
        value=convert(given.value, given.unit, unit),
        unit=unit,
        std_stat=None if given.std_stat is None else given.std_stat * scale,
        std_sys=None if given.std_sys is None else given.std_sys * scale,
    )


def _plain(name: str, value: Any) -> ConditionValue:
    if isinstance(value, Quantity | str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        try:
            return Quantity.model_validate(value)
        except ValidationError as error:
            raise BadInputError(
                f"{name}: {'; '.join(problems_of(error))}",
                fix=f"write {name} as text with its unit, for example '90 K'",
            ) from error
    raise BadInputError(
        f"{name} is {value!r}, which is neither text nor a number nor a quantity",
        fix=f"write {name} as text with its unit, for example '90 K'",
    )


def _word(known: Condition, text: str, *, closed: bool) -> str:
    by_small = {w.lower(): w for w in known.words} | dict(known.spelt)
    small = " ".join(text.lower().split())
    if known.name == "ion":
        small = _CHARGE.sub("", small) or small
    if small in by_small:
        return by_small[small]
    close = difflib.get_close_matches(small, [w for w in by_small if len(w) > 3], 1, 0.8)
    if closed:
        some = ", ".join(known.words[:6]) if len(known.words) <= 6 else "an element symbol"
        raise BadInputError(
            f"{known.name} {text!r} is not known",
            fix=f"did you mean {by_small[close[0]]!r}?" if close else f"use {some}",
        )
    if close and abs(len(close[0]) - len(small)) <= 2:
        raise BadInputError(
            f"{known.name} {text!r} is nearly {by_small[close[0]]!r}",
            fix=f"write {by_small[close[0]]!r}, or name it so that it cannot be taken for that",
        )
    return text


def _not_a_metric(name: str) -> None:
    """Refuse what is worked out from steps: as a condition nobody would read it."""
    from consilience.custody.metric import METRICS

    small = re.sub(r"[\s-]+", "_", name.strip().lower())
    if small not in METRICS or small in GLOSSARY:
        return
    raise BadInputError(
        f"{name!r} is worked out from the steps and cannot be entered",
        fix=METRIC_SAID.get(small, "enter the steps that it follows from, with their conditions"),
    )


def _not_nearly_known(name: str) -> None:
    _not_a_metric(name)
    if not name.strip() or not name.isprintable():
        raise BadInputError(f"a condition has the name {name!r}", fix="give it a name in words")
    small = re.sub(r"[\s-]+", "_", name.strip().lower())
    near = small if small in GLOSSARY else OTHER_NAMES.get(small)
    if near is None and small.endswith("s") and small[:-1] in GLOSSARY:
        near = small[:-1]
    if near is None:
        near = _with_unit(name)
    if near is None and len(small) > 4:
        names = [n for n in GLOSSARY if len(n) > 4 and not small.startswith(f"{n}_")]
        near = next(iter(difflib.get_close_matches(small, names, 1, 0.8)), None)
    if near is not None:
        raise BadInputError(
            f"condition {name!r} is nearly {near!r}, which rules know",
            fix=f"write {near!r}; if something else is meant, choose a name that differs more",
        )


def _with_unit(name: str) -> str | None:
    """Return the known name in one such as ``temperature_K`` or ``pressure_mbar``."""
    base, _, suffix = name.rpartition("_")
    known = GLOSSARY.get(base.lower())
    if known is None or known.unit is None:
        return None
    if known.name == "temperature" and suffix in ("C", "F"):
        return known.name
    try:
        convert(1.0, suffix, known.unit)
    except BadInputError:
        return None
    return known.name


def _sign(text: str) -> str:
    return _SIGNS.get(text, text)
