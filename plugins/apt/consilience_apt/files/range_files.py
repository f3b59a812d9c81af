"""Range files: .rrng, .rng and .env, read with every line checked.

None of the formats knows charges; `consilience_apt.ranges.assign_charges` finds them.

References
----------
.. [1] D. J. Larson et al., Local Electrode Atom Probe Tomography, Springer 2013,
   doi:10.1007/978-1-4614-8721-0, appendix A: data file formats (tables A.2 and A.3).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from consilience.errors import BadFileError
from consilience_apt.files.range_formats import MOST_SHOWN, RangeFile, read_env, read_rng, read_rrng
from consilience_apt.ranges import MOST_RANGES, Range, RangeTable, problems_of

__all__ = ["RangeFile", "read_range_file", "read_ranges"]

LARGEST_FILE = 4 << 20
"""Bytes; the longest range files have some thousand lines."""


def read_ranges(path: Path, *, join: bool = False) -> RangeTable:
    """Return the ranges of a file; see `read_range_file`."""
    return read_range_file(path, join=join)[0]


def read_range_file(path: Path, *, join: bool = False) -> tuple[RangeTable, RangeFile]:
    """Read a range file of any of the three kinds, known by what is in it.

    Parameters
    ----------
    path : Path
    join : bool
        Join ranges of one ion that overlap; ranges of different ions never are.

    Returns
    -------
    tuple
        The table, charges None; and what the file said, with notices.

    Raises
    ------
    BadFileError
        It is no range file, or has faults: all of them are listed, each with its line.
    """
    lines = _lines(path)
    kind = _kind(lines)
    if kind is None:
        raise BadFileError(
            f"{path.name!r} is no range file: it has no [Ranges], does not begin with two "
            "numbers, and has no list of mass ranges",
            fix="give a .rrng, .rng or .env file",
            path=path,
        )
    found = RangeFile(kind)
    {"rrng": read_rrng, "rng": read_rng, "env": read_env}[kind](lines, found)
    if join:
        _join(found)
    faults = [*found.problems, *((line or 0, text) for line, text in problems_of(found.ranges))]
    if not faults and not found.ranges:
        faults.append((len(lines), "there is no range"))
    if not faults and len(found.ranges) > MOST_RANGES:
        faults.append((1, f"{len(found.ranges)} ranges, at most {MOST_RANGES} can be used"))
    if faults:
        raise _refusal(path, kind, faults)
    return RangeTable(found.ranges, path.name), found


def _refusal(path: Path, kind: str, faults: list[tuple[int, str]]) -> BadFileError:
    faults = sorted(set(faults))
    shown = "; ".join(
        f"line {line}: {text}" if line and "(line" not in text else text
        for line, text in faults[:MOST_SHOWN]
    )
    more = f"; and {len(faults) - MOST_SHOWN} more" if len(faults) > MOST_SHOWN else ""
    overlap = all(text.startswith("overlap") for _, text in faults)
    return BadFileError(
        f"{path.name!r} (.{kind}) has {len(faults)} fault{'s' if len(faults) > 1 else ''}: "
        f"{shown}{more}",
        fix="correct these lines of the range file"
        + (
            "; where one ion overlaps itself, --option join_ranges=true joins the two"
            if overlap
            else ""
        ),
        path=path,
        line=faults[0][0] or None,
    )


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > LARGEST_FILE:
        raise BadFileError(
            f"{path.name!r} is no range file: it has {path.stat().st_size} bytes",
            fix="give a .rrng, .rng or .env file",
            path=path,
        )
    raw = path.read_bytes()
    if b"\0" in raw:
        raise BadFileError(
            f"{path.name!r} is no range file: it is not text",
            fix="give a .rrng, .rng or .env file",
            path=path,
            offset=raw.index(b"\0"),
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _kind(lines: list[str]) -> str | None:
    plain = [line.strip() for line in lines]
    if any(line.lower() == "[ranges]" for line in plain):
        return "rrng"
    if any(re.match(r"#\s*Definition of\s+Mass ranges", line, re.IGNORECASE) for line in plain):
        return "env"
    first = next((line for line in plain if line and not line.startswith("#")), "")
    return "rng" if re.fullmatch(r"\d+\s+\d+", first) else None


def _join(found: RangeFile) -> None:
    kept: list[Range] = []
    for one in sorted(found.ranges, key=lambda one: (one.low, one.high)):
        last = kept[-1] if kept else None
        sound = one.low < one.high
        if last and sound and one.ion is not None and one.ion == last.ion and one.low < last.high:
            kept[-1] = replace(last, high=max(last.high, one.high))
            found.joined += 1
        else:
            kept.append(one)
    found.ranges = kept
