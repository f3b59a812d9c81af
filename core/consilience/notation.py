"""How numbers, units, times and states are written for a reader; unknown is called unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "UNKNOWN",
    "cell",
    "interval",
    "measured",
    "number",
    "quantity",
    "state",
    "time_text",
    "unit_text",
]

UNKNOWN = "unknown"

_SUPERSCRIPT = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")
_POWER = re.compile(r"(.*?)(?:(?:\*\*|\^)([+-]?\d+)|(?<=[A-Za-zµÅΩ])([+-]\d+))?", re.DOTALL)

_UNITS = {
    "1": "",
    "": "",
    "angstrom": "Å",
    "um": "µm",
    "micrometer": "µm",
    "micron": "µm",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "degC": "°C",
    "celsius": "°C",
    "ohm": "Ω",
    "percent": "%",
    "us": "µs",
    "uA": "µA",
    "e": "e⁻",
    "electron": "e⁻",
    "count": "counts",
}


def unit_text(unit: str | None) -> str:
    """Return a unit as it is printed: ``1/angstrom`` as Å⁻¹, ``um**2`` as µm²."""
    if unit is None:
        return ""
    bare = unit.strip()
    if bare in _UNITS:
        return _UNITS[bare]
    parts = [_product(part) for part in bare.split("/")]
    if len(parts) == 2 and parts[0] in ("", "1") and re.fullmatch(r"[^\s⁰-⁹⁻²³¹]+", parts[1]):
        return f"{parts[1]}⁻¹"
    if len(parts) == 2 and parts[0] in ("", "1"):
        match = re.fullmatch(r"([^\s⁰-⁹⁻²³¹]+)([⁰-⁹²³¹]+)", parts[1])
        if match:
            return f"{match[1]}⁻{match[2]}"
    return "/".join(part or "1" for part in parts)


def _product(text: str) -> str:
    factors = []
    for factor in re.split(r"(?<!\*)\*(?!\*)|\s+|·", text.strip()):
        match = _POWER.fullmatch(factor)
        base, power = (match[1], match[2] or match[3] or "") if match else (factor, "")
        factors.append(_UNITS.get(base, base) + power.translate(_SUPERSCRIPT))
    return " ".join(f for f in factors if f)


def number(value: float | None, digits: int = 6) -> str:
    """Return a number in words that a reader knows: ``1.2 × 10⁻⁹``, a true minus, unknown."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value).replace("-", "−") if abs(value) < 10**15 else number(float(value))
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    mantissa, _, power = text.partition("e")
    if power:
        return f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPT)}".replace("-", "−")
    return mantissa.replace("-", "−")


def _decimals(std: float) -> int:
    """Decimals that show two significant digits of `std` (after rounding: 0.0996 is 0.10)."""
    return 1 - int(f"{std:.1e}".partition("e")[2])


def _fixed(value: float, decimals: int) -> str:
    return f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}".replace("-", "−")


def measured(
    value: float | None,
    unit: str | None = None,
    std_stat: float | None = None,
    std_sys: float | None = None,
) -> str:
    """Return value ± statistical ± systematic standard deviation with its unit.

    Two significant digits of the larger deviation decide the rounding, and value and both
    deviations end at the same place; one more digit is kept where that shows two of the smaller
    deviation.  One that is nothing at that place is below it: ``< 0.001``.  What is not known is
    called unknown.

    Examples
    --------
    >>> measured(3.92314, "angstrom", 0.00123, 0.0041)
    '3.9231 ± 0.0012 (stat) ± 0.0041 (sys) Å'
    >>> measured(1.3512, "1", 0.00019, 0.029)
    '1.351 ± < 0.001 (stat) ± 0.029 (sys)'
    >>> measured(12.0, "nm")
    '12 nm, uncertainty unknown'
    """
    if value is None:
        return UNKNOWN
    symbol = unit_text(unit)
    tail = f" {symbol}" if symbol and symbol != "°" else symbol
    if std_stat is None and std_sys is None:
        return f"{number(value)}{tail}, uncertainty unknown"
    return _with_stds(value, [("stat", std_stat), ("sys", std_sys)], tail)


def _with_stds(value: float, stds: Sequence[tuple[str, float | None]], tail: str) -> str:
    known = sorted(s for _, s in stds if s)
    largest = max([abs(value), *known])
    power = math.floor(math.log10(largest)) if largest > 0 else 0
    power = power if power >= 6 or power < -3 else 0
    scale = 10.0**-power
    if known:
        decimals = _decimals(known[-1] * scale)
        finer = _decimals(known[0] * scale)
        decimals = max(decimals, finer) if finer <= decimals + 1 else decimals
        text = _fixed(value * scale, decimals)
    else:
        decimals, text = 0, number(value * scale)
    for name, std in stds:
        label = f" ({name})" if name else ""
        if std is None:
            text += f" ± {UNKNOWN}{label}"
        elif std == 0:
            text += f" ± 0{label}"
        elif round(std * scale, decimals) == 0:
            text += f" ± < {_fixed(10.0**-decimals, decimals)}{label}"
        else:
            text += f" ± {_fixed(std * scale, decimals)}{label}"
    if power:
        return f"({text}) × 10{str(power).translate(_SUPERSCRIPT)}{tail}"
    return text + tail


def quantity(
    value: float | None, unit: str | None, std: float | None = None, *, with_std: bool = False
) -> str:
    """Return a number with its unit and, with `with_std`, one total standard deviation."""
    if value is None:
        return UNKNOWN
    symbol = unit_text(unit)
    tail = f" {symbol}" if symbol and symbol != "°" else symbol
    return _with_stds(value, [("", std)], tail) if with_std else number(value) + tail


def interval(low: float | None, high: float | None, level: float, unit: str | None) -> str:
    """Return a confidence interval in words; None is a side without bound."""
    tail = f" {unit_text(unit)}".rstrip()
    percent = f"{number(level * 100, 4)} % interval"
    if low is None and high is None:
        return f"{percent}: no bound on either side"
    if low is None:
        return f"{percent}: below {number(high, 4)}{tail}"
    if high is None:
        return f"{percent}: above {number(low, 4)}{tail}"
    return f"{percent}: {number(low, 4)} to {number(high, 4)}{tail}"


_TIMES = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))


def time_text(seconds: float, digits: int = 4) -> str:
    """Return a duration in the unit that keeps its number small: ``90 min``, ``1 h``, ``3 d``."""
    size, unit = next(
        (t for t in reversed(_TIMES) if abs(seconds) >= 2 * t[0] or abs(seconds) == t[0]),
        _TIMES[0],
    )
    return f"{number(float(f'{seconds / size:.{digits}g}'), digits)} {unit}"


def cell(value: Any, depth: int = 0) -> str:
    """Return any JSON value as one short text; None is unknown, a quantity has its unit."""
    if depth > 8:  # deeper than anybody reads; the study has all
        return "…"
    if value is None:
        return UNKNOWN
    if isinstance(value, bool | int | float):
        return number(value)
    if isinstance(value, str):
        return value
    if hasattr(value, "unit") and hasattr(value, "value"):
        value = {
            "value": value.value,
            "unit": value.unit,
            "std_stat": value.std_stat,
            "std_sys": value.std_sys,
        }
    if isinstance(value, Mapping):
        if {"value", "unit"} <= set(value) <= {"value", "unit", "std_stat", "std_sys"}:
            return _quantity_cell(value)
        return "; ".join(f"{k}: {cell(v, depth + 1)}" for k, v in value.items()) or "none"
    if isinstance(value, Sequence):
        return ", ".join(cell(v, depth + 1) for v in value) or "none"
    return str(value)


def _quantity_cell(value: Mapping[str, Any]) -> str:
    amount, unit = value["value"], value["unit"]
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return f"{cell(amount)} {unit_text(str(unit))}".rstrip()
    stat, sys = value.get("std_stat"), value.get("std_sys")
    if stat is None and sys is None:
        return quantity(float(amount), None if unit is None else str(unit))
    return measured(float(amount), None if unit is None else str(unit), stat, sys)


def state(values: Mapping[str, Any]) -> str:
    """Return the state of a sample as one line, in a fixed order."""
    return ", ".join(f"{key}: {cell(values[key])}" for key in sorted(values))
