"""Rows of numbers from text, with line numbers and byte offsets for what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TextTable", "parse_table"]

_COMMENT = ("#", "!", "%", ";", "'", "/*", "//")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|nan|inf", re.IGNORECASE)


@dataclass
class TextTable:
    """Header lines, rows, their line numbers, and column names where a heading has them."""

    header: list[str]
    rows: NDArray[np.float64]
    lines: NDArray[np.int64]
    columns: list[str] | None


def parse_table(path: Path) -> TextTable:
    """Read a table of numbers; refuses what is empty, cut off or not numbers."""
    raw = path.read_bytes()
    if not raw.strip():
        raise BadFileError("The file is empty.", fix="Copy or export it again.", path=path)
    if b"\x00" in raw[:4096]:
        raise BadFileError(
            "The file is not text: it holds zero bytes.",
            fix="Choose the reader for its format with --reader.",
            path=path,
            offset=raw.index(b"\x00"),
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # old programs write the degree sign so
    header: list[str] = []
    columns: list[str] | None = None
    data: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare:
            continue
        if bare.startswith(_COMMENT):
            header.append(bare)
            continue
        if not data and not _NUMBER.fullmatch(re.split(r"[,;\s]", bare)[0]):
            header.append(bare)
            columns = [c.strip() for c in re.split(r"[,;\t]|\s{2,}", bare)]
            continue
        data.append((number, bare))
    if not data:
        raise BadFileError(
            "The file has no lines of numbers.",
            fix="Check that it is a table of axis and intensity.",
            path=path,
            line=1,
        )
    if columns is None:
        columns = _columns_in_comment(header)
    delimiter = _delimiter(data, path)
    width = 0
    rows: list[list[float]] = []
    lines: list[int] = []
    offset_of = _Offsets(raw)
    for number, line in data:
        parts = [p for p in re.split(delimiter, line) if p != ""]
        if not width:
            width = len(parts)
            if width < 2:
                raise BadFileError(
                    "The first data line has one column; axis and intensity are needed.",
                    fix="Export the pattern with its axis.",
                    path=path,
                    line=number,
                )
        if len(parts) != width:
            last = number == data[-1][0]
            raise BadFileError(
                f"The line has {len(parts)} columns where the lines before have {width}"
                + ("; it is the last line, so the file is cut off." if last else "."),
                fix="Copy the file again." if last else "Mend or remove the line in a copy.",
                path=path,
                line=number,
                offset=offset_of(number),
            )
        try:
            rows.append([float(p) for p in parts])
        except ValueError as error:
            raise BadFileError(
                f"Not a number: {str(error).partition(': ')[2].strip(chr(34)) or repr(line)}.",
                fix="Check the line; text belongs in lines that start with #.",
                path=path,
                line=number,
                offset=offset_of(number),
            ) from None
        lines.append(number)
    return TextTable(header, np.array(rows), np.array(lines), columns)


class _Offsets:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __call__(self, line: int) -> int:
        return sum(len(part) + 1 for part in self.raw.split(b"\n")[: line - 1])


def _columns_in_comment(header: list[str]) -> list[str] | None:
    """Names in the last comment before the data, as in ``# two_theta intensity sigma``."""
    if not header:
        return None
    bare = header[-1].lstrip("#!%;'/* ").strip()
    if ":" in bare or "=" in bare:
        return None
    return [c for c in re.split(r"[,;\t]|\s+", bare) if c]


def _delimiter(data: list[tuple[int, str]], path: Path) -> str:
    number, first = data[0]
    if "\t" in first:
        found = r"\s*\t\s*"
    elif ";" in first:
        found = r"\s*;\s*"
    elif "," in first:
        found = r"\s*,\s*"
        pieces = first.split()
        if len(pieces) > 1 and all(re.fullmatch(r"[+-]?\d+,\d+", p) for p in pieces):
            _refuse_comma(pieces[0], number, path)
    else:
        found = r"\s+"
    if "," in first and found != r"\s*,\s*":
        piece = next(p for p in re.split(found, first) if "," in p)
        _refuse_comma(piece, number, path)
    return found


def _refuse_comma(piece: str, line: int, path: Path) -> None:
    left, _, right = piece.partition(",")
    raise BadFileError(
        f"{piece!r} may be the number {left}.{right} with a decimal comma or the two numbers "
        f"{left} and {right}.",
        fix="Write the file with decimal points.",
        path=path,
        line=line,
    )
