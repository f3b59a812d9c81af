"""Repeat, judge, and print a table: ``python -m apt_coverage --repeats 1000``."""

from __future__ import annotations

import argparse
import sys

from apt_coverage.judging import judgements, markdown
from apt_coverage.repeating import cover
from apt_coverage.rows import ROWS

__all__ = ["main"]


def main() -> int:
    """Return 0 if all limits hold, else 1."""
    parser = argparse.ArgumentParser(prog="python -m apt_coverage", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    given = parser.parse_args()
    rows = [row for row in ROWS if given.only in row.name]
    if not rows or given.repeats < 20:
        parser.error("no row has such a name, or there are fewer than 20 repeats")
    # a part of the table keeps the limits of the whole one
    table = cover(rows, given.repeats, given.seed, given.processes, judgements(ROWS))
    sys.stdout.write(markdown(table))
    return 0 if all(one.holds for one in table) else 1


if __name__ == "__main__":
    sys.exit(main())
