"""Do verdicts come as often as margin and level say, at known true differences?

Pairs of numbers, presences, groups of three to five techniques, maps (how far they go together,
and which are told to lie otherwise than stated), and whole studies of thirty comparisons without a
difference and some with one. Beside each rate stands what the normal distribution gives, or the
highest rate that the level allows; intervals are Wilson's. Compositions have a script of their own,
`composition_verdicts`.

    python -m benchmarks.verdict_statistics [REPEATS] [SEED] [MAPS]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np

from benchmarks._wilson import in_percent
from benchmarks.verdicts import (
    consensus,
    grids,
    maps,
    orientations,
    presences,
    ruled_out,
    scalars,
    studies,
)
from benchmarks.verdicts.common import Rates

__all__ = ["main"]

HEAD = "| {0} | true {1} | agree | consistent | disagree | undecided |\n|---|---|---|---|---|---|"


def main(repeats: int = 1000, seed: int = 1, map_pairs: int = 1000) -> None:
    """Print the tables."""
    print(f"{repeats} repeats each, seed {seed}; percent, with the Wilson interval of 95 %")
    _table("numbers", "difference", scalars.rates(repeats, seed))
    _table("presence", "amount", presences.rates(repeats, seed))
    _table("rivals", "atoms of P for each F", ruled_out.rates(repeats, seed))
    _consensus(consensus.rates(repeats, seed))
    _table(
        f"maps, {map_pairs} pairs each",
        "correlation",
        maps.rates(map_pairs, seed),
    )
    _orientations(map_pairs, seed)
    _grids(map_pairs, seed)
    _studies(max(repeats // 2, 2), seed)


def _table(title: str, size: str, rates: Iterable[Rates]) -> None:
    print(f"\n{HEAD.format(title, size)}", flush=True)
    for one in rates:
        print(one.row(), flush=True)


def _consensus(rates: Iterable[Rates]) -> None:
    head = HEAD.format("consensus", "difference of the odd one").splitlines()
    print(f"\n{head[0]} odd one named |\n{head[1]}---|", flush=True)
    for one in rates:
        print(f"{one.row()} {in_percent(one.counts['named'], one.of)} |", flush=True)


def _orientations(pairs: int, seed: int) -> None:
    names = ["told to lie otherwise", "true correlation", *orientations.PLANTED]
    print(f"\n| {' | '.join(names)} |\n|---{'|---' * (len(names) - 1)}|", flush=True)
    for case, related, found in orientations.rows(pairs, seed):
        cells = [in_percent(*found[planted]) for planted in orientations.PLANTED]
        print(f"| {case.name} | {related} | {' | '.join(cells)} |", flush=True)


def _grids(pairs: int, seed: int) -> None:
    names = ["grids that differ", "true correlation", *grids.PLANTED]
    print(f"\n| {' | '.join(names)} |\n|---{'|---' * (len(names) - 1)}|", flush=True)
    for case, related, found in grids.rows(pairs, seed):
        cells = [in_percent(*one) for one in found]
        print(f"| {case.name} | {related} | {' | '.join(cells)} |", flush=True)


def _studies(count: int, seed: int) -> None:
    names = ["false ones kept", "expected", "without control", "planted found", "alone expected"]
    print(
        f"\n| {count} studies each | {' | '.join(names)} |\n|---{'|---' * len(names)}|", flush=True
    )
    for case, found in studies.rates(count, seed):
        wanted = case.expected_false
        cells = [
            _mean([f.false_share for f in found]),
            "at most 5.0" if wanted is None else f"{100 * wanted:.1f}",
            _mean([f.false_share_alone for f in found]),
        ]
        if case.planted:
            cells.append(in_percent(sum(f.planted for f in found), case.planted * count))
            cells.append(f"{100 * case.alone:.1f}")
        print(f"| {case.name} | {' | '.join([*cells, '', ''][:5])} |", flush=True)


def _mean(shares: list[float]) -> str:
    """Return a mean share with its standard error, in percent."""
    values = 100.0 * np.array(shares)
    error = values.std(ddof=1) / max(len(values), 1) ** 0.5 if len(values) > 1 else np.nan
    return f"{values.mean():.1f} ± {error:.1f}"


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
