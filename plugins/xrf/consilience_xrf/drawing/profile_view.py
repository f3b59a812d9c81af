"""Profiles of element maps along a line, all scans of a line in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import unit_text
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_xrf.drawing.common import own_findings, rounded

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["profiles_view"]

PROFILES = ("xrf.profile", "xrf.profile_of_spectra")
ROWS = 40


def profiles_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw each line's profiles of all scans in one figure, with bands of one deviation."""
    mine = [
        f
        for f in own_findings(measurements, findings, PROFILES)
        if f.kind == "line_profile" and f.array is not None and f.subject is not None
    ]
    by_line: dict[str, list[tuple[Finding, xr.Dataset]]] = {}
    for f in mine:
        label = f.subject.label if f.subject else ""
        by_line.setdefault(label, []).append((f, context.open_array(f.array or "")))
    return [_profile(line, some) for line, some in by_line.items()]


def _profile(line: str, some: Sequence[tuple[Finding, xr.Dataset]]) -> Figure:
    simulated = any(f.origin == "simulated" for f, _ in some)
    mark = "SIMULATED " if simulated else ""
    region = some[0][0].region
    ends = region.coordinates if region is not None else []
    unit = str(some[0][1]["distance"].attrs.get("units", "1"))
    flat = len(ends) == 2 and ends[0][1] == ends[1][1] and ends[0][0] < ends[1][0]
    alike = all(f.region is not None and f.region.coordinates == ends for f, _ in some)
    start = ends[0][0] if flat and alike else 0.0
    place = "x" if flat and alike else "distance along the line"
    label = f"{place} ({unit_text(unit) if unit != '1' else 'points'})"

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        for i, (_, data) in enumerate(some):
            colour = palette()[i % len(palette())]
            style = ("-", "--", ":")[i // len(palette()) % 3]
            x = start + np.asarray(data["distance"].values)
            share = np.asarray(data["share"].values)
            if "share_std" in data:
                std = np.asarray(data["share_std"].values)
                axes.fill_between(
                    x, share - std, share + std, step="mid", color=colour, alpha=0.25, linewidth=0
                )
            axes.step(
                x, share, where="mid", color=colour, linestyle=style, linewidth=1.1,
                label=str(data.attrs.get("title", "")),
            )  # fmt: skip
        axes.set_xlabel(label)
        axes.set_ylabel(f"{line}, share of the greatest point")
        axes.set_ylim(bottom=0.0)
        axes.margins(x=0.0)
        axes.legend(fontsize=7.5, ncols=2 if len(some) > 4 else 1, loc="best")
        if simulated:
            axes.set_title("SIMULATED data", fontsize=8, color="#a33")

    shared = some[0][0].evidence.get("greatest_std_shared_relative")
    rows: list[list[Cell]] = []
    for _, data in some:
        size = data.sizes["distance"]
        every = max(1, -(-size * len(some) // ROWS))
        std = data["share_std"].values if "share_std" in data else np.full(size, np.nan)
        rows += [
            [
                str(data.attrs.get("title", "")),
                rounded(start + float(data["distance"].values[i])),
                rounded(data["share"].values[i]),
                rounded(std[i]),
                int(data["points"].values[i]),
            ]
            for i in range(0, size, every)
        ]
    where = ""
    if len(ends) == 2:
        (x0, y0), (x1, y1) = ends
        where = f" From x {x0:.4g}, y {y0:.4g} to x {x1:.4g}, y {y1:.4g}"
        where += "" if alike else " in the first scan"
        where += f", {region.label if region is not None else ''}."
    common = ""
    if isinstance(shared, float):
        common = f" All curves share an error of {100 * shared:.2g} % of their number, that of the "
        common += "greatest point, which is not in the bands."
    return Figure(
        title=f"{mark}{line} along a line",
        caption=f"{mark}Means of points in bins; bands: one standard deviation from counting."
        f"{where}{common}",
        alt=f"Profiles of {line} in {len(some)} scans",
        draw=draw,
        table=Table(
            ["scan", label, "share of the greatest point", "standard deviation", "points"],
            rows,
            note="thinned to about 40 rows" if len(rows) >= ROWS else "all bins",
        ),
        size=(8.0, 3.4),
    )
