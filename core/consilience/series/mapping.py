"""How a log of sensors is to be read: written by a person in TOML, nothing of it guessed."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from consilience.errors import BadInputError
from consilience.model.base import FrozenModel
from consilience.quantities import parse_quantity

__all__ = ["SensorColumn", "SeriesMapping", "StatusColumn", "TimeColumn", "unit_in"]

# Words for units that instruments write and no library of units knows.
_WORDS = {
    "degrees c": "degC",
    "degree c": "degC",
    "deg c": "degC",
    "c": "degC",
    "celsius": "degC",
    "degrees k": "K",
    "kelvin": "K",
    "degrees f": "degF",
    "torr": "torr",
    "milliseconds": "ms",
    "seconds": "s",
    "sec": "s",
    "minutes": "min",
    "hours": "h",
    "pascal": "Pa",
}
# Mole fractions as instruments write them, which the table of units lacks.
_FRACTIONS = {
    "ppb": ("ppm", 1e-3),
    "ppmv": ("ppm", 1.0),
    "vpm": ("ppm", 1.0),
    "ppbv": ("ppm", 1e-3),
}


class _Grown(FrozenModel):
    """A table that has grown: what is not used is not written, so that old IDs stay."""

    added: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = handler(self)
        for name in self.added:
            if getattr(self, name) == type(self).model_fields[name].get_default(
                call_default_factory=True
            ):
                content.pop(name, None)
        return content


class TimeColumn(_Grown):
    """Where the time stands.

    Parameters
    ----------
    column : str, optional
        Column or data set: numbers in `unit` since `start`, or absolute times.
    unit, unit_note : str, optional
        Unit of the numbers, or the note that states it (``"Time units"``).
    start : str, optional
        When the numbers began.
    time_zone : str, optional
        Of the logger's clock; ``"unknown"``: the log has no place in time.
    clock_offset : str
        Added to the logger's clock.
    format : str, optional
        Of absolute times, in the words of ``datetime.strptime``; ISO 8601 otherwise.
    date_column : str, optional
        Where the date stands in a column of its own; it is put before the time with a space.
    hour, minute, second : str, optional
        A clock in three columns, in place of `column`.
    date : str, optional
        Of the first row of such a clock; ``"unknown"`` where nobody knows.
    start_notes : list of str
        Notes that state date and time of the start, put together with spaces.
    start_format : str, optional
        Of those notes together.
    """

    added = frozenset(
        {
            "unit_note",
            "format",
            "date_column",
            "hour",
            "minute",
            "second",
            "date",
            "start_notes",
            "start_format",
        }
    )

    column: str | None = None
    unit: str | None = None
    start: str | None = None
    time_zone: str | None = None
    clock_offset: str = "0 s"
    unit_note: str | None = None
    format: str | None = None
    date_column: str | None = None
    hour: str | None = None
    minute: str | None = None
    second: str | None = None
    date: str | None = None
    start_notes: list[str] = []
    start_format: str | None = None

    @property
    def kind(self) -> Literal["elapsed", "absolute", "clock"]:
        """What kind of time it is."""
        if self.column is None:
            return "clock"
        return "absolute" if self.unit is None and self.unit_note is None else "elapsed"

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = (self.hour, self.minute, self.second)
        if self.column is None and None in parts:
            raise ValueError("name the 'column' of the time, or 'hour', 'minute' and 'second'")
        if self.column is not None and any(part is not None for part in parts):
            raise ValueError("the time has either a 'column' or 'hour', 'minute' and 'second'")
        if self.kind == "clock" and self.date is None:
            raise ValueError(
                "a clock of hours, minutes and seconds has no date: say date = '2026-03-01', or "
                "date = 'unknown'"
            )
        if self.kind == "clock" and (self.start is not None or self.start_notes):
            raise ValueError("a clock in three columns begins at its first row; say its 'date'")
        if bool(self.start_notes) != (self.start_format is not None):
            raise ValueError("'start_notes' and 'start_format' belong together")
        if self.start is not None and self.start_notes:
            raise ValueError("say either 'start' or 'start_notes'")
        return self


class StatusColumn(FrozenModel):
    """Another column that says which readings of a sensor count: those with a status in `good`."""

    column: str
    good: list[str] = Field(min_length=1)


class SensorColumn(_Grown):
    """A sensor: its column in the file, the unit of the numbers, and which of them count.

    Parameters
    ----------
    column : str
        Column of a CSV file, path of a data set in HDF5.
    unit, unit_note : str, optional
        The unit, or the note that states it; without both, the row of units below the header.
    stuck : str, optional
        How long the same reading is no longer believed (``"10 min"``).
    valid : list of str
        Least and greatest reading that the sensor can show.
    missing : list of str
        Texts that stand where the sensor could not read (``"OVER"``).
    status : StatusColumn, optional
    """

    added = frozenset({"unit_note", "stuck", "valid", "missing", "status"})

    column: str
    unit: str | None = None
    unit_note: str | None = None
    stuck: str | None = None
    valid: Annotated[list[str], Field(max_length=2)] = []
    missing: list[str] = []
    status: StatusColumn | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.valid) == 1:
            raise ValueError("'valid' is a list of two: the least and the greatest reading")
        return self


class SeriesMapping(_Grown):
    """How a log in CSV or HDF5 is to be read; nothing of it is guessed.

    ``columns`` maps names such as ``temperature``, ``pressure``, ``o2``, ``h2o``,
    ``humidity`` to columns of the file.  A pause longer than `gap` is a gap: unknown,
    never good.  `notes` is a column of remarks; `units_row` says that the row below the
    header holds units; `unit_words` explains units that the file spells its own way.
    """

    added = frozenset({"decimal", "units_row", "notes", "unit_words"})

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    skip_rows: int = Field(default=0, ge=0)
    gap: str | None = None
    time: TimeColumn
    columns: dict[str, SensorColumn] = Field(min_length=1)
    decimal: Literal[".", ","] = "."
    units_row: bool = False
    notes: str | None = None
    unit_words: dict[str, str] = {}

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.columns:
            if name in ("time", "note", "note_time") or name.endswith("_flag"):
                raise ValueError(f"columns.{name}: that name is the program's own; take another")
        wants_note = [self.time.unit_note, *(c.unit_note for c in self.columns.values())]
        if self.notes is None and (self.time.start_notes or any(wants_note)):
            raise ValueError("notes are asked for; say which column they stand in: notes = '…'")
        if self.decimal == self.delimiter:
            raise ValueError("'decimal' and 'delimiter' cannot be the same character")
        return self

    def seconds(self, text: str | None) -> float | None:
        """Return a duration of the mapping in seconds."""
        return None if text is None else parse_quantity(text, "s").value


def unit_in(text: str, words: dict[str, str], *, entered: bool) -> tuple[str, float]:
    """Return a unit that can be converted, and the factor to it, for a unit as it is spelt.

    Parameters
    ----------
    text : str
    words : dict
        ``unit_words`` of the mapping.
    entered : bool
        A person wrote it into the mapping: what is not known is kept as it is.  A unit that the
        file states must be known.

    Raises
    ------
    BadInputError
        The file's unit is not known.
    """
    spelt = text.strip().strip("()[]").strip()
    word = words.get(text.strip(), words.get(spelt, spelt))
    if word.lower() in _FRACTIONS:
        return _FRACTIONS[word.lower()]
    for plain in (word, _WORDS.get(word.lower(), word)):
        try:
            return parse_quantity(f"1 {plain}").unit, 1.0
        except BadInputError:
            continue
    if entered:
        return word, 1.0
    raise BadInputError(
        f"the file states the unit {text!r}, which is not known",
        fix=f"say in the mapping what it means: unit_words = {{ {spelt!r} = 'K' }}",
    )
