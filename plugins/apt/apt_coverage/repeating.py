"""Run the rows, in one process or two."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from apt_coverage.judging import MODELS, Judged, Outcome, Row, judge, judgements
from apt_coverage.rows import ROWS

__all__ = ["cover"]


def _some(name: str, model: str, seeds: range) -> list[Outcome]:
    (row,) = [row for row in ROWS if row.name == name]
    return [row.run(model, seed) for seed in seeds]


def cover(
    rows: Sequence[Row],
    repeats: int,
    seed: int = 1,
    processes: int = 1,
    family: int | None = None,
) -> list[Judged]:
    """Run `repeats` of each row, half of them by the second forward model, and judge them.

    Parameters
    ----------
    rows : sequence of Row
    repeats : int
        2 or more.
    seed : int
        Of the first repeat; the others count on.
    processes : int
        1 runs in this one.
    family : int, optional
        Numbers judged altogether, where these rows are a part of a table; by default theirs.
    """
    family = judgements(rows) if family is None else family
    table: list[Judged] = []
    half = repeats // 2
    seeds = {
        "first": range(seed, seed + half),
        "second": range(seed + half, seed + 2 * half),
    }
    if processes == 1:
        for row in rows:
            outcomes = {m: [row.run(m, s) for s in seeds[m]] for m in MODELS}
            table += judge(row, outcomes, family)
        return table
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for row in rows:
            begun = time.perf_counter()
            waiting = {m: pool.submit(_some, row.name, m, seeds[m]) for m in MODELS}
            outcomes = {m: future.result() for m, future in waiting.items()}
            table += judge(row, outcomes, family)
            sys.stderr.write(f"{row.name}: {time.perf_counter() - begun:.1f} s\n")
    return table
