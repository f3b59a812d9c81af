"""Quantities over the states of one electrode: what a series is made of, wherever it is from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_compton.findings.lithium_states import (
    SHARED,
    StateRatio,
    common_parts_of_x,
    parts_of_x,
)
from consilience_compton.findings.series_params import LithiumParams
from consilience_compton.model.calibration import Calibration
from consilience_compton.momentum.kinematics import compton_energy, momentum_slope
from consilience_compton.spectra import number_of

__all__ = [
    "QUANTITIES",
    "Course",
    "Quantity",
    "course_of_table",
    "courses_of_states",
    "resolution_of",
]

QUANTITIES: dict[str, tuple[str, str]] = {
    "momentum_ratio": ("1", "EMR"),
    "li_content": ("1", "lithium content x"),
    "roughness": ("um", "roughness"),
}
"""Column of a table: its unit, and what it is called."""
ROUNDING = "rounding"


@dataclass(frozen=True)
class Quantity:
    """Values over the states, NaN where a state has none; errors None where not known.

    `common`: for each state, signed systematic parts by cause that all states have alike; they
    are in `std_sys` and cancel in a ratio of states.
    """

    values: tuple[float, ...]
    std_stat: tuple[float | None, ...]
    std_sys: tuple[float | None, ...]
    common: tuple[Mapping[str, float], ...] = ()

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


def courses_of_states(
    states: Sequence[StateRatio],
    params: LithiumParams,
    line: Calibration | None,
    along: str | None = None,
) -> list[Course]:
    """Return one course for each part of the cell that has two states or more.

    Parameters
    ----------
    states : sequence of StateRatio
    params : LithiumParams
    line : Calibration or None
        x on EMR, for the cathode.
    along : str, optional
        A state variable that orders the states and names them; None: their order, and all that
        differs between them.

    Raises
    ------
    BadInputError
        A state has no such variable.
    """
    found = []
    for part in dict.fromkeys(one.part for one in states):
        mine = [one for one in states if one.part == part and one.value is not None]
        if along is not None:
            missing = [one for one in mine if along not in one.state]
            if missing:
                raise BadInputError(
                    f"{len(missing)} state(s) of the {part} have no {along!r}",
                    fix=f"state variables are: {', '.join(sorted(mine[0].state))}",
                )
            mine.sort(key=lambda one: _order(one.state[along]))
        if len(mine) < 2:
            continue
        varying = [
            key
            for key in mine[0].state
            if len({str(one.state.get(key)) for one in mine}) > 1 or key == along
        ]
        labels = [", ".join(str(one.state.get(key)) for key in varying) for one in mine]
        if len(set(labels)) < len(labels):
            labels = [f"{label} ({number})" for number, label in enumerate(labels, start=1)]
        ratio = Quantity(
            tuple(one.value or math.nan for one in mine),
            tuple(float(one.evaluated.result.std_stat) for one in mine),
            tuple(one.evaluated.result.std_sys for one in mine),
            tuple(_common(one) for one in mine),
        )
        quantities = {"momentum_ratio": ratio}
        if line is not None and part in {"cathode", "sample"}:
            contents = [
                line.content(one.value or 0.0, ratio.std_stat[i]) for i, one in enumerate(mine)
            ]
            parts = [parts_of_x(one, line, params) for one in mine]
            quantities["li_content"] = Quantity(
                tuple(one.x for one in contents),
                tuple(one.std_ratio for one in contents),
                tuple(
                    None if one.std_calibration is None else math.hypot(*by.values())
                    for one, by in zip(contents, parts, strict=True)
                ),
                tuple(common_parts_of_x(one, line, params) for one in mine),
            )
        shared = {k: v for k, v in mine[0].state.items() if k not in varying}
        composition = {"cathode": params.oxide, "anode": "Li"}.get(part, "")
        found.append(
            Course(
                part,
                tuple(labels),
                shared,
                quantities,
                tuple(dict.fromkeys(m for one in mine for m in one.measurements)),
                composition,
                mine[0].resolution,
            )
        )
    return found


def _common(one: StateRatio) -> dict[str, float]:
    return {
        name: part
        for name, part in one.evaluated.signed.items()
        if name in SHARED and part is not None and math.isfinite(part)
    }


def _order(value: Any) -> tuple[int, float, str]:
    number = getattr(value, "value", value)
    if isinstance(number, int | float) and not isinstance(number, bool):
        return 0, float(number), ""
    return 1, 0.0, str(value)
