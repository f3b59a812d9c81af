"""What crosses the border between the program and a worker: JSON, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from consilience.model.base import FrozenModel, Json, OneLine, Origin
from consilience.model.measurement import DataSummary, Exposure, Notice

if TYPE_CHECKING:
    from consilience.declarations import Check, Modality, Reader

__all__ = [
    "CheckRef",
    "ModalityUnits",
    "PathNames",
    "ReadJob",
    "ReadOutcome",
    "SignalDescription",
]

Target = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
"""``package.module:name``, the text of a Ref."""


class ModalityUnits(FrozenModel):
    """Which units a modality allows for which names, as data."""

    coordinates: dict[str, list[str]] = {}
    variables: dict[str, list[str]] = {}


class CheckRef(FrozenModel):
    """A check by name."""

    key: str
    modality: str
    run: Target


class ReadJob(FrozenModel):
    """One file to read, with everything that a worker needs to do it.

    Parameters
    ----------
    reader : str
        Key of the reader, for messages.
    read, open, linked : str
        The reader's references.
    checks : list of CheckRef
        Checks of the modalities that the reader may return.
    modalities : dict
        Key of each registered modality that the reader may return, and its units.
    path : str
        Main file, absolute, where it lies now.
    companions : dict
        Role to absolute path.
    options : dict
        JSON values, as the reader gets them.
    staging : str
        Existing empty folder, absolute, on the disk of the study.  The worker
        writes ``signals.json`` and one folder for each signal there.
    names : dict
        Scratch path (file or folder) to what the user calls it.  Wherever a scratch
        path turns up in a message or in metadata, the user's name is put instead.
    """

    reader: str
    read: Target
    open: Target | None = None
    linked: Target | None = None
    checks: list[CheckRef] = []
    modalities: dict[str, ModalityUnits]
    path: str
    companions: dict[str, str] = {}
    options: dict[str, Json] = {}
    staging: str
    names: dict[str, str] = {}

    @classmethod
    def of(
        cls,
        reader: Reader,
        path: Path,
        staging: Path,
        *,
        modalities: Iterable[Modality],
        checks: Iterable[Check] = (),
        companions: Mapping[str, Path] | None = None,
        options: Mapping[str, Json] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> ReadJob:
        """Make a job from declarations; what does not belong to the reader is left out."""
        return cls(
            reader=reader.key,
            read=reader.read.target,
            open=None if reader.open is None else reader.open.target,
            linked=None if reader.linked is None else reader.linked.target,
            checks=[
                CheckRef(key=c.key, modality=c.modality, run=c.run.target)
                for c in sorted(checks, key=lambda c: c.key)
                if c.modality in reader.modalities
            ],
            modalities={
                m.key: ModalityUnits(
                    coordinates={k: list(v) for k, v in m.coordinates.items()},
                    variables={k: list(v) for k, v in m.variables.items()},
                )
                for m in sorted(modalities, key=lambda m: m.key)
                if m.key in reader.modalities
            },
            path=str(path.absolute()),
            companions={k: str(p.absolute()) for k, p in (companions or {}).items()},
            options=dict(options or {}),
            staging=str(staging.absolute()),
            names=dict(names or {}),
        )

    @property
    def shown(self) -> str:
        """The main file as the user calls it."""
        return PathNames(self.names).text(self.path)


class SignalDescription(FrozenModel):
    """One signal as the worker left it in the staging folder.

    Parameters
    ----------
    array : str or None
        Folder of the zarr group, relative to the staging folder, for the store to adopt;
        None if `lazy`.
    raw_metadata : str or None
        File of canonical JSON, relative to the staging folder.
    """

    name: OneLine
    modality: str
    array: str | None
    lazy: dict[str, Json] | None
    summary: DataSummary
    metadata: dict[str, Json] = {}
    raw_metadata: str | None = None
    notices: list[Notice] = []
    exposures: list[Exposure] = []
    origin: Origin
    start: str | None = None
    linked: list[str] = []


class ReadOutcome(FrozenModel):
    """What came of a ReadJob.

    Parameters
    ----------
    signals : list of SignalDescription
        Also in ``signals.json`` in the staging folder, as canonical JSON.
    output : str
        The end of what the reader printed.
    seconds : float
        Wall time of the reading; never part of anything that is hashed.
    left_processes : int
        Processes that the reader left running; they were ended.
    """

    signals: list[SignalDescription]
    output: str = ""
    seconds: float = 0.0
    left_processes: int = 0


class PathNames:
    """Puts the user's file names where scratch paths stand.

    Parameters
    ----------
    names : mapping of str to str
        Absolute path of a file or folder to what is to be shown.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        pairs: dict[str, str] = {}
        for path, shown in names.items():
            bare = path.rstrip(os.sep) or path
            pairs[bare] = shown
            pairs[os.path.realpath(bare)] = shown
        # the longest first: a file before the folder it lies in
        self._pairs = sorted(pairs.items(), key=lambda pair: (-len(pair[0]), pair[0]))

    def text(self, text: str) -> str:
        """Return `text` with every scratch path replaced."""
        for path, shown in self._pairs:
            if path in text:
                if not shown:
                    text = text.replace(path + os.sep, "")
                text = text.replace(path, shown or ".")
        return text

    def json(self, value: Any) -> Any:
        """Return a JSON value with every text in it, keys included, replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(k) if isinstance(k, str) else k: self.json(v) for k, v in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        return value
