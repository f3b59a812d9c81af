"""Findings on composition and mass per area, from one spectrum."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.finding import Covariance, FindingDraft, Rival, Subject
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_recipe import WORDS, Plan
from consilience_eels.findings.quantify_spectrum import XraySpectrum
from consilience_eels.xray.amounts import Recipe
from consilience_eels.xray.errors import Parts, parts_of
from consilience_eels.xray.leaks import Leak, leaks_std
from consilience_eels.xray.quantify import background_std, window_cut

__all__ = [
    "METHODS",
    "background_form",
    "composition_drafts",
    "mass_drafts",
    "measured",
    "refused_drafts",
]

METHODS = {
    "cliff_lorimer": "Cliff–Lorimer on window sums less the mean of two background windows (exSpy)",
    "zeta": "ζ-factors on window sums less the mean of two background windows (exSpy)",
    "cross_section": "cross-sections on window sums less the mean of two background windows "
    "(exSpy)",
}
ALL = "all elements of the specimen are among those quantified, as the fractions sum to one"


def measured(spectrum: XraySpectrum, plan: Plan, leaking: Sequence[Leak]) -> Parts:
    """Return amounts of the lines of a spectrum, with the parts of their errors."""
    assert plan.recipe is not None
    nets = np.array([line.net for line in spectrum.sums])
    weights = spectrum.weights
    joint = (weights * np.clip(spectrum.counts, 0.0, None)[None, :]) @ weights.T
    shape = background_form(spectrum, leaking)
    cut = window_cut(spectrum.energy, weights, spectrum.sums)
    return parts_of(nets, joint, shape, plan.recipe, plan.uncertain, plan.thin, cut)


def background_form(spectrum: XraySpectrum, leaking: Sequence[Leak]) -> NDArray[np.float64]:
    """Return the standard deviation of net counts by the background's form and lines in it."""
    form = background_std(spectrum.energy, spectrum.counts, spectrum.sums)
    made: NDArray[np.float64] = np.hypot(form, leaks_std(leaking, spectrum.sums))
    return made


def refused_drafts(spectrum: XraySpectrum, plan: Plan, method: str) -> list[FindingDraft]:
    """Return, for each element, that its fraction cannot be observed, and why."""
    return [
        FindingDraft(
            kind="composition",
            subject=Subject(element=line.partition("_")[0]),
            status="not_observable",
            reason=plan.refused,
            evidence={"line": line},
            method=METHODS[method],
        )
        for line in spectrum.lines
    ]


def composition_drafts(
    spectrum: XraySpectrum,
    parts: Parts,
    plan: Plan,
    params: QuantificationParams,
    rivals: Mapping[str, list[Rival]],
    assumptions: list[str],
    leaking: Sequence[Leak] = (),
) -> tuple[list[FindingDraft], xr.Dataset]:
    """Return the atomic fraction of each element, and their joint covariance."""
    elements = [line.partition("_")[0] for line in spectrum.lines]
    shape = background_form(spectrum, leaking)
    drafts = []
    for i, line in enumerate(spectrum.sums):
        name = line.line
        by_atom, by_weight = parts.std_sys_parts(i), parts.std_sys_parts(i, by_weight=True)
        drafts.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=elements[i]),
                value=float(parts.amounts.atomic[i]),
                unit="1",
                std_stat=parts.std_stat(i),
                std_sys=parts.std_sys(i),
                covariance=Covariance(array="covariance", index=i),
                evidence={
                    "line": name,
                    "net_counts": float(line.net),
                    "background_counts": spectrum.found[i].under,
                    "background_form_std_counts": float(shape[i]),
                    "lines_in_the_background": {
                        leak.line: leak.lost for leak in leaking if leak.into == name
                    },
                    "window_keV": list(line.window),
                    "background_windows_keV": list(line.background),
                    "method": params.method,
                    "factor": float(params.factors[name]),
                    "factor_std": params.factors_std.get(name),
                    "factor_is": WORDS[params.method],
                    "absorption_correction": float(parts.amounts.correction[i]),
                    "normalised_over": elements,
                    "atomic_percent": 100.0 * float(parts.amounts.atomic[i]),
                    "weight_percent": 100.0 * float(parts.amounts.weight[i]),
                    "weight_percent_std_stat": 100.0 * parts.std_stat(i, by_weight=True),
                    "weight_percent_std_sys": _percent(parts.std_sys(i, by_weight=True)),
                    "std_sys_background": by_atom["background"],
                    "std_sys_parts": by_atom,
                    "weight_std_sys_parts": by_weight,
                },
                rivals=rivals.get(name, []),
                assumptions=[*plan.assumptions, ALL, *assumptions],
                method=METHODS[params.method],
            )
        )
    return drafts, _joint(elements, parts)


def mass_drafts(
    parts: Parts, recipe: Recipe, params: QuantificationParams, assumptions: list[str]
) -> list[FindingDraft]:
    """Return the mass per area and, with a density, the thickness, where electrons are counted."""
    if not recipe.weighs or parts.amounts.areal_mass is None:
        return []
    value = float(parts.amounts.areal_mass)
    if not math.isfinite(value):
        return []
    stat, sys = _mass_std(parts.mass)
    said = {name.removeprefix("systematic_"): None if part is None else math.sqrt(part)
            for name, part in parts.mass.items() if name != "statistical"}  # fmt: skip
    made = [
        FindingDraft(
            kind="mass_thickness",
            value=value,
            unit="kg/m^2",
            std_stat=stat,
            std_sys=sys,
            evidence={"electrons": recipe.electrons, "std_sys_parts": said},
            assumptions=[*assumptions, ALL],
            method=METHODS[params.method],
        )
    ]
    if isinstance(params.density, float):
        scale = 1e9 / (1e3 * params.density)
        whole = None
        if sys is not None and params.density_std is not None:
            whole = scale * math.hypot(sys, value * params.density_std / params.density)
        made.append(
            FindingDraft(
                kind="thickness",
                value=scale * value,
                unit="nm",
                std_stat=scale * stat,
                std_sys=whole,
                evidence={"density_g_cm3": params.density, "density_std": params.density_std},
                assumptions=[*assumptions, ALL, "mass per area over the density that was stated"],
                method=METHODS[params.method],
            )
        )
    return made


def _mass_std(mass: Mapping[str, float | None]) -> tuple[float, float | None]:
    stat = mass["statistical"]
    assert stat is not None
    others = [part for name, part in mass.items() if name != "statistical"]
    known = [part for part in others if part is not None]
    return math.sqrt(stat), math.sqrt(sum(known)) if len(known) == len(others) else None


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def _joint(elements: list[str], parts: Parts) -> xr.Dataset:
    """All parts of the covariance over ``element`` and ``other``, by atoms and by weight."""
    both = ("element", "other")
    variables: dict[str, Any] = {}
    for prefix, matrices in (("", parts.atomic), ("weight_", parts.weight)):
        for name, matrix in matrices.items():
            if matrix is not None:
                variables[prefix + name] = (both, _symmetric(matrix), {"units": "1"})
    index = np.arange(len(elements))
    return xr.Dataset(
        variables,
        {
            "element": ("element", index, {"units": "1", "names": elements}),
            "other": ("other", index, {"units": "1"}),
        },
    )


def _symmetric(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    made: NDArray[np.float64] = 0.5 * (matrix + matrix.T)
    return made
