"""Masses per area: maps on one scale for a line, and a table with errors by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext
from consilience_xrf.drawing.common import own_findings, rounded
from consilience_xrf.drawing.grid import COLUMNS, PanelRow, draw_rows, grid_size
from consilience_xrf.drawing.map_rows import lines_of, pooled, scans_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["density_view"]

MOST = 4
"""Rows of maps on a page."""
DENSITIES = ("xrf.density", "xrf.density_of_spectra")


def density_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """List masses per area with their errors, and draw their maps."""
    mine = [
        f for f in own_findings(measurements, findings, DENSITIES) if f.kind == "mass_thickness"
    ]
    if not mine:
        return []
    simulated = any(f.origin == "simulated" for f in mine)
    scans = scans_of(mine, context.open_array, "mass_thickness")
    blocks: list[Block] = []
    lines = lines_of(scans)
    rows = []
    for line in lines:
        have = [s for s in scans if line in s.findings]
        for first in range(0, len(have), COLUMNS):
            panels = tuple(
                s.panel(line, 1.0, f"{line}: {s.title}" if first == 0 else s.title)
                for s in have[first : first + COLUMNS]
            )
            limits = pooled([s.panel(line, 1.0).values for s in have])
            rows.append(PanelRow(f"{line} (µg/cm²)", panels, limits))
    if rows:
        blocks.append(_density_figure(rows[:MOST], mine, simulated=simulated))
        if len(rows) > MOST:
            left = ", ".join(dict.fromkeys(row.label for row in rows[MOST:]))
            blocks.append(Text(f"Not drawn here, but in the exported files: {left}.", "note"))
    blocks.append(_density_table(mine, simulated=simulated))
    return blocks


def _density_figure(
    rows: Sequence[PanelRow], findings: Sequence[Finding], *, simulated: bool
) -> Figure:
    mark = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        draw_rows(figure, rows, simulated=simulated)

    table: list[list[Cell]] = []
    for row in rows:
        for panel in row.panels:
            good = panel.values[np.isfinite(panel.values)]
            low, middle, high = np.percentile(good, (5, 50, 95)) if good.size else (None,) * 3
            table.append([panel.title, rounded(low), rounded(middle), rounded(high)])
    return Figure(
        title=f"{mark}Mass per area",
        caption=f"{mark}µg/cm² of each element, one scale for a line. {findings[0].method}. "
        "Grey: not measured, or too thick to tell.",
        alt=f"Maps of mass per area in {len(table)} panels",
        draw=draw,
        table=Table(["map", "5 % (µg/cm²)", "median (µg/cm²)", "95 % (µg/cm²)"], table),
        size=grid_size(rows),
        raster=True,
    )


def _density_table(findings: Sequence[Finding], *, simulated: bool) -> Table:
    rows: list[list[Cell]] = []
    for f in findings:
        e = f.evidence
        parts = e.get("std_sys_parts")
        largest = ""
        if isinstance(parts, dict):
            known = {k: v for k, v in parts.items() if isinstance(v, float)}
            unknown = [k for k, v in parts.items() if v is None]
            largest = max(known, key=lambda k: known[k]).replace("_", " ") if known else ""
            if unknown:
                largest = "not known: " + ", ".join(u.replace("_", " ") for u in unknown)
        rows.append(
            [
                f.subject.label if f.subject else "",
                str(e.get("scan", "")),
                rounded(e.get("ug_cm2")),
                rounded(e.get("ug_cm2_std_stat")),
                rounded(e.get("ug_cm2_std_sys")),
                largest,
                rounded(100.0 * e["kept_by_its_own_layer"])
                if isinstance(e.get("kept_by_its_own_layer"), float)
                else None,
                f.reason or "",
            ]
        )
    mark = "SIMULATED " if simulated else ""
    return Table(
        ["line", "scan", "mean (µg/cm²)", "± counting", "± systematic", "largest part",
         "kept by its own layer (%)", "remark"],
        rows,
        title=f"{mark}Mass per area, means",
        note="; ".join(findings[0].assumptions),
    )  # fmt: skip
