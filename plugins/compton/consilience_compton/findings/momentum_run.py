"""The analysis ``compton.momentum``: spectra to profiles of p_z, and to EMR with its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region
from consilience.model.measurement import Measurement, Notice
from consilience_compton.calibration.drift import angle_slope
from consilience_compton.findings.momentum_drafts import (
    covariance_dataset,
    emr_draft,
    profile_dataset,
    refused,
)
from consilience_compton.findings.momentum_input import Spectra, settings_of, spectra_of
from consilience_compton.findings.momentum_params import MomentumParams, PixelBox
from consilience_compton.momentum.background import net_counts
from consilience_compton.momentum.collect import (
    Collected,
    Settings,
    Total,
    collect,
    tails_of,
    total_of,
)
from consilience_compton.momentum.evaluation import evaluate, shape_of
from consilience_compton.momentum.peak import Peak, find_peak
from consilience_compton.momentum.pooling import PooledMap, pool, squares

__all__ = ["Walked", "net_map", "run_momentum", "walk"]

FAR = 4.0
"""Atomic units from its place at which what is highest is not called the Compton peak: a few keV,
more than a beam or a detector is off by, and as far as the next fluorescence line."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Walked:
    """One pass over a measurement: settings as they were used, sums, and the peak of all."""

    spectra: Spectra
    settings: Settings
    found: Collected
    total: Total
    peak: Peak


def walk(
    measurement: Measurement,
    params: MomentumParams,
    labels: NDArray[np.intp] | None = None,
    spectra: Spectra | None = None,
) -> Walked:
    """Read the spectra once (twice where the windows lie around the peak that is found).

    `spectra`: as they were taken from the measurement before, so that lines are not fitted again.

    Raises
    ------
    BadInputError
        See `momentum_input.spectra_of`; no Compton peak; no counts.
    """
    spectra = spectra or spectra_of(measurement, params)
    settings = settings_of(params, spectra)
    first = _pass(spectra, settings, labels)
    if params.centre == "predicted":
        return first
    moved = replace(
        settings,
        energy_offset=-first.peak.deviation,
        energy_offset_std=params.energy_offset_std or first.peak.deviation_std,
    )
    return _pass(spectra, moved, labels)


def _pass(spectra: Spectra, settings: Settings, labels: NDArray[np.intp] | None) -> Walked:
    incident = spectra.geometry.incident_energy
    found = collect(
        spectra.blocks(),
        spectra.edges,
        incident,
        spectra.angles,
        settings,
        good=spectra.good,
        scale=spectra.scale,
        labels=labels,
    )
    total = total_of(found, incident, settings)
    if len(found.profiles) > 1:
        whole = found.profiles[0]
        for other in found.profiles[1:]:
            whole = whole + other
        total = replace(total, profile=whole)
    shape = shape_of(total, incident, settings)
    peak = find_peak(total.profile, incident, total.angle, shape)
    return Walked(spectra, settings, found, total, peak)


def run_momentum(
    measurements: Sequence[Measurement], params: MomentumParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return EMR of all pixels together, of named boxes, or of each spectrum of a list.

    Returns
    -------
    AnalysisOutput
        Findings of kind ``momentum_ratio`` with statistical error and named systematic parts;
        arrays: profiles, map of pooled pixels, joint covariance.  Where the spectra cannot say
        it, one finding that is *not observable* with the reason.
    """
    del context
    (measurement,) = measurements
    name = measurement.record.name
    try:
        spectra = spectra_of(measurement, params)
        labels = None
        if not spectra.is_map:
            labels = np.arange(len(spectra.names), dtype=np.intp)
        walked = walk(measurement, params, labels, spectra)
    except BadInputError as fault:
        notice = Notice(code="no-momentum", message=f"{name}: {fault.what}", fix=fault.fix)
        return AnalysisOutput([refused(fault.what)], {}, [notice])
    notices = peak_notices(name, walked, params)
    if walked.spectra.is_map:
        findings, arrays, more = _of_map(walked, params, name)
        return AnalysisOutput(findings, arrays, [*notices, *more])
    findings, arrays = _of_list(walked)
    return AnalysisOutput(findings, arrays, notices)


def _of_list(walked: Walked) -> tuple[list[FindingDraft], dict[str, xr.Dataset]]:
    """One ratio for each spectrum of a list."""
    spectra, settings, found = walked.spectra, walked.settings, walked.found
    incident = spectra.geometry.incident_energy
    totals, names = [], []
    for number, name in enumerate(spectra.names):
        mask = np.arange(len(spectra.names)) == number
        if (mask & found.used).any():
            totals.append(total_of(found, incident, settings, mask, number))
            names.append(name)
    results = [evaluate(one, spectra.geometry, settings, walked.peak) for one in totals]
    several = len(totals) > 1
    findings = [
        emr_draft(
            one,
            total,
            spectra.geometry,
            settings,
            walked.peak,
            label=name if several else "",
            array="profiles",
            index=i if several else None,
        )
        for i, (one, total, name) in enumerate(zip(results, totals, names, strict=True))
    ]
    findings += [
        refused("no counts in the windows", label=name)
        for name in spectra.names
        if name not in names
    ]
    arrays = {"profiles": profile_dataset(totals, names, settings)}
    if several:
        variance = np.diag([float(np.nan_to_num(one.result.std_stat)) ** 2 for one in results])
        arrays["covariance"] = covariance_dataset(names, results, variance)
    return findings, arrays


def _of_map(
    walked: Walked, params: MomentumParams, name: str
) -> tuple[list[FindingDraft], dict[str, xr.Dataset], list[Notice]]:
    spectra, settings = walked.spectra, walked.settings
    whole = evaluate(walked.total, spectra.geometry, settings, walked.peak)
    counts, matrix = net_map(walked)
    used = walked.found.used
    labels = squares(counts, matrix, used, params.wanted)
    pooled = pool(counts, matrix, labels, whole.factor, params.wanted)
    data = profile_dataset([walked.total], ["all pixels"], settings)
    single = pool(counts, matrix, _each(used), whole.factor)
    known = {"units": "1", "missing": "not used, or too few counts"}
    dims = ("row", "column")
    for key, values in (
        ("emr", pooled.on_pixels(pooled.result.value)),
        ("emr_std", pooled.on_pixels(pooled.result.std_stat)),
        ("emr_of_pixels", single.on_pixels(single.result.value)),
        ("emr_of_pixels_std", single.on_pixels(single.result.std_stat)),
        ("angle", spectra.angles),
    ):
        about = {**known, "units": "deg"} if key == "angle" else dict(known)
        data[key] = (dims, values, about)
    data["square"] = (dims, labels, {"units": "1", "missing": "-1: not used"})
    data["emr"].attrs["ancillary_variables"] = "emr_std"
    data["emr_of_pixels"].attrs["ancillary_variables"] = "emr_of_pixels_std"
    data = data.assign_coords(
        row=("row", np.arange(used.shape[0]), {"units": "1"}),
        column=("column", np.arange(used.shape[1]), {"units": "1"}),
    )
    extra: dict[str, Any] = {
        "pixels_left_out": int(used.size - used.sum()),
        "dead_rows": [int(i) for i in np.flatnonzero(~used.any(axis=1))],
        "dead_columns": [int(i) for i in np.flatnonzero(~used.any(axis=0))],
        "pooled_for_relative_error": params.wanted,
        "squares": int(pooled.sizes.size),
        "squares_that_reach_it": int(pooled.reached.sum()),
        "pixels_of_a_square": [int(pooled.sizes.min()), int(pooled.sizes.max())],
        "emr_per_degree": slope_with_angle(single, spectra.angles, used),
    }
    findings = [
        emr_draft(
            whole, walked.total, spectra.geometry, settings, walked.peak, array="map", extra=extra
        )
    ]
    notices = _left_out(name, used, extra)
    findings += [_of_box(walked, box, name) for box in params.boxes]
    return findings, {"map": data}, notices


def _of_box(walked: Walked, box: PixelBox, frame: str) -> FindingDraft:
    spectra, settings = walked.spectra, walked.settings
    mask = _inside(box, spectra.angles.shape)
    region = Region(
        shape="box",
        coordinates=[
            [float(np.flatnonzero(mask.any(axis=1))[i]), float(np.flatnonzero(mask.any(axis=0))[i])]
            for i in (0, -1)
        ],
        unit="1",
        frame=frame,
        label=box.name,
    )
    if not (mask & walked.found.used).any():
        return refused(f"no pixel of box {box.name!r} can be used", label=box.name)
    own = _pass_profile(walked, np.where(mask, 0, -1))
    total = replace(
        total_of(walked.found, spectra.geometry.incident_energy, settings, mask),
        profile=own.profiles[0],
    )
    result = evaluate(total, spectra.geometry, settings, walked.peak)
    return emr_draft(result, total, spectra.geometry, settings, walked.peak, region=region)


def _pass_profile(walked: Walked, labels: NDArray[np.intp]) -> Collected:
    spectra = walked.spectra
    return collect(
        spectra.blocks(),
        spectra.edges,
        spectra.geometry.incident_energy,
        spectra.angles,
        walked.settings,
        good=spectra.good,
        scale=spectra.scale,
        labels=labels,
    )


def _inside(box: PixelBox, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.ones(shape, dtype=np.bool_)
    for axis, (name, pair) in enumerate((("rows", box.rows), ("columns", box.columns))):
        if pair is None:
            continue
        if pair[1] >= shape[axis]:
            raise BadInputError(
                f"box {box.name!r}: {name} {pair[0]} to {pair[1]} of a detector with {shape[axis]}",
                fix=f"name {name} from 0 to {shape[axis] - 1}",
            )
        at = np.arange(shape[axis])
        inside = (at >= pair[0]) & (at <= pair[1])
        mask &= inside[:, None] if axis == 0 else inside[None, :]
    return mask


def net_map(walked: Walked) -> tuple[Array, Array]:
    """Return net counts (rows, columns, 2) of each pixel and their covariance."""
    settings, found = walked.settings, walked.found
    sides = found.sides if settings.subtract else None
    tails: Any = 0.0
    if sides is not None:
        tails = tails_of(found.angles, walked.spectra.geometry.incident_energy, settings)
    return net_counts(found.cells, settings.windows, sides, tails)


def slope_with_angle(
    single: PooledMap, angles: Array, used: NDArray[np.bool_]
) -> list[float] | None:
    """Return the slope of EMR over the scattering angle per degree, and its error from counting.

    A map of one material has none, but for what the instrument does: windows of other pixels lie
    at other energies, over another background, and the resolution is wider in momentum.
    """
    angle, emr, std = angles[used], single.result.value, single.result.std_stat
    known = np.isfinite(emr) & (std > 0.0)
    if known.sum() < 3 or np.ptp(angle[known]) <= 0.0:
        return None
    weight = 1.0 / std[known] ** 2
    x = angle[known] - np.average(angle[known], weights=weight)
    spread = float(np.sum(weight * x**2))
    mean = np.average(emr[known], weights=weight)
    return [float(np.sum(weight * x * (emr[known] - mean)) / spread), float(spread**-0.5)]


def _each(used: NDArray[np.bool_]) -> NDArray[np.intp]:
    labels = np.full(used.shape, -1, dtype=np.intp)
    labels[used] = np.arange(int(used.sum()))
    return labels


def peak_notices(name: str, walked: Walked, params: MomentumParams) -> list[Notice]:
    """Say where the peak is not where E₁ and θ put it, and where one angle serves all pixels."""
    peak, geometry = walked.peak, walked.spectra.geometry
    said: list[Notice] = []
    parts = [peak.deviation_std, walked.settings.energy_offset_std or 0.0]
    per_degree = abs(angle_slope(geometry.incident_energy, geometry.angle))
    parts.append((geometry.angle_std or 0.0) * per_degree)
    # dE₂/dE₁ = (E₂/E₁)²
    of_beam = (geometry.compton_peak / geometry.incident_energy) ** 2
    parts.append((geometry.incident_energy_std or 0.0) * of_beam)
    allowed = max(3.0 * float(np.hypot.reduce(parts)), 0.1)
    # backwards the energy does not depend on the angle
    as_angle = (
        f"; as an angle that is {-peak.deviation / per_degree:+.2f}°" if per_degree > 0.01 else ""
    )
    if params.centre == "predicted" and abs(peak.momentum) > FAR:
        said.append(
            Notice(
                code="compton-peak-not-there",
                message=f"{name}: no Compton peak stands at {peak.predicted:.3f} keV, where "
                f"{geometry.incident_energy:g} keV and {geometry.angle:g}° put it: what is highest "
                f"near it lies at {peak.found:.3f} keV and may be another line. EMR is that of "
                "whatever lies in the windows",
                fix="look at the spectrum; check the energy axis, the angle and the energy of the "
                "beam",
            )
        )
    elif params.centre == "predicted" and abs(peak.deviation) > allowed:
        said.append(
            Notice(
                code="compton-peak-away",
                message=f"{name}: the Compton peak is at {peak.found:.3f} keV, "
                f"{1e3 * peak.deviation:+.0f} eV from the {peak.predicted:.3f} keV that "
                f"{geometry.incident_energy:g} keV and {geometry.angle:g}° give{as_angle}",
                fix="check the energy calibration, the angle and the energy of the beam, or say "
                "centre=found",
            )
        )
    if walked.spectra.is_map and not geometry.spread_known:
        said.append(
            Notice(
                code="one-angle-for-all",
                message=f"{name}: distance or pixel pitch is not known, so all pixels are taken to "
                f"see {geometry.angle:g}°; the angle varies over the detector, 0.3 keV a degree",
                fix="say distance=… (mm) and pixel_pitch=… (µm)",
            )
        )
    return said


def _left_out(name: str, used: NDArray[np.bool_], extra: dict[str, Any]) -> list[Notice]:
    if used.all():
        return []
    rows = extra["dead_rows"]
    what = f", among them all of row {', '.join(map(str, rows))}" if rows else ""
    return [
        Notice(
            code="pixels-left-out",
            message=f"{name}: {int(used.size - used.sum())} of {used.size} pixels are marked bad "
            f"or have no counts in the windows and are left out{what}",
            severity="info",
        )
    ]
