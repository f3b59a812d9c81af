"""Lengths of a cell from the places of lines whose indices are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CellLength", "cell_lengths", "relative_change"]


@dataclass(frozen=True)
class CellLength:
    """One length of a cell [angstrom] and its standard deviation from the lines' own."""

    name: str
    value: float
    std: float | None


def cell_lengths(
    space_group: int,
    hkl: Sequence[tuple[int, ...]],
    q: Sequence[float],
    std: Sequence[float | None],
) -> list[CellLength]:
    """Return those lengths of a cell that the lines determine.

    Parameters
    ----------
    space_group : int
        International number; trigonal lattices on hexagonal axes, monoclinic ones with b unique,
        of which b alone is returned; nothing is returned for triclinic ones.
    hkl : sequence of tuple
        Three or four (Miller–Bravais) indices.
    q, std : sequence of float
        Places and their standard deviations [1/angstrom]; without one of these no error is given
        and all lines weigh the same.

    Notes
    -----
    ``1/d² = q²/4π²`` is linear in the squares of the reciprocal lengths, so that weighted linear
    least squares is exact to first order.  A length on which the lines do not depend, or only
    together with another, is left out.
    """
    h, k, m = np.array([(i[0], i[1], i[-1]) for i in hkl], dtype=float).reshape(-1, 3).T
    terms = _terms(space_group, h, k, m)
    if not terms or not len(h):
        return []
    design = np.array([term for _, term in terms]).T
    places = np.asarray(q, dtype=float)
    target = (places / (2 * np.pi)) ** 2
    known = all(s is not None and s > 0 for s in std)
    errors = np.array([float(s or 0) for s in std]) * places / (2 * np.pi**2)
    weight = 1 / errors if known else 1 / np.maximum(target, 1e-300)
    left, values, right = np.linalg.svd(design * weight[:, None], full_matrices=True)
    rank = int(np.sum(values > 1e-9 * max(values.max(), 1e-300)))
    solved = right[:rank].T @ ((left[:, :rank].T @ (target * weight)) / values[:rank])
    covariance = right[:rank].T @ np.diag(1 / values[:rank] ** 2) @ right[:rank]
    free = right[rank:]
    out = []
    for i, (name, _) in enumerate(terms):
        if name is None or np.any(np.abs(free[:, i]) > 1e-6) or solved[i] <= 0:
            continue
        length = solved[i] ** -0.5
        spread = 0.5 * length**3 * float(np.sqrt(covariance[i, i])) if known else None
        out.append(CellLength(name, float(length), spread))
    return out


def relative_change(
    first: float, first_std: float | None, last: float, last_std: float | None
) -> tuple[float, float | None]:
    """Return last/first − 1 and its standard deviation, None where one of both is unknown."""
    ratio = last / first
    if first_std is None or last_std is None:
        return ratio - 1, None
    return ratio - 1, abs(ratio) * float(np.hypot(first_std / first, last_std / last))


def _terms(
    space_group: int, h: NDArray[np.float64], k: NDArray[np.float64], m: NDArray[np.float64]
) -> list[tuple[str | None, NDArray[np.float64]]]:
    """Terms of 1/d² for indices h, k and m (the third); None: no length by itself."""
    if space_group >= 195:
        return [("a", h * h + k * k + m * m)]
    if space_group >= 143:
        return [("a", 4 / 3 * (h * h + h * k + k * k)), ("c", m * m)]
    if space_group >= 75:
        return [("a", h * h + k * k), ("c", m * m)]
    if space_group >= 16:
        return [("a", h * h), ("b", k * k), ("c", m * m)]
    if space_group >= 3:
        return [("b", k * k), (None, h * h), (None, m * m), (None, h * m)]
    return []
