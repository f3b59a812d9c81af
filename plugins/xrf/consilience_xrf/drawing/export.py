"""Compared maps as files: pictures of high resolution, tables, and images of numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience._version import __version__ as host_version
from consilience.errors import BadInputError
from consilience.model.finding import Finding
from consilience.text import spreadsheet_cell
from consilience_xrf.drawing.common import line_text
from consilience_xrf.drawing.grid import PanelRow, draw_rows, grid_size
from consilience_xrf.drawing.map_rows import Scan, lines_of, row_of, scans_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "write_maps_csv",
    "write_maps_pdf",
    "write_maps_png",
    "write_maps_svg",
    "write_maps_tiff",
    "write_profiles_csv",
]

Opener = Callable[[str], "xr.Dataset"]
DPI = 600
KINDS = ("element_map", "mass_thickness", "line_intensity")
"""Whose arrays are maps."""
ACROSS = 8
"""Panels side by side."""
EACH = 2.2
"""Inches of a panel."""
TALLEST = 200.0
"""Inches of a picture, which no page has to hold."""
PIXELS = 40_000_000
"""Most pixels of one picture; the resolution is lowered to keep to it."""


def _scans(findings: Sequence[Finding], open_array: Opener) -> tuple[list[Scan], str]:
    kind = next((f.kind for f in findings if f.kind in KINDS), "")
    found = scans_of(findings, open_array, kind) if kind else []
    if not found:
        raise BadInputError(
            "these findings name no map of an element", fix="run the analysis again on element maps"
        )
    return found, findings[0].origin


def _rows(scans: Sequence[Scan]) -> list[PanelRow]:
    """Lines below one another, scans side by side: on one scale, then each on its own."""
    lines = lines_of(scans)
    cells = [[(s, line) for s in scans if line in s.findings] for line in lines]
    if len(scans) == 1:
        cells = [[(scans[0], line) for line in lines]]
    rows: list[PanelRow] = []
    for kind in ("greatest", "own"):
        for some in cells:
            for first in range(0, len(some), ACROSS):
                part = some[first : first + ACROSS]
                named = [
                    (s, line, f"{line_text(line)}: {s.title}".removesuffix(": "))
                    for s, line in part
                ]
                rows.append(row_of(kind, named))
    return rows


def _picture(
    findings: Sequence[Finding], open_array: Opener, path: Path, kind: str, dpi: int
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from consilience.report.drawing import style

    scans, origin = _scans(findings, open_array)
    rows = _rows(scans)
    width = max(4.0, EACH * max(len(row.panels) for row in rows) + 1.0)
    height = grid_size(rows, width, TALLEST)[1]
    dpi = int(max(100, min(dpi, (PIXELS / (width * height)) ** 0.5)))
    by_kind: dict[str, dict[str, Any]] = {
        "png": {"Software": f"consilience {host_version}", "Comment": f"origin: {origin}"},
        "svg": {"Date": None, "Creator": f"consilience {host_version}",
                "Description": f"origin: {origin}"},
        "pdf": {"CreationDate": None, "ModDate": None, "Creator": f"consilience {host_version}",
                "Subject": f"origin: {origin}"},
    }  # fmt: skip
    with style():
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        draw_rows(figure, rows, simulated=origin == "simulated")
        figure.savefig(path, format=kind, dpi=dpi, metadata=by_kind[kind])


def write_maps_png(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write all maps as pixels, 600 to the inch where they do not become too many."""
    _picture(findings, open_array, path, "png", DPI)


def write_maps_svg(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write all maps as SVG: axes and text as vectors, each map as an image."""
    _picture(findings, open_array, path, "svg", DPI // 2)


def write_maps_pdf(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write all maps as PDF: axes and text as vectors, each map as an image."""
    _picture(findings, open_array, path, "pdf", DPI // 2)


def write_maps_csv(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write a row for each point of each scan: place, values and errors of all lines."""
    scans, origin = _scans(findings, open_array)
    lines = lines_of(scans)
    units = {line: str(s.data[line].attrs.get("units", "1")) for s in scans for line in s.findings}
    y, x = scans[0].plane
    unit = str(scans[0].data[x].attrs.get("units", "1"))
    heading = ["scan", f"{y} ({unit})", f"{x} ({unit})"]
    for line in lines:
        heading += [f"{line} ({units[line]})", f"{line} std ({units[line]})"]
        if any(f"greatest_of_{line}" in s.data for s in scans):
            heading.append(f"{line} (share of the greatest point)")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"origin: {origin}"])
        writer.writerow([spreadsheet_cell(h) for h in heading])
        for scan in scans:
            for row in _points(scan, lines):
                writer.writerow([spreadsheet_cell(cell) for cell in row])


def _points(scan: Scan, lines: Sequence[str]) -> list[list[Any]]:
    y, x = scan.plane
    down, across = np.meshgrid(scan.data[y].values, scan.data[x].values, indexing="ij")
    columns: list[Any] = [down.ravel(), across.ravel()]
    nothing = np.full(down.size, np.nan)
    for line in lines:
        here = line in scan.findings
        values = np.asarray(scan.data[line].values).ravel() if here else nothing
        std = f"{line}_std"
        columns += [
            values,
            np.asarray(scan.data[std].values).ravel() if std in scan.data else nothing,
        ]
        top = scan.number(f"greatest_of_{line}")
        if top is not None:
            columns.append(values / top)
    return [[scan.title, *(_plain(v) for v in row)] for row in zip(*columns, strict=True)]


def _plain(value: Any) -> float | None:
    """A number as a table takes it; unknown is empty, never 0."""
    return float(f"{value:.7g}") if np.isfinite(value) else None


def write_maps_tiff(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write each map as a page of 32-bit numbers; what a page is stands in its description."""
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    scans, origin = _scans(findings, open_array)
    pages = []
    for scan in scans:
        y, x = scan.plane
        for line in scan.findings:
            for name in (line, f"{line}_std"):
                if name not in scan.data:
                    continue
                array = scan.data[name]
                about = {
                    "origin": origin,
                    "map": name,
                    "unit": str(array.attrs.get("units", "1")),
                    "scan": scan.title,
                    "x": [float(v) for v in scan.data[x].values[[0, -1]]],
                    "y": [float(v) for v in scan.data[y].values[[0, -1]]],
                    "position_unit": str(scan.data[x].attrs.get("units", "1")),
                    "program": f"consilience {host_version}",
                }
                tags = ImageFileDirectory_v2()
                tags[270] = json.dumps(about, sort_keys=True)
                pages.append((Image.fromarray(array.values.astype(np.float32)), tags))
    first, tags = pages[0]
    for image, own in pages[1:]:
        image.encoderinfo = {"tiffinfo": own}
    first.save(
        path, format="TIFF", save_all=True, tiffinfo=tags, append_images=[p for p, _ in pages[1:]]
    )


def write_profiles_csv(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write a row for each bin of each profile."""
    some = [f for f in findings if f.kind == "line_profile" and f.array is not None]
    if not some:
        raise BadInputError("these findings name no profile", fix="run the analysis again")
    first = open_array(some[0].array or "")
    unit, value = (str(first[n].attrs.get("units", "1")) for n in ("distance", "value"))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"origin: {some[0].origin}"])
        writer.writerow(
            ["scan", "line", f"distance ({unit})", f"mean ({value})", f"std ({value})",
             "share of the greatest point", "std of the share", "points"]
        )  # fmt: skip
        for finding in some:
            data = open_array(finding.array or "")
            size = data.sizes["distance"]
            columns = [
                data[n].values if n in data else np.full(size, np.nan)
                for n in ("distance", "value", "value_std", "share", "share_std", "points")
            ]
            title = spreadsheet_cell(str(data.attrs.get("title", "")))
            label = finding.subject.label if finding.subject else ""
            for row in zip(*columns, strict=True):
                writer.writerow([title, spreadsheet_cell(label), *(_plain(v) for v in row)])
