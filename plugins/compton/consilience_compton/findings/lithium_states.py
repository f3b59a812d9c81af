"""EMR of a cathode state by state out of spectra, and what moves it: what x is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from consilience.errors import BadInputError
from consilience.model.base import StateValue
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.momentum_run import Walked, walk
from consilience_compton.findings.regions_input import (
    Triple,
    fractions_of,
    groups_of,
    once,
    triple_in_one,
    triple_of,
)
from consilience_compton.findings.regions_run import take_apart
from consilience_compton.findings.series_params import LithiumParams
from consilience_compton.model.beside import straightness
from consilience_compton.model.calibration import Calibration
from consilience_compton.momentum.collect import Total
from consilience_compton.momentum.evaluation import Evaluated, evaluate
from consilience_compton.momentum.kinematics import Geometry, energy_of_momentum, momentum
from consilience_compton.momentum.regions import COMPONENTS, Fractions
from consilience_compton.momentum.sensitivity import smooth_curve
from consilience_compton.momentum.windows import Windows

__all__ = [
    "SHARED",
    "StateRatio",
    "common_parts_of_x",
    "parts_of_ratio",
    "parts_of_x",
    "states_of_spectra",
]

SHARED = frozenset(
    {
        "resolution",
        "response",
        "bins",
        "background",
        "multiple_scattering",
        "escape_line",
        "incident_energy",
        "scattering_angle",
        "alpha",
        "beta",
        "beam_height",
        "electrolyte_thickness",
        "cathode_thickness",
    }
)
"""Causes of systematic errors that states have alike, measured with one beam, detector and cell.

Not among them: where the energy scale and the beam's edges lie, which is found anew in each state.
"""


@dataclass(frozen=True)
class StateRatio:
    """EMR of one part of the cell in one state.

    Parameters
    ----------
    part : str
        "cathode", "electrolyte", "anode", or "sample" where no regions are subtracted.
    state : mapping
    measurements : tuple of str
    evaluated : Evaluated
    resolution : float
        a.u.
    moved : dict
        Change of EMR by errors of one unit: ``energy_1_eV``, ``energy_88_eV``,
        ``angle_0.3_deg``, ``angle_1_deg``; with regions ``alpha_beta_0.01``, and
        ``geometry_1_um`` where the beam's height is known.
    """

    part: str
    state: Mapping[str, StateValue]
    measurements: tuple[str, ...]
    evaluated: Evaluated
    resolution: float
    moved: Mapping[str, float]

    @property
    def value(self) -> float | None:
        """EMR; None where a window holds too few counts."""
        found = float(self.evaluated.result.value)
        return found if np.isfinite(found) else None


def states_of_spectra(
    measurements: Sequence[Measurement],
    params: LithiumParams,
    parts: Sequence[str] = ("cathode",),
) -> tuple[list[StateRatio], list[Notice]]:
    """Return the ratios of all states that can be told.

    Parameters
    ----------
    measurements : sequence of Measurement
        With ``counts``; those that name a region are subtracted by state, where there is none
        each measurement is a state of the whole sample.
    params : LithiumParams
    parts : sequence of str
        Of the components that regions are taken apart into.

    Returns
    -------
    (list of StateRatio, list of Notice)
        A state that cannot be used is a notice with the reason.
    """
    notices: list[Notice] = []
    found: list[StateRatio] = []
    try:
        groups = groups_of(measurements, params)
    except BadInputError as fault:
        return [], [_notice(fault)]
    taken = {one.id for _, members in groups for one in members.values()}
    fractions: Fractions | None = None
    for state, members in groups:
        try:
            fractions = fractions or fractions_of(params)
            found += _of_triple(triple_of(members, state, params), fractions, params, parts)
        except BadInputError as fault:
            notices.append(_notice(fault))
    for one in measurements:
        if one.id in taken:
            continue
        try:
            triple = triple_in_one(one, params)
            if triple is not None:
                fractions = fractions or fractions_of(params)
                found += _of_triple(triple, fractions, params, parts)
            else:
                found.append(_whole(one, params))
        except BadInputError as fault:
            notices.append(_notice(fault, one.record.name))
    return found, once(notices)


def parts_of_ratio(one: StateRatio, *, same_setup: bool) -> dict[str, float]:
    """Return signed systematic parts of EMR by cause, without those a calibration shares."""
    return {
        name: part
        for name, part in one.evaluated.signed.items()
        if part is not None and math.isfinite(part) and not (same_setup and name in SHARED)
    }


def parts_of_x(one: StateRatio, line: Calibration, params: LithiumParams) -> dict[str, float]:
    """Return signed systematic parts of x by cause, the calibration's own among them."""
    shares = parts_of_ratio(one, same_setup=params.same_setup)
    parts = {name: line.slope * part for name, part in shares.items()}
    found = line.content(one.value or 0.0)
    if found.std_calibration is not None:
        parts["calibration"] = found.std_calibration
    parts["straightness"] = _bend(one, line, params)
    return parts


def _bend(one: StateRatio, line: Calibration, params: LithiumParams) -> float:
    known = [point.x for point in line.points]
    x = line.content(one.value or 0.0).x
    return straightness(known, x, params.oxide, one.resolution, params.low, params.high)


def common_parts_of_x(
    one: StateRatio, line: Calibration, params: LithiumParams
) -> dict[str, float]:
    """Return the signed parts of x whose causes all states have alike.

    The line's error is two independent causes: of its level at the middle of its points, which all
    states have alike, and of its slope, which moves states apart.
    """
    shares = parts_of_ratio(one, same_setup=params.same_setup)
    parts = {name: line.slope * part for name, part in shares.items() if name in SHARED}
    parts["straightness"] = _bend(one, line, params)
    if line.covariance is not None:
        slope_variance = float(line.covariance[1, 1])
        middle = -float(line.covariance[0, 1]) / slope_variance
        level = float(line.covariance[0, 0]) - slope_variance * middle**2
        parts["calibration's level"] = line.scale * math.sqrt(max(0.0, level))
        away = (one.value or 0.0) - middle
        parts["calibration's slope"] = line.scale * math.sqrt(slope_variance) * away
    return parts


def _notice(fault: BadInputError, name: str = "") -> Notice:
    return Notice(
        code="state-left-out",
        message=f"{name}: {fault.what}" if name else fault.what,
        fix=fault.fix,
    )


def _of_triple(
    triple: Triple, fractions: Fractions, params: LithiumParams, parts: Sequence[str]
) -> list[StateRatio]:
    apart = take_apart(triple, fractions, params)
    geometry = triple.walked[0].spectra.geometry
    # one hundredth more lithium taken off; where α is 1 already, one hundredth less of β
    step = 0.01
    alpha, beta = fractions.alpha + step, fractions.beta
    if alpha > 1.0:
        alpha, beta = fractions.alpha, fractions.beta - step
    other = None
    if beta >= 0.0:
        other = take_apart(triple, Fractions(alpha, beta), params)
    found = []
    for index, part in enumerate(COMPONENTS):
        if part not in parts:
            continue
        one = apart.results[index]
        moved = _moved(apart.totals[index], geometry, apart.settings[index].windows, one)
        if other is not None:
            change = float(other.results[index].result.value - one.result.value)
            if np.isfinite(change):
                moved["alpha_beta_0.01"] = change
                if params.beam is not None:
                    moved["geometry_1_um"] = change / (step * params.beam)
        found.append(
            StateRatio(
                part,
                triple.state,
                tuple(triple.measurements),
                one,
                _resolution(triple.walked[0]),
                moved,
            )
        )
    return found


def _whole(measurement: Measurement, params: LithiumParams) -> StateRatio:
    walked = walk(measurement, params)
    geometry, settings = walked.spectra.geometry, walked.settings
    one = evaluate(walked.total, geometry, settings, walked.peak)
    moved = _moved(walked.total, geometry, settings.windows, one)
    return StateRatio(
        "sample",
        dict(measurement.record.state),
        (measurement.id,),
        one,
        _resolution(walked),
        moved,
    )


def _resolution(walked: Walked) -> float:
    incident = walked.spectra.geometry.incident_energy
    return walked.settings.resolution_momentum(incident, walked.total.angle)


def _moved(total: Total, geometry: Geometry, windows: Windows, one: Evaluated) -> dict[str, float]:
    """Change of EMR by fixed errors, the windows moved over a smooth curve through the profile."""
    value, incident = float(one.result.value), geometry.incident_energy
    try:
        curve = smooth_curve(total.profile, windows, incident, total.angle)
    except (BadInputError, ValueError):
        return {}
    base = curve.emr()

    def shifted(keV: float = 0.0, degrees: float = 0.0) -> float:
        at = energy_of_momentum(windows.edges, incident, total.angle + degrees) + keV
        return value * (curve.emr(momentum(at, incident, total.angle)) / base - 1.0)

    return {
        "energy_1_eV": shifted(keV=1e-3),
        "energy_88_eV": shifted(keV=0.088),
        "angle_0.3_deg": shifted(degrees=0.3),
        "angle_1_deg": shifted(degrees=1.0),
    }
