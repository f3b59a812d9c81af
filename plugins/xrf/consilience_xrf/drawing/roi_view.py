"""Windows about lines, drawn on the summed spectrum, and their net counts as maps and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.view import Block, Cell, Figure, Table, ViewContext, palette
from consilience_xrf.drawing.common import line_text, own_findings
from consilience_xrf.drawing.fitted_maps import maps_figure
from consilience_xrf.drawing.map_rows import scans_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["roi_view"]

ANALYSES = ("xrf.roi",)
NAMED = 24
"""Windows that are named in the picture."""


def roi_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Draw what ``xrf.roi`` summed of each measurement."""
    blocks: list[Block] = []
    for measurement in measurements:
        mine = own_findings([measurement], findings, ANALYSES)
        array = next((f.array for f in mine if f.array), None)
        if array is None:
            continue
        blocks.append(_figure(measurement, mine, context.open_array(array)))
        blocks += [
            maps_figure(
                scan,
                f"Windows about lines: {measurement.record.file_name}",
                "Counts in a window about each line less a straight background, negative in places",
                simulated=measurement.record.origin == "simulated",
            )
            for scan in scans_of(mine, context.open_array, "roi_counts")
        ]
    return blocks


def _figure(measurement: Measurement, findings: Sequence[Finding], data: xr.Dataset) -> Figure:
    import numpy as np

    mark = "SIMULATED " if measurement.record.origin == "simulated" else ""
    energy, counts = data["energy"].values, data["counts"].values
    ends = data["ends"].values
    names = [line_text(str(n)) for n in data["window"].attrs["names"]]
    span = float(ends.min()), float(ends.max())
    shown = (energy > span[0] - 0.5) & (energy < span[1] + 0.5)

    def draw(figure: MatplotlibFigure) -> None:
        axes = figure.subplots()
        colours = palette()
        seen = counts[shown & (counts > 0)]
        low = max(0.5, 0.5 * float(np.quantile(seen, 0.02))) if seen.size else 0.5
        top = max(float(counts[shown].max()), 10.0 * low)
        axes.step(energy[shown], np.maximum(counts[shown], low), where="mid", color="0.3",
                  linewidth=0.8)  # fmt: skip
        for begin, left, right, end in ends:
            axes.axvspan(left, right, color=colours[0], alpha=0.25, linewidth=0)
            axes.axvspan(begin, left, color=colours[1], alpha=0.25, linewidth=0)
            axes.axvspan(right, end, color=colours[1], alpha=0.25, linewidth=0)
        axes.set_yscale("log")
        axes.set_ylim(low, top * (top / low) ** 0.3)
        axes.set_xlim(float(energy[shown][0]), float(energy[shown][-1]))
        placed: list[tuple[float, int]] = []
        for k in np.argsort(ends[:, 1])[:NAMED]:
            at = 0.5 * float(ends[k, 1] + ends[k, 2])
            near = {r for x, r in placed if abs(x - at) < 0.06 * (span[1] - span[0] + 1.0)}
            row = next(r for r in range(NAMED) if r not in near)
            placed.append((at, row))
            axes.text(at, 0.97 - 0.055 * (row % 5), names[k], ha="center", va="top", fontsize=7,
                      transform=axes.get_xaxis_transform())  # fmt: skip
        axes.set_xlabel("energy (keV)")
        axes.set_ylabel("counts a channel")
        if mark:
            axes.set_title("simulated data")

    return Figure(
        title=f"{mark}Windows about lines",
        caption=f"{mark}A quick look at {measurement.record.file_name}: counts in a window about "
        "the main line of each family (blue), less a straight line through both sides (orange). "
        "It says of no element that it is there: what else lies in a window is counted with it.",
        alt="X-ray spectrum on a logarithmic scale with windows about " + ", ".join(names[:NAMED]),
        draw=draw,
        table=_table(findings),
        size=(8.0, 3.4),
    )


def _table(findings: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    for f in findings:
        if f.subject is None:
            continue
        taken: Any = f.evidence.get("takes_of_others") or {}
        others = ", ".join(f"{share:+.1%} of {line_text(n)}" for n, share in taken.items())
        limit: Any = f.evidence.get("limit_counts")
        kept: Any = f.evidence.get("share_of_own_counts")
        rows.append([line_text(f.subject.label), f.value, f.std_stat, limit, kept, others or "–"])
    return Table(
        ["line", "net counts", "σ stat (counts)", "limit (counts)", "of its own counts (1)",
         "takes of others that were named"],
        rows,
        note="σ by counting alone; what lines that nobody named, or a bent background, add is "
        "not known",
    )  # fmt: skip
