"""The analysis ``compton.regions``: cathode, electrolyte and anode out of three beam positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.momentum_drafts import (
    covariance_dataset,
    emr_draft,
    profile_dataset,
    refused,
)
from consilience_compton.findings.momentum_params import RegionParams
from consilience_compton.findings.regions_input import (
    Triple,
    against_layers,
    fractions_of,
    groups_of,
    once,
    triple_in_one,
    triple_of,
)
from consilience_compton.momentum.background import net_counts, net_operator, observed
from consilience_compton.momentum.collect import Settings, Total, combined, tails_of
from consilience_compton.momentum.evaluation import Evaluated, evaluate
from consilience_compton.momentum.pooling import pool, squares
from consilience_compton.momentum.regions import COMPONENTS, Fractions, weights_of

__all__ = ["run_regions"]

Array = NDArray[np.float64]
LITHIUM = "Li"


@dataclass(frozen=True)
class Apart:
    """The three components of one state."""

    totals: tuple[Total, ...]
    settings: tuple[Settings, ...]
    results: tuple[Evaluated, ...]
    statistical: Array
    weights: Array


def run_regions(
    measurements: Sequence[Measurement], params: RegionParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return EMR of cathode, electrolyte and anode for each state that has three regions.

    Returns
    -------
    AnalysisOutput
        Three findings of kind ``momentum_ratio`` for each state, with a joint covariance; what
        moves with α and β is part of `std_sys`, by its cause.  Nothing where no measurement says
        that it is a region; *not observable* where a region or α and β are missing.
    """
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    jobs: list[tuple[list[str], Any]] = []
    try:
        for state, members in groups_of(measurements, params):
            ids = [m.id for m in members.values()]
            jobs.append((ids, lambda m=members, s=state: triple_of(m, s, params)))
    except BadInputError as fault:
        return AnalysisOutput([], {}, [_notice("two-of-one-region", fault)])
    taken = {one for ids, _ in jobs for one in ids}
    jobs += [
        ([one.id], lambda m=one: triple_in_one(m, params))
        for one in measurements
        if one.id not in taken and _holds_regions(one, params)
    ]
    for number, (ids, make) in enumerate(jobs):
        context.progress(number, len(jobs), "regions of a state")
        try:
            triple = make()
            if triple is None:
                continue
            fractions = fractions_of(params)
            apart = take_apart(triple, fractions, params)
        except BadInputError as fault:
            findings.append(refused(fault.what, label="cathode", measurements=ids))
            notices.append(_notice("no-regions", fault))
            continue
        place = None if len(jobs) == 1 else number + 1
        found, made = _output(triple, apart, fractions, params, place)
        findings += found
        arrays |= made
        notices += [*_said(triple, params), *against_layers(params)]
    return AnalysisOutput(findings, arrays, once(notices))


def _holds_regions(measurement: Measurement, params: RegionParams) -> bool:
    summary = measurement.record.summary.variables.get("counts")
    if summary is None:
        return False
    return "region" in summary.dims or (
        params.region_rows is not None and {"row", "column"} <= set(summary.dims)
    )


def _notice(code: str, fault: BadInputError) -> Notice:
    return Notice(code=code, message=fault.what, fix=fault.fix)


def take_apart(triple: Triple, fractions: Fractions, params: RegionParams) -> Apart:
    """Return the components with their ratios and the covariance of counting between them."""
    geometry = triple.walked[0].spectra.geometry
    base = triple.walked[0].settings
    incident = geometry.incident_energy
    weights = weights_of(fractions) / triple.exposures
    formulas = (params.cathode_formula, params.electrolyte_formula, LITHIUM)
    if not params.composition and not any(formulas[:2]):
        formulas = ("", "", "")
    totals, settings, results = [], [], []
    for row, formula in zip(weights, formulas, strict=True):
        own = replace(base, composition=formula)
        tails = tails_of(triple.angles, incident, own).mean(axis=0)
        total = combined(triple.totals, row.tolist(), tails)
        result = evaluate(total, geometry, own, triple.walked[0].peak)
        totals.append(total)
        settings.append(own)
        results.append(result)
    statistical = np.zeros((3, 3))
    used = [replace(t, sides=t.sides if base.subtract else None) for t in triple.totals]
    matrices = [observed(t.cells, t.sides)[1] for t in used]
    for j, one in enumerate(results):
        for k, other in enumerate(results):
            statistical[j, k] = sum(
                weights[j, i] * weights[k, i] * float(one.gradient @ v @ other.gradient)
                for i, v in enumerate(matrices)
            )
    moved = _moved(triple, fractions, params, settings, results)
    results = [
        _with_parts(one, {name: float(shift[i]) for name, shift in moved.items()})
        for i, one in enumerate(results)
    ]
    return Apart(tuple(totals), tuple(settings), tuple(results), statistical, weights)


def _moved(
    triple: Triple,
    fractions: Fractions,
    params: RegionParams,
    settings: Sequence[Settings],
    results: Sequence[Evaluated],
) -> dict[str, Array]:
    """Change of each component's EMR by one standard deviation of α, β and exposures."""

    def ratios(weights: Array) -> Array:
        return _ratios(triple, weights, settings, results)

    def by_fractions(da: float, db: float) -> Callable[[float], Array]:
        def at(share: float) -> Array:
            a, b = fractions.alpha + share * da, fractions.beta + share * db
            rows = np.array([[1.0, -1.0, a - b], [0.0, 1.0, -a], [0.0, 0.0, 1.0]])
            return ratios(rows / triple.exposures)

        return at

    def by_exposure(region: int, std: float) -> Callable[[float], Array]:
        def at(share: float) -> Array:
            other = triple.exposures.copy()
            other[region] *= 1.0 + share * std
            return ratios(weights_of(fractions) / other)

        return at

    base = ratios(weights_of(fractions) / triple.exposures)
    found = {name: _slope(by_fractions(*by), base) for name, by in fractions.causes.items()}
    if params.exposure_std:
        for region in (1, 2):
            shift = _slope(by_exposure(region, params.exposure_std), base)
            found[f"exposure_{region + 1}"] = shift
    return found


def _slope(at: Callable[[float], Array], base: Array) -> Array:
    """Change by a whole standard deviation; where nothing is left then, that of a part of it."""
    found = np.full(base.shape, np.nan)
    for share in (1.0, 0.1, 0.01):
        open_ = ~np.isfinite(found)
        if not open_.any():
            break
        found[open_] = ((at(share) - base) / share)[open_]
    return found


def _ratios(
    triple: Triple, weights: Array, settings: Sequence[Settings], results: Sequence[Evaluated]
) -> Array:
    values = np.zeros(3)
    incident = triple.walked[0].spectra.geometry.incident_energy
    for i, (row, own, one) in enumerate(zip(weights, settings, results, strict=True)):
        tails = tails_of(triple.angles, incident, own).mean(axis=0)
        total = combined(triple.totals, row.tolist(), tails)
        sides = total.sides if own.subtract else None
        net = net_operator(total.cells, own.windows, sides, total.tails)
        low, high = net @ observed(total.cells, sides)[0]
        values[i] = one.factor * low / high if high > 0.0 else np.nan
    return values


def _with_parts(one: Evaluated, more: dict[str, float]) -> Evaluated:
    if not np.isfinite(one.result.value):
        return one
    shifts = {name: shift if np.isfinite(shift) else None for name, shift in more.items()}
    signed = {**one.signed, **shifts}
    parts = {name: None if shift is None else abs(shift) for name, shift in signed.items()}
    return replace(one, result=replace(one.result, std_sys_parts=parts), signed=signed)


def _output(
    triple: Triple, apart: Apart, fractions: Fractions, params: RegionParams, place: int | None
) -> tuple[list[FindingDraft], dict[str, xr.Dataset]]:
    tag = "" if place is None else f"_{place}"
    geometry = triple.walked[0].spectra.geometry
    names = [*COMPONENTS, "region 1", "region 2", "region 3"]
    arrays = {
        f"covariance{tag}": covariance_dataset(COMPONENTS, apart.results, apart.statistical),
        f"regions{tag}": profile_dataset([*apart.totals, *triple.totals], names, apart.settings[0]),
    }
    if triple.maps is not None:
        arrays[f"regions{tag}"] = arrays[f"regions{tag}"].assign(_maps(triple, apart, params))
    extra: dict[str, Any] = {
        "alpha": fractions.alpha,
        "beta": fractions.beta,
        "alpha_beta_from": fractions.source,
        "alpha_beta_covariance": None
        if fractions.covariance is None
        else fractions.covariance.tolist(),
        "alpha_beta_causes": {k: list(v) for k, v in fractions.causes.items()},
        "formula_cathode": "I_c = I_R1 − I_R2 + (α − β) I_R3",
        "formula_electrolyte": "I_s = I_R2 − α I_R3",
        "exposures": triple.exposures.tolist(),
        "exposures_from": triple.exposure_from,
        "correlation_of_counting": _correlation(apart.statistical),
    }
    if place is not None:
        extra["place_in_series"] = place
    said = []
    if not fractions.causes:
        said.append("α and β are taken as exact: their errors are not known")
    if triple.exposure_from.startswith("not stated"):
        said.append("the three regions are taken to have had the same exposure")
    said.append("region 3 is lithium metal alone, and it is the same lithium in all regions")
    findings = []
    for i, (name, total, own, one) in enumerate(
        zip(COMPONENTS, apart.totals, apart.settings, apart.results, strict=True)
    ):
        draft = emr_draft(
            one,
            total,
            geometry,
            own,
            triple.walked[0].peak,
            label=name,
            array=f"regions{tag}",
            index=i,
            state=triple.state,
            extra={**extra, "weights_of_regions": apart.weights[i].tolist()},
            assumptions=said,
            measurements=triple.measurements,
        )
        if draft.covariance is not None and tag:
            shared = draft.covariance.model_copy(update={"array": f"covariance{tag}"})
            draft = draft.model_copy(update={"covariance": shared})
        findings.append(draft)
    return findings, arrays


def _maps(triple: Triple, apart: Apart, params: RegionParams) -> dict[str, Any]:
    """EMR of cathode and anode by pooled pixels."""
    found: dict[str, Any] = {}
    maps = triple.maps
    if maps is None:
        return found
    incident = triple.walked[0].spectra.geometry.incident_energy
    used = maps[0].used
    about = {"units": "1", "missing": "not used, or too few counts"}
    for i in (0, 2):
        own = apart.settings[i]
        part = combined(
            [
                replace(total, cells=one.cells, sides=one.sides if own.subtract else None)
                for total, one in zip(triple.totals, maps, strict=True)
            ],
            apart.weights[i].tolist(),
        )
        tails = tails_of(maps[0].angles, incident, own) if own.subtract else 0.0
        counts, matrix = net_counts(part.cells, own.windows, part.sides, tails)
        labels = squares(counts, matrix, used, params.wanted)
        pooled = pool(counts, matrix, labels, apart.results[i].factor, params.wanted)
        name = f"emr_{COMPONENTS[i]}"
        std = {**about, "pooled_for": params.wanted}
        dims = ("row", "column")
        values = pooled.on_pixels(pooled.result.value)
        found[name] = (dims, values, {**about, "ancillary_variables": f"{name}_std"})
        found[f"{name}_std"] = (dims, pooled.on_pixels(pooled.result.std_stat), std)
    return found


def _correlation(matrix: Array) -> list[list[float | None]]:
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0.0).all():
        return [[None] * 3] * 3
    return [[float(v) for v in row] for row in matrix / np.outer(scale, scale)]


def _said(triple: Triple, params: RegionParams) -> list[Notice]:
    """Say where the three regions' peaks do not agree: the energy scale drifted between them."""
    if params.centre == "found" or len(triple.measurements) == 1:
        return []
    peaks = [one.peak for one in triple.walked]
    spread = max(p.deviation for p in peaks) - min(p.deviation for p in peaks)
    error = max(p.deviation_std for p in peaks)
    if spread <= max(4.0 * error, 0.02):
        return []
    return [
        Notice(
            code="drift-between-regions",
            message=f"the Compton peak lies {1e3 * spread:.0f} eV apart in the three regions: what "
            "is subtracted is not at the same energy",
            fix="say centre=found, or correct the drift with compton.drift",
        )
    ]
