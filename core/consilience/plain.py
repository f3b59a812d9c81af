"""Values in JSON's types, and file names that stay where they should."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

__all__ = ["a_type", "jsonable", "leaves_folder"]


def leaves_folder(name: str) -> bool:
    """Return True if a relative file name does not stay in its folder, on any system."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return (
        not name.strip()
        or "\0" in name
        or posix.is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in windows.parts
    )


def jsonable(value: Any, where: str, *, strict: bool) -> Any:
    """Return a value in JSON's types: NumPy scalars and arrays, bytes and dates are written out.

    Parameters
    ----------
    where : str
        What messages call the value.
    strict : bool
        Refuse NaN and infinity; otherwise they become the texts ``NaN``,
        ``Infinity`` and ``-Infinity``, since what a file said is kept whole.

    Raises
    ------
    TypeError, ValueError
        Something has no JSON form; the message says where.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        if strict:
            raise ValueError(f"{where} is {float(value)!r}; unknown is None")
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(k): jsonable(v, f"{where}.{k}", strict=strict) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v, f"{where}[{i}]", strict=strict) for i, v in enumerate(value)]
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump(mode="json"), where, strict=strict)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        if value.dtype.kind in "mM":
            return jsonable(value.astype(str).tolist(), where, strict=strict)
        return jsonable(value.tolist(), where, strict=strict)
    raise TypeError(f"{where} is {a_type(value)}, which has no JSON form")


def a_type(value: object) -> str:
    """Return the type of a value for messages: ``a dict``, ``an int``, ``None``."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
