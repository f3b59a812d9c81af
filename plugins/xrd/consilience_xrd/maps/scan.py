"""A scan as blocks of patterns on one q axis, whether the file holds patterns or frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.axes import check_wavelength, two_theta_to_q

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["BLOCK_POINTS", "Block", "Scan", "ScanAxis", "pattern_scan", "scan_axes"]

BLOCK_POINTS = 2_000_000
"""Points of intensity that are held at once: 16 MB of floats."""


@dataclass(frozen=True)
class ScanAxis:
    """One direction of the scan: positions in `unit`; its numbers where the file has none."""

    name: str
    values: NDArray[np.float64]
    unit: str


@dataclass(frozen=True)
class Block:
    """Patterns of some points of a scan.

    Attributes
    ----------
    intensity : ndarray, shape (m, n)
        Finite; points that were not measured are filled from their neighbours.
    gain : ndarray, shape (m, n) or (1, n), or None
        Counts for one unit of intensity, 0 where nothing was measured; None: not counts.
    sigma : ndarray, shape (m, n), or None
        Standard deviations that the file states, infinite where it does not.
    """

    intensity: NDArray[np.float64]
    gain: NDArray[np.float64] | None
    sigma: NDArray[np.float64] | None

    def at(self, points: NDArray[np.int64]) -> Block:
        """Some of its points."""
        gain, sigma = self.gain, self.sigma
        return Block(
            self.intensity[points],
            gain if gain is None or len(gain) == 1 else gain[points],
            None if sigma is None else sigma[points],
        )

    @classmethod
    def joined(cls, blocks: Sequence[Block]) -> Block:
        """Several blocks of one scan as one."""
        return cls(
            np.concatenate([b.intensity for b in blocks]),
            _joined([b.gain for b in blocks], blocks),
            _joined([b.sigma for b in blocks], blocks),
        )


def _joined(
    parts: Sequence[NDArray[np.float64] | None], blocks: Sequence[Block]
) -> NDArray[np.float64] | None:
    wide = [
        np.broadcast_to(part, block.intensity.shape)
        for part, block in zip(parts, blocks, strict=True)
        if part is not None
    ]
    return np.concatenate(wide) if len(wide) == len(blocks) else None


@dataclass(frozen=True)
class Scan:
    """A scan of m = rows x columns points with n points of q each.

    Attributes
    ----------
    y, x : ScanAxis
        A line scan has one row.
    q : ndarray, shape (n,)
        Increasing [1/angstrom].
    blocks : list of (int, int)
        First and last + 1 point of each block, in the order of the scan.
    read : callable
        ``read(i)`` gives block i.
    unit : str
        Of the intensity.
    pixels : dict
        What was masked of the detector's pixels, for frames.
    notes : tuple of str
    """

    y: ScanAxis
    x: ScanAxis
    q: NDArray[np.float64]
    blocks: list[tuple[int, int]]
    read: Callable[[int], Block]
    unit: str
    wavelength: float | None
    pixels: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y.values), len(self.x.values)

    @property
    def points(self) -> int:
        """Points of the scan."""
        return len(self.y.values) * len(self.x.values)


def blocks_of(points: int, size: int) -> list[tuple[int, int]]:
    """Runs of points whose patterns of `size` values fit into `BLOCK_POINTS`."""
    step = int(np.clip(BLOCK_POINTS // max(size, 1), 1, 512))
    return [(i, min(i + step, points)) for i in range(0, points, step)]


def scan_axes(data: xr.Dataset, array: xr.DataArray, inner: int) -> tuple[ScanAxis, ScanAxis]:
    """The directions of the scan: all dimensions but the last `inner`.

    Raises
    ------
    BadInputError
        More than two directions with more than one point.
    """
    outer = [str(d) for d in array.dims[: array.ndim - inner]]
    long = [d for d in outer if array.sizes[d] > 1]
    if len(long) > 2:
        raise BadInputError(
            f"the scan has {len(long)} directions ({', '.join(long)}); a map has two",
            fix="register each slice of the scan as a measurement of its own",
        )
    short = [d for d in outer if d not in long]
    names = sorted([*short[: 2 - len(long)], *long], key=outer.index)
    made = []
    for name in names:
        if name in data.coords:
            values = np.asarray(data[name].values, dtype=np.float64)
            unit = str(data[name].attrs.get("units", "1"))
            made.append(ScanAxis(name, values, unit))
        else:
            made.append(ScanAxis(name, np.arange(array.sizes[name], dtype=np.float64), "1"))
    while len(made) < 2:
        taken = {m.name for m in made}
        made.insert(0, ScanAxis("y" if "y" not in taken else "row", np.zeros(1), "1"))
    return made[0], made[1]


def point_indices(
    array: xr.DataArray, inner: int, first: int, last: int
) -> list[tuple[dict[str, int | slice], int]]:
    """Selections that cover points `first` to `last` of a scan, with how many points each has."""
    outer = [str(d) for d in array.dims[: array.ndim - inner]]
    if not outer:
        return [({}, 1)]
    along = array.sizes[outer[-1]]
    out: list[tuple[dict[str, int | slice], int]] = []
    point = first
    while point < last:
        row, column = divmod(point, along)
        end = min(along, column + last - point)
        where: dict[str, int | slice] = {outer[-1]: slice(column, end)}
        for name in reversed(outer[:-1]):
            row, at = divmod(row, array.sizes[name])
            where[name] = at
        out.append((where, end - column))
        point += end - column
    return out


def read_points(array: xr.DataArray, inner: int, first: int, last: int) -> NDArray[Any]:
    """Values of points `first` to `last`, shape (points, ...)."""
    parts = [
        np.asarray(array.isel(where).values).reshape(count, *array.shape[array.ndim - inner :])
        for where, count in point_indices(array, inner, first, last)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def pattern_scan(
    data: xr.Dataset,
    metadata: Mapping[str, Any],
    q_min: float | None = None,
    q_max: float | None = None,
    wavelength: float | None = None,
) -> Scan:
    """A scan of patterns, from its lazily opened data.

    Raises
    ------
    BadInputError
        No diffraction axis, 2theta without wavelength, fewer than 20 points within q_min to
        q_max, more than two directions.
    """
    array = data["intensity"]
    axis = str(array.dims[-1])
    if axis not in ("q", "two_theta", "d"):
        raise BadInputError(
            f"the measurement has dimensions {list(array.dims)}; the last is none of q, "
            "two_theta, d",
            fix="register it with its diffraction axis last",
        )
    stated = metadata.get("wavelength")
    lam = float(stated["value"]) if isinstance(stated, Mapping) else wavelength
    along = np.asarray(data[axis].values, dtype=np.float64)
    q = along if axis == "q" else None
    if axis == "two_theta":
        q = two_theta_to_q(along, check_wavelength(lam))
    if q is None:
        q = 2 * np.pi / along
    order = np.argsort(q)
    low, high = clip_range(q[order], q_min, q_max)
    chosen = order[low:high]
    straight = bool(np.all(np.diff(chosen) == 1)) if len(chosen) > 1 else True
    part: Any = slice(int(chosen[0]), int(chosen[-1]) + 1) if straight else chosen
    counts = str(array.attrs.get("units")) == "count"
    std = data.get("intensity_std")
    if std is not None and array.attrs.get("std_from") == "poisson":
        std = None
    y, x = scan_axes(data, array, 1)
    points = len(y.values) * len(x.values)
    blocks = blocks_of(points, len(q))

    def read(i: int) -> Block:
        values = read_points(array, 1, *blocks[i])[:, part].astype(np.float64)
        sigma = None
        if std is not None:
            sigma = read_points(std, 1, *blocks[i])[:, part].astype(np.float64)
            sigma = np.where(np.isfinite(sigma) & (sigma > 0), sigma, np.inf)
        bad = ~np.isfinite(values)
        gain = np.ones((1, values.shape[1])) if counts and sigma is None else None
        if bad.any():
            values = filled(values, bad)
            if gain is not None:
                gain = np.where(bad, 0.0, 1.0)
            else:
                sigma = np.where(bad, np.inf, sigma if sigma is not None else np.nan)
        return Block(values, gain, sigma)

    return Scan(y, x, q[chosen], blocks, read, str(array.attrs.get("units", "arbitrary")), lam)


def clip_range(q: NDArray[np.float64], q_min: float | None, q_max: float | None) -> tuple[int, int]:
    """First and last + 1 index of increasing `q` within the limits.

    Raises
    ------
    BadInputError
        Fewer than 20 points are left.
    """
    low = 0 if q_min is None else int(np.searchsorted(q, q_min))
    high = len(q) if q_max is None else int(np.searchsorted(q, q_max, side="right"))
    if high - low < 20:
        raise BadInputError(
            f"{max(high - low, 0)} points of q are left between "
            f"{q[0] if q_min is None else q_min:g} and {q[-1] if q_max is None else q_max:g} "
            f"1/angstrom; the data reach from {q[0]:.4g} to {q[-1]:.4g}",
            fix="widen q_min and q_max; they are in 1/angstrom",
        )
    return low, high


def filled(values: NDArray[np.float64], bad: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Bad points from the straight line between their neighbours; a whole bad pattern is zero."""
    out = values.copy()
    at = np.arange(values.shape[1])
    for i in np.flatnonzero(bad.any(axis=1)):
        good = ~bad[i]
        out[i, bad[i]] = np.interp(at[bad[i]], at[good], values[i, good]) if good.any() else 0.0
    return out
