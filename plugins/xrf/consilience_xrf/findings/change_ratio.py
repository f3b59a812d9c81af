"""Ratios of intensities between states, and all that would explain them beside density."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience_xrf.amounts.attenuation import ELECTROLYTE, Angles
from consilience_xrf.amounts.reach import liquid_thickness, reach_of
from consilience_xrf.change.numbers import Number
from consilience_xrf.change.series import ChangeSeries, ratio_of
from consilience_xrf.findings.change_drafts import (
    common,
    lies_unknown,
    parts_of,
    subject_of,
)
from consilience_xrf.findings.change_input import Chosen, named
from consilience_xrf.findings.map_input import beam_of

if TYPE_CHECKING:
    from consilience.model.base import Json
    from consilience_xrf.findings.change_params import ChangeParams

__all__ = ["ratio_drafts"]


def ratio_drafts(chosen: Chosen, series: ChangeSeries, params: ChangeParams) -> list[FindingDraft]:
    """Return each state's intensity over the reference's, and delithiated over lithiated."""
    drafts = [
        _draft(chosen, series, params, i, series.reference)
        for i in range(len(series.states))
        if i != series.reference
    ]
    pair = [
        [i for i, t in enumerate(chosen.taken) if named(t, name)]
        for name in (params.delithiated, params.lithiated)
    ]
    if all(pair):
        # of several the two whose cycles lie nearest to each other
        above, below = min(
            ((a, b) for a in pair[0] for b in pair[1]),
            key=lambda ab: (abs(chosen.positions[ab[0]] - chosen.positions[ab[1]]), ab),
        )
        if below != series.reference:
            drafts.append(_draft(chosen, series, params, above, below))
    return [d for d in drafts if d is not None]


def _draft(
    chosen: Chosen, series: ChangeSeries, params: ChangeParams, above: int, below: int
) -> FindingDraft | None:
    both = series.states[above], series.states[below]
    numbers = [s.numbers["matter"] for s in both]
    if min(n.value for n in numbers) <= 0:
        return None
    ratio = ratio_of(*numbers)
    lies = not any(lies_unknown(state, params) for state in both)
    parts: dict[str, Json] = {
        **parts_of(ratio, lies=lies),
        "beam": None if params.beam_std is None else ratio.value * params.beam_std,
    }
    systematic = None
    if params.beam_std is not None and lies:
        systematic = math.hypot(ratio.systematic, ratio.value * params.beam_std)
    taken = [chosen.taken[i] for i in (above, below)]
    what = f"{both[0].name} over {both[1].name}"
    return FindingDraft(
        kind="intensity_ratio",
        subject=subject_of(chosen, what),
        region=taken[0].region,
        state=dict(taken[0].measurement.record.state),
        value=ratio.value,
        unit="1",
        std_stat=ratio.counting,
        std_sys=systematic,
        rivals=_rivals(chosen, series, params, above, below, ratio),
        evidence={"ratio": what, "std_sys_parts": parts},
        assumptions=[
            *common(chosen, both[0], params),
            "the monitor follows the beam alike in both states"
            + ("" if params.beam_std is not None else "; by how much it does not is not known"),
        ],
        method="sum of the background-free map over the film and its blurred edges, one state "
        "over the other",
        measurements=[t.measurement.id for t in taken],
    )


def _rivals(
    chosen: Chosen,
    series: ChangeSeries,
    params: ChangeParams,
    above: int,
    below: int,
    ratio: Number,
) -> list[Rival]:
    """All that changes counts of a line where a reader might think of density."""
    change = f"{100 * (ratio.value - 1):+.3g} % of {chosen.line}"
    whole = series.film.whole
    beam = beam_of(chosen.taken[above].measurement, params.incident_energy)
    geometry = Angles(params.incident_angle, params.takeoff_angle)
    edge = [series.states[i].numbers.get("edge_to_centre") for i in (above, below)]
    blur = "the film's edges are as sharp in both states"
    if edge[0] is not None and edge[1] is not None:
        blur = f"rim over core is {edge[0].value:.3g} and {edge[1].value:.3g}"
    return [
        Rival(
            subject=Subject(label="density along the beam"),
            live=False,
            missing=[_thin(chosen, beam, geometry)],
            decided_by=[
                "thickness of the film from a section",
                "lattice parameters by diffraction",
            ],
            note="a film that swells along the beam keeps its mass per area, and so its counts",
        ),
        Rival(
            subject=Subject(label="matter flowed sideways"),
            live=not whole,
            explains=[change],
            missing=["the film lies wholly in the field, so its sum keeps what flows"]
            if whole
            else [],
            decided_by=["a scan of the whole electrode", "an image of the same area"],
        ),
        Rival(
            subject=Subject(label="matter was lost or deposited"),
            explains=[change],
            decided_by=["mass per area against a standard", "the element in the electrolyte"],
        ),
        Rival(
            subject=Subject(label="thickness of the electrolyte"),
            explains=[_liquid(chosen, ratio, beam, geometry)],
            decided_by=[
                "lines of low and high energy of one element, which liquid weakens differently",
                "a dry scan of the same area",
            ],
        ),
        Rival(
            subject=Subject(label="monitor or beam"),
            explains=[change],
            decided_by=["a line of the substrate or window, which does not change"],
        ),
        Rival(
            subject=Subject(label="defocus"),
            live=not whole,
            explains=[change] if not whole else [],
            missing=[blur, "a wider beam loses nothing from the sum over a whole film"]
            if whole
            else [],
            decided_by=["width of the film's edges"],
        ),
    ]


def _thin(chosen: Chosen, beam: float | None, geometry: Angles) -> str:
    try:
        line = chosen.line.removeprefix(f"{chosen.element}_")
        reach = reach_of(chosen.element, line, beam, geometry)
    except BadInputError:
        return "a thin film's counts are its mass per area"
    if reach.length is None:
        return "a thin film's counts are its mass per area"
    return (
        f"{chosen.line} is attenuated over {reach.length:.2g} um in {chosen.element}, so a thinner "
        "film's counts are its mass per area"
    )


def _liquid(chosen: Chosen, ratio: Number, beam: float | None, geometry: Angles) -> str:
    """Thickness of liquid that would explain the ratio, told as a difference of the states."""
    wet = min(ratio.value, 1 / ratio.value)
    line = chosen.line.removeprefix(f"{chosen.element}_")
    try:
        if beam is None or wet >= 1:
            raise BadInputError("no beam", fix="")
        um, _ = liquid_thickness(wet, None, chosen.element, line, beam, geometry, ELECTROLYTE)
    except BadInputError:
        return "more liquid in one state than in the other"
    return f"{um:.3g} um of {ELECTROLYTE.name} more in the state with fewer counts"
