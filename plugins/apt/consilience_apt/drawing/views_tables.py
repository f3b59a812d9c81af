"""Compositions by volume, compounds they are consistent with, and tests of homogeneity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_apt.drawing.views_spectrum import mark, stamp

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["composition_blocks", "homogeneity_blocks"]


def composition_blocks(findings: Sequence[Finding]) -> list[Block]:
    """Return one table of compositions for each volume, and the compounds."""
    volumes: dict[str, list[Finding]] = {}
    for f in findings:
        if f.kind == "composition":
            volumes.setdefault(f.region.label if f.region else "", []).append(f)
    blocks: list[Block] = []
    for name, found in volumes.items():
        blocks.append(_composition(name, found))
    open_ = [
        f for f in findings if f.kind == "composition" and f.std_sys is None and f.value is not None
    ]
    if open_:
        first = next((a for a in open_[0].assumptions if "systematic error is not known" in a), "")
        if first:
            blocks.append(Text(first[0].upper() + first[1:] + ".", tone="note"))
    phases = [f for f in findings if f.kind == "phase"]
    if phases:
        blocks.append(_phases(phases))
    return blocks


def _composition(name: str, found: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in sorted(found, key=lambda one: -(one.value or 0.0)):
        raw: Any = f.evidence.get("raw") or {}
        least = f.evidence.get("std_sys_at_least")
        rows.append(
            [
                f.subject.label if f.subject else "",
                _percent(f.value),
                _percent(f.std_stat, 3),
                _percent(f.std_sys, 3),
                _percent(None if least is None else float(least), 3),
                _percent(None if f.interval is None else f.interval.low),
                _percent(None if f.interval is None else f.interval.high),
                _percent(raw.get("value")),
                "absent below limit" if f.status == "absent_below_limit" else "",
                ", ".join(dict.fromkeys(r.subject.label for r in f.rivals if r.live)) or "none",
            ]
        )
    return Table(
        [
            "element", "at.%", "± statistical (at.%)", "± systematic (at.%)",
            "systematic, at least (at.%)", "interval, low (at.%)", "interval, high (at.%)",
            "as counted, with background (at.%)", "status", "live rivals",
        ],
        rows,
        title=f"Composition of the {name}" if name else "Composition",
        note="Molecular ions taken apart. An interval goes over every reading of overlapping ions, "
        "or is that of Feldman and Cousins for few counts.",
    )  # fmt: skip


def _percent(value: float | None, digits: int = 5) -> float | None:
    return None if value is None else float(f"{100 * value:.{digits}g}")


def _phases(phases: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            f.region.label if f.region else "",
            _percent(float(f.evidence["difference"]), 3) if "difference" in f.evidence else None,
            _percent(float(f.evidence["std_known"]), 2) if "std_known" in f.evidence else None,
            "; ".join(r.subject.label for r in f.rivals if r.live),
        ]
        for f in phases
    ]
    return Table(
        ["consistent with", "where", "difference (at.%)", "± known part (at.%)", "and with"],
        rows,
        title="Compounds that the composition does not contradict",
        note="A composition can contradict a compound; it cannot prove one.",
    )


def homogeneity_blocks(
    measurement: Measurement, findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Return the tests as a table, and the frequency distribution of blocks as a picture."""
    tests = [f for f in findings if f.kind == "homogeneity"]
    if not tests:
        return []
    return [
        _tests(tests),
        *(
            _frequency(measurement, f, context)
            for f in tests
            if f.evidence.get("test") == "frequency distribution" and f.array
        ),
    ]


def _tests(tests: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in tests:
        e = f.evidence
        rows.append(
            [
                f.region.label if f.region else "",
                f.subject.label if f.subject else "",
                str(e.get("test", "")),
                str(e.get("decision", "")),
                e.get("p_value"),
                e.get("level"),
                e.get("statistic"),
                str(e.get("statistic_name", "")),
                e.get("pearson_mu"),
                e.get("effect"),
                e.get("smallest_effect"),
                str(e.get("effect_name", "")) or (f.reason or ""),
            ]
        )
    return Table(
        [
            "where", "element", "test", "outcome", "p-value", "level of each", "statistic",
            "which is", "Pearson μ", "effect", "smallest effect seen in 80 %", "effect is",
        ],
        rows,
        title="Tests of homogeneity",
        note="No deviation seen is no proof of homogeneity: smaller effects than the one stated "
        "would have been missed.",
    )  # fmt: skip


def _frequency(measurement: Measurement, found: Finding, context: ViewContext) -> Figure:
    assert found.array is not None
    data = context.open_array(found.array)
    observed = np.asarray(data["observed"].values, float)
    expected = np.asarray(data["expected"].values, float)
    x = _classes(data, observed.size)
    element = found.subject.label if found.subject else "element"
    where = found.region.label if found.region else ""

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.add_subplot()
        place = np.arange(observed.size)
        axes.bar(place, observed, color=palette()[5], width=0.9, label="counted")
        axes.errorbar(
            place, expected, yerr=np.sqrt(expected), color=palette()[6], marker="o", markersize=3,
            linestyle="", linewidth=0.8, label="at random, ± √",
        )  # fmt: skip
        step = max(observed.size // 12, 1)
        axes.set_xticks(place[::step], x[::step])
        axes.set_xlabel(f"ions with {element} in a block")
        axes.set_ylabel("blocks")
        axes.set_ylim(0, 1.3 * float(max(observed.max(), expected.max(), 1.0)))
        axes.legend(loc="upper right", ncols=2, frameon=False)
        stamp(axes, measurement)

    said = mark(measurement)
    rows: list[list[Cell]] = [
        [name, int(a), float(f"{b:.4g}")]
        for name, a, b in zip(x, observed.tolist(), expected.tolist(), strict=True)
    ]
    return Figure(
        title=f"How blocks of {where} vary in {element}",
        caption=f"{said}{str(found.evidence.get('sentence', '')).capitalize()}.",
        alt=f"{said}Blocks by number of ions with {element}, counted and expected at random.",
        draw=draw,
        table=Table([f"ions with {element}", "blocks counted", "blocks expected"], rows),
        size=(8.0, 2.8),
    )


def _classes(data: Any, size: int) -> list[str]:
    """Name the pooled classes by the numbers of ions that they go over."""
    if "first_count" not in data:
        return [str(i) for i in range(size)]
    first = [int(v) for v in data["first_count"].values.tolist()]
    last = [*(v - 1 for v in first[1:]), None]
    return [
        f"≥{a}" if b is None else str(a) if a == b else f"≤{b}" if a == 0 else f"{a}–{b}"
        for a, b in zip(first, last, strict=True)
    ]
