"""Reference lines as a table: CSV, or an Excel sheet for each phase.

python -m consilience_xrd.references.table Pt LiF my.cif --wavelength 0.6888 --out lines.xlsx
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from consilience.errors import BadInputError, ConsilienceError
from consilience_xrd.axes import energy_to_wavelength
from consilience_xrd.references.phases import PhaseCell, library_phase, phase_from_cif
from consilience_xrd.references.reference import ReferencePattern, reference_pattern

__all__ = ["COLUMNS", "main", "rows_of", "write_table"]

COLUMNS = (
    "phase", "hkl", "d (angstrom)", "2theta (deg)", "q (1/angstrom)", "relative intensity",
    "multiplicity", "std of q by the cell (1/angstrom)",
)  # fmt: skip


def rows_of(pattern: ReferencePattern) -> list[list[Any]]:
    """Rows in the order of `COLUMNS`, by increasing q."""
    return [
        [
            pattern.phase.label, line.label, round(line.d, 6), round(line.two_theta, 5),
            round(line.q, 6), round(line.intensity, 3), line.multiplicity, round(line.q_std, 6),
        ]
        for line in pattern.lines
    ]  # fmt: skip


def _about(pattern: ReferencePattern) -> list[list[Any]]:
    phase = pattern.phase
    return [
        ["phase", phase.label],
        ["formula", phase.formula],
        ["space group", phase.space_group],
        ["cell a, b, c (angstrom), alpha, beta, gamma (deg)", *phase.cell],
        ["source", phase.citation],
        ["checked", phase.checked],
        ["wavelength (angstrom)", pattern.wavelength],
        ["intensities", "of the strongest line = 100; no thermal motion, no absorption"],
    ]


def write_table(patterns: Sequence[ReferencePattern], path: Path) -> Path:
    """Write the lines of phases to `path`.

    Parameters
    ----------
    patterns : sequence of ReferencePattern
    path : path
        ``.csv``: one table; ``.xlsx``: a sheet for each phase, with the cell and its source.

    Raises
    ------
    BadInputError
        Another suffix, no pattern, or openpyxl missing for ``.xlsx``.
    """
    if not patterns:
        raise BadInputError("No phase was given.", fix="Name phases of the library, or CIF files.")
    if path.suffix.lower() == ".csv":
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            for pattern in patterns:
                writer.writerows(rows_of(pattern))
        return path
    if path.suffix.lower() != ".xlsx":
        raise BadInputError(
            f"A table cannot be written as {path.suffix or 'a file without suffix'!r}.",
            fix="Give a name that ends in .csv or .xlsx.",
        )
    try:
        from openpyxl import Workbook  # type: ignore[import-untyped]
    except ImportError:
        raise BadInputError(
            "An Excel file needs openpyxl, which is not installed.",
            fix="pip install openpyxl, or write a .csv.",
        ) from None
    book = Workbook()
    book.remove(book.active)
    used: set[str] = set()
    for pattern in patterns:
        sheet = book.create_sheet(_sheet_name(pattern.phase.label, used))
        sheet.append(list(COLUMNS[1:]))
        for row in rows_of(pattern):
            sheet.append(row[1:])
        sheet.freeze_panes = "A2"
        about = book.create_sheet(_sheet_name(f"{pattern.phase.label} source", used))
        for row in _about(pattern):
            about.append(row)
    book.save(path)
    return path


def _sheet_name(label: str, used: set[str]) -> str:
    """A name that Excel takes: at most 31 characters, none that it reserves, unique."""
    plain = "".join("_" if c in "[]:*?/\\" else c for c in label)[:28]
    name, number = plain, 2
    while name.lower() in used:
        name, number = f"{plain} {number}", number + 1
    used.add(name.lower())
    return name


def _phase(name: str) -> PhaseCell:
    path = Path(name)
    return phase_from_cif(path) if path.suffix.lower() == ".cif" else library_phase(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a table as the command line says; 0, or 2 after a message."""
    parser = argparse.ArgumentParser(prog="python -m consilience_xrd.references.table")
    parser.add_argument("phases", nargs="+", help="key of the library, or a CIF file")
    beam = parser.add_mutually_exclusive_group(required=True)
    beam.add_argument("--wavelength", type=float, help="[angstrom]")
    beam.add_argument("--energy", type=float, help="[keV]")
    parser.add_argument("--q-min", type=float, default=0.5, help="[1/angstrom]")
    parser.add_argument("--q-max", type=float, default=6.0, help="[1/angstrom]")
    parser.add_argument("--out", type=Path, required=True, help=".csv or .xlsx")
    parser.add_argument("--cache", type=Path, default=None, help="folder for computed lines")
    said = parser.parse_args(arguments)
    try:
        wavelength = said.wavelength or energy_to_wavelength(said.energy)
        patterns = [
            reference_pattern(_phase(name), wavelength, (said.q_min, said.q_max), said.cache)
            for name in said.phases
        ]
        written = write_table(patterns, said.out)
    except ConsilienceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    count = sum(len(p.lines) for p in patterns)
    sys.stdout.write(f"{count} lines of {len(patterns)} phases: {written}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
