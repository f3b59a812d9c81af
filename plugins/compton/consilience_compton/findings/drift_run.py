"""The analysis ``compton.drift``: shifts of peak and lines between states, and what they do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_compton.calibration.drift import Drift, drift_between, peak_shift
from consilience_compton.calibration.pixels import LineTable, line_table
from consilience_compton.calibration.sums import sums_of
from consilience_compton.findings.calibration_params import DriftParams
from consilience_compton.findings.spectra_input import beam_of, image_of, nominal_edges
from consilience_compton.momentum.collect import Settings, collect
from consilience_compton.momentum.kinematics import compton_energy
from consilience_compton.momentum.rebin import rebin
from consilience_compton.momentum.windows import Windows, plain_emr
from consilience_compton.spectra import centres

__all__ = ["DriftParams", "run_drift"]

METHOD = (
    "Compton peak of one state, shifted and scaled on a straight line, fitted to that of another; "
    "shift of the energy scale from the detector's own lines"
)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class _State:
    measurement: Measurement
    edges: Array
    spectrum: Array
    lines: LineTable | None
    incident: float
    angle: float
    beam: Mapping[str, Any]


def run_drift(
    measurements: Sequence[Measurement], params: DriftParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return how far each state's Compton peak is shifted against the first state's.

    Returns
    -------
    AnalysisOutput
        For each later state a finding of kind ``peak_shift`` (keV) and one of ``angle_drift``
        (deg), which is what the shift beyond that of the detector's lines would be as a movement
        of the detector.  The evidence says what either does to EMR.  Nothing is corrected unless
        `correct` asks for it, and then sum spectra moved back are in the arrays.
    """
    context.progress(0, len(measurements), "sum spectra")
    groups: dict[str, list[Measurement]] = {}
    for one in measurements:
        groups.setdefault(str(one.record.state.get(params.group, "")), []).append(one)
    drafts: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    for number, (name, members) in enumerate(groups.items()):
        states, refused = _states(members, params, context)
        notices += refused
        label = f"{params.group} {name}" if name else "all"
        found: list[tuple[_State, Drift]] = []
        for other in states[1:]:
            try:
                drift = _between(states[0], other, params)
                moved = f"corrected-{number}" if params.correct else f"drift-{number}"
                peak, angle = _drafts(states[0], other, drift, params)
                drafts.append(peak.model_copy(update={"array": moved}))
                drafts.append(angle.model_copy(update={"array": f"drift-{number}"}))
                found.append((other, drift))
            except BadInputError as fault:
                drafts.append(_unseen(states[0], other, fault))
        if found:
            arrays[f"drift-{number}"] = _table(found, label)
        if params.correct and found:
            arrays[f"corrected-{number}"] = _corrected(states[0], found)
    return AnalysisOutput(drafts, arrays, notices)


def _states(
    members: Sequence[Measurement], params: DriftParams, context: AnalysisContext
) -> tuple[list[_State], list[Notice]]:
    """The states that can be compared with the first, and what is said of the others."""
    states: list[_State] = []
    notices = []
    for number, one in enumerate(members):
        try:
            edges = nominal_edges(one.data, params)
            if states and not np.array_equal(edges, states[0].edges):
                raise BadInputError(
                    "its bins are not those of the first state",
                    fix="use one set of bins for all states",
                )
            sums = sums_of(image_of(one.data), edges)
            lines = line_table(sums, params.elements) if sums.used.any() else None
            incident, angle, beam = beam_of(one, params)
            states.append(_State(one, edges, sums.spectrum, lines, incident, angle, beam))
        except BadInputError as fault:
            notices.append(
                Notice(
                    code="not-compared",
                    message=f"{one.record.title}: {fault.what}",
                    where="counts",
                    fix=fault.fix or "",
                )
            )
        context.progress(number + 1, len(members), "sum spectra")
    return states, notices


def _between(first: _State, other: _State, params: DriftParams) -> Drift:
    return drift_between(
        (first.spectrum, first.lines),
        (other.spectrum, other.lines),
        first.edges,
        first.incident,
        first.angle,
        params.half,
    )


def _drafts(
    first: _State, other: _State, drift: Drift, params: DriftParams
) -> tuple[FindingDraft, FindingDraft]:
    """Two statements on one state."""
    span = _by_span(first, other, drift, params)
    common: dict[str, Any] = {
        "state": dict(other.measurement.record.state),
        "measurements": [first.measurement.id, other.measurement.id],
        "method": METHOD,
    }
    evidence = {
        "beam": first.beam,
        "reference": dict(first.measurement.record.state) or first.measurement.record.title,
        "lines_keV": drift.lines,
        "lines_std_keV": drift.lines_std,
        "misfit": drift.peak.misfit,
        "counts_for_one_of_the_reference": drift.peak.factor,
        "std_sys_parts": {"span": span, "change of the profile": None},
        "emr": _on_emr(other, drift),
        "corrected": params.correct,
        "to_correct": "compton.momentum with centre = found follows the peak; correct = true "
        "here gives the sum spectra moved back",
    }
    shape = "the profile itself has not changed; its misfit says whether it has"
    peak = FindingDraft(
        kind="peak_shift",
        value=drift.peak.value,
        unit="keV",
        std_stat=drift.peak.std,
        std_sys=span,
        evidence=evidence,
        assumptions=[shape],
        **common,
    )
    if drift.angle is None or drift.angle_std is None:
        return peak, FindingDraft(
            kind="angle_drift",
            status="not_observable",
            reason="the detector's own lines are not seen in both states, so a shift of its "
            "electronics cannot be told from a movement",
            evidence=evidence,
            **common,
        )
    angle = FindingDraft(
        kind="angle_drift",
        value=drift.angle,
        unit="deg",
        std_stat=drift.angle_std,
        std_sys=None if span is None else span / abs(drift.slope),
        evidence={**evidence, "slope_keV_per_deg": drift.slope, "rest_keV": drift.rest},
        assumptions=[
            shape,
            (
                "the energy of the beam is the same: a change by "
                f"{abs(_beam_slope(first)):.2f} keV/keV would shift the peak as well"
            ),
            "the sample scatters from the same place",
        ],
        **common,
    )
    return peak, angle


def _beam_slope(first: _State) -> float:
    """dE₂/dE₁ of the Compton peak."""
    low, high = compton_energy(np.array([-0.01, 0.01]) + first.incident, first.angle)
    return float((high - low) / 0.02)


def _by_span(first: _State, other: _State, drift: Drift, params: DriftParams) -> float | None:
    """Half the range of the shift when the span is a quarter narrower or wider."""
    found = []
    for half in (0.75 * params.half, 1.25 * params.half):
        try:
            span = (drift.energy - half, drift.energy + half)
            found.append(peak_shift(first.spectrum, other.spectrum, first.edges, span).value)
        except BadInputError:
            return None
    return 0.5 * abs(found[1] - found[0])


def _on_emr(other: _State, drift: Drift) -> dict[str, Any]:
    """EMR of the sum at the mean angle, as it is and moved back; only their difference counts."""
    windows = Windows()

    def emr(moved: float) -> float:
        # an edge that moves within a bin must not move EMR by how the bin is shared out
        settings = Settings(windows=windows, energy_offset=-moved)
        spectrum, angle = np.rint(other.spectrum)[None], np.array([other.angle])
        whole = collect([(slice(0, 1), spectrum)], other.edges, other.incident, angle, settings)
        return float(plain_emr(whole.cells, windows).value[0])

    try:
        as_is, back = emr(0.0), emr(drift.peak.value)
        slope = (emr(0.05) - emr(-0.05)) / 0.1
    except BadInputError as fault:
        return {"not_computed": fault.what}
    if not math.isfinite(as_is) or not math.isfinite(back):
        return {"not_computed": "too few counts in a window"}
    return {
        "as_is": as_is,
        "moved_back": back,
        "change": back - as_is,
        "change_std": abs(slope) * drift.peak.std,
        "formula": "counts at |p_z| < 1 over counts at 1 < |p_z| < 5, sum of all pixels at the "
        "mean angle, no background taken off",
    }


def _unseen(first: _State, other: _State, fault: BadInputError) -> FindingDraft:
    return FindingDraft(
        kind="peak_shift",
        status="not_observable",
        reason=f"{fault.what}; {fault.fix}",
        state=dict(other.measurement.record.state),
        measurements=[first.measurement.id, other.measurement.id],
        method=METHOD,
    )


def _table(found: Sequence[tuple[_State, Drift]], label: str) -> xr.Dataset:
    def column(values: Sequence[float | None], unit: str) -> tuple[str, Array, dict[str, str]]:
        numbers = np.array([math.nan if v is None else v for v in values])
        return ("state", numbers, {"units": unit})

    drifts = [drift for _, drift in found]
    data = xr.Dataset(
        {
            "peak_shift": column([d.peak.value for d in drifts], "keV"),
            "peak_shift_std": column([d.peak.std for d in drifts], "keV"),
            "line_shift": column([d.lines for d in drifts], "keV"),
            "line_shift_std": column([d.lines_std for d in drifts], "keV"),
            "angle": column([d.angle for d in drifts], "deg"),
            "angle_std": column([d.angle_std for d in drifts], "deg"),
        },
        coords={"state": ("state", np.arange(1.0, len(found) + 1), {"units": "1"})},
        attrs={"group": label},
    )
    for name in ("peak_shift", "line_shift", "angle"):
        data[name].attrs["ancillary_variables"] = f"{name}_std"
    return data


def _corrected(first: _State, found: Sequence[tuple[_State, Drift]]) -> xr.Dataset:
    """Sum spectra on the first state's bins, each moved back by its peak's shift."""
    moved = [
        rebin(state.edges - drift.peak.value, state.spectrum[None], first.edges)[0]
        for state, drift in found
    ]
    return xr.Dataset(
        {"counts": (("state", "energy"), np.array(moved), {"units": "count"})},
        coords={
            "state": ("state", np.arange(1.0, len(found) + 1), {"units": "1"}),
            "energy": ("energy", centres(first.edges), {"units": "keV"}),
        },
    )
