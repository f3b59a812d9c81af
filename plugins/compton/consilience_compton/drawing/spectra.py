"""Spectra as registered: the sum of all pixels with known lines, and counts by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import number
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_compton.drawing.maps import span_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["mark_lines", "spectra_view"]

ROWS = 40
PARTS = 8


def spectra_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the sum spectrum on a logarithmic scale, and the counts of each pixel."""
    del findings, context
    return [f for one in measurements if one.has("counts") for f in _figures(one)]


def mark_lines(axes: Axes, low: float, high: float, beam: tuple[float, float] | None) -> None:
    """Mark the detector's lines, and what the beam adds, at the top of a spectrum."""
    from consilience_compton.calibration.lines import detector_lines
    from consilience_compton.calibration.sums import CADMIUM
    from consilience_compton.momentum.kinematics import compton_energy

    marks: list[tuple[float, str, str]] = [
        (group.mean, group.name, palette()[4]) for group in detector_lines()
    ]
    if beam is not None:
        peak = float(compton_energy(*beam))
        marks += [
            (peak, "Compton", palette()[1]),
            (beam[0], "elastic", palette()[2]),
            (beam[0] - CADMIUM, "escape", palette()[3]),
            (peak - CADMIUM, "escape", palette()[3]),
        ]
    transform = axes.get_xaxis_transform()
    reach = -1e9
    raised = False
    for energy, name, colour in sorted(marks):
        if not low < energy < high:
            continue
        axes.axvline(energy, color=colour, linewidth=0.7, alpha=0.7, zorder=0)
        near = energy - reach < 0.03 * (high - low)
        raised = near and not raised
        reach = energy
        axes.text(
            energy,
            1.01 + (0.13 if raised else 0.0),
            name,
            transform=transform,
            rotation=60,
            fontsize=7,
            color=colour,
            ha="left",
            va="bottom",
        )


def _figures(measurement: Measurement) -> list[Block]:
    import numpy as np

    from consilience_compton.findings.spectra_input import image_of
    from consilience_compton.spectra import blocks_of_rows, energy_edges_of

    counts = image_of(measurement.data)
    rows, columns, n = counts.shape
    total, spectrum = np.zeros((rows, columns)), np.zeros(n)
    for where, block in blocks_of_rows(counts):
        total[where] = block.sum(axis=2, dtype=np.float64)
        spectrum += block.sum(axis=(0, 1), dtype=np.float64)
    known = "energy" in counts.dims
    edges = energy_edges_of(measurement.data) if known else np.arange(n + 1.0)
    label = "energy (keV)" if known else "channel"
    simulated = "SIMULATED " if measurement.record.origin == "simulated" else ""
    beam = _beam(measurement) if known else None
    filled = np.flatnonzero(spectrum)
    if not filled.size:
        return [Text(f"{measurement.record.title}: no spectrum holds a count.", "note")]
    low, high = float(edges[filled[0]]), float(edges[filled[-1] + 1])

    def draw_sum(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.stairs(spectrum, edges, color=palette()[0], linewidth=0.8)
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(0.5, 0.5 * float(spectrum[filled].min())))
        axes.set_xlim(low, high)
        axes.set_xlabel(label)
        axes.set_ylabel("counts in a bin")
        if known:
            mark_lines(axes, low, high, beam)
        if simulated:
            axes.text(0.99, 0.96, "SIMULATED", transform=axes.transAxes, ha="right", va="top")

    cuts = np.linspace(filled[0], filled[-1] + 1, min(ROWS, filled[-1] + 1 - filled[0]) + 1)
    table: list[list[Cell]] = [
        [float(edges[a]), float(edges[b]), float(spectrum[a:b].sum()), float(spectrum[a:b].max())]
        for a, b in pairwise(cuts.astype(int).tolist())
    ]
    unknown = "" if known else " No unit of the bins is known, so no line can be named."
    found: list[Block] = [
        Figure(
            title=f"{simulated}Sum of all spectra",
            caption=f"{number(float(spectrum.sum()), 4)} counts of {rows} × {columns} spectra "
            f"in {n} bins, each on the common axis.{unknown}",
            alt=f"Spectrum from {low:.4g} to {high:.4g} {label}, highest bin at "
            f"{edges[int(spectrum.argmax())]:.4g}",
            draw=draw_sum,
            table=Table(
                [f"from {label}", f"to {label}", "counts", "most in one bin"],
                table,
                note=f"{n} bins in {len(table)} groups",
            ),
            size=(8.0, 4.0),
            raster=n > 10_000,
        )
    ]
    if rows > 1 and columns > 1:
        found.append(_map(total, simulated))
    return found


def _map(total: Any, simulated: str) -> Figure:
    import numpy as np

    rows, columns = total.shape
    empty = int((total == 0).sum())

    def draw_map(figure: MatplotlibFigure) -> None:
        import matplotlib as mpl

        axes = figure.add_subplot()
        colours = mpl.colormaps["cividis"].with_extremes(bad="#bbbbbb")
        seen = total[total > 0]
        low, high = (float(v) for v in np.quantile(seen, [0.01, 0.99]))
        drawn = axes.imshow(
            np.ma.masked_where(total == 0, total),
            cmap=colours,
            vmin=low,
            vmax=max(high, low + 1.0),
            interpolation="nearest",
        )
        axes.set_xlabel("column")
        axes.set_ylabel("row")
        figure.colorbar(drawn, ax=axes, label="counts of a pixel", extend="both")
        if simulated:
            axes.set_title("SIMULATED")

    parts: list[list[Cell]] = []
    for r in np.array_split(np.arange(rows), min(PARTS, rows)):
        for c in np.array_split(np.arange(columns), min(PARTS, columns)):
            part = total[r[0] : r[-1] + 1, c[0] : c[-1] + 1]
            span = [span_of(r), span_of(c)]
            parts.append([*span, float(part.mean()), int((part == 0).sum())])
    return Figure(
        title=f"{simulated}Counts by pixel",
        caption=f"All energies together; colours end at the 1st and 99th percentile, so "
        f"that one hot pixel does not hide the rest. {empty} of {total.size} pixels have no count"
        + (", drawn grey." if empty else "."),
        alt=f"Map of {rows} × {columns} pixels, {number(float(total.min()), 4)} to "
        f"{number(float(total.max()), 4)} counts",
        draw=draw_map,
        table=Table(["rows", "columns", "mean counts", "pixels without counts"], parts),
        size=(6.0, 4.4),
        raster=True,
    )


def _beam(measurement: Measurement) -> tuple[float, float] | None:
    from consilience_compton.spectra import number_of

    energy = number_of(measurement.metadata, "incident_energy", "keV")
    angle = number_of(measurement.metadata, "scattering_angle", "deg")
    return None if energy is None or angle is None else (energy, angle)
