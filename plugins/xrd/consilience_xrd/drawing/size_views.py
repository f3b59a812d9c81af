"""The report's section on breadths: Williamson-Hall plots, and each line as a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["size_view"]

KINDS = ("size", "microstrain")


def size_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show the breadths that sizes and strains of each phase rest on."""
    blocks: list[Block] = []
    for measurement in measurements:
        simulated = measurement.record.origin == "simulated"
        mine = [
            f
            for f in findings
            if f.kind in KINDS and f.array is not None and measurement.id in f.measurements
        ]
        for array in dict.fromkeys(f.array for f in mine):
            assert array is not None
            shown = [f for f in mine if f.array == array]
            data = context.open_array(array)
            blocks.append(_figure(data, shown, measurement.record.name, simulated))
            blocks += [
                Text(f"{_name(f)}: {f.reason}.", "note")
                for f in shown
                if f.value is None and f.reason
            ]
    return blocks


def _name(finding: Finding) -> str:
    label = finding.subject.label if finding.subject else ""
    return f"{'Size' if finding.kind == 'size' else 'Microstrain'} of {label}"


def _figure(data: xr.Dataset, findings: Sequence[Finding], name: str, simulated: bool) -> Figure:
    phase = str(data.attrs.get("phase") or (findings[0].subject and findings[0].subject.label))
    with_instrument = bool(np.isfinite(data["instrument"].values).any())
    mark = "SIMULATED. " if simulated else ""
    fits = [f for f in findings if f.kind == "microstrain"]
    caption = (
        mark + "Integral breadths of the lines that the phase has for itself, statistical and "
        "systematic standard deviations together. "
        + (
            "Open: as measured; dashed: the instrument's; full: the sample's share. "
            if with_instrument
            else "The instrument's share is not known. "
        )
        + ("Lines: Williamson-Hall over the orders of one reflection." if fits else "")
    )

    def draw(figure: MatplotlibFigure) -> None:
        _draw(figure, data, fits, simulated)

    count = data.sizes["line"]
    return Figure(
        title=f"Breadths of {phase} in {name}",
        caption=caption.strip(),
        alt=f"{mark}Integral breadth against q for {count} lines of {phase}, from "
        f"{float(data['q'].min()):.3g} to {float(data['q'].max()):.3g} per angstrom.",
        draw=draw,
        table=_table(data),
        size=(6.4, 3.6),
    )


def _draw(
    figure: MatplotlibFigure, data: xr.Dataset, fits: Sequence[Finding], simulated: bool
) -> None:
    colours = palette()
    axes = figure.subplots()
    q = np.asarray(data["q"].values, dtype=float)

    def bars(name: str, **style: Any) -> None:
        axes.errorbar(
            q, 1e3 * data[name].values, 1e3 * data[f"{name}_std"].values, linestyle="none",
            capsize=2, markersize=4, **style,
        )  # fmt: skip

    bars("breadth", marker="o", color="#333333", markerfacecolor="none", label="measured")
    if np.isfinite(data["instrument"].values).any():
        order = np.argsort(q)
        axes.plot(
            q[order], 1e3 * data["instrument"].values[order], "--", color=colours[2],
            label="instrument",
        )  # fmt: skip
        bars("sample", marker="s", color=colours[0], label="sample")
    for number, finding in enumerate(fits):
        ends = np.array([0.0, float(q.max())])
        line = finding.evidence["intercept"] + finding.evidence["slope"] * ends
        hkl = " ".join(str(i) for i in finding.evidence["direction"])
        axes.plot(ends, 1e3 * line, color=colours[1 + number % 4], label=f"orders of {hkl}")
    order = np.argsort(q)
    for number, i in enumerate(order):
        # names of neighbours would lie on each other
        near = number > 0 and q[i] - q[order[number - 1]] < 0.06 * float(q.max())
        axes.annotate(
            str(data["hkl"].values[i]), (q[i], 1e3 * float(data["breadth"].values[i])),
            xytext=(0, -16 if near else 10), textcoords="offset points", ha="center",
            fontsize="x-small",
        )  # fmt: skip
    axes.set_ylim(bottom=0.0)
    axes.margins(x=0.06, y=0.2)
    axes.set_xlabel("q (Å⁻¹)")
    axes.set_ylabel("integral breadth (10⁻³ Å⁻¹)")
    axes.legend(fontsize="small", frameon=False)
    if simulated:
        axes.text(
            0.01, 0.97, "SIMULATED", transform=axes.transAxes, va="top", color=colours[1],
            fontweight="bold",
        )  # fmt: skip


def _table(data: xr.Dataset) -> Table:
    names = ("q", "breadth", "breadth_std", "instrument", "sample", "sample_std")
    rows: list[list[Cell]] = [
        [
            str(data["hkl"].values[i]),
            *(
                None if not np.isfinite(v) else float(f"{float(v):.5g}")
                for v in (data[name].values[i] for name in names)
            ),
        ]
        for i in range(data.sizes["line"])
    ]
    return Table(
        [
            "hkl",
            "q (Å⁻¹)",
            "breadth (Å⁻¹)",
            "its std (Å⁻¹)",
            "instrument (Å⁻¹)",
            "sample (Å⁻¹)",
            "its std (Å⁻¹)",
        ],
        rows,
    )
