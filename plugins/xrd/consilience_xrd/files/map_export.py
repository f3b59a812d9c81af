"""Results as files: maps as NeXus, maps and peaks as CSV and Excel."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience._version import __version__ as host_version
from consilience.errors import BadInputError
from consilience.text import spreadsheet_cell

if TYPE_CHECKING:
    import xarray as xr

    from consilience.model.finding import Finding

__all__ = ["write_maps_csv", "write_maps_nexus", "write_maps_xlsx", "write_peaks_csv",
           "write_peaks_xlsx"]  # fmt: skip

Opener = Callable[[str], "xr.Dataset"]
Rows = list[list[Any]]


def _array_with(
    findings: Sequence[Finding], open_array: Opener, variable: str
) -> tuple[xr.Dataset, str]:
    """The first array of the findings that holds `variable`, and where its numbers come from."""
    for name in dict.fromkeys(f.array for f in findings if f.array is not None):
        data = open_array(name)
        if variable in data:
            return data, findings[0].origin
    raise BadInputError(
        f"no array of these findings holds {variable!r}", fix="run the analysis again"
    )


def write_maps_nexus(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write the maps as NXdata groups, each with its error where there is one.

    Each map of lines or phases becomes a group of its own, named for the variable; the entry's
    ``origin`` says whether the numbers are measured or simulated.
    """
    import h5py

    data, origin = _array_with(findings, open_array, "region")
    plane = [str(d) for d in data["region"].dims]
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "origin": origin})
        entry["program_name"] = "consilience"
        entry["program_name"].attrs["version"] = host_version
        entry["definition"] = "NXprocess"
        shown = [str(n) for n in data.data_vars if set(plane) <= set(map(str, data[n].dims))]
        maps = [n for n in shown if not n.endswith("_std")]
        if "phase_intensity" in maps:
            entry.attrs["default"] = "phase_intensity"
        for name in maps:
            _group(entry, data, name, plane)


def _group(entry: Any, data: xr.Dataset, name: str, plane: list[str]) -> None:
    array = data[name]
    group = entry.create_group(name)
    outer = [str(d) for d in array.dims if str(d) not in plane]
    group.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": [*outer, *plane]})
    group["title"] = str(array.attrs.get("title", name.replace("_", " ")))
    group["data"] = np.asarray(array.values)
    group["data"].attrs["units"] = str(array.attrs.get("units", "1"))
    if f"{name}_std" in data:
        group["data_errors"] = np.asarray(data[f"{name}_std"].values)
        group["data_errors"].attrs["units"] = str(array.attrs.get("units", "1"))
    for axis in plane:
        group[axis] = np.asarray(data[axis].values)
        group[axis].attrs["units"] = str(data[axis].attrs.get("units", "1"))
    if "line" in outer:
        group["line"] = np.asarray(data["line"].values)
        group["line"].attrs["units"] = "1/angstrom"
    if "phase" in outer:
        group["phase"] = [str(v) for v in data["phase_name"].values]


def _map_rows(data: xr.Dataset) -> Rows:
    """A row for each point: place, region, background, and each phase with error and limit."""
    y, x = (str(d) for d in data["region"].dims)
    unit = {name: str(data[name].attrs.get("units", "1")) for name in (y, x)}
    columns: list[tuple[str, Any]] = []
    across, along = np.meshgrid(data[y].values, data[x].values, indexing="ij")
    columns += [(f"{y} ({unit[y]})", across), (f"{x} ({unit[x]})", along)]
    for name in ("region", "background", "total"):
        columns.append((f"{name} ({data[name].attrs['units']})", data[name].values))
    names = [str(v) for v in data["phase_name"].values] if "phase_name" in data else []
    for i, phase in enumerate(names):
        for name in ("intensity", "intensity_std", "limit", "detected", "strain", "strain_std"):
            values = data[f"phase_{name}"]
            heading = f"{phase} {name.replace('_', ' ')} ({values.attrs['units']})"
            columns.append((heading, values.values[i]))
    flat = [np.asarray(values).ravel() for _, values in columns]
    rows: Rows = [[heading for heading, _ in columns]]
    rows += [[_plain(v) for v in row] for row in zip(*flat, strict=True)]
    return rows


def _plain(value: Any) -> Any:
    """A number as a table takes it; unknown is said or left empty, never 0."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain


def _finding_rows(findings: Iterable[Finding]) -> Rows:
    rows: Rows = [["kind", "subject", "region", "status", "value", "unit", "std_stat", "std_sys",
                   "limit", "reason", "origin", "method"]]  # fmt: skip
    for f in findings:
        rows.append(
            [f.kind, f.subject.label if f.subject else None, f.region.label if f.region else None,
             f.status, f.value, f.unit, f.std_stat, f.std_sys, f.limit, f.reason, f.origin,
             f.method]
        )  # fmt: skip
    return rows


def _line_rows(data: xr.Dataset) -> Rows:
    """A row for each line of a map."""
    rows: Rows = [["line (1/angstrom)", "Lorentzian fraction", "relative systematic std of area",
                   "points where it stands out", "points"]]  # fmt: skip
    if "line_area" not in data:
        return rows
    flags = np.asarray(data["line_flags"].values)
    for i, place in enumerate(data["line"].values):
        rows.append(
            [_plain(place), _plain(data["line_eta"].values[i]),
             _plain(data["line_area_sys"].values[i]), int(np.count_nonzero((flags[i] & 7) == 0)),
             int(flags[i].size)]
        )  # fmt: skip
    return rows


def _peak_rows(data: xr.Dataset) -> Rows:
    names = [str(n) for n in data.data_vars if str(n).startswith("peak_")]
    rows: Rows = [[f"{n[5:].replace('_', ' ')} ({data[n].attrs.get('units', '1')})" for n in names]]
    values = [data[n].values for n in names]
    rows += [[_plain(v) for v in row] for row in zip(*values, strict=True)]
    return rows


def _csv(rows: Rows, origin: str, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"origin: {origin}"])
        writer.writerows([[spreadsheet_cell(cell) for cell in row] for row in rows])


def _xlsx(sheets: dict[str, Rows], origin: str, path: Path) -> None:
    try:
        from openpyxl import Workbook  # type: ignore[import-untyped]
    except ImportError:
        raise BadInputError(
            "An Excel file needs openpyxl, which is not installed.",
            fix="pip install openpyxl, or take the .csv.",
        ) from None
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name[:31])
        sheet.append([f"origin: {origin}"])
        for row in rows:
            sheet.append(
                [spreadsheet_cell(cell) if isinstance(cell, str) else cell for cell in row]
            )
        sheet.freeze_panes = "A3"
    book.save(path)


def write_maps_csv(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write a row for each point of the map."""
    data, origin = _array_with(findings, open_array, "region")
    _csv(_map_rows(data), origin, path)


def write_maps_xlsx(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write sheets of points, lines and findings."""
    data, origin = _array_with(findings, open_array, "region")
    sheets = {
        "points": _map_rows(data),
        "lines": _line_rows(data),
        "findings": _finding_rows(findings),
    }
    _xlsx(sheets, origin, path)


def write_peaks_csv(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write a row for each fitted peak."""
    data, origin = _array_with(findings, open_array, "peak_center")
    _csv(_peak_rows(data), origin, path)


def write_peaks_xlsx(findings: Sequence[Finding], open_array: Opener, path: Path) -> None:
    """Write sheets of peaks and of phases, cells and unassigned lines."""
    data, origin = _array_with(findings, open_array, "peak_center")
    _xlsx({"peaks": _peak_rows(data), "findings": _finding_rows(findings)}, origin, path)
