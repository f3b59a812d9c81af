"""The analysis ``compton.surface``: roughness, pores and fragments of an interface in a volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.base import Quantity
from consilience.model.finding import Covariance, FindingDraft, Probe, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.surface_arrays import (
    correlation_array,
    covariance_array,
    surface_array,
)
from consilience_compton.findings.surface_params import SurfaceParams
from consilience_compton.findings.surface_shares import share_drafts
from consilience_compton.findings.volume_input import Volume, volume_of
from consilience_compton.surface.blocks import LEAST_BLOCKS
from consilience_compton.surface.measure import (
    CONTRAST,
    QUANTITIES,
    NoSurfaceError,
    Settings,
    Surface,
    measure_surface,
)

__all__ = ["SurfaceParams", "run_surface"]

AXES = ("z", "y", "x")
NAMES = {
    "S_a": ("areal_roughness", "arithmetic mean height S_a, ISO 25178-2"),
    "S_q": ("areal_roughness", "root mean square height S_q, ISO 25178-2"),
    "R_a_0": ("roughness", "arithmetic mean deviation R_a, ISO 4287 and 21920-2"),
    "R_a_1": ("roughness", "arithmetic mean deviation R_a, ISO 4287 and 21920-2"),
    "R_q_0": ("roughness", "root mean square deviation R_q, ISO 4287 and 21920-2"),
    "R_q_1": ("roughness", "root mean square deviation R_q, ISO 4287 and 21920-2"),
}
FORM_WORDS = {"mean": "the mean", "plane": "a plane", "second": "a surface of second order"}


def run_surface(
    measurements: Sequence[Measurement], params: SurfaceParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the roughness of the interface in one volume.

    Returns
    -------
    AnalysisOutput
        ``areal_roughness`` S_a and S_q, ``roughness`` R_a and R_q of profiles along both axes,
        ``correlation_length`` S_al, ``volume_fraction`` of pores below the surface and of
        fragments; maps in the array of S_a.  Where there is no interface, or no voxel size, they
        are *not observable* with the reason.
    """
    del context
    (measurement,) = measurements
    try:
        volume = volume_of(measurement, params.box)
        if volume is None:
            return _refused(
                "these are projections, not a reconstructed volume", measurement, "projections"
            )
        surface = _measured(volume, params)
    except ValueError as fault:
        return _refused(str(fault), measurement, "no-interface")
    arrays: dict[str, xr.Dataset] = {
        "surface": surface_array(surface, volume, params),
        "correlation": correlation_array(surface),
    }
    if surface.spread.covariance is not None:
        arrays["covariance"] = covariance_array(surface, volume.unit)
    findings = [_roughness(i, surface, volume, params) for i in range(len(QUANTITIES))]
    findings.append(_length(surface, volume))
    findings += share_drafts(surface, volume, params)
    return AnalysisOutput(findings, arrays, _notices(surface, volume, measurement))


def _measured(volume: Volume, params: SurfaceParams) -> Surface:
    if volume.labels and params.threshold is not None:
        raise NoSurfaceError("a segmented volume has no threshold; leave the parameter out")
    if not volume.labels and params.solid is not None:
        raise NoSurfaceError("a grey volume has no labels; leave the parameter 'solid' out")
    settings = Settings(
        axis=None if params.axis is None else AXES.index(params.axis),
        side=params.side,
        form=params.form,
        threshold=params.threshold,
        bright=params.bright,
        cutoff=params.cutoff,
        shortest=params.shortest,
        connectivity=params.connectivity,
        least=params.least_voxels,
        resolution=params.resolution,
        mask_overhangs=params.mask_overhangs,
    )
    return measure_surface(
        volume.values, volume.labels, params.solid, volume.voxel, volume.unit, settings
    )


def _refused(reason: str, measurement: Measurement, code: str) -> AnalysisOutput:
    finding = FindingDraft(
        kind="areal_roughness",
        subject=Subject(label="S_a"),
        unit="um",
        status="not_observable",
        reason=reason,
        method="height map of an interface",
        evidence={"quantity": "S_a"},
    )
    notice = Notice(
        code=code, message=f"{measurement.record.name}: no roughness: {reason}", severity="info"
    )
    return AnalysisOutput([finding], {}, [notice])


def _roughness(index: int, surface: Surface, volume: Volume, params: SurfaceParams) -> FindingDraft:
    quantity = QUANTITIES[index]
    kind, words = NAMES[quantity]
    across = [a for i, a in enumerate(AXES) if i != surface.facing.axis]
    label = quantity
    if quantity[-1] in "01":
        along = across[int(quantity[-1])]
        label = f"{quantity[:-2]} along {along}"
        words = f"{words}, mean over profiles along {along}"
    value = surface.values[index]
    parts = {k: None if v is None else v[index] for k, v in surface.systematic.items()}
    known = [p for p in parts.values() if p is not None]
    size_known = volume.unit == "um"
    below = value < volume.voxel[surface.facing.axis]
    return FindingDraft(
        kind=kind,
        subject=Subject(label=label),
        region=volume.region,
        value=value if size_known else None,
        unit="um",
        std_stat=surface.spread.std(index) if size_known else None,
        std_sys=math.sqrt(sum(p**2 for p in known)) if size_known and known else None,
        status=None if size_known else "not_observable",
        reason=None if size_known else "the size of a voxel is not known",
        covariance=(
            Covariance(array="covariance", index=index)
            if surface.spread.covariance is not None and size_known
            else None
        ),
        array="surface" if index == 0 else None,
        probe=_probe(volume, surface) if size_known else None,
        evidence={
            "quantity": label,
            **({} if size_known else {"value_in_voxels": value}),
            "std_sys_parts": parts,
            "below_one_voxel": below,
            "in_voxels": value / volume.voxel[surface.facing.axis],
            "S_a_by_form": dict(surface.forms),
            "blocks": surface.spread.blocks,
            "columns": int(surface.heights.heights.size),
            "columns_missing": int(surface.heights.missing.sum()),
            "columns_buried": int(surface.heights.buried.sum()),
            "columns_without_solid": int(surface.heights.holes.sum()),
            "columns_with_overhang": int(surface.heights.overhangs.sum()),
            "tilt": list(surface.form.tilt),
            "curvature": list(surface.form.curvature),
            **(_areal_evidence(surface) if index == 0 else {}),
        },
        assumptions=_assumptions(surface, volume, params, quantity, below=below),
        method=f"{words}; {FORM_WORDS[params.form]} taken off, {_filters(params)}",
    )


def _areal_evidence(surface: Surface) -> dict[str, Any]:
    return {
        "S_z": surface.areal.s_z,
        "skewness": surface.areal.skewness,
        "kurtosis": surface.areal.kurtosis,
        "percentiles": {f"{k:g} %": v for k, v in surface.areal.percentiles.items()},
        "threshold": surface.threshold,
        "contrast": surface.contrast,
        "blur_std": surface.blur,
        "surface_faces": f"{'+' if surface.facing.side == 'high' else '-'}"
        f"{AXES[surface.facing.axis]}",
        "ends_solid": list(surface.facing.ends),
    }


def _filters(params: SurfaceParams) -> str:
    said = [
        f"Gaussian filter of {name} {length:g} um"
        for name, length in (("λ_c", params.cutoff), ("λ_s", params.shortest))
        if length is not None
    ]
    return " and ".join(said) if said else "no filter of waves"


def _assumptions(
    surface: Surface, volume: Volume, params: SurfaceParams, quantity: str, *, below: bool
) -> list[str]:
    axis = AXES[surface.facing.axis]
    said = []
    if below:
        said.append(
            f"below one voxel ({volume.voxel[surface.facing.axis]:.4g} {volume.unit}): what the "
            "segmentation does decides it as much as the surface"
        )
    if volume.labels:
        names = "all labels but 0" if params.solid is None else f"labels {list(params.solid)}"
        said.append(f"{names} are the solid; the segmentation itself is taken as it is")
    else:
        said.append(
            f"the {'brighter' if params.bright else 'darker'} side of {surface.threshold:.5g} "
            f"({'by Otsu' if params.threshold is None else 'as given'}) is the solid; another "
            f"threshold is carried by {100.0 * CONTRAST:g} % of the contrast"
        )
    if params.axis is None:
        said.append(f"the interface was looked for along {axis}, where the ends differ most")
    if quantity.startswith("R") and params.cutoff is None:
        said.append("without λ_c this is P_a (P_q) by ISO 4287, which the field calls R_a (R_q)")
    if surface.blur is None:
        said.append("the blur of the volume is not known; what is narrower than it is lost")
    if surface.parts.fragments:
        said.append("fragments that do not hang together with the body do not count")
    if surface.spread.covariance is None:
        said.append(
            f"the map holds {surface.spread.blocks:.1f} blocks of several correlation lengths, "
            f"{LEAST_BLOCKS:g} are needed for a statistical error"
        )
    return said


def _probe(volume: Volume, surface: Surface) -> Probe:
    shape = [n for i, n in enumerate(volume.values.shape) if i != surface.facing.axis]
    sides = [n * s for n, s in zip(shape, surface.heights.step, strict=True)]
    return Probe(lateral=Quantity(value=min(sides), unit=volume.unit))


def _length(surface: Surface, volume: Volume) -> FindingDraft:
    found = surface.correlation
    known = volume.unit == "um" and found.s_al is not None
    reason = None
    if not known:
        reason = (
            "the size of a voxel is not known"
            if volume.unit != "um"
            else "the autocorrelation does not fall to 0.2 within the map"
        )
    return FindingDraft(
        kind="correlation_length",
        subject=Subject(label="S_al"),
        region=volume.region,
        value=found.s_al if known else None,
        unit="um",
        status=None if known else "not_observable",
        reason=reason,
        array="correlation",
        evidence={
            "quantity": "S_al",
            "S_tr": found.s_tr,
            "longest": found.longest,
            "nugget": found.nugget,
            **({"value_in_voxels": found.s_al} if volume.unit != "um" else {}),
        },
        assumptions=["no error is stated: one map has one such length"],
        method="shortest distance at which the areal autocorrelation falls to 0.2, ISO 25178-2",
    )


def _notices(surface: Surface, volume: Volume, measurement: Measurement) -> list[Notice]:
    name = measurement.record.name
    said = []
    voxel = volume.voxel[surface.facing.axis]
    if surface.areal.s_a < voxel:
        said.append(
            Notice(
                code="roughness-below-voxel",
                message=f"{name}: S_a is {surface.areal.s_a:.3g}, below one voxel of {voxel:.3g} "
                f"{volume.unit}",
                fix="measure with smaller voxels before comparing such values",
            )
        )
    missing = int(surface.heights.missing.sum())
    if missing:
        said.append(
            Notice(
                code="columns-missing",
                message=f"{name}: {missing} of {surface.heights.heights.size} columns have no "
                f"interface ({int(surface.heights.buried.sum())} solid up to the end of the "
                f"volume, {int(surface.heights.holes.sum())} without solid) and were left out",
                severity="info",
            )
        )
    largest = max(surface.heights.step)
    if surface.correlation.s_al is not None and surface.correlation.s_al < 2.0 * largest:
        said.append(
            Notice(
                code="correlation-below-voxels",
                message=f"{name}: heights forget each other within {surface.correlation.s_al:.3g}, "
                f"less than two voxels of {largest:.3g} {volume.unit}: noise, or finer than the "
                "volume shows",
            )
        )
    if not np.isfinite(surface.areal.s_a):
        said.append(Notice(code="no-number", message=f"{name}: S_a is no number"))
    return said
