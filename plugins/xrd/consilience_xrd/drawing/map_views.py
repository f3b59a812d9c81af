"""The report's section on maps: phases, strain, width, background, regions and their patterns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import unit_text
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

__all__ = ["maps_view"]

ANALYSIS = "xrd.maps"
NOTHING = "#c9c9c9"
"""Grey of points where a phase is not seen or nothing was measured."""


@dataclass(frozen=True)
class _Panel:
    title: str
    values: NDArray[np.float64]
    label: str
    cmap: str = "cividis"
    limits: tuple[float, float] | None = None
    ticks: NDArray[np.float64] | None = None


def maps_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show the maps of each scan that `xrd.maps` was run on."""
    blocks: list[Block] = []
    for measurement in measurements:
        mine = [
            f
            for f in findings
            if measurement.id in f.measurements and f.source.analysis == ANALYSIS
        ]
        named = next((f.array for f in mine if f.array is not None), None)
        if named is None:
            continue
        maps = context.open_array(named)
        if "region" not in maps:
            continue
        blocks += _blocks(measurement, mine, maps)
    return blocks


def _blocks(measurement: Measurement, findings: Sequence[Finding], maps: xr.Dataset) -> list[Block]:
    mark = "SIMULATED. " if measurement.record.origin == "simulated" else ""
    blocks: list[Block] = []
    names = [str(v) for v in maps["phase_name"].values] if "phase_name" in maps else []
    if not names:
        return [Text("No phase was found anywhere on this map.", "note"), _overview(maps, mark)]
    blocks.append(_phase_figure(maps, names, mark))
    strain = _strain_figure(maps, names, mark)
    if strain is not None:
        blocks.append(strain)
    blocks.append(_overview(maps, mark))
    rows = _rows(findings)
    if rows:
        note = (
            "by chance: points that would pass the level of detection if the phase were nowhere; "
            "strain: relative to the map's median, statistical and systematic standard deviation"
        )
        headings = ("region", "phase", "answer", "points", "seen at", "by chance", "strain (10⁻⁴)")
        blocks.append(Table(headings, rows, "Phases by region", note))
    return blocks


def _axes_of(maps: xr.Dataset) -> tuple[str, str]:
    y, x = (str(d) for d in maps["region"].dims)
    return y, x


def _grid(panels: Sequence[_Panel], maps: xr.Dataset, mark: str, title: str, caption: str,
          alt: str, table: Table) -> Figure:  # fmt: skip
    y, x = _axes_of(maps)
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    shape = maps["region"].shape
    ratio = float(np.clip(shape[0] / max(shape[1], 1), 0.3, 1.2))
    ys, xs = np.asarray(maps[y].values), np.asarray(maps[x].values)
    unit = {name: str(maps[name].attrs.get("units", "1")) for name in (y, x)}

    def draw(figure: MatplotlibFigure) -> None:
        from matplotlib import colormaps

        all_axes = figure.subplots(rows, columns, squeeze=False)
        for axes in all_axes.ravel()[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(all_axes.ravel(), panels, strict=False):
            cmap = colormaps[panel.cmap].with_extremes(bad=NOTHING)
            low, high = panel.limits or (None, None)
            shown = np.ma.masked_invalid(panel.values)
            drawn = axes.pcolormesh(
                _edges(xs), _edges(ys), shown, cmap=cmap, vmin=low, vmax=high, rasterized=True
            )
            axes.set_aspect("equal" if unit[x] == unit[y] != "1" else "auto")
            axes.set_title(panel.title, fontsize=8)
            axes.set_xlabel(_label(x, unit[x]), fontsize=8)
            axes.set_ylabel(_label(y, unit[y]), fontsize=8)
            axes.tick_params(labelsize=7)
            place = axes.inset_axes((1.03, 0.0, 0.045, 1.0))
            bar = figure.colorbar(drawn, cax=place, ticks=panel.ticks)
            bar.set_label(panel.label, fontsize=7)
            bar.ax.tick_params(labelsize=7)

    size = (8.0, max(2.0, rows * (8.0 / columns * ratio * 0.75 + 0.9)))
    return Figure(title, mark + caption, alt, draw, table, size, raster=True)


def _label(name: str, unit: str) -> str:
    return f"{name} (point)" if unit == "1" else f"{name} ({unit})"


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def _phase_figure(maps: xr.Dataset, names: Sequence[str], mark: str) -> Figure:
    unit = str(maps["phase_intensity"].attrs.get("units", ""))
    label = f"summed area ({unit_text(unit)})" if unit else "summed area"
    panels: list[_Panel] = []
    rows: list[list[Cell]] = []
    for i, name in enumerate(names):
        values = np.asarray(maps["phase_intensity"].values[i], dtype=float)
        seen = np.asarray(maps["phase_detected"].values[i]) > 0
        limit = np.asarray(maps["phase_limit"].values[i], dtype=float)
        top = float(np.nanpercentile(values[seen], 99.5)) if seen.any() else 1.0
        panels.append(_Panel(name, np.where(seen, values, np.nan), label, limits=(0, top)))
        rows.append([name, int(seen.sum()), int(seen.size), _median(values[seen]), _median(limit)])
    table = Table(
        ("phase", "points where seen", "points", f"median area there ({unit})",
         f"median limit ({unit})"),
        rows,
        note="limit: area that is missed in at most 5 % of trials",
    )  # fmt: skip
    return _grid(
        panels, maps, mark, "Where the phases are",
        "Summed area of the lines of each phase, on a colour scale of its own; grey: not seen "
        "above the level of detection. Intensity follows texture and thickness as well as amount.",
        f"Maps of {', '.join(names)}.", table,
    )  # fmt: skip


def _median(values: NDArray[np.float64]) -> float | None:
    good = values[np.isfinite(values)]
    return float(f"{np.median(good):.4g}") if good.size else None


def _strain_figure(maps: xr.Dataset, names: Sequence[str], mark: str) -> Figure | None:
    panels: list[_Panel] = []
    rows: list[list[Cell]] = []
    for i, name in enumerate(names):
        values = np.asarray(maps["phase_strain"].values[i], dtype=float) * 1e4
        errors = np.asarray(maps["phase_strain_std"].values[i], dtype=float) * 1e4
        good = np.isfinite(values)
        if np.count_nonzero(good) < 3:
            continue
        top = max(float(np.nanpercentile(np.abs(values), 98)), 1e-3)
        panels.append(_Panel(name, values, "strain (10⁻⁴)", "PuOr_r", (-top, top)))
        rows.append(
            [name, int(good.sum()), *(float(f"{v:.3g}") for v in
             (*np.percentile(values[good], [5, 50, 95]), np.median(errors[good])))]
        )  # fmt: skip
    if not panels:
        return None
    table = Table(
        ("phase", "points", "5 %", "median", "95 %", "median std of a point"), rows,
        note="in 10⁻⁴, against the map's median",
    )  # fmt: skip
    return _grid(
        panels, maps, mark, "Lattice strain",
        "Relative change of the lattice spacings of each phase against the map's median; grey: no "
        "line stands out enough for its place to be fitted.",
        "Maps of the strain of each phase.", table,
    )  # fmt: skip


def _overview(maps: xr.Dataset, mark: str) -> Figure:
    region = np.asarray(maps["region"].values, dtype=float)
    unit = str(maps["background"].attrs.get("units", ""))
    panels = [
        _Panel("background", np.asarray(maps["background"].values, dtype=float), unit),
        _Panel("mean intensity", np.asarray(maps["total"].values, dtype=float), unit),
        _Panel(
            "region",
            np.where(region > 0, region, np.nan),
            "number",
            "viridis",
            (0.5, max(region.max(), 1) + 0.5),
            np.arange(1, max(region.max(), 1) + 1),
        ),
    ]
    if "line_fwhm" in maps:
        widths = np.asarray(maps["line_fwhm"].values, dtype=float)
        at = int(np.argmax(np.isfinite(widths).sum(axis=(1, 2))))
        place = float(maps["line"].values[at])
        panels.append(_Panel(f"line width at {place:.2f} Å⁻¹", widths[at], "Å⁻¹"))
    numbers, counts = np.unique(region.astype(int), return_counts=True)
    rows: list[list[Cell]] = [
        ["none" if n == 0 else int(n), int(c)] for n, c in zip(numbers, counts, strict=True)
    ]
    return _grid(
        panels, maps, mark, "Background, intensity, regions and width",
        "Mean of the fitted baseline and of the data over q; regions are points whose lines are "
        "alike; grey: unknown.",
        "Maps of background, mean intensity, regions and line width.",
        Table(("region", "points"), rows),
    )  # fmt: skip


def _rows(findings: Sequence[Finding]) -> list[list[Cell]]:
    strains: dict[tuple[str, str], Finding] = {}
    for f in findings:
        if f.kind == "strain" and f.region is not None and f.subject is not None:
            strains[(f.region.label, f.subject.label)] = f
    rows: list[list[Cell]] = []
    for f in findings:
        if f.kind != "phase" or f.region is None or f.subject is None:
            continue
        evidence: dict[str, Any] = dict(f.evidence)
        strain = strains.get((f.region.label, f.subject.label))
        said: Cell = None
        if strain is not None and strain.value is not None:
            parts = [v for v in (strain.std_stat, strain.std_sys) if v is not None]
            said = " ± ".join(f"{v * 1e4:.2g}" for v in (strain.value, *parts))
        rows.append(
            [f.region.label.split(":")[0], f.subject.label, (f.status or "undecided")
             .replace("_", " "), evidence.get("points"), evidence.get("points_detected"),
             evidence.get("points_by_chance"), said]
        )  # fmt: skip
    return sorted(rows, key=lambda row: (str(row[0]), str(row[1])))
