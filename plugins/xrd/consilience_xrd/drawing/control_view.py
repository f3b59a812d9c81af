"""The report's section that holds samples against their controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Table, Text, ViewContext
from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.controls import PlacedPeak, compare_with_control

if TYPE_CHECKING:
    from consilience.model.sample import Sample

__all__ = ["control_view"]

WORKING_STD = 0.003
"""Standard deviation [1/angstrom] of a peak that a phase explains; its finding keeps none."""


def control_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Compare the lines of each sample with those of the samples that are its controls.

    Of lines alone: phases against the control's are verdicts of the core.
    """
    blocks: list[Block] = []
    patterns = [m for m in measurements if m.modality == "xrd"]
    for control in context.samples.values():
        sample = context.samples.get(control.control_of or "")
        if sample is None:
            continue
        mine = [m for m in patterns if m.sample == sample.id]
        theirs = [m for m in patterns if m.sample == control.id]
        for one in mine:
            for other in theirs:
                blocks.extend(_compared(one, other, sample, control, findings))
    return blocks


def _compared(
    one: Measurement, other: Measurement, sample: Sample, control: Sample,
    findings: Sequence[Finding],
) -> list[Block]:  # fmt: skip
    said = [f for f in findings if one.id in f.measurements]
    theirs = [f for f in findings if other.id in f.measurements]
    span = _range(other)
    if span is None or not any(f.kind == "phase" for f in theirs):
        return []
    rest = [
        PlacedPeak(f.value, float(f.evidence.get("matched_with_std") or WORKING_STD))
        for f in said
        if f.kind == "diffraction_line" and f.evidence.get("unassigned") and f.value is not None
    ]
    compared = compare_with_control(rest, _peaks(theirs), span)
    names = f"{one.record.name} of {sample.id} against {other.record.name} of {control.id}"
    blocks: list[Block] = []
    both = sum(c.verdict == "in the control too" for c in compared)
    if compared:
        rows: list[list[Cell]] = [
            [
                round(c.peak.q, 4),
                c.verdict,
                None if c.partner is None else round(c.partner.q, 4),
                None if c.delta is None else round(c.delta, 4),
                None if c.sigmas is None else round(c.sigmas, 1),
            ]
            for c in compared
        ]
        blocks.append(
            Table(
                ["unassigned peak (Å⁻¹)", "verdict", "control's peak (Å⁻¹)", "difference (Å⁻¹)",
                 "difference over its std (1)"],
                rows,
                title=f"Unassigned peaks: {names}",
                note="A peak that the control has too does not come from what only the sample has.",
            )
        )  # fmt: skip
        if both:
            blocks.append(
                Text(
                    f"{both} of {len(compared)} unassigned peaks of {sample.id} are in its control "
                    f"{control.id} too.",
                    tone="doubt",
                )
            )
    return blocks


def _peaks(findings: Sequence[Finding]) -> list[PlacedPeak]:
    """All peaks that the findings of one pattern speak of."""
    out: dict[float, float] = {}
    for f in findings:
        if f.kind == "diffraction_line" and f.value is not None:
            out[f.value] = float(f.evidence.get("matched_with_std") or f.std_stat or WORKING_STD)
        for line in f.evidence.get("lines", []) if f.kind == "phase" else []:
            if line.get("peak_q") is not None:
                out.setdefault(float(line["peak_q"]), WORKING_STD)
    return [PlacedPeak(q, std) for q, std in sorted(out.items())]


def _range(measurement: Measurement) -> tuple[float, float] | None:
    """Range of the data on the q axis [1/angstrom]; None where it is not known."""
    stated = measurement.metadata.get("range")
    if isinstance(stated, list | tuple) and len(stated) == 2:
        return float(stated[0]), float(stated[1])
    if not measurement.has("intensity"):
        return None
    data = measurement.data["intensity"]
    axis = next((a for a in ("q", "two_theta") if a in data.dims), None)
    if axis is None:
        return None
    ends = np.asarray(data[axis].values, dtype=float)[[0, -1]]
    if axis == "two_theta":
        wavelength = measurement.metadata.get("wavelength")
        if not isinstance(wavelength, dict):
            return None
        ends = two_theta_to_q(ends, float(wavelength["value"]))
    low, high = float(ends[0]), float(ends[1])
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None
