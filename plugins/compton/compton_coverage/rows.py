"""All that is covered, in the order of the table."""

from __future__ import annotations

from compton_coverage import rows_calibration, rows_cells, rows_surface
from consilience.testing.coverage import Row

__all__ = ["ROWS"]

ROWS: list[Row] = [*rows_calibration.ROWS, *rows_cells.ROWS, *rows_surface.ROWS]
