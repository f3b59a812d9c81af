"""A map with a scale bar, as the views of surfaces draw it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from consilience.model.measurement import Measurement

__all__ = ["UNITS", "called", "draw_bar", "extent_of", "scale_length", "span_of"]

ROUND = (1.0, 2.0, 5.0)
UNITS = {"um": "µm", "1": "voxels"}


def called(measurement: Measurement) -> str:
    """Return what a reader of the report knows a volume by: its file, and its state."""
    file = measurement.record.stored.get("data")
    name = measurement.record.name if file is None else file.name
    state = ", ".join(str(v) for v in measurement.record.state.values() if isinstance(v, str))
    return f"{name} ({state})" if state else name


def scale_length(width: float) -> float:
    """Return a round length of about a quarter of a picture's width.

    Examples
    --------
    >>> scale_length(260.0)
    50.0
    """
    power = 10.0 ** math.floor(math.log10(width / 4.0))
    return max(power * one for one in ROUND if power * one <= width / 4.0)


def draw_bar(
    axes: Axes, left: float, bottom: float, width: float, height: float, unit: str
) -> None:
    """Draw a bar of a round length into the lower left corner of a picture."""
    length = scale_length(width)
    x, y = left + 0.05 * width, bottom - 0.06 * height
    for colour, thick in (("black", 5.0), ("white", 3.0)):
        axes.plot([x, x + length], [y, y], color=colour, linewidth=thick, solid_capstyle="butt")
    axes.text(
        x + 0.5 * length,
        y - 0.025 * height,
        f"{length:g} {UNITS.get(unit, unit)}",
        color="white",
        ha="center",
        va="bottom",
        fontsize=8,
        bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5},
    )


def extent_of(
    rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of an image whose first row is on top."""
    down = float(rows[1] - rows[0]) if rows.size > 1 else 1.0
    across = float(columns[1] - columns[0]) if columns.size > 1 else 1.0
    return (
        float(columns[0]) - 0.5 * across,
        float(columns[-1]) + 0.5 * across,
        float(rows[-1]) + 0.5 * down,
        float(rows[0]) - 0.5 * down,
    )


def span_of(numbers: NDArray[np.intp]) -> str:
    """Return what a row of a table says of the pixels it stands for: "3", or "0 to 9"."""
    first, last = int(numbers[0]), int(numbers[-1])
    return f"{first}" if first == last else f"{first} to {last}"
