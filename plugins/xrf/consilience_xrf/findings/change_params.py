"""Parameters of the analysis of change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ChangeParams"]

Positive = Annotated[float, Field(gt=0.0, le=1e12, allow_inf_nan=False)]
Place = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Relative = Annotated[float, Field(ge=0.0, le=10.0, allow_inf_nan=False)]


class ChangeParams(BaseModel):
    """Parameters of `run_change`.

    Parameters
    ----------
    line : str
        Whose map, such as ``"Pt_La"``; by default the one with most structure in the reference.
    states : tuple of str
        Names of measurements, or values of their states, to compare; by default all that have the
        shape and step of most.
    reference : str
        The one that the others are held against; by default the first.
    lithiated, delithiated : str
        The pair whose ratio is told; by default the states called so.
    align : bool
        False takes the scans as lying on each other.
    rim_width : float, optional
        µm; by default a quarter of the greatest distance from the film's edge.
    threshold : float
        Share of the film's level at which it ends.
    normalise_by : tuple of str
        Of these, what all measurements have.
    monitor_std : float, optional
        Relative, at a point; by default 1/√counts.
    beam_std : float, optional
        Relative, of one state's beam against another's beyond the monitor's counts; None: not
        known, and so is the systematic error of a ratio of intensities.
    counting : bool
        √N for maps in counts without a standard deviation.
    witness : str
        Name or title of a registered reference: an image of the area, such as one by SEM.
    witness_step : float, optional
        µm between its pixels.
    witness_origin : (y, x), optional
        µm, of its lower left pixel in the scan's coordinates; by default its place is fitted.
    witness_state : str
        Which scan it is held against; by default the last.
    incident_energy : float, optional
        keV, where the files do not say.
    incident_angle, takeoff_angle : float
        Degrees between surface and beam, and surface and detector.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: str = ""
    states: tuple[str, ...] = ()
    reference: str = ""
    lithiated: str = "lithiated"
    delithiated: str = "delithiated"
    align: bool = True
    rim_width: Positive | None = None
    threshold: Annotated[float, Field(gt=0.1, lt=0.9)] = 0.5
    normalise_by: tuple[Literal["monitor", "dwell", "live_time", "real_time", "dead_time"], ...] = (
        "monitor",
        "dwell",
        "live_time",
        "real_time",
        "dead_time",
    )
    monitor_std: Relative | None = None
    beam_std: Relative | None = None
    counting: bool = True
    witness: str = ""
    witness_step: Positive | None = None
    witness_origin: tuple[Place, Place] | None = None
    witness_state: str = ""
    incident_energy: Positive | None = None
    incident_angle: Annotated[float, Field(gt=0.0, le=90.0)] = 90.0
    takeoff_angle: Annotated[float, Field(gt=0.0, le=90.0)] = 90.0

    @property
    def lines(self) -> tuple[str, ...]:
        """What maps have to be there."""
        return (self.line,) if self.line else ()
