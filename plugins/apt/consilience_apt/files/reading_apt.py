"""Check and index .apt of AP Suite: a header, then sections of one record an ion [1]_.

The section table is walked here, so that the ions stay in the file and every stated size is
held against the file's own; readers that copy all ions into memory are compared in the tests.

References
----------
.. [1] ifes_apt_tc_data_modeling, module ``apt``, from what the manufacturer shared of the format.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError
from consilience.model.measurement import Notice, Signal
from consilience_apt.files.layout import Field, FileSource, Layout
from consilience_apt.files.probe import APT_SIGNATURE
from consilience_apt.files.signals import Request, cut_notice, ions_signal

__all__ = ["Section", "read_apt", "walk"]

_HEADER = struct.Struct("<4sii512sQQ")
_SECTION = struct.Struct("<4sii64siIIIii32sQQ")
MOST_SECTIONS = 1000
_KINDS = {1: "i", 2: "u", 3: "f"}

_WANTED: dict[str, tuple[tuple[str, int, str], ...]] = {
    # column: sections it may be in, the first that is there is taken; number in the record; unit
    "x": (("Position", 0, "nm"),),
    "y": (("Position", 1, "nm"),),
    "z": (("Position", 2, "nm"),),
    "mass_to_charge": (("Mass", 0, "Da"),),
    "time_of_flight": (("tof", 0, "ns"), ("Epos ToF", 0, "ns")),
    "voltage": (("Voltage", 0, "V"),),
    "pulse_voltage": (("Pulse Voltage", 0, "V"),),
    "detector_x": (("Detector Coordinates", 0, "mm"), ("XDet_mm", 0, "mm")),
    "detector_y": (("Detector Coordinates", 1, "mm"), ("YDet_mm", 0, "mm")),
    "pulses_since": (("pulseDelta", 0, ""), ("Delta Pulse", 0, "")),
    "ions_per_pulse": (("Multiplicity", 0, ""),),
}
_SAME = {"da": "Da", "amu": "Da", "u": "Da"}


@dataclass(frozen=True)
class Section:
    """One section: where its data are, and what they are."""

    name: str
    unit: str
    offset: int
    records: int
    record: int
    dtype: str | None
    bytes: int
    one_each: bool

    @property
    def numbers(self) -> int:
        """Numbers in one record."""
        return self.record // int(self.dtype[2:]) if self.dtype else 0


def _text(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").split("\0", 1)[0]


def walk(path: Path) -> tuple[int, dict[str, Any], dict[str, Section], int]:
    """Return the ions stated, the header's words, the sections, and the bytes that are missing.

    Raises
    ------
    BadFileError
        No such header; a section that contradicts itself.
    """

    def refuse(what: str, offset: int) -> BadFileError:
        return BadFileError(
            f"{path.name!r} {what}",
            fix="export it again from AP Suite; nothing was registered",
            path=path,
            offset=offset,
        )

    size = path.stat().st_size
    sections: dict[str, Section] = {}
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            raise refuse(f"ends within its header ({size} of {_HEADER.size} bytes)", size)
        signature, length, version, name, created, ions = _HEADER.unpack(head)
        if signature != APT_SIGNATURE or length < _HEADER.size:
            raise refuse("does not begin as an .apt does", 0)
        if not 0 < ions < 1 << 40:
            raise refuse(f"states {ions} ions", 532)
        place = length
        while place < size:
            if len(sections) == MOST_SECTIONS:
                raise refuse(f"has more than {MOST_SECTIONS} sections", place)
            file.seek(place)
            raw = file.read(_SECTION.size)
            if len(raw) < _SECTION.size:
                return ions, _words(name, version, created), sections, _SECTION.size - len(raw)
            one, step = _section(raw, place, refuse)
            if one.name in sections:
                raise refuse(f"has two sections {one.name!r}", place)
            sections[one.name] = one
            place += step
    return ions, _words(name, version, created), sections, max(place - size, 0)


def _section(raw: bytes, place: int, refuse: Any) -> tuple[Section, int]:
    (signature, length, _, name, _, relation, kind, data, bits, record, unit, records, content) = (
        _SECTION.unpack(raw)
    )
    if signature != b"SEC\0" or length < _SECTION.size:
        raise refuse(f"has no section where one should begin (found {signature!r})", place)
    title = _text(name)
    dtype = None
    if data in _KINDS and bits in (8, 16, 32, 64) and (data != 3 or bits >= 32):
        dtype = f"<{_KINDS[data]}{bits // 8}"
    if record < 0 or (dtype and record % (bits // 8)) or content > 1 << 50:
        raise refuse(f"section {title!r}: records of {record} bytes, numbers of {bits} bits", place)
    # padding may follow the records, never fewer bytes than they take
    if record and records * record > content:
        raise refuse(
            f"section {title!r}: {records} records of {record} bytes in {content} bytes", place
        )
    found = Section(
        title, _text(unit), place + length, records, record, dtype, content,
        relation == 1 and kind == 1,
    )  # fmt: skip
    return found, length + content


def _words(name: bytes, version: int, created: int) -> dict[str, Any]:
    try:  # 100 ns since 1601, in UTC
        when = (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=created // 10)).isoformat(
            timespec="seconds"
        )
    except OverflowError:
        when = ""
    return {
        "file_name": _text(name).rsplit("\\", 1)[-1],
        "header_version": version,
        "created": when if created else "",
    }


def read_apt(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of an .apt as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        ``salvage``: true takes the ions that are whole in a cut file; ``join_ranges``.
    companions : mapping
        ``ranges``.

    Returns
    -------
    list of Signal
        One; positions and masses, and what else the file has for each ion.

    Raises
    ------
    BadFileError
        No .apt, cut, without positions or masses, sizes that contradict each other, NaN.
    BadInputError
        An option makes no sense.
    """
    request = Request.of(options, companions)
    size = path.stat().st_size
    ions, words, sections, missing = walk(path)
    fields, notices = _fields(path, ions, sections)
    whole = min(
        ions,
        *(
            max(0, (size - one.offset - one.at) + one.record - _width(one)) // one.record
            for name, one in fields.items()
            if name in ("x", "y", "z", "mass_to_charge")
        ),
    )
    if missing or whole < ions:
        if not request.salvage:
            raise BadFileError(
                f"{path.name!r} is cut: {missing} bytes are missing at the end, {whole} of "
                f"{ions} ions have a place and a mass",
                fix="copy it again, or take the whole ions with --option salvage=true",
                path=path,
                offset=size,
            )
        notices.append(cut_notice(f"{whole} of {ions} ions were taken", size))
        fields = {
            name: one
            for name, one in fields.items()
            if one.offset + (whole - 1) * one.record + one.at + _width(one) <= size
        }
    if whole < 1:
        raise BadFileError(
            f"{path.name!r} holds no whole ion of {ions}",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=size,
        )
    mass = fields["mass_to_charge"]
    return [
        ions_signal(
            path,
            FileSource(path, Layout(whole, fields)),
            request,
            place=lambda ion: mass.offset + ion * mass.record,
            what="an .apt of AP Suite",
            raw={
                "bytes": size,
                **words,
                "sections": [
                    {
                        "name": one.name,
                        "unit": one.unit,
                        "records": one.records,
                        "record_bytes": one.record,
                        "bytes": one.bytes,
                    }
                    for one in sections.values()
                ],
            },
            notices=notices,
            origin="measured",
        )
    ]


def _width(one: Field) -> int:
    return int(one.dtype[2:])


def _fields(
    path: Path, ions: int, sections: Mapping[str, Section]
) -> tuple[dict[str, Field], list[Notice]]:
    fields: dict[str, Field] = {}
    notices: list[Notice] = []
    for column, choices in _WANTED.items():
        needed = column in ("x", "y", "z", "mass_to_charge")
        for name, number, unit in choices:
            one = sections.get(name)
            if one is None or column in fields:
                continue
            stated = _SAME.get(one.unit, one.unit)
            scale = {("kV", "V"): 1e3, ("us", "ns"): 1e3}.get((stated, unit), 1.0)
            fault = ""
            if one.dtype is None or one.numbers <= number or not one.one_each:
                fault = "is no table with one record an ion"
            elif one.records != ions:
                fault = f"has {one.records} records, the header states {ions} ions"
            elif stated not in ("", unit) and scale == 1.0:
                fault = f"is in {one.unit!r}, expected {unit!r}"
            if not fault and one.dtype is not None:
                at = number * int(one.dtype[2:])
                fields[column] = Field(one.offset, one.record, at, one.dtype, scale)
            elif needed:
                raise BadFileError(
                    f"{path.name!r}: section {name!r} {fault}",
                    fix="export it again from AP Suite; nothing was registered",
                    path=path,
                    offset=one.offset,
                )
            else:
                notices.append(
                    Notice(
                        code="section-left-out",
                        message=f"section {name!r} {fault}, and was left out",
                        where=f"byte {one.offset}",
                        fix="export it again from AP Suite if it is needed",
                    )
                )
        if needed and column not in fields:
            raise BadFileError(
                f"{path.name!r} has no section {choices[0][0]!r}, only "
                f"{', '.join(sections) or 'none'}",
                fix="export it with positions and masses, after the reconstruction",
                path=path,
            )
    return fields, notices
