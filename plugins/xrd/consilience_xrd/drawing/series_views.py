"""The report's section of a series: waterfall, heat map, courses of lines and cells, phases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Figure, Table, Text, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["series_view"]

MOST_LINES = 8
"""So many courses are drawn: those that moved most beside their error."""

THINNED = 200
"""Points of each pattern in the table beside the picture."""

KINDS = ("phase_history", "peak_series", "strain", "cell_length")

SHORT = {
    "present": "present",
    "absent_below_limit": "absent below its limit",
    "not_observable": "not observable",
}


def series_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show how patterns, lines, cells and phases of one sample run over its states."""
    mine = [f for f in findings if f.kind in KINDS and f.source.analysis == "xrd.series"]
    array = next((f.array for f in mine if f.array is not None), None)
    if array is None:
        return []
    data = context.open_array(array)
    simulated = any(m.record.origin == "simulated" for m in measurements)
    blocks: list[Block] = []
    if "pattern" in data:
        blocks += [_waterfall(data, simulated), _heat_map(data, simulated)]
    history = [f for f in mine if f.kind == "phase_history"]
    if history:
        blocks.append(_history(history))
    courses = [f for f in mine if f.kind == "peak_series"]
    if courses:
        blocks.append(_courses(data, courses, simulated))
    changes = [f for f in mine if f.kind == "strain"]
    if changes:
        blocks.append(_changes(changes))
        blocks.append(
            Text(
                "A change of a spacing is a strain, another composition within a homogeneity "
                "range, a shift of the axis between the states, or another line in its place; "
                "the rivals of each finding say which of these these data leave open.",
                "note",
            )
        )
    return blocks


def _mark(simulated: bool) -> str:
    return "SIMULATED. " if simulated else ""


def _axis_name(data: xr.Dataset) -> str:
    name, unit = str(data["state"].attrs["name"]), str(data["state"].attrs["units"])
    return name if unit == "1" else f"{name} ({unit})"


def _labels(data: xr.Dataset) -> list[str]:
    return [str(v) for v in data["label"].values]


def _scaled(rows: Any) -> Any:
    """Square root of what lies above the lowest value, so that weak lines show."""
    low = np.nanmin(rows)
    return np.sqrt(np.maximum(rows - low, 0))


def _pattern_table(data: xr.Dataset) -> Table:
    q = np.asarray(data["q_axis"].values)
    step = max(1, -(-len(q) // THINNED))
    rows = np.asarray(data["pattern"].values)[:, ::step].T
    unit = str(data["pattern"].attrs["units"])
    return Table(
        ["q (Å⁻¹)", *(f"{label} ({unit})" for label in _labels(data))],
        [
            [round(float(a), 5), *(float(f"{v:.5g}") if np.isfinite(v) else None for v in row)]
            for a, row in zip(q[::step], rows, strict=True)
        ],
        note=f"every {step}. point of the common axis" if step > 1 else "",
    )


def _waterfall(data: xr.Dataset, simulated: bool) -> Figure:
    q, rows = np.asarray(data["q_axis"].values), _scaled(np.asarray(data["pattern"].values))
    labels = _labels(data)
    height = float(np.nanmax(rows)) or 1.0

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.subplots()
        colours = palette()
        for i, (row, label) in enumerate(zip(rows, labels, strict=True)):
            base = 0.55 * height * i
            axes.plot(q, row + base, color=colours[0], linewidth=0.7)
            axes.annotate(
                label,
                (1.0, base + (row[np.isfinite(row)][-1] if np.isfinite(row).any() else 0)),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=8,
                va="center",
            )
        axes.set_xlim(q[0], q[-1])
        axes.set_yticks([])
        axes.set_xlabel("q (Å⁻¹)")
        axes.set_ylabel("√intensity, states one above the other")
        if simulated:
            axes.set_title("SIMULATED", loc="left", fontsize=9)

    return Figure(
        title=f"{len(labels)} states one above the other",
        caption=_mark(simulated) + "The patterns in order, the first at the bottom, each on a "
        "square-root scale.",
        alt=f"{_mark(simulated)}Waterfall of {len(labels)} diffraction patterns from q {q[0]:.2f} "
        f"to {q[-1]:.2f}.",
        draw=draw,
        table=_pattern_table(data),
        size=(8.0, min(2.2 + 0.45 * len(labels), 8.0)),
        raster=rows.size > 20_000,
    )


def _heat_map(data: xr.Dataset, simulated: bool) -> Figure:
    q, rows = np.asarray(data["q_axis"].values), _scaled(np.asarray(data["pattern"].values))
    labels = _labels(data)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.subplots()
        edges = np.arange(len(labels) + 1) - 0.5
        wide = np.append(q, 2 * q[-1] - q[-2]) - 0.5 * (q[1] - q[0])
        picture = axes.pcolormesh(wide, edges, rows, cmap="viridis", rasterized=True)
        shown = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), 12)).astype(int))
        axes.set_yticks(shown, [labels[i] for i in shown], fontsize=8)
        axes.set_xlabel("q (Å⁻¹)")
        figure.colorbar(picture, ax=axes, label=f"√intensity ({data['pattern'].attrs['units']})")
        if simulated:
            axes.set_title("SIMULATED", loc="left", fontsize=9)

    return Figure(
        title="Intensity over q and state",
        caption=_mark(simulated) + "The same patterns as colours, on a square-root scale; rows "
        "have one height each, whatever lies between the states.",
        alt=f"{_mark(simulated)}Heat map of {len(labels)} diffraction patterns over q.",
        draw=draw,
        table=_pattern_table(data),
        size=(8.0, min(2.2 + 0.25 * len(labels), 7.0)),
        raster=True,
    )


def _history(history: Sequence[Finding]) -> Table:
    labels = list(history[0].evidence["states"])
    return Table(
        ["phase", *map(str, labels)],
        [
            [
                f.subject.label if f.subject else "",
                *(SHORT.get(str(s), "cannot be told") for s in f.evidence["status"]),
            ]
            for f in history
        ],
        title="Phases that come and go",
        note="each state judged by itself; limits and reasons are in the findings",
    )


def _courses(data: xr.Dataset, courses: Sequence[Finding], simulated: bool) -> Figure:
    x = np.asarray(data["state"].values)
    q, std = np.asarray(data["q"].values), np.asarray(data["q_std"].values)

    def moved(finding: Finding) -> float:
        chi2 = finding.evidence.get("chi2_of_one_place")
        return float(chi2[0]) if isinstance(chi2, list) else abs(float(np.ptp(_row(finding))))

    def _row(finding: Finding) -> Any:
        row = q[int(finding.evidence["line"])]
        return row[np.isfinite(row)]

    chosen = sorted(courses, key=moved, reverse=True)[:MOST_LINES]

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.subplots()
        colours = palette()
        for i, finding in enumerate(chosen):
            line = int(finding.evidence["line"])
            first = _row(finding)[0]
            error = np.where(np.isfinite(std[line]), std[line], 0.0)
            axes.errorbar(
                x,
                100 * (first / q[line] - 1),
                100 * error / first,
                marker="o",
                markersize=3,
                linewidth=0.9,
                color=colours[i % len(colours)],
                label=f"{first:.3f} Å⁻¹",
            )
        axes.axhline(0, color="#999999", linewidth=0.6)
        axes.set_xlabel(_axis_name(data))
        axes.set_ylabel("change of spacing (%)")
        if data["state"].attrs["name"] == "order":
            names = [label.replace(", ", "\n") for label in _labels(data)]
            axes.set_xticks(x, names, fontsize=7)
            axes.set_xlabel("")
        elif len(x) <= 8:
            axes.set_xticks(x)
        axes.margins(x=0.06)
        axes.legend(
            fontsize=7, title="line first seen at", title_fontsize=7,
            loc="center left", bbox_to_anchor=(1.01, 0.5),
        )  # fmt: skip
        if simulated:
            axes.set_title("SIMULATED", loc="left", fontsize=9)

    rows = [
        [
            f.subject.label if f.subject else "",
            str(f.evidence.get("sentence", "")),
            _p(f.evidence.get("p_of_one_place")),
            "; ".join(dict.fromkeys(n for names in f.evidence["candidates"] for n in names))
            or "no line of the phases considered",
        ]
        for f in courses
    ]
    more = len(courses) - len(chosen)
    return Figure(
        title="Lines that were followed",
        caption=_mark(simulated) + "Relative change of each line's spacing since it was first "
        "seen; bars: standard deviation of the fit."
        + (f" The {more} lines that moved least are in the table only." if more > 0 else ""),
        alt=f"{_mark(simulated)}Change of spacing of {len(chosen)} lines over {_axis_name(data)}.",
        draw=draw,
        table=Table(
            ["line", "course", "p of one place in all states", "may be"],
            rows,
            note="p from the errors of the fits alone: a common shift of the axis lowers it too",
        ),
        size=(8.0, 3.6),
    )


def _p(value: object) -> float | None:
    return float(f"{value:.2g}") if isinstance(value, float) else None


def _changes(changes: Sequence[Finding]) -> Table:
    return Table(
        ["what", "change (%)", "statistical (%)", "systematic (%)", "rivals"],
        [
            [
                f.subject.label if f.subject else "",
                None if f.value is None else round(100 * f.value, 4),
                None if f.std_stat is None else float(f"{100 * f.std_stat:.2g}"),
                None if f.std_sys is None else float(f"{100 * f.std_sys:.2g}"),
                "; ".join(r.subject.label for r in f.rivals if r.live),
            ]
            for f in changes
        ],
        title="Change from the first to the last state",
    )
