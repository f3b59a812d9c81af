"""All rows of the table, in its order."""

from __future__ import annotations

from apt_coverage import rows_composition, rows_homogeneity, rows_space, rows_spectrum

__all__ = ["ROWS"]

ROWS = [*rows_composition.ROWS, *rows_spectrum.ROWS, *rows_space.ROWS, *rows_homogeneity.ROWS]
