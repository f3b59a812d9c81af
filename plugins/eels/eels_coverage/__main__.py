"""Repeat, judge, and print a table: ``python -m eels_coverage --repeats 1000``."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys

from consilience.testing.coverage import run_coverage
from eels_coverage.rows import ROWS

if __name__ == "__main__":
    sys.exit(run_coverage("python -m eels_coverage", ROWS))
