"""The analysis ``compton.components``: volumes of phases, and α and β for the regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import Covariance, FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.surface_params import ComponentParams
from consilience_compton.findings.volume_input import Volume, volume_of
from consilience_compton.surface.blocks import LEAST_BLOCKS
from consilience_compton.surface.components import (
    Fraction,
    LithiumShares,
    lithium_shares,
    volume_fractions,
)

__all__ = ["ComponentParams", "run_components"]

AXES = ("z", "y", "x")
AS_IT_IS = (
    "the segmentation is taken as it is; the systematic error is of all boundaries lying together "
    "anywhere within their voxels"
)
LEAST_PART = 4
"""Voxels along each side of a part that is told."""


def run_components(
    measurements: Sequence[Measurement], params: ComponentParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the share of every label of a segmented volume, and α and β where asked for.

    Returns
    -------
    AnalysisOutput
        ``volume_fraction`` of each label, in the whole and in each box; with `lithium` and
        `regions`, ``volume_ratio`` α and β with their joint covariance.
    """
    del context
    (measurement,) = measurements
    if not measurement.has("labels"):
        what = "a grey volume" if measurement.has("grey") else "projections"
        reason = f"{what}: no voxel is said to be of one phase; segment the volume first"
        return _refused(reason, measurement)
    findings: list[FindingDraft] = []
    notices: list[Notice] = []
    arrays: dict[str, xr.Dataset] = {}
    for box in (None, *params.boxes):
        try:
            volume = volume_of(measurement, box)
        except ValueError as fault:
            if box is None:
                return _refused(str(fault), measurement)
            notices.append(_said(measurement, "box-empty", str(fault)))
            continue
        assert volume is not None
        if min(volume.values.shape) < LEAST_PART:
            notices.append(_said(measurement, "box-small", "the box is thinner than 4 voxels"))
            continue
        findings += _fractions(volume, params)
        if box is None and (params.regions is not None or params.lithium):
            more, arrays, why = _ratios(volume, params)
            findings += more
            if why:
                notices.append(_said(measurement, "no-ratio", why))
    return AnalysisOutput(findings, arrays, notices)


def _said(measurement: Measurement, code: str, text: str) -> Notice:
    return Notice(code=code, message=f"{measurement.record.name}: {text}")


def _refused(reason: str, measurement: Measurement) -> AnalysisOutput:
    finding = FindingDraft(
        kind="volume_fraction",
        subject=Subject(label="phases"),
        unit="1",
        status="not_observable",
        reason=reason,
        method="count of voxels",
    )
    notice = Notice(
        code="no-labels", message=f"{measurement.record.name}: {reason}", severity="info"
    )
    return AnalysisOutput([finding], {}, [notice])


def _fractions(volume: Volume, params: ComponentParams) -> list[FindingDraft]:
    found = volume_fractions(volume.values, volume.voxel, AXES.index(params.axis))
    return [_fraction(value, one, volume, params) for value, one in found.items()]


def _fraction(value: int, found: Fraction, volume: Volume, params: ComponentParams) -> FindingDraft:
    name = params.names.get(value)
    assumptions = [AS_IT_IS]
    if name is None:
        assumptions.append(f"which phase label {value} is, the file does not say")
    if found.std_stat is None:
        assumptions.append(
            f"the map holds {found.blocks:.1f} blocks of several correlation lengths, "
            f"{LEAST_BLOCKS:g} are needed for a statistical error"
        )
    return FindingDraft(
        kind="volume_fraction",
        subject=Subject(label=name or f"label {value}"),
        region=volume.region,
        value=found.value,
        unit="1",
        std_stat=found.std_stat,
        std_sys=found.std_boundary,
        evidence={
            "label": value,
            "voxels": found.voxels,
            "volume_um3": found.volume if volume.unit == "um" else None,
            "blocks": found.blocks,
            "std_sys_parts": {"boundary": found.std_boundary},
        },
        assumptions=assumptions,
        method=f"count of voxels; block bootstrap over columns along {params.axis}",
    )


def _ratios(
    volume: Volume, params: ComponentParams
) -> tuple[list[FindingDraft], dict[str, xr.Dataset], str]:
    if params.regions is None or not params.lithium:
        return [], {}, "α and β need both parameters, lithium and regions"
    if volume.unit != "um":
        return [], {}, "α and β need the size of a voxel, which is not known"
    try:
        shares = lithium_shares(
            volume.values,
            params.lithium,
            params.regions,
            volume.voxel,
            AXES.index(params.axis),
            params.edge_std,
        )
    except ValueError as fault:
        return [], {}, f"no α and β: {fault}"
    arrays = {} if shares.covariance is None else {"lithium": _joint(shares)}
    return [_ratio(i, shares, params) for i in (0, 1)], arrays, ""


def _joint(shares: LithiumShares) -> xr.Dataset:
    dims = ("quantity", "other")
    variables: dict[str, Any] = {"statistical": (dims, shares.covariance, {"units": "1"})}
    for name, part in shares.systematic.items():
        values = np.array(part)
        key = "systematic_" + name.replace(" ", "_")
        variables[key] = (dims, np.outer(values, values), {"units": "1"})
    names = ["alpha", "beta"]
    return xr.Dataset(variables, {d: (d, names, {"units": "1"}) for d in dims})


def _ratio(index: int, shares: LithiumShares, params: ComponentParams) -> FindingDraft:
    parts = {name: part[index] for name, part in shares.systematic.items()}
    value = (shares.alpha, shares.beta)[index]
    std = None
    if shares.covariance is not None:
        std = float(max(0.0, shares.covariance[index, index]) ** 0.5)
    assumptions = [
        f"labels {list(params.lithium)} are lithium metal",
        "the sheet beam is as sharp as its edges, the same across the sample",
    ]
    if params.edge_std == 0.0:
        assumptions.append("the beam's place is taken as exact; say edge_std to carry its error")
    return FindingDraft(
        kind="volume_ratio",
        subject=Subject(label=("alpha", "beta")[index]),
        value=value,
        unit="1",
        std_stat=std,
        std_sys=math.sqrt(sum(p**2 for p in parts.values())),
        covariance=None if std is None else Covariance(array="lithium", index=index),
        evidence={
            "lithium_share_by_region": {str(r + 1): s for r, s in enumerate(shares.shares)},
            "regions": {str(k): list(v) for k, v in (params.regions or {}).items()},
            "std_sys_parts": parts,
        },
        assumptions=assumptions,
        method="share of lithium in region "
        f"{(2, 1)[index]} over that in region 3, by count of voxels",
    )
