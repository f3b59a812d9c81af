"""Profiles along a line with their error bands, and the interfaces in them."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["profiles_view"]

ANALYSES = ("eels.profile", "eels.profile_edx", "eels.profile_image")
ROWS = 60


def profiles_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw each profile with its band of one standard deviation, and list its interfaces."""
    blocks: list[Block] = []
    for measurement in measurements:
        said = [
            f
            for f in findings
            if f.source.analysis in ANALYSES and measurement.id in f.measurements
        ]
        simulated = measurement.record.origin == "simulated"
        for finding in said:
            if finding.kind != "line_profile" or finding.array is None:
                continue
            found = [f for f in said if f.array == finding.array and f is not finding]
            data = context.open_array(finding.array)
            blocks.append(
                _profile(data, finding, found, measurement.record.name, simulated=simulated)
            )
        table = _interfaces(said)
        if table:
            blocks.append(table)
    return blocks


def _interfaces(said: Sequence[Finding]) -> Table | None:
    rows: list[list[Cell]] = []
    for f in said:
        if f.kind not in ("interface_position", "interface_width"):
            continue
        what = "position" if f.kind == "interface_position" else "width, 10 to 90 %"
        interval = None
        if f.interval is not None and f.interval.low is not None and f.interval.high is not None:
            interval = f"{f.interval.low:.3g} to {f.interval.high:.3g}"
        rows.append(
            [
                f.subject.label if f.subject else "",
                what,
                _rounded(f.value),
                _rounded(f.std_stat),
                _rounded(f.std_sys),
                interval,
                f.reason or "",
            ]
        )
    if not rows:
        return None
    return Table(
        ["of", "what", "nm", "± statistical", "± systematic", "68.3 % (nm)", "why not"],
        rows,
        title="Interfaces along the line",
        note="Positions from the beginning of the line. No statistical error of a width: a sharp "
        "interface is not excluded, and the interval is an upper limit.",
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _profile(
    data: xr.Dataset, finding: Finding, found: Sequence[Finding], name: str, *, simulated: bool
) -> Figure:
    import numpy as np

    distance, values = data["distance"].values, data["value"].values
    std = data["value_std"].values if "value_std" in data else None
    unit = str(data["value"].attrs.get("units", "1"))
    label = finding.subject.label if finding.subject else ""
    quantity = f"{label} ({'counts a pixel' if unit == 'count' else 'a pixel'})"
    steps = [str(v) for v in data.data_vars if str(v).startswith("step_")]
    places = [f for f in found if f.kind == "interface_position" and f.value is not None]
    said = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        if std is not None:
            axes.fill_between(
                distance, values - std, values + std, step="mid", color=palette()[0], alpha=0.3,
                linewidth=0, label="± 1 standard deviation",
            )  # fmt: skip
        axes.step(distance, values, where="mid", color=palette()[0], linewidth=1.0, label=label)
        for i, step in enumerate(steps):
            axes.plot(
                distance, data[step].values, color=palette()[1], linewidth=1.2,
                label="fitted interface" if i == 0 else None,
            )  # fmt: skip
        for place in places:
            error = place.std_stat or 0.0
            at = float(place.value or 0.0)
            axes.axvspan(at - error, at + error, color=palette()[2], alpha=0.35, linewidth=0)
            axes.axvline(at, color=palette()[2], linewidth=0.9, linestyle="--")
        axes.set_xlabel("distance along the line (nm)")
        axes.set_ylabel(quantity)
        axes.margins(x=0.0)
        axes.legend(fontsize=8, frameon=False)
        if simulated:
            axes.set_title("simulated data")

    every = max(1, -(-values.size // ROWS))
    rows: list[list[Cell]] = [
        [
            _rounded(float(distance[i])),
            _rounded(float(values[i])) if np.isfinite(values[i]) else None,
            _rounded(float(std[i])) if std is not None and np.isfinite(std[i]) else None,
            int(data["pixels"].values[i]),
        ]
        for i in range(0, values.size, every)
    ]
    where = ""
    if finding.region is not None and len(finding.region.coordinates) == 2:
        (x0, y0), (x1, y1) = finding.region.coordinates
        where = f" From x {x0:.4g}, y {y0:.4g} to x {x1:.4g}, y {y1:.4g} nm, "
        where += f"{finding.region.label}."
    dashed = " Dashed green: interfaces, with their statistical errors." if places else ""
    return Figure(
        title=f"{said}{name}: {label} along a line",
        caption=f"{said}Means of the pixels across the strip in bins.{where}{dashed}",
        alt=f"Profile of {label} over {float(distance[-1]):.4g} nm with {len(places)} interfaces",
        draw=draw,
        table=Table(
            ["distance (nm)", quantity, "standard deviation", "pixels"],
            rows,
            note=f"every {every}. bin" if every > 1 else "all bins",
        ),
    )
