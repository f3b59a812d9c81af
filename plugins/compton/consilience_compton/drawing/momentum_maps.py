"""Maps over the detector's pixels, several on one colour scale, with their values as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["changes_view", "map_figure"]

NOTHING = "#c9c9c9"
Panel = tuple[str, "NDArray[np.float64]", str]


def changes_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw EMR of all states on one scale, and where it differs from the first beyond chance."""
    import numpy as np

    blocks: list[Block] = []
    mine = [f for f in findings if f.source.analysis == "compton.changes"]
    origins = {m.id: m.record.origin for m in measurements}
    for array in dict.fromkeys(f.array for f in mine if f.array is not None):
        own = [f for f in mine if f.array == array]
        data = context.open_array(array)
        simulated = any(origins.get(i) == "simulated" for f in own for i in f.measurements)
        mark = "SIMULATED " if simulated else ""
        states = [str(s) for s in data["state"].values]
        where = f", {own[0].subject.label}" if own[0].subject is not None else ""
        panels = [(name, data["emr"].values[i], "EMR") for i, name in enumerate(states)]
        blocks.append(
            map_figure(
                panels,
                f"{mark}EMR state by state{where}",
                "The same squares of pixels in all states, all on one colour scale; grey: "
                "not used, or too few counts. Pixels of the detector, not micrometres of the cell.",
                simulated=simulated,
                one_scale=True,
            )
        )
        z = [
            (states[int(f.evidence["index"])], data[f"z_{f.evidence['index']}"].values, "σ")
            for f in own
            if f"z_{f.evidence['index']}" in data
        ]
        top = float(np.nanmax([np.nanmax(np.abs(v), initial=3.0) for _, v, _ in z])) if z else 3.0
        if z:
            blocks.append(
                map_figure(
                    z,
                    f"{mark}Where EMR changed otherwise than on average{where}",
                    f"Change from {states[0]} less its mean, in standard deviations of "
                    "counting; among so many squares "
                    f"{float(own[0].evidence['z_threshold']):.1f} σ is reached by chance in one "
                    "map of twenty.",
                    simulated=simulated,
                    limits=(-top, top),
                    cmap="PuOr_r",
                )
            )
        blocks += [Text(f"{f.sentence}.") for f in own if f.sentence]
    return blocks


def map_figure(
    panels: Sequence[Panel],
    title: str,
    caption: str,
    *,
    simulated: bool,
    one_scale: bool = False,
    limits: tuple[float, float] | None = None,
    cmap: str = "cividis",
) -> Figure:
    """Return maps side by side.

    Parameters
    ----------
    panels : sequence of (title, values, label)
        Values of shape (rows, columns); NaN is grey.
    title, caption : str
    simulated : bool
        Written into the picture.
    one_scale : bool
        All panels share one colour scale.
    limits : tuple, optional
        Of the colours of every panel.
    cmap : str
        Colour map.
    """
    import numpy as np

    if limits is None and one_scale:
        known = np.concatenate([v[np.isfinite(v)].ravel() for _, v, _ in panels])
        limits = (float(known.min()), float(known.max())) if known.size else None
    columns = min(max(len(panels), 2), 3)
    rows = -(-len(panels) // columns)
    high, wide = panels[0][1].shape
    ratio = float(np.clip(high / wide, 0.3, 1.3))

    def draw(figure: MatplotlibFigure) -> None:
        from matplotlib import colormaps

        if simulated:
            figure.suptitle("simulated data", fontsize=8, x=0.01, ha="left")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_axis_off()
        for axes, (name, values, label) in zip(grid.ravel(), panels, strict=False):
            low, top = limits or (None, None)
            drawn = axes.imshow(
                np.ma.masked_invalid(values),
                cmap=colormaps[cmap].with_extremes(bad=NOTHING),
                vmin=low,
                vmax=top,
                interpolation="nearest",
                origin="upper",
            )
            axes.set_title(_folded(name), fontsize=7.5)
            axes.set_xlabel("column (pixel)", fontsize=8)
            axes.set_ylabel("row (pixel)", fontsize=8)
            axes.tick_params(labelsize=7)
            bar = figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)))
            bar.set_label(label, fontsize=7)
            bar.ax.tick_params(labelsize=7)

    table: list[list[Cell]] = []
    for name, values, _ in panels:
        known = values[np.isfinite(values)]
        cells: list[Cell] = [None] * 5
        if known.size:
            at = np.percentile(known, [0, 25, 50, 75, 100])
            cells = [float(f"{v:.4g}") for v in at]
        table.append([name, int(known.size), *cells])
    return Figure(
        title=title,
        caption=caption,
        alt=f"Maps over {high} × {wide} pixels: {', '.join(name for name, _, _ in panels)}",
        draw=draw,
        table=Table(["map", "pixels", "least", "25 %", "median", "75 %", "greatest"], table),
        size=(8.0, max(2.2, rows * (8.0 / columns * ratio * 0.72 + 0.8))),
        raster=True,
    )


def _folded(name: str) -> str:
    """Title of a map in lines of what fits above it, so that it does not run into the next."""
    from textwrap import fill

    return fill(name, 30, break_long_words=False)
