"""Files for the contract: samples, other people's files, and damaged ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consilience.declarations import FileProbe

__all__ = ["FOREIGN", "SampleFile", "foreign_probe", "mutants"]


@dataclass(frozen=True)
class SampleFile:
    """A small file that the plugin's tests wrote, and how it is to be read.

    Parameters
    ----------
    path : Path
        In the test's own folder.
    reader : str
        Key of the reader that reads it.
    options, companions : dict
        What the reader is given.
    says_simulated : bool
        The file says that it is simulated, as every file written by a test should.
        False only where the format has no place for it; then say so beside the value.
    damage : bool
        Read damaged copies of it.  False where another sample of the same make is damaged.
    """

    path: Path
    reader: str
    options: Mapping[str, object] = field(default_factory=dict)
    companions: Mapping[str, Path] = field(default_factory=dict)
    says_simulated: bool = True
    damage: bool = True


FOREIGN: dict[str, bytes] = {
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(2000),
    "tiff": b"II*\x00\x08\x00\x00\x00" + bytes(200),
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100),
    "zip": b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(100),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + bytes(100),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\n",
    "dm3": struct.pack(">III", 3, 322580, 1) + b"\x01\x00" + bytes(100),
    "xml": b'<?xml version="1.0" encoding="UTF-8"?>\n<catalogue><entry n="1"/></catalogue>\n',
    "json": b'{"spectra": [{"name": "a", "values": [1, 2, 3]}]}\n',
    "toml": b'[sample]\nid = "A"\ntitle = "a chip"\n',
    "html": b"<!DOCTYPE html><html><head><title>x</title></head><body>1 2 3</body></html>\n",
    "prose": b"Dear colleague,\nplease find the spectra on the share as discussed.\n" * 20,
    "log": b"2024-05-07 10:00:01 INFO pump started, 2.1e-5 mbar\n" * 40,
    "python": b"import numpy as np\n\nprint(np.arange(10))\n",
    "null": bytes(4096),
    "ones": b"\xff" * 4096,
}
"""Heads of files that are nobody's data; a reader of one of these formats names it in `claims`."""


def foreign_probe(pattern: str, head: bytes) -> FileProbe:
    """Return what a reader would see of a file that fits its pattern and has this head.

    The file is not there, so a probe that opens it fails.
    """
    name = pattern.replace("*", "foreign").replace("?", "x")
    path = Path("there-is-no-such-folder") / name
    return FileProbe(path, head[:4096], tuple(s.lower() for s in path.suffixes), is_dir=False)


def mutants(data: bytes, seed: int, number: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged copies of a file, each with a name that says how.

    Parameters
    ----------
    data : bytes
        The sound file.
    seed : int
        The same seed gives the same mutants.
    number : int
        About how many; a third are truncations, the rest flipped bytes, beside the six
        fixed ones (empty, one byte, text, random, zeros, doubled).
    """
    # damage has to be repeatable, not secret
    chance = random.Random(seed)  # noqa: S311
    yield "empty", b""
    yield "first byte only", data[:1]
    yield "text garbage", b"this is not the file you are looking for\n" * 30
    yield "random bytes", chance.randbytes(max(64, min(len(data), 5000)))
    yield "zeros", bytes(min(len(data), 100_000))
    yield "file twice", data + data
    # evenly over the file, and ever more densely towards its start, where headers end
    cuts = max(2, (number - 6) // 3)
    even = {len(data) * (i + 1) // (cuts // 2 + 1) for i in range(cuts // 2)}
    dense = cuts - cuts // 2
    short = {int(len(data) ** ((i + 1) / (dense + 1))) for i in range(dense)}
    for end in sorted(even | short):
        yield f"truncated to {end} bytes", data[:end]
    if len(data) > 1:
        yield "last byte missing", data[:-1]
    for i in range(max(0, number - 7 - cuts)):
        flipped = bytearray(data)
        # headers are where parsers break: every other mutant is damaged near the start
        span = len(data) if i % 2 else min(len(data), 512)
        places = sorted(chance.randrange(span) for _ in range(1 + i % 4)) if span else []
        for place in places:
            flipped[place] ^= 1 << chance.randrange(8)
        yield f"bits flipped at bytes {places}", bytes(flipped)
