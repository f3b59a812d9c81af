"""Findings of electron momentum: what stands in each, and the covariance that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.base import StateValue
from consilience.model.finding import (
    Covariance,
    FindingDraft,
    Probe,
    Region,
    Rival,
    Subject,
)
from consilience_compton.momentum.collect import Settings, Total
from consilience_compton.momentum.evaluation import Evaluated
from consilience_compton.momentum.kinematics import (
    Geometry,
    approximation_error,
    compton_energy,
    energy_of_momentum,
)
from consilience_compton.momentum.peak import Peak
from consilience_compton.momentum.windows import FEWEST

__all__ = ["KIND", "METHOD", "covariance_dataset", "emr_draft", "profile_dataset", "refused"]

Array = NDArray[np.float64]
KIND = "momentum_ratio"
METHOD = "counts in windows of p_z, each pixel at its own scattering angle; p_z by the impulse"
METHOD += " formula of Huang et al. (2025), eq. 5"
INTENSIVE = (
    "the ratio is intensive: it speaks of the mean composition of what scatters, not of an amount"
)
RIVALS = (
    ("share of other materials in the beam", "region subtraction, or tomography of the same place"),
    ("background under the peak", "a line through stretches beside the peak, or a blank"),
    ("energy scale or scattering angle", "the detector's own lines, and the place of the peak"),
)


def emr_draft(
    found: Evaluated,
    total: Total,
    geometry: Geometry,
    settings: Settings,
    peak: Peak | None,
    *,
    label: str = "",
    region: Region | None = None,
    array: str | None = None,
    index: int | None = None,
    state: Mapping[str, StateValue] | None = None,
    extra: Mapping[str, Any] | None = None,
    assumptions: Sequence[str] = (),
    measurements: Sequence[str] | None = None,
) -> FindingDraft:
    """Return the finding of one ratio; *not observable* where a window holds too few counts."""
    result = found.result
    value = None if not np.isfinite(result.value) else float(result.value)
    evidence = {**_evidence(found, total, geometry, settings, peak), **(extra or {})}
    said = [*_assumptions(found, total, settings), *assumptions]
    reason = None
    if value is None:
        reason = (
            f"{float(result.low):.4g} counts of low and {float(result.high):.4g} of high momentum: "
            f"each needs {FEWEST:g} above its own noise; pool pixels, or count longer"
        )
    return FindingDraft(
        kind=KIND,
        subject=Subject(label=label) if label else None,
        region=region,
        state=dict(state) if state is not None else None,
        value=value,
        unit="1" if value is not None else None,
        std_stat=None if value is None else float(result.std_stat),
        std_sys=None if value is None else result.std_sys,
        covariance=None
        if index is None or value is None
        else Covariance(array="covariance", index=index),
        array=array,
        probe=Probe(),
        status="not_observable" if value is None else None,
        reason=reason,
        rivals=[
            Rival(subject=Subject(label=name), live=True, decided_by=[by]) for name, by in RIVALS
        ],
        evidence=evidence,
        assumptions=said,
        method=METHOD,
        measurements=None if measurements is None else list(measurements),
    )


def refused(
    reason: str, *, label: str = "", measurements: Sequence[str] | None = None
) -> FindingDraft:
    """Return a finding that says why there is no ratio."""
    return FindingDraft(
        kind=KIND,
        subject=Subject(label=label) if label else None,
        status="not_observable",
        reason=reason,
        method=METHOD,
        measurements=None if measurements is None else list(measurements),
    )


def _evidence(
    found: Evaluated, total: Total, geometry: Geometry, settings: Settings, peak: Peak | None
) -> dict[str, Any]:
    windows, incident = settings.windows, geometry.incident_energy
    ends = np.array(windows.span)
    energies = energy_of_momentum(ends, incident, total.angle)
    exact = approximation_error(energies, incident, total.angle)
    widths = geometry.angle_widths()
    angles = geometry.angles()
    evidence: dict[str, Any] = {
        "formula": "EMR = counts(low) / counts(high)",
        "low_windows_au": [list(one) for one in windows.low],
        "high_windows_au": [list(one) for one in windows.high],
        "window_energies_keV": [float(e) for e in energies],
        "counts_low": float(found.result.low),
        "counts_high": float(found.result.high),
        "pixels": int(total.profile.pixels),
        "incident_energy_keV": incident,
        "angle_deg": total.angle,
        "angles_deg": [float(angles.min()), float(angles.max())],
        "own_angles": geometry.spread_known,
        "angle_std_in_a_pixel_deg": None if widths is None else float(np.median(widths)),
        "resolution_keV": settings.resolution,
        "resolution_au": settings.resolution_momentum(incident, total.angle),
        "resolution_with_angles_au": _whole_resolution(geometry, settings, total.angle),
        "formula_less_exact_kinematics_au": [float(e) for e in exact],
        "response_factor": found.factor,
        "emr_without_background": found.without_background,
        "emr_with_straight_background": found.with_line,
        "sides_keV": None
        if settings.sides is None
        else [list(settings.sides.below), list(settings.sides.above)],
        "tail_shares": [float(t) for t in total.tails],
        "std_sys_parts": dict(found.result.std_sys_parts),
        "escape_peaks": [
            {"line": e.name, "energy_keV": e.energy, "excess": e.excess, "std": e.std}
            for e in found.escapes
        ],
    }
    if peak is not None:
        evidence |= {
            "peak_predicted_keV": peak.predicted,
            "peak_found_keV": peak.found,
            "peak_deviation_keV": peak.deviation,
            "peak_deviation_std_keV": peak.deviation_std,
        }
    return evidence


def _whole_resolution(geometry: Geometry, settings: Settings, angle: float) -> float | None:
    """FWHM of detector and of the angles that one pixel sees, a.u.; None where not known."""
    widths = geometry.angle_widths()
    if widths is None:
        return None
    incident = geometry.incident_energy
    step = 0.01
    moved = compton_energy(incident, angle + step) - compton_energy(incident, angle - step)
    in_kev = abs(float(moved)) / (2.0 * step) * float(np.median(widths)) * 2.3548
    detector = settings.resolution_momentum(incident, angle)
    return float(np.hypot(detector, in_kev * detector / settings.resolution))


def _assumptions(found: Evaluated, total: Total, settings: Settings) -> list[str]:
    said = [INTENSIVE]
    if not settings.subtract:
        said.append(
            "no background is taken off; a straight one through the sides, as if they held no "
            "Compton photons, is the bound that std_sys carries"
            if found.with_line is not None
            else "no background is taken off, and the axis has no stretches to estimate one from"
        )
    elif np.any(total.tails > 0.0):
        said.append("the tails of the profile in the sides are those of free atoms")
    else:
        said.append(
            "the sides are taken to hold background alone, though core electrons reach there: the "
            "ratio is too high by it"
        )
    if settings.own_lines:
        said.append("energies of each pixel are by the detector's own lines, as this run fits them")
    if settings.energy_offset_std is None:
        said.append("the deviation of the peak from its place stands for the error of the energy")
    if not settings.correct:
        said.append("counts are not corrected for cross-section, sensor or absorption")
    elif settings.detector is None:
        said.append("the sensor counts photons of all energies in the windows alike")
    if settings.multiple_scattering is None:
        said.append("photons that scattered more than once are not estimated")
    return said


def covariance_dataset(names: Sequence[str], found: Sequence[Evaluated], statistical: Array) -> Any:
    """Return the joint covariance: counting, and each systematic part by itself.

    Parameters
    ----------
    names : sequence of str, length k
    found : sequence of Evaluated, length k
    statistical : ndarray, shape (k, k)
    """
    axes = ("element", "other")
    parts = sorted({name for one in found for name in one.signed})
    variables: dict[str, Any] = {"statistical": (axes, statistical, {"units": "1"})}
    for part in parts:
        moved = np.array([float(one.signed.get(part) or 0.0) for one in found])
        if np.any(moved):
            variables[f"systematic_{part}"] = (axes, np.outer(moved, moved), {"units": "1"})
    values = np.array([float(one.result.value) for one in found])
    variables["emr"] = ("element", values, {"units": "1", "missing": "not observable"})
    label = np.array(list(names))
    return xr.Dataset(
        variables,
        {"element": ("element", label, {"units": "1"}), "other": ("other", label, {"units": "1"})},
    )


def profile_dataset(totals: Sequence[Total], names: Sequence[str], settings: Settings) -> Any:
    """Return profiles for the report: counts per atomic unit, bins of at least 0.1 a.u."""
    one = totals[0].profile
    every = max(1, round(0.1 / settings.step))
    keep = np.arange(0, one.counts.size, every)
    edges = one.edges[np.append(keep, one.counts.size)]
    widths = np.diff(edges)
    counts = np.array([np.add.reduceat(t.profile.counts, keep) for t in totals]) / widths
    std = np.sqrt(np.array([np.add.reduceat(t.profile.variance, keep) for t in totals])) / widths
    attrs = {"units": "count", "per": "atomic unit of momentum"}
    return xr.Dataset(
        {
            "profile": (
                ("spectrum", "momentum"),
                counts,
                {**attrs, "ancillary_variables": "profile_std"},
            ),
            "profile_std": (("spectrum", "momentum"), std, attrs),
        },
        {
            "momentum": ("momentum", 0.5 * (edges[1:] + edges[:-1]), {"units": "1"}),
            "spectrum": ("spectrum", np.array(list(names)), {"units": "1"}),
        },
    )
