"""Findings about a change: numbers of each state, differences, shifts, and the whole in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import FindingDraft, Subject
from consilience_xrf.change.numbers import Number
from consilience_xrf.change.series import ChangeSeries, StateChange
from consilience_xrf.change.testing import TESTED, Test

if TYPE_CHECKING:
    from consilience.model.base import Json
    from consilience_xrf.findings.change_input import Chosen
    from consilience_xrf.findings.change_params import ChangeParams

__all__ = [
    "common",
    "lies_unknown",
    "map_drafts",
    "number_drafts",
    "redistribution_draft",
    "shift_drafts",
    "tests_told",
]

KINDS = {
    "void_fraction": "void_fraction",
    "edge_to_centre": "edge_to_centre",
    "rim_share": "rim_share",
    "centre_y": "centre_of_mass",
    "centre_x": "centre_of_mass",
    "spread": "spread",
}
WORDS = {
    "void_fraction": "void fraction",
    "edge_to_centre": "rim over core",
    "rim_share": "share of matter in the rim",
    "centre_y": "centre of mass along y",
    "centre_x": "centre of mass along x",
    "spread": "spread",
    "histogram": "histogram",
    "map": "map",
}
THIN = (
    "counts are proportional to mass per area: a film so thick that it absorbs its own line "
    "looks flatter than it is (100 nm of platinum lose 2.4 % of Pt La at 18 keV, both ways upright)"
)
SAME = "focus and the liquid over the film are even over the area and the same in all states"

SHARE = (
    "the statistical error of the share is that of the points' own counts; an error of the "
    "alignment moves many points at once, and what it makes of the share is not known"
)
UNSEEN = (
    "no scan point is below half of the level: voids up to the limit may lie between points (rule "
    "of three, 95 %) or be too small to bring a point below it"
)


def common(chosen: Chosen, state: StateChange, params: ChangeParams) -> list[str]:
    """What is taken for granted of a state."""
    said = [chosen.compared.said, THIN, SAME]
    if chosen.estimated:
        said.append("errors of points are taken from the scatter of their neighbours")
    if not params.align:
        said.append("the scans lie on each other; no error stands for that")
    elif not state.shift.determined:
        said.append(f"the scan lies where it was taken: {state.shift.reason}")
    return said


def subject_of(chosen: Chosen, part: str = "") -> Subject:
    """The element, with the line and what of it."""
    label = f"{chosen.line}, {part}" if part else chosen.line
    return Subject(element=chosen.element, label=label)


def lies_unknown(state: StateChange, params: ChangeParams) -> bool:
    """Whether where a scan lies was to be fitted and could not be."""
    return params.align and not state.shift.determined


def parts_of(number: Number, *, lies: bool = True) -> dict[str, Json]:
    """Systematic parts by name, for the evidence; None for alignment where nothing tells it."""
    return {
        name: float(f"{value:.4g}") if lies or name != "alignment" else None
        for name, value in number.parts.items()
    }


def number_drafts(chosen: Chosen, series: ChangeSeries, params: ChangeParams) -> list[FindingDraft]:
    """Return void fraction, rim, centre and spread of every state."""
    drafts = []
    for i, state in enumerate(series.states):
        tests = {t.name: t for t in state.tests}
        taken = chosen.taken[i]
        lies = not lies_unknown(state, params)
        for name, kind in KINDS.items():
            number = state.numbers.get(name)
            length = name in ("centre_y", "centre_x", "spread")
            if number is None or (length and chosen.unit != "um"):
                continue
            drafts.append(
                FindingDraft(
                    kind=kind,
                    subject=subject_of(chosen, WORDS[name]),
                    region=taken.region,
                    state=dict(taken.measurement.record.state),
                    value=number.value,
                    unit=number.unit,
                    std_stat=number.counting,
                    std_sys=number.systematic if lies else None,
                    array="states",
                    status=None if number.limit is None else "absent_below_limit",
                    limit=number.limit,
                    evidence={
                        "scan": state.name,
                        "reference": series.states[series.reference].name,
                        "std_sys_parts": parts_of(number, lies=lies),
                        "rim_um": _length(series.film.rim_width, chosen.unit),
                        "film_area_um2": _length(series.film.area, chosen.unit),
                        **_told(tests.get(name)),
                    },
                    assumptions=[
                        *common(chosen, state, params),
                        *([] if number.limit is None else [UNSEEN]),
                    ],
                    method=METHODS[name],
                    measurements=[taken.measurement.id],
                )
            )
    return drafts


METHODS = {
    "void_fraction": "share of the film's area that is below half of its level",
    "edge_to_centre": "mean of the rim over mean of the core, within the reference's outline",
    "rim_share": "matter that is not in the core, over all matter",
    "centre_y": "centre of mass in the reference's coordinates, after alignment",
    "centre_x": "centre of mass in the reference's coordinates, after alignment",
    "spread": "root mean square distance of matter from its centre",
}


def _length(value: float, unit: str) -> float | None:
    return float(f"{value:.4g}") if unit == "um" and np.isfinite(value) else None


def _told(test: Test | None) -> dict[str, Json]:
    if test is None:
        return {}
    return {
        "change": test.change,
        "change_std": test.std,
        "p": test.p,
        "p_all_tests_together": test.adjusted,
    }


def tests_told(state: StateChange) -> dict[str, Json]:
    """All tests of a state, for the evidence."""
    return {test.name: _told(test) for test in state.tests}


def map_drafts(chosen: Chosen, series: ChangeSeries, params: ChangeParams) -> list[FindingDraft]:
    """Return the difference map and the distance of histograms of every state but the reference."""
    drafts = []
    base = series.states[series.reference]
    for i, state in enumerate(series.states):
        found = state.difference
        if found is None:
            continue
        taken = chosen.taken[i]
        both = [taken.measurement.id, chosen.taken[chosen.reference].measurement.id]
        tested = int(found.tested.sum())
        share = found.share
        drafts.append(
            FindingDraft(
                kind="spatial_change",
                subject=subject_of(chosen),
                region=taken.region,
                state=dict(taken.measurement.record.state),
                value=None if share is None else share[0],
                unit=None if share is None else "1",
                std_stat=None if share is None else share[1],
                array=f"change_{i}",
                evidence={
                    "scan": state.name,
                    "reference": base.name,
                    "points_tested": tested,
                    "points_changed": int(found.changed.sum()),
                    "limit_in_standard_deviations": found.limit,
                    "divided_by": found.scale,
                    "sentence": sentence_of(state),
                    "tests": tests_told(state),
                },
                assumptions=[*common(chosen, state, params), SHARE],
                method="share of points whose difference, all matter made equal, exceeds what "
                "counting, alignment and interpolation allow at 1 % for all points together",
                measurements=both,
            )
        )
        if state.histogram is not None:
            distance = state.histogram
            drafts.append(
                FindingDraft(
                    kind="histogram_distance",
                    subject=subject_of(chosen, "histogram"),
                    region=taken.region,
                    state=dict(taken.measurement.record.state),
                    value=distance.value,
                    unit="1",
                    std_stat=distance.counting,
                    std_sys=distance.alignment or None,  # a mask that did not move says nothing
                    evidence={
                        "scan": state.name,
                        "reference": base.name,
                        "noise_alone_gives": distance.noise,
                        "noise_alone_std": distance.noise_std,
                        "p": distance.p,
                        "std_sys_parts": {
                            "alignment": None if lies_unknown(state, params) else distance.alignment
                        },
                    },
                    assumptions=common(chosen, state, params),
                    method="Wasserstein distance of intensities over their mean, within the film",
                    measurements=both,
                )
            )
    return drafts


def shift_drafts(chosen: Chosen, series: ChangeSeries, params: ChangeParams) -> list[FindingDraft]:
    """Return by how much each scan lies off the reference, where lengths are known."""
    if chosen.unit != "um" or not params.align:
        return []
    drafts = []
    for i, state in enumerate(series.states):
        if i == series.reference or not state.shift.determined:
            continue
        taken = chosen.taken[i]
        for axis, name in enumerate(("y", "x")):
            step = series.film.step[axis]
            drafts.append(
                FindingDraft(
                    kind="map_shift",
                    subject=subject_of(chosen, f"shift along {name}"),
                    region=taken.region,
                    state=dict(taken.measurement.record.state),
                    value=(state.shift.y, state.shift.x)[axis] * step,
                    unit="um",
                    std_stat=float(np.sqrt(state.shift.covariance[axis, axis])) * step,
                    std_sys=float(np.sqrt(state.shift.systematic[axis, axis])) * step,
                    evidence={"scan": state.name, "steps": (state.shift.y, state.shift.x)[axis]},
                    assumptions=["a rigid shift: no rotation, no stretch, no drift in the scan"],
                    method="cross-correlation, refined by least squares; the systematic part from "
                    "leaving out parts of the map and from interpolation",
                    measurements=[
                        taken.measurement.id,
                        chosen.taken[chosen.reference].measurement.id,
                    ],
                )
            )
    return drafts


def sentence_of(state: StateChange) -> str:
    """Say what changed in one state."""
    changed = [t for t in state.tests if t.changed]
    if not changed:
        return "no change beyond counting and alignment"
    said = [
        f"{WORDS[t.name]} {t.change:+.3g} ± {t.std:.2g}"
        for t in changed
        if t.change is not None and t.name in TESTED
    ]
    names = {t.name for t in changed}
    rest = [WORDS[n] for n in ("histogram", "map") if n in names]
    return "changed: " + ", ".join([*said, *rest])


def redistribution_draft(
    chosen: Chosen, series: ChangeSeries, params: ChangeParams
) -> FindingDraft:
    """Return the whole series in words, with all numbers in the array ``states``."""
    base = series.states[series.reference]
    number = sum(len(s.tests) for s in series.states)
    changed = [s for s in series.states if any(t.changed for t in s.tests)]
    if changed:
        said = "; ".join(f"{s.name}: {sentence_of(s)}" for s in changed)
        sentence = f"Against {base.name}, {said}"
    else:
        sentence = f"No state differs from {base.name} beyond counting and alignment"
    return FindingDraft(
        kind="redistribution",
        subject=subject_of(chosen),
        state={},
        array="states",
        evidence={
            "sentence": f"{sentence} ({number} tests, 1 % for all of them together).",
            "states": [s.name for s in series.states],
            "changed": [s.name for s in changed],
            "tests": {s.name: tests_told(s) for s in series.states if s.tests},
        },
        assumptions=common(chosen, base, params),
        method="numbers of shape, difference maps and histograms against the reference, tested "
        "together by Holm's method",
        measurements=[t.measurement.id for t in chosen.taken],
    )
