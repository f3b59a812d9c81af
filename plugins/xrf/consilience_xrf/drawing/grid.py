"""Maps side by side: rows of panels with one colour bar for a row, or one for each panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consilience.report.text import unit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["COLUMNS", "Panel", "PanelRow", "bar_length", "draw_rows", "grid_size"]

Array = NDArray[np.float64]
COLUMNS = 4
"""Panels across a page."""
NOTHING = "#c9c9c9"
"""Grey of points without a value."""
ROUND = (1.0, 2.0, 5.0)
MARK = "SIMULATED"


@dataclass(frozen=True)
class Panel:
    """One map: values over (y, x) at their positions in `unit`."""

    title: str
    values: Array
    x: Array
    y: Array
    unit: str


@dataclass(frozen=True)
class PanelRow:
    """Panels that share a meaning.

    Attributes
    ----------
    label : str
        Of the colour bar.
    limits : (low, high) or None
        One scale for all panels; None: each has its own, from its least to its greatest value.
    """

    label: str
    panels: tuple[Panel, ...]
    limits: tuple[float, float] | None


def bar_length(width: float) -> float:
    """Return a round length of about a quarter of a width.

    Examples
    --------
    >>> bar_length(7.7)
    1.0
    """
    power = 10.0 ** np.floor(np.log10(width / 4.0))
    return float(max(power * one for one in ROUND if power * one <= width / 4.0 * (1 + 1e-9)))


def _ratio(panel: Panel) -> float:
    """Height over width as drawn."""
    if panel.unit == "1":
        return float(np.clip(panel.y.size / max(panel.x.size, 1), 0.12, 1.6))
    height, width = (_extent(c) for c in (panel.y, panel.x))
    return float(np.clip(height / width, 0.12, 1.6))


def _extent(centres: Array) -> float:
    edges = _edges(centres)
    return abs(float(edges[-1] - edges[0]))


def grid_size(rows: Sequence[PanelRow], width: float = 8.0) -> tuple[float, float]:
    """Return width and height in inches of a figure that holds the rows."""
    across = max(len(row.panels) for row in rows)
    ratio = max(_ratio(p) for row in rows for p in row.panels)
    each = min((width - 0.9) / across - 0.25, 3.4)
    height = sum(each * ratio + (0.95 if row.limits is None else 0.55) for row in rows) + 0.35
    return width, float(np.clip(height, 1.9, 9.2))


def draw_rows(figure: MatplotlibFigure, rows: Sequence[PanelRow], *, simulated: bool) -> None:
    """Draw rows of maps onto a figure, with scale bars, and a mark where data are simulated."""
    across = max(len(row.panels) for row in rows)
    grid = figure.subplots(len(rows), across, squeeze=False)
    for down, row in enumerate(rows):
        shown = None
        for column in range(across):
            axes = grid[down][column]
            if column >= len(row.panels):
                axes.set_axis_off()
                continue
            panel = row.panels[column]
            shown = _draw(axes, panel, row.limits)
            if row.limits is None:
                bar = figure.colorbar(
                    shown, ax=axes, location="bottom", shrink=0.9, aspect=18, pad=0.04
                )
                bar.ax.tick_params(labelsize=6.5)
                bar.set_label(row.label, fontsize=6.5)
            axes.set_title(panel.title, fontsize=7.5)
            if column == 0:
                axes.set_ylabel(f"y ({_unit(panel)})", fontsize=6.5, labelpad=1)
                axes.set_xlabel(f"x ({_unit(panel)})", fontsize=6.5, labelpad=1)
        if row.limits is not None and shown is not None:
            above = any(np.nanmax(p.values, initial=0.0) > row.limits[1] * (1 + 1e-9)
                        for p in row.panels)  # fmt: skip
            bar = figure.colorbar(
                shown, ax=list(grid[down]), location="right", shrink=0.92, aspect=14, pad=0.015,
                extend="max" if above else "neither",
            )  # fmt: skip
            bar.set_label(row.label, fontsize=7)
            bar.ax.tick_params(labelsize=6.5)
    if simulated:
        figure.suptitle(f"{MARK} data", fontsize=8, x=0.01, ha="left", color="#a33")


def _draw(axes: Axes, panel: Panel, limits: tuple[float, float] | None) -> QuadMesh:
    from matplotlib import colormaps

    low, high = limits or _own(panel.values)
    drawn = axes.pcolormesh(
        _edges(panel.x),
        _edges(panel.y),
        np.ma.masked_invalid(panel.values),
        cmap=colormaps["cividis"].with_extremes(bad=NOTHING),
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    square = panel.unit != "1" and 0.12 < _extent(panel.y) / _extent(panel.x) < 1.6
    axes.set_aspect("equal" if square else "auto")
    axes.set_facecolor(NOTHING)
    axes.tick_params(labelsize=6, length=2, pad=1)
    axes.locator_params(nbins=4)
    if panel.unit != "1":
        _scale_bar(axes, panel)
    return drawn


def _unit(panel: Panel) -> str:
    """The unit of positions; numbers of points, or positions whose unit nobody stated."""
    if panel.unit != "1":
        return unit_text(panel.unit)
    numbered = np.array_equal(panel.x, np.arange(panel.x.size))
    return "point" if numbered else "unit not stated"


def _own(values: Array) -> tuple[float, float]:
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0
    low, high = float(good.min()), float(good.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _scale_bar(axes: Axes, panel: Panel) -> None:
    from matplotlib import patheffects
    from matplotlib.patches import Rectangle

    xs, ys = _edges(panel.x), _edges(panel.y)
    left, right = sorted((float(xs[0]), float(xs[-1])))
    low, high = sorted((float(ys[0]), float(ys[-1])))
    length = bar_length(right - left)
    thick = 0.025 * (high - low)
    at = (left + 0.05 * (right - left), low + 0.06 * (high - low))
    axes.add_patch(Rectangle(at, length, thick, facecolor="white", edgecolor="black", lw=0.5))
    axes.text(
        at[0] + length / 2,
        at[1] + 1.8 * thick,
        f"{length:g} {unit_text(panel.unit)}",
        ha="center",
        va="bottom",
        fontsize=6.5,
        color="white",
        path_effects=[patheffects.withStroke(linewidth=1.4, foreground="black")],
    )


def _edges(centres: Array) -> Array:
    """Borders of points from their centres."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate(
        [[2.0 * centres[0] - middle[0]], middle, [2.0 * centres[-1] - middle[-1]]]
    )
