"""The energy-loss spectrum as a picture and as a table, and the map of t/λ."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_eels.drawing.views_image import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["spectrum_view"]

ROWS = 32


def spectrum_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over energy loss, maps summed, with the elastic window where t/λ was found."""
    blocks: list[Block] = []
    for measurement in measurements:
        said = [
            f for f in findings if f.kind == "t_over_lambda" and measurement.id in f.measurements
        ]
        blocks.append(_block(measurement, said))
        for finding in said:
            if finding.status == "not_observable":
                blocks.append(Text(f"t/λ is not observable: {finding.reason}.", "note"))
            if finding.array is not None:
                blocks += _map(measurement, finding, context)
    return blocks


def _map(measurement: Measurement, finding: Finding, context: ViewContext) -> list[Block]:
    data = context.open_array(finding.array or "")
    array = data["t_over_lambda"]
    if array.dims[-2:] != ("y", "x") or array.ndim != 2 or min(array.shape) < 2:
        return []
    simulated = measurement.record.origin == "simulated"
    return [picture(array, f"{measurement.record.name}: t/λ", "t/λ", simulated=simulated)]


def _block(measurement: Measurement, findings: Sequence[Finding]) -> Block:
    import numpy as np

    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    if "energy_loss" not in data[name].dims:
        return Text(f"{measurement.record.name}: no energy axis, nothing to draw", "note")
    array = data[name].transpose(..., "energy_loss")
    energy = data["energy_loss"].values
    values = array.values.reshape(-1, energy.size).sum(axis=0, dtype=np.float64)
    pixels = array.size // energy.size
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""
    threshold = next(
        (float(f.evidence["threshold_eV"]) for f in findings if "threshold_eV" in f.evidence), None
    )

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.plot(energy, values, color=palette()[0], linewidth=0.9)
        axes.set_xlabel("energy loss (eV)")
        axes.set_ylabel(name)
        if energy[0] < 0 < energy[-1]:
            axes.set_yscale("symlog", linthresh=10.0)  # the zero loss swamps the rest
            axes.axvline(0.0, color="0.6", linewidth=0.8, linestyle=":")
        if threshold is not None:
            axes.axvspan(energy[0], threshold, color=palette()[4], alpha=0.18, linewidth=0)
            axes.annotate(
                f"elastic, below {threshold:.3g} eV",
                (threshold, 0.96),
                xycoords=("data", "axes fraction"),
                xytext=(4, 0),
                textcoords="offset points",
                va="top",
                fontsize=8,
            )
        axes.margins(x=0.0)
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
    summed = f"Sum of {pixels} pixels. " if pixels > 1 else ""
    window = f" Shaded: what counts as elastic, below {threshold:.3g} eV." if threshold else ""
    return Figure(
        title=f"{simulated}Energy-loss spectrum",
        caption=(
            f"{simulated}{summed}{values.size} channels from {energy[0]:g} to {energy[-1]:g} eV, "
            f"as recorded; highest at {top:g} eV.{window}"
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
