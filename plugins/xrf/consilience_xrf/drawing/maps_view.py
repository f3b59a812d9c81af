"""The report's section on compared element maps and on what absorption costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import Finding
from consilience.model.measurement import Measurement
from consilience.notation import unit_text
from consilience.view import Block, Cell, Figure, Table, Text, ViewContext
from consilience_xrf.drawing.common import own_findings, rounded, short
from consilience_xrf.drawing.grid import draw_rows, grid_size
from consilience_xrf.drawing.map_rows import Scan, Sheet, scans_of, sheets_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["element_maps_view"]

MAPS = ("xrf.maps", "xrf.maps_of_spectra")
MOST = 6
"""Figures of maps in one section; the other maps are in the exported files."""


def element_maps_view(
    measurements: Sequence[Measurement], findings: Sequence[Finding], context: ViewContext
) -> list[Block]:
    """Show maps on shared scales and on their own, their means, and what absorption costs."""
    mine = own_findings(measurements, findings, MAPS)
    scans = scans_of(mine, context.open_array, "element_map")
    if not scans:
        return []
    simulated = any(f.origin == "simulated" for f in mine)
    sheets = sheets_of(scans)
    blocks: list[Block] = [_figure(sheet, simulated=simulated) for sheet in sheets[:MOST]]
    if len(sheets) > MOST:
        left = ", ".join(dict.fromkeys(s.title for s in sheets[MOST:]))
        blocks.append(Text(f"Not drawn here, but in the exported files: {left}.", "note"))
    blocks.append(_absorption(mine))
    wet = [f for f in mine if f.kind == "thickness"]
    if wet:
        blocks.append(_liquid(wet))
    return blocks


def _figure(sheet: Sheet, *, simulated: bool) -> Figure:
    mark = "SIMULATED " if simulated else ""

    def draw(figure: MatplotlibFigure) -> None:
        draw_rows(figure, sheet.rows, simulated=simulated)

    numbers = []
    rows: list[list[Cell]] = []
    for line in sheet.lines:
        first = next(s for s in sheet.scans if line in s.findings)
        finding = first.findings[line]
        top, top_std = finding.evidence.get("greatest"), finding.evidence.get("greatest_std_shared")
        unit = str(finding.evidence.get("map_unit", ""))
        said = f"{line}: {short(top)}"
        said += f" ± {short(top_std)} {unit_text(unit)}" if top_std else f" {unit_text(unit)}"
        numbers.append(f"{said} in {finding.evidence.get('greatest_in_scan')}")
        rows += [_mean_row(line, s) for s in sheet.scans if line in s.findings]
    exposure = str(sheet.scans[0].data.attrs.get("exposure", ""))
    return Figure(
        title=f"{mark}Element maps: {sheet.title}",
        caption=f"{mark}From above: {sheet.said}. The greatest points: {'; '.join(numbers)}; "
        f"their error is shared by all maps of a line. {exposure[:1].upper()}{exposure[1:]}. "
        "Grey: no value.",
        alt=f"Maps of {', '.join(sheet.lines)} in {len(sheet.scans)} scans",
        draw=draw,
        table=Table(
            ["line", "scan", "mean (share of the greatest)", "± own counting", "± all counting",
             "mean (share of the percentile)", "spread of points", "points"],
            rows,
            note="all counting: with the error of the greatest point, which all scans share",
        ),
        size=grid_size(sheet.rows),
        raster=True,
    )  # fmt: skip


def _mean_row(line: str, scan: Scan) -> list[Cell]:
    finding = scan.findings[line]
    evidence = finding.evidence
    own, top = evidence.get("mean_std_own"), evidence.get("greatest")
    values = np.asarray(scan.data[line].values)
    return [
        line,
        scan.title,
        rounded(finding.value),
        rounded(own / top) if isinstance(own, float) and isinstance(top, float) else None,
        rounded(finding.std_stat),
        rounded(evidence.get("mean_over_percentile")),
        rounded(evidence.get("spread_of_points_as_share")),
        int(np.isfinite(values).sum()),
    ]


def _absorption(findings: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = []
    seen: set[tuple[str, object]] = set()
    liquid = ""
    for f in findings:
        said = f.evidence.get("absorption")
        if not isinstance(said, dict) or f.subject is None or "unknown" in said:
            continue
        if (f.subject.label, said.get("beam_keV")) in seen:
            continue
        seen.add((f.subject.label, said.get("beam_keV")))
        lost: dict[str, Any] = dict(said.get("lost_in_liquid") or {})
        liquid = str(said.get("liquid", ""))
        rows.append(
            [
                f.subject.label,
                rounded(said.get("line_energy_keV")),
                rounded(said.get("beam_keV")),
                str(said.get("matrix")),
                rounded(said.get("attenuation_length_um")),
                rounded(said.get("information_depth_um")),
                *(rounded(100.0 * float(lost[k])) if k in lost else None
                  for k in ("10 um", "100 um")),
            ]
        )  # fmt: skip
    return Table(
        ["line", "line (keV)", "beam (keV)", "in", "falls to 1/e in (µm)",
         "63 % of counts from above (µm)", "lost in 10 µm of liquid (%)", "in 100 µm (%)"],
        rows,
        title="What absorption costs",
        note=f"liquid: {liquid}; unknown depth: the beam's energy is not known. A map of a film "
        "thinner than the depth counts mass per area: swelling along the beam does not change it.",
    )  # fmt: skip


def _liquid(findings: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [
        [
            f.subject.label if f.subject else "",
            ", ".join(str(v) for v in f.state.values()),
            rounded(f.evidence.get("wet_over_dry")),
            rounded(f.evidence.get("wet_over_dry_std")),
            rounded(f.evidence.get("thickness_um")),
            None if f.std_stat is None else rounded(f.std_stat / 1e3),
            "yes" if f.evidence.get("same_points") else "no",
        ]
        for f in findings
    ]
    return Table(
        ["by", "state", "wet over dry", "±", "liquid (µm)", "± (µm)", "same points"],
        rows,
        title="Liquid that would explain what wet scans lack",
        note="If all of the loss were absorption; matter that left, focus and beam do the same.",
    )
