"""Canonical JSON and content identifiers.

One value has one byte string, on every machine, so that the same input gives the
same identifier.  Wall-clock time never enters an identifier.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

__all__ = ["canonical_json", "content_id", "sha256_hex"]


def _check(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(
            f"{where}: {value!r} has no JSON form; unknown is None, an unbounded limit is None"
        )
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is {type(key).__name__}, expected str")
            _check(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _check(item, f"{where}[{i}]")
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise TypeError(f"{where}: {type(value).__name__} has no canonical JSON form")


def canonical_json(value: Any) -> bytes:
    """Return the one UTF-8 form of a JSON value: sorted keys, no spaces, no NaN.

    Parameters
    ----------
    value : dict, list, tuple, str, int, float, bool or None
        Nested JSON value.  Floats are written in Python's shortest form that
        reads back to the same double.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        A float is NaN or infinite.
    TypeError
        A key is not a string, or a value has no JSON form.
    """
    _check(value, "$")
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def content_id(prefix: str, value: Any) -> str:
    """Return ``prefix-`` and the first 16 hex digits of the value's SHA-256.

    Sixty-four bits: a study of a million records meets a collision with a
    probability of 3e-8; the store compares the whole content all the same.
    """
    return f"{prefix}-{sha256_hex(canonical_json(value))[:16]}"
