"""The report's section on baselines: the one used, those tried beside it, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["baseline_view"]

MAX_ROWS = 400
LABELS = {"two_theta": "2θ (°)", "q": "q (Å⁻¹)", "d": "d (Å)"}


def baseline_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show the baseline of each pattern whose peaks were fitted with others beside it."""
    blocks: list[Block] = []
    for measurement in measurements:
        arrays = dict.fromkeys(
            f.array
            for f in findings
            if f.kind == "diffraction_line" and f.array and measurement.id in f.measurements
        )
        for array in arrays:
            assert array is not None
            data = context.open_array(array)
            if "other_baselines" not in data:
                continue
            method = next((f.method for f in findings if f.array == array), "")
            simulated = measurement.record.origin == "simulated"
            blocks.append(_figure(data, measurement.record.name, method, simulated))
    return blocks


def _figure(data: xr.Dataset, name: str, method: str, simulated: bool) -> Figure:
    axis = next(a for a in LABELS if a in data.dims)
    label = LABELS[axis]
    unit = str(data["intensity"].attrs.get("units", "arbitrary"))
    x = np.asarray(data[axis].values, dtype=float)
    mark = "SIMULATED. " if simulated else ""
    tried = [str(n) for n in data["other_baselines_names"].values]

    def draw(figure: MatplotlibFigure) -> None:
        _draw(figure, data, x, label, unit, simulated)

    return Figure(
        title=f"Baseline of {name}",
        caption=f"{mark}Above: data, the baseline used and {len(tried)} others, on the scale of "
        "the background. Below: the intensity less the baseline on a square-root scale, and the "
        f"spread of the baselines. {method}.",
        alt=f"{mark}Diffraction pattern near its background against {label}, with the baseline "
        f"and {len(tried)} other baselines, from {x[0]:.3g} to {x[-1]:.3g}.",
        draw=draw,
        table=_table(data, x, label, unit),
        size=(8.0, 4.6),
        raster=len(x) > 20_000,
    )


def _draw(
    figure: MatplotlibFigure, data: xr.Dataset, x: Any, label: str, unit: str, simulated: bool
) -> None:
    colours = palette()
    top, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    figure.subplots_adjust(hspace=0.08)
    y = np.asarray(data["intensity"].values, dtype=float)
    base = np.asarray(data["baseline"].values, dtype=float)
    others = np.asarray(data["other_baselines"].values, dtype=float)
    top.plot(x, y, ".", color="#888888", markersize=1.4, label="data")
    for number, (name, values) in enumerate(
        zip(data["other_baselines_names"].values, others, strict=True)
    ):
        top.plot(
            x, values, linewidth=0.9, linestyle=("--", "-.", ":", (0, (5, 1)))[number % 4],
            color=colours[(0, 3, 4, 5)[number % 4]], label=str(name).removeprefix("baseline "),
        )  # fmt: skip
    top.plot(x, base, color=colours[2], linewidth=1.4, label="used")
    inside = np.isfinite(base)
    low, high = float(np.min(base[inside])), float(np.max(base[inside]))
    high = max(high, float(np.nanmax(others)))
    noise = float(np.nanmedian(data["noise"].values))
    room = max(high - low, 4 * noise)
    top.set_ylim(min(low, 0.0 if low > 0 and low < room else low) - 0.1 * room, high + 0.6 * room)
    top.set_ylabel("counts" if unit == "count" else "intensity (arbitrary)")
    top.legend(loc="upper right", fontsize="x-small", frameon=False, ncols=3)
    if simulated:
        top.text(
            0.01, 0.97, "SIMULATED", transform=top.transAxes, va="top", color=colours[1],
            fontweight="bold",
        )  # fmt: skip
    left = y - base
    lower.plot(x, np.sign(left) * np.sqrt(np.abs(left)), color="#333333", linewidth=0.5)
    apart = others - base
    band = [np.sign(v) * np.sqrt(np.abs(v)) for v in (apart.min(axis=0), apart.max(axis=0))]
    lower.fill_between(x, *band, color=colours[1], alpha=0.5, label="spread of the baselines")
    steps = _steps(float(np.nanmax(left)))
    lower.set_yticks([np.sqrt(s) for s in steps], [f"{s:g}" for s in steps])
    lower.axhline(0, color=colours[2], linewidth=0.8)
    lower.legend(loc="upper right", fontsize="x-small", frameon=False)
    lower.set_ylabel("less baseline")
    lower.set_xlabel(label)
    lower.margins(x=0.01)
    figure.align_ylabels([top, lower])


def _steps(high: float) -> list[float]:
    """Zero and up to three round values, evenly spaced by their roots."""
    steps = [0.0]
    for part in (0.1, 0.4, 0.9):
        value = part * high
        if value <= 0:
            continue
        power = 10 ** np.floor(np.log10(value))
        rounded = float(round(value / power) * power)
        if rounded > steps[-1]:
            steps.append(rounded)
    return steps


def _table(data: xr.Dataset, x: Any, label: str, unit: str) -> Table:
    stride = max(1, -(-len(x) // MAX_ROWS))
    names = [str(n) for n in data["other_baselines_names"].values]
    columns = [x, data["baseline"].values, *data["other_baselines"].values]
    rows: list[list[Cell]] = [
        [None if not np.isfinite(c[i]) else float(f"{float(c[i]):.6g}") for c in columns]
        for i in range(0, len(x), stride)
    ]
    note = f"every {stride}th of {len(x)} points" if stride > 1 else ""
    return Table(
        [label, f"baseline used ({unit})", *(f"{n} ({unit})" for n in names)], rows, note=note
    )
