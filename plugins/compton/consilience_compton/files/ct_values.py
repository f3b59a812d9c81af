"""Go once through a volume: is it segmented, are its values sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Looked", "look_through", "variable_of"]

MOST_LABELS = 8
"""More different values than this are grey values, unless a person says otherwise."""


@dataclass
class Looked:
    """What one pass over a volume found; `counts` maps each value to its voxels, if few."""

    low: float = float("inf")
    high: float = float("-inf")
    missing: int = 0
    voxels: int = 0
    counts: dict[int, int] | None = field(default_factory=dict)


def look_through(blocks: Iterable[NDArray[Any]], path: Path) -> Looked:
    """Read every block once.

    Raises
    ------
    BadFileError
        A value is infinite.
    """
    found = Looked()
    for block in blocks:
        found.voxels += block.size
        if block.dtype.kind == "f":
            found.counts = None
            finite = np.isfinite(block)
            bad = int(block.size - np.count_nonzero(finite))
            if bad:
                if np.isinf(block).any():
                    raise BadFileError(
                        f"{path.name!r} holds infinite values",
                        fix="write the volume again; a voxel has a value, or NaN where none is",
                        path=path,
                    )
                found.missing += bad
                block = block[finite]  # noqa: PLW2901
            if not block.size:
                continue
        found.low = min(found.low, float(block.min()))
        found.high = max(found.high, float(block.max()))
        if found.counts is not None:
            _count(block, found)
    return found


def _count(block: NDArray[Any], found: Looked) -> None:
    assert found.counts is not None
    if block.dtype.itemsize == 1 and block.dtype.kind in "ub":
        numbers = np.bincount(block.astype(np.uint8, copy=False).ravel(), minlength=256)
        values = np.flatnonzero(numbers)
        pairs = zip(values.tolist(), numbers[values].tolist(), strict=True)
    else:
        sample = np.unique(block.ravel()[:: max(1, block.size // 1000)])
        if sample.size > 256:
            found.counts = None
            return
        unique, numbers = np.unique(block, return_counts=True)
        pairs = zip(unique.tolist(), numbers.tolist(), strict=True)
    for value, number in pairs:
        found.counts[int(value)] = found.counts.get(int(value), 0) + int(number)
    if len(found.counts) > 256:
        found.counts = None


def variable_of(
    found: Looked, dtype: np.dtype[Any], given: str | None, path: Path
) -> tuple[str, np.dtype[Any], list[Notice]]:
    """Decide between ``labels`` and ``grey``; return the variable, its dtype, and notices.

    Raises
    ------
    BadInputError
        The option ``kind`` is neither, or names labels where values are no labels.
    BadFileError
        No voxel holds a value.
    """
    if found.voxels == found.missing:
        raise BadFileError(
            f"{path.name!r} holds no value in any voxel", fix="export the volume again", path=path
        )
    if given is not None and given not in ("labels", "grey"):
        raise BadInputError(
            f"kind is {given!r}, expected labels or grey", fix="write kind=labels", path=path
        )
    fits = found.counts is not None and found.low >= 0 and found.high <= 255
    few = fits and found.counts is not None and len(found.counts) <= MOST_LABELS
    if given == "labels" and not fits:
        raise BadInputError(
            f"values from {found.low:g} to {found.high:g} are no labels (whole numbers 0 to 255)",
            fix="leave kind=labels out: the volume is grey",
            path=path,
        )
    labels = given == "labels" or (given is None and few)
    notices: list[Notice] = []
    if found.low == found.high:
        notices.append(
            Notice(
                code="one-value",
                message=f"every voxel holds {found.low:g}: there is nothing to see",
                fix="check the export",
                severity="fault",
            )
        )
    elif given is None and labels:
        notices.append(
            Notice(
                code="taken-as-labels",
                message=f"{len(found.counts or {})} different values "
                f"({', '.join(str(v) for v in sorted(found.counts or {}))}) are taken as labels of "
                "phases; which phase each is, the file does not say",
                fix="say kind=grey if they are grey values",
                severity="info",
            )
        )
    if found.missing:
        notices.append(
            Notice(
                code="voxels-missing",
                message=f"{found.missing} of {found.voxels} voxels hold no value (NaN)",
                severity="info",
            )
        )
    if labels:
        return "labels", np.dtype(np.uint8), notices
    native = dtype.newbyteorder("=") if dtype.kind != "b" else np.dtype(np.uint8)
    return "grey", native, notices
