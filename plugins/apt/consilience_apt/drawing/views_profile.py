"""Composition over distance: profiles with error bands and change points, and proxigrams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_apt.drawing.views_spectrum import mark, stamp

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["profile_blocks", "proxigram_blocks"]

MOST_ROWS = 60
FEWEST = 8.0
"""Ions of a bin below which its fraction says nothing."""
RARE = 0.01
"""Fraction that an element has to reach somewhere to be drawn."""


def profile_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the profile with the change points of each element."""
    profiles = [f for f in findings if f.kind == "composition_profile" and f.array]
    if not profiles:
        return []
    array = profiles[0].array
    assert array is not None
    data = context.open_array(array)
    changes = [
        f for f in findings if f.kind == "interface_position" and f.array == array and f.value
    ]
    axis = str(profiles[0].evidence.get("axis", "z"))
    names = _drawn(data)
    said = mark(measurement)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        _curves(axes, data, names, joined=False)
        _models(axes, profiles, names)
        _changes(axes, changes, names)
        axes.set_xlabel(f"{axis} (nm)")
        axes.set_ylabel("fraction of the atoms (at.%)")
        axes.set_ylim(-3, 108)
        axes.margins(x=0.01)
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 1.14),
            ncols=min(len(names), 8),
            frameon=False,
            markerscale=2.5,
        )
        stamp(axes, measurement)

    best = "; ".join(
        f"{f.subject.label}: {f.evidence.get('best', 'not divided')}"
        + ("" if f.evidence.get("decided", True) else " (not decided against its rival)")
        for f in profiles
        if f.subject
    )
    blocks: list[Block] = [
        Figure(
            title=f"Composition along {axis}: {measurement.record.name}",
            caption=(
                f"{said}Points: counts in ranges, background subtracted; band: one standard "
                "deviation of counting. Lines: most likely division into stretches; dashed "
                f"verticals: change points, shaded over their intervals. {best}."
            ),
            alt=(
                f"{said}Profile of {', '.join(names)} over {axis}, with "
                f"{len(changes)} change points."
            ),
            draw=draw,
            table=_profile_table(data, names),
            size=(8.0, 3.8),
            raster=False,
        )
    ]
    if changes:
        blocks.append(_change_table(changes))
    gradients = [f for f in findings if f.kind == "composition_gradient"]
    if gradients:
        blocks.append(_gradient_table(gradients))
    widths = [f for f in findings if f.kind in ("interface_width", "interfacial_excess")]
    if widths:
        blocks.append(_interface_table(widths))
    return blocks


def _drawn(data: xr.Dataset) -> list[str]:
    reach = {}
    for name in data.data_vars:
        text = str(name)
        if f"{text}_std" in data:
            values = np.asarray(data[text].values, float)
            good = np.asarray(data["ions"].values) >= FEWEST
            here = values[good & np.isfinite(values)]
            reach[text] = float(np.mean(here)) if here.size and here.max() >= RARE else -1.0
    order = sorted(reach, key=lambda name: -reach[name])
    return [name for name in order if reach[name] >= 0][:7] or order[:1]


def _colour(names: Sequence[str], name: str) -> str:
    colours = [*palette()[:6], palette()[7]]
    return colours[names.index(name) % len(colours)] if name in names else "#777777"


def _curves(axes: Any, data: xr.Dataset, names: Sequence[str], *, joined: bool) -> None:
    x = np.asarray(data["distance"].values, float)
    good = np.asarray(data["ions"].values) >= FEWEST
    for name in names:
        value = 100 * np.asarray(data[name].values, float)
        std = 100 * np.asarray(data[f"{name}_std"].values, float)
        value = np.where(good, value, np.nan)
        colour = _colour(names, name)
        axes.fill_between(
            x, value - std, value + std, color=colour, alpha=0.22, linewidth=0, step=None
        )
        axes.plot(
            x, value, color=colour, label=name, markersize=2.4,
            marker="o" if joined else ".", linestyle="-" if joined else "", linewidth=1.0,
        )  # fmt: skip


def _models(axes: Any, profiles: Sequence[Finding], names: Sequence[str]) -> None:
    for found in profiles:
        label = found.subject.label if found.subject else ""
        segments: Any = found.evidence.get("segments") or []
        for one in segments:
            axes.plot(
                [one["low"], one["high"]], [100 * one["start"], 100 * one["end"]],
                color=_colour(names, label), linewidth=1.6,
            )  # fmt: skip


def _changes(axes: Any, changes: Sequence[Finding], names: Sequence[str]) -> None:
    for found in changes:
        label = found.subject.label if found.subject else ""
        colour = _colour(names, label)
        if found.interval is not None and found.interval.low is not None:
            axes.axvspan(
                found.interval.low, found.interval.high, color=colour, alpha=0.18, linewidth=0
            )
        axes.axvline(found.value, color=colour, linestyle="--", linewidth=0.8)


def _profile_table(data: xr.Dataset, names: Sequence[str]) -> Table:
    x = np.asarray(data["distance"].values, float)
    step = max(-(-x.size // MOST_ROWS), 1)
    headings = ["distance (nm)", "ions in ranges"]
    for name in names:
        headings += [f"{name} (at.%)", f"± {name} (at.%)"]
    ions = np.asarray(data["ions"].values)
    rows: list[list[Cell]] = []
    for i in range(0, x.size, step):
        row: list[Cell] = [round(float(x[i]), 3), int(ions[i])]
        for name in names:
            value = float(data[name].values[i])
            std = float(data[f"{name}_std"].values[i])
            row += [
                round(100 * value, 2) if np.isfinite(value) else None,
                round(100 * std, 2) if np.isfinite(std) else None,
            ]
        rows.append(row)
    note = f"every {step}th of {x.size} bins" if step > 1 else ""
    return Table(headings, rows, note=note)


def _change_table(changes: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in sorted(changes, key=lambda one: one.value or 0.0):
        before: Any = f.evidence.get("before") or [None, None]
        after: Any = f.evidence.get("after") or [None, None]
        rows.append(
            [
                f.subject.label if f.subject else "",
                None if f.value is None else round(f.value, 3),
                None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
                None if f.std_sys is None else float(f"{f.std_sys:.2g}"),
                None if f.interval is None else f.interval.low,
                None if f.interval is None else f.interval.high,
                None if before[1] is None else round(100 * before[1], 2),
                None if after[0] is None else round(100 * after[0], 2),
                bool(f.evidence.get("decided")),
            ]
        )
    return Table(
        [
            "element", "position (nm)", "± statistical (nm)", "± systematic (nm)",
            "68 % from (nm)", "68 % to (nm)", "just below (at.%)", "just above (at.%)",
            "decided against the rival",
        ],
        rows,
        title="Change points",
    )  # fmt: skip


def _gradient_table(gradients: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            f.region.label if f.region else "",
            None if f.value is None else float(f"{100 * f.value:.4g}"),
            None if f.std_stat is None else float(f"{100 * f.std_stat:.2g}"),
            None if f.std_sys is None else float(f"{100 * f.std_sys:.2g}"),
            None if f.evidence.get("from") is None else round(100 * float(f.evidence["from"]), 2),
            None if f.evidence.get("to") is None else round(100 * float(f.evidence["to"]), 2),
        ]
        for f in gradients
    ]
    return Table(
        [
            "element", "where", "slope (at.%/nm)", "± statistical (at.%/nm)",
            "± systematic (at.%/nm)", "from (at.%)", "to (at.%)",
        ],
        rows,
        title="Gradients",
        note="Evaporation-field contrast is a rival of every gradient.",
    )  # fmt: skip


def _interface_table(found: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in found:
        width = f.kind == "interface_width"
        rows.append(
            [
                "width, 10 to 90 %" if width else "excess",
                f.subject.label if f.subject else "",
                f.region.label if f.region else "",
                None if f.value is None else float(f"{f.value:.4g}"),
                None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
                None if f.std_sys is None else float(f"{f.std_sys:.2g}"),
                "nm" if width else "1/nm²",
                None if f.interval is None else f.interval.high,
                None if width else f.evidence.get("detected"),
                None if width else f.evidence.get("significance"),
            ]
        )
    return Table(
        [
            "what", "element", "where", "value", "± statistical", "± systematic", "unit",
            "at most (68 %)", "detected atoms an area (1/nm²)", "significance (σ)",
        ],
        rows,
        title="Interfaces",
        note="An excess is unknown without the detection efficiency; detected atoms are a lower "
        "bound of its size.",
    )  # fmt: skip


def proxigram_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the composition against the distance to the iso-surface."""
    found = next((f for f in findings if f.kind == "isosurface_area"), None)
    across = next((f for f in findings if f.array and f.kind == "interface_width"
                   and "proximity" in f.method), None)  # fmt: skip
    if found is None or across is None or across.array is None:
        return []
    data = context.open_array(across.array)
    names = _drawn(data)
    label = found.region.label if found.region else "surface"
    said = mark(measurement)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        _curves(axes, data, names, joined=True)
        axes.axvline(0.0, color="#555555", linewidth=0.8)
        axes.set_xlabel(f"distance to the {label} (nm), positive inside")
        axes.set_ylabel("fraction of the atoms (at.%)")
        axes.margins(x=0.02)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        stamp(axes, measurement)

    closed = "closed" if found.evidence.get("closed") else "open at the needle's edge"
    return [
        Figure(
            title=f"Proximity histogram of the {label}",
            caption=(
                f"{said}Area {_number(found.value)} nm² (± {_number(found.std_stat)} from "
                f"counting, ± {_number(found.std_sys)} from noise and delocalisation), {closed}, "
                f"in {found.evidence.get('pieces')} pieces. Band: one standard deviation, of "
                "counting."
            ),
            alt=f"{said}Composition against the distance to the {label}.",
            draw=draw,
            table=_profile_table(data, names),
            size=(8.0, 3.2),
        )
    ]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
