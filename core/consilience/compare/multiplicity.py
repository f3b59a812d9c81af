"""Many comparisons in one study: how many disagreements would chance alone give?

Of the verdicts that rest on a test, those that disagree are the discoveries.  Benjamini and
Hochberg's step-up rule [1]_ keeps the share of false ones among them at or below the level, for
independent tests and for those that depend on each other positively [2]_.  A disagreement that it
does not keep becomes *undecided*, and says so.

References
----------
.. [1] Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289, eq. 1.
.. [2] Y. Benjamini, D. Yekutieli, Ann. Stat. 29 (2001) 1165, theorem 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.verdict import Verdict

__all__ = ["kept", "with_false_discoveries_controlled"]


def kept(p_values: Sequence[float], tests: int, level: float = 0.05) -> list[bool]:
    """Return which of the smallest p-values of a family the step-up rule keeps.

    Parameters
    ----------
    p_values : sequence of float
        Of those that would be discoveries by themselves.
    tests : int
        All tests of the family, these included.
    level : float
        False discovery rate.

    Returns
    -------
    list of bool
        In the order given.
    """
    ordered = sorted(p_values)
    passing = [p for rank, p in enumerate(ordered, 1) if p <= level * rank / tests]
    highest = passing[-1] if passing else -1.0
    return [p <= highest for p in p_values]


def with_false_discoveries_controlled(
    verdicts: Sequence[Verdict], level: float = 0.05
) -> list[Verdict]:
    """Turn the disagreements that so many comparisons would give by chance into *undecided*.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Before caveats; those without a test, or that cannot be made, are returned as they are.
    level : float
        False discovery rate.

    Returns
    -------
    list of Verdict
        In the order given.
    """
    made = [v for v in verdicts if v.verdict != "not_comparable"]
    tested = [v for v in made if v.test is not None and v.p_value is not None]
    different = [v for v in tested if v.verdict == "disagree" and v.p_value is not None]
    stays = kept([v.p_value for v in different if v.p_value is not None], len(tested), level)
    weak = {v.id for v, stay in zip(different, stays, strict=True) if not stay}
    return [_weakened(v, len(tested), level) if v.id in weak else v for v in verdicts]


def _weakened(verdict: Verdict, tests: int, level: float) -> Verdict:
    percent = f"{100 * level:g} %"
    return verdict.model_copy(
        update={
            "verdict": "undecided",
            "reason": (
                f"{verdict.reason}; by itself this would disagree (p = {verdict.p_value:.2g}), but "
                f"among {tests} comparisons with a test it does not stand at a false discovery "
                f"rate of {percent}"
            ),
            "settle": "a smaller standard deviation of the difference, or a repeat of its own",
            "numbers": {**verdict.numbers, "false_discovery_rate": level, "tests": tests},
        }
    )
