"""The analysis ``eels.quantification``: lines of a spectrum to composition, maps and presence."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft, Rival
from consilience.model.measurement import Measurement, Notice
from consilience_eels.findings.probed import placed, through
from consilience_eels.findings.quantify_amounts import (
    composition_drafts,
    mass_drafts,
    measured,
    refused_drafts,
)
from consilience_eels.findings.quantify_maps import with_maps
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_presence import presence_draft, ratios_of
from consilience_eels.findings.quantify_recipe import Plan, plan_of
from consilience_eels.findings.quantify_spectrum import Asked, XraySpectrum, asked_of, spectrum_of
from consilience_eels.xray.artefacts import artefact_rival, detector_rivals
from consilience_eels.xray.errors import Parts
from consilience_eels.xray.leaks import leaks
from consilience_eels.xray.quantify import LineCounts
from consilience_eels.xray.reach import overlaps

__all__ = ["QuantificationParams", "run_quantification"]


def run_quantification(
    measurements: Sequence[Measurement], params: QuantificationParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what one EDX spectrum, or the sum and the maps of a spectrum image, say of elements.

    Returns
    -------
    AnalysisOutput
        ``composition`` (atomic fraction) for each element above its critical level that has a
        factor, with one joint covariance and, of spectrum images, a map; ``mass_thickness`` and
        ``thickness`` where electrons are counted; ``element`` for each element asked for: present,
        absent below its limit, or not observable with the reason.
    """
    (measurement,) = measurements
    data = measurement.data
    if "counts" not in data:
        return _silent(measurement, "its values are no counts, so counting errors are not known")
    asked = asked_of(measurement, params, context)
    if not asked.elements and not params.artefacts:
        text = "no element is named: give 'elements', or list them with the sample"
        return _silent(measurement, text, asked.findings)
    if not asked.lines:
        return _silent(measurement, "no line of an element asked for is in reach", asked.findings)
    if (data["counts"].values < 0).any():
        return _silent(measurement, "it holds negative counts", asked.findings)
    spectrum = spectrum_of(measurement, asked, params)
    there = _there(spectrum, asked, params)
    shared = overlaps(spectrum.sums, [*asked.elements, *there], there)
    hidden = [_hidden(n, f, shared) for n, f in zip(spectrum.lines, spectrum.found, strict=True)]
    rivals = _all_rivals(spectrum, shared, asked)
    answer = _Answer(list(asked.findings), {}, [])
    chosen = [
        i
        for i, line in enumerate(spectrum.lines)
        if line in params.factors
        and line.partition("_")[0] not in params.artefacts
        and spectrum.found[i].present
        and not hidden[i]
    ]
    foreign = [
        i
        for i, line in enumerate(spectrum.lines)
        if line.partition("_")[0] in asked.origins and spectrum.found[i].present and not hidden[i]
    ]
    scale = None
    if len(chosen) > 1:
        scale = answer.quantify(measurement, spectrum, chosen, params, rivals, foreign)
    else:
        why = (
            f"fewer than two lines with a factor for {params.method!r} are above their critical "
            "level"
            if params.factors
            else "no k-factors are given"
        )
        answer.notices.append(_notice(measurement, f"no composition: {why}"))
    per = ratios_of(spectrum, params, hidden, asked)
    for i, why_not in enumerate(hidden):
        answer.findings.append(
            presence_draft(spectrum, i, params, scale, rivals, why_not, asked, per.get(i, {}))
        )
    answer.left_out(measurement, spectrum, chosen, asked, hidden)
    depth = through(answer.findings, params.thickness)
    findings = placed(answer.findings, measurement, data["counts"], depth)
    return AnalysisOutput(findings, answer.arrays, answer.notices)


class _Answer:
    """Findings, arrays and notices as they come."""

    def __init__(
        self,
        findings: list[FindingDraft],
        arrays: dict[str, xr.Dataset],
        notices: list[Notice],
    ) -> None:
        self.findings, self.arrays, self.notices = findings, arrays, notices

    def quantify(
        self,
        measurement: Measurement,
        whole: XraySpectrum,
        chosen: Sequence[int],
        params: QuantificationParams,
        rivals: Mapping[str, list[Rival]],
        foreign: Sequence[int],
    ) -> float | None:
        """Put composition, mass and maps first; return the amount that fractions are of."""
        spectrum = whole.only(chosen)
        leaking = leaks(whole.sums, whole.found, spectrum.sums)
        array = measurement.data["counts"]
        pixels = array.size // array.sizes["energy"]
        plan = plan_of(measurement, spectrum, params, pixels)
        parts = measured(spectrum, plan, leaking) if plan.recipe is not None else None
        if parts is not None and not np.isfinite(parts.amounts.atomic).all():
            why = "so many X-rays would not come out of a slab, however thick, if they are absorbed"
            plan = Plan(None, plan.uncertain, None, plan.assumptions, why)
            parts = None
        if plan.recipe is None or parts is None:
            self.findings = [*refused_drafts(spectrum, plan, params.method), *self.findings]
            return None
        assumed = _width_assumed(measurement)
        drafts, joint = composition_drafts(spectrum, parts, plan, params, rivals, assumed, leaking)
        self.arrays["covariance"] = joint
        if params.maps:
            drafts, maps = with_maps(
                drafts, measurement, spectrum, plan, params, whole.only(foreign)
            )
            self.arrays.update(maps)
        drafts += mass_drafts(parts, plan.recipe, params, plan.assumptions)
        self.findings = [*drafts, *self.findings]
        return _scale(spectrum, parts, plan)

    def left_out(
        self,
        measurement: Measurement,
        spectrum: XraySpectrum,
        chosen: Sequence[int],
        asked: Asked,
        hidden: Sequence[str | None],
    ) -> None:
        """Say which lines that are there do not count for the composition."""
        if not chosen:
            return
        foreign, other = [], []
        for i, line in enumerate(spectrum.lines):
            if not spectrum.found[i].present or i in chosen:
                continue
            element = line.partition("_")[0]
            if element in asked.origins and not hidden[i]:
                foreign.append(f"{line} ({asked.origins[element]})")
            else:
                other.append(line)
        if foreign:
            text = f"{', '.join(foreign)}: not of the specimen, left out of the composition"
            self.notices.append(_notice(measurement, text))
        if other:
            text = (
                f"{', '.join(other)}: counts, but no factor or another line in the window; left out"
            )
            self.notices.append(_notice(measurement, text))


def _scale(spectrum: XraySpectrum, parts: Parts, plan: Plan) -> float:
    """Atoms of everything quantified, in the unit of the factors."""
    assert plan.recipe is not None
    nets = np.array([line.net for line in spectrum.sums])
    masses = plan.recipe.mass_factors * nets * parts.amounts.correction
    return float((masses / plan.recipe.atomic_weights).sum())


def _there(spectrum: XraySpectrum, asked: Asked, params: QuantificationParams) -> dict[str, bool]:
    """Return by element whether its line is there.

    An artefact that only the file lists is not, if an element of the specimen explains its counts.
    """
    there = {
        line.partition("_")[0]: found.present
        for line, found in zip(spectrum.lines, spectrum.found, strict=True)
    }
    by_own = overlaps(spectrum.sums, asked.elements, there)
    for line in spectrum.lines:
        element = line.partition("_")[0]
        if element in asked.elements or element in params.artefacts:
            continue
        if any(rival.live for rival in by_own.get(line, [])):
            there[element] = False
    return there


def _hidden(line: str, found: LineCounts, rivals: Mapping[str, list[Rival]]) -> str | None:
    """Return why the counts of a line say nothing of its element; None if they do."""
    if found.undercut:
        return (
            f"the background windows of {line} hold more than its own: another line, or the "
            "detector's noise, lies in them"
        )
    live = [rival for rival in rivals.get(line, []) if rival.live]
    if live and found.present:
        named = "; ".join(f"{r.subject.label} ({', '.join(r.explains)})" for r in live)
        return f"the counts at {line} are also those of an element that is present: {named}"
    return None


def _all_rivals(
    spectrum: XraySpectrum, shared: Mapping[str, list[Rival]], asked: Asked
) -> dict[str, list[Rival]]:
    """Other elements, the detector's own peaks, and the microscope, by line."""
    detector = detector_rivals(spectrum.sums, spectrum.found)
    found = {}
    for line in spectrum.lines:
        origin = asked.origins.get(line.partition("_")[0])
        foreign = [artefact_rival(origin)] if origin else []
        found[line] = [*shared.get(line, []), *detector.get(line, []), *foreign]
    return found


def _notice(measurement: Measurement, text: str) -> Notice:
    return Notice(
        code="edx-quantification", message=f"{measurement.record.name}: {text}", severity="info"
    )


def _silent(
    measurement: Measurement, text: str, findings: Sequence[FindingDraft] = ()
) -> AnalysisOutput:
    return AnalysisOutput(list(findings), notices=[_notice(measurement, text)])


def _width_assumed(measurement: Measurement) -> list[str]:
    if "energy_resolution_mn_ka" in measurement.metadata:
        return []
    return ["windows are those of a resolution of 130 eV at Mn Kα, as the file states no other"]
