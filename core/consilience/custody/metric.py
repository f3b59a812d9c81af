"""The numbers that rules may ask for: each by name, with its unit, or unknown with the reason."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "OPERATORS", "Metric", "MetricSpec", "Operator"]

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Metric:
    """One number about a measurement's past, or what is known of it.

    Parameters
    ----------
    name : str
        A key of `METRICS`.
    value : float or None
        In `unit`; None is unknown, and never becomes a number.
    at_least, at_most : float, optional
        What is certain where `value` is unknown: bounds from the part that was recorded.
    why : str
        How it came about, with its numbers; where unknown, what is missing.
    evidence : tuple of str
        IDs of the steps, series and measurements behind it.
    """

    name: str
    value: float | None
    unit: str
    at_least: float | None = None
    why: str = ""
    evidence: tuple[str, ...] = ()
    at_most: float | None = None

    def holds(self, op: Operator, threshold: float) -> bool | None:
        """Return whether the number compares so to `threshold`; None: that cannot be known."""
        if self.value is not None:
            return OPERATORS[op](self.value, threshold)
        compare = OPERATORS[op]
        low, high = self.at_least, self.at_most
        if op in (">", ">="):
            sure, never = low, high
        elif op in ("<", "<="):
            sure, never = high, low
        else:
            apart = (low is not None and threshold < low) or (high is not None and threshold > high)
            return (op == "!=") if apart else None
        if sure is not None and compare(sure, threshold):
            return True
        if never is not None and not compare(never, threshold):
            return False
        return None


@dataclass(frozen=True)
class MetricSpec:
    """What a metric means: its unit, its title, and the unit of its parameter if it takes one."""

    name: str
    unit: str
    title: str
    parameter: str | None = None


_ALL = (
    # from the files and what their readers and checks noticed
    MetricSpec("data_faults", "1", "faults that the data show of themselves"),
    # from the radiation that was recorded
    MetricSpec(
        "dose_unknown", "1", "of fluence, rate, energy and temperature, how many are unknown"
    ),
    MetricSpec(
        "electron_fluence", "1/angstrom^2", "electrons on the region, this measurement included"
    ),
    MetricSpec(
        "electron_fluence_before", "1/angstrom^2", "electrons on the region before this measurement"
    ),
    MetricSpec(
        "electron_fluence_warm",
        "1/angstrom^2",
        "electrons on the region while warmer than the given temperature",
        "K",
    ),
    MetricSpec(
        "electron_fluence_rate", "1/angstrom^2/s", "highest electron fluence rate on the region"
    ),
    MetricSpec("electron_energy", "keV", "energy of the electrons of this measurement"),
    MetricSpec("photon_fluence", "1/um^2", "photons on the region, this measurement included"),
    MetricSpec("photon_dose", "Gy", "dose by photons, where material and energy are known"),
    # from steps
    MetricSpec("air_seconds", "s", "time in air"),
    MetricSpec("air_seconds_since_mill", "s", "time in air since it was last milled or cut"),
    MetricSpec("unplaced_air_steps", "1", "number of steps in air that may be before or after"),
    MetricSpec(
        "storage_hours", "h", "time in store since the sample was prepared, disassembled or cut"
    ),
    MetricSpec(
        "storage_hours_before_cut",
        "h",
        "time in store of what the sample was cut from, before it was cut",
    ),
    MetricSpec(
        "hours_since_cut", "h", "time from the cut that made this sample to the measurement"
    ),
    MetricSpec(
        "warm_reactive_mills",
        "1",
        "number of mills with a reactive ion (Ga) while warmer than the given temperature",
        "K",
    ),
    MetricSpec("frozen_liquid", "1", "presence of frozen liquid (1 or 0)"),
    MetricSpec("slow_freezes", "1", "number of freezes by pouring, not plunging"),
    MetricSpec("coated", "1", "presence of a coat in the measurement (1 or 0)"),
    MetricSpec("cryo_uhv_transfer", "1", "transfer both cold and in vacuum (1 or 0)"),
    MetricSpec("temperature", "K", "temperature of the sample while it was measured"),
    MetricSpec(
        "time_contradictions",
        "1",
        "contradictions between the times of steps, series and measurements",
    ),
    MetricSpec(
        "value_contradictions",
        "1",
        "contradictions between the values and places that steps and measurements state",
    ),
    MetricSpec("unaccounted_hours", "h", "time between recorded steps of which nothing is known"),
    # from sensor series, and from what steps state where they have none
    MetricSpec("o2_ppm_hours", "ppm h", "exposure to oxygen"),
    MetricSpec("h2o_ppm_hours", "ppm h", "exposure to water"),
    MetricSpec("peak_pressure", "Pa", "highest pressure in transfers and stores in vacuum"),
    MetricSpec("peak_temperature", "K", "highest temperature since it was frozen"),
    MetricSpec("seconds_above", "s", "time above the given temperature since it was frozen", "K"),
    MetricSpec(
        "unrecorded_seconds",
        "s",
        "time in cold or vacuum steps that have a sensor, in which it recorded nothing",
    ),
    MetricSpec("suspect_sensors", "1", "sensors that look stuck though no limit was stated"),
)

METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _ALL}
