"""What HyperSpy keeps beside its data, as JSON text and back: tuples, bytes and arrays stay so."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["from_text", "to_text"]

MARK = "~type"
"""A key that says what a JSON object stands for."""


def to_text(value: object) -> tuple[str, list[str]]:
    """Return JSON text, and the places of what has no such form and was left out.

    Parameters
    ----------
    value : object
        Dictionaries, lists, tuples, numbers, text, bytes, arrays of numbers or text; numpy's
        scalars become Python's.

    Returns
    -------
    text : str
    left_out : list of str
        Dotted places, such as ``Signal.Noise_properties.variance``.
    """
    left_out: list[str] = []
    return json.dumps(_encode(value, "", left_out), ensure_ascii=False, sort_keys=True), left_out


def from_text(text: str) -> Any:
    """Return what `to_text` was given, without what it left out."""
    return _decode(json.loads(text))


def _encode(value: object, place: str, left_out: list[str]) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in "biufSU":
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return {MARK: "bytes", "base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        kept = {}
        for key, item in value.items():
            here = f"{place}.{key}" if place else str(key)
            found = _encode(item, here, left_out)
            if here not in left_out:
                kept[str(key)] = found
        return kept
    if isinstance(value, list | tuple):
        items = [_encode(item, f"{place}[{i}]", left_out) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {MARK: "tuple", "items": items}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        return {
            MARK: "array",
            "dtype": value.dtype.newbyteorder("=").str,
            "shape": list(value.shape),
            "items": value.ravel().tolist(),
        }
    left_out.append(place)
    return None


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(MARK)
    if kind == "bytes":
        return base64.b64decode(value["base64"])
    if kind == "tuple":
        return tuple(_decode(item) for item in value["items"])
    if kind == "array":
        return np.array(value["items"], dtype=np.dtype(value["dtype"])).reshape(value["shape"])
    return {key: _decode(item) for key, item in value.items()}
