"""The mean frame, and how often each value occurs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_compton.drawing.maps import span_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["frames_view"]

BLOCK = 64
BIN = 16
PARTS = 8


def frames_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the mean of all frames, and the distribution of their values in adu."""
    del findings, context
    return [f for one in measurements if one.has("raw_frames") for f in _figures(one)]


def _figures(measurement: Measurement) -> list[Figure]:
    import numpy as np

    frames = measurement.data["raw_frames"]
    number, rows, columns = frames.shape
    total = np.zeros((rows, columns))
    edges = np.arange(0, 65536 + BIN, BIN)
    counts = np.zeros(edges.size - 1, dtype=np.int64)
    for first in range(0, number, BLOCK):
        block = frames[first : first + BLOCK].values
        total += block.sum(axis=0, dtype=np.float64)
        counts += np.histogram(block, edges)[0]
    mean = total / number
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""

    def draw_mean(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        drawn = axes.imshow(mean, cmap="cividis", interpolation="nearest")
        axes.set_xlabel("column")
        axes.set_ylabel("row")
        figure.colorbar(drawn, ax=axes, label="mean (adu)")
        if simulated:
            axes.set_title("simulated data")

    def draw_values(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.stairs(counts, edges, color=palette()[0])
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_xlim(0, float(edges[int(np.flatnonzero(counts)[-1]) + 1]))
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel("value (adu)")
        axes.set_ylabel(f"pixels in {BIN} adu")
        if simulated:
            axes.set_title("simulated data")

    parts: list[list[Cell]] = []
    for r in np.array_split(np.arange(rows), min(PARTS, rows)):
        for c in np.array_split(np.arange(columns), min(PARTS, columns)):
            part = mean[r[0] : r[-1] + 1, c[0] : c[-1] + 1]
            span = [span_of(r), span_of(c)]
            parts.append([*span, round(float(part.mean()), 3), round(float(part.max()), 3)])
    filled = np.flatnonzero(counts)
    fullest = sorted(filled[np.argsort(counts[filled], kind="stable")[::-1][:20]].tolist())
    values: list[list[Cell]] = [
        [int(edges[i]), int(edges[i + 1]) - 1, int(counts[i])] for i in fullest
    ]
    return [
        Figure(
            title=f"{simulated}Mean frame",
            caption=f"Mean of {number} frames of {rows} × {columns} pixels, raw adu.",
            alt=f"Mean detector frame, {mean.min():.3g} to {mean.max():.3g} adu",
            draw=draw_mean,
            table=Table(["rows", "columns", "mean (adu)", "highest mean (adu)"], parts),
            size=(8.0, 5.0),
            raster=True,
        ),
        Figure(
            title=f"{simulated}Values in all frames",
            caption=f"{int(counts.sum())} values in bins of {BIN} adu.",
            alt="Distribution of raw values",
            draw=draw_values,
            table=Table(
                ["from (adu)", "to (adu)", "pixels"], values, note=f"{len(values)} fullest bins"
            ),
        ),
    ]
