"""Repeat the scenarios, in one process or two, and judge them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from xrd_coverage.forward import MODELS
from xrd_coverage.judging import Judged, Outcome, judge, judgements
from xrd_coverage.scenarios import SCENARIOS, Scenario

__all__ = ["cover", "family_of", "repeat"]

PART = 50
"""Repeats that a process does at a time."""


def family_of(scenarios: Sequence[Scenario]) -> int:
    """Return how many numbers a table of these scenarios judges."""
    return judgements(sum(len(s.quantities) for s in scenarios))


def _some(name: str, model: str, seeds: range) -> list[dict[str, Outcome]]:
    (scenario,) = [s for s in SCENARIOS if s.name == name]
    return [scenario.run(model, seed) for seed in seeds]


def _parts(seeds: range) -> list[range]:
    """Cut a range of seeds into pieces, so that no process waits for another."""
    return [seeds[i : i + PART] for i in range(0, len(seeds), PART)]


def repeat(
    scenarios: Sequence[Scenario], repeats: int, seed: int = 1, processes: int = 1
) -> dict[str, dict[str, list[Outcome]]]:
    """Run each scenario, half of the repeats by the second forward model.

    Returns
    -------
    dict
        By name of the quantity, then by forward model.
    """
    half = repeats // 2
    seeds = {"first": range(seed, seed + half), "second": range(seed + half, seed + 2 * half)}
    found: dict[str, dict[str, list[Outcome]]] = {}

    def keep(scenario: Scenario, rows: dict[str, list[dict[str, Outcome]]]) -> None:
        for quantity in scenario.quantities:
            name = f"{scenario.name}: {quantity}"
            found[name] = {m: [row[quantity] for row in rows[m]] for m in MODELS}

    if processes == 1:
        for scenario in scenarios:
            keep(scenario, {m: [scenario.run(m, s) for s in seeds[m]] for m in MODELS})
        return found
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun = time.perf_counter()
        waiting = {
            (s.name, m): [pool.submit(_some, s.name, m, part) for part in _parts(seeds[m])]
            for s in scenarios
            for m in MODELS
        }
        for scenario in scenarios:
            rows = {
                m: [row for future in waiting[scenario.name, m] for row in future.result()]
                for m in MODELS
            }
            keep(scenario, rows)
            sys.stderr.write(f"{scenario.name}: after {time.perf_counter() - begun:.0f} s\n")
    return found


def cover(
    scenarios: Sequence[Scenario],
    repeats: int,
    seed: int = 1,
    processes: int = 1,
    family: int | None = None,
    scale: float = 1.0,
) -> list[Judged]:
    """Repeat and judge.

    Parameters
    ----------
    family : int, optional
        Numbers judged altogether, where these scenarios are a part of a table.
    scale : float
        Factor on every stated standard deviation.
    """
    family = family_of(scenarios) if family is None else family
    found = repeat(scenarios, repeats, seed, processes)
    return [one for name, rows in found.items() for one in judge(name, rows, family, scale)]
