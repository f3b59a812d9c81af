"""Findings on the presence of elements: present, absent below a limit, or hidden, by one line."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from consilience.model.finding import FindingDraft, Rival, Subject
from consilience_eels.findings.quantify_amounts import background_form
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_spectrum import Asked, XraySpectrum
from consilience_eels.library import atomic_weight
from consilience_eels.xray.leaks import leaks
from consilience_eels.xray.quantify import window_cut
from consilience_eels.xray.ratio_limits import ratio_limits

__all__ = ["presence_draft", "ratios_of"]

THIN = (
    "limits for each atom of another element leave absorption out; they are given where the line "
    "that was seen is the softer one, which it would take more of"
)


def presence_draft(
    spectrum: XraySpectrum,
    i: int,
    params: QuantificationParams,
    scale: float | None,
    rivals: Mapping[str, list[Rival]],
    hidden: str | None,
    asked: Asked,
    per: Mapping[str, float],
) -> FindingDraft:
    """Return what one line says of its element.

    `scale` is the amount that fractions are of, if there is a composition; `per` what `ratios_of`
    makes of the line, if it was not seen.
    """
    line = spectrum.lines[i]
    element = line.partition("_")[0]
    found, sums = spectrum.found[i], spectrum.sums[i]
    there = found.present
    limit, unit = found.detection, "count"
    if scale is not None and line in params.factors and element not in params.artefacts:
        part = _atoms_per_count(line, params) * found.detection
        limit, unit = part / (scale + (0.0 if there else part)), "1"
    evidence: dict[str, object] = {
        "line": line,
        "net_counts": found.net,
        "critical_counts": found.critical,
        "detection_counts": found.detection,
        "window_keV": list(sums.window),
        "background_windows_keV": list(sums.background),
    }
    assumptions = ["what lies in the window beyond the background belongs to this line"]
    if element in asked.origins:
        evidence["artefact"] = asked.origins[element]
    if per:
        evidence["limit_per"] = dict(per)
        assumptions.append(THIN)
    return FindingDraft.model_validate(
        {
            "kind": "element",
            "subject": Subject(element=element),
            "status": "not_observable" if hidden else "present" if there else "absent_below_limit",
            "reason": hidden,
            "limit": None if hidden else limit,
            "unit": None if hidden else unit,
            "evidence": evidence,
            "rivals": rivals.get(line, []),
            "assumptions": assumptions,
            "method": "counts of a line against its background, exact test of two counts "
            "(α = β = 0.05)",
        }
    )


def ratios_of(
    spectrum: XraySpectrum,
    params: QuantificationParams,
    hidden: Sequence[str | None],
    asked: Asked,
) -> dict[int, dict[str, float]]:
    """Return, by the number of a line that was not seen, limits for each atom of what was."""
    lines = spectrum.lines
    own = [line.partition("_")[0] not in asked.origins for line in lines]
    clear = [i for i in range(len(lines)) if own[i] and not hidden[i]]
    seen = [i for i in clear if spectrum.found[i].present]
    unseen = [i for i in clear if not spectrum.found[i].present]
    known = [line for line in lines if line in params.factors]
    if not seen or not unseen or not known:
        return {}
    counts = np.clip(spectrum.counts, 0.0, None)
    made = {
        i: ratio_limits(
            i,
            spectrum.sums,
            spectrum.found,
            seen,
            {line: _atoms_per_count(line, params) for line in known},
            {
                line: params.factors_std[line] / params.factors[line]
                for line in known
                if line in params.factors_std
            },
            np.sqrt(spectrum.weights**2 @ counts),
            background_form(spectrum, leaks(spectrum.sums, spectrum.found, spectrum.sums)),
            window_cut(spectrum.energy, spectrum.weights, spectrum.sums),
        )
        for i in unseen
    }
    return {i: limits for i, limits in made.items() if limits}


def _atoms_per_count(line: str, params: QuantificationParams) -> float:
    """Return what a count is in atoms: a cross-section counts them, the other factors mass."""
    factor, weight = params.factors[line], atomic_weight(line.partition("_")[0])
    return 1e25 / (6.02214076e23 * factor) if params.method == "cross_section" else factor / weight
