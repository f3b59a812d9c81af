"""Repeat, judge, and print a table: ``python -m xrf_coverage --repeats 1000``."""

from __future__ import annotations

import sys

from consilience.testing.coverage import run_coverage
from xrf_coverage.rows import ROWS

if __name__ == "__main__":
    sys.exit(run_coverage("python -m xrf_coverage", ROWS))
