"""Repeat, judge, and print a table: ``python -m compton_coverage --repeats 1000``."""

from __future__ import annotations

import sys

from compton_coverage.rows import ROWS
from consilience.testing.coverage import run_coverage

if __name__ == "__main__":
    sys.exit(run_coverage("python -m compton_coverage", ROWS))
