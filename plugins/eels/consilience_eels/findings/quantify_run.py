"""The analysis ``eels.quantification``: lines of one spectrum to a composition and to presence."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import Covariance, FindingDraft, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.library import (
    LineSums,
    atomic_weight,
    cliff_lorimer,
    line_sums,
    lines_of,
)
from consilience_eels.xray.quantify import (
    Fractions,
    LineCounts,
    background_std,
    fraction_covariance,
    line_counts,
    window_weights,
)
from consilience_eels.xray.reach import beyond_reach, default_line, overlaps

__all__ = ["QuantificationParams", "run_quantification"]

METHOD = "Cliff–Lorimer on window sums less the mean of two background windows (exSpy)"
ASSUMED = (
    "the specimen is thin: neither absorption nor fluorescence is corrected",
    "all elements of the specimen are among those quantified, as the fractions sum to one",
)
Positive = Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)]
LINE = re.compile(r"[A-Z][a-z]?_[KLM][a-z0-9]+")


class QuantificationParams(BaseModel):
    """Parameters of `run_quantification`.

    Parameters
    ----------
    k_factors : dict
        Line, such as ``"Fe_Ka"``, to its k-factor (by weight).  Without any there is no
        composition, only presence.
    k_std : dict
        Line to the standard deviation of its k-factor; 0 for the line that the others are
        relative to.  If one of the lines has none, the systematic error is not known.
    elements : tuple of str
        What is asked for; by default what the file and the sample list.
    lines : tuple of str
        Lines to use where they differ from exSpy's choice or from those of `k_factors`.
    line_width, windows_width, integration_width : float
        As in exSpy: distance of the background windows on the left and right, their width, and
        the width of the line's window, in full widths at half maximum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    k_factors: dict[str, Positive] = {}
    k_std: dict[str, Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]] = {}
    elements: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    line_width: tuple[Positive, Positive] = (2.0, 2.0)
    windows_width: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0
    integration_width: Annotated[float, Field(gt=0.0, le=20.0)] = 2.0

    @model_validator(mode="after")
    def _sound(self) -> QuantificationParams:
        for line in (*self.k_factors, *self.k_std, *self.lines):
            if not LINE.fullmatch(line):
                raise ValueError(f"{line!r} is no X-ray line; write for example 'Fe_Ka'")
        extra = set(self.k_std) - set(self.k_factors)
        if extra:
            raise ValueError(f"k_std names {', '.join(sorted(extra))}, which have no k-factor")
        named = [*self.k_factors, *(line for line in self.lines if line not in self.k_factors)]
        elements = [line.partition("_")[0] for line in named]
        twice = sorted({e for e in elements if elements.count(e) > 1})
        if twice:
            raise ValueError(f"more than one line is named for {', '.join(twice)}")
        return self


@dataclass(frozen=True)
class _Spectrum:
    """The (summed) spectrum with its line sums, in the order of `lines`."""

    signal: Any
    energy: NDArray[np.float64]
    counts: NDArray[np.float64]
    sums: list[LineSums]
    weights: NDArray[np.float64]
    found: list[LineCounts]


def run_quantification(
    measurements: Sequence[Measurement], params: QuantificationParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what one EDX spectrum, or the sum of a spectrum image, says of the elements.

    Returns
    -------
    AnalysisOutput
        ``composition`` (atomic fraction) for each element above its critical level that has a
        k-factor, with one joint covariance; ``element`` for each element asked for: present,
        absent below its limit, or not observable with the reason.
    """
    (measurement,) = measurements
    data = measurement.data
    if "counts" not in data:
        return _silent(measurement, "its values are no counts, so counting errors are not known")
    asked, lines, findings = _lines(measurement, params, context)
    if not lines:
        text = "no element is named: give 'elements', or list them with the sample"
        return _silent(measurement, text, findings)
    spectrum = _spectrum(measurement, lines, params)
    if (spectrum.counts < 0).any():
        return _silent(measurement, "it holds negative counts", findings)
    there = {line.partition("_")[0]: found.present
             for line, found in zip(lines, spectrum.found, strict=True)}  # fmt: skip
    rivals = overlaps(spectrum.sums, asked, there)
    hidden = [_hidden(line, spectrum.found[i], rivals) for i, line in enumerate(lines)]
    quantified = [
        i
        for i, line in enumerate(lines)
        if line in params.k_factors and spectrum.found[i].present and not hidden[i]
    ]
    arrays: dict[str, xr.Dataset] = {}
    notices: list[Notice] = []
    scale: float | None = None
    if len(quantified) > 1:
        drafts, arrays, scale = _composition(
            measurement, spectrum, lines, quantified, params, rivals
        )
        findings = [*drafts, *findings]
    else:
        why = (
            "fewer than two lines with a k-factor are above their critical level"
            if params.k_factors
            else "no k-factors are given"
        )
        notices.append(_notice(measurement, f"no composition: {why}"))
    for i, line in enumerate(lines):
        findings.append(_presence(line, spectrum, i, params, scale, rivals, hidden[i]))
    left = [
        line for i, line in enumerate(lines) if spectrum.found[i].present and i not in quantified
    ]
    if quantified and left:
        text = f"{', '.join(left)}: counts, but no k-factor or another line in the window; left out"
        notices.append(_notice(measurement, text))
    return AnalysisOutput(findings, arrays, notices)


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


def _notice(measurement: Measurement, text: str) -> Notice:
    return Notice(
        code="edx-quantification", message=f"{measurement.record.name}: {text}", severity="info"
    )


def _silent(
    measurement: Measurement, text: str, findings: Sequence[FindingDraft] = ()
) -> AnalysisOutput:
    return AnalysisOutput(list(findings), notices=[_notice(measurement, text)])


def _lines(
    measurement: Measurement, params: QuantificationParams, context: AnalysisContext
) -> tuple[list[str], list[str], list[FindingDraft]]:
    """Elements asked for, lines in reach, and findings on the elements that are not."""
    given = {line.partition("_")[0]: line for line in (*params.lines, *params.k_factors)}
    stated = measurement.metadata.get("elements") or []
    asked = list(dict.fromkeys([*given, *(params.elements or (*stated, *context.sample.elements))]))
    energy = measurement.data["energy"].values
    beam = measurement.metadata.get("beam_energy")
    beam_kev = beam["value"] if isinstance(beam, Mapping) else None
    lines, findings = [], []
    for element in sorted(asked):
        known = lines_of(element)
        line = given.get(element) or default_line(element, energy, beam_kev, known)
        if element in given and line not in known and known:
            raise BadInputError(
                f"{line!r} is no line of {element} that exSpy knows",
                fix=f"its lines are {', '.join(known)}",
            )
        reason = beyond_reach(element, line, known, energy, params)
        if reason is None and line is not None:
            lines.append(line)
        else:
            findings.append(
                FindingDraft(
                    kind="element",
                    subject=Subject(element=element),
                    status="not_observable",
                    reason=reason or "it has no X-ray line in this spectrum",
                    method="reach of the spectrum and of its detector",
                )
            )
    return asked, sorted(lines), findings


def _spectrum(
    measurement: Measurement, lines: list[str], params: QuantificationParams
) -> _Spectrum:
    signal = to_hyperspy(measurement)
    if signal.axes_manager.navigation_dimension:
        signal = signal.sum(axis=signal.axes_manager.navigation_axes)
    energy = measurement.data["energy"].values
    counts = np.asarray(signal.data, dtype=np.float64).ravel()
    sums = line_sums(
        signal, lines, params.line_width, params.windows_width, params.integration_width
    )
    weights = window_weights(energy, sums)
    return _Spectrum(signal, energy, counts, sums, weights, line_counts(weights, counts))


def _width_assumed(measurement: Measurement) -> list[str]:
    if "energy_resolution_mn_ka" in measurement.metadata:
        return []
    return ["windows are those of a resolution of 130 eV at Mn Kα, as the file states no other"]


def _composition(
    measurement: Measurement,
    spectrum: _Spectrum,
    lines: list[str],
    chosen: list[int],
    params: QuantificationParams,
    rivals: Mapping[str, list[Rival]],
) -> tuple[list[FindingDraft], dict[str, xr.Dataset], float]:
    names = [lines[i] for i in chosen]
    elements = [name.partition("_")[0] for name in names]
    nets = np.array([spectrum.sums[i].net for i in chosen])
    k = np.array([params.k_factors[name] for name in names])
    atomic, weight = (
        np.array(values)
        for values in cliff_lorimer(spectrum.signal, names, nets.tolist(), k.tolist())
    )
    shape = background_std(spectrum.energy, spectrum.counts, [spectrum.sums[i] for i in chosen])
    stated = all(name in params.k_std for name in names)
    relative = np.array([params.k_std[n] for n in names]) / k if stated else None
    by_atom, by_weight = (
        fraction_covariance(
            values, nets, spectrum.weights[chosen], spectrum.counts, shape, relative
        )
        for values in (atomic, weight)
    )
    assumptions = [*ASSUMED, *_width_assumed(measurement)]
    if relative is None:
        assumptions.append(
            "no error of the k-factors is stated, so the systematic error is not known; the part "
            "of the background alone stands in the evidence"
        )
    findings = []
    for i, element in enumerate(elements):
        line = spectrum.sums[chosen[i]]
        findings.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=element),
                value=float(atomic[i]),
                unit="1",
                std_stat=_std(by_atom.counting, i),
                std_sys=_systematic(by_atom, i),
                covariance=Covariance(array="covariance", index=i),
                evidence={
                    "line": names[i],
                    "net_counts": float(nets[i]),
                    "background_counts": spectrum.found[chosen[i]].under,
                    "background_form_std_counts": float(shape[i]),
                    "window_keV": list(line.window),
                    "background_windows_keV": list(line.background),
                    "k_factor": float(k[i]),
                    "k_factor_std": params.k_std.get(names[i]),
                    "atomic_percent": 100.0 * float(atomic[i]),
                    "weight_percent": 100.0 * float(weight[i]),
                    "weight_percent_std_stat": 100.0 * _std(by_weight.counting, i),
                    "weight_percent_std_sys": _percent(_systematic(by_weight, i)),
                    "std_sys_background": _std(by_atom.background, i),
                },
                rivals=rivals.get(names[i], []),
                assumptions=assumptions,
                method=METHOD,
            )
        )
    scale = float(sum(k * nets / np.array([atomic_weight(e) for e in elements])))
    return findings, {"covariance": _joint(elements, by_atom, by_weight)}, scale


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def _std(covariance: NDArray[np.float64], i: int) -> float:
    return float(np.sqrt(max(0.0, float(covariance[i, i]))))


def _systematic(parts: Fractions, i: int) -> float | None:
    if parts.k_factors is None:
        return None
    return _std(parts.background + parts.k_factors, i)


def _joint(elements: list[str], by_atom: Fractions, by_weight: Fractions) -> xr.Dataset:
    """All parts of the covariance over ``element`` and ``other``."""
    both = ("element", "other")
    variables: dict[str, Any] = {
        "statistical": (both, by_atom.counting, {"units": "1"}),
        "systematic_background": (both, by_atom.background, {"units": "1"}),
        "weight_statistical": (both, by_weight.counting, {"units": "1"}),
        "weight_systematic_background": (both, by_weight.background, {"units": "1"}),
    }
    if by_atom.k_factors is not None and by_weight.k_factors is not None:
        variables["systematic_k_factors"] = (both, by_atom.k_factors, {"units": "1"})
        variables["weight_systematic_k_factors"] = (both, by_weight.k_factors, {"units": "1"})
    index = np.arange(len(elements))
    return xr.Dataset(
        variables,
        {
            "element": ("element", index, {"units": "1", "names": elements}),
            "other": ("other", index, {"units": "1"}),
        },
    )


def _presence(
    line: str,
    spectrum: _Spectrum,
    i: int,
    params: QuantificationParams,
    scale: float | None,
    rivals: Mapping[str, list[Rival]],
    hidden: str | None,
) -> FindingDraft:
    element = line.partition("_")[0]
    found, sums = spectrum.found[i], spectrum.sums[i]
    there = found.present
    limit, unit = found.detection, "count"
    if scale is not None and line in params.k_factors:
        part = params.k_factors[line] * found.detection / atomic_weight(element)
        limit, unit = part / (scale + (0.0 if there else part)), "1"
    return FindingDraft(
        kind="element",
        subject=Subject(element=element),
        status="not_observable" if hidden else "present" if there else "absent_below_limit",
        reason=hidden,
        limit=None if hidden else limit,
        unit=None if hidden else unit,
        evidence={
            "line": line,
            "net_counts": found.net,
            "critical_counts": found.critical,
            "detection_counts": found.detection,
            "window_keV": list(sums.window),
            "background_windows_keV": list(sums.background),
        },
        rivals=rivals.get(line, []),
        assumptions=["what lies in the window beyond the background belongs to this line"],
        method="counts of a line against its background, exact test of two counts (α = β = 0.05)",
    )
