"""All rows of the table, in its order."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from eels_coverage import rows_edges, rows_edx, rows_lowloss, rows_profiles

__all__ = ["ROWS"]

ROWS = [*rows_edges.ROWS, *rows_lowloss.ROWS, *rows_edx.ROWS, *rows_profiles.ROWS]
