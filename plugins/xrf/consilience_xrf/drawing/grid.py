"""Maps side by side: rows of panels with one colour bar for a row, or one for each panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consilience.notation import unit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.image import AxesImage

__all__ = ["COLUMNS", "Panel", "PanelRow", "bar_length", "bar_text", "draw_rows", "grid_size"]

Array = NDArray[np.float64]
COLUMNS = 4
"""Panels across a page."""
NOTHING = "#c9c9c9"
"""Grey of points without a value."""
ROUND = (1.0, 2.0, 5.0)
MARK = "SIMULATED"
FINER = (("m", "mm"), ("mm", "µm"), ("µm", "nm"))
"""Units of positions, and those a thousand times finer."""
RATIOS = (0.12, 1.6)
"""Of height over width; maps beyond are drawn stretched."""
LEFT, GAP, BAR, LARGEST = 0.58, 0.2, 0.78, 3.4
"""Inches: before the first panel, between panels, for a shared colour bar, and of a panel."""
TOP, ABOVE, BELOW, UNDER = 0.14, 0.24, 0.36, 0.42
"""Inches: above all, for a title, for positions, and for a colour bar of one panel."""


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


def bar_text(length: float, unit: str) -> str:
    """Return a length in a unit that needs few digits.

    Examples
    --------
    >>> bar_text(0.01, "mm")
    '10 µm'
    """
    for coarse, fine in FINER:
        if unit_text(unit) == coarse and length < 0.1:
            return f"{length * 1e3:.4g} {fine}"
    return f"{length:.4g} {unit_text(unit)}"


def _ratio(panel: Panel) -> float:
    """Height over width as drawn."""
    if panel.unit == "1":
        return float(np.clip(panel.y.size / max(panel.x.size, 1), *RATIOS))
    height, width = (_extent(c) for c in (panel.y, panel.x))
    return float(np.clip(height / width, *RATIOS))


def _extent(centres: Array) -> float:
    edges = _edges(centres)
    return abs(float(edges[-1] - edges[0]))


def _box(rows: Sequence[PanelRow], width: float) -> float:
    """Inches across of the box that a panel may fill."""
    across = max(len(row.panels) for row in rows)
    bar = BAR if any(row.limits is not None for row in rows) else 0.0
    return min((width - LEFT - bar - 0.1) / across - GAP, LARGEST)


def _heights(rows: Sequence[PanelRow], box: float) -> list[float]:
    """Inches down of the panels of each row."""
    return [max(min(box * _ratio(p), LARGEST) for p in row.panels) for row in rows]


def grid_size(
    rows: Sequence[PanelRow], width: float = 8.0, tallest: float = 9.2
) -> tuple[float, float]:
    """Return width and height in inches of a figure that holds the rows."""
    needed = TOP + sum(_heights(rows, _box(rows, width))) + sum(_beside(row) for row in rows)
    return width, float(np.clip(needed, 1.6, tallest))


def _beside(row: PanelRow) -> float:
    """Inches above and below the panels of a row."""
    return ABOVE + BELOW + (UNDER if row.limits is None else 0.0)


def draw_rows(figure: MatplotlibFigure, rows: Sequence[PanelRow], *, simulated: bool) -> None:
    """Draw rows of maps onto a figure, with scale bars, and a mark where data are simulated.

    Each panel is put where it belongs: a solver of layouts takes minutes for a hundred of them.
    """
    figure.set_layout_engine("none")
    width, height = (float(v) for v in figure.get_size_inches())
    box = _box(rows, width)
    heights = _heights(rows, box)
    free = height - TOP - sum(_beside(row) for row in rows)
    shrunk = min(1.0, max(free, 0.2) / sum(heights))

    def place(left: float, top: float, across: float, down: float) -> Axes:
        return figure.add_axes(
            (left / width, 1.0 - (top + down) / height, across / width, down / height)
        )

    top = TOP
    for row, whole in zip(rows, heights, strict=True):
        top += ABOVE
        shown, right = None, 0.0
        for column, panel in enumerate(row.panels):
            down = shrunk * min(box * _ratio(panel), LARGEST)
            across = min(box, down / _ratio(panel))
            left = LEFT + column * (box + GAP) + 0.5 * (box - across)
            axes = place(left, top, across, down)
            shown, right = _draw(axes, panel, row.limits), left + across
            axes.set_title(panel.title, fontsize=8, pad=3)
            axes.set_xlabel(f"x ({_unit(panel)})", fontsize=7, labelpad=1)
            if column == 0:
                axes.set_ylabel(f"y ({_unit(panel)})", fontsize=7, labelpad=1)
            elif np.array_equal(panel.y, row.panels[0].y) and panel.unit == row.panels[0].unit:
                axes.tick_params(labelleft=False)
            if row.limits is None:
                under = place(left, top + down + BELOW, across, 0.08)
                bar = figure.colorbar(shown, cax=under, orientation="horizontal")
                _as_image(bar)
                bar.ax.tick_params(labelsize=7, length=2, pad=1)
                bar.ax.locator_params(nbins=4)
                bar.set_label(row.label, fontsize=7, labelpad=1)
        if row.limits is not None and shown is not None:
            above = any(np.nanmax(p.values, initial=0.0) > row.limits[1] * (1 + 1e-9)
                        for p in row.panels)  # fmt: skip
            bar = figure.colorbar(
                shown,
                cax=place(right + 0.12, top, 0.1, shrunk * whole),
                extend="max" if above else "neither",
            )
            _as_image(bar)
            bar.set_label(row.label, fontsize=7)
            bar.ax.tick_params(labelsize=7, length=2, pad=1)
        top += shrunk * whole + BELOW + (UNDER if row.limits is None else 0.0)
    if simulated:
        figure.text(
            0.01, 1.0 - 0.03 / height, f"{MARK} data", fontsize=8, color="#a33", va="top"
        )  # fmt: skip


def _draw(axes: Axes, panel: Panel, limits: tuple[float, float] | None) -> AxesImage | QuadMesh:
    drawn = _shown(axes, panel, limits or _own(panel.values))
    axes.set_aspect("auto")  # the box has the ratio of the map already
    axes.set_facecolor(NOTHING)
    axes.tick_params(labelsize=6.5, length=2, pad=1)
    axes.locator_params(nbins=4)
    if panel.unit != "1":
        _scale_bar(axes, panel)
    return drawn


def _as_image(bar: Colorbar) -> None:
    """Show the colours of a bar as an image, for the reason that `_shown` gives."""
    low, high = (float(v) for v in bar.mappable.get_clim())
    across = bar.orientation == "horizontal"
    ramp = np.linspace(low, high, 256)
    limits = bar.ax.get_xlim(), bar.ax.get_ylim()
    if bar.solids is not None:
        bar.solids.set_visible(False)
    bar.ax.imshow(
        ramp[None, :] if across else ramp[:, None],
        cmap=bar.cmap,
        vmin=low,
        vmax=high,
        origin="lower",
        extent=(low, high, 0.0, 1.0) if across else (0.0, 1.0, low, high),
        aspect="auto",
        interpolation="nearest",
    )
    bar.ax.set_xlim(limits[0])
    bar.ax.set_ylim(limits[1])


def _shown(axes: Axes, panel: Panel, limits: tuple[float, float]) -> AxesImage | QuadMesh:
    """The map, low y below; as an image where its points are evenly spaced.

    A mesh of pixels takes a buffer of the whole figure for each map in an SVG or PDF: twenty
    gigabytes for seven states of six lines.
    """
    from matplotlib import colormaps

    cmap = colormaps["cividis"].with_extremes(bad=NOTHING)
    low, high = limits
    x, y = _edges(panel.x), _edges(panel.y)
    values = np.ma.masked_invalid(panel.values)
    if not (_even(x) and _even(y)):
        return axes.pcolormesh(x, y, values, cmap=cmap, vmin=low, vmax=high, rasterized=True)
    if x[0] > x[-1]:
        x, values = x[::-1], values[:, ::-1]
    if y[0] > y[-1]:
        y, values = y[::-1], values[::-1]
    return axes.imshow(
        values,
        cmap=cmap,
        vmin=low,
        vmax=high,
        origin="lower",
        extent=(float(x[0]), float(x[-1]), float(y[0]), float(y[-1])),
        aspect="auto",
        interpolation="nearest",
    )


def _even(edges: Array) -> bool:
    """Whether no step differs from the mean by more than a twentieth of it."""
    steps = np.diff(edges)
    return bool(np.abs(steps - steps.mean()).max() <= 0.05 * abs(steps.mean()))


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
        at[0],
        at[1] + 1.8 * thick,
        bar_text(length, panel.unit),
        ha="left",
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
