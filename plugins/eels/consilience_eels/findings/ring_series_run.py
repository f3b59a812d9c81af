"""The analyses ``eels.ring_series`` and ``eels.image_ring_series``: spacings against the dose."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_eels.diffraction.rings import Ring
from consilience_eels.findings.rings_params import RingSeriesParams
from consilience_eels.findings.rings_run import rings_of

__all__ = ["Slope", "follow_rings", "run_ring_series", "slope_of"]

UNITS = {"e/angstrom^2": 1.0, "e/angstrom2": 1.0, "1/angstrom^2": 1.0, "e/nm^2": 0.01, "1": 1.0}
"""Units of a dose, and how many e/Å² they are."""

METHOD = "weighted least squares over the states"


@dataclass(frozen=True)
class Slope:
    """Straight line through spacings: Å at no dose, Å for each e/Å², their errors, χ² and dof."""

    start: float
    start_std: float
    slope: float
    slope_std: float
    chi2: float
    dof: int


def slope_of(
    dose: NDArray[np.float64], spacing: NDArray[np.float64], std: NDArray[np.float64]
) -> Slope:
    """Fit a line by weighted least squares; its errors grow with √(χ²/dof) above 1.

    Raises
    ------
    BadInputError
        Fewer than three points, or all at one dose.
    """
    if dose.size < 3 or np.ptp(dose) == 0:
        raise BadInputError(
            f"a slope needs three doses, here are {np.unique(dose).size}",
            fix="measure at more doses",
        )
    weight = 1.0 / std**2
    middle = float((weight * dose).sum() / weight.sum())
    mean = float((weight * spacing).sum() / weight.sum())
    lever = float((weight * (dose - middle) ** 2).sum())
    slope = float((weight * (dose - middle) * (spacing - mean)).sum()) / lever
    start = mean - slope * middle
    chi2 = float((weight * (spacing - start - slope * dose) ** 2).sum())
    dof = dose.size - 2
    grow = math.sqrt(max(chi2 / dof, 1.0))
    return Slope(
        start,
        grow * math.sqrt(1.0 / float(weight.sum()) + middle**2 / lever),
        slope,
        grow / math.sqrt(lever),
        chi2,
        dof,
    )


def follow_rings(states: Sequence[Sequence[Ring]], gate: float) -> list[dict[int, Ring]]:
    """Return tracks, state to ring: the ring nearest to a track's last one, within the gate."""
    tracks: list[dict[int, Ring]] = []

    def last_of(track: dict[int, Ring]) -> Ring:
        return track[max(track)]

    for index, rings in enumerate(states):
        pairs = sorted(
            (abs(ring.k / last_of(track).k - 1.0), number, place)
            for place, ring in enumerate(rings)
            for number, track in enumerate(tracks)
            if abs(ring.k / last_of(track).k - 1.0) <= gate
        )
        used_tracks: set[int] = set()
        used_rings: set[int] = set()
        for _, number, place in pairs:
            if number not in used_tracks and place not in used_rings:
                tracks[number][index] = rings[place]
                used_tracks.add(number)
                used_rings.add(place)
        tracks += [{index: ring} for i, ring in enumerate(rings) if i not in used_rings]
    return tracks


def run_ring_series(
    measurements: Sequence[Measurement], params: RingSeriesParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return, for each ring that three states or more show, how its spacing goes with the dose.

    Returns
    -------
    AnalysisOutput
        Findings of kind ``d_spacing_slope``, Å for each e/Å².  The scale's error is common to all
        states and multiplies the slope, so that it does not make a change where there is none.
    """
    notices: list[Notice] = []
    stated = [m for m in measurements if m.record.state.get(params.along) is not None]
    if stated and len(stated) < len(measurements):
        left = ", ".join(m.record.name for m in measurements if m not in stated)
        text = f"{left}: no state variable {params.along!r}, so left out of the series"
        notices.append(Notice(code="left-out", message=text, severity="info"))
        measurements = stated
    doses, problem = _doses(measurements, params)
    states: list[tuple[float, Sequence[Ring]]] = []
    for index, measurement in enumerate(measurements):
        context.progress(index, len(measurements), f"rings of {measurement.record.name}")
        if doses is None:
            break
        try:
            states.append((doses[index], rings_of(measurement, params).rings))
        except BadInputError as fault:
            text = f"{measurement.record.name}: {fault.what}"
            notices.append(Notice(code="no-rings", message=text, severity="info"))
    if problem or len(states) < 3:
        text = problem or f"{len(states)} states have a pattern: a slope needs three"
        return AnalysisOutput([_no_series(text)], {}, notices)
    states.sort(key=lambda one: one[0])
    dose = np.array([one[0] for one in states])
    tracks = [t for t in follow_rings([one[1] for one in states], params.gate) if len(t) >= 3]
    if not tracks:
        return AnalysisOutput([_no_series("no ring is seen in three states")], {}, notices)
    arrays = {"series": _series(dose, tracks)}
    drafts = []
    for number, track in enumerate(sorted(tracks, key=lambda t: t[min(t)].k)):
        here = sorted(track)
        spacing = np.array([track[i].d for i in here])
        std = spacing * np.array([track[i].k_std / track[i].k for i in here])
        try:
            line = slope_of(dose[here], spacing, std)
        except BadInputError as fault:
            notices.append(Notice(code="no-slope", message=fault.what, severity="info"))
            continue
        drafts.append(_draft(number, line, len(here), len(states), params, dose))
    return AnalysisOutput(drafts, arrays, notices)


def _no_series(reason: str) -> FindingDraft:
    return FindingDraft(
        kind="d_spacing_slope",
        subject=Subject(label="rings"),
        unit="angstrom^3",
        status="not_observable",
        reason=reason,
        method=METHOD,
        evidence={"sentence": f"Change of spacings with the dose: cannot tell, {reason}."},
    )


def _draft(
    number: int,
    line: Slope,
    seen: int,
    states: int,
    params: RingSeriesParams,
    dose: NDArray[np.float64],
) -> FindingDraft:
    sigma = abs(line.slope) / line.slope_std
    scale = params.calibration
    lost = f"; not seen in {states - seen} of {states} states" if seen < states else ""
    return FindingDraft(
        kind="d_spacing_slope",
        subject=Subject(label=f"ring {number + 1} at {line.start:.3f} Å"),
        value=line.slope,
        unit="angstrom^3",
        std_stat=line.slope_std,
        std_sys=None if scale is None else scale * abs(line.slope),
        array="series",
        evidence={
            "spacing_at_no_dose_angstrom": round(line.start, 6),
            "spacing_at_no_dose_std": line.start_std,
            "slope_over_error": round(sigma, 2),
            "chi2": round(line.chi2, 3),
            "degrees_of_freedom": line.dof,
            "states": seen,
            "dose_range_e_per_square_angstrom": [float(dose.min()), float(dose.max())],
            "sentence": f"{'A change' if sigma > 3 else 'No change'} of the spacing with the dose: "
            f"{line.slope:.3g} ± {line.slope_std:.2g} Å for each e/Å²{lost}.",
        },
        assumptions=[
            "the scale is the same in all states: a drift of the camera length looks like strain",
            "a straight line in the dose",
        ],
        method=METHOD,
    )


def _doses(
    measurements: Sequence[Measurement], params: RingSeriesParams
) -> tuple[list[float] | None, str]:
    stated = [measurement.record.state.get(params.along) for measurement in measurements]
    if all(value is not None for value in stated):
        found = []
        for value in stated:
            unit = str(value.unit) if isinstance(value, Quantity) else "1"
            number = value.value if isinstance(value, Quantity) else value
            if isinstance(number, bool | str) or number is None or unit not in UNITS:
                return None, f"the state's {params.along!r} is no dose in e/Å²: {value}"
            found.append(float(number) * UNITS[unit])
        return found, ""
    total, summed = 0.0, []
    for measurement in measurements:
        fluences = [e.fluence for e in measurement.record.exposures if e.fluence is not None]
        if not fluences or any(one.unit not in UNITS for one in fluences):
            return None, (
                f"{measurement.record.name}: neither a state variable {params.along!r} nor a "
                "fluence in its file says what dose it has"
            )
        total += sum(one.value * UNITS[one.unit] for one in fluences)
        summed.append(total)
    return summed, ""


def _series(dose: NDArray[np.float64], tracks: Sequence[dict[int, Ring]]) -> xr.Dataset:
    ordered = sorted(tracks, key=lambda t: t[min(t)].k)
    table = np.full((2, len(ordered), dose.size), np.nan)
    for row, track in enumerate(ordered):
        for index, ring in track.items():
            table[:, row, index] = ring.d, ring.d * ring.k_std / ring.k
    attrs = {"units": "angstrom", "missing": "no ring in this state"}
    return xr.Dataset(
        {
            "spacing": (
                ("ring", "dose"),
                table[0],
                {**attrs, "ancillary_variables": "spacing_std"},
            ),
            "spacing_std": (("ring", "dose"), table[1], dict(attrs)),
        },
        {"dose": ("dose", dose, {"units": "1/angstrom^2"})},
    )
