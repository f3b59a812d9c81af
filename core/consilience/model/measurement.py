"""Measurements: what a reader hands over, what the study records, and the open data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from consilience.model.base import (
    FrozenModel,
    Json,
    OneLine,
    Origin,
    Quantity,
    Sha256,
    StateValue,
)
from consilience.model.finding import Region, SourceFile

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "DataSummary",
    "Exposure",
    "Measurement",
    "MeasurementRecord",
    "Notice",
    "RegisteredFile",
    "Signal",
    "VariableSummary",
]


class Notice(FrozenModel):
    """Something a reader or check noticed in a file: kept, shown, never silently mended.

    Parameters
    ----------
    code : str
        Short stable name such as ``axis-longer-than-data``.
    message : str
        What is wrong, with the numbers that show it.
    where : str
        Place in the file (data set, line, column, byte).
    fix : str
        What to do, for example the reader option that applies the correction.
    severity : {"info", "warning", "fault"}
        *fault*: the data contradict themselves; trust nothing that depends on it.
    """

    code: str
    message: str
    where: str = ""
    fix: str = ""
    severity: Literal["info", "warning", "fault"] = "warning"


class Exposure(FrozenModel):
    """Radiation that this measurement put into the sample; None is unknown, never zero.

    `temperature` is the sample's while it was irradiated; `formula` says how `fluence` was
    derived, with the numbers.
    """

    particle: Literal["electron", "photon", "ion"]
    species: str = ""
    energy: Quantity | None = None
    fluence: Quantity | None = None
    fluence_rate: Quantity | None = None
    duration: Quantity | None = None
    temperature: Quantity | None = None
    region: Region | None = None
    source: Literal["file", "user", "derived"] = "file"
    formula: str = ""


class VariableSummary(FrozenModel):
    """Name, dimensions, shape, unit and dtype of a variable, known without opening it."""

    dims: list[str]
    shape: list[int]
    unit: str | None
    dtype: str


class DataSummary(FrozenModel):
    """What a measurement holds, so that listing never opens an array."""

    variables: dict[str, VariableSummary]
    coordinates: dict[str, VariableSummary]


@dataclass(frozen=True)
class Signal:
    """What a reader returns for one signal of a file.

    Parameters
    ----------
    name : str
        Unique within the file.
    modality : str
        Key of a registered modality.
    data : xarray.Dataset or None
        Variables and coordinates, each with ``attrs["units"]``; the standard
        deviation of ``v`` is ``v_std``, named in ``v.attrs["ancillary_variables"]``.
        None if the data stay in the raw file.
    lazy : dict or None
        JSON keyword arguments for the reader's ``open`` reference, which opens
        the registered raw file lazily; with `lazy` the reader has checked and
        indexed the file, and gives `summary` of what will be found.
    summary : DataSummary or None
        Needed with `lazy`; derived from `data` otherwise.
    metadata : dict
        What was understood: name to text, number or ``{"value", "unit"}``.
    raw_metadata : JSON
        What the file said, whole.
    notices : list of Notice
    exposures : list of Exposure
    origin : {"measured", "simulated", "entered"}
        *simulated* as soon as the file says so.
    start : str or None
        ISO 8601 with offset; without offset the time zone is unknown.
    linked : list of str
        Further files, relative to the main file's folder, that the data live in.
    """

    name: str
    modality: str
    data: xr.Dataset | None = None
    lazy: Mapping[str, Json] | None = None
    summary: DataSummary | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    raw_metadata: Json = None
    notices: list[Notice] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    origin: Origin = "measured"
    start: str | None = None
    linked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if (self.data is None) == (self.lazy is None):
            raise TypeError(f"signal {self.name!r}: give either data or lazy, not both or neither")
        if self.lazy is not None and self.summary is None:
            raise TypeError(f"signal {self.name!r}: lazy data need a summary")


class RegisteredFile(FrozenModel):
    """A file in the store, or left in place at `linked_path`."""

    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256
    linked_path: str | None = None


class MeasurementRecord(FrozenModel):
    """A measurement as the journal keeps it.

    The ID is derived from the hashes of the files, the reader with its options, and
    the signal's name: one signal of one file is one measurement, of one sample
    in one state.  `stored` holds the files by role: ``data``, the companions, and
    ``linked:NAME`` for what the main file refers to.
    """

    id: str
    name: OneLine
    modality: str
    sample: str
    state: dict[str, StateValue]
    region: Region | None = None
    origin: Origin
    stored: dict[str, RegisteredFile]
    reader: str
    plugin: str
    version: str
    options: dict[str, Json] = {}
    array: str | None
    lazy: dict[str, Json] | None
    summary: DataSummary
    metadata: dict[str, Json] = {}
    raw_metadata: str | None = None
    notices: list[Notice] = []
    exposures: list[Exposure] = []
    start: str | None = None
    citation: str | None = None

    @property
    def file_name(self) -> str:
        """Name of the main file, by which people know a measurement."""
        main = self.stored.get("data") or next(iter(self.stored.values()), None)
        return self.name if main is None else main.name

    @property
    def title(self) -> str:
        """File and signal, where the signal has a name of its own."""
        file = self.file_name
        return file if self.name in ("", file) else f"{file}: {self.name}"

    @property
    def files(self) -> list[SourceFile]:
        """The files by role with their hashes, without any path."""
        return [
            SourceFile(role=role, name=file.name, sha256=file.sha256, size=file.size)
            for role, file in sorted(self.stored.items())
        ]


class Measurement:
    """A registered measurement with its data, opened when first asked for.

    Parameters
    ----------
    record : MeasurementRecord
    opener : callable
        Returns the data set; called at most once.
    """

    def __init__(self, record: MeasurementRecord, opener: Callable[[], xr.Dataset]) -> None:
        self.record = record
        self._opener = opener
        self._data: xr.Dataset | None = None

    @property
    def id(self) -> str:
        """Measurement ID."""
        return self.record.id

    @property
    def modality(self) -> str:
        """Key of the modality."""
        return self.record.modality

    @property
    def sample(self) -> str:
        """ID of the sample."""
        return self.record.sample

    @property
    def metadata(self) -> Mapping[str, Json]:
        """What the reader understood of the file's metadata."""
        return self.record.metadata

    @property
    def data(self) -> xr.Dataset:
        """The data set, lazily opened: nothing is read until values are asked for."""
        if self._data is None:
            self._data = self._opener()
        return self._data

    def has(self, *names: str) -> bool:
        """Return True if all these variables are there, without opening anything."""
        return all(name in self.record.summary.variables for name in names)

    def __repr__(self) -> str:
        shapes = ", ".join(
            f"{name}{tuple(v.shape)}" for name, v in self.record.summary.variables.items()
        )
        return f"<Measurement {self.id} {self.modality} of {self.sample!r}: {shapes}>"


Opener = Callable[[Path, Mapping[str, Path], Mapping[str, Any]], "xr.Dataset"]
"""``open(path, companions, lazy)``: signature of a reader's ``open`` reference."""
