"""Where the points of a scan lie: positions to a grid of rows y and columns x.

The positions decide, not the names: an axis list may name its directions the other way
round, every second row may run backwards, and a scan may be stored as one list of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Grid", "Said", "grid_of_plane", "grid_of_points"]

Said = tuple[str, str, str]
"""A notice: code, message, fix."""


@dataclass(frozen=True)
class Grid:
    """How the stored points of a scan become rows and columns.

    Attributes
    ----------
    shape : (int, int)
        Rows (y) and columns (x).
    y, x : ndarray or None
        Positions of rows and columns in the file's unit; None: unknown.
    transposed : bool
        The file stores columns before rows.
    order : ndarray of int64, shape `shape`, or None
        Number of the stored point (after `transposed`) for each place, −1 where none was
        measured; None: as stored.
    places : (ndarray, ndarray) or None
        y and x of each point, shape `shape`, where they differ from `y` and `x` by more than
        a tenth of a step.
    said : list of (code, message, fix)
    """

    shape: tuple[int, int]
    y: NDArray[np.float64] | None = None
    x: NDArray[np.float64] | None = None
    transposed: bool = False
    order: NDArray[np.int64] | None = None
    places: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    said: list[Said] = field(default_factory=list)

    def arrange(self, values: NDArray[np.generic], fill: float = 0.0) -> NDArray[np.generic]:
        """Values of the stored points, shape (n0, n1, …) or (n, …), on the grid."""
        out = values
        if self.transposed:
            out = np.swapaxes(out, 0, 1)
        if self.order is None:
            return out
        inner = out.shape[2:] if out.ndim >= 2 and out.shape[:2] == self.shape else out.shape[1:]
        flat = out.reshape(-1, *inner)
        made = flat[np.maximum(self.order, 0)]
        made[self.order < 0] = fill
        return made


def grid_of_plane(
    shape: tuple[int, int],
    y: NDArray[np.float64] | None,
    x: NDArray[np.float64] | None,
    named: Sequence[str] = ("y", "x"),
    first: bool = False,
) -> Grid:
    """The grid of a scan stored as a plane.

    Parameters
    ----------
    shape : (int, int)
        As stored.
    y, x : ndarray or None
        Positions: one for each row or column, one for each point (a plane), or None.
    named : sequence of str
        Which direction the file says its first and second dimension are.
    first : bool
        Positions longer than the data are cut at their end; else they are left out.
    """
    said: list[Said] = []
    planes = [p for p in (y, x) if p is not None and p.ndim == 2 and min(p.shape) > 1]
    transposed = tuple(named) == ("x", "y")
    if len(planes) == 2 and y is not None and x is not None and y.shape == x.shape:
        across = _along(x)
        if across is not None and _along(y) == 1 - across and transposed != (across == 0):
            said.append(
                (
                    "axes-swapped",
                    f"the file names its directions {', '.join(named)}, but the positions vary as "
                    + ("x, y" if across == 0 else "y, x")
                    + "; the positions were followed",
                    "",
                )
            )
            transposed = across == 0
    made: list[NDArray[np.float64] | None] = []
    for name, values in (("y", y), ("x", x)):
        at = 0 if (name == "y") != transposed else 1
        made.append(_fitting(name, values, shape, at, first, said))
    if transposed:
        made = [p if p is None or p.ndim != 2 else p.T for p in made]
        shape = (shape[1], shape[0])
    return _resolved(shape, made[0], made[1], transposed, said)


def _along(plane: NDArray[np.float64]) -> int | None:
    """The dimension along which the positions of a plane vary; None where neither stands out."""
    spread = [float(np.median(np.ptp(plane, axis=axis))) for axis in (0, 1)]
    if max(spread) == 0 or min(spread) > 0.3 * max(spread):
        return None
    return int(np.argmax(spread))


def _fitting(
    name: str,
    values: NDArray[np.float64] | None,
    shape: tuple[int, int],
    at: int,
    first: bool,
    said: list[Said],
) -> NDArray[np.float64] | None:
    """Positions that belong to data of this shape, or None with the reason said."""
    if values is None:
        return None
    want: tuple[int, ...] = shape if values.ndim == 2 else (shape[at],)
    if values.ndim == 1 and values.size == shape[0] * shape[1] and shape[1 - at] > 1:
        return values.reshape(shape)
    if values.ndim not in (1, 2):
        said.append(("positions-unknown", f"the positions of {name} have shape {values.shape}", ""))
        return None
    if values.shape == want:
        return values
    longer = all(a >= b for a, b in zip(values.shape, want, strict=True))
    if longer and first:
        said.append(
            (
                "positions-cut",
                f"of {values.shape} positions of {name} the first {want} were taken, as asked",
                "",
            )
        )
        return values[tuple(slice(n) for n in want)]
    said.append(
        (
            f"axis-{'longer' if longer else 'shorter'}-than-data",
            (
                f"the positions of {name} have shape {values.shape}, the data {want}; they are "
                "left out"
            ),
            "if the data were cut at the end, --option positions=first takes the first ones"
            if longer
            else "",
        )
    )
    return None


def _resolved(
    shape: tuple[int, int],
    y: NDArray[np.float64] | None,
    x: NDArray[np.float64] | None,
    transposed: bool,
    said: list[Said],
) -> Grid:
    """Put rows that run backwards right, and make planes of positions into axes."""
    order = None
    if x is not None and x.ndim == 2:
        runs = x[:, -1] - x[:, 0]
        back = np.sign(runs) == -np.sign(runs[np.argmax(np.abs(runs) > 0)])
        if back.any() and shape[1] > 1:
            columns = np.arange(shape[1])
            index = np.where(back[:, None], columns[::-1], columns)
            order = (np.arange(shape[0])[:, None] * shape[1] + index).astype(np.int64)
            x = np.take_along_axis(x, index, axis=1)
            if y is not None and y.ndim == 2:
                y = np.take_along_axis(y, index, axis=1)
            said.append(
                (
                    "snake",
                    (
                        f"{int(back.sum())} of {shape[0]} rows run backwards by their positions; "
                        "they were turned round"
                    ),
                    "",
                )
            )
    places = None
    if (x is not None and x.ndim == 2) or (y is not None and y.ndim == 2):
        places = _uneven(shape, y, x, said)
    ys = None if y is None else _axis("y", np.median(y, axis=1) if y.ndim == 2 else y, said)
    xs = None if x is None else _axis("x", np.median(x, axis=0) if x.ndim == 2 else x, said)
    return Grid(shape, ys, xs, transposed, order, places, said)


def _axis(name: str, values: NDArray[np.float64], said: list[Said]) -> NDArray[np.float64] | None:
    steps = np.diff(values)
    if np.isfinite(values).all() and (values.size < 2 or (steps > 0).all() or (steps < 0).all()):
        return values
    said.append(
        (
            "positions-not-monotonic",
            f"the positions of {name} do not rise or fall from point to point; they are left out",
            "look at the scan's own record of its positions",
        )
    )
    return None


def _uneven(
    shape: tuple[int, int],
    y: NDArray[np.float64] | None,
    x: NDArray[np.float64] | None,
    said: list[Said],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Planes of positions, where they differ from straight rows by a tenth of a step or more."""
    if y is None or x is None:
        return None
    planes = [
        np.broadcast_to(y if y.ndim == 2 else y[:, None], shape),
        np.broadcast_to(x if x.ndim == 2 else x[None, :], shape),
    ]
    worst = 0.0
    for plane, axis in zip(planes, (1, 0), strict=True):
        line = np.median(plane, axis=axis)
        step = float(np.median(np.abs(np.diff(line)))) if line.size > 1 else 0.0
        off = float(np.max(np.abs(plane - np.expand_dims(line, axis))))
        worst = max(worst, off / step if step > 0 else 0.0)
    if worst < 0.1:
        return None
    said.append(
        (
            "positions-uneven",
            (
                f"points lie up to {worst:.2g} steps off straight rows and columns; their own "
                "places are kept in y_position and x_position"
            ),
            "",
        )
    )
    return planes[0].copy(), planes[1].copy()


def grid_of_points(y: NDArray[np.float64], x: NDArray[np.float64]) -> Grid | None:
    """The grid of a scan stored as one list of points; None where they lie on no grid.

    Places that were not reached have order −1; a place that was measured twice makes it
    no grid.
    """
    if y.ndim != 1 or y.shape != x.shape or y.size < 2:
        return None
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        return None
    rows, ys = _levels(y)
    columns, xs = _levels(x)
    shape = (ys.size, xs.size)
    if shape[0] * shape[1] > 4 * y.size + 16:
        return None
    order = np.full(shape, -1, dtype=np.int64)
    order[rows, columns] = np.arange(y.size)
    if np.count_nonzero(order >= 0) != y.size:
        return None
    said: list[Said] = []
    missing = int(np.count_nonzero(order < 0))
    if missing:
        said.append(
            (
                "scan-incomplete",
                (
                    f"{missing} of {order.size} places of the grid have no point: the scan was cut "
                    "short, or lines are missing; 'measured' is 0 there"
                ),
                "",
            )
        )
    steps = np.diff(order, axis=1)[(order[:, 1:] >= 0) & (order[:, :-1] >= 0)]
    if (steps < 0).any() and (steps > 0).any():
        said.append(
            ("snake", "rows run to and fro by their positions; they were put in one order", "")
        )
    return Grid(shape, ys, xs, order=order, said=said)


def _levels(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Number of each value's level, and the levels, by the widest jump among the gaps."""
    ranked = np.argsort(values, kind="stable")
    gaps = np.diff(values[ranked])
    widest = float(gaps.max())
    if widest == 0:
        return np.zeros(values.size, dtype=np.int64), values[:1]
    sizes = np.sort(np.maximum(gaps, 0.02 * widest))
    jump = int(np.argmax(sizes[1:] / sizes[:-1])) if sizes.size > 1 else 0
    cut = float(np.sqrt(sizes[jump] * sizes[jump + 1])) if sizes.size > 1 else 0.5 * widest
    if sizes.size > 1 and sizes[jump + 1] < 3 * sizes[jump]:
        cut = 0.0  # all gaps alike: every value is a level
    label = np.concatenate([[0], np.cumsum(gaps > cut)])
    numbers = np.empty(values.size, dtype=np.int64)
    numbers[ranked] = label
    count = np.bincount(numbers)
    return numbers, np.bincount(numbers, weights=values) / count
