"""The report's section: pattern with baseline, fit and lines; phases; rivals; what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.drawing.label_table import label_table
from consilience_xrd.drawing.opinion_tables import opinion_tables

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["pattern_view"]

MOST_FORBIDDEN = 4
"""So many forbidden reflections are named in the section; each finding has all of its own."""

MAX_ROWS = 400


def pattern_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show one measurement and what was found in it."""
    blocks: list[Block] = []
    for measurement in measurements:
        # what a map says of its regions has a section of its own
        mine = [
            f
            for f in findings
            if measurement.id in f.measurements and f.source.analysis != "xrd.maps"
        ]
        phases = [f for f in mine if f.kind == "phase"]
        simulated = measurement.record.origin == "simulated"
        if measurement.has("intensity") and not _is_scan(measurement):
            blocks.append(_figure(measurement, mine, context, simulated))
        elif measurement.has("frames") or measurement.has("intensity"):
            name = "frames" if measurement.has("frames") else "intensity"
            shape = measurement.record.summary.variables[name]
            blocks.append(
                Text(
                    f"A scan kept in its file: {name} with dimensions "
                    + ", ".join(f"{d} {n}" for d, n in zip(shape.dims, shape.shape, strict=True))
                    + "."
                )
            )
        blocks.extend(_shift_text(phases))
        if phases:
            blocks.append(_phase_table(phases))
            rivals = _rival_table(phases)
            if rivals is not None:
                blocks.append(rivals)
        blocks.extend(opinion_tables(mine))
        labels = label_table([f for f in mine if f.kind == "diffraction_line"])
        if labels is not None:
            blocks.append(labels)
        rest = [f for f in mine if f.kind == "diffraction_line" and f.evidence.get("unassigned")]
        if rest:
            blocks.append(_rest_table(rest))
        forbidden = [text for f in phases for text in f.evidence.get("forbidden", [])]
        if forbidden:
            more = len(forbidden) - MOST_FORBIDDEN
            tail = f"; {more} more in the evidence of the findings" if more > 0 else ""
            said = "; ".join(forbidden[:MOST_FORBIDDEN])
            blocks.append(Text(f"Forbidden reflections: {said}{tail}.", tone="doubt"))
    return blocks


def _is_scan(measurement: Measurement) -> bool:
    return len(measurement.record.summary.variables["intensity"].dims) > 1


def _fit_array(findings: Sequence[Finding], context: ViewContext) -> xr.Dataset | None:
    for finding in findings:
        if finding.array is not None:
            return context.open_array(finding.array)
    return None


def _shift_text(phases: Sequence[Finding]) -> list[Block]:
    for finding in phases:
        shift = finding.evidence.get("shift") or {}
        sentence = shift.get("sentence")
        if sentence:
            bad = "switched off" in sentence
            return [Text(sentence[0].upper() + sentence[1:] + ".", "doubt" if bad else "note")]
    return []


def _figure(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext, simulated: bool
) -> Figure:
    fitted = _fit_array(findings, context)
    data = fitted if fitted is not None else measurement.data
    axis = next(a for a in ("two_theta", "q", "d") if a in data["intensity"].dims)
    x = np.asarray(data[axis].values, dtype=float)
    y = np.asarray(data["intensity"].values, dtype=float)
    unit = str(data["intensity"].attrs.get("units", "arbitrary"))
    label = {"two_theta": "2θ (°)", "q": "q (Å⁻¹)", "d": "d (Å)"}[axis]
    ticks = _ticks(measurement, findings, axis)
    alone = _lone_peaks(measurement, findings, axis)
    mark = "SIMULATED. " if simulated else ""
    caption = (
        mark
        + ("Points: data; orange: fit; green: baseline; " if fitted is not None else "Data. ")
        + ("marks below: lines of the phases present (long and dark: strong and found; long and "
            "pale: strong, not found or hidden; short: weak); "
           "below them the residual over its standard deviation. " if ticks else "")
        + ("Triangles: peaks that no present phase explains. " if alone else "")
        + "Intensity on a square-root scale, so that weak lines show."
    )  # fmt: skip

    def draw(figure: MatplotlibFigure) -> None:
        _draw(figure, x, y, fitted, ticks, alone, label, unit, simulated)

    found = ", ".join(name for name, _ in ticks) or "none"
    return Figure(
        title=f"{'Simulated pattern' if simulated else 'Pattern'}: {measurement.record.file_name}",
        caption=caption,
        alt=f"{mark}Diffraction pattern, intensity against {label}, from {x[0]:.3g} to "
        f"{x[-1]:.3g}; strongest at {x[int(np.argmax(y))]:.4g}; phases present: {found}.",
        draw=draw,
        table=_curve_table(x, y, fitted, label, unit),
        size=(8.0, 4.6 if fitted is not None else 3.4),
        raster=len(x) > 20_000,
    )


def _place(measurement: Measurement, q: float, axis: str) -> float:
    if axis == "q":
        return q
    if axis == "d":
        return 2 * math.pi / q
    wavelength = measurement.metadata.get("wavelength")
    if not isinstance(wavelength, dict):
        return math.nan
    return float(q_to_two_theta(q, float(wavelength["value"])))


def _ticks(
    measurement: Measurement, findings: Sequence[Finding], axis: str
) -> list[tuple[str, list[tuple[float, bool | None]]]]:
    out = []
    for finding in findings:
        if finding.kind == "phase" and finding.status == "present" and finding.subject:
            places: list[tuple[float, bool | None]] = [
                (_place(measurement, line["q"], axis), line["state"] in ("found", "shared"))
                for line in finding.evidence.get("lines", [])
                if line["state"] != "out_of_range"
            ]
            places += [
                (_place(measurement, line["q"], axis), None)
                for line in finding.evidence.get("weak_lines", [])
            ]
            out.append((finding.subject.label, [p for p in places if math.isfinite(p[0])]))
    return out


def _lone_peaks(measurement: Measurement, findings: Sequence[Finding], axis: str) -> list[float]:
    return [
        place
        for f in findings
        if f.kind == "diffraction_line" and f.evidence.get("unassigned") and f.value is not None
        for place in [_place(measurement, f.value, axis)]
        if math.isfinite(place)
    ]


def _draw(
    figure: MatplotlibFigure,
    x: Any,
    y: Any,
    fitted: xr.Dataset | None,
    ticks: list[tuple[str, list[tuple[float, bool | None]]]],
    alone: list[float],
    label: str,
    unit: str,
    simulated: bool,
) -> None:
    colours = palette()
    rows = max(len(ticks), 1)
    if fitted is None:
        top = figure.subplots()
        lower = None
    else:
        parts = figure.subplots(
            3, 1, sharex=True, gridspec_kw={"height_ratios": [6, 0.42 * rows + 0.15, 1.3]}
        )
        top, marks, lower = parts
        figure.subplots_adjust(hspace=0.06)
    offset = min(0.0, float(np.min(y)))

    def root(values: Any) -> Any:
        return np.sqrt(np.maximum(np.asarray(values, dtype=float) - offset, 0.0))

    top.plot(x, root(y), ".", color="#333333", markersize=1.6, label="data", rasterized=False)
    if fitted is not None:
        top.plot(
            x, root(fitted["baseline"].values), color=colours[2], linewidth=1.0, label="baseline"
        )
        top.plot(x, root(fitted["model"].values), color=colours[1], linewidth=0.9, label="fit")
    if alone:
        level = [root(y[int(np.argmin(np.abs(x - p)))]) for p in alone]
        top.plot(
            alone,
            np.array(level) + 0.04 * float(np.max(root(y))),
            "v",
            color=colours[3],
            markersize=4,
            label="unassigned",
        )
    high = float(np.max(y)) - offset
    steps = _nice_steps(high)
    top.set_yticks([math.sqrt(s) for s in steps], [f"{s + offset:g}" for s in steps])
    top.set_ylim(-0.01 * math.sqrt(high), 1.12 * math.sqrt(high))
    top.set_ylabel("counts" if unit == "count" else "intensity (arbitrary)")
    top.margins(x=0.01)
    top.legend(loc="upper right", fontsize="small", frameon=False, ncols=4)
    if simulated:
        top.text(
            0.01, 0.97, "SIMULATED", transform=top.transAxes, va="top", color=colours[1],
            fontweight="bold",
        )  # fmt: skip
    if lower is None or fitted is None:
        top.set_xlabel(label)
        return
    for i, (_, places) in enumerate(ticks):
        colour = colours[(0, 1, 3, 4, 5, 7)[i % 6]]
        for place, found in places:
            half = 0.36 if found is not None else 0.16
            marks.plot(
                [place, place],
                [-i - half, -i + half],
                color=colour,
                linewidth=1.3 if found is not None else 0.7,
                alpha=1.0 if found else 0.35 if found is False else 0.7,
            )
    marks.set_ylim(-rows + 0.4, 0.6)
    marks.set_yticks([-i for i in range(len(ticks))], [name for name, _ in ticks])
    marks.tick_params(axis="y", length=0, labelsize="small")
    if not ticks:
        marks.text(
            0.5, 0.5, "no phase established", transform=marks.transAxes, ha="center", va="center",
            fontsize="small",
        )  # fmt: skip
    for side in ("top", "right", "left", "bottom"):
        marks.spines[side].set_visible(False)
    marks.tick_params(axis="x", length=0, labelbottom=False)
    pull = (y - fitted["model"].values) / fitted["noise"].values
    lower.plot(x, pull, color="#333333", linewidth=0.4)
    finite = pull[np.isfinite(pull)]
    reach = max(5.0, float(np.percentile(np.abs(finite), 99.5))) if finite.size else 5.0
    lower.set_ylim(-1.1 * reach, 1.1 * reach)
    lower.axhline(0, color=colours[1], linewidth=0.6)
    lower.set_ylabel("residual / σ", fontsize="small")
    lower.set_xlabel(label)
    figure.align_ylabels([top, lower])


def _nice_steps(high: float) -> list[float]:
    """Five or so round values that are spaced evenly by their roots."""
    steps: list[float] = [0.0]
    for part in (0.04, 0.16, 0.36, 0.64, 1.0):
        value = part * high
        if value <= 0:
            continue
        power = 10 ** math.floor(math.log10(value))
        rounded = round(value / power) * power
        if rounded > steps[-1]:
            steps.append(float(rounded))
    return steps


def _curve_table(x: Any, y: Any, fitted: xr.Dataset | None, label: str, unit: str) -> Table:
    stride = max(1, math.ceil(len(x) / MAX_ROWS))
    headings = [label, f"intensity ({unit})"]
    columns = [x, y]
    if fitted is not None:
        headings += [f"baseline ({unit})", f"fit ({unit})"]
        columns += [fitted["baseline"].values, fitted["model"].values]
    rows: list[list[Cell]] = [
        [None if not math.isfinite(float(c[i])) else float(f"{float(c[i]):.6g}") for c in columns]
        for i in range(0, len(x), stride)
    ]
    note = f"every {stride}th of {len(x)} points" if stride > 1 else ""
    return Table(headings, rows, note=note)


_WORDS = {
    "present": "present",
    "absent_below_limit": "absent below limit",
    "not_observable": "not observable",
    None: "undecided",
}


def _phase_table(phases: Sequence[Finding]) -> Table:
    order = {"present": 0, None: 1, "absent_below_limit": 2, "not_observable": 3}
    rows: list[list[Cell]] = []
    for f in sorted(phases, key=lambda f: (order[f.status], -f.evidence.get("score", 0))):
        missing = [
            line["hkl"] for line in f.evidence.get("lines", []) if line["state"] == "missing"
        ]
        rows.append(
            [
                f.subject.label if f.subject else "",
                _WORDS[f.status],
                f.evidence.get("lines_found"),
                ", ".join(missing) or "none",
                f.evidence.get("found_share"),
                f.evidence.get("chance"),
                f.limit,
                f.reason or "",
            ]
        )
    return Table(
        [
            "phase",
            "status",
            "strong lines found",
            "strong lines missing",
            "share of strong intensity found (1)",
            "chance of an accidental match (1)",
            "limit, relative to the strongest peak (1)",
            "reason",
        ],
        rows,
        title="Phases considered",
        note="A line is strong from 20 % of its phase's strongest line on.",
    )


def _rival_table(phases: Sequence[Finding]) -> Table | None:
    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            rival.subject.label,
            "; ".join(rival.explains[:3])
            + (f"; and {len(rival.explains) - 3} more" if len(rival.explains) > 3 else ""),
            ", ".join(rival.missing) or "none",
            "; ".join(rival.decided_by) or "nothing in this range",
            "no" if rival.note else "yes",
        ]
        for f in phases
        if f.status == "present"
        for rival in f.rivals
    ]
    if not rows:
        return None
    return Table(
        [
            "label",
            "rival",
            "peaks that both explain",
            "strong lines of the rival that are missing",
            "what could decide",
            "can be told apart here",
        ],
        rows,
        title="Rivals of the phases present",
    )


def _rest_table(rest: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [
        [
            None if f.value is None else round(f.value, 5),
            None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
            None
            if f.evidence.get("significance") is None
            else round(float(f.evidence["significance"]), 1),
            " ".join(f.evidence.get("flags", [])) or "none",
            (f.reason or "").removeprefix("unassigned: "),
        ]
        for f in rest
    ]
    return Table(
        ["q (Å⁻¹)", "standard deviation (Å⁻¹)", "area over its std (1)", "flags", "what was tried"],
        rows,
        title="Peaks that no present phase explains",
    )
