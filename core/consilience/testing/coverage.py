"""Do stated errors hold?  Repeats of a simulated measurement, judged together.

A plugin lists its rows and calls `run_coverage`.  All limits of a table are set together (Šidák),
so that errors which are right break any of them in one table out of twenty.  Half of the repeats
come from a second forward model, which does not share what the fits suppose.

References
----------
.. [1] Z. Šidák, J. Am. Stat. Assoc. 62 (1967) 626.
.. [2] C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Literal

import numpy as np
from scipy.stats import binom, chi2, norm

__all__ = [
    "FAMILY",
    "MODELS",
    "Judged",
    "Outcome",
    "Row",
    "Scaled",
    "cover",
    "judge",
    "judgements",
    "markdown",
    "run_coverage",
]

FAMILY = 0.05
"""Chance that a table of right errors breaks any limit."""
MODELS = ("first", "second")
LEVEL = 0.05
"""Of tests, and of what is said to happen in at most so many cases."""
NOMINAL = 0.683
"""Of intervals."""
TWO_SIGMA = 0.9545
"""Share of a normal distribution within two standard deviations."""
FEWEST = 10
"""Outcomes that can be judged."""

Kind = Literal["pull", "pull with systematic", "both errors", "interval", "at most"]


@dataclass(frozen=True)
class Row:
    """One thing to cover.

    Parameters
    ----------
    name : str
    kind : {"pull", "pull with systematic", "both errors", "interval", "at most"}
        "pull": mean 0 and standard deviation 1 by both forward models.  "pull with systematic":
        the same by the first model with the statistical error alone; by the second, which breaks
        an assumption that the systematic error stands for, at least as many within two
        standard deviations of both errors together as a normal distribution has.
        "both errors": that by both models.  "interval": holds the truth at least as often as
        `NOMINAL` says.  "at most": happens in at most `LEVEL` of the repeats.
    run : callable
        ``run(model, seed) -> Outcome``, a function of a module, so that processes find it.
    """

    name: str
    kind: Kind
    run: Callable[[str, int], Outcome]


@dataclass(frozen=True)
class Outcome:
    """One repeat: a pull by the statistical error, one by both, or whether something happened.

    `inside`: an interval held the truth; `happened`: what may happen in few cases did.  All None
    with a `reason` where the program could not tell.
    """

    pull: float | None = None
    pull_total: float | None = None
    inside: bool | None = None
    happened: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class Scaled:
    """A repeat whose standard deviations are multiplied by `factor`."""

    run: Callable[[str, int], Outcome]
    factor: float

    def __call__(self, model: str, seed: int) -> Outcome:
        """Run a repeat and make its pulls smaller by the factor."""
        found = self.run(model, seed)
        pulls = [None if p is None else p / self.factor for p in (found.pull, found.pull_total)]
        return replace(found, pull=pulls[0], pull_total=pulls[1])


@dataclass(frozen=True)
class Judged:
    """One line of the table."""

    name: str
    model: str
    repeats: int
    cannot_tell: int
    what: str
    found: str
    limits: str
    holds: bool


JUDGED: dict[str, int] = {
    "pull": 6,
    "pull with systematic": 3,
    "both errors": 2,
    "interval": 2,
    "at most": 2,
}


def judgements(rows: Sequence[Row]) -> int:
    """Return how many numbers a table of these rows judges."""
    return sum(JUDGED[row.kind] for row in rows)


def judge(row: Row, outcomes: dict[str, list[Outcome]], family: int) -> list[Judged]:
    """Hold one row against its limits.

    Parameters
    ----------
    row : Row
    outcomes : dict
        Repeats of each forward model, by its name.
    family : int
        Numbers that are judged altogether.
    """
    alpha = 1.0 - (1.0 - FAMILY) ** (1.0 / family)
    both = [*outcomes["first"], *outcomes["second"]]
    found: list[Judged] = []
    if row.kind == "pull":
        for model, some in (*outcomes.items(), ("both", both)):
            found += _pulls(row, model, some, alpha)
    elif row.kind == "pull with systematic":
        found += _pulls(row, "first", outcomes["first"], alpha)
        found.append(_share(row, "second", outcomes["second"], alpha))
    else:
        found += [_share(row, model, some, alpha) for model, some in outcomes.items()]
    return found


def _pulls(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> list[Judged]:
    values = np.array([o.pull for o in outcomes if o.pull is not None])
    number, silent = len(values), len(outcomes) - len(values)
    if number < FEWEST:
        return [_nothing(row, model, outcomes)]
    far = float(norm.isf(alpha / 2)) / number**0.5
    low, high = (
        float(chi2.ppf(p, number - 1) / (number - 1)) ** 0.5 for p in (alpha / 2, 1 - alpha / 2)
    )
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    made = (row.name, model, number, silent)
    return [
        Judged(*made, "mean pull", f"{mean:+.3f}", f"±{far:.3f}", abs(mean) <= far),
        Judged(
            *made, "sd of pull", f"{spread:.3f}", f"{low:.3f}–{high:.3f}", low <= spread <= high
        ),
    ]


def _share(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> Judged:
    """Count what should be so often: at least, or at most."""
    rest = ""
    if row.kind == "interval":
        hits = [o.inside for o in outcomes if o.inside is not None]
        what, level = f"interval of {NOMINAL:.1%} holds it", NOMINAL
    elif row.kind == "at most":
        hits = [o.happened for o in outcomes if o.happened is not None]
        what, level = f"happens, {LEVEL:.0%} allowed", LEVEL
    else:
        pulls = [o.pull_total for o in outcomes if o.pull_total is not None]
        hits = [abs(p) <= 2.0 for p in pulls]
        what, level = "within 2σ of both errors", TWO_SIGMA
        rest = f" (mean {np.mean(pulls):+.2f})" if pulls else ""
    number, count = len(hits), sum(hits)
    if number < FEWEST:
        return _nothing(row, model, outcomes)
    if row.kind == "at most":
        most = int(binom.ppf(1.0 - alpha, number, level))
        limits, holds = f"≤ {most / number:.3f}", count <= most
    else:
        least = int(binom.ppf(alpha, number, level))
        limits, holds = f"≥ {least / number:.3f}", count >= least
    found = f"{count / number:.3f}{rest}"
    silent = len(outcomes) - number
    return Judged(row.name, model, number, silent, what, found, limits, holds)


def _nothing(row: Row, model: str, outcomes: list[Outcome]) -> Judged:
    reasons = "; ".join(sorted({o.reason for o in outcomes if o.reason})) or "–"
    return Judged(row.name, model, 0, len(outcomes), "cannot tell", reasons, "–", False)


def markdown(table: Sequence[Judged]) -> str:
    """Return the table for the documentation."""
    lines = [
        "| quantity | forward model | repeats | cannot tell | judged | found | limits | holds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.name} | {one.model} | {one.repeats} | {one.cannot_tell} | {one.what} | "
        f"{one.found} | {one.limits} | {'yes' if one.holds else '**no**'} |"
        for one in table
    ]
    return "\n".join(lines) + "\n"


def _some(run: Callable[[str, int], Outcome], model: str, seeds: range) -> list[Outcome]:
    return [run(model, seed) for seed in seeds]


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
    half = repeats // 2
    seeds = {"first": range(seed, seed + half), "second": range(seed + half, seed + 2 * half)}
    table: list[Judged] = []
    if processes == 1:
        for row in rows:
            table += judge(row, {m: _some(row.run, m, seeds[m]) for m in MODELS}, family)
        return table
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for row in rows:
            begun = time.perf_counter()
            waiting = {m: pool.submit(_some, row.run, m, seeds[m]) for m in MODELS}
            outcomes = {m: future.result() for m, future in waiting.items()}
            table += judge(row, outcomes, family)
            sys.stderr.write(f"{row.name}: {time.perf_counter() - begun:.1f} s\n")
    return table


def run_coverage(program: str, rows: Sequence[Row], arguments: Sequence[str] | None = None) -> int:
    """Read the command line, print the table, and return 0 if all limits hold, else 1.

    Parameters
    ----------
    program : str
        As called, for the help.
    rows : sequence of Row
        The whole table: a part of it keeps the limits of the whole.
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog=program, description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rows", default="", help="rows whose name contains this")
    parser.add_argument(
        "--scale-sigma",
        type=float,
        default=1.0,
        help="multiply every standard deviation by this; right ones must then fail",
    )
    given = parser.parse_args(arguments)
    chosen = [row for row in rows if given.rows in row.name]
    if not chosen or given.repeats < 2 * FEWEST:
        parser.error(f"no row has such a name, or there are fewer than {2 * FEWEST} repeats")
    if not given.scale_sigma > 0.0:
        parser.error("standard deviations can be multiplied by what is above 0")
    chosen = [replace(row, run=Scaled(row.run, given.scale_sigma)) for row in chosen]
    table = cover(chosen, given.repeats, given.seed, given.processes, judgements(rows))
    sys.stdout.write(markdown(table))
    return 0 if all(one.holds for one in table) else 1
