"""Fits of references: spectra with their parts and residuals, maps, and the answers as a table."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext, palette
from consilience_eels.drawing.views_image import picture

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["fingerprint_view"]

ANALYSIS = "eels.fingerprints"
SHOWN = 5
"""Species drawn in a fit, the largest first."""

ROWS = 24
WORDS = {
    "present": "✓ present",
    "absent_below_limit": "✗ absent below the limit",
    "not_observable": "? not observable",
}


def fingerprint_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw what ``eels.fingerprints`` found: answers first, then maps, then the fits."""
    known = {m.id for m in measurements}
    said = [
        f for f in findings if f.source.analysis == ANALYSIS and known.intersection(f.measurements)
    ]
    if not said:
        return []
    simulated = any(f.origin == "simulated" for f in said)
    blocks: list[Block] = [_answers(said, simulated)]
    for array in dict.fromkeys(f.array for f in said if f.array):
        blocks += _maps(context.open_array(array), [f for f in said if f.array == array], simulated)
    fits = dict.fromkeys(
        (f.covariance.array, str(f.evidence.get("region_label", "")))
        for f in said
        if f.covariance is not None
    )
    for array, region in fits:
        blocks.append(_fit(context.open_array(array), region, simulated))
    return blocks


def _answers(said: Sequence[Finding], simulated: bool) -> Table:
    rows: list[list[Cell]] = []
    for finding in said:
        subject = "" if finding.subject is None else finding.subject.label
        hidden = finding.status == "not_observable"
        asked = finding.evidence.get("asked_fraction")
        limit = finding.evidence.get("limit_fraction") if hidden else finding.limit
        live = sorted({r.subject.label for r in finding.rivals if r.live})
        rows.append(
            [
                str(finding.evidence.get("region_label", "")),
                finding.kind,
                subject,
                WORDS.get(finding.status or "", "cannot be told"),
                _percent(finding.value),
                _percent(limit),
                _percent(asked),
                finding.reason or (", ".join(live) and f"live rivals: {', '.join(live)}"),
            ]
        )
    note = (
        "Shares of the volume for phases, of the atoms for elements. The limit is what would be "
        "found in 95 % of trials by a test that errs in 5 %."
    )
    return Table(
        ["region", "kind", "asked for", "answer", "share (%)", "limit (%)", "asked at (%)", "why"],
        rows,
        title=f"{'SIMULATED ' if simulated else ''}Fingerprints: what is where",
        note=note,
    )


def _percent(value: object) -> Cell:
    return float(f"{100.0 * value:.3g}") if isinstance(value, int | float) else None


def _maps(data: xr.Dataset, said: Sequence[Finding], simulated: bool) -> list[Block]:
    blocks: list[Block] = []
    if "region" not in data:
        return blocks
    shape = data["region"].shape
    if min(shape) < 2:
        return [Text("The map has a single row or column and is not drawn.", "note")]
    found = [
        f.subject.label
        for f in said
        if f.kind == "phase" and f.status == "present" and f.subject is not None
    ]
    for phase in dict.fromkeys(found):
        if phase in data:
            title = f"{phase} along the beam (nm)"
            blocks.append(picture(data[phase], title, "nm", simulated=simulated))
    if found:
        blocks.append(
            picture(data["chi_square"], "χ² per degree of freedom", "χ²/ν", simulated=simulated)
        )
    return blocks


def _fit(data: xr.Dataset, region: str, simulated: bool) -> Figure:
    import numpy as np

    energy, part = data["energy_loss"].values, data["stretch"].values
    counts, fitted = data["counts"].values, data["fitted"].values
    background = data["background"].values
    curves = data["curves"].values
    names = [str(n) for n in data["species"].values]
    order = [i for i in np.argsort(curves.sum(axis=1))[::-1].tolist() if curves[i].any()][:SHOWN]
    spread = np.hypot(data["counts_std"].values, data["reference_error"].values)
    parts = np.unique(part).tolist()
    lead = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        grid = figure.subplots(
            2, len(parts), squeeze=False, sharex="col", gridspec_kw={"height_ratios": [3, 1]}
        )
        for column, one in enumerate(parts):
            own = part == one
            _draw_part(grid[0][column], grid[1][column], own)
        grid[0][0].set_ylabel("counts")
        grid[1][0].set_ylabel("residual (σ)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=4, fontsize=8, frameon=False
        )
        if simulated:
            grid[0][-1].annotate(
                "simulated data", (0.98, 0.95), xycoords="axes fraction", ha="right", va="top"
            )

    def _draw_part(top: Any, low: Any, own: Any) -> None:
        e = energy[own]
        top.plot(e, counts[own], color="0.35", linewidth=0.9, label="measured")
        top.plot(e, fitted[own], color=palette()[6], linewidth=0.9, linestyle="--", label="fit")
        top.plot(e, background[own], color="0.6", linewidth=0.9, linestyle=":", label="background")
        for place, i in enumerate(order):
            curve = curves[i][own]
            if not curve.any():
                curve = np.zeros(curve.size)
            top.plot(e, curve, color=palette()[place], linewidth=1.1, label=names[i])
        top.set_yscale("log")
        ceiling = float(counts[own].max())
        smallest = max(1.0, float(counts[own].min()))
        top.set_ylim(0.02 * smallest, 2.0 * ceiling)
        low.axhline(0.0, color="0.6", linewidth=0.8)
        low.plot(e, (counts[own] - fitted[own]) / spread[own], color=palette()[1], linewidth=0.8)
        low.set_xlabel("energy loss (eV)")
        low.margins(x=0.0)

    edges = np.linspace(0, energy.size, min(ROWS, energy.size) + 1).astype(int).tolist()
    rows: list[list[Cell]] = []
    for a, b in itertools.pairwise(edges):
        rows.append(
            [
                float(f"{energy[a]:.5g}"),
                float(f"{energy[b - 1]:.5g}"),
                float(f"{counts[a:b].mean():.5g}"),
                float(f"{fitted[a:b].mean():.5g}"),
                float(f"{background[a:b].mean():.5g}"),
                *(float(f"{curves[i][a:b].mean():.4g}") for i in order),
            ]
        )
    shown = ", ".join(names[i] for i in order)
    return Figure(
        title=f"{lead}Fit of references, {region}",
        caption=(
            f"{lead}Sum of {region}: counts, fit and background, and what {shown} put on it, "
            "folded with the low loss. Below: counts less fit, in standard deviations of counting "
            "and of what the references may be wrong by."
        ),
        alt=f"Energy-loss spectrum of {region} with fitted references of {shown} and residuals",
        draw=draw,
        table=Table(
            ["from (eV)", "to (eV)", "counts", "fit", "background", *(names[i] for i in order)],
            rows,
            note=f"{energy.size} bins in {len(rows)} groups, means",
        ),
        size=(8.0, 4.6),
    )
