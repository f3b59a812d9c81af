"""Pulls, and the limits that they have to keep together.

All limits are set so that errors which are right break any of them in one table out of twenty
(Šidák over all numbers that are judged).

References
----------
.. [1] Z. Šidák, J. Am. Stat. Assoc. 62 (1967) 626.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, chi2, norm

from xrd_coverage.forward import MODELS

__all__ = ["FAMILY", "MOST_SILENT", "Judged", "Outcome", "judge", "judgements", "markdown"]

FAMILY = 0.05
"""Chance that a table of right errors breaks any limit."""
MOST_SILENT = 0.05
"""Share of repeats without an answer above which pulls of the others prove nothing."""
TWO_SIGMA = 0.9545
"""Share of a normal distribution within two standard deviations."""
LEAST_SPREAD = 0.25
"""Standard deviation of pulls by both errors below which these say nothing either."""


@dataclass(frozen=True)
class Outcome:
    """One repeat of one quantity: found minus planted, and what was stated.

    `error` None with a `reason` where the program stated no value or no error.
    """

    error: float | None = None
    std_stat: float = float("nan")
    std_sys: float = 0.0
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


def judgements(quantities: int) -> int:
    """Return how many numbers are judged: mean and spread by either model, and a share."""
    return 5 * quantities


def judge(
    name: str,
    outcomes: Mapping[str, Sequence[Outcome]],
    family: int,
    scale: float = 1.0,
) -> list[Judged]:
    """Hold one quantity against its limits.

    Parameters
    ----------
    name : str
    outcomes : mapping
        Repeats of each forward model.
    family : int
        Numbers that are judged altogether.
    scale : float
        Factor on every stated standard deviation; not 1 only to see that the table notices.

    Notes
    -----
    By the first model, which is the fitter's, the statistical error alone has to give pulls of
    mean 0 and standard deviation 1.  By the second, which breaks what the fitter supposes,
    statistical and systematic error together have to hold the truth within two standard
    deviations as often as those of a normal distribution do, and must not be so large that
    they say nothing.
    """
    alpha = 1.0 - (1.0 - FAMILY) ** (1.0 / family)
    out: list[Judged] = []
    for model in MODELS:
        told = [o for o in outcomes[model] if o.error is not None]
        silent = len(outcomes[model]) - len(told)
        if silent > MOST_SILENT * len(outcomes[model]) or len(told) < 10:
            reasons = sorted({o.reason for o in outcomes[model] if o.reason})
            out.append(
                Judged(
                    name, model, len(told), silent, "cannot tell", "; ".join(reasons) or "–",
                    f"≤ {MOST_SILENT:.0%}", False,
                )
            )  # fmt: skip
            continue
        error = np.array([o.error for o in told], dtype=np.float64)
        stat = scale * np.array([o.std_stat for o in told])
        sys = scale * np.array([o.std_sys for o in told])
        made = (name, model, len(told), silent)
        if model == "first":
            out += _pulls(made, error / stat, alpha)
        else:
            out += _inside(made, error / np.hypot(stat, sys), alpha)
    return out


def _pulls(made: tuple[str, str, int, int], pulls: np.ndarray, alpha: float) -> list[Judged]:
    number = len(pulls)
    far = float(norm.isf(alpha / 2)) / number**0.5
    low, high = (
        float(chi2.ppf(p, number - 1) / (number - 1)) ** 0.5 for p in (alpha / 2, 1 - alpha / 2)
    )
    mean, spread = float(pulls.mean()), float(pulls.std(ddof=1))
    return [
        Judged(*made, "mean pull", f"{mean:+.3f}", f"±{far:.3f}", abs(mean) <= far),
        Judged(
            *made, "sd of pull", f"{spread:.3f}", f"{low:.3f}–{high:.3f}", low <= spread <= high
        ),
    ]


def _inside(made: tuple[str, str, int, int], pulls: np.ndarray, alpha: float) -> list[Judged]:
    number = len(pulls)
    inside = int((np.abs(pulls) <= 2.0).sum())
    least = int(binom.ppf(alpha, number, TWO_SIGMA))
    mean, spread = float(pulls.mean()), float(pulls.std(ddof=1))
    size = float(np.sqrt(np.mean(pulls**2)))
    return [
        Judged(
            *made,
            "within 2σ of both errors",
            f"{inside / number:.3f}",
            f"≥ {least / number:.3f}",
            inside >= least,
        ),
        Judged(
            *made,
            "mean, sd of pull by both errors",
            f"{mean:+.2f}, {spread:.2f}",
            f"root mean square ≥ {LEAST_SPREAD}",
            size >= LEAST_SPREAD,
        ),
    ]


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
