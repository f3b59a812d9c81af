"""Images and maps with a scale bar."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import number, unit_text
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["draw_bar", "image_view", "picture", "scale_length"]

ROUND = (1.0, 2.0, 5.0)
CELLS = 12


def image_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw each image with a scale bar; of a stack the first."""
    del findings, context
    blocks: list[Block] = []
    for measurement in measurements:
        array = measurement.data["intensity"]
        if array.ndim < 2 or min(array.shape[-2:]) < 2:
            blocks.append(Text(f"{measurement.record.name}: too small to draw", "note"))
            continue
        frames = array.size // (array.shape[-1] * array.shape[-2])
        first = array[(0,) * (array.ndim - 2)]
        name = measurement.record.name + (f", first of {frames}" if frames > 1 else "")
        simulated = measurement.record.origin == "simulated"
        blocks.append(picture(first, name, "intensity", simulated=simulated))
    return blocks


def scale_length(width: float) -> float:
    """Return a round length of about a quarter of a picture's width.

    Examples
    --------
    >>> scale_length(57.6)
    10.0
    """
    import math

    power = 10.0 ** math.floor(math.log10(width / 4.0))
    return max(power * one for one in ROUND if power * one <= width / 4.0)


def picture(array: xr.DataArray, name: str, quantity: str, *, simulated: bool) -> Figure:
    """Return an array over two dimensions as a picture, and its mean values as a table.

    Parameters
    ----------
    array : xarray.DataArray, shape (rows, columns)
        With both coordinates; the first row is drawn on top.
    name, quantity : str
    simulated : bool
    """
    import numpy as np

    values = np.asarray(array.values, dtype=np.float64)
    down, across = (str(dim) for dim in array.dims)
    unit = str(array[across].attrs.get("units", "1"))
    steps = [abs(float(array[d][-1] - array[d][0])) / (array.sizes[d] - 1) for d in (down, across)]
    rows, columns = values.shape
    width = steps[1] * columns
    said = "SIMULATED " if simulated else ""
    long = {"nm": "nm", "1/nm": "1/nm"}.get(unit)
    bar = scale_length(width) if long else None

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        shown = axes.imshow(
            values,
            cmap="gray" if quantity == "intensity" else "viridis",
            extent=(0.0, width, steps[0] * rows, 0.0),
            interpolation="nearest",
        )
        axes.set_xticks([])
        axes.set_yticks([])
        figure.colorbar(shown, ax=axes, label=quantity, shrink=0.9)
        if bar is not None:
            draw_bar(axes, bar, str(long), width, steps[0] * rows)
        if simulated:
            axes.set_title("simulated data")

    finite = values[np.isfinite(values)]
    field = _field(width, steps[0] * rows, long) if long else "not calibrated, sizes in pixels"
    caption = (
        f"{said}{columns} × {rows} pixels, {field}; {quantity} from "
        f"{number(float(finite.min()), 4)} to {number(float(finite.max()), 4)}."
        if finite.size
        else f"{said}{columns} × {rows} pixels without a value."
    )
    return Figure(
        title=f"{said}{name}",
        caption=caption,
        alt=f"{name}: image of {columns} by {rows} pixels, {field}",
        draw=draw,
        table=_table(values, quantity),
        size=(5.0, max(2.2, min(6.0, 4.0 * steps[0] * rows / width))),
        raster=True,
    )


def draw_bar(axes: Axes, length: float, unit: str, width: float, height: float) -> None:
    """Draw a bar of `length` in the lower left, with its length in words."""
    from matplotlib.patches import Rectangle

    left, low = 0.05 * width, 0.95 * height
    thick = max(0.02 * height, 0.01 * width)
    axes.add_patch(
        Rectangle((left, low - thick), length, thick, facecolor="white", edgecolor="black", lw=0.8)
    )
    shown, name = (length / 1000.0, "µm") if unit == "nm" and length >= 1000.0 else (length, unit)
    axes.text(
        left + length / 2.0,
        low - 1.6 * thick,
        f"{shown:g} {name}",
        ha="center",
        va="bottom",
        fontsize=9,
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )


def _table(values: object, quantity: str) -> Table:
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    down = np.array_split(np.arange(array.shape[0]), min(CELLS, array.shape[0]))
    across = np.array_split(np.arange(array.shape[1]), min(CELLS, array.shape[1]))
    rows: list[list[Cell]] = []
    for r in down:
        line: list[Cell] = [int(r[0])]
        for c in across:
            block = array[r[0] : r[-1] + 1, c[0] : c[-1] + 1]
            good = block[np.isfinite(block)]
            line.append(float(f"{good.mean():.5g}") if good.size else None)
        rows.append(line)
    return Table(
        ["row", *(f"column {int(c[0])}" for c in across)],
        rows,
        note=f"mean {quantity} of blocks, named by their first row and column",
    )


def _field(width: float, height: float, unit: str) -> str:
    """Return the size of a field; in micrometres from 10 of them on."""
    if unit == "nm" and min(width, height) >= 1e4:
        width, height, unit = width / 1e3, height / 1e3, "µm"
    return f"{number(width, 4)} × {number(height, 4)} {unit_text(unit)}"
