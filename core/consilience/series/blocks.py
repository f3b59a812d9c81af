"""A piece of a log, as it stands in the file: the same from CSV and from HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PIECE_ROWS", "Block", "Log"]

PIECE_ROWS = 1 << 16
"""So many rows are parsed at a time."""


@dataclass
class Block:
    """Rows of a log in the file's own units.

    Parameters
    ----------
    row : int
        Number of rows before these.
    time : dict
        ``time``, or ``hour``, ``minute``, ``second``: numbers, or texts for absolute times.
    values : dict
        Readings, NaN where there is none.
    refused : dict
        Where a reading is there and does not count, by its text or its status.
    notes : list of (int, str)
        Place in this block, remark.
    """

    row: int
    time: dict[str, Any]
    values: dict[str, NDArray[np.float64]]
    refused: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return len(next(iter(self.time.values())))


class Log(Protocol):
    """A log that can be read in pieces."""

    def stated(self) -> dict[str, str]:
        """Return what notes ``name = value`` near the beginning state."""

    def unit_of(self, column: str) -> str | None:
        """Return the unit that the file itself gives a column."""

    def blocks(self, rows: int) -> Iterator[Block]:
        """Read it once, `rows` at a time."""
