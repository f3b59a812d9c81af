"""Is what a reader returns what its modality promises?  One check for worker and test kit.

All problems of all signals are reported at once, each with its place.  A fault of
form (a missing unit, an unknown modality) is the plugin's and raises `PluginError`; a
fault of content (a NaN, an empty array) came with the file and raises `BadFileError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from consilience.datasets import (
    Problem,
    content_problems,
    dataset_problems,
    form_problems,
    summarise,
)
from consilience.declarations import Modality
from consilience.errors import BadFileError, PluginError
from consilience.model.canonical import canonical_json
from consilience.model.measurement import DataSummary, Exposure, Notice, Signal
from consilience.plain import a_type, jsonable, leaves_folder

__all__ = ["Problem", "dataset_problems", "signal_problems", "summarise", "validate_signals"]

Opener = Callable[[Signal], Any]
"""Opens the data of a lazy signal, as its reader's ``open`` does."""


def validate_signals(
    signals: Any,
    reader_modalities: Collection[str],
    modalities: Mapping[str, Modality],
    opener: Opener | None = None,
    *,
    reader: str,
    shown: str,
) -> None:
    """Check everything a reader returned for one file.

    Parameters
    ----------
    signals, reader_modalities, modalities, opener
        As for `signal_problems`; the values of lazy variables are left alone.
    reader : str
        Key of the reader, named in the error.
    shown : str
        The file as the user calls it, named in the error.

    Raises
    ------
    PluginError
        At least one fault of form; the message lists all faults, those of content too.
    BadFileError
        Faults of content only.
    """
    problems = signal_problems(signals, reader_modalities, modalities, opener)
    if not problems:
        return
    text = "; ".join(map(str, problems))
    if all(p.of_file for p in problems):
        raise BadFileError(
            f"what reader {reader!r} found in {shown!r} cannot be used: {text}",
            fix="mend or re-export the file, or name another reader with --reader KEY; "
            "nothing was registered",
            path=shown,
        )
    raise PluginError(
        f"reader {reader!r} broke its contract with {shown!r}: {text}",
        fix="report it to the plugin's author, whose contract tests show it; "
        "nothing was registered",
        path=shown,
    )


def signal_problems(
    signals: Any,
    reader_modalities: Collection[str],
    modalities: Mapping[str, Modality],
    opener: Opener | None = None,
    *,
    lazy_values: bool = False,
) -> list[Problem]:
    """Return every fault of what a reader returned; an empty list means valid.

    Parameters
    ----------
    signals : list of Signal
        The reader's answer, of any type until it is checked here.
    reader_modalities : collection of str
        ``Reader.modalities``.
    modalities : mapping
        Key to declaration, of all modalities that are registered.
    opener : callable, optional
        Called once for each lazy signal without other fault; what it opens is compared
        with the summary and closed.  Without it a lazy signal is judged by its summary.
    lazy_values : bool
        Look at the values of lazily opened variables, too, not only at coordinates.
    """
    if not isinstance(signals, list):
        return [Problem("read", f"returned {a_type(signals)}, expected a list of Signal")]
    if not signals:
        return [Problem("read", "returned no signal", of_file=True)]
    problems: list[Problem] = []
    names: set[str] = set()
    twice: set[str] = set()
    for i, signal in enumerate(signals):
        if not isinstance(signal, Signal):
            what = f"item {i} of the list is {a_type(signal)}, expected a Signal"
            problems.append(Problem("read", what))
            continue
        name: Any = signal.name  # plugins need not be type-checked
        if isinstance(name, str):
            if name in names and name not in twice:
                problems.append(Problem(f"signal {name!r}", "the name is used twice"))
                twice.add(name)
            names.add(name)
        own = list(_one(signal, reader_modalities, modalities))
        if signal.data is None and opener is not None and not own:
            own += _opened(signal, opener, lazy_values=lazy_values)
        problems += own
    return problems


def _one(
    signal: Signal, reader_modalities: Collection[str], modalities: Mapping[str, Modality]
) -> Iterator[Problem]:
    where = f"signal {signal.name!r}"
    name: Any = signal.name
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        yield Problem(where, "the name must be one printable line")
    key: Any = signal.modality
    modality = modalities.get(key) if isinstance(key, str) else None
    if not isinstance(key, str) or key not in reader_modalities:
        allowed = ", ".join(sorted(reader_modalities)) or "none"
        yield Problem(where, f"modality {key!r} is not one that the reader may return ({allowed})")
    elif modality is None:
        yield Problem(where, f"modality {key!r} is not registered")
    yield from _rest(signal, where)
    given: Any = signal.data
    promised: Any = signal.summary
    if promised is not None and not isinstance(promised, DataSummary):
        yield Problem(where, f"summary is {a_type(promised)}, expected a DataSummary")
        promised = None
    if given is None:
        if promised is not None:
            yield from form_problems(promised, modality, where)
        return
    import xarray as xr

    if not isinstance(given, xr.Dataset):
        yield Problem(where, f"data is {a_type(given)}, expected an xarray.Dataset")
        return
    summary = summarise(given)
    if promised is not None and promised != summary:
        yield Problem(where, "summary differs from the data; leave it out or derive it")
    yield from form_problems(summary, modality, where, given)
    yield from content_problems(given, where)


def _opened(signal: Signal, opener: Opener, *, lazy_values: bool) -> Iterator[Problem]:
    """What a lazy signal opens is what its summary, already found good, promises."""
    import xarray as xr

    where = f"signal {signal.name!r}, opened lazily"
    data = opener(signal)
    if not isinstance(data, xr.Dataset):
        yield Problem(where, f"open returned {a_type(data)}, expected an xarray.Dataset")
        return
    try:
        found = summarise(data)
        if found != signal.summary:
            given = ", ".join(
                f"{name}{tuple(item.shape)} {item.dtype} in {item.unit}"
                for name, item in {**found.variables, **found.coordinates}.items()
            )
            yield Problem(where, f"holds {given}, not what its summary promises")
        yield from content_problems(data, where, coordinates_only=not lazy_values)
    finally:
        data.close()


def _rest(signal: Signal, where: str) -> Iterator[Problem]:
    """Check what stands beside the data."""
    value: Any
    for name in ("metadata", "raw_metadata", "lazy"):
        value = getattr(signal, name)
        place = f"{where}, {name}"
        try:
            if name == "raw_metadata":  # what the file said is kept whole, NaN and all
                jsonable(value, name, strict=False)
            elif isinstance(value, Mapping):
                canonical_json(dict(value))
            elif value is not None or name == "metadata":
                yield Problem(place, f"is {a_type(value)}, expected a dict")
        except (TypeError, ValueError) as error:
            yield Problem(place, f"has no JSON form: {error}")
    for name, expected in (("notices", Notice), ("exposures", Exposure), ("linked", str)):
        value = getattr(signal, name)
        if not isinstance(value, list):
            of = f"expected a list of {expected.__name__}"
            yield Problem(f"{where}, {name}", f"is {a_type(value)}, {of}")
            continue
        for item in value:
            if not isinstance(item, expected):
                of = f"expected a list of {expected.__name__}"
                yield Problem(f"{where}, {name}", f"holds {a_type(item)}, {of}")
            elif isinstance(item, str) and leaves_folder(item):
                what = f"{item!r} leaves the file's folder"
                yield Problem(f"{where}, {name}", what, of_file=True)
    if signal.origin not in ("measured", "simulated", "entered"):
        yield Problem(f"{where}, origin", f"{signal.origin!r}, expected measured or simulated")
    if signal.start is not None:
        try:
            datetime.fromisoformat(signal.start)
        except (TypeError, ValueError):
            yield Problem(f"{where}, start", f"{signal.start!r} is not ISO 8601")
