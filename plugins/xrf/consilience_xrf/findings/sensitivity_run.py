"""The analysis ``xrf.sensitivity``: counts for a mass per area, from a standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_xrf.amounts.attenuation import Layer, Material
from consilience_xrf.amounts.density import Bench, Sensitivity, standard_sensitivity
from consilience_xrf.amounts.element_maps import ElementMap
from consilience_xrf.findings.amount_params import SensitivityParams
from consilience_xrf.findings.map_input import (
    Compared,
    Taken,
    beam_of,
    gather,
    geometry_of,
    layer_of,
    mean_of,
    refuse_amounts,
)

__all__ = [
    "PRIMARY",
    "bench_of",
    "bench_said",
    "of_standard",
    "run_sensitivity",
    "sensitivities_of",
]

PRIMARY = "secondary fluorescence, by lines of other elements, is not counted"


def run_sensitivity(
    measurements: Sequence[Measurement], params: SensitivityParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return counts for 1 µg/cm² and one unit of exposure, from a standard.

    Returns
    -------
    AnalysisOutput
        ``xrf_sensitivity`` for each map of an element that `standard` gives a mass of.

    Raises
    ------
    BadInputError
        `standard` is empty, or its map has no errors.
    """
    del context
    return sensitivities_of(gather(measurements, params), params)


def sensitivities_of(compared: Compared, params: SensitivityParams) -> AnalysisOutput:
    """Return what `run_sensitivity` says of maps that are on one exposure already."""
    refuse_amounts(compared)
    if not params.standard:
        raise BadInputError(
            "no mass per area of the standard is given",
            fix='give standard={"Pt": {"mass": 10.5, "std": 0.5}}, in µg/cm²',
        )
    over = tuple(layer_of(layer) for layer in params.over)
    findings = []
    notices = list(compared.notices)
    for taken in compared.taken:
        bench = bench_of(taken, params, over, ())
        for name, one in taken.corrected.items():
            if one.element not in params.standard:
                continue
            found = of_standard(one, compared, params, bench)
            unit = f"{one.unit}/(ug/cm^2)" + ("" if compared.unit == "1" else f"/({compared.unit})")
            findings.append(
                FindingDraft(
                    kind="xrf_sensitivity",
                    subject=Subject(element=one.element, label=name),
                    region=taken.region,
                    value=found.value,
                    unit=unit,
                    std_stat=found.std_stat,
                    std_sys=found.std_sys,
                    evidence={
                        "std_sys_parts": dict(found.parts),
                        "standard_ug_cm2": params.standard[one.element].mass,
                        "exposure": compared.said,
                    },
                    assumptions=[*bench_said(bench, over), PRIMARY],
                    method="mean counts over mass per area of a standard, own absorption undone",
                    measurements=[taken.measurement.id],
                )
            )
    if not findings:
        have, given = ", ".join(compared.lines), ", ".join(params.standard)
        text = f"the maps are of {have}, and the standard's mass is that of {given}"
        fix = "give the mass per area of an element that has a map"
        notices.append(Notice(code="standard-without-map", message=text, fix=fix))
    return AnalysisOutput(findings, notices=notices)


def bench_of(
    taken: Taken, params: Any, over: tuple[Layer, ...], before: tuple[Layer, ...]
) -> Bench | None:
    """Return beam, angles and layers of a scan; None without the energy of the beam."""
    beam = beam_of(taken.measurement, params.incident_energy)
    if beam is None:
        return None
    thick = float(getattr(params, "detector_thickness", 450.0))
    detector = Layer(Material.of("Si"), thick, 0.0)
    return Bench(beam, geometry_of(params), over, before, detector)


def bench_said(bench: Bench | None, over: Sequence[Layer]) -> list[str]:
    """Return the same in words."""
    if bench is None:
        return ["the beam's energy is not known: absorption is left out"]
    angles = bench.geometry
    where = f"detector at {angles.takeoff:g}° to the surface"
    said = [f"beam {bench.beam:g} keV at {angles.incident:g}°, {where}"]
    for layer in over:
        error = "unknown" if layer.thickness_std is None else f"{layer.thickness_std:g}"
        said.append(
            f"under {layer.thickness:g} ± {error} µm of {layer.material.name}, "
            f"{layer.material.needed_density:g} g/cm³"
        )
    return said


def of_standard(
    one: ElementMap, compared: Compared, params: Any, bench: Bench | None
) -> Sensitivity:
    """Return what a map of a standard says of its line.

    Raises
    ------
    BadInputError
        The map has no errors.
    """
    mean, std = mean_of(one)
    if std is None:
        raise BadInputError(
            f"the counts of {one.name} in the standard have no error",
            fix="give a map in counts, or one with its standard deviation",
        )
    given = params.standard[one.element]
    unit = compared.reference
    return standard_sensitivity(
        mean / unit, std / unit, given.mass, given.std, one.element, one.line, bench
    )
