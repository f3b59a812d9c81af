"""The analysis ``eels.thickness``: a low-loss spectrum or spectrum image to t/λ."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.library import elastic_threshold
from consilience_eels.lowloss.thickness import (
    LogRatio,
    counting_std,
    dark,
    log_ratio,
    threshold_std,
    unseen_end,
)
from consilience_eels.lowloss.zero_loss import NoZeroLossError, ZeroLoss, find_zero_loss, saturated

__all__ = ["ThicknessParams", "run_thickness"]

METHOD = "log-ratio ln(I_t / I_0) of all counts to those below a threshold"
ASSUMED = (
    "single scatterings are independent (Poisson's law)",
    "t/λ is that of this collection angle: nothing is corrected for what is scattered beyond it",
)


class ThicknessParams(BaseModel):
    """Parameters of `run_thickness`.

    Parameters
    ----------
    threshold : float, optional
        In eV, parts elastic from inelastic; by default exSpy finds it in the (summed) spectrum.
    counts_per_electron : float, optional
        The detector's gain.  Files do not say it in a way that can be relied on; where it is not
        known, the counting error is not known either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    counts_per_electron: Annotated[float, Field(gt=0.0, le=1e6)] | None = None


def run_thickness(
    measurements: Sequence[Measurement], params: ThicknessParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return t/λ of one measurement, as a number and, for a spectrum image, as a map.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``t_over_lambda``: mean over the pixels; `std_stat` from counting,
        `std_sys` from threshold, dark level and the end of the axis, one by one in the evidence.
        A low-loss spectrum whose zero loss cannot be used gives a finding that is
        *not observable*; a core-loss spectrum gives a notice.
    """
    del context
    (measurement,) = measurements
    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    energy = data["energy_loss"].values
    array = data[name].transpose(..., "energy_loss")
    cube = array.values
    flat = cube.reshape(-1, energy.size)
    whole = flat[0] if len(flat) == 1 else flat.sum(axis=0, dtype=np.float64)
    try:
        bad = _bad_pixels(flat)
        if len(flat) > 1 and bad.any() and not bad.all():
            whole = flat[~bad].sum(axis=0, dtype=np.float64)
        peak = find_zero_loss(energy, flat[0] if len(flat) == 1 or bad.all() else whole)
        threshold, said = _threshold(measurement, whole, params)
        _check_threshold(threshold, peak, energy)
    except NoZeroLossError as fault:
        return _refused(measurement, fault)
    ratio = log_ratio(energy, cube, threshold)
    if bad.any():
        ratio = replace(
            ratio, t_over_lambda=np.where(bad.reshape(cube.shape[:-1]), np.nan, ratio.t_over_lambda)
        )
    used = np.isfinite(ratio.t_over_lambda)
    if not used.any():
        return _refused(
            measurement,
            NoZeroLossError("none", "the counts below the threshold sum to nothing or less"),
        )
    gain = params.counts_per_electron
    readout, dark_part = dark(energy, whole, threshold, peak, gain or 1.0)
    per_pixel = counting_std(ratio, gain or 1.0, readout / max(1, int(used.sum())))
    counting = float(np.sqrt(np.nansum(per_pixel**2))) / int(used.sum())
    on_threshold, bounds = threshold_std(energy, whole, threshold, peak)
    end = unseen_end(energy, whole)
    parts = {"threshold": on_threshold, "dark_level": dark_part, "end_of_axis": end}
    known = [part for part in parts.values() if part is not None]
    arrays = _map(array, ratio, per_pixel if gain else None) if cube.ndim > 1 else {}
    finding = FindingDraft(
        kind="t_over_lambda",
        value=float(ratio.t_over_lambda[used].mean()),
        unit="1",
        std_stat=counting if gain else None,
        std_sys=math.sqrt(sum(part**2 for part in known)) if end is not None else None,
        array="map" if arrays else None,
        evidence={
            "threshold_eV": threshold,
            "threshold_from": said,
            "t_over_lambda_of_thresholds": list(bounds),
            "std_sys_parts": parts,
            "std_stat_at_one_count_per_electron": None if gain else counting,
            "readout_std_counts": math.sqrt(readout),
            "zero_loss_eV": peak.position,
            "fwhm_eV": peak.fwhm,
            "total_counts": float(ratio.total[used].sum()),
            "elastic_counts": float(ratio.elastic[used].sum()),
            "pixels": int(used.sum()),
            "pixels_left_out": int(used.size - used.sum()),
        },
        assumptions=_assumptions(gain, name, end),
        method=METHOD,
    )
    return AnalysisOutput([finding], arrays, _notices(measurement, peak, energy, used))


def _bad_pixels(flat: NDArray[Any]) -> NDArray[np.bool_]:
    return saturated(flat) if flat.shape[1] > 3 else np.zeros(len(flat), dtype=np.bool_)


def _threshold(
    measurement: Measurement,
    whole: NDArray[Any],
    params: ThicknessParams,
) -> tuple[float, str]:
    if params.threshold is not None:
        return params.threshold, "the user"
    signal = to_hyperspy(measurement)
    if signal.axes_manager.navigation_dimension:
        signal = signal.sum(axis=signal.axes_manager.navigation_axes)
        signal.data = np.asarray(whole).reshape(signal.data.shape)
    try:
        return elastic_threshold(signal), "exSpy, first point of inflexion after the peak"
    except ValueError as error:
        raise NoZeroLossError(
            "no-threshold",
            f"no threshold between elastic and inelastic electrons was found ({error}); one can "
            "be given with the parameter 'threshold'",
        ) from error


def _check_threshold(threshold: float, peak: ZeroLoss, energy: NDArray[np.float64]) -> None:
    if threshold >= energy[-1]:
        raise NoZeroLossError(
            "no-threshold", f"the threshold {threshold:g} eV is beyond the axis, {energy[-1]:g} eV"
        )
    if threshold < peak.position + 0.5 * peak.fwhm:
        raise NoZeroLossError(
            "no-threshold",
            f"the threshold {threshold:g} eV lies in the zero-loss peak at {peak.position:g} eV, "
            f"which is {peak.fwhm:.3g} eV wide",
        )


def _refused(measurement: Measurement, fault: NoZeroLossError) -> AnalysisOutput:
    """A core-loss spectrum is no failure; a low-loss one without a zero loss is an answer."""
    if fault.code == "out-of-range":
        notice = Notice(
            code="no-thickness",
            message=f"{measurement.record.name}: {fault.reason}, so there is no t/λ",
            severity="info",
        )
        return AnalysisOutput([], notices=[notice])
    finding = FindingDraft(
        kind="t_over_lambda",
        status="not_observable",
        reason=fault.reason,
        evidence={"fault": fault.code},
        method=METHOD,
    )
    return AnalysisOutput([finding])


def _assumptions(gain: float | None, variable: str, end: float | None) -> list[str]:
    said = list(ASSUMED)
    if gain is None:
        said.append(
            f"how many {variable} the detector gives for one electron is not known, so the "
            "counting error is not either"
        )
    else:
        said.append(f"{gain:g} counts for one electron, as given")
    if end is None:
        said.append("what lies beyond the end of the axis cannot be told: t/λ is too low by it")
    return said


def _map(
    array: xr.DataArray, ratio: LogRatio, std: NDArray[np.float64] | None
) -> dict[str, xr.Dataset]:
    dims = array.dims[:-1]
    attrs = {"units": "1", "missing": "saturated, or no counts"}
    variables: dict[str, Any] = {"t_over_lambda": (dims, ratio.t_over_lambda, dict(attrs))}
    if std is not None:
        variables["t_over_lambda"][2]["ancillary_variables"] = "t_over_lambda_std"
        variables["t_over_lambda_std"] = (dims, std, dict(attrs))
    coordinates = {dim: array[dim].variable for dim in dims}
    return {"map": xr.Dataset(variables, coordinates)}


def _notices(
    measurement: Measurement, peak: ZeroLoss, energy: NDArray[np.float64], used: NDArray[Any]
) -> list[Notice]:
    said = []
    if abs(peak.position) > 1.01 * float(energy[1] - energy[0]):
        said.append(
            Notice(
                code="zero-loss-offset",
                message=f"{measurement.record.name}: the zero loss lies at {peak.position:+.3g} eV "
                "and the axis was not shifted; the threshold counts from the axis's own 0",
                severity="info",
            )
        )
    if not used.all():
        said.append(
            Notice(
                code="pixels-left-out",
                message=f"{measurement.record.name}: {int(used.size - used.sum())} of {used.size} "
                "pixels are saturated or have no counts and were left out",
            )
        )
    return said
