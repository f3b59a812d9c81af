"""Findings of a series: values state by state, the calibration, changes, associations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.compare.courses.association import DESCRIBES, FEWEST, spearman
from consilience.model.finding import Covariance, FindingDraft, Rival, Subject
from consilience_compton.findings.courses import QUANTITIES, Course, Quantity
from consilience_compton.model.beside import INTENSIVE, ModelLine, apart, model_line
from consilience_compton.model.calibration import Calibration, Point, fit_calibration
from consilience_compton.model.cell import Cell
from consilience_compton.model.profiles import SPLINE, ModelRatio
from consilience_compton.model.sensitivity import Sensitivity, counts_needed, sensitivity
from consilience_compton.series.change import relative_change

__all__ = [
    "association_drafts",
    "calibration_draft",
    "calibration_of",
    "change_drafts",
    "line_dataset",
    "line_evidence",
    "moved_by",
    "value_drafts",
    "x_rivals",
]

TABLE = "as the cited table prints it"
NO_ERROR = "the source gives no errors: {} only is known of them"
EMPIRICAL = "x follows from EMR by a calibration, not by a model of the profile"


def value_drafts(
    course: Course, models: Sequence[ModelRatio | None], said: Sequence[str]
) -> list[FindingDraft]:
    """Return a finding for each quantity and state that has a number."""
    found = []
    for name, quantity in course.quantities.items():
        for index, label in enumerate(course.labels):
            if math.isnan(quantity.values[index]):
                continue
            found.append(_value(course, name, quantity, index, label, models, said))
    return found


def _value(
    course: Course,
    name: str,
    quantity: Quantity,
    index: int,
    label: str,
    models: Sequence[ModelRatio | None],
    said: Sequence[str],
) -> FindingDraft:
    kind, unit = name, QUANTITIES[name][0]
    assumed = []
    evidence: dict[str, Any] = {"place_in_series": index + 1}
    if quantity.std_stat[index] is None:
        known = "the rounding" if course.rounding else "nothing"
        assumed.append(NO_ERROR.format(known))
    if name == "roughness":
        if course.areal:
            kind = "areal_roughness"
            assumed.append(
                "called R_a; its formula integrates over an area, so that it is S_a by ISO 25178"
            )
        if course.voxel is not None:
            evidence["voxel_um"] = course.voxel
            if quantity.values[index] < course.voxel:
                assumed.append(
                    f"{quantity.values[index]:g} µm is less than a voxel of {course.voxel:g} µm: "
                    "what is seen of it depends on how grey values were interpolated"
                )
    rivals: list[Rival] = []
    if name in {"momentum_ratio", "li_content"}:
        assumed += list(said)
        model = models[index] if index < len(models) else None
        if model is not None:
            evidence["free_atom_emr"] = model.value
            evidence["free_atom_emr_std"] = model.std_interpolation
            evidence["free_atom_interpolation"] = SPLINE
            evidence["resolution_au"] = model.fwhm
    if name == "li_content":
        assumed.append(EMPIRICAL)
        rivals = x_rivals()
        evidence["moves_x"] = moved_by(_sensitivity_of(course))
    return FindingDraft(
        kind=kind,
        subject=Subject(label=course.subject),
        state={**course.state, "state": label},
        value=quantity.values[index],
        unit=unit,
        std_stat=quantity.std_stat[index],
        std_sys=quantity.std_sys[index],
        rivals=rivals,
        evidence=evidence,
        assumptions=assumed,
        method=TABLE,
        measurements=list(course.measurements),
    )


def x_rivals() -> list[Rival]:
    """Return what else changes the ratio of a cathode after the subtraction."""
    return [
        Rival(
            subject=Subject(label="lithium metal that was taken off too little or too much"),
            explains=["a change of EMR: metal has twice the ratio of the oxide"],
            decided_by=["α and β from a tomogram of the same state"],
        ),
        Rival(
            subject=Subject(label="energy scale or angle that moved between the states"),
            explains=["a change of EMR, always downwards, by the square of the shift"],
            decided_by=["lines of the detector and the place of the Compton peak in each state"],
        ),
        Rival(
            subject=Subject(label="electrons of nickel, cobalt or oxygen"),
            explains=["a change of the oxide's profile that is not lithium leaving"],
            decided_by=["X-ray absorption at the metals' edges"],
        ),
    ]


def moved_by(given: Sensitivity | None) -> dict[str, Any] | None:
    """Return Δx by errors of the inputs, and the counts that x takes, for the evidence."""
    if given is None:
        return None
    budget = counts_needed(given, 0.05)
    return {
        "by": f"free-atom model of a cell with a beam of {given.cell.beam:g} µm, a cathode of "
        f"{given.cell.cathode:g} µm and an electrolyte of {given.cell.electrolyte:g} µm, its "
        "inputs moved",
        "geometry_1_um": given.by_geometry(1.0),
        "energy_1_eV": given.by_energy(1.0),
        "energy_88_eV": given.by_energy(88.0),
        "angle_0.3_deg": given.by_angle(0.3),
        "angle_1_deg": given.by_angle(1.0),
        "note": "geometry acts in proportion, energy and angle by their square",
        "net_counts_for_0.05": budget.cathode,
        "relative_emr_for_0.05": budget.relative_emr,
    }


_CACHE: dict[tuple[str, float], Sensitivity] = {}


def _sensitivity_of(course: Course) -> Sensitivity | None:
    if "Lix" not in course.composition:
        return None
    key = (course.composition, course.fwhm)
    if key not in _CACHE:
        _CACHE[key] = sensitivity(Cell(oxide=course.composition), fwhm=course.fwhm)
    return _CACHE[key]


def calibration_of(course: Course) -> Calibration | None:
    """Return x on EMR of the states that have both; None where there are fewer than three."""
    ratio, x = course.quantities.get("momentum_ratio"), course.quantities.get("li_content")
    if ratio is None or x is None:
        return None
    both = [
        i
        for i in range(len(course.labels))
        if math.isfinite(ratio.values[i]) and math.isfinite(x.values[i])
    ]
    if len(both) < 3 or len({ratio.values[i] for i in both}) < 2:
        return None
    points = [
        Point(ratio.values[i], x.values[i], ratio.std(i), x.std(i), course.labels[i]) for i in both
    ]
    return fit_calibration(points)


def calibration_draft(
    course: Course, line: Calibration, said: Sequence[str]
) -> tuple[FindingDraft, dict[str, xr.Dataset]]:
    """Return the line x on EMR with its points, residuals, intercept and covariance."""
    name = f"calibration of the {course.subject}"
    model: ModelLine | None = None
    if "Lix" in course.composition:
        model = model_line(course.composition, course.fwhm)
    covariance = line.covariance
    std = None if covariance is None else math.sqrt(covariance[1, 1]) * line.scale
    from_where = "scatter about the line" if line.from_scatter else "errors of the points"
    assumed = [f"the errors of slope and intercept are from the {from_where}"]
    if course.rounding:
        assumed.append("the points' errors are those of printed digits alone")
    assumed.append(
        "x and EMR are from one table: where x was itself computed from EMR, this line gives the "
        "rule back and says nothing of its truth"
    )
    arrays = {name: line_dataset(line)}
    draft = FindingDraft(
        kind="lithium_calibration",
        subject=Subject(label=course.subject),
        state=dict(course.state),
        value=line.slope,
        unit="1",
        std_stat=None if course.rounding else std,
        std_sys=std if course.rounding else None,
        array=name,
        covariance=None if covariance is None else Covariance(array=name, index=1),
        evidence=line_evidence(line, model),
        assumptions=[*assumed, *said],
        method="straight line of x on EMR, errors in both variables (ODRPACK)",
        measurements=list(course.measurements),
    )
    return draft, arrays


def line_evidence(line: Calibration, model: ModelLine | None) -> dict[str, Any]:
    """Return points, residuals, intercept and covariance, and the model's line beside them."""
    covariance = line.covariance
    sign = "−" if line.intercept < 0.0 else "+"
    return {
        "sentence": f"x = {line.slope:.3f} EMR {sign} {abs(line.intercept):.3f}",
        "intercept": line.intercept,
        "intercept_std": None if covariance is None else math.sqrt(covariance[0, 0]) * line.scale,
        "covariance": None if covariance is None else covariance.tolist(),
        "chi2": line.chi2,
        "freedom": line.freedom,
        "p": line.p_value,
        "scale": line.scale,
        "points": [[p.emr, p.x] for p in line.points],
        "labels": [p.label for p in line.points],
        "residuals": [float(r) for r in line.residuals],
        "free_atom_slope_of_emr": None if model is None else model.slope,
        "free_atom_emr_without_lithium": None if model is None else model.intercept,
        "measured_slope_of_emr": 1.0 / line.slope if line.slope else None,
        "emr_without_lithium": -line.intercept / line.slope if line.slope else None,
    }


def line_dataset(line: Calibration) -> xr.Dataset:
    """Return the points of a calibration, what is left of them, and the line's covariance."""

    def column(values: list[float | None]) -> Any:
        return np.array([np.nan if v is None else v for v in values])

    about: dict[str, Any] = {"units": "1"}
    missing = {**about, "missing": "not given in the source"}
    data = xr.Dataset(
        {
            "emr": ("point", column([p.emr for p in line.points]), dict(about)),
            "emr_std": ("point", column([p.emr_std for p in line.points]), dict(missing)),
            "x": ("point", column([p.x for p in line.points]), dict(about)),
            "x_std": ("point", column([p.x_std for p in line.points]), dict(missing)),
            "residual": ("point", np.asarray(line.residuals), dict(about)),
        }
    )
    data["emr"].attrs["ancillary_variables"] = "emr_std"
    data["x"].attrs["ancillary_variables"] = "x_std"
    if line.covariance is not None:
        data["covariance"] = (("row", "column"), line.covariance, {"units": "1"})
    return data


def change_drafts(course: Course, pairs: Sequence[tuple[str, str]]) -> list[FindingDraft]:
    """Return relative changes of each quantity between pairs of states."""
    chosen = list(pairs) or [(course.labels[0], course.labels[-1])]
    found = []
    for name, quantity in course.quantities.items():
        for number, (first, second) in enumerate(chosen, start=1):
            a, b = course.index(first), course.index(second)
            if math.isnan(quantity.values[a]) or math.isnan(quantity.values[b]):
                continue
            if quantity.values[a] == 0.0:
                continue
            ends = quantity.values[a], quantity.values[b]
            stat = relative_change(*ends, quantity.std_stat[a], quantity.std_stat[b]).std
            change = relative_change(*ends)
            assumed = []
            if course.rounding:
                assumed.append("the error is that of printed digits alone")
            elif quantity.common:
                assumed.append(
                    "systematic errors with one cause for all states move them together: "
                    + ", ".join(sorted(quantity.common[a]))
                )
            elif quantity.std_sys[a] is not None:
                assumed.append("systematic errors of the two states are taken as independent")
            found.append(
                FindingDraft(
                    kind="relative_change",
                    subject=Subject(label=f"{QUANTITIES[name][1]} of the {course.subject}"),
                    state={**course.state, "from": first, "to": second},
                    value=change.value,
                    unit="1",
                    std_stat=stat,
                    std_sys=_systematic(quantity, a, b),
                    evidence={
                        "place_in_series": number,
                        "formula": f"{quantity.values[b]:g} / {quantity.values[a]:g} − 1",
                        "from": quantity.values[a],
                        "to": quantity.values[b],
                    },
                    assumptions=assumed,
                    method="value of the later state over that of the earlier one, less 1",
                    measurements=list(course.measurements),
                )
            )
    return found


def _systematic(quantity: Quantity, a: int, b: int) -> float | None:
    """Of a relative change: what is common to both states moves them together."""
    first, second = quantity.values[a], quantity.values[b]
    before, after = quantity.std_sys[a], quantity.std_sys[b]
    if before is None or after is None:
        return None
    if not quantity.common:
        return relative_change(first, second, before, after).std
    one, other = quantity.common[a], quantity.common[b]
    rest = [
        math.sqrt(max(0.0, whole**2 - sum(part**2 for part in parts.values())))
        for whole, parts in ((before, one), (after, other))
    ]
    alone = relative_change(first, second, rest[0], rest[1]).std or 0.0
    ratio = second / first
    together = sum(
        ((other.get(name, 0.0) - ratio * one.get(name, 0.0)) / first) ** 2
        for name in set(one) | set(other)
    )
    return math.sqrt(alone**2 + together)


def association_drafts(course: Course) -> list[FindingDraft]:
    """Return how EMR and roughness go together over the states, by ranks."""
    ratio, rough = course.quantities.get("momentum_ratio"), course.quantities.get("roughness")
    if ratio is None or rough is None:
        return []
    both = [
        i
        for i in range(len(course.labels))
        if math.isfinite(ratio.values[i]) and math.isfinite(rough.values[i])
    ]
    if len(both) < FEWEST:
        return []
    found = spearman([ratio.values[i] for i in both], [rough.values[i] for i in both])
    reason = None if found.rho is not None else "one of the two does not change"
    return [
        FindingDraft(
            kind="rank_association",
            subject=Subject(label=f"EMR and roughness of the {course.subject}"),
            state=dict(course.state),
            value=found.rho,
            unit="1" if found.rho is not None else None,
            status=None if found.rho is not None else "not_observable",
            reason=reason,
            evidence={
                "n": found.n,
                "p": found.p,
                "least_p": found.least_p,
                "orders": found.how if found.rho is not None else None,
                "states": [course.labels[i] for i in both],
            },
            assumptions=[DESCRIBES, "one cell for each rate: rate and cell are confounded"],
            method="Spearman's ρ with its permutation p, two-sided",
            measurements=list(course.measurements),
        )
    ]


def models_of(
    course: Course, line: Calibration | None
) -> tuple[list[ModelRatio | None], list[str]]:
    """Return the model beside a course, and what does not fit."""
    ratio, x = course.quantities.get("momentum_ratio"), course.quantities.get("li_content")
    if ratio is None or not course.composition:
        return [None] * len(course.labels), []
    points = []
    for i, emr in enumerate(ratio.values):
        known = None if x is None or math.isnan(x.values[i]) else x.values[i]
        points.append((emr, known))
    models, said = apart(points, course.composition, course.fwhm, line, states=course.labels)
    if said and "Lix" in course.composition:
        said.append(INTENSIVE)
    return models, said
