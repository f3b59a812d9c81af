"""The layout of ``.hxt`` version 3, and a writer for simulations and tests.

====== ========= ==========================================================
offset type      what
====== ========= ==========================================================
0      char[8]   ``HEXITECH``
8      uint64    version, 3
16     uint32[9] positions of the sample's and the detector's stages
52     int32     length of the prefix of the file's name
56     char[100] the prefix, padded
156    char[16]  time stamp
172    uint32[3] rows, columns, bins
184    float64   bins, then the spectra: row by row, column by column, bin by bin
====== ========= ==========================================================

All numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HEADER", "MAGIC", "HxtHeader", "parse_header", "write_hxt"]

MAGIC = b"HEXITECH"
VERSION = 3
PREFIX = 100
HEADER = 184
_FORM = struct.Struct("<8sQ9Ii100s16s3I")
MOST_PIXELS = 4096
"""Along one side: more than any detector of this kind."""
MOST_BINS = 1 << 20


@dataclass(frozen=True)
class HxtHeader:
    """What stands before the bins."""

    positions: tuple[int, ...]
    prefix: str
    stamp: str
    rows: int
    columns: int
    bins: int

    @property
    def size(self) -> int:
        """Bytes that a whole file has."""
        return HEADER + 8 * self.bins * (1 + self.rows * self.columns)


def parse_header(path: Path) -> HxtHeader:
    """Return the header of a file after its size was compared with what it promises.

    Raises
    ------
    BadFileError
        Not such a file, another version, a prefix of an impossible length, an absurd shape, or
        fewer or more bytes than promised.
    """

    def refuse(what: str, fix: str, offset: int) -> BadFileError:
        return BadFileError(f"{path.name!r} {what}", fix=fix, path=path, offset=offset)

    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER)
    if not head.startswith(MAGIC):
        raise refuse(
            f"begins with {head[:8]!r}, expected {MAGIC!r}", "give a .hxt file of HEXITEC", 0
        )
    if len(head) < HEADER:
        raise refuse(
            f"ends after {len(head)} bytes, within its header of {HEADER}",
            "the file is cut; copy it again from the instrument",
            len(head),
        )
    _, version, *rest = _FORM.unpack(head)
    positions, (length, prefix, stamp, rows, columns, bins) = tuple(rest[:9]), rest[9:]
    if version != VERSION:
        raise refuse(
            f"has version {version}, only {VERSION} is known",
            "export it as version 3 with the detector's software",
            8,
        )
    if not 0 <= length <= PREFIX:
        raise refuse(
            f"says that its prefix has {length} bytes, at most {PREFIX} are possible",
            "the header is damaged; copy the file again from the instrument",
            52,
        )
    absurd = 0 in (rows, columns) or bins < 2
    if absurd or max(rows, columns) > MOST_PIXELS or bins > MOST_BINS:
        raise refuse(
            f"claims {rows} x {columns} pixels of {bins} bins",
            "the header is damaged; copy the file again from the instrument",
            172,
        )
    header = HxtHeader(positions, _text(prefix[:length]), _text(stamp), rows, columns, bins)
    if size != header.size:
        raise refuse(
            f"has {size} bytes, {rows} x {columns} pixels of {bins} bins need {header.size}",
            "the file is cut; copy it again from the instrument"
            if size < header.size
            else "something was appended to it; export it again",
            min(size, header.size),
        )
    return header


def _text(raw: bytes) -> str:
    words = raw.split(b"\0", 1)[0].decode("latin-1")
    return "".join(c if c.isprintable() else "?" for c in words).strip()


def write_hxt(
    path: Path,
    counts: NDArray[np.generic],
    bins: NDArray[np.float64],
    *,
    prefix: str = "",
    stamp: str = "",
    positions: Sequence[int] = (0,) * 9,
) -> Path:
    """Write spectra as version 3.

    Parameters
    ----------
    path : Path
    counts : ndarray, shape (rows, columns, n)
    bins : ndarray, shape (n,)
        Lower edges, as the detector's software writes them.
    prefix : str
        Up to 100 bytes; simulations begin with ``simulated`` (see
        `consilience_compton.files.setting`).
    stamp : str
        Up to 16 bytes.
    positions : sequence of 9 int

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        Shapes that do not fit, or too long a text.
    """
    rows, columns, n = counts.shape
    text, time = prefix.encode("latin-1"), stamp.encode("latin-1")
    if bins.shape != (n,) or len(text) > PREFIX or len(time) > 16 or len(positions) != 9:
        raise ValueError(f"{n} bins, {bins.shape} marks, {len(text)} bytes of prefix")
    with path.open("wb") as file:
        file.write(_FORM.pack(MAGIC, VERSION, *positions, len(text), text, time, rows, columns, n))
        file.write(np.asarray(bins, dtype="<f8").tobytes())
        for row in counts:
            file.write(np.ascontiguousarray(row, dtype="<f8").tobytes())
    return path
