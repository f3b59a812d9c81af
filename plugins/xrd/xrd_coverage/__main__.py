"""Repeat, judge, and print a table: ``python -m xrd_coverage --repeats 1000``."""

from __future__ import annotations

import argparse
import sys

from xrd_coverage.judging import judge, markdown
from xrd_coverage.repeating import family_of, repeat
from xrd_coverage.scenarios import SCENARIOS

__all__ = ["main"]


def main() -> int:
    """Return 0 if all limits hold, else 1."""
    parser = argparse.ArgumentParser(prog="python -m xrd_coverage", description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument(
        "--scale-sigma",
        type=float,
        default=None,
        help="multiply every stated standard deviation, to see that the table notices; by default "
        "the table is printed as it is, and that it would not hold at 0.8 is checked too",
    )
    given = parser.parse_args()
    chosen = [s for s in SCENARIOS if given.only in s.name]
    if not chosen or given.repeats < 20:
        parser.error("no scenario has such a name, or there are fewer than 20 repeats")
    # a part of the table keeps the limits of the whole one
    family = family_of(SCENARIOS)
    found = repeat(chosen, given.repeats, given.seed, given.processes)
    scale = 1.0 if given.scale_sigma is None else given.scale_sigma
    table = [one for name, rows in found.items() for one in judge(name, rows, family, scale)]
    sys.stdout.write(markdown(table))
    if given.scale_sigma is None:
        small = [one for name, rows in found.items() for one in judge(name, rows, family, 0.8)]
        broken = sum(not one.holds for one in small)
        sys.stdout.write(
            f"\nWith every standard deviation times 0.8, {broken} of {len(small)} limits break.\n"
        )
        if not broken:
            return 1
    return 0 if all(one.holds for one in table) else 1


if __name__ == "__main__":
    sys.exit(main())
