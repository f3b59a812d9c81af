"""What a worker may use, and what it may not."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from consilience.errors import BadInputError

__all__ = ["Limits", "format_bytes", "more_memory"]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
_UNITS = {"": 1, "B": 1, "KB": KIB, "MB": MIB, "GB": GIB, "TB": GIB << 10}


@dataclass(frozen=True)
class Limits:
    """Limits of one worker process.

    Parameters
    ----------
    time : float
        Seconds of wall time for one file, counted from when the reader's code is
        imported.  120 s reads some 10 GB from a slow network disk.
    memory : int
        Bytes above what the warm worker itself holds.  Applied as RLIMIT_DATA
        where the kernel honours it (Linux), because RLIMIT_AS also counts mapped
        files: a 30 GB spectrum image that is only mapped would be refused.
        Memory shared on purpose escapes RLIMIT_DATA, so that the resident
        anonymous and shared memory is looked at too while the reader runs.
        4 GiB: a file that a parser has to hold whole is rarely above 1 GiB, its
        decoded form some two to four times that, and a machine with 8 GiB lives.
    cpu : float or None
        Seconds of processor time of each process.  None: `time` times the number
        of processors.  It ends what the wall clock cannot: a process that left
        the worker's group.
    file_size : int
        Bytes in any one file written (RLIMIT_FSIZE).
    output : int
        Bytes printed to stdout and stderr while reading one file.
    reply : int
        Bytes of the JSON that describes one file's signals.
    start : float
        Seconds for a worker to start, and again to import the reader's code.
    """

    time: float = 120.0
    memory: int = 4 * GIB
    cpu: float | None = None
    file_size: int = 16 * GIB
    output: int = 16 * MIB
    reply: int = 64 * MIB
    start: float = 120.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not value > 0:
                raise BadInputError(
                    f"limit {item.name} is {value!r}",
                    fix="give a positive number; a very large one stands for no limit",
                )

    def updated(self, *settings: str) -> Limits:
        """Return limits changed by texts such as ``time=300`` or ``memory=8GB``.

        Raises
        ------
        BadInputError
            A name is unknown or a value is not a number with a known unit.
        """
        known = {item.name for item in fields(self)}
        changes: dict[str, float | int] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in known:
                raise BadInputError(
                    f"there is no limit {name!r}", fix=f"use one of: {', '.join(sorted(known))}"
                )
            if name in {"time", "cpu", "start"}:
                match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*s?", text)
                if match is None:
                    raise BadInputError(
                        f"limit {name}: {text!r} is not a time", fix=f"write seconds: {name}=300"
                    )
                changes[name] = float(match[1])
            else:
                match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", text.strip().upper())
                unit = None if match is None else match[2].rstrip("B")
                if match is None or unit is None:
                    raise BadInputError(
                        f"limit {name}: {text!r} is not a size", fix=f"write {name}=8GB"
                    )
                changes[name] = int(float(match[1]) * _UNITS[f"{unit}B" if unit else ""])
        return replace(self, **changes)  # type: ignore[arg-type]


def more_memory(limits: Limits) -> str:
    """Return what to do when a reader needs more memory."""
    return f"--limit memory={format_bytes(2 * limits.memory).replace(' ', '')}, or split the file"


def format_bytes(count: float) -> str:
    """Return a size in the same words that `Limits.updated` reads: ``4 GB`` is 4 GiB."""
    for unit, size in (("GB", GIB), ("MB", MIB), ("KB", KIB)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} bytes"
