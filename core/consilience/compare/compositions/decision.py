"""From differences of fractions to a verdict that says no more than the errors allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.compare.compositions.logratio import closure
from consilience.compare.compositions.vectors import Vector
from consilience.compare.margins import Decision, decide
from consilience.compare.outcome import Outcome
from consilience.model.canonical import content_id
from consilience.model.finding import Finding
from consilience.model.verdict import Margin, Verdict

__all__ = ["Closed", "capped", "closed", "percent", "verdict_on"]

Array = NDArray[np.float64]

TEST = "two one-sided tests for every element (Berger 1982)"


class Closed:
    """Fractions of a sub-composition with both parts of their covariance; sum 1."""

    def __init__(self, vector: Vector, elements: Sequence[str]) -> None:
        values, stat, sys, _ = vector.part(elements)
        self.fractions, slope = closure(values)
        self.stat = slope @ stat @ slope.T
        self.sys = slope @ sys @ slope.T
        self.share = float(values.sum())

    @property
    def std_stat(self) -> Array:
        """Statistical standard deviations, shape (D,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.stat), 0.0)))

    @property
    def std_sys(self) -> Array:
        """Systematic standard deviations as far as known, shape (D,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.sys), 0.0)))


def closed(vector: Vector, elements: Sequence[str]) -> Closed | None:
    """Return a vector closed to some elements, or None if there is nothing of them."""
    if not vector.part(elements)[0].sum() > 0:
        return None
    return Closed(vector, elements)


def capped(
    elements: Sequence[str],
    differences: Array,
    stat: Array,
    sys: Array,
    vectors: Sequence[Vector],
    margin: Margin | None,
    story: Sequence[str],
    level: float,
    numbers: dict[str, Any],
    means: Array,
    basis: Sequence[str] = (),
    unsure: Sequence[str] = (),
) -> Outcome:
    """Decide over differences, and say no more than the unknown parts of their errors allow.

    Parameters
    ----------
    elements, differences, stat, sys
        Shape (D,), the deviations as far as they are known.
    vectors : sequence of Vector
        Whose errors count.
    margin : Margin or None
    story : sequence of str
        What the reason says besides.
    level : float
    numbers : dict
        Of the verdict.
    means : ndarray, shape (D,)
        What a relative margin is relative to.
    basis : sequence of str
        Elements whose errors count; those compared if empty.
    unsure : sequence of str
        Further reasons why equal is no more than *consistent*, and different is *undecided*.
    """
    used = set(basis or elements)
    gaps = [f"statistical {v.name}" for v in vectors if used & set(v.unknown_stat)]
    if gaps:
        lacking = [f"the {g.replace(' ', ' standard deviation of ', 1)}" for g in gaps]
        said = f"{' and '.join(lacking)} is unknown"
        return Outcome("undecided", "; ".join([said, *story]), " and ".join(lacking), numbers)
    if margin is None:
        said = "no margin is stated: say what difference of a composition would not matter"
        settle = "a margin in the study's [margins] table"
        return Outcome("undecided", "; ".join([said, *story]), settle, numbers)
    std = np.hypot(stat, sys)
    if not np.all(std > 0):
        exact = ", ".join(e for e, s in zip(elements, std, strict=True) if not s > 0)
        said = f"the standard deviation of {exact} is stated as zero, which no measurement has"
        return Outcome("undecided", "; ".join([said, *story]), "the uncertainties", numbers)
    widths = margin.value * means if margin.relative else np.full(len(std), margin.value)
    found = decide(differences, std, widths, level)
    unknown = [v.name for v in vectors if used & set(v.unknown_sys)]
    doubts = [f"{e} of {v.name} {d}" for v in vectors for e, d in v.doubts.items() if e in used]
    outcome = _worded(found, elements, differences, std, stat, sys, widths, margin, unknown)
    outcome.numbers = {**numbers, "decided_by": elements[found.at]}
    outcome.decision, outcome.known = found, not unknown
    outcome.difference, outcome.std = float(differences[found.at]), float(std[found.at])
    _hold_back(outcome, found, unknown, [*unsure, *doubts])
    outcome.reason = "; ".join([outcome.reason, *story])
    return outcome


def _worded(
    found: Decision,
    elements: Sequence[str],
    differences: Array,
    std: Array,
    stat: Array,
    sys: Array,
    widths: Array,
    margin: Margin,
    unknown: Sequence[str],
) -> Outcome:
    i, e = found.at, elements[found.at]
    width = f"{100 * widths[i]:.3g} at.% ({margin.reason})"
    off = f"{e} differs by {100 * differences[i]:.3g} ± {100 * std[i]:.2g} at.%"
    if found.answer == "agree":
        return Outcome("agree", f"every element is equal within the margin of {width}")
    if found.answer == "disagree":
        return Outcome("disagree", f"{off}, beyond the margin of {width}")
    largest = "systematic" if sys[i] > stat[i] else "statistical"
    least = "at least " if unknown else ""
    return Outcome(
        "undecided",
        f"{off}, which does not decide between inside and outside the margin of {width}; a "
        f"difference from {least}{100 * found.smallest:.2g} at.% on would have been seen",
        f"a standard deviation of the difference in {e} below {100 * found.needed:.2g} at.%, "
        f"where it is {100 * std[i]:.2g}, mostly {largest}",
    )


def _hold_back(
    outcome: Outcome, found: Decision, unknown: Sequence[str], unsure: Sequence[str]
) -> None:
    """Let equality be no more than *consistent*, and difference *undecided*, if parts are open."""
    if not unknown and not unsure:
        return
    holders = [f"the systematic standard deviation of {name}" for name in unknown]
    blank = f"{' and '.join(holders)} {'is' if len(holders) == 1 else 'are'} unknown"
    open_ = [*([blank] if holders else []), *unsure]
    if outcome.answer == "agree":
        outcome.answer = "consistent"
        room = f"{blank}, and up to {100 * found.room:.2g} at.% of it would change nothing"
        said = [f"{outcome.reason} by what is known of the errors"]
        outcome.reason = "; ".join([*said, *([room] if holders else []), *unsure])
    elif outcome.answer == "disagree":
        outcome.answer = "undecided"
        outcome.reason = f"{outcome.reason} by what is known of the errors; but {'; '.join(open_)}"
    else:
        outcome.reason = "; ".join([outcome.reason, *open_])
    outcome.settle = " and ".join([*holders, *([outcome.settle] if outcome.settle else [])])
    outcome.settle = outcome.settle or "what else the numbers could be"


def percent(value: float, std: float) -> str:
    """Return a fraction and its standard deviation in percent, to the digits that they have."""
    digits = 2 if std <= 0 else min(max(1 - int(np.floor(np.log10(100 * std))), 0), 6)
    return f"{100 * value:.{digits}f} ± {100 * std:.{digits}f}"


def verdict_on(
    key: str, kind: str, findings: Sequence[Finding], outcome: Outcome, margin: Margin | None
) -> Verdict:
    """Return the one verdict on all these findings."""
    found = outcome.decision
    body = {
        "comparison": key,
        "kind": kind,
        "findings": sorted(f.id for f in findings),
        "verdict": outcome.answer,
        "margin": None if margin is None else margin.to_json(),
    }
    return Verdict(
        id=content_id("v", body),
        kind=kind,
        subject=None,
        samples=sorted({f.sample for f in findings}),
        findings=[f.id for f in findings],
        verdict=outcome.answer,
        reason=outcome.reason,
        difference=outcome.difference,
        std=outcome.std if outcome.known else None,
        unit="1",
        test=TEST if found is not None and outcome.known else None,
        statistic=found.statistic if found is not None and outcome.known else None,
        p_value=found.p_value if found is not None and outcome.known else None,
        margin=margin,
        smallest_detectable=found.smallest if found is not None and outcome.known else None,
        settle=outcome.settle,
        comparison=key,
        numbers=outcome.numbers,
    )
