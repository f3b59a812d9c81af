"""What matching says of one phase: the types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from consilience_xrd.references.reference import Line, ReferencePattern

__all__ = [
    "CHANCE",
    "STRONG",
    "AreaProbe",
    "LineState",
    "PhaseResult",
    "RivalFor",
    "State",
    "Work",
]

STRONG = 20.0
"""Relative intensity from which a line counts as strong."""
CHANCE = 8.0
"""Relative intensity from which a line that was found counts against chance."""

State = Literal["found", "shared", "hidden", "below_detection", "missing", "out_of_range"]


@dataclass(frozen=True)
class AreaProbe:
    """What the data allow to be said of a place where no peak was found.

    Attributes
    ----------
    limit : callable
        Least detectable area at q [1/angstrom], or None where unknown.
    excess : callable
        ``excess(q, room)``: largest area over its std within q +/- room, left over by the fit.
    decision : float
        Excess from which a phase is not called absent.
    widths, unit : (float, float) or None, str
        Narrowest and widest line [unit] for which limit and excess hold, where known.
    """

    limit: Callable[[float], float | None]
    excess: Callable[[float, float], float | None]
    decision: float = 3.0
    widths: tuple[float, float] | None = None
    unit: str = ""


@dataclass(frozen=True)
class LineState:
    """A strong line of a phase: where it should be and whether it is there.

    `peak` is the index of the matched peak; `expected` the area expected from the other lines.
    """

    line: Line
    q: float
    state: State
    peak: int | None
    note: str = ""
    expected: float | None = None


@dataclass(frozen=True)
class RivalFor:
    """Another phase that explains the same peaks; `live` if it could take this one's place."""

    phase: str
    explains: tuple[str, ...]
    missing: tuple[str, ...]
    decided_by: tuple[str, ...]
    indistinguishable: bool
    live: bool


@dataclass(frozen=True)
class PhaseResult:
    """What the peaks say of one phase.

    Attributes
    ----------
    status : {"present", "absent_below_limit", "not_observable"} or None
        None: these data cannot tell; `reason` says why.
    found_share : float
        Share of the intensity of the strong, observable lines that was found.
    chance : float
        Probability that so many strong lines meet peaks by accident.
    intensity_agreement : float or None
        exp(-rms log ratio) of found to computed areas, allowing for a texture where one explains
        most of the scatter: 1 is perfect.
    limit : float or None
        Least area of its strongest line that would have been found, relative to the strongest peak.
    limit_widths : str
        For which widths of the line the limit holds.
    scale : float or None
        Median peak area per unit of computed relative intensity.
    """

    phase: str
    status: str | None
    reason: str
    lines: tuple[LineState, ...]
    found_share: float
    chance: float
    intensity_agreement: float | None
    score: float
    limit: float | None
    unique_peaks: tuple[int, ...]
    scale: float | None = None
    rivals: tuple[RivalFor, ...] = ()
    limit_widths: str = ""


@dataclass
class Work:
    """A phase while it is judged: (line, place, nearest peak, all peaks) for each line."""

    reference: ReferencePattern
    lines: list[tuple[Line, float, int | None, tuple[int, ...]]]
    share: float = 0.0
    chance: float = 1.0
    agreement: float | None = None
    scale: float | None = None
    score: float = 0.0
    strong_in_range: int = 0
