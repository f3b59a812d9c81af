"""Edges put into words: intensities, composition, presence."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.finding import Covariance, FindingDraft, Rival, Subject
from consilience_eels.edges.ratio import Fractions, atomic_fractions
from consilience_eels.edges.windows import EdgePlan, neighbours
from consilience_eels.findings.edges_measured import MeasuredEdge, MeasuredEdges
from consilience_eels.findings.edges_onset import by_onsets, offset_of
from consilience_eels.findings.edges_params import EdgesParams

__all__ = [
    "composition_drafts",
    "hidden_by",
    "intensity_draft",
    "presence_draft",
    "rivals_of",
    "unplanned_draft",
]

METHOD = "counts of the edge's window less a power law fitted before it (Poisson likelihood)"
RATIO_METHOD = f"{METHOD}, over exSpy's hydrogenic cross sections of the windows"
CURVED = 3.0
"""Standard deviations from which a curvature of the residuals is pointed out."""
BENT = 5.0
"""The same from which no limit is stated, where it would be that of the curvature alone."""
DEEP, WEAK, EXPONENTS = 150.0, 5.0, (0.0, 8.0)
"""eV from which a power law has such exponents, and times the critical level up to which an edge
is too weak to speak for itself."""
NEGATIVE = -3.0
"""Standard deviations below 0 from which net counts say that the background is wrong."""


def _assumptions(measured: MeasuredEdges, params: EdgesParams) -> list[str]:
    form = f"{params.curvature:g} (one standard deviation) would change is in std_sys"
    said = [f"the background goes on as a power law; what a curvature of up to {form}"]
    if measured.noise is None:
        said.append("counts of one electron are not known, so the counting error is not either")
    elif measured.gain is not None:
        gain = measured.gain
        many = gain.channels
        what = f"sums of {many} channels" if many > 1 else "neighbouring channels"
        said.append(
            f"{gain.value:.4g} ± {gain.std:.2g} counts for one electron, estimated from the "
            f"scatter of {what}"
        )
        if many > 1:
            said.append(
                f"channels hang together: single ones scatter as if an electron made "
                f"{gain.single:.3g} counts; what is spread over more than {many} channels "
                "is not in the error"
            )
    else:
        said.append(f"{measured.noise.counts_per_electron:g} counts for one electron, as given")
    if params.background == "linear combination" and measured.edges:
        low, high = measured.edges[0].exponents or (None, None)
        if low is not None and high is not None:
            said.append(
                f"maps: all pixels share the exponents of two power laws ({low:.3g} and "
                f"{high:.3g} at the first edge), which together fall ever more slowly"
            )
    return said


def intensity_draft(
    edge: MeasuredEdge, measured: MeasuredEdges, params: EdgesParams
) -> FindingDraft:
    """Return the net counts of an edge in the sum of all pixels."""
    total = edge.total
    known = measured.noise is not None
    fitted = math.isfinite(edge.net)
    if not fitted:
        return FindingDraft(
            kind="edge_intensity",
            subject=Subject(element=edge.plan.element, label=edge.edge),
            status="not_observable",
            reason=f"no background can be fitted in {edge.before[0]:g} to {edge.before[1]:g} eV: "
            "too few counts there, or below zero",
            method=METHOD,
        )
    evidence: dict[str, Any] = {
        "edge": edge.edge,
        "onset_eV": edge.plan.onset,
        "background_window_eV": list(edge.before),
        "edge_window_eV": list(edge.inside),
        "background_counts": float(total.background[0]),
        "onset_off_eV": offset_of(edge, measured),
        "exponent": float(total.exponent[0]),
        "std_sys_parts": {
            "background_form": float(total.form_std[0]),
            "background_misfit": float(total.misfit_std[0]) if known else None,
        },
    }
    if known:
        evidence |= {
            "signal_to_noise": float(total.signal_to_noise[0]),
            "h": float(total.h[0] - 1.0) / measured.assumed.counts_per_electron + 1.0,
            "chi_square": float(total.chi_square[0]),
            "curvature_sigma": float(total.curvature_z[0]),
            "second_window_sigma": edge.beside,
        }
    else:
        evidence["std_stat_at_one_count_per_electron"] = float(total.std[0])
    if edge.pixels is not None:
        nets = edge.pixels[0]
        good = np.isfinite(nets)
        evidence["pixels"] = int(good.size)
        evidence["pixels_without_background"] = int(good.size - good.sum())
        evidence["sum_of_the_map"] = float(nets[good].sum())
    return FindingDraft(
        kind="edge_intensity",
        subject=Subject(element=edge.plan.element, label=edge.edge),
        value=edge.net,
        unit="count",
        std_stat=float(total.std[0]) if known else None,
        std_sys=float((total.sys_std if known else total.form_std)[0]),
        array="edges",
        evidence=evidence,
        assumptions=[*_assumptions(measured, params), *_misfit(edge, known=known)],
        method=METHOD,
    )


def _misfit(edge: MeasuredEdge, *, known: bool) -> list[str]:
    if not known or float(edge.total.misfit_std[0]) == 0.0:
        return []
    times = f"{float(edge.total.chi_square[0]):.3g} times as much as the noise explains"
    why = "fine structure of another edge, or channels that hang together"
    return [f"the window before {edge.edge} scatters {times}: {why}"]


def rivals_of(edge: MeasuredEdge, measured: MeasuredEdges, asked: Sequence[str]) -> list[Rival]:
    """Return whose edges begin in the same windows; live ones are among the elements asked for.

    Of elements that nobody asked for only those that begin at the onset are named.
    """
    found: dict[str, Rival] = {}
    for element, name, onset, where in neighbours(edge.plan, measured.tables):
        live = element in asked and where == "at the onset"
        if element in found or (element not in asked and where != "at the onset"):
            continue
        found[element] = Rival(
            subject=Subject(element=element),
            live=live,
            explains=[f"an edge from {edge.plan.onset:g} eV on: {name} begins at {onset:g} eV"]
            if where == "at the onset"
            else [f"counts {where}: {name} begins at {onset:g} eV"],
            decided_by=[f"another edge of {element}", f"EDX of {edge.plan.element}"],
        )
    return list(found.values())


def hidden_by(edge: MeasuredEdge, measured: MeasuredEdges, rivals: Sequence[Rival]) -> str | None:
    """Return why the counts of an edge say nothing of its element; None if they do."""
    total = edge.total
    spread = math.hypot(float(total.null_std[0]), float(total.sys_std[0]))
    if not math.isfinite(edge.net):
        return "no background can be fitted before its edge"
    if measured.noise is None:
        return "the counting error is not known, so no limit can be stated"
    if spread > 0 and edge.net / spread < NEGATIVE:
        return (
            f"the background before {edge.edge} lies above the counts of its window by "
            f"{-edge.net / spread:.1f} standard deviations: it is no power law there"
        )
    slope, deep = float(total.exponent[0]), (edge.plan.onset or 0.0) >= DEEP
    weak = edge.net <= WEAK * float(total.critical()[0])
    if deep and weak and not EXPONENTS[0] <= slope <= EXPONENTS[1]:
        return (
            f"the background before {edge.edge} falls as E to the {-slope:.1f}, where what other "
            f"losses leave falls with exponents of {EXPONENTS[0]:g} to {EXPONENTS[1]:g}; another "
            "window may have one"
        )
    bend = float(total.curvature_z[0])
    sys = float(total.sys_std[0])
    if edge.net <= float(total.critical()[0]) and abs(bend) > BENT and sys > BENT * spread_of(edge):
        where = "the sum of these pixels" if edge.pixels is not None else "this spectrum"
        return (
            f"the background before {edge.edge} is no power law in {where}: curved by {bend:+.1f} "
            f"standard deviations, which makes the net counts uncertain by {sys:.3g}; a 'box' "
            "within one layer, or another window, may have one"
        )
    live = [r for r in rivals if r.live]
    if live and edge.net > float(total.critical()[0]):
        return f"{edge.edge} cannot be told from " + "; ".join(
            f"{r.subject.label} ({r.explains[0]})" for r in live
        )
    return None


def spread_of(edge: MeasuredEdge) -> float:
    """Counting error of an edge that is not there."""
    return float(edge.total.null_std[0])


def presence_draft(
    edge: MeasuredEdge,
    measured: MeasuredEdges,
    rivals: list[Rival],
    hidden: str | None,
    scale: tuple[float, float] | None,
) -> FindingDraft:
    """Return whether an element is there.

    Parameters
    ----------
    scale : pair of float, optional
        Cross section of the window, and atoms of all elements found (counts over barn): with
        both the limit is an atomic fraction, else counts.
    """
    total, subject = edge.total, Subject(element=edge.plan.element)
    if hidden is not None:
        return FindingDraft(
            kind="element",
            subject=subject,
            status="not_observable",
            reason=hidden,
            rivals=rivals,
            method=METHOD,
        )
    critical = float(total.critical()[0])
    limit = float(total.detection(measured.assumed.counts_per_electron)[0])
    unit = "count"
    evidence: dict[str, Any] = {
        "edge": edge.edge,
        "net_counts": edge.net,
        "critical_counts": critical,
        "limit_counts": limit,
        "curvature_sigma": float(total.curvature_z[0]),
    }
    there = edge.net > critical
    if scale is not None:
        atoms = limit / scale[0]
        others = scale[1] - (edge.net / scale[0] if there else 0.0)
        if others > 0:
            limit, unit = atoms / (others + atoms), "1"
    bend = float(total.curvature_z[0])
    curved = f"the window before {edge.edge} is curved by {bend:+.1f} standard deviations"
    return FindingDraft(
        kind="element",
        subject=subject,
        unit=unit,
        status="present" if there else "absent_below_limit",
        limit=limit,
        evidence=evidence,
        rivals=rivals,
        assumptions=[f"{curved}; the limit allows for it"] if abs(bend) > CURVED else [],
        method=f"{METHOD}; Currie's limits, α = β = 0.05, with counting and form of the background",
    )


def unplanned_draft(plan: EdgePlan) -> FindingDraft:
    """Return that an element has no edge that can be measured."""
    return FindingDraft(
        kind="element",
        subject=Subject(element=plan.element),
        status="not_observable",
        reason=plan.reason or "no edge of it lies in this spectrum",
        method="reach of the spectrum",
    )


def composition_drafts(
    chosen: Sequence[MeasuredEdge],
    measured: MeasuredEdges,
    sections: Mapping[str, float],
    params: EdgesParams,
    rivals: Mapping[str, list[Rival]],
) -> tuple[list[FindingDraft], xr.Dataset]:
    """Return the atomic fractions of elements with their joint covariance."""
    index = [measured.edges.index(e) for e in chosen]
    sigma = np.array([sections[e.edge] for e in chosen])
    fractions = atomic_fractions(
        np.array([e.net for e in chosen]),
        sigma,
        measured.covariance()[np.ix_(index, index)],
        np.array([float(e.total.sys_std[0]) for e in chosen]),
        np.full(len(chosen), params.cross_section_std),
    )
    assumptions = [
        *_assumptions(measured, params),
        "all elements of the specimen are among these, as the fractions sum to one",
        "plural scattering takes as much out of each window",
        f"hydrogenic cross sections hold to {100 * params.cross_section_std:g} %",
    ]
    placed = by_onsets(chosen, measured, fractions.values)
    drafts = []
    for i, edge in enumerate(chosen):
        place = _std(placed, i)
        form, section = (_std(p, i) for p in (fractions.background, fractions.cross_section))
        drafts.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=edge.plan.element),
                value=float(fractions.values[i]),
                unit="1",
                std_stat=_std(fractions.counting, i) if measured.noise else None,
                std_sys=math.hypot(form, section, place),
                covariance=Covariance(array="covariance", index=i) if measured.noise else None,
                array="edges",
                evidence={
                    **_mapped(edge, chosen, measured),
                    "edge": edge.edge,
                    "net_counts": edge.net,
                    "cross_section_barn": float(sigma[i]),
                    "edge_window_eV": list(edge.inside),
                    "atomic_percent": 100.0 * float(fractions.values[i]),
                    "std_sys_parts": {
                        "background": form,
                        "cross_section": section,
                        "onset": place,
                    },
                },
                rivals=rivals.get(edge.edge, []),
                assumptions=assumptions,
                method=RATIO_METHOD,
            )
        )
    return drafts, _joint([e.plan.element for e in chosen], fractions, placed)


def _mapped(
    edge: MeasuredEdge, chosen: Sequence[MeasuredEdge], measured: MeasuredEdges
) -> dict[str, str]:
    """Name the map of an element's fraction, where pixels have one."""
    pixels = [one for one in chosen if one.pixels is not None]
    if edge.pixels is None or len(pixels) < 2 or measured.noise is None:
        return {}
    element = edge.plan.element
    return {"variable": f"fraction_{element}", "variable_std": f"fraction_std_{element}"}


def _std(covariance: NDArray[np.float64], i: int) -> float:
    return float(np.sqrt(max(0.0, float(covariance[i, i]))))


def _joint(elements: list[str], found: Fractions, placed: NDArray[np.float64]) -> xr.Dataset:
    both = ("element", "other")
    index = np.arange(len(elements))
    return xr.Dataset(
        {
            "statistical": (both, found.counting, {"units": "1"}),
            "systematic_background": (both, found.background, {"units": "1"}),
            "systematic_cross_section": (both, found.cross_section, {"units": "1"}),
            "systematic_onset": (both, placed, {"units": "1"}),
        },
        {
            "element": ("element", index, {"units": "1", "names": elements}),
            "other": ("other", index, {"units": "1"}),
        },
    )
