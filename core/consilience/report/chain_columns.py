"""What is known of each step in a chain: its place, its conditions, its sensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from consilience.custody.chain import Link, instant
from consilience.custody.conditions import bounds
from consilience.custody.metrics.surroundings import in_air
from consilience.custody.traces import Trace
from consilience.model.base import Quantity
from consilience.model.sample import Step
from consilience.notation import time_text

__all__ = ["PANELS", "Column", "Threshold", "lasted"]

PANELS = (
    ("temperature", "temperature (K)", False),
    ("pressure", "pressure (Pa)", True),
    ("o2", "O₂ (ppm)", True),
    ("h2o", "H₂O (ppm)", True),
)
"""Conditions and sensors that are drawn: name, label, and whether on a logarithmic axis."""


_UNITS = {"temperature": "K", "pressure": "Pa", "o2": "ppm", "h2o": "ppm"}


@dataclass(frozen=True)
class Threshold:
    """A limit that a rule sets on a sensor: `above` it is an excursion.

    `since_freeze`: only from the first freeze of the chain on; `vacuum`: only in transfers
    and stores that name no gas; `samples`: only in these, None: in all.
    """

    column: str
    value: float
    rule: str
    since_freeze: bool = False
    vacuum: bool = False
    samples: frozenset[str] | None = None


@dataclass(frozen=True)
class Stated:
    """A number that a person stated, or a bound on it (``"<"`` or ``">"``)."""

    value: float
    relation: Literal["", "<", ">"] = ""

    def beyond(self, threshold: float) -> bool:
        """Return True where it certainly lies above a threshold."""
        return self.relation != "<" and self.value > threshold


@dataclass
class Column:
    """A step in the picture: its place, and what is known of each sensor."""

    link: Link
    number: int
    frozen: bool
    traces: dict[str, list[Trace]] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.link.step

    def stated(self, column: str) -> Stated | None:
        """Return what a person stated of a condition, in its one unit."""
        low, high = bounds(self.step.conditions.get(column), _UNITS[column])
        if low is not None and high is not None:
            return Stated(low)
        if high is not None:
            return Stated(high, "<")
        return None if low is None else Stated(low, ">")

    @property
    def in_air(self) -> bool:
        """True where the sample was in air: exposed on purpose, or under an atmosphere of air."""
        return in_air(self.step) is True

    def concerns(self, threshold: Threshold) -> bool:
        """Return True where the rule behind a threshold speaks of this step."""
        if threshold.samples is not None and self.step.sample not in threshold.samples:
            return False
        if threshold.since_freeze and not self.frozen:
            return False
        if not threshold.vacuum:
            return True
        said = self.step.conditions
        gas = said.get("atmosphere", said.get("cover_gas", "vacuum"))
        return self.step.type in ("transfer", "store") and gas in ("vacuum", "UHV")


def lasted(step: Step) -> str:
    """Return how long a step took, by its times, else as stated; empty if unknown."""
    start, end = instant(step.start), instant(step.end)
    if start is not None and end is not None and end >= start:
        seconds = (end - start).total_seconds()
    else:
        stated = step.conditions.get("duration")
        if not isinstance(stated, Quantity):
            return ""
        seconds = stated.value
    return time_text(seconds, 3)
