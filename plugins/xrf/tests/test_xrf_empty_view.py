"""A scan without a single number gets its figures, without a complaint of the libraries."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as MatplotlibFigure

from consilience.view import Figure
from consilience_xrf.drawing.spectrum import _map_figure


def test_a_map_without_numbers_is_drawn_and_its_table_left_empty() -> None:
    data = xr.Dataset({"counts": (("y", "x", "channel"), np.full((3, 4, 8), np.nan))})
    record = SimpleNamespace(title="scan", origin="measured")
    made: Any = SimpleNamespace(data=data, record=record, metadata={})
    figure = _map_figure(made, np.full((3, 4), np.nan))
    assert isinstance(figure, Figure)
    figure.draw(MatplotlibFigure())
    assert figure.table is not None
    assert figure.table.rows == [["all", None, None, None, None]]
    some = np.array([[1.0, np.nan], [3.0, 2.0]])
    part = _map_figure(made, some)
    assert part.table is not None
    assert part.table.rows == [["all", 1.0, 2.0, 3.0, 6.0]]
