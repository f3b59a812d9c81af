"""The X-ray spectrum with the windows of its lines and of their background."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_eels.drawing.views_edx_maps import composition_blocks

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["edx_view"]

ROWS = 32


def edx_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over X-ray energy with the windows of the findings, composition and maps."""
    blocks: list[Block] = []
    for measurement in measurements:
        own = [f for f in findings if measurement.id in f.measurements]
        blocks.append(_block(measurement, own))
        blocks += composition_blocks(measurement, own, context)
    return blocks


def _block(measurement: Measurement, findings: Sequence[Finding]) -> Figure:
    import numpy as np

    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    energy = data["energy"].values
    array = data[name].transpose(..., "energy")
    values = array.values.reshape(-1, energy.size).sum(axis=0, dtype=np.float64)
    pixels = array.size // energy.size
    lines = _lines(findings)
    said = "SIMULATED " if measurement.record.origin == "simulated" else ""

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.plot(energy, values, color="0.25", linewidth=0.8)
        axes.set_xlabel("X-ray energy (keV)")
        axes.set_ylabel(name)
        top = _ceiling(energy, values)
        shown = energy[values > 0]
        last = float(shown[-1]) if shown.size else float(energy[-1])
        axes.set_xlim(float(energy[0]), min(last, float(energy[-1])) * 1.02)
        axes.set_ylim(0.0, 1.45 * top)
        _draw_lines(axes, lines, energy, values, top)
        if said:
            axes.set_title("simulated data")

    rows: list[list[Cell]] = [
        [
            line["line"],
            float(line["window_keV"][0]),
            float(line["window_keV"][1]),
            float(line["net_counts"]),
            line["said"],
        ]
        for line in lines
    ]
    if not rows:
        edges = np.linspace(0, energy.size, ROWS + 1).astype(int)
        rows = [
            ["", float(energy[a]), float(energy[b - 1]), float(values[a:b].sum()), ""]
            for a, b in pairwise(edges)
            if b > a
        ]
    summed = f"Sum of {pixels} pixels, " if pixels > 1 else ""
    marks = (
        " Shaded: windows of the lines; hatched: of their background; dashes: the background "
        "taken; ✗: absent or not observable."
        if lines
        else ""
    )
    cut = float(values.max()) > 1.45 * _ceiling(energy, values)
    ends = " The detector's noise near 0 keV is cut off at the top." if cut else ""
    return Figure(
        title=f"{said}X-ray spectrum",
        caption=f"{said}{summed}{energy.size} channels from {energy[0]:.4g} to {energy[-1]:.4g} "
        f"keV, {values.sum():.0f} {name}.{marks}{ends}",
        alt=f"X-ray spectrum from {energy[0]:.4g} to {energy[-1]:.4g} keV"
        + (f" with lines {', '.join(line['line'] for line in lines)}" if lines else ""),
        draw=draw,
        table=Table(
            ["line", "from (keV)", "to (keV)", f"net {name}" if lines else name, "said of it"],
            rows,
        ),
    )


def _ceiling(energy: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Height of the highest line, beyond the detector's noise at 0."""
    rest = values[energy > 0.2]
    top = float(rest.max()) if rest.size else 0.0
    return top or float(values.max()) or 1.0


def _lines(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    words = {"present": "present", "absent_below_limit": "absent below the limit"}
    found: dict[str, dict[str, Any]] = {}
    for finding in findings:
        line = finding.evidence.get("line")
        if finding.kind != "element" or "window_keV" not in finding.evidence:
            continue
        found[str(line)] = {
            **finding.evidence,
            "status": finding.status,
            "said": words.get(finding.status or "", "not observable"),
        }
    return sorted(found.values(), key=lambda line: float(line["window_keV"][0]))


def _draw_lines(
    axes: Any,
    lines: Sequence[dict[str, Any]],
    energy: NDArray[np.float64],
    values: NDArray[np.float64],
    top: float,
) -> None:
    import numpy as np

    colours = palette()
    last, level = -np.inf, 0
    left, right = axes.get_xlim()
    for i, line in enumerate(lines):
        colour = colours[i % len(colours)]
        low, high = line["window_keV"]
        axes.axvspan(low, high, color=colour, alpha=0.25, linewidth=0)
        a, b, c, d = line["background_windows_keV"]
        means = []
        for start, end in ((a, b), (c, d)):
            axes.axvspan(
                start, end, facecolor="none", edgecolor=colour, hatch="////", linewidth=0, alpha=0.6
            )
            inside = (energy >= start) & (energy < end)
            means.append(float(values[inside].mean()) if inside.any() else 0.0)
        mean = sum(means) / 2.0
        axes.plot([a, d], [mean, mean], color=colour, linestyle="--", linewidth=1.2)
        centre = 0.5 * (low + high)
        # names of neighbouring lines stand above one another
        level = (level + 1) % 5 if centre - last < 0.07 * (right - left) else 0
        last = centre
        mark = "" if line["status"] == "present" else " ✗"
        axes.annotate(
            line["line"].replace("_", " ") + mark,
            (centre, (1.04 + 0.08 * level) * top),
            ha="center",
            fontsize=8,
            color=colour,
        )
