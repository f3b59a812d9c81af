"""What is kept of a fit: curves and peaks as a data set, one peak as evidence, notes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from consilience_xrd.identification.matching import inflation
from consilience_xrd.lines.peaks import Peak, PeakFit
from consilience_xrd.pattern import Pattern

__all__ = ["fit_dataset", "misfit_notes", "peak_evidence"]

MISFIT = (
    "standard deviations of peaks whose group has chi-square per degree of freedom above 1 are "
    "multiplied by its square root, those of areas as those of positions"
)


def misfit_notes(fit: PeakFit) -> list[str]:
    """Notes of the fit, and whether errors were made larger for its misfit."""
    larger = any(inflation(p, fit.noise_known) > 1 for p in fit.peaks)
    return [*fit.notes, *([MISFIT] if larger else [])]


def peak_evidence(peak: Peak, noise_known: bool) -> dict[str, Any]:
    """Parameters of one peak with their standard deviations, None where unknown."""
    names = (
        "center", "center_std", "area", "area_std", "height", "height_std", "fwhm", "fwhm_std",
        "eta", "eta_std", "asymmetry", "asymmetry_std", "r2", "chi2", "dof", "significance",
    )  # fmt: skip
    factor = inflation(peak, noise_known)
    out: dict[str, Any] = {}
    for name in names:
        value = getattr(peak, name)
        if value is not None and name.endswith("_std"):
            value *= factor
        out[name] = value if value is not None and math.isfinite(value) else None
    return {**out, "flags": list(peak.flags), "group": peak.group}


def fit_dataset(pattern: Pattern, fit: PeakFit) -> xr.Dataset:
    """Pattern, baseline, model and the table of peaks, for plots and export."""
    axis, unit = pattern.axis, pattern.unit
    counts = {"units": pattern.intensity_unit, "missing": "outside the range used, or not stated"}
    data = xr.Dataset(coords={axis: (axis, pattern.x, {"units": unit})})
    data["intensity"] = (axis, pattern.intensity, {"units": pattern.intensity_unit})
    data["baseline"] = (axis, fit.baseline.values, counts)
    data["model"] = (axis, fit.model, counts)
    data["noise"] = (axis, fit.noise, counts)
    if not fit.peaks:
        return data
    about = {
        "center": unit, "fwhm": unit, "eta": "1", "asymmetry": "1",
        "height": pattern.intensity_unit, "area": f"{pattern.intensity_unit} {unit}",
    }  # fmt: skip
    missing = {"missing": "not determined: the parameter sat on its bound"}
    for name, units in about.items():
        value = [getattr(p, name) for p in fit.peaks]
        std = [getattr(p, f"{name}_std") for p in fit.peaks]
        std = [
            None if s is None else s * inflation(p, fit.noise_known)
            for s, p in zip(std, fit.peaks, strict=True)
        ]
        data[f"peak_{name}"] = (
            "peak",
            np.array(value, dtype=np.float64),
            {"units": units, "ancillary_variables": f"peak_{name}_std"},
        )
        data[f"peak_{name}_std"] = (
            "peak",
            np.array([np.nan if s is None else s for s in std], dtype=np.float64),
            {"units": units, "misfit": MISFIT, **missing},
        )
    for name in ("r2", "significance"):
        data[f"peak_{name}"] = (
            "peak",
            np.array([getattr(p, name) for p in fit.peaks], dtype=np.float64),
            {"units": "1", "missing": "too few points"},
        )
    data["peak_flags"] = ("peak", np.array([" ".join(p.flags) for p in fit.peaks]), {"units": "1"})
    return data
