"""From spectrum, peaks and audit to findings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import (
    FindingDraft,
    Interval,
    Region,
    Rival,
    Subject,
    Unassigned,
)
from consilience.model.measurement import Notice
from consilience_apt.amounts.presence import Presence, RangeUse

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from consilience_apt.findings.measured import Prepared
    from consilience_apt.ions import Ion
    from consilience_apt.masses.identify import Candidate
    from consilience_apt.masses.multiples import Hits
    from consilience_apt.masses.peaks import Peak

__all__ = [
    "WHOLE",
    "audit_notices",
    "described",
    "element_draft",
    "hits_drafts",
    "ion_subject",
    "number",
    "spectrum_array",
    "spectrum_drafts",
]

FRAME = "reconstruction"
WHOLE = Region(shape="whole", unit="nm", frame=FRAME, label="whole volume")
LIMIT_MEANS = (
    "the limit is Currie's (5 % false positive and negative), in ions with the element over all "
    "ranged atoms"
)
SPECIES_MEANS = (
    "not seen is not absent where an element leaves the needle between pulses or in molecules "
    "that were not looked for"
)


def number(value: float | None, digits: int = 6) -> float | None:
    """Return a number rounded for evidence, None where there is none."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")


def described(
    values: Any, unit: str, missing: str = "too few ions", *, std: str = ""
) -> dict[str, str]:
    """Return the attributes of an array: unit, its standard deviation, what a NaN stands for."""
    made = {"units": unit}
    if std:
        made["ancillary_variables"] = std
    if not np.isfinite(np.asarray(values, float)).all():
        made["missing"] = missing
    return made


def ion_subject(ion: Ion) -> Subject:
    """Return an element where the ion is one atom, else a formula, with the ion as label."""
    if ion.atoms == 1:
        return Subject(element=ion.elements[0][0], label=ion.name)
    return Subject(formula=ion.formula, label=ion.name)


def spectrum_array(prepared: Prepared) -> xr.Dataset:
    """Return counts and expected background over mass."""
    import xarray as xr

    spectrum = prepared.spectrum
    last = np.flatnonzero(spectrum.counts)
    stop = int(last[-1]) + 1 if last.size else 1
    edges = spectrum.edges[: stop + 1]
    data = xr.Dataset(
        {"counts": ("mass_to_charge", spectrum.counts[:stop], {"units": "count"})},
        coords={
            "mass_to_charge": ("mass_to_charge", spectrum.centres[:stop], {"units": "Da"}),
        },
    )
    density = _background_density(prepared, spectrum.centres[:stop])
    if density is not None:
        expected = density * np.diff(np.sqrt(edges))
        data["background"] = ("mass_to_charge", expected, {"units": "count"})
    return data


def _background_density(
    prepared: Prepared, mass: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Background ions per √Da: those of the ranges, and straight in the logarithm between them."""
    if prepared.background is None or prepared.table is None:
        return None
    low, high = prepared.table.edges.T
    rate = prepared.background.expected / (np.sqrt(high) - np.sqrt(low))
    good = rate > 0
    if not good.any():
        return None
    middle = (low + high) / 2
    return np.asarray(np.exp(np.interp(mass, middle[good], np.log(rate[good]))))


def spectrum_drafts(
    prepared: Prepared,
    candidates: Sequence[Sequence[Candidate]],
    uses: Sequence[RangeUse],
    method: str,
) -> list[FindingDraft]:
    """Return the spectrum with its peaks, the resolution, and the share of background."""
    spectrum, peaks = prepared.spectrum, prepared.peaks
    above = sum(one.counts for one in peaks)
    unnamed = [
        one
        for one, found in zip(peaks, candidates, strict=True)
        if not any(c.live for c in found) and not _ranged(one, prepared)
    ]
    lost = sum(one.counts for one in unnamed)
    drafts = [
        FindingDraft(
            kind="mass_spectrum",
            region=WHOLE,
            array="spectrum",
            unassigned=Unassigned(
                value=number(lost / above) if above > 0 else None,
                unit="1",
                note=f"{len(unnamed)} of {len(peaks)} peaks have no range and no candidate"
                + (
                    " (at " + ", ".join(f"{one.position:.2f}" for one in unnamed[:12]) + " Da)"
                    if unnamed
                    else ""
                )
                + "; share of the counts in all peaks",
            ),
            evidence={
                "ions": spectrum.ions,
                "beyond": spectrum.above + spectrum.below,
                "ranged_by": prepared.ranged_by,
                "proposed": prepared.proposed,
                "ranged": None
                if spectrum.ranged is None
                else int(spectrum.ranged[_identified(prepared)].sum()),
                "peaks": [_peak(one, found) for one, found in zip(peaks, candidates, strict=True)],
                "ranges": [_range(one) for one in uses],
            },
            assumptions=prepared.assumptions,
            method=method,
        )
    ]
    half, tenth = prepared.power
    if half is not None:
        each = [one.resolution for one in peaks if one.resolution is not None]
        drafts.append(
            FindingDraft(
                kind="mass_resolution",
                region=WHOLE,
                value=half,
                unit="1",
                array="spectrum",
                evidence={
                    "at_tenth": number(tenth),
                    "lowest": number(min(each)),
                    "highest": number(max(each)),
                    "peaks": len(each),
                },
                method=f"{method}; m/Δm at half maximum, of the peaks whose width is resolved",
            )
        )
    back = prepared.background
    if back is not None and prepared.table is not None and spectrum.ranged is not None:
        total = float(spectrum.ranged.sum())
        if total > 0:
            stat = math.sqrt(max(float(back.covariance.sum()), 0.0)) / total
            sys = (
                None
                if back.systematic is None
                else math.sqrt(max(float(back.systematic.sum()), 0.0)) / total
            )
            drafts.append(
                FindingDraft(
                    kind="background_share",
                    region=WHOLE,
                    value=float(back.expected.sum()) / total,
                    unit="1",
                    std_stat=stat,
                    std_sys=sys,
                    evidence={"chi2": number(back.chi2), "dof": back.dof},
                    method=f"background in the ranges over the ions in them: {back.method}",
                )
            )
    return drafts


def _identified(prepared: Prepared) -> list[int]:
    assert prepared.table is not None
    return [at for at, one in enumerate(prepared.table.ranges) if one.ion is not None]


def _ranged(peak: Peak, prepared: Prepared) -> bool:
    return prepared.table is not None and any(
        one.low <= peak.position < one.high for one in prepared.table.ranges
    )


def _peak(peak: Peak, found: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "position": round(peak.position, 4),
        "position_std": number(peak.position_std, 2),
        "counts": round(peak.counts, 1),
        "counts_std": number(peak.counts_std, 3),
        "fwhm": number(peak.fwhm, 3),
        "fwtm": number(peak.fwtm, 3),
        "significance": number(peak.significance, 4),
        "candidates": [
            {
                "ion": one.ion.name,
                "isotopologue": one.label,
                "abundance": number(one.abundance, 4),
                "shift": number(one.shift, 3),
                "score": number(one.score, 4),
                "proven": bool(one.match is not None and one.match.proven),
                "live": one.live,
                "missing": [] if one.match is None else list(one.match.missing[:4]),
            }
            for one in found
        ],
    }


def _range(use: RangeUse) -> dict[str, Any]:
    one = use.audit.range
    return {
        "low": one.low,
        "high": one.high,
        "ion": None if one.ion is None else one.ion.name,
        "label": one.label,
        "colour": one.colour,
        "counts": int(use.counts),
        "background": number(use.background),
        "verdict": use.audit.verdict,
        "message": use.audit.message,
        "rivals": [
            {"ion": match.ion.name, "chi2": number(match.chi2, 4), "dof": match.dof}
            for match in use.audit.rivals[:3]
        ],
    }


def audit_notices(uses: Sequence[RangeUse]) -> list[Notice]:
    """Return a warning for each label that the isotopes contradict, and one for the others."""
    made = [
        Notice(
            code="label-contradicted",
            message=use.audit.message,
            fix="mend the range file, or name the right ion in its place; until then findings "
            "of the label's elements are doubted",
        )
        for use in uses
        if use.weight == "contradicted"
    ]
    unsure = [use for use in uses if use.weight == "doubted"]
    if unsure:
        made.append(
            Notice(
                code="label-undecided",
                message="; ".join(use.audit.message for use in unsure[:8]),
                severity="info",
            )
        )
    return made


def element_draft(presence: Presence, method: str) -> FindingDraft:
    """Return the finding of one element."""
    trace = presence.trace
    evidence: dict[str, Any] = {
        "ranges": [
            {**_range(use), "weight": use.weight, "rivals": [o.ion.name for o in use.others]}
            for use in presence.uses
        ]
    }
    if trace is not None:
        evidence |= {
            "counts": trace.counts,
            "background": number(trace.background),
            "background_std": number(trace.background_std),
            "critical": number(trace.limits.critical),
            "ion_fraction": [number(end) for end in trace.fraction],
            "appm": [number(1e6 * end) for end in trace.fraction],
        }
    if presence.searched:
        evidence["searched"] = presence.searched
    if presence.matches:
        evidence["patterns"] = [
            {"ion": m.ion.name, "counts": number(m.amount), "chi2": number(m.chi2, 4), "dof": m.dof,
             "misplaced": number(m.misplaced, 3)}
            for m in presence.matches
        ]  # fmt: skip
    assumptions = [SPECIES_MEANS] if presence.status == "absent_below_limit" else []
    if presence.limit is not None:
        assumptions.append(LIMIT_MEANS)
    doubted = [use for use in presence.uses if use.weight == "contradicted"]
    assumptions += [f"doubted label: {use.audit.message}" for use in doubted]
    return FindingDraft(
        kind="element",
        subject=Subject(element=presence.element),
        region=WHOLE,
        unit="1",
        interval=None
        if trace is None
        else Interval(low=trace.fraction[0], high=trace.fraction[1], level=trace.level),
        status=presence.status,
        limit=presence.limit if presence.status == "absent_below_limit" else None,
        reason=presence.reason,
        rivals=[
            Rival(
                subject=ion_subject(other.ion),
                live=other.live,
                explains=[other.where],
                decided_by=[other.decided_by],
            )
            for other in presence.others
        ],
        array="spectrum",
        evidence=evidence,
        assumptions=assumptions,
        method=method,
    )


def hits_drafts(hits: Hits) -> list[FindingDraft]:
    """Return the share of ions that came with others."""
    if not hits.ions:
        return []
    return [
        FindingDraft(
            kind="multiple_hit_share",
            region=WHOLE,
            value=hits.fraction,
            unit="1",
            std_stat=hits.fraction_std,
            array="hits",
            evidence={
                "pulses": [int(n) for n in hits.events[1:9]],
                "pulses_with_more": int(hits.events[9:].sum()),
                "inconsistent": hits.inconsistent,
            },
            assumptions=["ions that came so close together that the detector saw one are missing"],
            method="ions that came in a pulse with others, over all ions",
        )
    ]
