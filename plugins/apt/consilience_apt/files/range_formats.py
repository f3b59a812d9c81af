"""The three kinds of range file, each turned into ranges and a list of what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from consilience.errors import BadInputError
from consilience.model.elements import SYMBOLS
from consilience.model.measurement import Notice
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range

__all__ = ["MOST_SHOWN", "RangeFile", "read_env", "read_rng", "read_rrng"]

MOST_SHOWN = 20
"""Lines listed in one message."""


@dataclass
class RangeFile:
    """What a range file said.

    Parameters
    ----------
    kind : {"rrng", "rng", "env"}
    ranges : list of Range
        As in the file.
    problems : list of (int, str)
        Line and what is wrong there.
    remarks : list of (int, str)
        Line and what is odd there, but harmless.
    joined : int
        Ranges that were joined with another of the same ion, on request.
    """

    kind: str
    ranges: list[Range] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    joined: int = 0

    @property
    def unidentified(self) -> list[Range]:
        """Ranges whose label is no ion."""
        return [one for one in self.ranges if one.ion is None]

    def fault(self, line: int, text: str) -> None:
        """Note a problem."""
        self.problems.append((line, text))

    def notices(self) -> list[Notice]:
        """What is to be kept with a measurement that uses these ranges."""
        found = []
        if self.unidentified:
            found.append(
                Notice(
                    code="unidentified-ranges",
                    message=f"{len(self.unidentified)} of {len(self.ranges)} ranges name no ion: "
                    + "; ".join(one.text for one in self.unidentified[:MOST_SHOWN]),
                    where="the range file",
                    fix="name the ion, or leave the range out; these ions are in no composition",
                )
            )
        if self.remarks:
            found.append(
                Notice(
                    code="range-file-odd",
                    message="; ".join(
                        f"line {line}: {text}" for line, text in self.remarks[:MOST_SHOWN]
                    ),
                    where="the range file",
                    fix="nothing was left out; correct the range file",
                    severity="info",
                )
            )
        if self.joined:
            found.append(
                Notice(
                    code="ranges-joined",
                    message=f"{self.joined} ranges overlapped another of the same ion and were "
                    "joined with it, as asked for",
                    where="the range file",
                    fix="correct the range file",
                )
            )
        return found


def _number(word: str) -> float | None:
    """A number with a decimal point or, as some locales write, a comma."""
    try:
        return float(word.replace(",", ".") if "." not in word else word)
    except ValueError:
        return None


def _volume(value: float | None) -> float | None:
    return value or None  # 0 is how the files write that it is not known


def read_rrng(lines: list[str], found: RangeFile) -> None:
    """Read the sections [Ions] and [Ranges] of a .rrng."""
    section = ""
    stated: dict[str, tuple[int, int]] = {}
    counted = {"ions": 0, "ranges": 0}
    seen: dict[str, int] = {}
    for place, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            section = text.strip("[]").strip().lower()
            if section not in counted:
                found.fault(place, f"section {text} is not known")
            continue
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or section not in counted:
            found.fault(place, f"{text[:60]!r} is no field of [Ions] or [Ranges]")
            continue
        if key.lower() == "number":
            if value.isdecimal():
                stated[section] = (int(value), place)
            else:
                found.fault(place, f"Number={value[:20]} is no number")
            continue
        if not re.fullmatch(r"ion\d+" if section == "ions" else r"range\d+", key, re.IGNORECASE):
            found.fault(place, f"{key[:30]!r} is no field of [{section.title()}]")
            continue
        if key.lower() in seen:
            found.remarks.append((place, f"{key} stands in line {seen[key.lower()]} already"))
        seen[key.lower()] = place
        counted[section] += 1
        if section == "ranges":
            _rrng_range(place, key, value, found)
    for section, (number, place) in stated.items():
        if number != counted[section]:
            found.fault(
                place, f"Number={number} in [{section.title()}], but {counted[section]} follow"
            )


def _rrng_range(place: int, key: str, value: str, found: RangeFile) -> None:
    # «Name: Noise» is written with and without the space
    words = re.sub(r"(\w+):\s+(?=\S)", r"\1:", value).split()
    edges = [_number(word) for word in words[:2]]
    if len(edges) < 2 or edges[0] is None or edges[1] is None:
        found.fault(place, f"{key} has no two edges: {value[:60]!r}")
        return
    atoms: list[tuple[str, int]] = []
    name, colour, volume, sound = "", "", None, True
    for word in words[2:]:
        what, colon, rest = word.partition(":")
        known = what.lower()
        if not colon:
            found.fault(place, f"{key} has {word!r}, which is no NAME:VALUE")
            sound = False
        elif known == "vol":
            volume = _number(rest)
            if volume is None:
                found.fault(place, f"{key} has the volume {rest!r}")
        elif known == "color":
            colour = f"#{rest.lower()}" if re.fullmatch(r"[0-9A-Fa-f]{6}", rest) else ""
        elif known == "name":
            name = rest
        elif what not in SYMBOLS:
            found.fault(place, f"{key} names {what!r}, which is no element")
            sound = False
        elif not rest.isdecimal() or not 1 <= int(rest) <= 100:
            found.fault(place, f"{key} has {rest!r} atoms of {what}")
            sound = False
        else:
            atoms.append((what, int(rest)))
    if sound:
        ion = Ion(tuple(atoms)) if atoms else None
        label = name or (ion.formula if ion else "")
        found.ranges.append(Range(edges[0], edges[1], ion, _volume(volume), colour, label, place))


@dataclass
class _Block:
    """One part of a .rng: names with colours, and a table of ranges."""

    names: list[tuple[str, str]]  # as written out, and as the table's head writes it
    colours: list[str]
    rows: list[tuple[int, float, float, list[int]]]


def read_rng(lines: list[str], found: RangeFile) -> None:
    """Read the table of a .rng, and the colours of its polyatomic extension."""
    numbered = [
        (place, line.strip())
        for place, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    split = next((i for i, (_, text) in enumerate(numbered) if "polyatomic" in text.lower()), None)
    main = _rng_block(numbered[:split], found)
    if main is None:
        return
    ions = [_rng_ion(name) for name in main.names]
    for place, low, high, numbers in main.rows:
        taken = [(i, number) for i, number in enumerate(numbers) if number]
        label = " ".join(main.names[i][0] for i, _ in taken)
        ion: Ion | None = None
        if taken and all(ions[i] is not None for i, _ in taken):
            atoms = [
                (symbol, count * number)
                for i, number in taken
                for symbol, count in (ions[i] or Ion((("H", 1),))).elements
            ]
            ion = Ion(tuple(atoms))
            label = ion.formula
        elif len(taken) > 1:
            odd = next(main.names[i][0] for i, _ in taken if ions[i] is None)
            found.fault(place, f"{odd!r} is no element, but is part of a molecule here")
            continue
        colour = main.colours[taken[0][0]] if len(taken) == 1 and taken[0][1] == 1 else ""
        found.ranges.append(Range(low, high, ion, None, colour, label, place))
    if split is not None and len(numbered) > split + 1:
        _extend(numbered[split + 1 :], found)


def _extend(numbered: list[tuple[int, str]], found: RangeFile) -> None:
    """Take the colours of the polyatomic extension, which repeats ranges of the main table."""
    more = _rng_block(numbered, found)
    if more is None:
        return
    places = {(one.low, one.high): i for i, one in enumerate(found.ranges)}
    for place, low, high, numbers in more.rows:
        which = places.get((low, high))
        taken = [i for i, number in enumerate(numbers) if number]
        if which is None:
            found.fault(place, f"{low:g} to {high:g} Da is not among the ranges above")
        elif len(taken) == 1:
            name = more.names[taken[0]]
            ion, known = _rng_ion(name), found.ranges[which].ion
            if ion is not None and known is not None and ion != known:
                found.fault(
                    place, f"{low:g} to {high:g} Da is {ion.formula} here, {known.formula} above"
                )
            found.ranges[which] = replace(
                found.ranges[which], colour=more.colours[taken[0]], label=name[0]
            )


def _rng_ion(name: tuple[str, str]) -> Ion | None:
    for text in name[::-1]:
        try:
            return Ion.parse(text)
        except BadInputError:
            continue
    return None


def _rng_block(numbered: list[tuple[int, str]], found: RangeFile) -> _Block | None:
    place, first = numbered[0] if numbered else (1, "")
    if not re.fullmatch(r"\d+\s+\d+", first):
        found.fault(place, f"{first[:40]!r} is no number of ions and of ranges")
        return None
    ions, ranges = (int(word) for word in first.split())
    head = next((i for i, (_, text) in enumerate(numbered) if text.startswith("--")), None)
    if head is None:
        found.fault(place, "there is no line of dashes with the ions' names")
        return None
    block = _Block([], [], [])
    listed = numbered[1:head]
    if len(listed) != 2 * ions:
        found.fault(
            place,
            f"{ions} ions are stated, but {len(listed)} lines of names follow, not {2 * ions}",
        )
        return None
    for (_, name), (line, text) in zip(listed[::2], listed[1::2], strict=True):
        words = text.split()
        shades = [_number(word) for word in words[1:4]]
        if len(words) != 4 or any(c is None or not 0 <= c <= 1 for c in shades):
            found.fault(line, f"{text[:40]!r} is no name with three shares of colour")
        block.names.append((name, words[0]))
        block.colours.append(
            "#" + "".join(f"{round(255 * min(max(c or 0.0, 0.0), 1.0)):02x}" for c in shades)
        )
    place, text = numbered[head]
    columns = text.lstrip("-").split()
    if len(columns) != ions:
        found.fault(place, f"{len(columns)} names head the table, {ions} ions are stated")
        return None
    # the head is what the numbers stand under; a long name above it still may tell the element
    block.names = [(name, column) for (name, _), column in zip(block.names, columns, strict=True)]
    rows = [row for row in numbered[head + 1 :] if row[1].startswith(".")]
    for line, text in numbered[head + 1 :]:
        if not text.startswith("."):
            found.fault(line, f"{text[:40]!r} is no range: ranges begin with a dot")
    if len(rows) != ranges:
        found.fault(numbered[0][0], f"{ranges} ranges are stated, but {len(rows)} follow")
    for line, text in rows:
        words = text[1:].split()
        edges = [_number(word) for word in words[:2]]
        if len(words) != ions + 2 or edges[0] is None or edges[1] is None:
            found.fault(line, f"{text[:60]!r} is not two edges and {ions} numbers of atoms")
        elif not all(word.isdecimal() and int(word) <= 100 for word in words[2:]):
            found.fault(line, f"{text[:60]!r}: a number of atoms is none")
        else:
            block.rows.append((line, edges[0], edges[1], [int(word) for word in words[2:]]))
    return block


def read_env(lines: list[str], found: RangeFile) -> None:
    """Read the mass ranges of a .env of the Rouen software."""
    part = ""
    stated: tuple[int, int, int] | None = None
    listed = 0
    for place, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            comment = text.lstrip("# ").lower()
            for start, name in (
                ("number of elements", "number"),
                ("list of element", "elements"),
                ("definition of", "ranges"),
                ("atom probe definition", "other"),
            ):
                if comment.startswith(start):
                    part = name
            continue
        words = text.split()
        if not words:
            continue
        if part == "number" and len(words) == 2 and all(word.isdecimal() for word in words):
            stated = (int(words[0]), int(words[1]), place)
        elif part == "elements":
            listed += 1
        elif part == "ranges":
            _env_range(place, words, found)
    if stated is None:
        found.fault(1, "the number of elements and of mass ranges is not stated")
        return
    elements, ranges, place = stated
    follow = len(found.ranges) + len(found.problems)
    if elements != listed:
        found.fault(place, f"{elements} elements are stated, but {listed} follow")
    if ranges != follow:
        found.fault(place, f"{ranges} ranges are stated, but {follow} follow")


def _env_range(place: int, words: list[str], found: RangeFile) -> None:
    numbers = [_number(word) for word in words[1:4]]
    if len(numbers) < 2 or any(number is None for number in numbers):
        found.fault(place, f"{' '.join(words)[:60]!r} is no label, two edges and a volume")
        return
    low, high, *more = (number for number in numbers if number is not None)
    try:
        ion: Ion | None = Ion.parse(words[0])
    except BadInputError:
        ion = None  # «Hyd» and free names such as «X23»
    volume = _volume(more[0] * 1e-3) if more else None  # Å³ to nm³
    found.ranges.append(Range(low, high, ion, volume, "", words[0], place))
