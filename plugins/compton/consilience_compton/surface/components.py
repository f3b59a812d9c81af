"""Volumes of the phases of a segmented volume, and the shares of lithium that eqs 2 and 3 need.

References
----------
Huang et al., J. Phys. Energy 7, 025009 (2025), eqs 2 and 3: α and β are the vol% of lithium metal
in regions 2 and 1 relative to region 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_compton.surface.blocks import (
    block_covariance,
    block_side,
    ratio_influence,
)
from consilience_compton.surface.correlation import autocorrelation

__all__ = [
    "BOUNDARY",
    "Fraction",
    "LithiumShares",
    "boundary_faces",
    "layer",
    "lithium_shares",
    "volume_fractions",
]

BOUNDARY = 1.0 / 12.0**0.5
"""Where a boundary lies within its voxel, as a standard deviation in voxels."""


@dataclass(frozen=True)
class Fraction:
    """Share of one phase in a part of the volume.

    Parameters
    ----------
    value : float
        0 to 1.
    std_stat : float or None
        By block bootstrap over columns: how it would scatter over other places of the same
        sample.  None where too few blocks fit into the map.
    std_boundary : float
        Of the boundary lying anywhere within its voxel, everywhere alike: systematic.
    volume : float
        Of the phase, in cubes of the unit.
    voxels : int
        Of the phase.
    blocks : float
    """

    value: float
    std_stat: float | None
    std_boundary: float
    volume: float
    voxels: int
    blocks: float


@dataclass(frozen=True)
class LithiumShares:
    """α and β of the region subtraction, from a segmented volume.

    Parameters
    ----------
    alpha, beta : float
        Share of lithium in region 2, and in region 1, over that in region 3.
    covariance : ndarray of shape (2, 2) or None
        Statistical, of (α, β): how they would scatter over other places of the sample.
    systematic : dict
        Name of a part to the standard deviations (α, β) that it gives; each moves both at once.
    shares : tuple of float
        Of lithium in regions 1, 2, 3.
    """

    alpha: float
    beta: float
    covariance: NDArray[np.float64] | None
    systematic: dict[str, tuple[float, float]]
    shares: tuple[float, float, float]


def volume_fractions(
    labels: NDArray[np.integer], voxel: tuple[float, float, float], axis: int = 0
) -> dict[int, Fraction]:
    """Return the share of every label, with errors.

    Parameters
    ----------
    labels : ndarray of shape (z, y, x)
    voxel : tuple of float
        Lengths along z, y, x.
    axis : int
        Columns along this axis are summed; blocks are drawn on the map across it.
    """
    step = tuple(v for i, v in enumerate(voxel) if i != axis)
    out: dict[int, Fraction] = {}
    each = float(np.prod(voxel))
    whole = np.full([n for i, n in enumerate(labels.shape) if i != axis], float(labels.shape[axis]))
    for value in np.unique(labels).tolist():
        mask = labels == value
        column = mask.sum(axis=axis, dtype=np.float64)
        share, influence = ratio_influence(column, whole)
        side = block_side(column.shape, step, _length(column, step))
        spread = block_covariance([influence], side)
        faces = boundary_faces(mask)
        out[int(value)] = Fraction(
            share,
            spread.std(),
            BOUNDARY * faces / mask.size,
            float(column.sum()) * each,
            int(column.sum()),
            spread.blocks,
        )
    return out


def _length(column: NDArray[np.float64], step: Sequence[float]) -> float | None:
    try:
        found = autocorrelation(column, (step[0], step[1]))
    except ValueError:  # all columns alike
        return min(step)
    return found.longest if found.longest is not None else found.s_al


def boundary_faces(mask: NDArray[np.bool_]) -> int:
    """Count faces between the phase and others, inside the volume."""
    total = 0
    for axis in range(3):
        layers = np.moveaxis(mask, axis, 0)  # a view: volumes are large
        total += int(np.count_nonzero(layers[1:] != layers[:-1]))
    return total


def layer(
    columns: NDArray[Any], low: float, high: float, step: float
) -> tuple[NDArray[np.float64], float]:
    """Return how much of a phase lies between two heights, per column, and their distance.

    Parameters
    ----------
    columns : ndarray of shape (n, rows, columns)
        1 where the phase is.
    low, high : float
        In the unit of `step`, from the first face on; parts of voxels count as parts.

    Raises
    ------
    ValueError
        The layer is empty or leaves the volume.
    """
    n = columns.shape[0]
    first, last = low / step, high / step
    if not -1e-9 <= first < last <= n + 1e-9:
        raise ValueError(
            f"the layer from {low:g} to {high:g} leaves the volume, which is {n * step:g} high"
        )
    index = np.arange(n)
    weight = np.clip(np.minimum(index + 1, last) - np.maximum(index, first), 0.0, 1.0)
    return np.tensordot(weight, columns, axes=1) * step, high - low


def lithium_shares(
    labels: NDArray[np.integer],
    lithium: Sequence[int],
    regions: Mapping[int, tuple[float, float]],
    voxel: tuple[float, float, float],
    axis: int = 0,
    edge_std: float = 0.0,
) -> LithiumShares:
    """Return α and β with their covariance, from where the beam met a segmented volume.

    Parameters
    ----------
    labels : ndarray of shape (z, y, x)
    lithium : sequence of int
        Labels that are lithium metal.
    regions : mapping
        1, 2 and 3 to the lower and upper edge of the beam along `axis`, from the first face of
        the volume on, in the unit of `voxel`.
    voxel : tuple of float
    axis : int
        Height of the sheet beam.
    edge_std : float
        Standard deviation of the beam's place, the same shift for all regions.

    Raises
    ------
    ValueError
        A region is missing or leaves the volume; region 3 holds no lithium.
    """
    if set(regions) != {1, 2, 3}:
        raise ValueError(f"regions 1, 2 and 3 are needed, given are {sorted(regions)}")
    mask = np.moveaxis(np.isin(labels, list(lithium)), axis, 0)
    step = voxel[axis]
    across = tuple(v for i, v in enumerate(voxel) if i != axis)
    amounts = {r: layer(mask, *regions[r], step) for r in (1, 2, 3)}
    shares, influences = {}, {}
    for r, (amount, height) in amounts.items():
        shares[r], influences[r] = ratio_influence(amount, np.full(amount.shape, height))
    if shares[3] <= 0:
        raise ValueError("region 3 holds no lithium: α and β are shares of nothing")
    ratios = {r: shares[r] / shares[3] for r in (2, 1)}
    own = [(influences[r] - ratios[r] * influences[3]) / shares[3] for r in (2, 1)]
    lengths = [_length(amount, across) for amount, _ in amounts.values() if np.ptp(amount) > 0]
    known = [value for value in lengths if value is not None]
    length = min(across) if not lengths else (max(known) if len(known) == len(lengths) else None)
    spread = block_covariance(own, block_side(own[0].shape, across, length))
    systematic = {"boundary": _boundary(mask, regions, step, shares, ratios)}
    if edge_std > 0:
        systematic["beam edge"] = _edge(mask, regions, step, edge_std)
    return LithiumShares(
        ratios[2],
        ratios[1],
        spread.covariance,
        systematic,
        (shares[1], shares[2], shares[3]),
    )


def _boundary(
    mask: NDArray[np.bool_],
    regions: Mapping[int, tuple[float, float]],
    step: float,
    shares: Mapping[int, float],
    ratios: Mapping[int, float],
) -> tuple[float, float]:
    """All boundaries of lithium moved together by part of a voxel."""
    moved = {}
    for r, (low, high) in regions.items():
        part = mask[int(low / step) : int(np.ceil(high / step))]
        moved[r] = BOUNDARY * boundary_faces(part) / part.size
    return (
        abs(moved[2] - ratios[2] * moved[3]) / shares[3],
        abs(moved[1] - ratios[1] * moved[3]) / shares[3],
    )


def _edge(
    mask: NDArray[np.bool_],
    regions: Mapping[int, tuple[float, float]],
    step: float,
    std: float,
) -> tuple[float, float]:
    """The sheet beam moved along its height, by one standard deviation either way."""
    profile = mask.reshape(mask.shape[0], -1).mean(axis=1)[:, None, None]
    top = mask.shape[0] * step

    def at(shift: float) -> tuple[float, float]:
        share = {}
        for r, (low, high) in regions.items():
            a, b = max(0.0, low + shift), min(top, high + shift)
            amount, height = layer(profile, a, b, step)
            share[r] = float(amount.mean()) / height
        return share[2] / share[3], share[1] / share[3]

    up, down = at(std), at(-std)
    return 0.5 * abs(up[0] - down[0]), 0.5 * abs(up[1] - down[1])
