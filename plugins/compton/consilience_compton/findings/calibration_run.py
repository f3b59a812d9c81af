"""The analysis ``compton.calibration``: the detector's own lines to each pixel's energy scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_compton.calibration.lines import REGIONS
from consilience_compton.calibration.pixels import (
    STATUS,
    Calibration,
    LineTable,
    calibrate,
    line_table,
)
from consilience_compton.calibration.sums import sums_of
from consilience_compton.findings.calibration_params import CalibrationParams
from consilience_compton.findings.spectra_input import beam_of, image_of, nominal_edges
from consilience_compton.spectra import pixel_scale_of

__all__ = ["CalibrationParams", "run_calibration"]

METHOD = (
    "Poisson likelihood fit of the detector's own K lines (tabulated energies and ratios) to each "
    "pixel, E = scale x stated + shift"
)
ASSUMED = (
    "line energies and rates of xraylib, without error",
    ("lines are Gaussian: charge that is shared or lost pulls a line down, and the scale with it"),
    "one straight scale from 23 keV to the Compton peak; its straightness is tested on the lines",
)
Array = NDArray[np.float64]


def run_calibration(
    measurements: Sequence[Measurement], params: CalibrationParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return how far the stated energy scale is off, the resolution, and the bad pixels.

    Returns
    -------
    AnalysisOutput
        Findings of kind ``energy_shift`` (keV at the Compton peak: true less stated energy, mean
        of the pixels), ``detector_resolution`` (keV) and ``bad_pixels``; maps of scale, shift,
        their covariance, resolution and status in one array, the lines in another.
        *Not observable*, with the reason, for an axis in channels without a nominal gain, an axis
        that does not hold the lines, or spectra in which fewer than two groups are seen.
    """
    del context
    (measurement,) = measurements
    data = measurement.data
    try:
        edges = nominal_edges(data, params)
        sums = sums_of(image_of(data), edges)
        table = line_table(sums, params.elements)
        if table is None:
            raise BadInputError(
                "fewer than two groups of the detector's lines stand out of the background by "
                "five standard deviations",
                fix="count longer, or sum several measurements",
            )
    except BadInputError as fault:
        return _refused(fault)
    incident, angle, beam = beam_of(measurement, params)
    del incident, angle
    energy = float(beam["compton_peak"]["value"])
    found = calibrate(sums, table, energy, params.wanted, params.elements)
    evidence = {"beam": beam, "lines": _lines(table), "pixels": _pixels(found)}
    drafts = [
        _shift(found, evidence),
        *_resolution(found),
        _bad(found),
    ]
    arrays = {"pixels": _maps(found), "lines": _line_array(table)}
    notices = _notices(found)
    if pixel_scale_of(data) is not None:
        notices.append(_from_common_axis(measurement.record.name))
    return AnalysisOutput(drafts, arrays, notices)


def _from_common_axis(name: str) -> Notice:
    return Notice(
        code="relative-to-common-axis",
        message=f"{name}: each pixel has a scale of its own already (tables, or an earlier "
        "calibration); it is not used here, and what is found is relative to the common axis",
        where="energy_scale",
        fix="take the scale that is found instead of that one, not on top of it",
        severity="info",
    )


def _refused(fault: BadInputError) -> AnalysisOutput:
    draft = FindingDraft(
        kind="energy_shift",
        status="not_observable",
        reason=f"{fault.what}; {fault.fix}",
        method=METHOD,
    )
    return AnalysisOutput([draft])


def _shift(found: Calibration, evidence: dict[str, Any]) -> FindingDraft:
    good = found.good & np.isfinite(found.scale)
    alone = good & (found.pool == 1)
    moved, std = found.at(found.energy)
    straight = found.table.straightness(found.energy)
    shape = found.table.shape(found.energy)
    parts = {"straightness": straight, "shape of the lines": shape}
    of_scale, of_shift = found.table.of_scale() or (None, None)
    if alone.any():
        weight = 1.0 / np.maximum(std[alone], 1e-9) ** 2
        value = float(np.sum(weight * moved[alone]) / weight.sum())
        stat = float(1.0 / math.sqrt(weight.sum()))
        how = f"weighted mean of {int(alone.sum())} pixels"
        pull = (moved[alone] - value) / std[alone]
        spread = float(moved[alone].std())
    else:
        a, s = found.table.fit.at(found.energy)
        value, stat, how = float(a[0]), float(s[0]), "sum of all pixels"
        pull, spread = np.zeros(0), math.nan
    return FindingDraft(
        kind="energy_shift",
        value=value,
        unit="keV",
        std_stat=stat,
        std_sys=None if straight is None else math.hypot(straight, shape),
        array="pixels",
        evidence={
            **evidence,
            "at_keV": found.energy,
            "how": how,
            "spread_of_pixels_keV": spread if math.isfinite(spread) else None,
            "spread_in_standard_errors": float(pull.std()) if pull.size > 1 else None,
            "std_sys_parts": parts,
            "std_sys_of_scale": of_scale,
            "std_sys_of_shift_keV": of_shift,
            "tail_preferred": found.table.tail,
            "sentence": f"true energies are {value * 1000:+.1f} eV from the stated ones at "
            f"{found.energy:.2f} keV",
        },
        assumptions=list(ASSUMED),
        method=METHOD,
    )


def _resolution(found: Calibration) -> list[FindingDraft]:
    good = found.good & (found.pool == 1)
    drafts = []
    for i, (low, high) in enumerate(REGIONS):
        inside = [e for e in found.table.energy if low < e < high]
        own = found.fwhm[..., i][good]
        own = own[np.isfinite(own)]
        if not inside or not own.size:
            continue
        width = float(np.median(own))
        scatter = 1.4826 * float(np.median(np.abs(own - width)))
        drafts.append(
            FindingDraft(
                kind="detector_resolution",
                subject=Subject(label=f"lines about {float(np.mean(inside)):.0f} keV"),
                value=width,
                unit="keV",
                std_stat=1.2533 * scatter / math.sqrt(own.size) if own.size > 2 else None,
                std_sys=None,
                array="pixels",
                evidence={
                    "at_keV": float(np.mean(inside)),
                    "full_width_at_half_maximum": True,
                    "scatter_of_pixels_keV": scatter,
                    "pixels": int(own.size),
                },
                assumptions=["lines are Gaussian", "natural widths of the lines are part of it"],
                method=METHOD,
            )
        )
    return drafts


def _bad(found: Calibration) -> FindingDraft:
    bad = ~found.good
    return FindingDraft(
        kind="bad_pixels",
        value=float(bad.sum()),
        unit="1",
        array="pixels",
        evidence={
            **_pixels(found),
            "rules": "dead: no counts; hot and insensitive: more than 3 times the median's counts "
            "or less than a third; wide: more than 1.5 times the median width; shifted: more than "
            "6 robust standard deviations and 0.3 keV from the median; few counts: the wanted "
            "error is not reached with neighbours either",
            "sentence": f"{int(bad.sum())} of {bad.size} pixels cannot be used",
        },
        method="rules on counts, width and position of the detector's own lines",
    )


def _lines(table: LineTable) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "tabulated_keV": float(table.energy[i]),
            "found_less_tabulated_keV": float(table.residual[i]),
            "std_keV": float(table.residual_std[i]),
            "counts": float(table.counts[i]),
        }
        for i, name in enumerate(table.names)
    ]


def _pixels(found: Calibration) -> dict[str, Any]:
    counted = np.bincount(found.status.ravel(), minlength=len(STATUS))
    causes: dict[str, Any] = {name: int(n) for name, n in zip(STATUS, counted, strict=True) if n}
    dead = found.status == STATUS.index("dead")
    rows = np.flatnonzero(dead.all(axis=1)) if dead.shape[1] > 1 else np.zeros(0, dtype=int)
    columns = np.flatnonzero(dead.all(axis=0)) if dead.shape[0] > 1 else np.zeros(0, dtype=int)
    if rows.size:
        causes["dead_rows"] = [int(r) for r in rows]
    if columns.size:
        causes["dead_columns"] = [int(c) for c in columns]
    return causes


def _maps(found: Calibration) -> xr.Dataset:
    dims = ("row", "column")
    moved, std = found.at(found.energy)
    c = found.covariance
    fields = {
        "scale": (found.scale, "1"),
        "shift": (found.shift, "keV"),
        "variance_of_scale": (c[..., 0, 0], "1"),
        "variance_of_shift": (c[..., 1, 1], "keV^2"),
        "covariance": (c[..., 0, 1], "keV"),
        "correction_at_peak": (moved, "keV"),
        "correction_at_peak_std": (std, "keV"),
    }
    variables: dict[str, Any] = {
        name: (dims, values, {"units": unit}) for name, (values, unit) in fields.items()
    }
    variables["correction_at_peak"][2]["ancillary_variables"] = "correction_at_peak_std"
    variables["status"] = (dims, found.status, {"units": "1", "meaning": ", ".join(STATUS)})
    variables["pool"] = (dims, found.pool, {"units": "1"})
    middle = [0.5 * (low + high) for low, high in REGIONS]
    variables["fwhm"] = ((*dims, "energy"), found.fwhm, {"units": "keV"})
    rows, columns = found.scale.shape
    return xr.Dataset(
        variables,
        coords={
            "row": ("row", np.arange(rows, dtype=np.float64), {"units": "1"}),
            "column": ("column", np.arange(columns, dtype=np.float64), {"units": "1"}),
            "energy": ("energy", np.array(middle), {"units": "keV"}),
        },
    )


def _line_array(table: LineTable) -> xr.Dataset:
    keV = {"units": "keV"}
    return xr.Dataset(
        {
            "residual": ("line", table.residual, {**keV, "ancillary_variables": "residual_std"}),
            "residual_std": ("line", table.residual_std, keV),
            "counts": ("line", table.counts, {"units": "count"}),
        },
        coords={"line": ("line", table.energy, {**keV, "names": ", ".join(table.names)})},
    )


def _notices(found: Calibration) -> list[Notice]:
    notices = []
    if found.table.energy.max() < 40.0:
        notices.append(
            Notice(
                code="far-from-peak",
                message=f"only lines up to {found.table.energy.max():.1f} keV are seen; the scale "
                f"at {found.energy:.1f} keV is an extrapolation",
                where="counts",
                fix="its error grows with the distance; use lines of W or Pb where there are any",
            )
        )
    rows = _pixels(found).get("dead_rows")
    if rows:
        notices.append(
            Notice(
                code="dead-rows",
                message=f"rows {', '.join(map(str, rows))} of pixels are dead",
                where="counts",
                fix="they are marked as bad; a map shows them as missing",
            )
        )
    return notices
