"""Conditions and quantities as they are written in the field: °C, mbar, kV, e/Å²."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from consilience.custody.dose.units import shown
from consilience.custody.metrics.dose import ledger_of
from consilience.model.base import Quantity
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Step
from consilience.notation import cell, number, time_text
from consilience.quantities import convert

if TYPE_CHECKING:
    from consilience.custody.account.completeness import FieldState
    from consilience.custody.custody import Custody

__all__ = [
    "celsius",
    "condition_text",
    "conditions_text",
    "list_of",
    "noun",
    "quantity_text",
    "span_text",
    "time_text",
]

_PHRASES = {
    "material": "with {}",
    "ion": "with {} ions",
    "voltage": "at {}",
    "energy": "at {}",
    "current": "with {}",
    "atmosphere": "in {}",
    "cover_gas": "under {}",
    "carrier": "by {}",
    "pressure": "at {}",
    "temperature": "at {}",
    "duration": "for {}",
}
_WORDS = {
    ("carrier", "suitcase"): "in a suitcase",
    ("carrier", "bag"): "in a bag",
    ("carrier", "box"): "in a box",
    ("carrier", "holder"): "in a holder",
    ("carrier", "shuttle"): "on a shuttle",
    ("method", "plunge"): "by plunging",
    ("method", "poured"): "by pouring the coolant on",
    ("liquid", "none"): "with no liquid in it",
}
_NOUNS = {
    "o2": "O₂",
    "h2o": "H₂O",
    "atmosphere": "atmosphere",
    "cover_gas": "cover gas",
    "duration": "duration",
    "pressure": "pressure",
    "temperature": "temperature",
    "humidity": "humidity",
    "thickness": "thickness",
    "liquid": "frozen liquid",
    "method": "method",
    "material": "material",
    "ion": "ion",
    "fluence": "fluence",
    "fluence_rate": "fluence rate",
}
_LEFT_OUT = ("modality", "reason", "particle")
_BOUND = re.compile(r"^(<=|>=|<|>)\s*([-+.\deE]+)\s+(\S+)$")
_SIGNS = {"<": "below ", "<=": "at most ", ">": "above ", ">=": "at least "}


def list_of(words: Sequence[str]) -> str:
    """Return words as a list: ``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def celsius(kelvin: float) -> str:
    """Return a temperature in °C, or in K where it was given in whole kelvin."""
    degrees = round(kelvin - 273.15, 2)
    if degrees != round(degrees) and abs(kelvin - round(kelvin)) < 0.005:
        return f"{round(kelvin)} K"
    return f"{number(round(degrees, 1) + 0.0, 4)} °C"


def noun(name: str) -> str:
    """Return what a condition is called within a sentence."""
    return _NOUNS.get(name, name.replace("_", " "))


def conditions_text(step: Step) -> str:
    """Return what was said of a step: ``in Ar at −190 °C for 25 min (O₂ below 5 ppm)``."""
    said = {n: _value(n, v) for n, v in step.conditions.items() if n not in _LEFT_OUT}
    parts = [_WORDS[n, v] for n, v in said.items() if (n, v) in _WORDS]
    rest = {n: v for n, v in said.items() if (n, v) not in _WORDS}
    parts += [phrase.format(rest.pop(n)) for n, phrase in _PHRASES.items() if n in rest]
    aside = ", ".join(f"{noun(name)} {value}" for name, value in rest.items())
    return " ".join([*parts, *([f"({aside})"] if aside else [])])


def condition_text(name: str, value: object, step_type: str = "") -> str:
    """Return one condition as a table has it: °C beside K, mbar beside Pa, kV, pA.

    A quantity with a standard deviation is written in full, in its stored unit.
    """
    ions = step_type in ("mill", "lift_out", "coat") and name in ("fluence", "fluence_rate")
    if isinstance(value, Quantity):
        if ions or value.std_stat is not None or value.std_sys is not None:
            return cell(value)
        return _in_field(name, value.value, value.unit) + _beside(name, value.value, value.unit)
    if isinstance(value, str) and (match := _BOUND.match(value)) is not None and not ions:
        number_, unit = float(match[2]), match[3]
        return _SIGNS[match[1]] + _in_field(name, number_, unit) + _beside(name, number_, unit)
    return _value(name, value)


def _beside(name: str, value: float, unit: str) -> str:
    """Return a temperature or pressure in the other unit that is read: `` (83.15 K)``."""
    if name == "temperature":
        kelvin = convert(value, unit, "K")
        if celsius(kelvin).endswith(" K"):
            return f" ({number(round(kelvin - 273.15, 2) + 0.0, 5)} °C)"
        return f" ({number(kelvin, 5)} K)"
    if name == "pressure":
        return f" ({number(convert(value, unit, 'Pa'), 4)} Pa)"
    return ""


def span_text(name: str, low: float, high: float, unit: str) -> str:
    """Return what a sensor saw of a condition: ``temperature −185 to −120 °C``."""
    first, last = _in_field(name, low, unit), _in_field(name, high, unit)
    if first == last:
        return f"{noun(name)} {last}"
    (start, sign), (_, other) = first.rsplit(" ", 1), last.rsplit(" ", 1)
    return f"{noun(name)} {start if sign == other else first} to {last}"


def quantity_text(
    custody: Custody, record: MeasurementRecord, field: str, state: FieldState
) -> str:
    """Return a field of dose as it stands in a paper; `state.text` for the others."""
    own = ledger_of(custody).own(record)
    if field == "temperature" and len({e.temperature for e in own}) == 1 and own:
        low, high = own[0].temperature
        if low is not None and low == high:
            return celsius(low)
    if field == "dose":
        return list_of(_unique(shown(e.fluence, e.unit) for e in own))
    if field == "dose_rate":
        return list_of(_unique(shown(e.fluence_rate, f"{e.unit}/s") for e in own))
    match = re.fullmatch(r"([-\d.e+]+) K", state.text)
    return celsius(float(match[1])) if match else state.text


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _value(name: str, value: object) -> str:
    if isinstance(value, Quantity):
        return _in_field(name, value.value, value.unit)
    if isinstance(value, str) and (match := _BOUND.match(value)) is not None:
        return _SIGNS[match[1]] + _in_field(name, float(match[2]), match[3])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _in_field(name: str, value: float, unit: str) -> str:
    if name == "temperature":
        return celsius(convert(value, unit, "K"))
    if name == "duration":
        return time_text(convert(value, unit, "s"))
    if name == "pressure":
        return f"{number(convert(value, unit, 'mbar'), 4)} mbar"
    if name in ("fluence", "fluence_rate"):
        return shown(value, unit)
    if name == "voltage":
        volts = convert(value, unit, "V")
        return f"{volts / 1e3:g} kV" if abs(volts) >= 1e3 else f"{volts:g} V"
    if name == "current":
        amperes = convert(value, unit, "A")
        for scale, word in ((1e-12, "pA"), (1e-9, "nA"), (1e-6, "µA"), (1e-3, "mA")):
            if abs(amperes) < 1000 * scale:
                return f"{amperes / scale:.4g} {word}"
        return f"{amperes:g} A"
    if unit == "percent":
        return f"{value:g} %"
    return f"{number(value, 4)} {unit}"
