"""The spectrum as a picture and as a table."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["spectrum_view"]

ROWS = 32


def spectrum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over energy loss."""
    del findings, context
    return [_block(measurement) for measurement in measurements]


def _block(measurement: Measurement) -> Block:
    import numpy as np

    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    if data[name].dims != ("energy_loss",):
        return Text(f"{measurement.record.name}: maps are not drawn yet", "note")
    energy, values = data["energy_loss"].values, data[name].values
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.plot(energy, values, color=palette()[0], linewidth=0.9)
        axes.set_xlabel("energy loss (eV)")
        axes.set_ylabel(name)
        if energy[0] < 0 < energy[-1]:
            axes.set_yscale("symlog", linthresh=10.0)  # the zero loss swamps the rest
            axes.axvline(0.0, color="0.6", linewidth=0.8, linestyle=":")
        if simulated:
            axes.set_title("simulated data")

    edges = np.linspace(0, values.size, min(ROWS, values.size) + 1).astype(int).tolist()
    rows: list[list[Cell]] = [
        [
            round(float(energy[a]), 4),
            round(float(energy[b - 1]), 4),
            float(values[a:b].mean()),
            float(values[a:b].max()),
        ]
        for a, b in pairwise(edges)
    ]
    top = float(energy[int(np.argmax(values))])
    return Figure(
        title=f"{simulated}Energy-loss spectrum",
        caption=(
            f"{simulated}{values.size} channels from {energy[0]:g} to {energy[-1]:g} eV, as "
            f"recorded; highest at {top:g} eV."
        ),
        alt=f"Energy-loss spectrum from {energy[0]:g} to {energy[-1]:g} eV, highest at {top:g} eV",
        draw=draw,
        table=Table(
            ["from (eV)", "to (eV)", f"mean {name}", f"highest {name}"],
            rows,
            note=f"{values.size} channels in {len(rows)} groups",
        ),
        raster=values.size > 20_000,
    )
