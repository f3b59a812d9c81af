"""Crystallite sizes and microstrains of the phases present, with bounds and rivals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft, Interval, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.axes import q_derivative
from consilience_xrd.files.calibrant import reference_file_pattern
from consilience_xrd.findings.drafts import subject_of
from consilience_xrd.findings.one_state import state_of
from consilience_xrd.findings.patterns import fit_notices, method_sentence
from consilience_xrd.findings.probed import of_pattern
from consilience_xrd.findings.size_params import SizeParams
from consilience_xrd.identification.matching import Pairing, inflation, observed_from_fit
from consilience_xrd.lines.instrument import BAD, InstrumentBreadth, breadth_of, fit_instrument
from consilience_xrd.lines.peaks import PeakFit, fit_peaks
from consilience_xrd.lines.size_strain import (
    LineBreadth,
    SizeEstimate,
    WilliamsonHall,
    orders_of,
    sample_breadth,
    scherrer,
    williamson_hall,
)
from consilience_xrd.lines.systematics import PeakSystematics, systematic_errors
from consilience_xrd.pattern import Pattern

if TYPE_CHECKING:
    from consilience_xrd.references.phases import PhaseCell

__all__ = ["run_size"]

GRADIENT = Rival(
    subject=Subject(label="gradient of composition"),
    live=True,
    explains=["broadening that grows in proportion to q"],
    missing=[],
    decided_by=[
        "a profile of composition by EDX or atom probe",
        "asymmetry of the lines, which microstrain does not give",
    ],
    note="a spread of cells broadens lines as microstrain does, in every order alike",
)
ALL_SIZE = (
    "all broadening beyond the instrument's is taken as of size; strain or a gradient of "
    "composition in it would mean larger crystallites"
)
UNKNOWN_INSTRUMENT = (
    "no calibrant was given: the instrument's share of the breadths is unknown, so sizes are "
    "lower bounds"
)
ONE_ORDER = "microstrain needs two orders of one reflection; for {} there are none"


def run_size(
    measurements: Sequence[Measurement], params: SizeParams, context: AnalysisContext
) -> AnalysisOutput:
    """Sizes by Scherrer, sizes and strains by Williamson and Hall where there are two orders."""
    measurement = measurements[0]
    state = state_of(measurement, params, context, context.progress)
    assert state.fitted is not None  # the analysis is declared for intensities alone
    pattern, fit = state.fitted.pattern, state.fitted.fit
    pairing, results = state.pairing, state.results
    notices: list[Notice] = [*fit_notices(pattern, fit), *state.notices]
    instrument, said = _instrument(pattern, params, context)
    notices += said
    context.progress(2, 3, "taking breadths apart")
    present = [r.phase for r in results if r.status == "present"]
    cells = {r.phase.key: r.phase for r in pairing.references}
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    spread = systematic_errors(pattern, fit)
    for number, key in enumerate(present):
        lines = _lines(pattern, fit, pairing, key, set(present), instrument, spread)
        if not lines:
            continue
        name = f"breadths-{number}"
        arrays[name] = _dataset(lines, cells[key])
        made, reasons = _drafts(cells[key], lines, instrument, params, name, fit)
        findings += made
        notices += reasons
    if not findings:
        told = "no phase is present with lines of its own" if present else "no phase is present"
        notices.append(
            Notice(
                code="no-breadths",
                message=f"{told}, so there is nothing to take a size from",
                severity="info",
            )
        )
    return AnalysisOutput(of_pattern(findings, measurement), arrays, notices)


def _instrument(
    pattern: Pattern, params: SizeParams, context: AnalysisContext
) -> tuple[InstrumentBreadth | None, list[Notice]]:
    if params.calibrant is None:
        return None, [Notice(code="no-calibrant", message=UNKNOWN_INSTRUMENT, severity="info")]
    other = reference_file_pattern(params.calibrant, context.references, pattern, "calibrant")
    fit = fit_peaks(other, method=params.baseline, significance=params.significance)
    spread = systematic_errors(other, fit)
    breadths = [
        breadth_of(p, inflation(p, fit.noise_known), s.breadth)
        for p, s in zip(fit.peaks, spread, strict=True)
        if not BAD & set(p.flags)
    ]
    found = fit_instrument(breadths, pattern.axis == "two_theta")
    law = "Caglioti's law" if found.law == "caglioti" else "a polynomial"
    return found, [
        Notice(
            code="instrument",
            message=f"breadths of {len(breadths)} lines of {params.calibrant} follow {law} with "
            f"chi-square {found.chi2:.3g} for {found.dof} degrees of freedom",
            severity="info",
        )
    ]


def _lines(
    pattern: Pattern,
    fit: PeakFit,
    pairing: Pairing,
    key: str,
    present: set[str],
    instrument: InstrumentBreadth | None,
    spread: Sequence[PeakSystematics],
) -> list[LineBreadth]:
    """Lines that belong to one phase alone, with their breadths on the q axis."""
    by_q = {m.peak.q: m for m in pairing.peaks}
    out: list[LineBreadth] = []
    observed = observed_from_fit(fit, pattern, 0.0)
    for peak, seen, sys in zip(fit.peaks, observed, spread, strict=True):
        matched = by_q.get(seen.q)
        if matched is None or BAD & set(peak.flags):
            continue
        mine = [c for c in matched.candidates if c.within and c.phase == key]
        if not mine or any(c.within and c.phase in present - {key} for c in matched.candidates):
            continue
        # two lines of the phase at one place are one peak of two breadths
        if (
            len({c.line.label for c in mine if c.line.intensity >= 0.1 * mine[0].line.intensity})
            > 1
        ):
            continue
        breadth = breadth_of(peak, inflation(peak, fit.noise_known), sys.breadth)
        if breadth.std_stat is None:
            continue
        to_q = 1.0
        if pattern.axis == "two_theta" and pattern.source is not None:
            to_q = float(q_derivative(peak.center, pattern.source.wavelength))
        own, own_std = (None, 0.0) if instrument is None else instrument.at(peak.center)
        out.append(
            LineBreadth(
                mine[0].line.hkl, seen.q, breadth.value * to_q, breadth.std_stat * to_q,
                breadth.std_sys * to_q, None if own is None else own * to_q, own_std * to_q,
                mine[0].line.label,
                {name: change["breadth"] * to_q for name, change in sys.changes.items()},
            )
        )  # fmt: skip
    return out


def _drafts(
    phase: PhaseCell,
    lines: list[LineBreadth],
    instrument: InstrumentBreadth | None,
    params: SizeParams,
    array: str,
    fit: PeakFit,
) -> tuple[list[FindingDraft], list[Notice]]:
    subject = subject_of(phase)
    method = f"{method_sentence(fit)}; integral breadths"
    groups = orders_of(lines) if instrument is not None else []
    findings: list[FindingDraft] = []
    for group in groups:
        found = williamson_hall(group, params.scherrer_constant)
        findings += _by_orders(subject, found, group, array, method)
    if not groups:
        findings.append(_by_scherrer(subject, lines, instrument, params, array, method))
    notices = []
    if not groups:
        message = ONE_ORDER.format(phase.label) if instrument is not None else UNKNOWN_INSTRUMENT
        notices.append(Notice(code="no-strain", message=message, severity="info"))
    return findings, notices


def _evidence(lines: Sequence[LineBreadth]) -> dict[str, Any]:
    return {
        "lines": [
            {
                "hkl": s.label,
                "q": round(s.q, 6),
                "breadth": float(f"{s.observed:.5g}"),
                "breadth_std": float(f"{s.observed_std:.3g}"),
                "breadth_std_sys": float(f"{s.observed_sys:.3g}"),
                "instrument": None if s.instrument is None else float(f"{s.instrument:.5g}"),
            }
            for s in lines
        ]
    }


def _size(
    subject: Subject, size: SizeEstimate, how: str, evidence: dict[str, Any], array: str,
    assumptions: list[str], reason: str,
) -> FindingDraft:  # fmt: skip
    bound = None if size.value is not None else Interval(low=size.least, high=None, level=0.95)
    return FindingDraft(
        kind="size",
        subject=subject,
        value=size.value,
        unit="nm",
        std_stat=size.std_stat,
        std_sys=size.std_sys,
        interval=bound,
        reason=reason if size.value is None else None,
        array=array,
        evidence={**evidence, "least": float(f"{size.least:.4g}")},
        assumptions=assumptions,
        method=how,
    )


def _by_orders(
    subject: Subject, found: WilliamsonHall, group: list[LineBreadth], array: str, method: str
) -> list[FindingDraft]:
    hkl = " ".join(str(i) for i in found.direction)
    how = f"{method}; Williamson-Hall over {found.orders} orders of {hkl}"
    evidence = {
        **_evidence(group),
        "direction": list(found.direction),
        "intercept": float(f"{found.intercept:.5g}"),
        "slope": float(f"{found.slope:.5g}"),
    }
    strain = FindingDraft(
        kind="microstrain",
        subject=subject,
        value=found.strain,
        unit="1",
        std_stat=found.strain_std_stat,
        std_sys=found.strain_std_sys,
        interval=None
        if found.significant
        else Interval(low=None, high=found.strain_most, level=0.95),
        rivals=[GRADIENT],
        array=array,
        evidence={**evidence, "significant": found.significant},
        assumptions=[
            "breadth = 2 pi K / D + 2 e q; the difference to adding squares is systematic error",
            "e is breadth / (2 q), an upper limit of the strain's spread, not its root mean square",
        ],
        method=how,
    )
    reason = (
        "what the breadths leave at q = 0 is not significant: the crystallites are larger than "
        "this can tell"
    )
    size = _size(
        subject, found.size, how, evidence, array,
        ["K is exact for the length of columns; a tenth is assumed for other sizes"], reason,
    )  # fmt: skip
    return [size, strain]


def _by_scherrer(
    subject: Subject, lines: list[LineBreadth], instrument: InstrumentBreadth | None,
    params: SizeParams, array: str, method: str,
) -> FindingDraft:  # fmt: skip
    """One size from all lines: the mean of what is left of their breadths."""
    breadths = [sample_breadth(s) for s in lines]
    sizes = [scherrer(b, params.scherrer_constant) for b in breadths]
    evidence = _evidence(lines)
    for row, one in zip(evidence["lines"], sizes, strict=True):
        row["size"] = None if one.value is None else float(f"{one.value:.4g}")
        row["least"] = float(f"{one.least:.4g}")
    how = f"{method}; Scherrer, K = {params.scherrer_constant:g}, of {len(lines)} lines"
    told = [s for s in sizes if s.value is not None]
    if instrument is None or not told:
        best = max(sizes, key=lambda s: s.least)
        reason = (
            UNKNOWN_INSTRUMENT
            if instrument is None
            else "no line is significantly broader than the instrument's, so only a lower bound "
            "follows"
        )
        bound = SizeEstimate(None, None, None, best.least)
        return _size(subject, bound, how, evidence, array, [ALL_SIZE], reason)
    value = np.array([s.value for s in told], dtype=float)
    stat = np.array([s.std_stat for s in told], dtype=float)
    sys = np.array([s.std_sys for s in told], dtype=float)
    weight = 1 / (stat**2 + sys**2)
    weight /= weight.sum()
    mean = float(weight @ value)
    scatter = float(np.sqrt(weight @ (value - mean) ** 2)) if len(told) > 1 else 0.0
    # lines of one pattern err together; what differs between directions is shape or strain
    whole = SizeEstimate(
        mean,
        float(np.sqrt(np.sum((weight * stat) ** 2))),
        float(np.hypot(weight @ sys, scatter)),
        max(s.least for s in sizes),
    )
    return _size(subject, whole, how, evidence, array, [ALL_SIZE], "")


def _dataset(lines: list[LineBreadth], phase: PhaseCell) -> xr.Dataset:
    """Breadths against q, for the figure and for export."""
    unit = {"units": "1/angstrom"}
    data = xr.Dataset(attrs={"phase": phase.label})
    sample = [sample_breadth(s) for s in lines]
    none = {"missing": "no calibrant was given"}
    columns = {
        "q": [s.q for s in lines],
        "breadth": [s.observed for s in lines],
        "breadth_std": [float(np.hypot(s.observed_std, s.observed_sys)) for s in lines],
        "instrument": [np.nan if s.instrument is None else s.instrument for s in lines],
        "instrument_std": [np.nan if s.instrument is None else s.instrument_std for s in lines],
        "sample": [b.value for b in sample],
        "sample_std": [float(np.hypot(b.std_stat, b.std_sys)) for b in sample],
    }
    for name, values in columns.items():
        about = {**unit, **(none if name.startswith("instrument") else {})}
        if f"{name}_std" in columns:
            about["ancillary_variables"] = f"{name}_std"
        data[name] = ("line", np.array(values, dtype=np.float64), about)
    data["hkl"] = ("line", np.array([s.label for s in lines]), {"units": "1"})
    return data
