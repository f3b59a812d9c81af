"""The analysis ``xrf.profile``: element maps along a line, all scans of a sample on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region, Subject
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrf.amounts.element_maps import ElementMap, MapSet
from consilience_xrf.amounts.normalise import Normaliser, greatest
from consilience_xrf.amounts.profile import Profile, Strip, profile_along
from consilience_xrf.findings.amount_params import ProfileParams
from consilience_xrf.findings.map_input import Compared, Taken, gather
from consilience_xrf.findings.probed import lateral_of

__all__ = ["profiles_of", "run_profile", "strip_of"]

METHOD = "mean of the points in bins along a line, over the strip's width; nothing interpolated"
WIDER = 1.3
"""Scatter over counting errors from which on the strip is called uneven."""


def run_profile(
    measurements: Sequence[Measurement], params: ProfileParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return profiles of element maps along a line.

    Returns
    -------
    AnalysisOutput
        ``line_profile`` for each scan and line, with distance, mean, error and the share of the
        greatest point of all scans in its array.  Scans that the line misses get a notice.

    Raises
    ------
    BadInputError
        A line that no scan has, or a line that meets no scan.
    """
    del context
    return profiles_of(gather(measurements, params), params)


def profiles_of(compared: Compared, params: ProfileParams) -> AnalysisOutput:
    """Return what `run_profile` says of scans that are on one exposure already."""
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    notices = list(compared.notices)
    missed: list[str] = []
    for line in compared.lines:
        some = compared.of(line)
        try:
            top = greatest([one for _, one in some])
        except BadInputError as nothing:
            notices.append(Notice(code="map-empty", message=nothing.what, fix=nothing.fix))
            continue
        for i, one in some:
            taken = compared.taken[i]
            strip = strip_of(taken.maps, params)
            try:
                found = profile_along(taken.maps, one, strip, params.step)
            except BadInputError as fault:
                missed.append(f"{taken.title}: {fault.what}")
                continue
            key = f"profile_{len(arrays)}"
            arrays[key] = _dataset(found, one, top, taken)
            draft = _draft(found, one, top, taken, strip, key, compared)
            findings += with_probe([draft], lateral_of(taken))
    if missed and not findings:
        raise BadInputError(
            f"the line meets none of {len(compared.taken)} scans; {missed[0]}",
            fix="give 'start' and 'end' within the scans, in the unit of their positions",
        )
    notices += [Notice(code="line-misses-scan", message=said) for said in dict.fromkeys(missed)]
    return AnalysisOutput(findings, arrays, notices)


def strip_of(maps: MapSet, params: ProfileParams) -> Strip:
    """Return the strip asked for, else all of the map along x."""
    step_y, step_x = maps.step
    if params.start is not None and params.end is not None:
        across = float(np.hypot(np.ptp(maps.x) + step_x, np.ptp(maps.y) + step_y))
        return Strip(params.start, params.end, params.width or 2.0 * across)
    middle = 0.5 * float(maps.y[0] + maps.y[-1])
    low, high = float(maps.x.min()), float(maps.x.max())
    return Strip((low, middle), (high, middle), params.width or float(np.ptp(maps.y)) + step_y)


def _dataset(found: Profile, one: ElementMap, top: Normaliser, taken: Taken) -> xr.Dataset:
    attrs = {"units": one.unit, "missing": "no point lies there"}
    share = {"units": "1", "missing": "no point lies there"}
    variables: dict[str, Any] = {
        "value": ("distance", found.mean, dict(attrs)),
        "share": ("distance", found.mean / top.value, dict(share)),
        "spread": ("distance", found.spread, {**attrs, "missing": "fewer than two points"}),
        "points": ("distance", found.points, {"units": "1"}),
        "greatest": ((), top.value, {"units": one.unit}),
    }
    if found.std is not None:
        variables["value"][2]["ancillary_variables"] = "value_std"
        variables["share"][2]["ancillary_variables"] = "share_std"
        variables["value_std"] = ("distance", found.std, dict(attrs))
        variables["share_std"] = ("distance", found.std / top.value, dict(share))
    if top.std is not None:
        variables["greatest"][2]["ancillary_variables"] = "greatest_std"
        variables["greatest_std"] = ((), top.std, {"units": one.unit})
    unit = taken.maps.unit
    return xr.Dataset(
        variables,
        {"distance": ("distance", found.distance, {"units": unit})},
        {"title": taken.title, "element": one.element, "line": one.line},
    )


def _draft(
    found: Profile,
    one: ElementMap,
    top: Normaliser,
    taken: Taken,
    strip: Strip,
    key: str,
    compared: Compared,
) -> FindingDraft:
    unit = taken.maps.unit if taken.maps.unit != "1" else "point"
    low, high = float(np.nanmin(found.mean)), float(np.nanmax(found.mean))
    scatter = _scatter(found)
    shared = top.relative_std
    assumptions = [compared.said]
    if scatter is not None and scatter > WIDER:
        assumptions.append(
            f"points across the strip scatter {scatter:.2f} times as much as counting explains: "
            "the strip is not the same all across"
        )
    if one.std is None:
        assumptions.append("errors of the map are unknown; 'spread' is that of points in a bin")
    return FindingDraft(
        kind="line_profile",
        subject=Subject(element=one.element, label=one.name),
        region=Region(
            shape="line",
            coordinates=[list(strip.start), list(strip.end)],
            unit=unit,
            frame=f"scan ({taken.maps.dims[1]}, {taken.maps.dims[0]})",
            label=f"line {strip.width:.4g} {unit} wide",
        ),
        state=dict(taken.measurement.record.state),
        array=key,
        evidence={
            "sentence": f"{one.name} along {strip.length:.4g} {unit}: from "
            f"{low / top.value:.3g} to {high / top.value:.3g} of the greatest point of all scans, "
            f"in {found.mean.size} bins of {found.step:.4g} {unit}",
            "scan": taken.title,
            "points": int(found.points.sum()),
            "greatest": top.value,
            "greatest_std_shared_relative": shared,
            "scatter_over_counting": scatter,
            "variable": "value",
            "variable_std": None if found.std is None else "value_std",
        },
        assumptions=assumptions,
        method=METHOD,
    )


def _scatter(found: Profile) -> float | None:
    """Scatter of points within bins over what their errors say."""
    if found.std is None:
        return None
    good = (found.points > 1) & np.isfinite(found.spread) & (found.std > 0)
    degrees = int((found.points[good] - 1).sum())
    if degrees < 10:
        return None
    own = (found.spread[good] ** 2) * (found.points[good] - 1)
    expected = found.std[good] ** 2 * found.points[good]  # variance of one point
    return float(np.sqrt((own / expected).sum() / degrees))
