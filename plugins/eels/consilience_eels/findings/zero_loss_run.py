"""The analysis ``eels.zero_loss``: energy resolution, shift of each pixel, and spikes."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.alignment.spikes import Spike, noise_threshold, remove_spikes
from consilience_eels.alignment.zero_loss import (
    ZeroLossMap,
    crop_of,
    measure_zero_loss,
    shift_spectra,
)
from consilience_eels.findings.refusals import without_zero_loss
from consilience_eels.findings.spectra_of import loss_array, spectrum_dataset, whole_of
from consilience_eels.lowloss.zero_loss import NoZeroLossError, ZeroLoss, find_zero_loss
from consilience_eels.spectra import LossAxis

__all__ = ["ZeroLossParams", "run_zero_loss"]

METHOD = "full width at half maximum of the zero loss of each pixel"
LISTED = 50
"""Spikes that are named one by one."""


class ZeroLossParams(BaseModel):
    """Parameters of `run_zero_loss`.

    Parameters
    ----------
    counts_per_electron : float, optional
        The detector's gain; where it is not known, counting errors are not known either.
    find_spikes : bool
        Look for single channels that stand out.
    spike_threshold : float, optional
        Rise, in counts for each eV, from which on a channel is a spike; by default from the
        data's own noise.
    keep_aligned : bool
        Store the spectrum image with each zero loss at 0 and spikes taken out; it is as large
        as the data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    counts_per_electron: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    find_spikes: bool = True
    spike_threshold: Annotated[float, Field(gt=0.0)] | None = None
    keep_aligned: bool = False


def run_zero_loss(
    measurements: Sequence[Measurement], params: ZeroLossParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the energy resolution of one measurement, and where each zero loss lies.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``energy_resolution``: the median over the pixels, with the map of
        position and width, and the spectrum of all pixels laid on each other.  Not observable
        where the zero loss is absent, cut off or saturated; a core-loss spectrum gives a notice.
    """
    del context
    (measurement,) = measurements
    axis, array = loss_array(measurement)
    cube = array.values
    whole = whole_of(cube)
    try:
        peak = find_zero_loss(axis.energy, cube if cube.ndim == 1 else whole)
    except NoZeroLossError as fault:
        return _refused(measurement, fault)
    gain = params.counts_per_electron
    found = measure_zero_loss(axis, cube, peak, gain or 1.0)
    used = np.isfinite(found.position)
    if not used.any():
        nowhere = "no pixel has a zero loss that stands out of its noise"
        return _refused(measurement, NoZeroLossError("none", nowhere))
    spikes, mended = _spikes(axis, cube, peak, params)
    position, drift = _positions(found, used)
    widths = found.fwhm[np.isfinite(found.fwhm)]
    arrays = _arrays(axis, array, found, mended, params)
    several = int(used.sum()) > 1
    errors = found.fwhm_std[np.isfinite(found.fwhm_std)]
    counting = math.sqrt(float(np.sum(errors**2))) / max(1, errors.size)
    if several:
        counting *= math.sqrt(math.pi / 2.0)  # of a median
    finding = FindingDraft(
        kind="energy_resolution",
        value=float(np.median(widths)) if widths.size else peak.fwhm,
        unit="eV",
        std_stat=counting if gain and errors.size else None,
        std_sys=axis.step / math.sqrt(12.0) * math.exp(-3.0 * max(peak.fwhm / axis.step - 1, 0)),
        array="zero_loss" if "zero_loss" in arrays else None,
        evidence={
            "position_eV": position,
            "position_std_eV": float(np.median(found.position_std[used])) if gain else None,
            "drift_std_eV": drift,
            "positions_eV": [
                float(np.min(found.position[used])),
                float(np.max(found.position[used])),
            ],
            "fwhm_of_the_sum_eV": peak.fwhm,
            "fwhm_aligned_eV": _aligned_width(axis, cube, found, used),
            "channel_eV": axis.step,
            "pixels": int(used.sum()),
            "pixels_left_out": int(used.size - used.sum()),
            "spikes": len(spikes) if params.find_spikes else None,
            "spike_list": [_named(axis, cube, spike) for spike in spikes[:LISTED]],
        },
        assumptions=[
            "what widens the zero loss is the same for all losses",
            *(
                []
                if gain
                else ["counts for one electron are not known, so counting errors are not"]
            ),
        ],
        method=METHOD,
    )
    return AnalysisOutput([finding], arrays, _notices(measurement, axis, position, spikes, used))


def _positions(found: ZeroLossMap, used: NDArray[np.bool_]) -> tuple[float, float | None]:
    """Median position, and the scatter of pixels beyond it (None for one spectrum)."""
    at = found.position[used]
    if at.size < 2:
        return float(at[0]), None
    return float(np.median(at)), float(at.std(ddof=1))


def _aligned_width(
    axis: LossAxis, cube: NDArray[Any], found: ZeroLossMap, used: NDArray[np.bool_]
) -> float | None:
    """Full width of the sum of pixels that were laid on each other; of some of them if many."""
    if used.size < 2:
        return None
    rows = np.flatnonzero(used.ravel())
    rows = rows[:: max(1, rows.size // 1024)]
    shifts = -found.position.ravel()[rows]
    part = cube.reshape(-1, axis.size)[rows]
    moved = shift_spectra(axis, part, shifts).sum(axis=0, dtype=np.float64)
    try:
        return find_zero_loss(axis.energy[crop_of(axis, shifts)], moved).fwhm
    except NoZeroLossError:
        return None


def _spikes(
    axis: LossAxis, cube: NDArray[Any], peak: ZeroLoss, params: ZeroLossParams
) -> tuple[list[Spike], dict[int, NDArray[Any]]]:
    if not params.find_spikes:
        return [], {}
    mask = np.abs(axis.energy - peak.position) < max(4.0 * peak.fwhm, 5.0)
    if axis.size - int(mask.sum()) < 32:
        return [], {}
    threshold = params.spike_threshold or noise_threshold(axis, cube, mask)
    if threshold <= 0.0:
        return [], {}
    mended, spikes = remove_spikes(axis, cube, threshold, mask)
    return spikes, mended


def _named(axis: LossAxis, cube: NDArray[Any], spike: Spike) -> dict[str, Any]:
    pixel = [int(i) for i in np.unravel_index(spike.row, cube.shape[:-1])] if cube.ndim > 1 else []
    return {"pixel": pixel, "energy_eV": float(axis.energy[spike.channel])}


def _arrays(
    axis: LossAxis,
    array: xr.DataArray,
    found: ZeroLossMap,
    mended: dict[int, NDArray[Any]],
    params: ZeroLossParams,
) -> dict[str, xr.Dataset]:
    if array.ndim < 2:
        return {}
    dims = array.dims[:-1]
    errors = params.counts_per_electron is not None
    variables: dict[str, Any] = {}
    for name, values, std in (
        ("position", found.position, found.position_std),
        ("fwhm", found.fwhm, found.fwhm_std),
    ):
        attrs = {"units": "eV", "missing": "no zero loss, or a saturated one"}
        if errors:
            variables[f"{name}_std"] = (dims, std, dict(attrs))
            attrs["ancillary_variables"] = f"{name}_std"
        variables[name] = (dims, values, attrs)
    made = {"zero_loss": xr.Dataset(variables, {d: array[d].variable for d in dims})}
    if params.keep_aligned:
        cube = array.values
        if mended:
            cube = cube.copy()
            flat = cube.reshape(-1, axis.size)
            for row, spectrum in mended.items():
                flat[row] = spectrum
        moved = shift_spectra(axis, cube, -found.position)
        energy = axis.energy[crop_of(axis, -found.position)]
        made["aligned"] = spectrum_dataset(energy, {"counts": (moved, None)}, array)
    return made


def _refused(measurement: Measurement, fault: NoZeroLossError) -> AnalysisOutput:
    so = "so neither the energy resolution nor the place of 0 is known"
    return without_zero_loss(measurement, fault, "energy_resolution", METHOD, so)


def _notices(
    measurement: Measurement,
    axis: LossAxis,
    position: float,
    spikes: list[Spike],
    used: NDArray[np.bool_],
) -> list[Notice]:
    name, said = measurement.record.name, []
    if abs(position) > axis.step:
        said.append(
            Notice(
                code="zero-loss-offset",
                message=f"{name}: the zero loss lies at {position:+.3f} eV; the axis was kept",
                fix="energies read off this axis are off by as much",
                severity="info",
            )
        )
    if spikes:
        said.append(
            Notice(
                code="spikes",
                message=f"{name}: {len(spikes)} spikes in {len({s.row for s in spikes})} spectra, "
                f"first at {axis.energy[spikes[0].channel]:g} eV; the data are as recorded",
                fix="say keep_aligned=true for a spectrum image without them",
            )
        )
    if not used.all():
        said.append(
            Notice(
                code="pixels-left-out",
                message=f"{name}: {int(used.size - used.sum())} of {used.size} pixels have no zero "
                "loss that stands out, or a saturated one",
            )
        )
    return said
