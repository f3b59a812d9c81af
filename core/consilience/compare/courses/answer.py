"""What two courses over the same states allow to be said; nothing of findings or samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from consilience.compare.courses.association import FEWEST, Association, spearman
from consilience.compare.courses.covariation import Covariation, constancy, covariation
from consilience.compare.margins import Decision, decide
from consilience.compare.outcome import Outcome

__all__ = ["Numbers", "equal_state_by_state", "gone_together"]

BY_ERRORS = "changes state by state against their errors (Goodman 1960)"
BY_RANKS = "rank correlation of states and of steps over their orders (Spearman 1904), and errors"
BY_MARGIN = "two one-sided tests in every state (Berger 1982)"
WAYS = {"same": "the same way", "opposite": "opposite ways"}


@dataclass(frozen=True)
class Numbers:
    """Values of two techniques over n states, in the order of the states if that is known."""

    first: Sequence[float]
    second: Sequence[float]
    first_stat: Sequence[float | None]
    second_stat: Sequence[float | None]
    first_sys: Sequence[float | None]
    second_sys: Sequence[float | None]

    def known(self, *parts: Literal["stat", "sys"]) -> list[list[float]] | None:
        """Return both standard deviations with these parts, or None if one is unknown or 0."""
        made = []
        for side in ("first", "second"):
            columns = [getattr(self, f"{side}_{part}") for part in parts]
            if any(v is None for column in columns for v in column):
                return None
            total = [float(np.hypot.reduce(row)) for row in zip(*columns, strict=True)]
            if min(total) <= 0.0:
                return None
            made.append(total)
        return made


@dataclass
class Said(Outcome):
    """An outcome with the test that it rests on, if it rests on one."""

    test: str | None = None
    statistic: float | None = None
    p_value: float | None = None


def gone_together(
    numbers: Numbers,
    expect: Literal["same", "opposite"] | None,
    common: bool,
    level: float,
    why: str = "they are said to go",
    *,
    ordered: bool = True,
) -> Said:
    """Say whether two quantities go the same way over the states.

    Parameters
    ----------
    numbers : Numbers
    expect : {"same", "opposite"} or None
        What is claimed; only a claim is contradicted, and only by changes beyond the errors.
    common : bool
        Systematic errors are the same in all states, so that changes do not have them.
    level : float
    why : str
        What expects it, up to the way.
    ordered : bool
        The numbers are in the order of the states.

    Returns
    -------
    Said
        *Consistent*, *disagree* or *undecided*; never *agree*: what goes together is not equal.
    """
    ranks = spearman(numbers.first, numbers.second)
    described = _described(ranks)
    record = _record(ranks)
    std = numbers.known("stat") if common else numbers.known("stat", "sys")
    if ranks.rho is None:
        return Said("undecided", described, "states in which both change", record)
    if std is None:
        lacking = "statistical" if common else "statistical or systematic"
        said = f"a {lacking} standard deviation is unknown in some state"
        return Said("undecided", f"{said}; {described}", "the standard deviations", record)
    found = covariation(numbers.first, numbers.second, *std)
    record["statistic_of_errors"] = found.statistic
    if expect:
        answer = _claimed(found, expect, level, why)
    else:
        steps = _steps(numbers) if ordered else None
        record["steps"] = None if steps is None else _record(steps)
        answer = _unclaimed(found, ranks, steps, level, ordered)
    answer.numbers = record
    answer.reason = f"{answer.reason}; {described}"
    bar = NormalDist().inv_cdf(1.0 - (level if expect else level / 2.0))
    alone = None if common or abs(found.statistic) > bar else numbers.known("stat")
    if alone is not None:
        other = covariation(numbers.first, numbers.second, *alone)
        if abs(other.statistic) > bar:
            way = WAYS["same" if other.statistic > 0 else "opposite"]
            answer.reason += (
                f"; if systematic errors are the same in all states, they go {way} by "
                f"{abs(other.statistic):.2g} standard deviations"
            )
            answer.settle = "whether systematic errors are the same in all states"
    return answer


def _claimed(
    found: Covariation, expect: Literal["same", "opposite"], level: float, why: str
) -> Said:
    other: Literal["same", "opposite"] = "opposite" if expect == "same" else "same"
    p = {"same": found.p_same, "opposite": found.p_opposite}
    claim = f"{why} {WAYS[expect]}"
    if p[expect] < level:
        said = f"{claim}, and do by {abs(found.statistic):.2g} standard deviations"
        return Said("consistent", said, **_test(found, p[expect]))
    if p[other] < level:
        said = f"{claim}, and go {WAYS[other]} by {abs(found.statistic):.2g} standard deviations"
        return Said("disagree", said, **_test(found, p[other]))
    said = f"{claim}; their changes are not beyond their errors ({found.statistic:.2g} σ)"
    return Said(
        "undecided", said, "smaller errors or larger changes", **_test(found, min(p.values()))
    )


def _steps(numbers: Numbers) -> Association | None:
    """Return how the changes from state to state go together; None where they are too few.

    Two walks or drifts that have nothing in common go together by their levels far more often than
    chance orders do; their steps do not.
    """
    if len(numbers.first) <= FEWEST:
        return None
    return spearman(np.diff(numbers.first).tolist(), np.diff(numbers.second).tolist())


def _unclaimed(
    found: Covariation,
    ranks: Association,
    steps: Association | None,
    level: float,
    ordered: bool,
) -> Said:
    by_errors = min(1.0, 2.0 * min(found.p_same, found.p_opposite))
    by_steps = 1.0 if steps is None or steps.p is None else steps.p
    p = max(by_errors, ranks.p or 0.0, by_steps)
    test: dict[str, Any] = {"test": BY_RANKS, "statistic": ranks.rho, "p_value": p}
    way = WAYS["same" if found.statistic > 0 else "opposite"]
    if by_errors >= level:
        said = f"their changes are not beyond their errors ({found.statistic:.2g} σ)"
        return Said("undecided", said, "smaller errors or larger changes", **test)
    beyond = f"their changes go {way} by {abs(found.statistic):.2g} standard deviations"
    signs = {math.copysign(1.0, r.rho) for r in (ranks, steps) if r is not None and r.rho}
    if p < level and signs == {math.copysign(1.0, found.statistic)} and steps is not None:
        said = (
            f"{beyond}, more than chance orders of the states and of the steps between them "
            f"({_p_of(steps)}), which makes neither a proof of the other"
        )
        return Said("consistent", said, **test)
    if (ranks.least_p or 0.0) >= level:
        said = f"{beyond}, but {ranks.n} states cannot tell that from chance"
        return Said("undecided", said, "more states, or a claim to test", **test)
    if (ranks.p or 1.0) >= level:
        said = f"{beyond}, but no more than chance orders of the states do"
        return Said("undecided", said, "more states", **test)
    if not ordered:
        said = f"{beyond}, but without their order that cannot be told from two drifts"
        return Said("undecided", said, "the order of the states", **test)
    drifts = "as two drifts that have nothing in common would"
    if steps is None or (steps.least_p or 0.0) >= level:
        said = f"{beyond}, {drifts}: {ranks.n} states have too few steps to tell"
        return Said("undecided", said, "more states, or a claim to test", **test)
    said = f"{beyond}, but the steps from state to state no more than by chance ({_p_of(steps)})"
    return Said("undecided", f"{said}, {drifts}", "more states, or a claim to test", **test)


def _p_of(steps: Association) -> str:
    if steps.rho is None:
        return "one has the same step everywhere"
    return f"ρ = {steps.rho:.2f}, p = {steps.p:.2g}"


def _test(found: Covariation, p: float) -> dict[str, Any]:
    return {"test": BY_ERRORS, "statistic": found.statistic, "p_value": p}


def equal_state_by_state(
    numbers: Numbers, widths: Sequence[float], level: float
) -> tuple[Decision, str] | None:
    """Hold the differences of one quantity by two techniques against a margin, in every state.

    Returns
    -------
    (Decision, str) or None
        *Agree*: inside the margin in all states; *disagree*: outside in one.  In words: how
        much they differ on the average, and whether the difference changes.  None where a
        standard deviation is unknown.
    """
    std = numbers.known("stat", "sys")
    if std is None:
        return None
    d = np.asarray(numbers.first) - np.asarray(numbers.second)
    found = decide(d, np.hypot(std[0], std[1]), np.asarray(widths, dtype=np.float64), level)
    told = ""
    stat = numbers.known("stat")
    if stat is not None:
        mean, error, p = constancy(d, np.hypot(stat[0], stat[1]))
        changes = "more" if p < level else "no more"
        told = f"{mean:.3g} ± {error:.1g} on the average and changes from state to state by "
        told += f"{changes} than the statistical errors (χ², p = {p:.2g})"
    return found, told


def _described(ranks: Association) -> str:
    if ranks.rho is None:
        return f"one of them is the same in all {ranks.n} states"
    return (
        f"Spearman ρ = {ranks.rho:.2f} over {ranks.n} states, p = {ranks.p:.2g} of {ranks.how}, "
        f"where {ranks.n} states can give no less than {ranks.least_p:.2g}; states that follow "
        "each other are not independent, so that this p describes them and is no proof of more"
    )


def _record(ranks: Association) -> dict[str, Any]:
    return {
        "spearman": ranks.rho,
        "p_permutation": ranks.p,
        "least_p": ranks.least_p,
        "states": ranks.n,
        "orders": ranks.orders,
        "exact": ranks.exact,
    }
