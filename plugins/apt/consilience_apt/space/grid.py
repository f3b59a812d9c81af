"""Ions counted in voxels (or in pixels of a map), and fields made of them by delocalisation.

Delocalisation replaces each count by a Gaussian [1]_.  It is done on the counts of voxels, not ion
by ion, so that the total spread is that of the Gaussian and of the voxel together,
``√(σ² + a²/12)``; fields are sums of what was counted, and what was counted is conserved, because
the grid is larger than the needle by as much as the Gaussian reaches.

References
----------
.. [1] O. C. Hellman, J. Blatz du Rivage, D. N. Seidman, Ultramicroscopy 95 (2003) 199.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import (
    Basis,
    Selects,
    element_weights,
    empty_region,
    labelled_blocks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["Field", "Grid", "count_grid", "extent"]

TRUNCATE = 4.0
"""Standard deviations at which the Gaussian is cut (and normalised again)."""
LARGEST = 1 << 30
"""Bytes of counts beyond which a grid is refused."""


@dataclass(frozen=True)
class Field:
    """A fraction in each voxel.

    Attributes
    ----------
    value, std_stat : arrays
        Fraction and its counting error; NaN where no ion reaches.  Neighbouring voxels share
        ions: their errors are correlated over about two standard deviations.
    total : array
        Delocalised atoms (or ions) in the voxel.
    low, voxel : arrays of shape (dimensions,)
        Lower edge of the first voxel and lengths of the edges, nm.
    axes : tuple of str
        Names of the dimensions.
    sigma : float
        Standard deviation of the Gaussian, nm.
    spread : tuple of float
        Standard deviation of Gaussian and voxel together, along each axis, nm.
    """

    value: NDArray[np.float32]
    std_stat: NDArray[np.float32]
    total: NDArray[np.float32]
    low: NDArray[np.float64]
    voxel: NDArray[np.float64]
    axes: tuple[str, ...]
    sigma: float
    spread: tuple[float, ...]
    what: str
    basis: Basis

    def centres(self, axis: str) -> NDArray[np.float64]:
        """Return the middles of the voxels along an axis, nm."""
        place = self.axes.index(axis)
        steps = np.arange(self.value.shape[place], dtype=np.float64) + 0.5
        middles: NDArray[np.float64] = self.low[place] + self.voxel[place] * steps
        return middles


@dataclass(frozen=True)
class Grid:
    """Counts of ions in voxels.

    Parameters
    ----------
    counts : array of int32, shape (..., groups)
        Species that count alike for all that can be asked of the grid share a group.
    members : array of int, shape (species + 1,)
        Group of each species; unranged ions first.
    low, voxel : arrays of shape (dimensions,)
        nm.
    axes : tuple of str
    table : RangeTable
    wanted : tuple of str
        Elements or species that can be asked for.
    basis : {"atomic", "ionic"}
    """

    counts: NDArray[np.int32]
    members: NDArray[np.intp]
    low: NDArray[np.float64]
    voxel: NDArray[np.float64]
    axes: tuple[str, ...]
    table: RangeTable
    wanted: tuple[str, ...]
    basis: Basis
    reach: float

    @property
    def ions(self) -> int:
        """All ions in the grid, unranged included."""
        return int(self.counts.sum(dtype=np.int64))

    def weights(self, what: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what an ion of each group adds to `what` and to the whole."""
        if what not in self.wanted:
            raise BadInputError(
                f"the grid was counted for {', '.join(self.wanted)}, not for {what}",
                fix="name it when the grid is counted",
            )
        part, whole = element_weights(self.table, what, self.basis)
        first = np.unique(self.members, return_index=True)[1]
        return part[first], whole[first]

    def sums(self, weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the counts of each voxel, weighted by group."""
        found = np.zeros(self.counts.shape[:-1], np.float32)
        for place, weight in enumerate(weights.tolist()):
            if weight:
                found += np.float32(weight) * self.counts[..., place]
        return found

    def field(self, what: str, sigma: float = 1.0, least: float = 1.0) -> Field:
        """Return the delocalised fraction of an element or species.

        Parameters
        ----------
        what : str
        sigma : float
            Standard deviation of the Gaussian, nm; 0 leaves the counts as they are.
        least : float
            Where fewer delocalised atoms (ions) than that are in a voxel, the fraction is NaN.
        """
        return self.fields([what], sigma, least)[what]

    def fields(
        self, names: Sequence[str], sigma: float = 1.0, least: float = 1.0
    ) -> dict[str, Field]:
        """Return the fields of several elements or species; see `field`."""
        self._check(sigma)
        return self.fields_beyond(names, sigma, least)

    def fields_beyond(self, names: Sequence[str], sigma: float, least: float) -> dict[str, Field]:
        """Return fields with any delocalisation: a wide one loses ions over the grid's edge."""
        whole = self.weights(names[0])[1]
        total = self.smooth(self.sums(whole), sigma)
        square = self.smooth(self.sums(whole**2), sigma, squared=True)
        return {name: self._field(name, sigma, least, total, square) for name in names}

    def _field(
        self,
        what: str,
        sigma: float,
        least: float,
        total: NDArray[np.float32],
        whole_square: NDArray[np.float32],
    ) -> Field:
        part, whole = self.weights(what)
        plain = self.smooth(self.sums(part), sigma)
        square = [
            self.smooth(self.sums(weights), sigma, squared=True)
            for weights in (part**2, part * whole)
        ]
        square.append(whole_square)
        with np.errstate(invalid="ignore", divide="ignore"):
            known = total >= max(least, 1e-6)
            value = np.where(known, plain / total, np.nan).astype(np.float32)
            variance = square[0] - 2 * value * square[1] + value**2 * square[2]
            # at least half an ion: nothing seen is not nothing there
            worth = np.where(square[2] > 0, total**2 / square[2], 0.0)
            half = 0.5 / (worth + 1)
            floor = half * (1 - half) / np.maximum(worth, 0.5)
            std = np.sqrt(np.maximum(variance / total**2, floor))
        std = np.where(known, std, np.nan).astype(np.float32)
        spread = tuple(math.sqrt(sigma**2 + a**2 / 12) for a in self.voxel)
        return Field(
            value, std, total, self.low, self.voxel, self.axes, sigma, spread, what, self.basis
        )

    def _check(self, sigma: float) -> None:
        if not (math.isfinite(sigma) and sigma >= 0):
            raise BadInputError(
                f"a delocalisation of {sigma:g} nm", fix="give a standard deviation in nm, or 0"
            )
        if sigma > self.reach:
            raise BadInputError(
                f"the grid was counted with room for a delocalisation of {self.reach:g} nm, "
                f"{sigma:g} nm would lose ions over its edge",
                fix="give sigma when the grid is counted",
            )

    def smooth(
        self, values: NDArray[np.float32], sigma: float, *, squared: bool = False
    ) -> NDArray[np.float32]:
        """Return values delocalised by a Gaussian, or by its square for variances."""
        from scipy.ndimage import convolve1d

        if sigma == 0:
            return values
        found = values
        for axis, length in enumerate(self.voxel.tolist()):
            kernel = _kernel(sigma / length)
            found = convolve1d(
                found, kernel**2 if squared else kernel, axis=axis, mode="constant",
                output=np.float32,
            )  # fmt: skip
        return found


def _kernel(sigma: float) -> NDArray[np.float64]:
    radius = math.ceil(TRUNCATE * sigma)
    at = np.arange(-radius, radius + 1, dtype=np.float64)
    kernel = np.exp(-0.5 * (at / sigma) ** 2)
    made: NDArray[np.float64] = kernel / kernel.sum()
    return made


def extent(
    source: IonSource,
    axes: Sequence[str] = ("x", "y", "z"),
    region: Selects | None = None,
    progress: Progress = no_progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest position along axes, in one pass.

    Raises
    ------
    BadInputError
        The region holds no ion.
    """
    low, high = np.full(len(axes), np.inf), np.full(len(axes), -np.inf)
    columns = list(axes) if region is None else ["x", "y", "z"]
    for first, block in source.blocks(columns):
        kept = {name: block[name] for name in axes}
        if region is not None:
            inside = region.contains(block["x"], block["y"], block["z"])
            kept = {name: column[inside] for name, column in kept.items()}
        progress(first + len(block[columns[0]]), source.ions, "extent")
        if not len(kept[axes[0]]):
            continue
        for place, name in enumerate(axes):
            low[place] = min(low[place], float(kept[name].min()))
            high[place] = max(high[place], float(kept[name].max()))
    if not np.isfinite(low).all():
        raise empty_region(source)
    return low, high


def count_grid(
    source: IonSource,
    table: RangeTable,
    wanted: Sequence[str],
    axes: Sequence[str] = ("x", "y", "z"),
    voxel: float | Sequence[float] = 1.0,
    sigma: float = 1.0,
    basis: Basis = "atomic",
    region: Selects | None = None,
    limits: tuple[Sequence[float], Sequence[float]] | None = None,
    progress: Progress = no_progress,
) -> Grid:
    """Count ions in voxels, in one pass, or two where the limits are not known.

    Parameters
    ----------
    source : IonSource
    table : RangeTable
    wanted : sequence of str
        Elements or species that will be asked for.
    axes : sequence of str
        Three for a grid; two for a map, which sums over the third.
    voxel : float or sequence of float
        Edges, nm.  Voxels begin at multiples of them.
    sigma : float
        Largest delocalisation that the grid gets room for, nm.
    basis : {"atomic", "ionic"}
    region : Selects, optional
        Only ions inside.
    limits : tuple, optional
        Lowest and highest positions that are counted, nm; ions beyond are left out.
    progress : callable

    Returns
    -------
    Grid

    Raises
    ------
    BadInputError
        No ion, an element or species that has no range, or a grid of more than 1 GB.
    """
    names = tuple(axes)
    if not names or len(set(names)) != len(names) or not set(names) <= {"x", "y", "z"}:
        raise BadInputError(f"axes {names}", fix="name two or three of x, y and z")
    size = np.broadcast_to(np.asarray(voxel, dtype=np.float64), (len(names),)).copy()
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise BadInputError(
            f"voxels of {size.tolist()} nm", fix="give positive lengths, one or one an axis"
        )
    members, groups = _groups(table, wanted, basis)
    low, high = (
        extent(source, names, region, progress) if limits is None else map(np.asarray, limits)
    )
    pad = np.array([math.ceil(TRUNCATE * sigma / length) if sigma else 0 for length in size])
    first = np.floor(low / size).astype(np.int64)
    shape = np.floor(high / size).astype(np.int64) - first + 1 + 2 * pad
    if shape.prod() * groups * 4 > LARGEST:
        raise BadInputError(
            f"a grid of {' x '.join(map(str, shape.tolist()))} voxels in {groups} groups would "
            f"take {shape.prod() * groups * 4 / 1e9:.1f} GB",
            fix="take larger voxels, fewer elements or a region",
        )
    counts = np.zeros((*shape.tolist(), groups), np.int32)
    origin = first - pad
    flat, one = counts.reshape(-1), np.int32(1)
    lut = members.astype(np.intp)[table.species]
    for block, labels in labelled_blocks(source, table, names, region, progress, "grid"):
        at = np.zeros(len(labels), np.intp)
        inside: NDArray[np.bool_] | None = None
        for place, name in enumerate(names):
            scaled = np.multiply(block[name], 1 / size[place], dtype=np.float64)
            scaled -= origin[place]  # never negative inside, so that cutting rounds down
            if limits is not None:
                known = (block[name] >= low[place]) & (block[name] <= high[place])
                inside = known if inside is None else inside & known
                np.clip(scaled, 0, shape[place] - 1, out=scaled)
            at *= shape[place]
            at += scaled.astype(np.intp)
        at *= groups
        at += lut[labels]
        np.add.at(flat, at if inside is None else at[inside], one)
    if not counts.any():
        raise empty_region(source)
    return Grid(
        counts, members, origin * size, size, names, table, tuple(wanted), basis, float(sigma)
    )


def _groups(table: RangeTable, wanted: Sequence[str], basis: Basis) -> tuple[NDArray[np.intp], int]:
    if not wanted:
        raise BadInputError("a grid of no element", fix="name at least one")
    rows = [element_weights(table, what, basis) for what in wanted]
    made = np.array([part for part, _ in rows] + [whole for _, whole in rows])
    found, members = np.unique(made, axis=1, return_inverse=True)
    return np.ravel(members).astype(np.intp), found.shape[1]
