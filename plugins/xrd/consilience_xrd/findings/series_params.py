"""Parameters of the analysis of a series."""

from __future__ import annotations

from pydantic import Field

from consilience_xrd.findings.params import PhaseParams

__all__ = ["SeriesParams"]


class SeriesParams(PhaseParams):
    """How lines are followed from state to state, beside how they are found and matched."""

    along: str | None = Field(
        None, description="state variable the series runs along, or time; None: cycle, time, …"
    )
    gate: float = Field(
        0.01, gt=0, le=0.1, description="farthest relative change of q from one state to the next"
    )
    least_states: int = Field(2, ge=2, description="states a line must be found in to be followed")
    follow: list[str] = Field(
        [],
        description="lines whose cell is followed whatever the phase's status: 'LiPt 001'",
    )
