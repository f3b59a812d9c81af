"""What a report section is made of: Figure, Cloud, Table and Text, never HTML.

The report escapes every text, draws every figure, and prints each figure also as a
table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.figure import Figure as MatplotlibFigure
    from numpy.typing import NDArray

    from consilience.model import Sample

__all__ = [
    "CLOUD_POINTS",
    "Block",
    "Cell",
    "Cloud",
    "CloudGroup",
    "Figure",
    "Table",
    "Text",
    "ViewContext",
    "palette",
]

Cell = str | float | int | bool | None
"""None is shown as *unknown*."""


@dataclass(frozen=True)
class Table:
    """Rows under headings; a heading names its unit, as in ``"q (Å⁻¹)"``."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph, plain text."""

    text: str
    tone: Literal["plain", "note", "doubt", "fault"] = "plain"


@dataclass(frozen=True)
class Figure:
    """A picture and the same content as a table.

    Parameters
    ----------
    title, caption : str
        The caption says what is seen and, where data are simulated, says that.
    alt : str
        What the picture shows, for those who do not see it.
    draw : callable
        ``draw(figure: matplotlib.figure.Figure) -> None``; called once, with the
        report's style set.  Use ``palette()`` for colours.
    table : Table
        The same content in numbers (long curves may be thinned; say so in its note).
    size : tuple of float
        Width and height in inches; the page is 8 inches wide.
    raster : bool
        True for maps and for layers of more than 20 000 points (PNG instead of SVG).
    """

    title: str
    caption: str
    alt: str
    draw: Callable[[MatplotlibFigure], None]
    table: Table
    size: tuple[float, float] = (8.0, 3.6)
    raster: bool = False


@dataclass(frozen=True)
class CloudGroup:
    """Points of one sort, such as the atoms of one element.

    Parameters
    ----------
    label : str
    points : ndarray, shape (n, 3)
        x, y, z in the cloud's `unit`; finite.
    colour : str
        ``"#rrggbb"``; empty: the next of ``palette()``.
    size : float
        Diameter in pixels of the screen, 1 to 8.
    """

    label: str
    points: NDArray[np.floating]
    colour: str = ""
    size: float = 2.0


@dataclass(frozen=True)
class Cloud:
    """Points in space that a reader can turn, cut and sort; printed as a still picture.

    At most `CLOUD_POINTS` in all: thin the points, and say so in the caption.  Where data are
    simulated the caption says that.

    Parameters
    ----------
    title, caption, alt : str
        As for a Figure.
    groups : sequence of CloudGroup
        At most 12.
    unit : str
        Unit of the coordinates, such as ``"nm"``.
    table : Table
        How many points of each sort there are, and what else the picture says.
    """

    title: str
    caption: str
    alt: str
    groups: Sequence[CloudGroup]
    unit: str
    table: Table


CLOUD_POINTS = 30_000
"""Most points of one cloud: what a browser turns smoothly and a report can hold."""

Block = Figure | Cloud | Table | Text


@dataclass(frozen=True)
class ViewContext:
    """What a view may ask for beside measurements and findings.

    ``open_array(hash)`` opens an array that a finding names; `samples` by ID.
    """

    open_array: Callable[[str], xr.Dataset]
    samples: dict[str, Sample] = field(default_factory=dict)


def palette() -> tuple[str, ...]:
    """Return eight colours that survive colour-blindness (Okabe and Ito, 2008)."""
    return (
        "#0072B2",
        "#D55E00",
        "#009E73",
        "#CC79A7",
        "#E69F00",
        "#56B4E9",
        "#000000",
        "#8A7A00",
    )
