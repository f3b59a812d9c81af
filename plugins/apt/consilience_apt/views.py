"""The mass spectrum, and the needle from the side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["ions_view"]

BLOCK = 1 << 20
LARGEST = 200.0
"""Da; what lies above is counted in the caption."""
BIN = 0.1


def ions_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw counts over mass-to-charge, and ions per pixel seen along y."""
    del findings, context
    return [figure for one in measurements for figure in (_spectrum(one), _side(one))]


def _simulated(measurement: Measurement) -> str:
    return "SIMULATED " if measurement.record.origin == "simulated" else ""


def _spectrum(measurement: Measurement) -> Figure:
    import numpy as np

    edges = np.linspace(0.0, LARGEST, round(LARGEST / BIN) + 1)
    counts = np.zeros(edges.size - 1, dtype=np.int64)
    mass = measurement.data["mass_to_charge"]
    for first in range(0, mass.size, BLOCK):
        counts += np.histogram(mass[first : first + BLOCK].values, edges)[0]
    beyond = int(mass.size - counts.sum())
    simulated = _simulated(measurement)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.stairs(counts, edges, color=palette()[0], fill=False, linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1.0)  # empty bins have a place on it
        axes.set_xlim(0.0, LARGEST)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel("mass-to-charge ratio (Da)")
        axes.set_ylabel(f"ions in {BIN:g} Da")
        if simulated:
            axes.set_title("simulated data")

    order = np.argsort(counts, kind="stable")[::-1][:20]
    rows: list[list[Cell]] = [
        [round(float(edges[i]), 3), round(float(edges[i + 1]), 3), int(counts[i])]
        for i in sorted(order.tolist())
        if counts[i]
    ]
    return Figure(
        title=f"{simulated}Mass spectrum",
        caption=(
            f"{simulated}{mass.size} ions in bins of {BIN:g} Da; {beyond} lie below 0 or above "
            f"{LARGEST:g} Da and are not drawn."
        ),
        alt=f"Mass spectrum, highest near {float(edges[int(counts.argmax())]):.1f} Da",
        draw=draw,
        table=Table(
            ["from (Da)", "to (Da)", "ions"], rows, note=f"the {len(rows)} fullest of {counts.size}"
        ),
    )


def _side(measurement: Measurement) -> Figure:
    import numpy as np

    data = measurement.data
    # nearly all ions: a few stray ones must not shrink the needle to a dot
    sample = slice(None, None, max(1, data["x"].size // 200_000))
    span = [
        (float(low) - 1.0, float(high) + 1.0)
        for low, high in (
            np.percentile(data[name][sample].values, [0.01, 99.99]) for name in ("x", "z")
        )
    ]
    scale = max(high - low for low, high in span) / 200.0
    edges = [np.linspace(low, high, max(2, round((high - low) / scale)) + 1) for low, high in span]
    grid: Any = np.zeros((edges[0].size - 1, edges[1].size - 1))
    for first in range(0, data["x"].size, BLOCK):
        part = slice(first, first + BLOCK)
        x, z = (data[name][part].values for name in ("x", "z"))
        grid += np.histogram2d(x, z, bins=edges)[0]
    simulated = _simulated(measurement)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        drawn = axes.pcolormesh(edges[0], edges[1], grid.T, cmap="cividis", rasterized=True)
        axes.set_aspect("equal")
        axes.set_xlabel("x (nm)")
        axes.set_ylabel("z (nm)")
        figure.colorbar(drawn, ax=axes, label="ions a pixel")
        if simulated:
            axes.set_title("simulated data")

    slices = np.array_split(np.arange(edges[1].size - 1), min(20, edges[1].size - 1))
    rows: list[list[Cell]] = [
        [
            round(float(edges[1][s[0]]), 2),
            round(float(edges[1][s[-1] + 1]), 2),
            int(grid[:, s].sum()),
        ]
        for s in slices
    ]
    return Figure(
        title=f"{simulated}Ions seen from the side",
        caption=f"{simulated}{int(grid.sum())} of {data['x'].size} ions, seen along y.",
        alt="Density of ions over x and z",
        draw=draw,
        table=Table(["from z (nm)", "to z (nm)", "ions"], rows),
        size=(8.0, 5.0),
        raster=True,
    )
