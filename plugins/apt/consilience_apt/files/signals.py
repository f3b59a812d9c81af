"""From checked ions to the signal that is registered: alike for every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import DataSummary, Notice, Signal, VariableSummary
from consilience.options import flag_option
from consilience_apt.files.checking import Seen, look, notices_of, refuse
from consilience_apt.files.hdf5_layout import Hdf5Layout, Hdf5Source
from consilience_apt.files.layout import UNITS, FileSource, Layout
from consilience_apt.files.range_files import RangeFile, read_range_file
from consilience_apt.ranges import RangeTable, assign_charges

if TYPE_CHECKING:
    from consilience.model.base import Json, Origin
    from consilience_apt.files.stream import IonSource

__all__ = ["Request", "cut_notice", "ions_signal", "whole_records"]

Settle = Callable[[Seen], tuple[Layout, list[Notice]]]


@dataclass(frozen=True)
class Request:
    """What the user asked for: options and ranges, checked.

    Parameters
    ----------
    salvage : bool
        Take the whole ions of a cut file.
    ranges : RangeTable or None
        With charges where they are certain.
    notices : tuple of Notice
        What the range file brought with it.
    """

    salvage: bool
    ranges: RangeTable | None = None
    notices: tuple[Notice, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, object], companions: Mapping[str, Path]) -> Request:
        """Read the options that all formats share, and the companion ``ranges``.

        Raises
        ------
        BadInputError
            An option makes no sense; a companion that is not known.
        BadFileError
            The range file has faults.
        """
        salvage, join = flag_option(options, "salvage"), flag_option(options, "join_ranges")
        unknown = sorted(set(companions) - {"ranges"})
        if unknown:
            raise BadInputError(
                f"a list of ions takes no companion {unknown[0]!r}",
                fix="give a range file with --with ranges=FILE",
            )
        if "ranges" not in companions:
            return cls(salvage)
        table, file = read_range_file(companions["ranges"], join=join)
        table, unsettled = assign_charges(table)
        return cls(salvage, table, tuple(_range_notices(file, unsettled)))


def _range_notices(file: RangeFile, unsettled: list[str]) -> list[Notice]:
    found = file.notices()
    if unsettled:
        found.append(
            Notice(
                code="charge-unknown",
                message=f"the charge of {len(unsettled)} of {len(file.ranges)} ranges is not "
                "certain and stays unknown: " + "; ".join(unsettled[:20]),
                where="the range file",
                fix="check these ranges against the isotopes",
            )
        )
    return found


def cut_notice(taken: str, place: int) -> Notice:
    """Return the notice that a salvaged file keeps."""
    return Notice(
        code="salvaged",
        message=f"the file is cut: {taken}",
        where=f"byte {place}",
        fix="copy the file again from the instrument",
    )


def whole_records(
    path: Path, offset: int, record: int, *, salvage: bool
) -> tuple[int, int, list[Notice]]:
    """Return the whole ions of a table that goes on to the end of its file.

    Parameters
    ----------
    offset, record : int
        Bytes before the first ion, and of an ion.
    salvage : bool
        Whether the bytes of an ion that is not whole may be left over.

    Returns
    -------
    tuple
        Ions, bytes left over, and the notice of those.

    Raises
    ------
    BadFileError
        The file ends within an ion; there is no ion.
    """
    size = path.stat().st_size
    ions, rest = divmod(max(size - offset, 0), record)
    end = offset + ions * record
    notices: list[Notice] = []
    if rest and not salvage:
        raise BadFileError(
            f"{path.name!r} is cut: after {ions} whole ions {rest} bytes are left, an ion takes "
            f"{record}",
            fix="copy it again from the instrument, or take the whole ions with "
            "--option salvage=true; how many are lost at the end cannot be known",
            path=path,
            offset=end,
        )
    if rest:
        notices.append(
            cut_notice(
                f"{ions} whole ions were taken, {rest} bytes of the next were dropped; how many "
                "more were lost cannot be known",
                end,
            )
        )
    if ions < 1:
        head = f"its header takes {offset}, " if offset else ""
        raise BadFileError(
            f"{path.name!r} holds no ion ({size} bytes, {head}one ion takes {record})",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=offset,
        )
    return ions, rest, notices


def ions_signal(
    path: Path,
    source: FileSource | Hdf5Source,
    request: Request,
    *,
    place: Callable[[int], int | None],
    what: str,
    raw: dict[str, Any],
    notices: list[Notice],
    origin: Origin,
    turned: IonSource | None = None,
    settle: Settle | None = None,
    metadata: Mapping[str, Json] | None = None,
) -> Signal:
    """Check all ions in one pass, and return them as a lazy signal.

    Parameters
    ----------
    source : FileSource or Hdf5Source
        All ions; its layout, without columns that turn out unusable, opens them again.
    place, what, turned
        As for `consilience_apt.files.checking.refuse`.
    raw : dict
        What the file says of itself.
    settle : callable, optional
        What was seen to the final layout, where a unit depends on it, and what is to be said.

    Raises
    ------
    BadFileError
        The ions cannot be used.
    """
    seen = look(source, request.ranges)
    refuse(path, seen, place, what, turned)
    layout: Layout | Hdf5Layout = source.layout
    scale = {name: one.scale for name, one in layout.fields.items()}
    if settle is not None:
        layout, said = settle(seen)
        notices = [*notices, *said]
        scale = {name: one.scale / scale[name] for name, one in layout.fields.items()}
    else:
        scale = dict.fromkeys(scale, 1.0)
    layout = layout.only([name for name in layout.fields if name not in seen.unusable])
    names = list(layout.fields)
    values: dict[str, Json] = {"ions": seen.ions}
    for name in "xyz":
        values[f"extent_{name}"] = {"value": seen.high[name] - seen.low[name], "unit": "nm"}
    for name in ("mass_to_charge", "voltage"):
        if name in names:
            for end, bound in (("low", seen.low), ("high", seen.high)):
                values[f"{name}_{end}"] = {
                    "value": bound[name] * scale[name],
                    "unit": UNITS[name],
                }
    if "ions_per_pulse" in names and not seen.broken_pulses:
        values["ions_in_multiple_hits"] = seen.multiple
    if "pulses_since" in names:
        values["pulses"] = int(seen.pulses)
    if request.ranges is not None and seen.in_range is not None:
        values["ranges"] = request.ranges.to_json()
        values["ions_in_ranges"] = int(seen.in_range[1:].sum())
    return Signal(
        name="ions",
        modality="apt",
        lazy=layout.to_json(),
        summary=DataSummary(
            variables={
                name: VariableSummary(
                    dims=["ion"], shape=[seen.ions], unit=UNITS[name], dtype=str(one.kept)
                )
                for name, one in layout.fields.items()
            },
            coordinates={},
        ),
        metadata={**values, **(metadata or {})},
        raw_metadata=raw,
        notices=[*notices, *notices_of(seen, place, request.ranges), *request.notices],
        origin=origin,
    )
