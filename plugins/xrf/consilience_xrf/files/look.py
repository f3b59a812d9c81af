"""One pass over the spectra of a scan: their sum, and what is odd about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.model.measurement import Notice

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Look", "look_at"]

BLOCK = 1 << 22
"""Values held at once: 32 MB of float64."""

MOST = 1 << 26
"""Values looked at in all; of larger scans rows evenly spread are taken."""


@dataclass(frozen=True)
class Look:
    """What one pass found.

    Attributes
    ----------
    spectrum : ndarray, shape (channels,)
        Sum over the points that were looked at; values that are not finite count as 0.
    notices : list of Notice
    whole : bool
        All values are whole numbers, so they may be raw counts.
    """

    spectrum: NDArray[np.float64]
    notices: list[Notice]
    whole: bool


def look_at(counts: xr.DataArray, measured: NDArray[np.bool_] | None = None) -> Look:
    """Sum the spectra of a scan in blocks of rows and look for what no detector counts.

    Parameters
    ----------
    counts : DataArray, shape (…, y, x, channels) or (channels,)
    measured : ndarray of bool, shape (y, x), optional
        Where the scan has a point; others are zero and not held against it.
    """
    channels = counts.shape[-1]
    total = np.zeros(channels)
    points = negative = broken = fractions = empty = 0
    lowest, first_empty = 0.0, ""
    parts, skipped = _parts(counts)
    for where in parts:
        values = np.asarray(counts.isel(where).values)
        dark = np.ones(values.shape[:-1], dtype=bool)
        if measured is not None:
            dark = np.broadcast_to(measured[where["y"]], dark.shape)
        if values.dtype.kind == "f":
            bad = ~np.isfinite(values)
            if bad.any():
                broken += int(np.count_nonzero(bad))
                values = np.where(bad, 0.0, values)
            fractions += int(np.count_nonzero(values != np.round(values)))
        if values.dtype.kind != "u":
            below = values < 0
            negative += int(np.count_nonzero(below))
            lowest = min(lowest, float(values.min(initial=0)))
        total += values.sum(axis=tuple(range(values.ndim - 1)), dtype=np.float64)
        dark = dark & ~values.any(axis=-1)
        points += dark.size
        here = int(np.count_nonzero(dark))
        if here and not empty and values.ndim > 1:
            at = [int(i) for i in np.argwhere(dark)[0]]
            rows = where.get("y", slice(0, 1))
            at[-2 if len(at) > 1 else -1] += rows.start or 0
            first_empty = f"first at row {at[-2]}, column {at[-1]}" if len(at) > 1 else ""
        empty += here
    notices = _notices(
        counts.size - skipped, points, negative, lowest, broken, fractions, empty, first_empty
    )
    if broken and broken >= counts.size - skipped:
        notices = [n for n in notices if n.code not in ("empty-points", "counts-not-finite")]
        notices.append(
            Notice(
                code="no-counts",
                message=f"none of {broken} values is a number",
                fix="export the spectra again: where counts belong the file holds NaN",
                severity="fault",
            )
        )
    elif not total.any() and not negative:
        notices = [n for n in notices if n.code != "empty-points"]
        notices.append(
            Notice(
                code="no-counts",
                message=f"all {channels} channels are zero",
                fix="check that the shutter was open; register another scan",
                severity="fault",
            )
        )
    if skipped:
        notices.append(
            Notice(
                code="partly-looked-at",
                message=f"of {counts.size} values {counts.size - skipped} were looked at, in rows "
                "evenly spread over the scan",
                severity="info",
            )
        )
    return Look(total, notices, fractions == 0)


def _parts(counts: xr.DataArray) -> tuple[list[dict[str, slice]], int]:
    """Selections of rows to look at, and how many values are left out."""
    if counts.ndim == 1:
        return [{}], 0
    outer = [str(d) for d in counts.dims[:-1]]
    along = "y" if "y" in outer else outer[0]
    row = counts.size // counts.sizes[along]
    rows = max(1, BLOCK // max(row, 1))
    starts = list(range(0, counts.sizes[along], rows))
    room = max(1, MOST // max(1, row * rows))
    if len(starts) > room:
        starts = [starts[int(i)] for i in np.linspace(0, len(starts) - 1, room)]
    parts = [{along: slice(s, min(s + rows, counts.sizes[along]))} for s in starts]
    taken = sum(p[along].stop - p[along].start for p in parts)
    return parts, (counts.sizes[along] - taken) * row


def _notices(
    values: int,
    points: int,
    negative: int,
    lowest: float,
    broken: int,
    fractions: int,
    empty: int,
    first_empty: str,
) -> list[Notice]:
    out = []
    if negative:
        out.append(
            Notice(
                code="negative-counts",
                message=f"{negative} of {values} values are below zero, the least {lowest:g}: no "
                "detector counts so, a background was subtracted",
                fix="register the raw spectra; a fit with counting statistics takes these as zero",
            )
        )
    if broken:
        out.append(
            Notice(
                code="counts-not-finite",
                message=f"{broken} of {values} values are not finite",
                fix="points that were not measured belong outside the scan, or as zeros",
            )
        )
    if fractions:
        out.append(
            Notice(
                code="counts-not-whole",
                message=f"{fractions} of {values} values are no whole numbers: counts that were "
                "scaled (dead time, monitor) or averaged, so √N is not quite their standard "
                "deviation",
                fix="register the raw counts if they were kept",
            )
        )
    if empty:
        out.append(
            Notice(
                code="empty-points",
                message=f"{empty} of {points} points have no counts in any channel",
                where=first_empty,
                fix="look at the scan: a shutter, a lost frame, or an end cut off",
            )
        )
    return out
