"""Look once over the counts of a cube: what cannot be counts, pixels and rows without any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError
from consilience.model.measurement import Notice
from consilience_compton.spectra import blocks_of_rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["look_at_counts"]

LARGEST = 1e15
"""More counts than this in a bin no counter holds."""
NAMED = 10


def look_at_counts(counts: xr.DataArray, name: str) -> tuple[list[Notice], dict[str, Any]]:
    """Return what there is to say of the counts, and their total.

    Parameters
    ----------
    counts : xarray.DataArray, shape (rows, columns, n)
    name : str
        Of the file, for messages.

    Returns
    -------
    (list of Notice, dict)
        Notices, and ``total_counts``, ``empty_pixels`` and ``rows``, ``columns``.

    Raises
    ------
    BadFileError
        NaN, infinity, negative or absurdly large numbers; or nothing but zeros.
    """
    rows, columns = int(counts.shape[0]), int(counts.shape[1])
    totals = np.zeros((rows, columns))
    whole = True
    for where, block in blocks_of_rows(counts):
        low, high = float(block.min()), float(block.max())  # NaN comes out as NaN
        if not (low >= 0 and high <= LARGEST):
            bad = np.argwhere(~((block >= 0) & (block <= LARGEST)))[0]
            raise BadFileError(
                f"counts of {name!r} at row {where.start + bad[0]}, column {bad[1]}, bin {bad[2]} "
                f"are {block[tuple(bad)]:g}, which no counter gives",
                fix="the file is damaged or holds corrected values; export the counts again",
            )
        whole = whole and bool((block == np.rint(block)).all())
        totals[where] = block.sum(axis=2, dtype=np.float64)
    total = float(totals.sum())
    if total == 0:
        raise BadFileError(
            f"all {rows} x {columns} spectra of {name!r} are empty",
            fix="check that the run recorded hits above the threshold",
        )
    notices = []
    empty = totals == 0
    dead_rows, dead_columns = np.flatnonzero(empty.all(axis=1)), np.flatnonzero(empty.all(axis=0))
    for what, dead in (("row", dead_rows), ("column", dead_columns)):
        if dead.size:
            notices.append(
                Notice(
                    code=f"dead-{what}s",
                    message=f"{dead.size} {what}(s) of pixels without a count: "
                    f"{', '.join(map(str, dead[:NAMED]))}{' …' if dead.size > NAMED else ''}",
                    where="counts",
                    fix="compton.calibration marks them as bad; no analysis fills them in",
                )
            )
    single = int(empty.sum()) - int(dead_rows.size) * columns - int(dead_columns.size) * rows
    single += int(dead_rows.size) * int(dead_columns.size)
    if single > 0:
        notices.append(
            Notice(
                code="empty-pixels",
                message=f"{single} more of {rows * columns} pixels have no count",
                where="counts",
                fix="compton.calibration marks them as bad",
                severity="info",
            )
        )
    if not whole:
        notices.append(
            Notice(
                code="not-counts",
                message="some values are no whole numbers: they were corrected or scaled, and "
                "their Poisson errors cannot be known",
                where="counts",
                fix="register the counts as recorded",
            )
        )
    return notices, {
        "rows": rows,
        "columns": columns,
        "total_counts": {"value": total, "unit": "count"},
        "empty_pixels": int(empty.sum()),
        "whole_counts": whole,
    }
