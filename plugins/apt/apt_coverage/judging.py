"""Pulls and false alarms, and the limits that they have to keep together.

All limits are set so that errors which are right break any of them in one table out of twenty
(Šidák over all numbers that are judged).

References
----------
.. [1] Z. Šidák, J. Am. Stat. Assoc. 62 (1967) 626.
.. [2] C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom, chi2, norm

__all__ = ["FAMILY", "MODELS", "Judged", "Outcome", "Row", "judge", "judgements", "markdown"]

FAMILY = 0.05
"""Chance that a table of right errors breaks any limit."""
MODELS = ("first", "second")
LEVEL = 0.05
"""Of the tests of homogeneity."""
NOMINAL = 0.683
"""Of the intervals."""
TWO_SIGMA = 0.9545
"""Share of a normal distribution within two standard deviations."""

Kind = Literal["pull", "pull with systematic", "both errors", "interval", "false alarm"]


@dataclass(frozen=True)
class Row:
    """One thing to cover.

    Attributes
    ----------
    name : str
    kind : {"pull", "pull with systematic", "both errors", "interval", "false alarm"}
        "pull": mean 0 and standard deviation 1 by both forward models.  "pull with systematic":
        the same by the first model with the statistical error alone; by the second, which breaks
        an assumption that the systematic error stands for, at least as many within two
        standard deviations of both errors together as a normal distribution has.
        "both errors": that by both models, where a measured systematic error counts in either.
        "interval": at least as often as `NOMINAL` says the interval holds the truth; of discrete
        places it may hold it more often.  "false alarm": share of p-values up to `LEVEL`.
    run : callable
        ``run(model, seed) -> Outcome``.
    """

    name: str
    kind: Kind
    run: Callable[[str, int], Outcome]


@dataclass(frozen=True)
class Outcome:
    """One repeat: a pull by the statistical error, one by both, an interval's hit, or a p-value.

    `pull` None with a `reason` where the program could not tell.
    """

    pull: float | None = None
    pull_total: float | None = None
    p_value: float | None = None
    inside: bool | None = None
    reason: str = ""


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


def judgements(rows: Sequence[Row]) -> int:
    """Return how many numbers a table of these rows judges."""
    each = {
        "pull": 6,
        "pull with systematic": 3,
        "both errors": 2,
        "interval": 3,
        "false alarm": 3,
    }
    return sum(each[row.kind] for row in rows)


def judge(row: Row, outcomes: dict[str, list[Outcome]], family: int) -> list[Judged]:
    """Hold one row against its limits.

    Parameters
    ----------
    row : Row
    outcomes : dict
        Repeats of each forward model.
    family : int
        Numbers that are judged altogether.
    """
    alpha = 1.0 - (1.0 - FAMILY) ** (1.0 / family)
    found: list[Judged] = []
    both = [*outcomes["first"], *outcomes["second"]]
    if row.kind == "false alarm":
        for model, some in (*outcomes.items(), ("both", both)):
            found.append(_alarms(row, model, some, alpha))
    elif row.kind == "interval":
        for model, some in (*outcomes.items(), ("both", both)):
            found.append(_held(row, model, some, alpha))
    elif row.kind == "both errors":
        found += [_inside(row, model, some, alpha) for model, some in outcomes.items()]
    elif row.kind == "pull":
        for model, some in (*outcomes.items(), ("both", both)):
            found += _pulls(row, model, some, alpha)
    else:
        found += _pulls(row, "first", outcomes["first"], alpha)
        found.append(_inside(row, "second", outcomes["second"], alpha))
    return found


def _pulls(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> list[Judged]:
    values = np.array([o.pull for o in outcomes if o.pull is not None])
    silent = len(outcomes) - len(values)
    if len(values) < 10:
        return [_nothing(row, model, outcomes)]
    number = len(values)
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


def _inside(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> Judged:
    values = np.array([o.pull_total for o in outcomes if o.pull_total is not None])
    if len(values) < 10:
        return _nothing(row, model, outcomes)
    number = len(values)
    inside = int((np.abs(values) <= 2.0).sum())
    least = int(binom.ppf(alpha, number, TWO_SIGMA))
    return Judged(
        row.name,
        model,
        number,
        len(outcomes) - number,
        "within 2σ of both errors",
        f"{inside / number:.3f} (mean {values.mean():+.2f})",
        f"≥ {least / number:.3f}",
        inside >= least,
    )


def _held(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> Judged:
    values = [o.inside for o in outcomes if o.inside is not None]
    if len(values) < 10:
        return _nothing(row, model, outcomes)
    number, hits = len(values), sum(values)
    least = int(binom.ppf(alpha, number, NOMINAL))
    return Judged(
        row.name,
        model,
        number,
        len(outcomes) - number,
        f"interval of {NOMINAL:.1%} holds it",
        f"{hits / number:.3f}",
        f"≥ {least / number:.3f}",
        hits >= least,
    )


def _alarms(row: Row, model: str, outcomes: list[Outcome], alpha: float) -> Judged:
    values = np.array([o.p_value for o in outcomes if o.p_value is not None])
    if len(values) < 10:
        return _nothing(row, model, outcomes)
    number = len(values)
    alarms = int((values <= LEVEL * (1 + 1e-9)).sum())
    low, high = (int(binom.ppf(p, number, LEVEL)) for p in (alpha / 2, 1 - alpha / 2))
    return Judged(
        row.name,
        model,
        number,
        len(outcomes) - number,
        "false alarms at 5 %",
        f"{alarms / number:.3f}",
        f"{low / number:.3f}–{high / number:.3f}",
        low <= alarms <= high,
    )


def _nothing(row: Row, model: str, outcomes: list[Outcome]) -> Judged:
    reasons = {o.reason for o in outcomes if o.reason}
    return Judged(
        row.name,
        model,
        0,
        len(outcomes),
        "cannot tell",
        "; ".join(sorted(reasons)) or "–",
        "–",
        False,
    )


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
