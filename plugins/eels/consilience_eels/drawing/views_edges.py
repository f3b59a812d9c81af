"""Edges: the spectrum with windows and backgrounds, what is over them, and the maps."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_eels.drawing.views_image import picture

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["edges_view"]

ANALYSIS = "eels.edges"
ROWS = 24
AROUND = 25.0
"""eV drawn before and after the windows of an edge."""
WORDS = {
    "present": "✓ present",
    "absent_below_limit": "✗ absent below the limit",
    "not_observable": "? not observable",
}


def edges_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw what ``eels.edges`` found: answers as tables first, then each edge, then the maps."""
    blocks: list[Block] = []
    for measurement in measurements:
        said = [
            f
            for f in findings
            if f.source.analysis == ANALYSIS and measurement.id in f.measurements
        ]
        if not said:
            continue
        simulated = measurement.record.origin == "simulated"
        blocks += _tables(said, measurement.record.name)
        edges = [f for f in said if f.kind == "edge_intensity" and f.array is not None]
        if not edges:
            continue
        data = context.open_array(edges[0].array or "")
        blocks.append(_spectra(data, edges, measurement.record.name, simulated=simulated))
        blocks += _maps(data, measurement.record.name, simulated=simulated)
    return blocks


def _tables(said: Sequence[Finding], name: str) -> list[Block]:
    blocks: list[Block] = []
    rows: list[list[Cell]] = []
    for f in said:
        if f.kind != "edge_intensity":
            continue
        label = f.subject.label if f.subject else ""
        if f.value is None:
            blocks.append(Text(f"{label}: {f.reason}.", "note"))
            continue
        e = f.evidence
        rows.append(
            [
                label,
                _window(e.get("background_window_eV")),
                _window(e.get("edge_window_eV")),
                _rounded(f.value),
                _rounded(f.std_stat),
                _rounded(f.std_sys),
                _rounded(e.get("signal_to_noise")),
                _rounded(e.get("h")),
                _rounded(e.get("chi_square")),
                _rounded(e.get("curvature_sigma")),
                _rounded(e.get("second_window_sigma")),
            ]
        )
    if rows:
        blocks.append(
            Table(
                [
                    "edge",
                    "background (eV)",
                    "window (eV)",
                    "net counts",
                    "± counting",
                    "± background",
                    "signal/noise",
                    "h",
                    "χ²/n",
                    "curvature (σ)",
                    "second window (σ)",
                ],
                rows,
                title=f"{name}: edges",
                note="h: 1 plus the variance of the extrapolated background over its counts. "
                "χ²/n, curvature and second window say whether the power law fits before the "
                "edge: about 1, and within ±3.",
            )
        )
    answers: list[list[Cell]] = []
    fractions = {f.subject.element: f for f in said if f.kind == "composition" and f.subject}
    for f in said:
        if f.kind != "element" or f.subject is None:
            continue
        c = fractions.get(f.subject.element)
        per = 100.0 if f.unit == "1" else 1.0
        unit = "at%" if f.unit == "1" else "counts"
        live = [r.subject.label for r in f.rivals]
        answers.append(
            [
                f.subject.label,
                WORDS.get(f.status or "", "unknown"),
                f"{per * f.limit:.3g} {unit}" if f.limit is not None else None,
                _rounded(100.0 * c.value if c and c.value is not None else None),
                _rounded(100.0 * c.std_stat if c and c.std_stat is not None else None),
                _rounded(100.0 * c.std_sys if c and c.std_sys is not None else None),
                f.reason or (f"edges beside it: {', '.join(live)}" if live else ""),
            ]
        )
    if answers:
        blocks.append(
            Table(
                ["element", "answer", "limit", "at%", "± counting", "± systematic", "why"],
                answers,
                title=f"{name}: elements by their edges",
                note="Fractions are those of the elements with a hydrogenic cross section that are "
                "present, and sum to 100 %. Unknown where there are none.",
            )
        )
    return blocks


def _rounded(value: object) -> float | None:
    return float(f"{value:.4g}") if isinstance(value, int | float) else None


def _window(value: object) -> str | None:
    if isinstance(value, list) and len(value) == 2:
        low, high = (float(str(v)) for v in value)
        return f"{low:g}–{high:g}"
    return None


def _span(finding: Finding, name: str) -> tuple[float, float]:
    value = finding.evidence.get(name)
    assert isinstance(value, list)
    return float(str(value[0])), float(str(value[1]))


def _spectra(data: xr.Dataset, edges: Sequence[Finding], name: str, *, simulated: bool) -> Figure:
    import numpy as np

    energy = data["energy_loss"].values
    counts = data["sum"].values
    shown = [f for f in edges if f.subject and f"background_{f.subject.label}" in data]
    said = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        for i, finding in enumerate(shown):
            axes = figure.add_subplot(len(shown), 1, i + 1)
            _edge(axes, finding)
            if simulated and i == 0:
                axes.set_title("simulated data", loc="left")
        figure.axes[-1].set_xlabel("energy loss (eV)")

    def _edge(axes: Axes, finding: Finding) -> None:
        label = finding.subject.label if finding.subject else ""
        under = data[f"background_{label}"].values
        before, inside = _span(finding, "background_window_eV"), _span(finding, "edge_window_eV")
        near = (energy >= before[0] - AROUND) & (energy <= inside[1] + AROUND)
        axes.plot(energy[near], counts[near], color=palette()[6], linewidth=0.9)
        axes.plot(energy[near], under[near], color=palette()[1], linewidth=1.1, label="background")
        own = (energy >= inside[0]) & (energy < inside[1]) & np.isfinite(under)
        axes.fill_between(
            energy[own], under[own], counts[own], color=palette()[0], alpha=0.35, linewidth=0,
            label=f"{label}: net counts",
        )  # fmt: skip
        axes.axvspan(*before, color=palette()[4], alpha=0.2, linewidth=0, label="fitted here")
        onset = finding.evidence.get("onset_eV")
        if isinstance(onset, int | float):
            axes.axvline(onset, color="0.5", linewidth=0.8, linestyle=":")
        # a zero loss or an edge beside the windows would flatten what is shown
        own |= (energy >= before[0]) & (energy < before[1])
        low = float(min(counts[own].min(), np.nanmin(under[own])))
        high = float(counts[own].max())
        axes.set_ylim(low - 0.15 * (high - low), high + 0.15 * (high - low))
        axes.set_ylabel("counts")
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, frameon=False
        )
        axes.margins(x=0.0)

    rows: list[list[Cell]] = []
    for finding in shown:
        label = finding.subject.label if finding.subject else ""
        under = data[f"background_{label}"].values
        there = np.flatnonzero(np.isfinite(under))
        cuts = np.linspace(0, there.size, min(ROWS, there.size) + 1).astype(int).tolist()
        for a, b in pairwise(cuts):
            part = there[a:b]
            rows.append(
                [
                    label,
                    round(float(energy[part[0]]), 3),
                    round(float(energy[part[-1]]), 3),
                    _rounded(float(counts[part].mean())),
                    _rounded(float(under[part].mean())),
                ]
            )
    return Figure(
        title=f"{said}{name}: edges over their backgrounds",
        caption=f"{said}Sum of the pixels. Yellow: where the power law was fitted; orange: the "
        "power law, carried on; blue: what is counted as the edge; dotted: the tabulated onset.",
        alt=f"Energy-loss spectrum around {len(shown)} edges with fitted backgrounds",
        draw=draw,
        table=Table(
            ["edge", "from (eV)", "to (eV)", "mean counts", "mean background"],
            rows,
            note="groups of channels of the windows",
        ),
        size=(8.0, 0.6 + 2.5 * max(1, len(shown))),
    )


def _maps(data: xr.Dataset, name: str, *, simulated: bool) -> list[Block]:
    blocks: list[Block] = []
    for variable in data.data_vars:
        key = str(variable)
        first, _, rest = key.partition("_")
        if first not in ("net", "fraction") or rest.startswith("std_"):
            continue
        array = data[key]
        if array.dims != ("y", "x") or min(array.shape) < 2:
            continue
        quantity = f"net counts of {rest}" if first == "net" else f"atomic fraction of {rest}"
        blocks.append(picture(array, f"{name}: {quantity}", quantity, simulated=simulated))
    return blocks
