"""The analysis apt.spectrum: what the mass spectrum says, and what the ranges are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience_apt.amounts.presence import RangeUse, elements_present, range_uses
from consilience_apt.findings.drafts_spectrum import (
    audit_notices,
    described,
    element_draft,
    hits_drafts,
    spectrum_array,
    spectrum_drafts,
)
from consilience_apt.findings.measured import GASES, Prepared, allowed_elements, identified, prepare
from consilience_apt.findings.probed import with_extent
from consilience_apt.masses.audit import audit_ranges
from consilience_apt.masses.multiples import History, Hits, measure_history, measure_hits
from consilience_apt.masses.peaks import find_peaks, resolution
from consilience_apt.params import RangeParams, SpectrumParams

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["audited", "run_spectrum"]


def run_spectrum(
    measurements: Sequence[Measurement], params: SpectrumParams, context: AnalysisContext
) -> AnalysisOutput:
    """Find peaks, name them, hold the ranges against isotopes, and say which elements are there."""
    prepared = prepare(measurements[0], params, context)
    prepared.peaks = find_peaks(prepared.spectrum, threshold=params.threshold)
    prepared.power = resolution(prepared.peaks)
    notices = list(prepared.notices)
    uses = audited(prepared, params, context, notices)
    elements = allowed_elements(prepared.table, params, context)
    candidates: list[list] = [[] for _ in prepared.peaks]  # type: ignore[type-arg]
    if prepared.peaks and prepared.power[1] is not None and elements != ["H"]:
        wanted = list(dict.fromkeys([*elements, *_patterned(uses)]))
        context.progress(0, 1, "naming peaks")
        candidates = identified(
            prepared.spectrum, prepared.peaks, prepared.power[1], wanted, params,
            table=prepared.table, most=params.rivals,
        )  # fmt: skip
    method = (
        f"{prepared.spectrum.ions} ions in bins of {params.bin_width:g} Da; peaks of "
        f"{params.threshold:g} standard deviations and more"
    )
    drafts = spectrum_drafts(prepared, candidates, uses, method)
    notices += audit_notices(uses)
    if prepared.table is not None:
        sought = [*context.sample.elements, *(params.elements or ())]
        found = elements_present(
            prepared.table, prepared.spectrum, prepared.background, uses, prepared.peaks,
            prepared.power[1], sought, params.level,
        )  # fmt: skip
        how = "counts in ranges over background, each range held against natural isotopes"
        drafts += [element_draft(one, how) for one in found]
    arrays: dict[str, xr.Dataset] = {"spectrum": spectrum_array(prepared)}
    hits, history = _run_history(prepared, context)
    if hits is not None:
        drafts += hits_drafts(hits)
        if hits.ions:
            arrays["hits"] = _hits_array(hits)
    if history is not None and history.voltage is not None:
        arrays["history"] = _history_array(history)
    drafts = with_extent(drafts, prepared.source, progress=context.progress)
    return AnalysisOutput(drafts, arrays, notices)


def audited(
    prepared: Prepared, params: RangeParams, context: AnalysisContext, notices: list[Notice]
) -> list[RangeUse]:
    """Return what each range is worth; nothing where there is no range, or no peak has a width."""
    if prepared.table is None:
        return []
    try:
        audits = audit_ranges(
            prepared.spectrum, prepared.table, charges=tuple(params.charges),
            resolving=prepared.power[1],
        )  # fmt: skip
    except BadInputError as error:
        # without a width nothing can be tested, and all ranges stay untested
        notices.append(Notice(code="not-audited", message=error.what, fix=error.fix))
        audits = audit_ranges(prepared.spectrum, prepared.table, resolving=500.0)
    return range_uses(
        audits,
        prepared.spectrum,
        prepared.background,
        [*allowed_elements(prepared.table, params, context), *GASES],
    )


def _patterned(uses: Sequence[RangeUse]) -> list[str]:
    return [
        symbol
        for use in uses
        if use.weight == "contradicted"
        for other in use.others
        for symbol, _ in other.ion.elements
    ]


def _run_history(
    prepared: Prepared, context: AnalysisContext
) -> tuple[Hits | None, History | None]:
    hits = history = None
    if "ions_per_pulse" in prepared.source.columns:
        hits = measure_hits(prepared.source, prepared.table, progress=context.progress)
    if {"voltage", "pulses_since"} & set(prepared.source.columns):
        history = measure_history(prepared.source, progress=context.progress)
    return hits, history


def _hits_array(hits: Hits) -> xr.Dataset:
    """Return the correlation histogram (Saxey plot) and the pulses by number of ions."""
    import xarray as xr

    middle = (hits.edges[:-1] + hits.edges[1:]) / 2
    import numpy as np

    return xr.Dataset(
        {
            "pairs": (("lighter", "heavier"), hits.pairs, {"units": "count"}),
            "pulses": ("together", hits.events, {"units": "count"}),
        },
        coords={
            "lighter": ("lighter", middle, {"units": "Da"}),
            "heavier": ("heavier", middle, {"units": "Da"}),
            "together": ("together", np.arange(hits.events.size), {"units": "1"}),
        },
    )


def _history_array(history: History) -> xr.Dataset:
    """Return voltage and rate over the run, and the detector's hits."""
    import xarray as xr

    data = xr.Dataset(coords={"first_ion": ("first_ion", history.first, {"units": "1"})})
    for name, values, unit, std in (
        ("voltage", history.voltage, "V", ""),
        ("pulse_voltage", history.pulse_voltage, "V", ""),
        ("rate", history.rate, "1", "rate_std"),
        ("rate_std", history.rate_std, "1", ""),
    ):
        if values is not None:
            data[name] = ("first_ion", values, described(values, unit, "no pulse", std=std))
    if history.detector is not None and history.detector_edges is not None:
        middle = (history.detector_edges[:-1] + history.detector_edges[1:]) / 2
        data = data.assign_coords(
            detector_x=("detector_x", middle, {"units": "mm"}),
            detector_y=("detector_y", middle, {"units": "mm"}),
        )
        data["detector"] = (("detector_x", "detector_y"), history.detector, {"units": "count"})
    return data
