"""One job inside the worker: run the reader, check what it returned, stage it."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from consilience.declarations import Modality, Ref
from consilience.errors import (
    BadFileError,
    BadInputError,
    ConsilienceError,
    DiskFullError,
    PluginError,
    ReaderCrashedError,
)
from consilience.model.canonical import canonical_json
from consilience.model.measurement import Notice, Signal
from consilience.plain import jsonable
from consilience.validation import summarise, validate_signals
from consilience.workers.limits import Limits, format_bytes, more_memory
from consilience.workers.listening import LibraryWarnings
from consilience.workers.messages import PathNames, ReadJob, SignalDescription

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Job", "WorkerSpentError", "border_names", "brief", "write_array"]

LONGEST_MESSAGE = 1000
LONGEST_TRACE = 20_000


class WorkerSpentError(Exception):
    """The reader was stopped by a limit or tried to end the process: use a new worker."""

    def __init__(self, error: ConsilienceError) -> None:
        super().__init__(str(error))
        self.error = error


class Job:
    """A ReadJob with its code imported.

    Raises
    ------
    PluginError
        Some of the code cannot be imported.
    """

    def __init__(self, job: ReadJob, limits: Limits) -> None:
        self.job = job
        self.limits = limits
        self.names = border_names(job)
        self.shown = job.shown
        self._modalities = {
            key: Modality(
                key,
                key,
                {name: tuple(allowed) for name, allowed in units.coordinates.items()},
                {name: tuple(allowed) for name, allowed in units.variables.items()},
            )
            for key, units in job.modalities.items()
        }
        self._read = self._load(job.read)
        self._linked = None if job.linked is None else self._load(job.linked)
        self._open = None if job.open is None else self._load(job.open)

    def _load(self, target: str) -> Callable[..., Any]:
        try:
            loaded = Ref(target).load()
        except PluginError:
            raise
        except BaseException as error:  # a module may raise anything, even SystemExit
            raise PluginError(
                f"the code of reader {self.job.reader!r} cannot be imported: {brief(error)}",
                fix="mend or update the plugin; --debug shows the traceback",
                detail=traceback.format_exc()[-LONGEST_TRACE:],
            ) from error
        if not callable(loaded):
            raise PluginError(
                f"{target!r} is a {type(loaded).__name__}, expected a function",
                fix=f"mend the reference of reader {self.job.reader!r}",
            )
        return loaded  # type: ignore[no-any-return]

    def linked(self) -> list[str]:
        """Return the names of files that the main file refers to, as the reader gives them."""
        if self._linked is None:
            return []
        try:
            names = self._linked(Path(self.job.path))
        except BaseException as error:  # noqa: BLE001  a reader may raise anything
            self._refuse(error)
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise PluginError(
                f"linked() of reader {self.job.reader!r} returned {names!r}"[:LONGEST_MESSAGE],
                fix="return a list of file names relative to the file's folder",
            )
        return [str(name) for name in names]

    def read(self) -> list[SignalDescription]:
        """Read, check and stage.

        Raises
        ------
        ConsilienceError
            The reader refused the file, or what it returned cannot be used.
        WorkerSpentError
            It ran into a limit of this process.
        """
        try:
            return self._read_checked()
        except WorkerSpentError:
            raise
        except BaseException as error:  # noqa: BLE001  a reader may raise anything
            self._refuse(error)

    def _read_checked(self) -> list[SignalDescription]:
        job, owner = self.job, os.getpid()
        companions = {role: Path(path) for role, path in job.companions.items()}
        with LibraryWarnings() as heard:
            returned = self._read(Path(job.path), dict(job.options), companions)
            if os.getpid() != owner:
                os._exit(0)  # a copy made by os.fork() in the reader: it must not answer too
            validate_signals(
                returned,
                self._modalities.keys(),
                self._modalities,
                self._reopen,
                reader=job.reader,
                shown=self.shown,
            )
            described = [
                self._stage(i, signal, self._run_checks(signal)).to_json()
                for i, signal in enumerate(returned)
            ]
        for description in described:
            description["notices"] += [notice.to_json() for notice in heard.notices]
        described = self.names.json(described)
        (Path(job.staging) / "signals.json").write_bytes(canonical_json(described))
        return [SignalDescription.model_validate(d) for d in described]

    def _reopen(self, signal: Signal) -> Any:
        if self._open is None:
            raise PluginError(
                f"reader {self.job.reader!r} broke its contract with {self.shown!r}: "
                f"signal {signal.name!r} is lazy, but the reader declares no 'open'",
                fix="report it to the plugin's author; nothing was registered",
                path=self.shown,
            )
        companions = {role: Path(path) for role, path in self.job.companions.items()}
        lazy = jsonable(dict(signal.lazy or {}), "lazy", strict=True)
        return self._open(Path(self.job.path), companions, lazy)

    def _run_checks(self, signal: Signal) -> list[Notice]:
        notices: list[Notice] = []
        for check in self.job.checks:
            if check.modality != signal.modality:
                continue
            try:
                found = self._load(check.run)(signal)
                if not isinstance(found, list | tuple) or not all(
                    isinstance(n, Notice) for n in found
                ):
                    raise TypeError(f"it returned {found!r}, expected a list of Notice")
            except Exception as error:  # noqa: BLE001  a check that fails must not hide the data
                notices.append(
                    Notice(
                        code="check-failed",
                        message=f"check {check.key!r} failed: {brief(error)}",
                        fix="report it to the plugin's author; the data were not checked by it",
                    )
                )
            else:
                notices.extend(found)
        return notices

    def _stage(self, index: int, signal: Signal, extra: list[Notice]) -> SignalDescription:
        folder = Path(self.job.staging) / f"{index:04d}"
        folder.mkdir()
        where = f"reader {self.job.reader!r}, signal {signal.name!r}"
        try:
            metadata = jsonable(dict(signal.metadata), "metadata", strict=True)
            raw = jsonable(signal.raw_metadata, "raw_metadata", strict=False)
            lazy = None if signal.lazy is None else jsonable(dict(signal.lazy), "lazy", strict=True)
            raw_file: str | None = None
            if raw is not None:
                raw_file = f"{folder.name}/raw.json"
                (folder / "raw.json").write_bytes(canonical_json(self.names.json(raw)))
            summary = summarise(signal.data) if signal.data is not None else signal.summary
            assert summary is not None  # Signal itself sees to it
            if signal.data is not None:
                data = signal.data.copy(deep=False)
                data.attrs = _attributes(data.attrs, self.names)
                for variable in data.variables.values():
                    variable.attrs = _attributes(variable.attrs, self.names)
                write_array(data, folder / "array")
            return SignalDescription(
                name=self.names.text(signal.name),
                modality=signal.modality,
                array=None if signal.data is None else f"{folder.name}/array",
                lazy=lazy,
                summary=summary,
                metadata=metadata,
                raw_metadata=raw_file,
                notices=[*signal.notices, *extra],
                exposures=list(signal.exposures),
                origin=signal.origin,
                start=signal.start,
                linked=list(signal.linked),
            )
        except BadInputError as error:  # the store refuses the data set
            raise PluginError(
                f"{where}: {error.what}",
                fix=f"report it to the plugin's author: {error.fix}",
                path=self.shown,
            ) from error
        except (TypeError, ValueError) as error:  # pydantic's ValidationError is a ValueError
            raise PluginError(
                f"{where}: {brief(error)}",
                fix="report it to the plugin's author; nothing was registered",
                path=self.shown,
                detail=traceback.format_exc()[-LONGEST_TRACE:],
            ) from error

    def _refuse(self, error: BaseException) -> NoReturn:
        """Turn what the reader raised into an error with text, place and next step."""
        reader, shown = self.job.reader, self.shown
        detail = self.names.text(traceback.format_exc()[-LONGEST_TRACE:])
        if isinstance(error, ConsilienceError):
            error.detail = error.detail or detail
            raise error
        if isinstance(error, MemoryError):
            raise WorkerSpentError(
                ReaderCrashedError(
                    f"reader {reader!r} needed more than {format_bytes(self.limits.memory)} of "
                    f"memory while it read {shown!r} ({brief(error)})",
                    fix=more_memory(self.limits),
                    path=shown,
                    detail=detail,
                )
            ) from error
        code = error.errno if isinstance(error, OSError) else None
        if code in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(
                f"no room is left on the disk while {shown!r} was read",
                fix="free some space and repeat; nothing was registered",
                path=shown,
                detail=detail,
            ) from error
        if code == errno.EFBIG:
            raise WorkerSpentError(
                ReaderCrashedError(
                    f"reader {reader!r} wrote a file of more than "
                    f"{format_bytes(self.limits.file_size)} while it read {shown!r}",
                    fix="--limit file_size=64GB, or split the file",
                    path=shown,
                    detail=detail,
                )
            ) from error
        if not isinstance(error, Exception):
            raise WorkerSpentError(
                ReaderCrashedError(
                    f"reader {reader!r} tried to end the program ({brief(error)}) "
                    f"while it read {shown!r}",
                    fix="name another reader with --reader KEY, and report it to the "
                    "plugin's author",
                    path=shown,
                    detail=detail,
                )
            ) from error
        raise BadFileError(
            f"reader {reader!r} cannot read {shown!r}: {self.names.text(brief(error))}",
            fix="check that the file is whole (copy it again from the instrument), or name "
            "another reader with --reader KEY",
            path=shown,
            detail=detail,
        ) from error


def border_names(job: ReadJob) -> PathNames:
    """Return the user's names for all paths that differ from run to run."""
    return PathNames({str(Path.cwd()): "<scratch>", job.staging: "<staging>", **job.names})


def write_array(data: xr.Dataset, folder: Path) -> None:
    """Write a data set as the store wants to adopt it."""
    from consilience.store.arrays import write_dataset

    write_dataset(data, folder)


def brief(error: BaseException) -> str:
    """Return type and message of an exception, in bounds, whatever its ``__str__`` does."""
    try:
        text = " ".join(str(error).split())
    except Exception as broken:  # noqa: BLE001  a third party's __str__ may raise anything
        text = f"its message cannot be shown: {type(broken).__name__}"
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"


def _attributes(attrs: Mapping[Any, Any], names: PathNames) -> dict[str, Any]:
    plain = jsonable(dict(attrs), "attrs", strict=False)
    return {k: names.json(v) for k, v in sorted(plain.items())}
