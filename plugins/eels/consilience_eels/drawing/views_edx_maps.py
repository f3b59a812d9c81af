"""Composition by X-rays as a table, and its maps side by side with their errors."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext
from consilience_eels.drawing.views_image import draw_bar, scale_length

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["composition_blocks"]

MOST = 6
"""Elements side by side; the other maps stay in the findings."""


def composition_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the table of a composition and the figure of its maps; nothing without one."""
    said = [f for f in findings if f.kind == "composition" and f.subject is not None]
    if not said:
        return []
    blocks: list[Block] = [_table(measurement, said, findings)]
    mapped = [f for f in said if f.array is not None]
    if mapped:
        blocks.append(_maps(measurement, mapped, context))
    return blocks


def _table(measurement: Measurement, said: Sequence[Finding], findings: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for one in said:
        evidence = one.evidence
        live = ", ".join(r.subject.label for r in one.rivals if r.live)
        label = one.subject.label if one.subject else ""
        if one.value is None:
            rows.append([label, evidence.get("line"), *([None] * 5), one.reason or ""])
            continue
        rows.append(
            [
                label,
                str(evidence.get("line")),
                _rounded(100.0 * one.value),
                _percent(one.std_stat),
                _percent(one.std_sys),
                _rounded(evidence.get("weight_percent")),
                _rounded(evidence.get("absorption_correction")),
                f"could be {live} in part" if live else "",
            ]
        )
    left = [
        f"{f.subject.label} ({f.evidence['artefact']})"
        for f in findings
        if f.kind == "element" and f.subject and f.status == "present" and "artefact" in f.evidence
    ]
    note = said[0].method + "."
    if left:
        note += f" Not of the specimen, left out: {', '.join(left)}."
    return Table(
        [
            "element",
            "line",
            "at.%",
            "± counting",
            "± systematic",
            "wt%",
            "absorption factor",
            "remark",
        ],
        rows,
        title=f"{_mark(measurement)}Composition by X-rays: {measurement.record.name}",
        note=note,
    )


def _maps(measurement: Measurement, mapped: Sequence[Finding], context: ViewContext) -> Figure:
    import numpy as np

    shown = mapped[:MOST]
    labels = [f.subject.label if f.subject else "" for f in shown]
    values: list[NDArray[np.float64]] = []
    errors: list[NDArray[np.float64]] = []
    first = context.open_array(shown[0].array or "")
    for finding in shown:
        data = context.open_array(finding.array or "")
        values.append(100.0 * np.asarray(data["atomic_fraction"].values, dtype=np.float64))
        errors.append(100.0 * np.asarray(data["atomic_fraction_std"].values, dtype=np.float64))
    down, across = (str(d) for d in first["atomic_fraction"].dims)
    unit = str(first[across].attrs.get("units", "1"))
    steps = [
        abs(float(first[d][-1] - first[d][0])) / max(1, first.sizes[d] - 1) for d in (down, across)
    ]
    rows, columns = values[0].shape
    height, width = steps[0] * rows, steps[1] * columns
    worst = float(np.nanmax(np.stack(errors))) if np.isfinite(np.stack(errors)).any() else 1.0

    def draw(figure: MatplotlibFigure) -> None:
        grid = figure.subplots(2, len(shown), squeeze=False)
        for column, label in enumerate(labels):
            for row, (images, top, colours) in enumerate(
                ((values, None, "viridis"), (errors, worst, "magma"))
            ):
                # net counts below zero make other elements more than all
                high = top or min(100.0, float(np.nanmax(images[column], initial=1.0)))
                axes = grid[row][column]
                drawn = axes.imshow(
                    images[column],
                    cmap=colours,
                    extent=(0.0, width, height, 0.0),
                    interpolation="nearest",
                    vmin=0.0,
                    vmax=high,
                )
                axes.set_facecolor("0.85")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_title(f"{label}, at.%" if row == 0 else f"{label}, ± counting")
                figure.colorbar(drawn, ax=axes, shrink=0.8)
        if unit == "nm":
            draw_bar(grid[0][0], scale_length(width), unit, width, height)
        if _mark(measurement):
            figure.suptitle("simulated data")

    said = shown[0].evidence.get("map")
    made = said if isinstance(said, dict) else {}
    sides = made.get("cell_sides_pixels")
    cells = f"{made.get('cells')} cells"
    if isinstance(sides, list) and sides:
        cells += f" of {sides[0]:g} to {sides[-1]:g} pixels a side"
    table: list[list[Cell]] = []
    for label, value, error in zip(labels, values, errors, strict=True):
        good = value[np.isfinite(value)]
        if good.size:
            low, middle, high = (float(q) for q in np.percentile(good, (5, 50, 95)))
            spread = float(np.median(error[np.isfinite(error)]))
            table.append([label, _rounded(low), _rounded(middle), _rounded(high), _rounded(spread)])
        else:
            table.append([label, None, None, None, None])
    field = f"{width:.4g} × {height:.4g} {unit}" if unit == "nm" else "not calibrated"
    rest = f" {len(mapped) - MOST} more in the findings." if len(mapped) > MOST else ""
    return Figure(
        title=f"{_mark(measurement)}Maps of composition: {measurement.record.name}",
        caption=(
            f"{_mark(measurement)}{columns} × {rows} pixels, {field}, joined to {cells} "
            f"({made.get('binning')}) for an error of {100 * float(made.get('wanted_std', 0)):g} "
            "at.%. Each element has its own scale; below, counting errors on one scale. Grey: too "
            f"few counts for a value, or more of foreign elements than of all others.{rest}"
        ),
        alt=f"Maps of at.% of {', '.join(labels)} and of their counting errors",
        draw=draw,
        table=Table(
            ["element", "5th percentile (at.%)", "median (at.%)", "95th (at.%)", "median ± (at.%)"],
            table,
            note="over the pixels that have a value",
        ),
        size=(8.0, max(3.2, min(7.0, 16.0 / len(shown) * height / width + 1.0))),
        raster=True,
    )


def _mark(measurement: Measurement) -> str:
    return "SIMULATED " if measurement.record.origin == "simulated" else ""


def _rounded(value: object) -> float | None:
    return float(f"{value:.4g}") if isinstance(value, int | float) else None


def _percent(value: float | None) -> float | None:
    return None if value is None else float(f"{100.0 * value:.2g}")
