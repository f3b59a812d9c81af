"""The needle: ions from the side and from the top, and the map of one element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Cloud, CloudGroup, Figure, Table, ViewContext
from consilience_apt.drawing.cloud import OTHERS, CloudPoints, cloud_points
from consilience_apt.drawing.views_spectrum import mark, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["atom_map", "map_blocks"]

MOST_DRAWN = 15_000
"""Points of one projection; more would hide each other."""
SLICE = 2.0
"""nm; half the thickness of the slice that the side view shows, if the needle is thicker."""


def atom_map(measurement: Measurement, findings: Sequence[Finding]) -> list[Block]:
    """Return projections of a sample of the ions: a slice from the side, and from the top."""
    cloud = cloud_points(measurement, findings)
    if not len(cloud.points):
        return []
    low, high = np.percentile(cloud.points, [0.05, 99.95], axis=0)
    middle = float(np.median(cloud.points[:, 1]))
    side = np.abs(cloud.points[:, 1] - middle) < SLICE
    slice_said = (
        f"the slice within {SLICE:g} nm of its middle in y" if side.sum() >= 2000 else "all along y"
    )
    if side.sum() < 2000:
        side = np.ones(len(cloud.points), bool)
    extent = np.maximum(high - low, 1.0)
    upright = extent[2] > 1.6 * extent[0]
    said = mark(measurement)

    def draw(figure: MatplotlibFigure) -> None:
        ratios = [extent[2] if upright else extent[0], extent[0]]
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": ratios})
        axis = (2, 0) if upright else (0, 2)
        _scatter(left, cloud, side, axis, low, high)
        _scatter(right, cloud, np.ones(len(cloud.points), bool), (0, 1), low, high)
        left.set_title("from the side")
        right.set_title("from the top")
        for axes in (left, right):
            _bar(axes)
        stamp(left, measurement)
        handles, labels = _legend(cloud)
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(len(labels), 8), frameon=False
        )

    height = 7.0 * extent[0] / (extent[2] + extent[0]) + 1.2 if upright else 4.4
    return [
        Figure(
            title=f"Atom map: {measurement.record.name}",
            caption=(
                f"{said}{cloud.sentence} From the side: {slice_said}; from the top: all of the "
                "sample. One length is one length in every direction; rare species are drawn "
                "larger."
            ),
            alt=f"{said}Ions of {', '.join(cloud.names)} projected along y and along z.",
            draw=draw,
            table=_species_table(cloud),
            size=(8.0, float(np.clip(height, 2.8, 6.5))),
            raster=True,
        ),
        _cloud(measurement, cloud),
    ]


def _cloud(measurement: Measurement, cloud: CloudPoints) -> Cloud:
    """Return the same ions in space, to be turned and cut."""
    said = mark(measurement)
    groups = [
        CloudGroup(name, points, colour, 2.0 * size)
        for place, (name, colour, size) in enumerate(
            zip(cloud.names, cloud.colours, cloud.sizes, strict=True)
        )
        if len(points := cloud.points[cloud.species == place])
    ]
    return Cloud(
        title=f"Ions in space: {measurement.record.name}",
        caption=f"{said}{cloud.sentence} The number beside a name is that of the points drawn.",
        alt=f"{said}Ions of {', '.join(cloud.names)} in the reconstructed needle.",
        groups=groups,
        unit="nm",
        table=_species_table(cloud),
    )


def _scatter(
    axes: Axes,
    cloud: CloudPoints,
    chosen: NDArray[np.bool_],
    axis: tuple[int, int],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    at = np.flatnonzero(chosen)
    at = at[:: max(-(-at.size // MOST_DRAWN), 1)]
    # what is rare is drawn last, so that it is seen
    for place in (len(cloud.names) - 1, *range(len(cloud.names) - 1)):
        mine = at[cloud.species[at] == place]
        if mine.size and not (place == 0 and len(cloud.names) == 1 and not mine.size):
            axes.scatter(
                cloud.points[mine, axis[0]], cloud.points[mine, axis[1]],
                s=4.0 * cloud.sizes[place], c=cloud.colours[place], linewidths=0, alpha=0.8,
                rasterized=True,
            )  # fmt: skip
    axes.set_xlim(low[axis[0]] - 1, high[axis[0]] + 1)
    axes.set_ylim(low[axis[1]] - 1, high[axis[1]] + 1)
    axes.set_aspect("equal")
    axes.set_xlabel(f"{'xyz'[axis[0]]} (nm)")
    axes.set_ylabel(f"{'xyz'[axis[1]]} (nm)")


def _bar(axes: Axes) -> None:
    """Draw a scale bar of a round length, valid in both directions."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    wanted = (high - low) / 4
    length = max(
        (step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step <= wanted), default=1
    )
    right = high - 0.04 * (high - low)
    at = bottom + 0.05 * (top - bottom)
    axes.plot([right - length, right], [at, at], color="#000000", linewidth=2.5, zorder=9)
    axes.text(
        right - length / 2, at + 0.015 * (top - bottom), f"{length} nm", ha="center", va="bottom",
        fontsize=7, zorder=9,
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8},
    )  # fmt: skip


def _legend(cloud: CloudPoints) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    handles, labels = [], []
    for place, name in enumerate(cloud.names):
        if not (cloud.species == place).any():
            continue
        size = 3.0 + 2.0 * cloud.sizes[place]
        handles.append(
            Line2D([], [], marker="o", linestyle="", color=cloud.colours[place], markersize=size)
        )
        labels.append(name)
    return handles, labels


def _species_table(cloud: CloudPoints) -> Table:
    rows: list[list[Cell]] = []
    for place, name in enumerate(cloud.names):
        mine = cloud.points[cloud.species == place]
        if not len(mine):
            continue
        low, high = mine.min(axis=0), mine.max(axis=0)
        rows.append(
            [name, len(mine), *(round(float(v), 2) for v in (low[2], high[2], low[0], high[0]))]
        )
    note = cloud.sentence
    if OTHERS in cloud.names:
        note += " Other ions: unranged, unidentified, or the rarest species."
    headings = ["species", "ions in the sample", "lowest z (nm)", "highest z (nm)",
                "lowest x (nm)", "highest x (nm)"]  # fmt: skip
    return Table(headings, rows, note=note)


def map_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return contour maps of an element over two axes."""
    blocks: list[Block] = []
    for found in findings:
        if found.kind != "composition_map" or found.array is None:
            continue
        data = context.open_array(found.array)
        first, second = (str(name) for name in data["fraction"].dims)
        value = np.asarray(data["fraction"].values, dtype=float)
        if not np.isfinite(value).any():
            continue
        blocks.append(_map(measurement, found, data, first, second, value))
    return blocks


def _map(
    measurement: Measurement, found: Finding, data: Any, first: str, second: str, value: Any
) -> Figure:
    a, b = (np.asarray(data[name].values, dtype=float) for name in (first, second))
    known = np.isfinite(value)
    rows_known, columns_known = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    element = found.subject.label if found.subject else "element"
    upright = np.ptp(b[columns_known]) > 1.6 * np.ptp(a[rows_known])
    span = (a[rows_known[0]], a[rows_known[-1]]), (b[columns_known[0]], b[columns_known[-1]])

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        x, y, z = (b, a, 100 * value) if upright else (a, b, 100 * value.T)
        shown = np.ma.masked_invalid(z)
        low, high = float(shown.min()), float(shown.max())
        drawn = axes.pcolormesh(x, y, shown, cmap="cividis", shading="nearest", rasterized=True)
        if high - low > 1.0:
            levels = _levels(low, high)
            lines = axes.contour(x, y, shown, levels=levels, colors="white", linewidths=0.7)
            for text in axes.clabel(lines, fmt=lambda v: f"{v:g}", fontsize=7):
                text.set_rotation(0.0)
        axes.set_aspect("equal")
        axes.set_xlim(*(span[1] if upright else span[0]))
        axes.set_ylim(*(span[0] if upright else span[1]))
        axes.set_xlabel(f"{second if upright else first} (nm)")
        axes.set_ylabel(f"{first if upright else second} (nm)")
        figure.colorbar(
            drawn, ax=axes, label=f"{element} (at.%)", shrink=0.85,
            location="top" if upright else "right", aspect=40 if upright else 20,
        )  # fmt: skip
        stamp(axes, measurement)

    rows: list[list[Cell]] = []
    for part in np.array_split(columns_known, min(25, columns_known.size)):
        here = value[:, part]
        inside = here[np.isfinite(here)]
        rows.append(
            [
                round(float(b[part[0]]), 2),
                round(float(b[part[-1]]), 2),
                None if not inside.size else round(100 * float(inside.mean()), 2),
                None if not inside.size else round(100 * float(inside.min()), 2),
                None if not inside.size else round(100 * float(inside.max()), 2),
            ]
        )
    spread: Any = found.evidence.get("spread") or [0.0]
    ratio = (span[0][1] - span[0][0] + 1) / (span[1][1] - span[1][0] + 1)
    height = 7.0 * ratio + 1.4 if upright else 4.6
    said = mark(measurement)
    return Figure(
        title=f"{element} over {first} and {second}",
        caption=(
            f"{said}Fraction of {element} summed over the third axis, delocalised by "
            f"{max(spread):.2g} nm; contours in at.%. Pixels of few ions are left white."
        ),
        alt=f"{said}Map of the {element} fraction over {first} and {second}.",
        draw=draw,
        table=Table(
            [f"{second} from (nm)", f"{second} to (nm)", f"mean {element} (at.%)", "least (at.%)",
             "most (at.%)"], rows, note=f"over slices along {second}",
        ),
        size=(8.0, float(np.clip(height, 2.6, 6.0))),
        raster=True,
    )  # fmt: skip


def _levels(low: float, high: float) -> list[float]:
    step = next((s for s in (1, 2, 5, 10, 20, 25) if (high - low) / s <= 6), 25)
    first = int(low // step + 1) * step
    return [float(v) for v in range(first, int(high) + 1, step)] or [(low + high) / 2]
