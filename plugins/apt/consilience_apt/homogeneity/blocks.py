"""Ions in blocks of one number each, and how many of each block are of one element.

Blocks of a fixed number of ions, rather than of a fixed volume, make the binomial distribution
the one to compare with, whatever the density does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAXIMUM_IONS", "BlockCounts", "detection_blocks", "spatial_blocks"]

MAXIMUM_IONS = 5_000_000
"""Most ions that `spatial_blocks` sorts: it needs their positions in memory (24 bytes an ion)."""


@dataclass(frozen=True)
class BlockCounts:
    """Solute ions per block.

    Attributes
    ----------
    counts : int64[blocks]
        0 … `size` each.
    size : int
        Ions in every block.
    left_over : int
        Ions at the ends of columns that filled no block; they are in no count.
    how : str
        How the blocks were cut.
    """

    counts: NDArray[np.int64]
    size: int
    left_over: int
    how: str

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadInputError(f"a block of {self.size} ions", fix="take 10 to 1000 ions a block")
        if len(self.counts) and (self.counts.min() < 0 or self.counts.max() > self.size):
            raise BadInputError(
                f"a block of {self.size} ions counts {self.counts.min()} to {self.counts.max()}",
                fix="give the number of solute ions in each block",
            )

    @property
    def ions(self) -> int:
        """Ions in whole blocks."""
        return len(self.counts) * self.size

    @property
    def solute(self) -> int:
        """Solute ions in whole blocks."""
        return int(self.counts.sum())


def detection_blocks(labels: Iterable[NDArray[Any]], size: int) -> BlockCounts:
    """Count solute ions in runs of `size` consecutive detections, in one pass.

    Parameters
    ----------
    labels : iterable of bool[n]
        Solute or not, in the order of detection, ranged ions alone; in parts of any length.
    size : int
        Ions a block.
    """
    if size < 1:
        raise BadInputError(f"a block of {size} ions", fix="take 10 to 1000 ions a block")
    found: list[NDArray[np.int64]] = []
    rest: NDArray[np.bool_] = np.empty(0, dtype=bool)
    for part in labels:
        run = np.concatenate([rest, np.asarray(part, dtype=bool)]) if len(rest) else part
        whole = len(run) // size * size
        found.append(np.asarray(run[:whole], dtype=bool).reshape(-1, size).sum(1, dtype=np.int64))
        rest = np.array(run[whole:], dtype=bool)
    counts = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return BlockCounts(counts, size, len(rest), f"{size} consecutive detections")


def spatial_blocks(
    positions: NDArray[np.floating[Any]],
    solute: NDArray[np.bool_],
    size: int,
    column: float | None = None,
) -> BlockCounts:
    """Count solute ions in compact blocks of `size` ions each.

    The x–y plane is cut into square columns, each column along z into blocks.

    Parameters
    ----------
    positions : float[n, 3]
        x, y, z in nm; at most `MAXIMUM_IONS`.
    solute : bool[n]
    size : int
        Ions a block.
    column : float, optional
        Side of the columns in nm; by default that of a cube which holds `size` ions at the
        mean density of the box around them.

    Raises
    ------
    BadInputError
        Too many ions, lengths that differ, positions that are not finite, no side.
    """
    number = len(positions)
    if size < 1:
        raise BadInputError(f"a block of {size} ions", fix="take 10 to 1000 ions a block")
    if number > MAXIMUM_IONS:
        raise BadInputError(
            f"{number} ions are more than the {MAXIMUM_IONS} that are sorted in memory",
            fix="cut out a region of interest, or use blocks of consecutive detections",
        )
    if positions.shape != (number, 3) or solute.shape != (number,):
        raise BadInputError(
            f"positions {positions.shape} and labels {solute.shape} do not belong together",
            fix="give one label for each x, y, z",
        )
    how = f"{size} ions along z in square columns"
    if not number:
        return BlockCounts(np.empty(0, dtype=np.int64), size, 0, how)
    if not np.isfinite(positions).all():
        raise BadInputError(
            "a position is NaN or infinite", fix="leave out ions that have no place"
        )
    low, high = positions.min(axis=0), positions.max(axis=0)
    if column is None:
        extent = np.maximum(high - low, 1e-3)
        column = float((np.prod(extent) * size / number) ** (1.0 / 3.0))
    if not column > 0:
        raise BadInputError(f"columns of {column} nm", fix="give a side above 0 nm")
    cell = np.floor((positions[:, :2] - low[:2]) / column).astype(np.int64)
    key = cell[:, 0] * (cell[:, 1].max() + 1) + cell[:, 1]
    order = np.lexsort((positions[:, 2], key))
    ends = np.flatnonzero(np.diff(key[order])) + 1
    starts = np.concatenate([[0], ends])
    lengths = np.diff(np.concatenate([starts, [number]]))
    # ions of each column that fill whole blocks, in the sorted order
    place = np.arange(number) - np.repeat(starts, lengths)
    kept = place < np.repeat(lengths // size * size, lengths)
    chosen = solute[order][kept]
    counts = chosen.reshape(-1, size).sum(axis=1, dtype=np.int64)
    return BlockCounts(counts, size, number - len(chosen), f"{how} of {column:.3g} nm")
