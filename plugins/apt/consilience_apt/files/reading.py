"""Check and index .pos and .epos: big-endian records without a header.

A .pos has x, y, z (nm) and m/z (Da) as float32; an .epos goes on with time of flight (ns),
standing and pulse voltage, detector x and y (mm) as float32, pulses since the last one that
gave an ion and ions per pulse as uint32 [1]_.

References
----------
.. [1] D. J. Larson et al., Local Electrode Atom Probe Tomography, Springer 2013,
   doi:10.1007/978-1-4614-8721-0, appendix A, table A.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from consilience.model.measurement import Notice, Signal
from consilience.options import choice_option
from consilience_apt.files.checking import Seen
from consilience_apt.files.layout import Field, FileSource, Layout
from consilience_apt.files.probe import EPOS_RECORD, RECORD, is_simulated
from consilience_apt.files.signals import Request, ions_signal, whole_records

__all__ = ["epos_layout", "pos_layout", "read_epos", "read_pos"]

_POS = ("x", "y", "z", "mass_to_charge")
_EPOS = (*_POS, "time_of_flight", "voltage", "pulse_voltage", "detector_x", "detector_y")
_COUNTS = ("pulses_since", "ions_per_pulse")
KILOVOLT_BELOW, VOLT_ABOVE = 30.0, 100.0
"""A needle stands at 0.5 to 20 kV: a highest voltage of 12 is in kV, of 5000 in V."""


def pos_layout(ions: int, offset: int = 0, order: str = ">") -> Layout:
    """Return where the columns of a .pos are."""
    return Layout(
        ions, {name: Field(offset, RECORD, 4 * i, f"{order}f4") for i, name in enumerate(_POS)}
    )


def epos_layout(ions: int, offset: int = 0, order: str = ">", volts: float = 1.0) -> Layout:
    """Return where the columns of an .epos are; `volts` is its unit of voltage in V."""
    fields = {name: Field(offset, EPOS_RECORD, 4 * i, f"{order}f4") for i, name in enumerate(_EPOS)}
    for name in ("voltage", "pulse_voltage"):
        fields[name] = replace(fields[name], scale=volts)
    for i, name in enumerate(_COUNTS, start=len(_EPOS)):
        fields[name] = Field(offset, EPOS_RECORD, 4 * i, f"{order}u4")
    return Layout(ions, fields)


def read_pos(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of a .pos as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        ``salvage``: true takes the whole ions of a file that ends within one;
        ``join_ranges``: true joins overlapping ranges of one ion.
    companions : mapping
        ``ranges``: a .rrng, .rng or .env.

    Returns
    -------
    list of Signal
        One; ``x``, ``y``, ``z`` (nm) and ``mass_to_charge`` (Da) over ``ion``, float32.

    Raises
    ------
    BadFileError
        No whole number of ions; little-endian; NaN or infinity; mostly implausible; a range
        file with faults.
    BadInputError
        An option makes no sense.
    """
    request = Request.of(options, companions)
    ions, offset, rest, simulated, notices = _records(path, RECORD, salvage=request.salvage)
    layout = pos_layout(ions, offset)
    return [
        ions_signal(
            path,
            FileSource(path, layout),
            request,
            place=lambda ion: offset + ion * RECORD,
            what="a .pos: four big-endian 32-bit numbers an ion, no header",
            turned=FileSource(path, pos_layout(ions, offset, "<")),
            raw={"bytes": path.stat().st_size, "byte_order": "big", "bytes_left_over": rest},
            notices=notices,
            origin="simulated" if simulated else "measured",
        )
    ]


def read_epos(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of an .epos as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        As for `read_pos`, and ``voltage_unit``: V or kV.  Without it the highest voltage
        decides: programs write either, and no needle stands at 20 V or at a megavolt.
    companions : mapping
        ``ranges``.

    Returns
    -------
    list of Signal
        One; the columns of a .pos and ``time_of_flight`` (ns), ``voltage``,
        ``pulse_voltage`` (V), ``detector_x``, ``detector_y`` (mm), ``pulses_since``,
        ``ions_per_pulse`` over ``ion``.

    Raises
    ------
    BadFileError, BadInputError
        As for `read_pos`.
    """
    stated = choice_option(options, "voltage_unit", ("V", "kV"))
    request = Request.of(options, companions)
    ions, offset, rest, simulated, notices = _records(path, EPOS_RECORD, salvage=request.salvage)

    def settle(seen: Seen) -> tuple[Layout, list[Notice]]:
        unit, said = _voltage_unit(seen.high["voltage"], stated)
        return epos_layout(ions, offset, volts=1e3 if unit == "kV" else 1.0), said

    return [
        ions_signal(
            path,
            FileSource(path, epos_layout(ions, offset)),
            request,
            place=lambda ion: offset + ion * EPOS_RECORD,
            what="an .epos: eleven big-endian 32-bit numbers an ion, no header",
            turned=FileSource(path, epos_layout(ions, offset, "<")),
            raw={"bytes": path.stat().st_size, "byte_order": "big", "bytes_left_over": rest},
            notices=notices,
            origin="simulated" if simulated else "measured",
            settle=settle,
        )
    ]


def _voltage_unit(highest: float, stated: str | None) -> tuple[str, list[Notice]]:
    if stated is not None:
        return stated, []
    if 0 < highest <= KILOVOLT_BELOW:
        return "kV", [
            Notice(
                code="voltage-in-kilovolt",
                message=f"voltages reach {highest:g}: they are kilovolt, and were made volt",
                fix="if they are volt, give --option voltage_unit=V",
                severity="info",
            )
        ]
    if KILOVOLT_BELOW < highest < VOLT_ABOVE:
        return "V", [
            Notice(
                code="voltage-unit-unknown",
                message=f"voltages reach {highest:g}, which no needle has in V nor in kV; taken "
                "as V",
                fix="give --option voltage_unit=V or kV",
            )
        ]
    return "V", []


def _records(path: Path, record: int, *, salvage: bool) -> tuple[int, int, int, bool, list[Notice]]:
    """Ions, offset of the first, bytes left over, whether simulated, and notices."""
    with path.open("rb") as file:
        simulated = is_simulated(file.read(record))
    offset = record if simulated else 0
    ions, rest, notices = whole_records(path, offset, record, salvage=salvage)
    return ions, offset, rest, simulated, notices
