"""Length-prefixed JSON on a pipe: eight bytes of length, then UTF-8."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

__all__ = ["HEADER", "pack", "receive", "send"]

HEADER = struct.Struct(">Q")


def pack(message: dict[str, Any]) -> bytes:
    """Return the frame of a message; NaN is refused, as it is no JSON."""
    body = json.dumps(message, ensure_ascii=True, allow_nan=False).encode()
    return HEADER.pack(len(body)) + body


def send(fd: int, frame: bytes) -> None:
    """Write a frame to a blocking pipe."""
    view = memoryview(frame)
    while view:
        view = view[os.write(fd, view) :]


def receive(fd: int) -> dict[str, Any] | None:
    """Read one message from a blocking pipe; None at its end."""
    header = _exactly(fd, HEADER.size)
    if header is None:
        return None
    body = _exactly(fd, HEADER.unpack(header)[0])
    if body is None:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise TypeError(f"the frame holds a {type(message).__name__}, expected an object")
    return message


def _exactly(fd: int, count: int) -> bytes | None:
    parts: list[bytes] = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
