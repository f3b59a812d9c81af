"""What surrounded a sample in a step: air, another gas, or vacuum; None where nobody said so."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from consilience.custody.conditions import bounds
from consilience.custody.past.exposure import Window, peak
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["SEALED", "in_air", "in_vacuum", "never_at_air_pressure", "read_below"]

SEALED = ("prepare", "cycle", "bias")
"""Steps of a sealed cell, or of what is no sample yet."""

VACUUM_BELOW = 1e3
"""Pa; below it, what is left is no gas that a mole fraction would describe."""

_GAS = re.compile(r"\b(Ar|N2|He|CO2|O2|argon|nitrogen|helium|vacuum|UHV)\b", re.IGNORECASE)
_AIR = re.compile(r"\bair\b(?!-?\s*(free|less|tight))", re.IGNORECASE)
_VACUUM = re.compile(r"\b(vacuum|UHV)\b", re.IGNORECASE)


def in_air(step: Step) -> bool | None:
    """Return whether the sample was in air in a step; None where nobody said so.

    An *expose* step is air unless it names another gas.  A cell that is cycled or biased is
    sealed, and what is being prepared is no sample yet, unless they say air.
    """
    gas = step.conditions.get("atmosphere", step.conditions.get("cover_gas"))
    if isinstance(gas, str):
        if _AIR.search(gas):
            return True
        if _GAS.search(gas):
            return False
        return True if step.type == "expose" else None
    if step.type == "expose":
        return True
    if step.type in SEALED or "ion" in step.conditions:  # an ion beam needs vacuum
        return False
    _, pressure = bounds(step.conditions.get("pressure"), "Pa")
    if pressure is not None and pressure <= VACUUM_BELOW:
        return False
    return False if "vacuum" in str(step.conditions.get("carrier", "")) else None


def never_at_air_pressure(custody: Custody, window: Window) -> bool:
    """Return whether the pressure is known, without a gap, to have stayed that of a vacuum."""
    high = peak(custody, window, "pressure", "Pa").high
    return high is not None and math.isfinite(high) and high <= VACUUM_BELOW


def in_vacuum(custody: Custody, window: Window) -> bool | None:
    """Return whether the sample was in vacuum; None where nobody said so."""
    conditions = window.step.conditions
    gas = conditions.get("atmosphere", conditions.get("cover_gas"))
    if isinstance(gas, str):
        return _VACUUM.search(gas) is not None
    if "ion" in conditions or "vacuum" in str(conditions.get("carrier", "")):
        return True
    low, high = bounds(conditions.get("pressure"), "Pa")
    if high is not None and high <= VACUUM_BELOW:
        return True
    if low is not None and low > VACUUM_BELOW:
        return False
    return True if read_below(custody, window, "pressure", "Pa", VACUUM_BELOW) else None


def read_below(custody: Custody, window: Window, name: str, unit: str, limit: float) -> bool:
    """Return whether any reading of the step's sensors, whenever it was, lies below a limit."""
    from consilience.custody.past.course import course_of

    for series in window.sensors(custody, name):
        key = ("lowest", series.id, name, unit)
        if key not in custody.exposed:
            course = course_of(custody, [series], name, unit, None, None)
            lows = [float(p.points.min(initial=math.inf)) for p in course.pieces()]
            custody.exposed[key] = min(lows, default=math.inf)
        if custody.exposed[key] < limit:
            return True
    return False
