"""False alarms of verdicts on courses over states, on controls, and on different volumes.

Beside each rate stands the highest that the level allows, or what the normal distribution gives;
intervals are Wilson's. The last column of courses is what chance orders of the states alone would
have called together: far too much where states follow each other.

    python -m benchmarks.related_verdicts [REPEATS] [SEED]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from benchmarks._wilson import in_percent
from benchmarks.verdicts import controls, courses, volumes
from benchmarks.verdicts.common import Rates

__all__ = ["main"]

HEAD = "| {0} | {1} | agree | consistent | disagree | undecided |\n|---|---|---|---|---|---|"


def main(repeats: int = 1000, seed: int = 1) -> None:
    """Print the tables."""
    print(f"{repeats} repeats each, seed {seed}; percent, with the Wilson interval of 95 %")
    head = HEAD.format("courses", "over").splitlines()
    print(f"\n{head[0]} p of ranks < 5 % |\n{head[1]}---|", flush=True)
    for one in courses.rates(repeats, seed):
        print(f"{one.row()} {in_percent(one.counts['levels'], one.of)} |", flush=True)
    _table("control", "true difference", controls.rates(repeats, seed))
    _table("different volumes", "true difference", volumes.rates(repeats, seed))


def _table(title: str, size: str, rates: Iterable[Rates]) -> None:
    print(f"\n{HEAD.format(title, size)}", flush=True)
    for one in rates:
        print(one.row(), flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
