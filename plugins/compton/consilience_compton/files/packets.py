"""Read packets of a single-module read-out: frames of 80 x 80 samples, and its table of offsets.

A frame is a run of little-endian uint32 words of which 16 bits are used: the word 0xFE6B, three
words of time, 80 rows, the word 0xFADE.  A row is a header (bits 0–7 its number, bit 8 set where
samples are raw), eight words of flags (columns 14–19, 0–13, 34–39, 20–33, 54–59, …, one bit a
column) and a word for each flagged column, in the order of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice, Signal
from consilience_compton.files.lazy import MODULE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_offsets", "read_packets", "table_of_offsets"]

SYNC, END = 0xFE6B, 0xFADE
HEAD = 4
ROW_HEAD = 9
MOST_BYTES = 1 << 29
FIX = "copy it again from the instrument; nothing was registered"
GROUPS = 4
COLUMNS_OF_GROUP = 20


def table_of_offsets(path: Path) -> tuple[int, NDArray[np.float64]]:
    """Return the common offset and the table of a binary file of offsets.

    Parameters
    ----------
    path : Path
        Little-endian int32: the common offset, then 6400 values, row by row, each row as 20
        groups of the columns c, c + 20, c + 40, c + 60.

    Returns
    -------
    (int, ndarray)
        In adu; the table of shape (80, 80) without the common offset.

    Raises
    ------
    BadFileError
        Another size, or values out of any converter's range.
    """
    size = path.stat().st_size
    expected = 4 * (1 + MODULE * MODULE)
    if size != expected:
        raise BadFileError(
            f"{path.name!r} has {size} bytes, a table of offsets of one module has {expected}",
            fix="the file is cut or of another detector; only modules of 80 x 80 are known",
            path=path,
            offset=min(size, expected),
        )
    words = np.fromfile(path, "<i4")
    off = np.flatnonzero((words < 0) | (words > 0xFFFF))
    if off.size:
        raise BadFileError(
            f"{path.name!r} holds {words[off[0]]} at value {off[0]}, expected 0 to 65535 adu",
            fix="this is no table of offsets, or it is damaged",
            path=path,
            offset=int(4 * off[0]),
        )
    table = words[1:].reshape(MODULE, COLUMNS_OF_GROUP, GROUPS).transpose(0, 2, 1)
    return int(words[0]), table.reshape(MODULE, MODULE).astype(np.float64)


def read_offsets(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return a table of offsets as ``offset`` (adu) over ``row`` and ``column``.

    Raises
    ------
    BadFileError
        As `table_of_offsets`.
    BadInputError
        An option or companion was given.
    """
    for given in (*options, *companions):
        raise BadInputError(f"a table of offsets takes no {given!r}", fix="leave it out")
    common, table = table_of_offsets(path)
    return [
        Signal(
            name="offsets",
            modality="compton",
            data=xr.Dataset({"offset": (("row", "column"), table, {"units": "adu"})}),
            metadata={"common_offset": {"value": common, "unit": "adu"}},
            notices=[
                Notice(
                    code="offsets-alone",
                    message="a table of offsets holds no photons; it is added to samples that "
                    "were sent without their pedestal",
                    fix="give it with the packets: --with offsets=FILE",
                    severity="info",
                )
            ],
        )
    ]


def read_packets(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the frames of a file of packets.

    Parameters
    ----------
    path : Path
    options : mapping
        None are taken.
    companions : mapping
        ``offsets``: the binary table, needed where rows were sent without pedestal.

    Returns
    -------
    list of Signal
        One; ``raw_frames`` (adu, 0 where no sample was sent) over ``frame``, ``row``, ``column``.

    Raises
    ------
    BadFileError
        No frame, a row out of turn, a frame without its end word.
    BadInputError
        An option or companion that is not known, or a table that is needed and missing.
    """
    for unknown in (*options, *(set(companions) - {"offsets"})):
        raise BadInputError(
            f"the reader of packets knows no {unknown!r}", fix="it takes --with offsets="
        )
    words = _words_of(path)
    frames, ticks, flagged, raw, used = _frames(words, path)
    notices: list[Notice] = []
    if not raw.all():
        if "offsets" not in companions:
            raise BadInputError(
                f"{int((~raw).sum())} rows of {path.name!r} were sent without their pedestal",
                fix="give the table that was subtracted: --with offsets=FILE",
            )
        common, table = table_of_offsets(companions["offsets"])
        added = np.where(raw[:, :, None] | ~flagged, 0, common + table)
        frames = frames + np.rint(added).astype(np.int64)
    elif "offsets" in companions:
        notices.append(
            _notice("offsets-not-needed", "all rows hold raw samples; the table was not applied")
        )
    if used < words.size:
        notices.append(
            Notice(
                code="cut-frame",
                message=f"the last {words.size - used} words are no whole frame and are left out",
                where=f"byte {4 * used}",
                fix="the read-out was stopped within a frame",
                severity="info",
            )
        )
    if not flagged.all():
        notices.append(
            _notice("samples-not-sent", f"{int((~flagged).sum())} samples were not sent: 0 adu")
        )
    data = xr.Dataset(
        {
            "raw_frames": (
                ("frame", "row", "column"),
                np.clip(frames, 0, 0xFFFF).astype(np.uint16),
                {"units": "adu"},
            )
        },
        coords={
            "ticks": ("frame", ticks.astype(np.float64), {"units": "1", "long_name": "time stamp"})
        },
    )
    return [
        Signal(
            name="frames",
            modality="compton",
            data=data,
            metadata={
                "frames": len(frames),
                "modules": 1,
                "highest": {"value": int(frames.max()), "unit": "adu"},
            },
            notices=notices,
        )
    ]


def _words_of(path: Path) -> NDArray[np.uint32]:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadFileError(
            f"{path.name!r} has {size} bytes, at most {MOST_BYTES} are read at once",
            fix="split the read-out into parts",
            path=path,
        )
    return np.fromfile(path, "<u4", size // 4)


def _frames(
    words: NDArray[np.uint32], path: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], int]:
    """Return samples, time stamps, flags, which rows are raw, and how many words were used."""
    whole = HEAD + MODULE * ROW_HEAD
    if words.size < whole + 1 or words[0] != SYNC:
        raise BadFileError(
            f"{path.name!r} does not begin with a frame (word {int(words[0]) if words.size else 0}"
            f", expected {SYNC})",
            fix=FIX,
            path=path,
            offset=0,
        )
    values, ticks, flags, raws = [], [], [], []
    at = 0
    while at < words.size:
        frame = _one_frame(words, at, path)
        if frame is None:
            break
        sample, flag, raw, end = frame
        stamp = words[at + 1 : at + HEAD].astype(np.int64) & 0xFFFF
        values.append(sample)
        flags.append(flag)
        raws.append(raw)
        ticks.append((int(stamp[0]) << 32) + (int(stamp[1]) << 16) + int(stamp[2]))
        at = end
    if not values:
        raise BadFileError(
            f"{path.name!r} ends within its first frame, after {words.size} words",
            fix="the file is cut; copy it again from the instrument",
            path=path,
            offset=4 * words.size,
        )
    return np.array(values), np.array(ticks), np.array(flags), np.array(raws), at


def _one_frame(
    words: NDArray[np.uint32], at: int, path: Path
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], int] | None:
    """Return one frame and where the next begins; None where the file ends within it."""
    if words[at] != SYNC:
        raise BadFileError(
            f"{path.name!r} has word {int(words[at]):#x} where a frame should begin ({SYNC:#x})",
            fix=FIX,
            path=path,
            offset=4 * at,
        )
    sample = np.zeros((MODULE, MODULE), dtype=np.int64)
    flag = np.zeros((MODULE, MODULE), dtype=bool)
    raw = np.zeros(MODULE, dtype=bool)
    place = at + HEAD
    for row in range(MODULE):
        head = words[place : place + ROW_HEAD]
        if head.size < ROW_HEAD:
            return None
        if int(head[0]) & 0xFF != row:
            raise BadFileError(
                f"{path.name!r} has row {int(head[0]) & 0xFF} where row {row} should come",
                fix=FIX,
                path=path,
                offset=4 * place,
            )
        raw[row] = bool(int(head[0]) & 0x100)
        flag[row] = _flags(head[1:])
        n = int(flag[row].sum())
        place += ROW_HEAD
        if words.size < place + n:
            return None
        sample[row, flag[row]] = words[place : place + n]
        place += n
    if place >= words.size:
        return None
    if words[place] != END:
        raise BadFileError(
            f"{path.name!r} has word {int(words[place]):#x} where a frame should end ({END:#x})",
            fix=FIX,
            path=path,
            offset=4 * place,
        )
    return sample, flag, raw, place + 1


def _flags(masks: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which columns of a row were sent."""
    high, low = masks[0::2, None], masks[1::2, None]
    bits = np.concatenate([low >> np.arange(14), high >> np.arange(6)], axis=1) & 1
    return bits.astype(bool).reshape(MODULE)


def _notice(code: str, message: str) -> Notice:
    return Notice(code=code, message=message, where="raw_frames", severity="info")
