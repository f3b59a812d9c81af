"""The analysis ``eels.thickness``: a low-loss spectrum or spectrum image to t/λ, and to nm."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice, Signal
from consilience_eels.alignment.zero_loss import measure_zero_loss
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.findings.probed import placed, through
from consilience_eels.findings.refusals import without_zero_loss
from consilience_eels.findings.regions import Box, region_of, selected
from consilience_eels.findings.thickness_nm import in_nanometres
from consilience_eels.findings.thickness_params import ThicknessParams
from consilience_eels.library import elastic_threshold
from consilience_eels.lowloss.thickness import (
    LogRatio,
    counting_std,
    dark,
    log_ratio,
    threshold_std,
    unseen_end,
)
from consilience_eels.lowloss.zero_loss import (
    WITHIN,
    NoZeroLossError,
    ZeroLoss,
    find_zero_loss,
    saturated,
)
from consilience_eels.spectra import LossAxis

__all__ = ["ThicknessParams", "run_thickness", "threshold_of"]

METHOD = "log-ratio ln(I_t / I_0) of all counts to those below a threshold"
ASSUMED = (
    "single scatterings are independent (Poisson's law)",
    "t/λ is that of this collection angle: nothing is corrected for what is scattered beyond it",
)
ROWS = 1024
"""Spectra looked through at once for a flat top."""


def run_thickness(
    measurements: Sequence[Measurement], params: ThicknessParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return t/λ of one measurement, as a number and, for a spectrum image, as a map.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``t_over_lambda``: mean over the pixels; `std_stat` from counting,
        `std_sys` from threshold, dark level and the end of the axis, one by one in the evidence.
        One more for each region, and one of kind ``thickness`` beside each where a density is
        given: *not observable* if the angles are not recorded.
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
            whole = _sum(flat, ~bad)
        peak = find_zero_loss(energy, flat[0] if len(flat) == 1 or bad.all() else whole)
        threshold, said = threshold_of(measurement, whole, params.threshold)
        _check_threshold(threshold, peak, energy)
    except NoZeroLossError as fault:
        return _refused(measurement, fault)
    ratio = log_ratio(energy, cube, _cuts(cube, energy, peak, threshold, params))
    if bad.any():
        ratio = replace(
            ratio, t_over_lambda=np.where(bad.reshape(cube.shape[:-1]), np.nan, ratio.t_over_lambda)
        )
    if not np.isfinite(ratio.t_over_lambda).any():
        return _refused(
            measurement,
            NoZeroLossError("none", "the counts below the threshold sum to nothing or less"),
        )
    parts: list[tuple[Box | None, NDArray[np.bool_]]] = [(None, np.ones(cube.shape[:-1], bool))]
    parts += [(box, selected(array, box)) for box in params.regions]
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices = _notices(measurement, peak, energy, ratio, cube, params)
    for box, mask in parts:
        used = mask & np.isfinite(ratio.t_over_lambda)
        if not used.any():
            notices.append(_nothing(measurement, box))
            continue
        own = whole if box is None else _sum(flat, used.ravel())
        finding, per_pixel = _finding(
            energy, own, ratio, used, peak, (threshold, said), params, name, aligned=params.align
        )
        if cube.ndim > 1:
            if not arrays:
                arrays = _map(array, ratio, per_pixel if params.counts_per_electron else None)
            finding = _of_map(finding, arrays["map"])
        if box is not None:
            where = region_of(array, box, measurement.record.name)
            finding = finding.model_copy(update={"region": where})
        said_here = [finding]
        if params.density is not None:
            said_here.append(in_nanometres(finding, params, measurement.metadata))
        findings += placed(said_here, measurement, array, through(said_here))
    return AnalysisOutput(findings, arrays, notices)


def _of_map(finding: FindingDraft, data: xr.Dataset) -> FindingDraft:
    """Return a finding that names the map whose pixels it is the mean of."""
    std = "t_over_lambda_std"
    named = {"variable": "t_over_lambda", "variable_std": std if std in data else None}
    return finding.model_copy(update={"array": "map", "evidence": finding.evidence | named})


def _sum(flat: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum of the chosen spectra without a copy of them."""
    total = np.zeros(flat.shape[1])
    for first in range(0, len(flat), ROWS):
        total += flat[first : first + ROWS][mask[first : first + ROWS]].sum(
            axis=0, dtype=np.float64
        )
    return total


def _bad_pixels(flat: NDArray[Any]) -> NDArray[np.bool_]:
    bad = np.zeros(len(flat), dtype=np.bool_)
    if flat.shape[1] > 3:
        for first in range(0, len(flat), ROWS):
            bad[first : first + ROWS] = saturated(flat[first : first + ROWS])
    return bad


def _cuts(
    cube: NDArray[Any],
    energy: NDArray[np.float64],
    peak: ZeroLoss,
    threshold: float,
    params: ThicknessParams,
) -> float | NDArray[np.float64]:
    """The threshold on the axis, one for each pixel where they are aligned."""
    if not params.align:
        return threshold
    axis = LossAxis.of(energy)
    found = measure_zero_loss(axis, cube, peak, params.counts_per_electron or 1.0).position
    at = np.where(np.isfinite(found), found, peak.position)
    return threshold + at if cube.ndim > 1 else threshold + float(at)


def _finding(
    energy: NDArray[np.float64],
    whole: NDArray[Any],
    ratio: LogRatio,
    used: NDArray[np.bool_],
    peak: ZeroLoss,
    threshold: tuple[float, str],
    params: ThicknessParams,
    variable: str,
    *,
    aligned: bool,
) -> tuple[FindingDraft, NDArray[np.float64]]:
    """One statement about the pixels `used`, and the counting error of all pixels."""
    gain = params.counts_per_electron
    count = int(used.sum())
    cut = threshold[0] + peak.position if aligned else threshold[0]
    readout, dark_part = dark(energy, whole, cut, peak, gain or 1.0)
    per_pixel = counting_std(ratio, gain or 1.0, readout / max(1, count))
    counting = float(np.sqrt(np.sum(per_pixel[used] ** 2))) / count
    on_threshold, bounds = threshold_std(energy, whole, cut, peak)
    end = unseen_end(energy, whole)
    parts = {"threshold": on_threshold, "dark_level": dark_part, "end_of_axis": end}
    known = [part for part in parts.values() if part is not None]
    finding = FindingDraft(
        kind="t_over_lambda",
        value=float(ratio.t_over_lambda[used].mean()),
        unit="1",
        std_stat=counting if gain else None,
        std_sys=math.sqrt(sum(part**2 for part in known)) if end is not None else None,
        evidence={
            "threshold_eV": threshold[0],
            "threshold_from": threshold[1],
            "aligned": aligned,
            "t_over_lambda_of_thresholds": list(bounds),
            "std_sys_parts": parts,
            "std_stat_at_one_count_per_electron": None if gain else counting,
            "readout_std_counts": math.sqrt(readout),
            "zero_loss_eV": peak.position,
            "fwhm_eV": peak.fwhm,
            "total_counts": float(ratio.total[used].sum()),
            "elastic_counts": float(ratio.elastic[used].sum()),
            "spread_of_pixels": float(ratio.t_over_lambda[used].std()) if count > 1 else None,
            "pixels": count,
            "pixels_left_out": int(used.size - used.sum()),
        },
        assumptions=_assumptions(gain, variable, end),
        method=METHOD,
    )
    return finding, per_pixel


def threshold_of(
    measurement: Measurement, whole: NDArray[Any], given: float | None
) -> tuple[float, str]:
    """Return the threshold (eV) between elastic and inelastic electrons, and who says so.

    Raises
    ------
    NoZeroLossError
        exSpy finds none (``no-threshold``).
    """
    if given is not None:
        return given, "the user"
    data = measurement.data
    first = data[{dim: slice(0, 1) for dim in data.dims if dim != "energy_loss"}]  # no copy of all
    signal = to_hyperspy(
        Signal("sum", measurement.modality, first, metadata=dict(measurement.metadata))
    )
    if signal.axes_manager.navigation_dimension:
        signal = signal.sum(axis=signal.axes_manager.navigation_axes)
    signal.data = np.array(whole, dtype=np.float64).reshape(signal.data.shape)
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
    so = "so there is no t/λ"
    return without_zero_loss(measurement, fault, "t_over_lambda", METHOD, so, "no-thickness")


def _nothing(measurement: Measurement, box: Box | None) -> Notice:
    name = "the map" if box is None else f"region {box.name!r}"
    return Notice(
        code="region-empty",
        message=f"{measurement.record.name}: no pixel of {name} has a t/λ; all are saturated or "
        "have no counts",
    )


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
    measurement: Measurement,
    peak: ZeroLoss,
    energy: NDArray[np.float64],
    ratio: LogRatio,
    cube: NDArray[Any],
    params: ThicknessParams,
) -> list[Notice]:
    said = []
    step = float(energy[1] - energy[0])
    name = measurement.record.name
    if abs(peak.position) > 1.01 * step and not params.align:
        said.append(
            Notice(
                code="zero-loss-offset",
                message=f"{name}: the zero loss lies at {peak.position:+.3g} eV "
                "and the axis was not shifted; the threshold counts from the axis's own 0",
                fix="say align=true, and the threshold counts from the zero loss",
                severity="info",
            )
        )
    used = np.isfinite(ratio.t_over_lambda)
    if cube.ndim > 1 and not params.align:
        near = np.flatnonzero(np.abs(energy - peak.position) <= WITHIN)
        tops = energy[near][cube[..., near[0] : near[-1] + 1].argmax(axis=-1)][used]
        low, high = np.quantile(tops, [0.05, 0.95])
        if high - low > max(2.0 * step, 0.5 * peak.fwhm):
            said.append(
                Notice(
                    code="zero-loss-drift",
                    message=f"{name}: zero losses lie from {low:+.3g} to {high:+.3g} eV (90 % of "
                    "the pixels), and one threshold was used for all",
                    fix="say align=true, and the threshold counts from each pixel's zero loss",
                )
            )
    if not used.all():
        said.append(
            Notice(
                code="pixels-left-out",
                message=f"{name}: {int(used.size - used.sum())} of {used.size} "
                "pixels are saturated or have no counts and were left out",
            )
        )
    return said
