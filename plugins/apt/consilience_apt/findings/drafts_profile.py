"""From a profile and its stretches to findings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import FindingDraft, Interval, Region, Rival, Subject
from consilience_apt.findings.drafts_spectrum import FRAME, WHOLE, described, number
from consilience_apt.space.stretches import JOIN, Stretches, rebinned, slopes

if TYPE_CHECKING:
    import xarray as xr

    from consilience_apt.space.excess import Excess
    from consilience_apt.space.grid import Field
    from consilience_apt.space.interface import InterfaceFit
    from consilience_apt.space.segmentation import Segmentation

__all__ = [
    "FIELD_CONTRAST",
    "change_drafts",
    "excess_draft",
    "field_rival",
    "gradient_drafts",
    "map_array",
    "profile_array",
    "profile_drafts",
    "stretch_region",
    "width_draft",
]

FIELD_CONTRAST = Subject(label="evaporation-field contrast")
SCALE_UNKNOWN = (
    "the depth scale's error is not known, because these of the reconstruction's parameters have "
    "no stated error: {}"
)
UNCORRECTED = "the likelihood is about what was counted: background is not subtracted in it"
MOST_BINS = 200


def field_rival(what: str) -> Rival:
    """Return the rival that every change of composition in space has."""
    return Rival(
        subject=FIELD_CONTRAST,
        live=True,
        explains=[
            (
                f"{what}: species of different fields are displaced, lost between pulses and "
                "detected together, without any change in the sample"
            )
        ],
        decided_by=[
            "the density and the voltage across the change",
            "the same change in a tip of another orientation, or by electron microscopy",
        ],
    )


def stretch_region(stretches: Stretches, axis: str, low: float, high: float, label: str) -> Region:
    """Return the stretch as a box within the needle's extent."""
    corners = [stretches.low.copy(), stretches.high.copy()]
    corners[0]["xyz".index(axis)] = low
    corners[1]["xyz".index(axis)] = high
    return Region(
        shape="box",
        coordinates=[[round(float(v), 6) for v in corner] for corner in corners],
        unit="nm",
        frame=FRAME,
        label=label,
    )


def profile_array(stretches: Stretches) -> xr.Dataset:
    """Return fractions of all elements over distance, with counting errors and bin edges."""
    import xarray as xr

    shown = rebinned(stretches.fine, MOST_BINS)
    data = xr.Dataset(
        {
            "low": ("distance", shown.edges[:-1], {"units": "nm"}),
            "high": ("distance", shown.edges[1:], {"units": "nm"}),
            "ions": ("distance", shown.counts.ranged, {"units": "count"}),
        },
        coords={"distance": ("distance", shown.centres, {"units": "nm"})},
    )
    for element in shown.counts.table.elements:
        found = shown.fraction(element)
        std = f"{element}_std"
        data[element] = ("distance", found.value, described(found.value, "1", std=std))
        data[std] = ("distance", found.std_stat, described(found.std_stat, "1"))
    return data


def map_array(field: Field) -> xr.Dataset:
    """Return a map of one element's fraction."""
    import xarray as xr

    return xr.Dataset(
        {
            "fraction": (
                field.axes,
                field.value,
                described(field.value, "1", std="fraction_std"),
            ),
            "fraction_std": (field.axes, field.std_stat, described(field.std_stat, "1")),
        },
        coords={name: (name, field.centres(name), {"units": "nm"}) for name in field.axes},
    )


def profile_drafts(
    stretches: Stretches, axis: str, array: str, assumptions: list[str]
) -> list[FindingDraft]:
    """Return the profile of each divided element, with the models that were held against it."""
    made = []
    for element in stretches.elements:
        found = stretches.found.get(element)
        evidence: dict[str, Any] = {
            "axis": axis,
            "chosen": stretches.chosen,
            "finest_bin": number(float(np.diff(stretches.fine.edges)[0])),
            "variable": element,
            "variable_std": f"{element}_std",
        }
        evidence |= {"not_divided": stretches.problem} if found is None else _models(found)
        made.append(
            FindingDraft(
                kind="composition_profile",
                subject=Subject(element=element),
                region=WHOLE,
                array=array,
                rivals=[] if found is None else _model_rivals(found),
                evidence=evidence,
                assumptions=assumptions,
                method=f"1-D profile along {axis}; change points by binomial likelihood and BIC, "
                "with gradients as rivals",
            )
        )
    return made


def _models(found: Segmentation) -> dict[str, Any]:
    return {
        "models": [
            {"name": m.name, "bic": number(m.bic), "parameters": m.parameters,
             "log_likelihood": number(m.log_likelihood)}
            for m in found.models[:6]
        ],
        "best": found.best.name,
        "rival": None if found.rival is None else found.rival.name,
        "bic_difference": number(found.bic_difference, 4),
        "decided": found.decided,
        "segments": [
            {"kind": s.kind, "low": number(s.low), "high": number(s.high),
             "start": number(s.start), "end": number(s.end),
             "start_std": number(s.start_std_stat, 3), "end_std": number(s.end_std_stat, 3)}
            for s in found.segments
        ],
    }  # fmt: skip


def _model_rivals(found: Segmentation) -> list[Rival]:
    if found.rival is None or len(found.segments) < 2:
        return []
    return [
        Rival(
            subject=Subject(label=f"another division: {found.rival.name}"),
            live=not found.decided,
            explains=[
                f"the same profile with a BIC higher by {found.bic_difference:.1f}"
                if found.bic_difference is not None
                else "the same profile"
            ],
            decided_by=["more ions, or a profile through a narrower cylinder"],
        )
    ]


def change_drafts(
    stretches: Stretches, array: str, assumptions: Sequence[str]
) -> list[FindingDraft]:
    """Return one interface position for each change point of each element."""
    made = []
    for element, found in stretches.found.items():
        for change, (before, after) in zip(
            found.change_points, pairwise(found.segments), strict=True
        ):
            boundary = next(one for one in stretches.boundaries if (element, change) in one.members)
            made.append(
                FindingDraft(
                    kind="interface_position",
                    subject=Subject(element=element),
                    region=_at(change.position),
                    value=change.position,
                    unit="nm",
                    std_stat=change.std_stat,
                    std_sys=change.std_sys,
                    interval=Interval(
                        low=change.interval[0], high=change.interval[1], level=change.level
                    ),
                    array=array,
                    rivals=[*_model_rivals(found), field_rival("a step in the fraction")],
                    evidence={
                        "before": [number(before.start), number(before.end)],
                        "after": [number(after.start), number(after.end)],
                        "kinds": [before.kind, after.kind],
                        "bic_difference": number(found.bic_difference, 4),
                        "likelihood_ratio": number(found.likelihood_ratio, 4),
                        "decided": found.decided,
                        "boundary": [number(boundary.low), number(boundary.high)],
                        "sentence": change.sentence(),
                        "diffuse": change.diffuse,
                        "width_10_90": None
                        if change.width_interval is None
                        else [number(end) for end in change.width_interval],
                    },
                    assumptions=[*assumptions, UNCORRECTED, *scale_notes(stretches)],
                    method="change point by binomial likelihood; interval by profile likelihood "
                    "with Siegmund's quantile",
                )
            )
    return made


def scale_notes(stretches: Stretches) -> list[str]:
    """Return what is not known of the depth scale."""
    if stretches.scale.unknown:
        names = ", ".join(one.replace("_", " ") for one in stretches.scale.unknown)
        return [SCALE_UNKNOWN.format(names)]
    return []


def _at(position: float) -> Region:
    return Region(
        shape="point",
        coordinates=[[position]],
        unit="nm",
        frame=f"{FRAME}, axis",
        label=f"change at {position:.2f} nm",
    )


def gradient_drafts(
    stretches: Stretches, axis: str, array: str, assumptions: Sequence[str]
) -> list[FindingDraft]:
    """Return the slope of each element in each stretch that is no interface and no constant."""
    made = []
    for element, found in stretches.found.items():
        for one in found.segments:
            if not slopes(one) or one.high - one.low <= JOIN:
                continue
            length = one.high - one.low
            value = (one.end - one.start) / length
            # the two ends of a fitted line are anticorrelated, up to fully
            stat = (one.start_std_stat + one.end_std_stat) / length
            scale = stretches.std_scale
            label = f"gradient of {element}, {one.low:.1f} to {one.high:.1f} nm"
            made.append(
                FindingDraft(
                    kind="composition_gradient",
                    subject=Subject(element=element),
                    region=stretch_region(stretches, axis, one.low, one.high, label),
                    value=value,
                    unit="1/nm",
                    std_stat=stat,
                    std_sys=None if scale is None else abs(value) * scale,
                    array=array,
                    rivals=[*_model_rivals(found), field_rival("a gradient")],
                    evidence={
                        "from": number(one.start),
                        "to": number(one.end),
                        "from_std": number(one.start_std_stat, 3),
                        "to_std": number(one.end_std_stat, 3),
                        "atoms": number(one.atoms),
                    },
                    assumptions=[
                        *assumptions,
                        UNCORRECTED,
                        "the statistical error is an upper bound: errors of both ends added",
                        *scale_notes(stretches),
                    ],
                    method="straight line by binomial likelihood between change points",
                )
            )
    return made


def width_draft(
    stretches: Stretches,
    element: str,
    position: float,
    fits: Sequence[InterfaceFit],
    between: tuple[float, float],
    array: str,
    assumptions: Sequence[str],
) -> FindingDraft:
    """Return the width of one interface, with the other shape as rival."""
    best = fits[0]
    rivals = [
        Rival(
            subject=Subject(label=f"{other.shape} shape"),
            live=2 * (best.log_likelihood - other.log_likelihood) / best.dispersion < 6.0,
            explains=[f"10 to 90 % in {other.width:.3g} nm, at {other.location:.3f} nm"],
            decided_by=["more ions across the interface"],
        )
        for other in fits[1:]
    ]
    said = list(assumptions)
    if best.width_std_stat is None:
        said.append("the width is at its lower bound: no wider than the interval's upper end")
    said.append("trajectory aberrations widen every interface; the width is that of the data")
    return FindingDraft(
        kind="interface_width",
        subject=Subject(element=element),
        region=_at(position),
        value=best.width,
        unit="nm",
        std_stat=best.width_std_stat,
        std_sys=best.width_std_sys,
        interval=Interval(low=best.width_interval[0], high=best.width_interval[1], level=0.683),
        array=array,
        rivals=[*rivals, field_rival("a sharp interface")],
        evidence={
            "shape": best.shape,
            "location": number(best.location),
            "location_std": number(best.location_std_stat, 3),
            "before": number(best.before),
            "after": number(best.after),
            "p_value": number(best.p_value, 3),
            "between": [number(between[0]), number(between[1])],
            "simulated_std": None
            if best.simulated_std is None
            else {key: number(v, 3) for key, v in best.simulated_std.items()},
        },
        assumptions=[*said, UNCORRECTED, *scale_notes(stretches)],
        method=f"{best.shape} step by binomial likelihood, from 10 to 90 %",
    )


def excess_draft(
    excess: Excess,
    region: Region,
    array: str,
    efficiency: float | None,
    how_area: str,
    assumptions: Sequence[str],
) -> FindingDraft:
    """Return the Gibbs excess of one element at one interface."""
    said = [*assumptions, f"area: {how_area}"]
    if efficiency is None:
        said.append(
            "the detection efficiency is not stated: atoms an area are detected atoms, a lower "
            "bound of the excess, and stand in the evidence"
        )
    return FindingDraft(
        kind="interfacial_excess",
        subject=Subject(element=excess.what),
        region=region,
        value=excess.value,
        unit="1/nm^2",
        std_stat=None if excess.value is None else excess.std_stat,
        std_sys=None if excess.value is None else excess.std_sys,
        array=array,
        rivals=[field_rival("an excess at an interface")],
        evidence={
            "atoms": number(excess.atoms),
            "atoms_std": number(math.hypot(excess.atoms_std_counting, excess.atoms_std_placement)),
            "detected": number(excess.detected),
            "area": number(excess.area),
            "significance": number(excess.significance, 4),
            "before": number(excess.before),
            "after": number(excess.after),
        },
        assumptions=said,
        method="Gibbs excess over two phases that meet at the change point",
    )
