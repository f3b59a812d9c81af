"""The spectrum as a picture and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["spectrum_view"]

ROWS = 32


def spectrum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over energy, or over channels where no calibration is known."""
    del findings, context
    return [_figure(measurement) for measurement in measurements]


def _figure(measurement: Measurement) -> Figure:
    import numpy as np

    data = measurement.data
    counts = data["counts"].values
    calibrated = "energy" in data.coords
    axis = data["energy" if calibrated else "channel"].values
    label = "energy (keV)" if calibrated else "channel"
    simulated = measurement.record.origin == "simulated"
    heading = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.step(axis, counts, where="mid", color=palette()[0], linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1.0)  # zero counts have a place on it
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(label)
        axes.set_ylabel("counts a channel")
        if simulated:
            axes.set_title("simulated data")

    edges = np.linspace(0, counts.size, min(ROWS, counts.size) + 1).astype(int)
    rows: list[list[Cell]] = [
        [float(axis[a]), float(axis[b - 1]), float(counts[a:b].sum()), float(counts[a:b].max())]
        for a, b in pairwise(edges.tolist())
    ]
    table = Table(
        [f"from {label}", f"to {label}", "counts in all", "most in one channel"],
        rows,
        note=f"{counts.size} channels in {len(rows)} groups",
    )
    where = "no energy calibration is known" if not calibrated else "energy axis: "
    source = "" if not calibrated else str(data["energy"].attrs.get("source", "unknown"))
    return Figure(
        title=f"{heading}XRF spectrum",
        caption=f"{heading}{counts.sum():g} counts in {counts.size} channels; {where}{source}.",
        alt=f"Spectrum of {counts.size} channels, highest near {label} {axis[counts.argmax()]:.4g}",
        draw=draw,
        table=table,
        raster=counts.size > 20_000,
    )
