"""The maps that ``xrf.elements`` fitted to a scan of spectra, or ``xrf.roi`` summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext
from consilience_xrf.drawing.common import line_text, own_findings, rounded
from consilience_xrf.drawing.grid import COLUMNS, PanelRow, draw_rows, grid_size
from consilience_xrf.drawing.map_rows import Scan, scans_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["fitted_maps_view", "maps_figure"]

ANALYSES = ("xrf.elements",)
MOST = 12
"""Maps of one figure; the others are in the exported files."""


def fitted_maps_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the fitted map of each line that is present, each on a scale of its own."""
    blocks: list[Block] = []
    for measurement in measurements:
        mine = own_findings([measurement], findings, ANALYSES)
        scans = scans_of(mine, context.open_array, "line_intensity")
        simulated = measurement.record.origin == "simulated"
        blocks += [
            maps_figure(
                scan,
                f"Fitted element maps: {measurement.record.file_name}",
                "Counts of each line's family at each point, fitted to its spectrum, not negative",
                simulated=simulated,
            )
            for scan in scans
        ]
    return blocks


def maps_figure(scan: Scan, title: str, said: str, *, simulated: bool) -> Figure:
    """Return the maps of a scan, each on a scale of its own, and their quantiles as a table."""
    mark = "SIMULATED " if simulated else ""
    by_counts = sorted(scan.findings, key=lambda line: -float(np.nansum(scan.data[line].values)))
    shown = by_counts[:MOST]
    rows = [
        PanelRow("counts, own scale", tuple(scan.panel(n, 1.0, line_text(n)) for n in some), None)
        for some in (shown[i : i + COLUMNS] for i in range(0, len(shown), COLUMNS))
    ]

    def draw(figure: MatplotlibFigure) -> None:
        draw_rows(figure, rows, simulated=simulated)

    table: list[list[Cell]] = []
    for line in by_counts:
        values = np.asarray(scan.data[line].values, dtype=np.float64)
        std, limit = (
            np.asarray(scan.data[f"{line}_{what}"].values, dtype=np.float64)
            if f"{line}_{what}" in scan.data
            else np.full(values.shape, np.nan)
            for what in ("std", "limit")
        )
        with np.errstate(invalid="ignore"):
            above = int((values > limit).sum())
        low, middle, high = _quantiles(values)
        table.append(
            [
                line_text(line),
                low,
                middle,
                high,
                _quantiles(std)[1],
                _quantiles(limit)[1],
                above,
                values.size,
            ]
        )
    rest = len(by_counts) - len(shown)
    more = f" {rest} more are in the exported files." if rest else ""
    return Figure(
        title=f"{mark}{title}",
        caption=f"{mark}{said}; each map on a scale of its own. Grey: no counts.{more}",
        alt=f"Maps of {', '.join(map(line_text, shown))}",
        draw=draw,
        table=Table(
            ["line", "5 % (counts)", "median (counts)", "95 % (counts)", "median ±",
             "median limit", "points above their limit", "points"],
            table,
            note="limit: counts that are missed in at most 5 % of trials",
        ),
        size=grid_size(rows),
        raster=True,
    )  # fmt: skip


def _quantiles(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[
    float | None, float | None, float | None
]:  # fmt: skip
    good = values[np.isfinite(values)]
    if not good.size:
        return None, None, None
    low, middle, high = (rounded(float(v)) for v in np.percentile(good, (5, 50, 95)))
    return low, middle, high
