"""Height maps, profiles, autocorrelation and the density of the rough layer, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_compton.drawing.maps import UNITS, called, draw_bar, extent_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["surface_view"]

CELLS = 8
ROWS = 24


def surface_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw the interface of each volume, and list its roughness."""
    blocks: list[Block] = []
    for measurement in measurements:
        own = [f for f in findings if measurement.id in f.measurements]
        runs: dict[str, list[Finding]] = {}
        for finding in own:
            if finding.source.analysis == "compton.surface":
                key = f"{finding.source.parameters}"
                runs.setdefault(key, []).append(finding)
        for run in runs.values():
            blocks += _of_run(run, measurement, context)
    return blocks


def _of_run(run: Sequence[Finding], measurement: Measurement, context: ViewContext) -> list[Block]:
    name = called(measurement)
    first = next((f for f in run if f.kind == "areal_roughness"), None)
    if first is None:
        return []
    if first.array is None:
        return [Text(f"{name}: no roughness is told: {first.reason}.", "note")]
    blocks: list[Block] = []
    data = context.open_array(first.array)
    blocks.append(_heights(data, measurement, first))
    if "density" in data:
        blocks.append(_density(data, measurement))
    blocks.append(_profiles(data, measurement))
    length = next((f for f in run if f.kind == "correlation_length" and f.array), None)
    if length is not None and length.array is not None:
        blocks.append(_correlation(context.open_array(length.array), measurement, length))
    blocks.append(_table(run, name))
    return blocks


def _table(run: Sequence[Finding], name: str) -> Table:
    rows: list[list[Cell]] = []
    for finding in run:
        parts = finding.evidence.get("std_sys_parts")
        said = ""
        if isinstance(parts, dict):
            said = ", ".join(
                f"{k} {'unknown' if v is None else format(float(v), '.2g')}"
                for k, v in parts.items()
                if v is None or isinstance(v, int | float)
            )
        rows.append(
            [
                str(finding.evidence.get("quantity", finding.kind)),
                finding.value if finding.value is None else float(f"{finding.value:.4g}"),
                UNITS["um"] if finding.unit == "um" else "1",
                None if finding.std_stat is None else float(f"{finding.std_stat:.2g}"),
                None if finding.std_sys is None else float(f"{finding.std_sys:.2g}"),
                said,
            ]
        )
    return Table(
        ["quantity", "value", "unit", "statistical", "systematic", "parts of the systematic"],
        rows,
        title=f"{name}: roughness, areal (S) and of profiles (R) apart",
        note="statistical: how it would scatter over other places of the same sample",
    )


def _marks(measurement: Measurement) -> tuple[str, bool]:
    simulated = measurement.record.origin == "simulated"
    return ("SIMULATED " if simulated else ""), simulated


def _heights(data: xr.Dataset, measurement: Measurement, finding: Finding) -> Figure:
    import numpy as np

    mark, simulated = _marks(measurement)
    array = data["above_form"]
    rows_name, columns_name = (str(d) for d in array.dims)
    unit = UNITS.get(str(array.attrs["units"]), str(array.attrs["units"]))
    values = array.values
    fine = values[np.isfinite(values)]
    limit = float(np.percentile(np.abs(fine), 99.5)) or 1.0
    extent = extent_of(array[rows_name].values, array[columns_name].values)

    def draw(figure: MatplotlibFigure) -> None:
        axes, side = figure.subplots(1, 2, width_ratios=(3, 1))
        axes.set_facecolor("0.75")
        drawn = axes.imshow(
            values, extent=extent, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        axes.set_xlabel(f"{columns_name} ({unit})")
        axes.set_ylabel(f"{rows_name} ({unit})")
        figure.colorbar(drawn, ax=axes, label=f"height above the form ({unit})", extend="both")
        draw_bar(
            axes,
            extent[0],
            extent[2],
            extent[1] - extent[0],
            extent[2] - extent[3],
            str(array.attrs["units"]),
        )
        side.hist(fine, 60, orientation="horizontal", color=palette()[0])
        side.set_ylabel(f"height above the form ({unit})")
        side.set_xlabel("columns")
        if simulated:
            figure.suptitle("simulated data", fontsize=9)

    cells: list[list[Cell]] = []
    for i in np.array_split(np.arange(values.shape[0]), min(CELLS, values.shape[0])):
        for j in np.array_split(np.arange(values.shape[1]), min(CELLS, values.shape[1])):
            part = values[i[0] : i[-1] + 1, j[0] : j[-1] + 1]
            part = part[np.isfinite(part)]
            cells.append(
                [
                    round(float(array[rows_name].values[i].mean()), 2),
                    round(float(array[columns_name].values[j].mean()), 2),
                    round(float(part.mean()), 3) if part.size else None,
                    round(float(np.abs(part).mean()), 3) if part.size else None,
                ]
            )
    missing = int(values.size - fine.size)
    faces = finding.evidence.get("surface_faces", "")
    told = f"the size of a voxel is not known; {finding.evidence.get('value_in_voxels')} voxels"
    said = f"S_a {finding.value:.3g} {unit}" if finding.value is not None else told
    return Figure(
        title=f"{mark}{called(measurement)}: heights of the interface",
        caption=f"{said}; {finding.method}. The surface faces {faces}. "
        f"{missing} of {values.size} columns have no height (grey).",
        alt=f"Map of heights above the form, from {fine.min():.3g} to {fine.max():.3g} {unit}",
        draw=draw,
        table=Table(
            [
                f"{rows_name} ({unit})",
                f"{columns_name} ({unit})",
                f"mean height ({unit})",
                f"mean |height| ({unit})",
            ],
            cells,
            note="means over parts of the map",
        ),
        size=(8.0, 4.2),
        raster=True,
    )


def _density(data: xr.Dataset, measurement: Measurement) -> Figure:
    mark, simulated = _marks(measurement)
    array = data["density"]
    rows_name, columns_name = (str(d) for d in array.dims)
    down, along = rows_name.removeprefix("tile_"), columns_name.removeprefix("tile_")
    stored = str(data[down].attrs["units"])
    unit = UNITS.get(stored, stored)
    extent = extent_of(array[rows_name].values, array[columns_name].values)
    low, high = float(array.attrs["layer_low"]), float(array.attrs["layer_high"])

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        axes.set_facecolor("0.75")
        drawn = axes.imshow(array.values, extent=extent, cmap="cividis", interpolation="nearest")
        axes.set_xlabel(f"{along} ({unit})")
        axes.set_ylabel(f"{down} ({unit})")
        figure.colorbar(drawn, ax=axes, label="share of solid in the rough layer")
        if simulated:
            axes.set_title("simulated data", fontsize=9)

    cells: list[list[Cell]] = [
        [
            round(float(array[rows_name].values[i]), 2),
            round(float(array[columns_name].values[j]), 2),
            None if array.values[i, j] != array.values[i, j] else round(array.values[i, j], 4),
        ]
        for i in range(array.shape[0])
        for j in range(array.shape[1])
    ]
    return Figure(
        title=f"{mark}{called(measurement)}: how dense the rough layer is",
        caption=f"Share of solid (moss and fragments) between {low:.3g} and {high:.3g} "
        f"{unit} above the form, the 5th and 95th percentile of the heights, in tiles.",
        alt="Map of the share of solid in the rough layer",
        draw=draw,
        table=Table([f"{down} ({unit})", f"{along} ({unit})", "share of solid"], cells),
        size=(6.0, 4.0),
        raster=True,
    )


def _profiles(data: xr.Dataset, measurement: Measurement) -> Figure:
    mark, simulated = _marks(measurement)
    array = data["above_form"]
    names = [str(d) for d in array.dims]
    unit = UNITS.get(str(array.attrs["units"]), str(array.attrs["units"]))
    middle = [n // 2 for n in array.shape]
    lines = [
        (names[1], array[names[1]].values, array.values[middle[0]]),
        (names[0], array[names[0]].values, array.values[:, middle[1]]),
    ]

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        for i, (name, place, height) in enumerate(lines):
            axes.plot(
                place - place[0],
                height,
                color=palette()[i],
                linestyle=("-", "--")[i],
                linewidth=1.1,
                label=f"along {name}",
            )
        axes.axhline(0.0, color="0.6", linewidth=0.8)
        axes.set_xlabel(f"distance ({unit})")
        axes.set_ylabel(f"height above the form ({unit})")
        axes.legend()
        if simulated:
            axes.set_title("simulated data", fontsize=9)

    cells: list[list[Cell]] = []
    for name, place, height in lines:
        for k in range(0, place.size, max(1, place.size // ROWS)):
            value = None if height[k] != height[k] else round(float(height[k]), 3)
            cells.append([name, round(float(place[k] - place[0]), 3), value])
    return Figure(
        title=f"{mark}{called(measurement)}: profiles through the middle",
        caption="Heights above the form along both axes of the map.",
        alt="Two profiles of the interface",
        draw=draw,
        table=Table(
            ["along", f"distance ({unit})", f"height ({unit})"], cells, note="every few points"
        ),
    )


def _correlation(data: xr.Dataset, measurement: Measurement, finding: Finding) -> Figure:
    mark, simulated = _marks(measurement)
    unit = UNITS.get(str(data["lag_rows"].attrs["units"]), "")
    lines = [
        (str(data[name].attrs["axis"]), data[lag].values, data[name].values)
        for lag, name in (("lag_rows", "along_rows"), ("lag_columns", "along_columns"))
    ]

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        for i, (name, lag, value) in enumerate(lines):
            axes.plot(
                lag,
                value,
                color=palette()[i],
                linestyle=("-", "--")[i],
                linewidth=1.2,
                label=f"along {name}",
            )
        axes.axhline(0.2, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(
            "0.2", (1.0, 0.2), xycoords=("axes fraction", "data"), ha="right", va="bottom"
        )
        if finding.value is not None:
            axes.axvline(finding.value, color=palette()[2], linewidth=1.0)
            axes.annotate(
                f" S_al {finding.value:.3g} {unit}",
                (finding.value, 0.9),
                color=palette()[2],
                fontsize=9,
            )
        axes.set_xlabel(f"lag ({unit})")
        axes.set_ylabel("autocorrelation")
        axes.legend()
        if simulated:
            axes.set_title("simulated data", fontsize=9)

    cells: list[list[Cell]] = []
    for name, lag, value in lines:
        cells += [
            [name, round(float(lag[k]), 3), round(float(value[k]), 4)]
            for k in range(0, lag.size, max(1, lag.size // ROWS))
        ]
    return Figure(
        title=f"{mark}{called(measurement)}: autocorrelation of the heights",
        caption="S_al is the shortest distance at which it falls to 0.2, over all "
        "directions; the two axes of the map are drawn.",
        alt="Autocorrelation of the heights along both axes",
        draw=draw,
        table=Table(["along", f"lag ({unit})", "autocorrelation"], cells, note="thinned"),
    )
