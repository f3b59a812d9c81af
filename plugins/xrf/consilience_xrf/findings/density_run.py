"""The analysis ``xrf.density``: mass per area of elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrf.amounts.attenuation import Material
from consilience_xrf.amounts.density import (
    Bench,
    MassPerArea,
    Sensitivity,
    fundamental_sensitivity,
    mass_per_area,
    mean_with_errors,
    saturation,
    transferred,
)
from consilience_xrf.amounts.element_maps import ElementMap
from consilience_xrf.amounts.emission import emission
from consilience_xrf.findings.amount_params import DensityParams
from consilience_xrf.findings.map_input import (
    Compared,
    Taken,
    gather,
    layer_of,
    material_of,
    refuse_amounts,
)
from consilience_xrf.findings.maps_run import absorption_said
from consilience_xrf.findings.probed import depth_of, lateral_of
from consilience_xrf.findings.sensitivity_run import PRIMARY, bench_of, bench_said, of_standard

__all__ = ["densities_of", "run_density"]

TO_SI = 1e-5
"""kg/m² in 1 µg/cm²."""
ITSELF = "the element lies in a layer of its own; what else is in the layer absorbs more or less"


def run_density(
    measurements: Sequence[Measurement], params: DensityParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return mass per area of each element in each scan.

    Returns
    -------
    AnalysisOutput
        ``mass_thickness`` (kg/m²; µg/cm² in the evidence and the map): mean over the points, its
        counting error, and systematic errors by name; *None* where one of them is not known.
        Layers too thick to tell give a least mass in `interval`.

    Raises
    ------
    BadInputError
        Nothing says how many counts a mass gives, or the beam's energy is not known.
    """
    del context
    return densities_of(gather(measurements, params), params)


def densities_of(compared: Compared, params: DensityParams) -> AnalysisOutput:
    """Return what `run_density` says of maps that are on one exposure already."""
    refuse_amounts(compared)
    standard, rest = _parted(compared, params)
    over = tuple(layer_of(layer) for layer in params.over)
    before = tuple(layer_of(layer) for layer in params.before)
    known = _known(standard, compared, params)
    notices = list(compared.notices)
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    for i, taken in enumerate(rest):
        bench = bench_of(taken, params, over, before)
        variables: dict[str, Any] = {}
        for one in taken.corrected.values():
            try:
                bare = _sensitivity(one, known, params, bench)
                found, absorbs = _found(one, bare, compared, params, bench)
            except BadInputError as fault:
                said = f"{one.name}: {fault.what}"
                notices.append(Notice(code="no-mass-per-area", message=said, fix=fault.fix))
                continue
            reach, absorbed = absorption_said(taken, one, params, notices)
            draft = _draft(
                found, bare, absorbs, one, taken, compared, params, bench, f"mass_{i}", absorbed
            )
            findings += with_probe([draft], lateral_of(taken), depth_of(reach))
            variables.update(_variables(found, one, taken))
        if variables:
            y, x = taken.maps.dims
            unit = {"units": taken.maps.unit}
            arrays[f"mass_{i}"] = xr.Dataset(
                variables,
                {y: (y, taken.maps.y, dict(unit)), x: (x, taken.maps.x, dict(unit))},
                {"title": taken.title},
            )
    if not findings:
        said = _once(notices) or "no scan is left beside the standard"
        raise BadInputError(
            f"no mass per area can be told: {said}",
            fix="give 'standard_measurement' with 'standard', or 'sensitivity', or 'photons' with "
            "'solid_angle'",
        )
    return AnalysisOutput(findings, arrays, notices)


def _once(notices: Sequence[Notice]) -> str:
    """What is said of many maps, each reason once: ``Fe_Ka, Pt_La: …``."""
    by_reason: dict[str, list[str]] = {}
    for notice in notices:
        name, colon, why = notice.message.partition(": ")
        by_reason.setdefault(why if colon else name, []).append(name if colon else "")
    return "; ".join(
        ": ".join(filter(None, [", ".join(dict.fromkeys(filter(None, names))), why]))
        for why, names in by_reason.items()
    )


def _parted(compared: Compared, params: DensityParams) -> tuple[Taken | None, list[Taken]]:
    if not params.standard_measurement:
        return None, list(compared.taken)
    named = [
        t
        for t in compared.taken
        if params.standard_measurement
        in (t.title, t.measurement.id, t.measurement.record.file_name, t.measurement.record.name)
    ]
    if len(named) != 1:
        raise BadInputError(
            f"{len(named)} scans are called {params.standard_measurement!r}",
            fix="name one of " + ", ".join(repr(t.title) for t in compared.taken),
        )
    return named[0], [t for t in compared.taken if t is not named[0]]


def _known(
    standard: Taken | None, compared: Compared, params: DensityParams
) -> dict[tuple[str, str], Sensitivity]:
    """Sensitivities of bare layers by line: given, or from the standard."""
    found: dict[tuple[str, str], Sensitivity] = {}
    for name, given in params.sensitivity.items():
        element, _, line = name.partition("_")
        found[element, line] = Sensitivity(given.mass, 0.0, {"sensitivity": given.std}, "as given")
    if standard is not None:
        bench = bench_of(standard, params, (), ())
        for one in standard.corrected.values():
            if one.element in params.standard:
                made = of_standard(one, compared, params, bench)
                found[one.element, one.line] = made
        if not any(one.element in params.standard for one in standard.corrected.values()):
            raise BadInputError(
                f"the standard {standard.title!r} has no map of an element whose mass is given",
                fix='give standard={"Pt": {"mass": 10.5, "std": 0.5}} of an element that it has',
            )
    return found


def _sensitivity(
    one: ElementMap,
    known: dict[tuple[str, str], Sensitivity],
    params: DensityParams,
    bench: Bench | None,
) -> Sensitivity:
    """Counts for 1 µg/cm² of a bare, thin layer."""
    line = (one.element, one.line)
    if line in known:
        return known[line]
    if bench is None:
        raise BadInputError(
            "the energy of the beam is not known", fix="give 'incident_energy' in keV"
        )
    if params.photons is not None and params.solid_angle is not None:
        bare = Bench(bench.beam, bench.geometry, (), bench.before, bench.detector)
        return fundamental_sensitivity(
            *line, bare, params.photons, params.solid_angle,
            params.photons_std, params.solid_angle_std,
        )  # fmt: skip
    if known and params.transfer:
        energy = emission(*line, bench.beam).energy
        near = min(known, key=lambda k: abs(emission(*k, bench.beam).energy - energy))
        return transferred(known[near], near, line, bench)
    raise BadInputError(
        "nothing says how many counts its mass gives",
        fix="give 'standard_measurement' with 'standard', or 'sensitivity', or 'photons' with "
        "'solid_angle'",
    )


def _found(
    one: ElementMap,
    bare: Sensitivity,
    compared: Compared,
    params: DensityParams,
    bench: Bench | None,
) -> tuple[MassPerArea, bool]:
    over = 1.0
    chi: float | tuple[NDArray[np.float64], NDArray[np.float64]] = 0.0
    if bench is not None:
        own = emission(one.element, one.line, bench.beam)
        over = bench.let_through(own)[0]
        if params.self_absorption:
            chi = bench.chis(own, _matter(one, params))
    unit = compared.reference
    std = None if one.std is None else one.std / unit
    made = mass_per_area(one.values / unit, std, bare.value * over, chi, _fraction(one, params))
    return made, not isinstance(chi, float)


def _matter(one: ElementMap, params: DensityParams) -> Material:
    """What the element's layer is made of: the matrix, else the element alone."""
    if params.matrix is None:
        return Material.of(one.element)
    return material_of(params.matrix, params.matrix_density)


def _fraction(one: ElementMap, params: DensityParams) -> float:
    """Mass fraction of the element in its layer."""
    return params.fractions.get(one.element, 1.0)


def _draft(
    found: MassPerArea,
    bare: Sensitivity,
    absorbs: bool,
    one: ElementMap,
    taken: Taken,
    compared: Compared,
    params: DensityParams,
    bench: Bench | None,
    key: str,
    absorbed: dict[str, Any],
) -> FindingDraft:
    relative: dict[str, float | None] = {
        name: None if part is None else part / bare.value for name, part in bare.parts.items()
    }
    if bare.std_stat:
        relative["counting_of_the_standard"] = bare.std_stat / bare.value
    passed = 1.0
    if bench is not None and bench.over:
        passed, over_std = bench.let_through(emission(one.element, one.line, bench.beam))
        relative["layers_over"] = over_std
    common: dict[str, Any] = {
        "kind": "mass_thickness",
        "subject": Subject(element=one.element, label=one.name),
        "region": taken.region,
        "state": dict(taken.measurement.record.state),
        "array": key,
        "method": f"Sherman's equation of one layer, sensitivity from {bare.how}",
        "measurements": [taken.measurement.id],
        "assumptions": _said(bench, params, compared, one),
    }
    limit = None
    if bench is not None and absorbs:
        limit = saturation(
            one.element, one.line, bench, _matter(one, params), _fraction(one, params)
        )
    evidence: dict[str, Any] = {
        "scan": taken.title,
        "variable": one.name,
        "variable_std": None if found.std is None else f"{one.name}_std",
        "sensitivity": bare.value,
        "sensitivity_unit": f"{one.unit} for 1 ug/cm^2 and 1 {compared.unit}",
        "let_through_by_layers": passed,
        "points_too_thick": int(found.thick.sum()),
        "saturates_at_ug_cm2": limit,
        "absorption": absorbed,
    }
    good = np.isfinite(found.values)
    if not good.any():
        return FindingDraft(
            **common,
            status="not_observable",
            reason=f"{one.name} has as many counts as an endless layer: at least "
            f"{found.least:.4g} µg/cm²"
            if found.thick.any()
            else f"no point of {one.name} was measured",
            evidence=evidence,
        )
    mean, stat, moved = mean_with_errors(found, list(relative.values()))
    parts: dict[str, float | None] = {
        name: None if part is None else part * TO_SI
        for name, part in zip(relative, moved, strict=True)
    }
    if params.self_absorption and bench is None:
        parts["own_absorption"] = None  # nor that of layers over it: the beam is not known
    elif params.self_absorption and params.matrix is None:
        # the layer's own matter is not known: as much as leaving its absorption out would change
        parts["own_absorption"] = abs(mean - float(found.thin[good].mean())) * TO_SI
    values = [p for p in parts.values() if p is not None]
    std_sys = math.hypot(*values) if len(values) == len(parts) else None
    return FindingDraft(
        **common,
        value=mean * TO_SI,
        unit="kg/m^2",
        std_stat=None if stat is None else stat * TO_SI,
        std_sys=std_sys,
        evidence={
            **evidence,
            "ug_cm2": mean,
            "ug_cm2_std_stat": stat,
            "ug_cm2_std_sys": None if std_sys is None else std_sys / TO_SI,
            "std_sys_parts": parts,
            "kept_by_its_own_layer": found.absorbed,
            "spread_of_points_ug_cm2": float(found.values[good].std()),
        },
    )


def _said(
    bench: Bench | None, params: DensityParams, compared: Compared, one: ElementMap
) -> list[str]:
    said = [compared.said, *bench_said(bench, () if bench is None else bench.over), PRIMARY]
    if not params.self_absorption:
        said.append("layers are taken as thin: their own absorption is left out")
    elif params.matrix is None and bench is not None:
        said.append(ITSELF)
    if one.std_from == "counting":
        said.append("errors are √N of the map's own counts, without those of its background")
    return said


def _variables(found: MassPerArea, one: ElementMap, taken: Taken) -> dict[str, Any]:
    dims = taken.maps.dims
    attrs = {"units": "ug/cm^2", "element": one.element, "line": one.line}
    attrs["missing"] = "not measured, or too thick to tell"
    variables: dict[str, Any] = {one.name: (dims, found.values, attrs)}
    if found.std is not None:
        attrs["ancillary_variables"] = f"{one.name}_std"
        about = {"units": "ug/cm^2", "missing": attrs["missing"]}
        variables[f"{one.name}_std"] = (dims, found.std, about)
    return variables
