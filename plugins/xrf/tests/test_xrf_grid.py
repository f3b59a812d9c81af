"""Maps as pictures: which way up they lie, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from numpy.typing import NDArray

from consilience_xrf.drawing.change_view import _scale_bar
from consilience_xrf.drawing.grid import Panel, PanelRow, draw_rows, grid_size

Array = NDArray[np.float64]
VALUES = np.arange(12.0).reshape(3, 4)
X, Y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 6.0, 7.0])


def drawn(*rows: PanelRow) -> Figure:
    figure = Figure(figsize=grid_size(rows, 8.0))
    FigureCanvasAgg(figure)
    draw_rows(figure, rows, simulated=True)
    return figure


@pytest.mark.parametrize(("down", "across"), [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_a_map_lies_as_its_positions_say(down: int, across: int) -> None:
    panel = Panel("Fe", VALUES[::down, ::across], X[::across], Y[::down], "um")
    axes = drawn(PanelRow("counts", (panel,), (0.0, 11.0))).axes[0]
    (image,) = axes.images
    shown = np.asarray(image.get_array())
    assert shown == pytest.approx(VALUES), "low y below, low x left"
    assert tuple(image.get_extent()) == pytest.approx((-0.5, 3.5, 4.5, 7.5))
    assert axes.get_xlim() == pytest.approx((-0.5, 3.5))
    assert axes.get_ylim() == pytest.approx((4.5, 7.5))


def test_uneven_positions_keep_their_own_widths() -> None:
    panel = Panel("Fe", VALUES, np.array([0.0, 1.0, 2.0, 9.0]), Y, "um")
    axes = drawn(PanelRow("counts", (panel,), None)).axes[0]
    assert [type(one) for one in axes.collections] == [QuadMesh]
    assert not axes.images


@pytest.mark.parametrize("limits", [None, (0.0, 8.0)])
def test_nothing_is_drawn_through_a_buffer_of_the_whole_figure(
    limits: tuple[float, float] | None,
) -> None:
    """Each that is takes width × height × dpi² × 4 bytes in an SVG or PDF, kept to the end."""
    panels = tuple(Panel(str(n), VALUES, X, Y, "um") for n in range(3))
    figure = drawn(PanelRow("counts", panels, limits))
    assert not figure.findobj(lambda one: one.get_visible() and bool(one.get_rasterized()))


@pytest.mark.parametrize("colour", ["white", "black"])
def test_a_scale_bar_over_maps_has_an_edge_that_shows_on_its_own_colour(colour: str) -> None:
    axes = Figure().subplots()
    _scale_bar(axes, (0.0, 8.0, 0.0, 6.0), "µm", colour)
    (text,), (line,) = axes.texts, axes.lines
    assert text.get_text() == "2 µm"
    for drawn_ in (text, line):
        (stroke,) = drawn_.get_path_effects()
        assert stroke._gc["foreground"] != colour
