"""The analysis ``xrf.maps``: element maps of a sample's scans, normalised to be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import Covariance, FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrf.amounts.attenuation import ELECTROLYTE, Material
from consilience_xrf.amounts.element_maps import ElementMap
from consilience_xrf.amounts.normalise import Normaliser, greatest, joint_covariance, percentile
from consilience_xrf.amounts.reach import Reach, reach_of
from consilience_xrf.findings.amount_params import MapsParams
from consilience_xrf.findings.map_input import (
    Compared,
    Taken,
    beam_of,
    gather,
    geometry_of,
    layer_of,
    material_of,
    mean_of,
)
from consilience_xrf.findings.probed import depth_of, lateral_of
from consilience_xrf.findings.wet_dry import wet_against_dry

__all__ = ["absorption_said", "compared_maps", "map_dataset", "run_maps"]

METHOD = "mean of a map, as a share of the greatest point of all maps that are compared"
OUTLIER = 1.3
"""Times the robust percentile from which on the greatest point is called an outlier."""


def run_maps(
    measurements: Sequence[Measurement], params: MapsParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the maps of all scans of a sample on one scale.

    Returns
    -------
    AnalysisOutput
        ``element_map`` for each scan and line: its mean as a share of the greatest point of all
        scans.  `std_stat` holds the scan's own counting error and that of the greatest point,
        which all scans of a line share (joint covariance); `std_sys` how much noise lifts that
        point.  With `dry`, also ``thickness`` of the liquid that would explain each other scan's
        loss.

    Raises
    ------
    BadInputError
        A line that no scan has.
    """
    del context
    return compared_maps(gather(measurements, params), params)


def compared_maps(compared: Compared, params: MapsParams) -> AnalysisOutput:
    """Return what `run_maps` says of scans that are on one exposure already."""
    notices = list(compared.notices)
    findings: list[FindingDraft] = []
    normalisers: dict[str, tuple[Normaliser, Normaliser]] = {}
    arrays: dict[str, xr.Dataset] = {}
    for line in compared.lines:
        some = compared.of(line)
        maps = [one for _, one in some]
        try:
            normalisers[line] = (greatest(maps), percentile(maps, params.percentile))
        except BadInputError as nothing:
            notices.append(Notice(code="map-empty", message=nothing.what, fix=nothing.fix))
            continue
        made, covariance = _drafts(compared, line, normalisers[line], params, notices)
        findings += made
        if covariance is not None:
            arrays[f"covariance_{line}"] = covariance
        notices += _outlier(line, normalisers[line], compared)
    for i, taken in enumerate(compared.taken):
        if any(line in taken.corrected for line in normalisers):
            arrays[f"maps_{i}"] = map_dataset(taken, compared, normalisers)
    if params.dry:
        findings += wet_against_dry(compared, params, notices)
    return AnalysisOutput(findings, arrays, notices)


def _drafts(
    compared: Compared,
    line: str,
    numbers: tuple[Normaliser, Normaliser],
    params: MapsParams,
    notices: list[Notice],
) -> tuple[list[FindingDraft], xr.Dataset | None]:
    some = compared.of(line)
    top, robust = numbers
    means, own = zip(*(mean_of(one) for _, one in some), strict=True)
    shares = np.array(means) / top.value
    covariance = None
    known = top.relative_std is not None and all(o is not None for o in own)
    matrix: NDArray[np.float64] | None = None
    if known and top.relative_std is not None:
        errors = np.array([o for o in own if o is not None]) / top.value
        matrix = joint_covariance(shares, errors, top.relative_std)
        names = [compared.taken[i].title for i, _ in some]
        covariance = xr.Dataset(
            {"statistical": (("scan", "other"), matrix, {"units": "1"})},
            {
                "scan": ("scan", np.arange(len(names)), {"units": "1", "names": names}),
                "other": ("other", np.arange(len(names)), {"units": "1"}),
            },
            {"title": f"shares of {line}: counting of each scan, and the number all share"},
        )
    lifted = None if top.bias is None else _lifted(top.value, top.bias)
    drafts: list[FindingDraft] = []
    for place, (i, one) in enumerate(some):
        taken = compared.taken[i]
        reach, said = absorption_said(taken, one, params, notices)
        spread = float(np.nanstd(one.values)) / top.value
        draft = FindingDraft(
            kind="element_map",
            subject=Subject(element=one.element, label=one.name),
            region=taken.region,
            state=dict(taken.measurement.record.state),
            value=float(shares[place]),
            unit="1",
            std_stat=None if matrix is None else math.sqrt(matrix[place, place]),
            std_sys=None if lifted is None else abs(float(shares[place])) * lifted,
            covariance=None
            if covariance is None
            else Covariance(array=f"covariance_{line}", index=place),
            array=f"maps_{i}",
            evidence={
                "variable": line,
                "variable_std": None if one.std is None else f"{line}_std",
                "scan": taken.title,
                "line": one.line,
                "map_unit": one.unit,
                "mean": means[place],
                "mean_std_own": own[place],
                "spread_of_points_as_share": spread,
                "greatest": top.value,
                "greatest_std_shared": top.std,
                "std_sys_parts": {
                    "greatest_lifted_by_noise": None
                    if lifted is None
                    else abs(float(shares[place])) * lifted
                },
                "greatest_in_scan": compared.taken[some[top.where[0]][0]].title
                if top.where
                else None,
                f"percentile_{params.percentile:g}": robust.value,
                f"percentile_{params.percentile:g}_std_shared": robust.std,
                "mean_over_percentile": means[place] / robust.value,
                "divided_by": list(taken.exposure.by),
                "std_from": one.std_from or None,
                "absorption": said,
            },
            assumptions=_assumed(compared, one, top),
            method=METHOD,
        )
        drafts += with_probe([draft], lateral_of(taken), depth_of(reach))
    return drafts, covariance


def _lifted(value: float, bias: float) -> float:
    """By what share of itself a share is too small for noise in the greatest point."""
    return abs(bias) / max(value - bias, 0.1 * value)


def absorption_said(
    taken: Taken, one: ElementMap, params: Any, notices: list[Notice]
) -> tuple[Reach | None, dict[str, Any]]:
    """Return what absorption means for a map, and the same as evidence."""
    beam = beam_of(taken.measurement, params.incident_energy)
    given = getattr(params, "electrolyte", None)
    liquid = ELECTROLYTE if given is None else layer_of(given).material
    matrix: Material | None = None
    if params.matrix is not None:
        matrix = material_of(params.matrix, params.matrix_density)
    try:
        reach = reach_of(one.element, one.line, beam, geometry_of(params), matrix, liquid)
    except BadInputError as unknown:
        notice = Notice(code="absorption-unknown", message=f"{one.name}: {unknown.what}",
                        fix=unknown.fix)  # fmt: skip
        if notice not in notices:
            notices.append(notice)
        return None, {"unknown": unknown.what}
    return reach, {
        "line_energy_keV": reach.energy,
        "beam_keV": beam,
        "matrix": reach.matrix,
        "attenuation_length_um": reach.length,
        "information_depth_um": reach.depth,
        "liquid": reach.liquid_name,
        "lost_in_liquid": {f"{t:g} um": v for t, v in reach.liquid.items()},
        "beam_on_its_way_in_counted": reach.both_ways,
    }


def _assumed(compared: Compared, one: ElementMap, top: Normaliser) -> list[str]:
    said = [compared.said]
    if one.std_from == "counting":
        said.append("errors are √N of the map's own counts, without those of its background")
    elif one.std is None:
        said.append("the file states no errors and its unit is no count: errors are unknown")
    if top.std is not None and top.relative_std is not None:
        said.append(
            f"all scans of this line share the error of the greatest point, "
            f"{100 * top.relative_std:.2g} %; it cancels in ratios of scans"
        )
    said.append("thickness of liquid, focus, and matter that moved change a map alike")
    return said


def _outlier(line: str, numbers: tuple[Normaliser, Normaliser], compared: Compared) -> list[Notice]:
    top, robust = numbers
    if top.value < OUTLIER * robust.value:
        return []
    where = ""
    if top.where:
        scan, row, column = top.where
        title = compared.taken[compared.of(line)[scan][0]].title
        where = f" (scan {title}, row {row}, column {column})"
    return [
        Notice(
            code="greatest-point-stands-alone",
            message=f"{line}: the greatest point{where} is {top.value / robust.value:.2f} times "
            f"the {robust.what}; shares of it are small for one point's sake",
            fix="read the maps by the percentile, or leave the point out",
            severity="info",
        )
    ]


def map_dataset(
    taken: Taken, compared: Compared, normalisers: dict[str, tuple[Normaliser, Normaliser]]
) -> xr.Dataset:
    """Return one scan's maps for the store, with the numbers that all scans are divided by."""
    y, x = taken.maps.dims
    variables: dict[str, Any] = {}
    for line, (top, robust) in normalisers.items():
        if line not in taken.corrected:
            continue
        one = taken.corrected[line]
        attrs = {"units": one.unit, "element": one.element, "line": one.line}
        attrs["missing"] = "not measured, or nothing to divide by"
        variables[line] = ((y, x), one.values, dict(attrs))
        if one.std is not None:
            variables[line][2]["ancillary_variables"] = f"{line}_std"
            variables[f"{line}_std"] = ((y, x), one.std, {"units": one.unit, **_MISSING})
        for name, number in (("greatest", top), ("percentile", robust)):
            about = {"units": one.unit, "title": f"{number.what} of {line} in all scans"}
            variables[f"{name}_of_{line}"] = ((), number.value, about)
            if number.std is not None:
                variables[f"{name}_of_{line}"][2]["ancillary_variables"] = f"{name}_of_{line}_std"
                variables[f"{name}_of_{line}_std"] = ((), number.std, {"units": one.unit})
    unit = {"units": taken.maps.unit}
    return xr.Dataset(
        variables,
        {y: (y, taken.maps.y, dict(unit)), x: (x, taken.maps.x, dict(unit))},
        {"title": taken.title, "exposure": compared.said},
    )


_MISSING = {"missing": "not measured, or nothing to divide by"}
