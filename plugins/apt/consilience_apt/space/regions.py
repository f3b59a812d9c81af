"""Regions counted, and isolated as sources of ions of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.progress import Progress, no_progress
from consilience_apt.files.stream import BLOCK
from consilience_apt.space.counting import (
    BackgroundShare,
    Counts,
    Selects,
    by_species,
    empty_region,
    labelled_blocks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["count_regions", "isolate"]


def count_regions(
    source: IonSource,
    table: RangeTable,
    regions: Mapping[str, Selects | None],
    background: BackgroundShare | None = None,
    progress: Progress = no_progress,
) -> dict[str, Counts]:
    """Count the ions of several regions in one pass; they may overlap.

    Parameters
    ----------
    source : IonSource
    table : RangeTable
    regions : mapping
        By name; None is the whole volume.
    background : BackgroundShare, optional
    progress : callable

    Returns
    -------
    dict
        Counts with a single bin for each region.

    Raises
    ------
    BadInputError
        A region holds no ion.
    """
    number = len(table.ranges) + 1
    found = {name: np.zeros(number, np.int64) for name in regions}
    for block, labels in labelled_blocks(
        source, table, ("x", "y", "z"), None, progress, "counting regions"
    ):
        for name, region in regions.items():
            kept = labels
            if region is not None:
                kept = labels[region.contains(block["x"], block["y"], block["z"])]
            found[name] += np.bincount(kept, minlength=number)
    empty = [name for name, counts in found.items() if not counts.any()]
    if empty:
        raise empty_region(source, ", ".join(repr(name) for name in empty))
    return {
        name: Counts(by_species(counts[None], table), table, background)
        for name, counts in found.items()
    }


class _Isolated:
    """The ions of a region, found again each time they are gone over."""

    def __init__(self, source: IonSource, region: Selects, ions: int) -> None:
        self._source, self._region = source, region
        self.ions = ions
        self.columns = source.columns

    def blocks(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None, size: int = BLOCK
    ) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
        end = self.ions if stop is None else min(stop, self.ions)
        needed = list(dict.fromkeys([*columns, "x", "y", "z"]))
        seen = 0
        for _, block in self._source.blocks(needed, size=size):
            inside = np.flatnonzero(self._region.contains(block["x"], block["y"], block["z"]))
            before, seen = seen, seen + inside.size
            kept = inside[max(start - before, 0) : max(end - before, 0)]
            if kept.size:
                yield max(before, start), {name: block[name][kept] for name in columns}
            if seen >= end:
                return


def isolate(source: IonSource, region: Selects, progress: Progress = no_progress) -> IonSource:
    """Return the ions of a region as a source of their own, without copying them.

    Parameters
    ----------
    source : IonSource
    region : Selects
    progress : callable

    Returns
    -------
    IonSource
        Goes over all ions of `source` whenever its own are asked for.

    Raises
    ------
    BadInputError
        The region holds no ion.
    """
    ions = 0
    for first, block in source.blocks(("x", "y", "z")):
        ions += int(np.count_nonzero(region.contains(block["x"], block["y"], block["z"])))
        progress(first + len(block["x"]), source.ions, "isolating a region")
    if not ions:
        raise empty_region(source)
    return _Isolated(source, region, ions)
