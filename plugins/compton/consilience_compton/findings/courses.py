"""Quantities over the states of one electrode: what a series is made of, wherever it is from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_compton.momentum.kinematics import compton_energy, momentum_slope
from consilience_compton.spectra import number_of

__all__ = ["QUANTITIES", "Course", "Quantity", "course_of_table", "resolution_of"]

QUANTITIES: dict[str, tuple[str, str]] = {
    "momentum_ratio": ("1", "EMR"),
    "li_content": ("1", "lithium content x"),
    "roughness": ("um", "roughness"),
}
"""Column of a table: its unit, and what it is called."""
ROUNDING = "rounding"


@dataclass(frozen=True)
class Quantity:
    """Values over the states, NaN where a state has none; errors None where not known."""

    values: tuple[float, ...]
    std_stat: tuple[float | None, ...]
    std_sys: tuple[float | None, ...]

    def std(self, index: int) -> float | None:
        """Of what is known of the error of one state; None where nothing is."""
        parts = [s for s in (self.std_stat[index], self.std_sys[index]) if s is not None]
        return math.hypot(*parts) if parts else None


@dataclass(frozen=True)
class Course:
    """One electrode over its states.

    Parameters
    ----------
    subject : str
        "cathode", "anode" …
    labels : tuple of str
        Of the states, in order.
    state : dict
        What all states share, such as the rate.
    quantities : dict
        By the names of `QUANTITIES`.
    measurements : tuple of str
        IDs that it rests on.
    composition : str
        For the model, ``Lix`` where lithium moves; "" where not known.
    fwhm : float
        Resolution in atomic units; 0 where not known.
    rounding : bool
        The errors are those of printed digits alone.
    areal : bool
        Whether the roughness integrates over an area, whatever it is called.
    voxel : float or None
        Of the volume that the roughness is from, µm.
    metadata : dict
    """

    subject: str
    labels: tuple[str, ...]
    state: Mapping[str, Any]
    quantities: Mapping[str, Quantity]
    measurements: tuple[str, ...]
    composition: str = ""
    fwhm: float = 0.0
    rounding: bool = False
    areal: bool = False
    voxel: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def index(self, label: str) -> int:
        """Return where a state stands.

        Raises
        ------
        BadInputError
            There is none of that name.
        """
        if label not in self.labels:
            raise BadInputError(
                f"no state of the {self.subject} is called {label!r}",
                fix=f"one of: {', '.join(self.labels)}",
            )
        return self.labels.index(label)


def resolution_of(metadata: Mapping[str, Any]) -> float:
    """Return the resolution in atomic units from keV, beam and angle; 0 where one is missing."""
    fwhm = number_of(metadata, "resolution", "keV")
    incident = number_of(metadata, "incident_energy", "keV")
    angle = number_of(metadata, "scattering_angle", "deg")
    if fwhm is None or incident is None or angle is None:
        return 0.0
    peak = compton_energy(incident, angle)
    return fwhm * float(momentum_slope(peak, incident, angle))


def course_of_table(measurement: Measurement) -> Course:
    """Return an entered table as a course.

    The metadata may say ``electrode`` (cathode or anode), ``composition``, ``incident_energy``,
    ``scattering_angle``, ``resolution``, ``std_is`` ("rounding": the standard deviations are those
    of the printed digits), ``roughness_is`` ("areal" or "profile") and ``voxel`` (um).
    """
    data, told = measurement.data, measurement.metadata
    found: dict[str, Quantity] = {}
    rounding = told.get("std_is") == ROUNDING
    rows = 0
    for name in QUANTITIES:
        if name not in data:
            continue
        values = tuple(float(v) for v in data[name].values)
        rows = len(values)
        known: tuple[float | None, ...] = (None,) * rows
        if f"{name}_std" in data:
            known = tuple(None if np.isnan(v) else float(v) for v in data[f"{name}_std"].values)
        nothing: tuple[float | None, ...] = (None,) * rows
        found[name] = Quantity(
            values, nothing if rounding else known, known if rounding else nothing
        )
    labels = tuple(str(one) for one in told.get("labels") or ())
    if len(labels) != rows:
        labels = tuple(f"state {number}" for number in range(1, rows + 1))
    if len(set(labels)) < len(labels):
        raise BadInputError(
            f"{measurement.record.name}: two states have one name",
            fix="give each row of the table a label of its own",
        )
    return Course(
        subject=str(told.get("electrode") or measurement.record.name),
        labels=labels,
        state=dict(measurement.record.state),
        quantities=found,
        measurements=(measurement.id,),
        composition=str(told.get("composition") or ""),
        fwhm=resolution_of(told),
        rounding=rounding,
        areal=told.get("roughness_is") == "areal",
        voxel=number_of(told, "voxel", "um"),
        metadata=dict(told),
    )
