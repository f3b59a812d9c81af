"""The report's section of a change: maps over the states, difference maps, numbers by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import unit_text
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_xrf.drawing.common import own_findings, rounded, short

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

__all__ = ["change_view"]

ACROSS = 4
SHOWN = (
    ("void_fraction", "void fraction"),
    ("edge_to_centre", "rim over core"),
    ("rim_share", "share in the rim"),
    ("spread", "spread"),
    ("centre_x", "centre along x"),
    ("centre_y", "centre along y"),
)
EDGES = {"white": "black", "black": "white"}
"""About a scale bar and its text, which may lie on bright and dark."""
FAR = 8.0
"""Standard deviations at which the colour scale of significance ends."""


def change_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show how element maps of one area changed."""
    mine = own_findings(measurements, findings, ("xrf.change", "xrf.change_of_spectra"))
    blocks: list[Block] = []
    for whole in (f for f in mine if f.kind == "redistribution" and f.array is not None):
        line = "" if whole.subject is None else whole.subject.label
        of_run = [f for f in mine if f.source == whole.source or _same(f, whole)]
        maps = [f for f in of_run if f.kind == "spatial_change" and f.array is not None]
        simulated = whole.origin == "simulated"
        states = context.open_array(str(whole.array))
        opened = [(f, context.open_array(str(f.array))) for f in maps]
        blocks.append(Text(whole.sentence or "", "note"))
        blocks.append(_maps(line, opened, simulated))
        blocks.append(_courses(line, states, simulated))
        blocks.append(_tests(line, maps))
        ratios = [f for f in of_run if f.kind == "intensity_ratio"]
        if ratios:
            blocks += _ratios(ratios)
    return blocks


def _same(one: Finding, whole: Finding) -> bool:
    return one.sample == whole.sample and one.source.parameters == whole.source.parameters


def _mark(simulated: bool) -> str:
    return "SIMULATED. " if simulated else ""


def _maps(line: str, maps: list[tuple[Finding, xr.Dataset]], simulated: bool) -> Figure:
    """Aligned maps on one scale above, significance of their difference below."""
    first = maps[0][1]
    shown = [first["reference"].values, *(d["aligned"].values for _, d in maps)]
    top = float(np.nanquantile(np.concatenate([s.ravel() for s in shown]), 0.995))
    names = [str(f.evidence.get("scan")) for f, _ in maps]
    unit = str(maps[0][1]["aligned"].attrs["units"])
    length = str(maps[0][1]["x"].attrs["units"])
    extent = _extent(first["x"].values, first["y"].values)
    tall = abs((extent[3] - extent[2]) / (extent[1] - extent[0]))
    reference = str(maps[0][0].evidence.get("reference"))

    panels: list[tuple[str, xr.Dataset | None]] = [(reference, None)]
    panels += [(name, data) for name, (_, data) in zip(names, maps, strict=True)]
    across = min(len(panels), ACROSS)
    rows = -(-len(panels) // across)

    def draw(figure: MatplotlibFigure) -> None:
        grid = figure.subplots(2 * rows, across, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        for down in range(rows):
            last: list[AxesImage | None] = [None, None]
            for column, (name, data) in enumerate(panels[down * across : (down + 1) * across]):
                above, below = grid[2 * down][column], grid[2 * down + 1][column]
                above.set_title(name, fontsize=7.5)
                values = first["reference"].values if data is None else data["aligned"].values
                last[0] = _panel(above, values, extent, ("cividis", 0.0, top), length)
                if data is None:
                    below.text(0.5, 0.5, "reference", ha="center", fontsize=7.5, color="#555")
                    continue
                far = data["significance"].values
                last[1] = _panel(below, far, extent, ("RdBu_r", -FAR, FAR), length)
                _outline(below, data, extent)
                below.set_xlabel(f"x ({unit_text(length)})" if length != "1" else "x", fontsize=6.5)
            for part, label in enumerate((f"{line} ({unit_text(unit)})", "difference (std. dev.)")):
                image = last[part]
                if image is None:
                    continue
                bar = figure.colorbar(
                    image, ax=list(grid[2 * down + part]), shrink=0.95, aspect=12, pad=0.01,
                    extend="both" if part else "max",
                )  # fmt: skip
                bar.set_label(label, fontsize=6.5)
                bar.ax.tick_params(labelsize=6.5)
        if simulated:
            figure.suptitle("SIMULATED data", fontsize=8, x=0.01, ha="left", color="#a33")

    table = Table(
        ["state", "points tested", "points changed", "share changed", "divided by"],
        [
            [
                name,
                _count(f, "points_tested"),
                _count(f, "points_changed"),
                rounded(f.value),
                rounded(f.evidence.get("divided_by")),
            ]
            for name, (f, _) in zip(names, maps, strict=True)
        ],
        note=f"against {reference}; all matter made equal first",
    )
    each = 6.6 / across
    return Figure(
        title=f"{line}: maps over the states, and where they differ",
        caption=f"{_mark(simulated)}Above: maps brought onto the points of {reference}, on one "
        f"scale. Below: their difference from it in standard deviations of counting, alignment "
        "and interpolation together, all matter made equal first; outlined where it exceeds what "
        "1 % for all points together allow. Grey: not covered, or no counts.",
        alt=f"Maps of {line} in {len(maps)} states and the significance of their difference "
        f"from {reference}",
        draw=draw,
        table=table,
        size=(8.0, min(rows * 2 * (each * tall + 0.32) + 0.4, 9.4)),
        raster=True,
    )


def _panel(
    axes: Axes,
    values: NDArray[np.float64],
    extent: tuple[float, float, float, float],
    scale: tuple[str, float, float],
    length: str,
) -> AxesImage:
    """One map with its scale bar."""
    axes.set_axis_on()
    image = axes.imshow(
        values, extent=extent, origin="lower", cmap=scale[0], vmin=scale[1], vmax=scale[2],
        interpolation="nearest", aspect="equal",
    )  # fmt: skip
    axes.set_facecolor("#c9c9c9")
    axes.tick_params(labelsize=6, length=2)
    axes.locator_params(nbins=4)
    if length != "1":
        colour = "white" if scale[0] == "cividis" else "black"
        _scale_bar(axes, extent, unit_text(length), colour)
    return image


def _count(finding: Finding, name: str) -> Cell:
    value = finding.evidence.get(name)
    return value if isinstance(value, int) else None


def _extent(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float, float]:
    found = []
    for axis in (x, y):
        half = 0.5 * (axis[-1] - axis[0]) / max(len(axis) - 1, 1)
        found += [float(axis[0] - half), float(axis[-1] + half)]
    return found[0], found[1], found[2], found[3]


def _outline(axes: Axes, data: xr.Dataset, extent: tuple[float, float, float, float]) -> None:
    changed = data["changed"].values > 0
    if changed.any() and not changed.all():
        axes.contour(
            data["x"].values, data["y"].values, changed.astype(float), levels=[0.5],
            colors="black", linewidths=0.6,
        )  # fmt: skip
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])


def _scale_bar(
    axes: Axes, extent: tuple[float, float, float, float], unit: str, colour: str
) -> None:
    from matplotlib import patheffects

    from consilience_xrf.drawing.grid import bar_length

    edge = [patheffects.withStroke(linewidth=1.4, foreground=EDGES[colour])]
    left, right = sorted(extent[:2])
    low, high = sorted(extent[2:])
    length = bar_length(right - left)
    x, y = left + 0.05 * (right - left), low + 0.07 * (high - low)
    axes.plot(
        [x, x + length], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt",
        path_effects=[patheffects.withStroke(linewidth=3.0, foreground=EDGES[colour])],
    )  # fmt: skip
    axes.text(
        x + length / 2, y + 0.03 * (high - low), f"{length:g} {unit}", color=colour,
        fontsize=6, ha="center", va="bottom", path_effects=edge,
    )  # fmt: skip


def _courses(line: str, states: xr.Dataset, simulated: bool) -> Figure:
    """Numbers against cycle, with both errors."""
    known = [(n, w) for n, w in SHOWN if n in states]
    name = str(states["state"].attrs["name"])
    labels = [str(v) for v in states["label"].values]
    by_number = name == "cycle"
    at = np.asarray(states["state"].values if by_number else np.arange(len(labels)), dtype=float)
    at = _apart(at)
    changed = states["changed"].values > 0
    colours = palette()

    def draw(figure: MatplotlibFigure) -> None:
        across = 3
        rows = -(-len(known) // across)
        grid = figure.subplots(rows, across, squeeze=False, sharex=True)
        for axes in grid.ravel()[len(known) :]:
            axes.set_axis_off()
        for axes, (key, words) in zip(grid.ravel(), known, strict=False):
            values, errors = states[key].values, states[f"{key}_std"].values
            axes.errorbar(at, values, errors, color=colours[0], marker="o", ms=3, lw=0.8, capsize=2)
            axes.plot(
                at[changed], values[changed], "o", ms=6, mfc="none", mec=colours[1], lw=0,
            )  # fmt: skip
            unit = str(states[key].attrs["units"])
            axes.set_ylabel(words + ("" if unit == "1" else f" ({unit_text(unit)})"), fontsize=7)
            axes.tick_params(labelsize=6.5)
            axes.margins(x=0.08)
        for axes in grid[-1]:
            axes.set_xlabel(name if by_number else "state", fontsize=7)
            if not by_number:
                axes.set_xticks(at, labels, rotation=30, ha="right")
        if simulated:
            figure.suptitle("SIMULATED data", fontsize=8, x=0.01, ha="left", color="#a33")

    table = Table(
        ["state", *(w for _, w in known)],
        [
            [
                label,
                *(
                    " ± ".join(short(float(states[n].values[i])) for n in (k, f"{k}_std"))
                    for k, _ in known
                ),
            ]
            for i, label in enumerate(labels)
        ],
        note="± is the standard deviation of counting and of alignment, resolution, outline and "
        "threshold together",
    )
    return Figure(
        title=f"{line}: numbers of shape over the states",
        caption=f"{_mark(simulated)}Void fraction, rim over core, share of matter in the rim, "
        "spread and centre of mass. Bars hold counting and alignment; states ringed in orange "
        "differ from the reference by at least one test, all tests held together.",
        alt=f"{len(known)} numbers of shape of {line} over {len(labels)} states",
        draw=draw,
        table=table,
        size=(8.0, 1.75 * (-(-len(known) // 3)) + 0.5),
    )


def _apart(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """States of one cycle beside each other."""
    moved = at.copy()
    width = max(float(np.ptp(at)), 1.0) * 0.012
    for value in np.unique(at):
        same = np.flatnonzero(at == value)
        moved[same] += (np.arange(len(same)) - (len(same) - 1) / 2) * width
    return moved


def _tests(line: str, maps: list[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for finding in maps:
        tests = finding.evidence.get("tests")
        for name, said in tests.items() if isinstance(tests, dict) else ():
            if not isinstance(said, dict):
                continue
            p = said.get("p_all_tests_together")
            rows.append(
                [
                    str(finding.evidence.get("scan")),
                    name.replace("_", " "),
                    rounded(said.get("change")),
                    rounded(said.get("change_std")),
                    rounded(said.get("p")),
                    rounded(p),
                    isinstance(p, float) and p < 0.01,
                ]
            )
    return Table(
        ["state", "what", "change", "its standard deviation", "p alone", "p together", "changed"],
        rows,
        title=f"{line}: tests of change",
        note="p together is Holm's for all tests of all states; histogram: beyond what noise gives",
    )


def _ratios(ratios: Sequence[Finding]) -> list[Block]:
    rows: list[list[Cell]] = []
    for finding in ratios:
        parts = finding.evidence.get("std_sys_parts")
        known = parts if isinstance(parts, dict) else {}
        rows.append(
            [
                str(finding.evidence.get("ratio")),
                rounded(finding.value),
                rounded(finding.std_stat),
                rounded(finding.std_sys),
                ", ".join(f"{k} {short(v)}" for k, v in known.items()),
            ]
        )
    rivals: list[list[Cell]] = [
        [
            str(finding.evidence.get("ratio")),
            rival.subject.label,
            rival.live,
            "; ".join([*rival.explains, *rival.missing, rival.note]).strip("; "),
            "; ".join(rival.decided_by),
        ]
        for finding in ratios[-1:]
        for rival in finding.rivals
    ]
    return [
        Table(
            ["ratio", "value", "counting", "systematic", "parts of the systematic"],
            rows,
            title="Intensity of one state over another",
            note="unknown: how well the monitor follows the beam from state to state is not stated "
            "(parameter beam_std)",
        ),
        Table(
            ["ratio", "explanation", "open", "what speaks for and against it", "decided by"],
            rivals,
            title="What would explain the ratio",
            note="a change of counts is not a change of density until the others are ruled out",
        ),
    ]
