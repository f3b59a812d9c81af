"""What every test of homogeneity answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEVEL", "POWER", "HomogeneityResult", "cannot_tell", "detectable_noncentrality"]

LEVEL = 0.05
"""A p-value below it is called a deviation from randomness."""
POWER = 0.8
"""Probability with which the smallest effect that is stated would have been seen."""


@dataclass(frozen=True)
class HomogeneityResult:
    """The outcome of one test against the hypothesis "labels lie at random".

    Attributes
    ----------
    test : str
        Name of the test.
    ions, solute : int
        All ions looked at, and those of the element in question.
    p_value : float or None
        Probability (0 to 1) of a deviation at least as large if labels were random; None when
        the counts do not allow a statement.
    statistic, statistic_name
        What was compared, e.g. χ².
    degrees_of_freedom : int or None
    pearson_mu : float or None
        Normalised χ² (0 random, 1 fully associated), where the test has one.
    effect : float or None
        Size of the deviation as `effect_name` describes it; signed where a sign has a meaning:
        positive for segregation, negative for order.
    smallest_effect : float or None
        The smallest ``|effect|`` that a test at level `LEVEL` finds here with probability `POWER`.
        An insignificant result excludes effects above it, and none below.
    effect_name, effect_unit
    reason : str or None
        Why there is no p-value.
    details : mapping
        Numbers behind the statistic, by name.
    tables : mapping
        One-dimensional arrays of one length each, e.g. observed and expected frequencies.
    notes : tuple of str
        What limits the statement, e.g. a p-value by `n` relabellings.

    References
    ----------
    .. [1] M. P. Moody, L. T. Stephenson, A. V. Ceguerra, S. P. Ringer, Microsc. Res. Tech. 71
       (2008) 542, doi:10.1002/jemt.20582 (Pearson μ for block frequency distributions).
    """

    test: str
    ions: int
    solute: int
    p_value: float | None = None
    statistic: float | None = None
    statistic_name: str = ""
    degrees_of_freedom: int | None = None
    pearson_mu: float | None = None
    effect: float | None = None
    smallest_effect: float | None = None
    effect_name: str = ""
    effect_unit: str = "1"
    reason: str | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, NDArray] = field(default_factory=dict)  # type: ignore[type-arg]
    notes: tuple[str, ...] = ()

    def decision(self, level: float = LEVEL) -> str:
        """Return the outcome in two or three words.

        One of ``segregated``, ``ordered``, ``not random``, ``no deviation seen`` and
        ``cannot tell``.

        Parameters
        ----------
        level : float
            Between 0 and 1; for several tests on one volume divide it by their number.
        """
        if self.p_value is None:
            return "cannot tell"
        if self.p_value >= level:
            return "no deviation seen"
        if self.effect is None or self.effect == 0:
            return "not random"
        return "segregated" if self.effect > 0 else "ordered"

    def sentence(self, level: float = LEVEL) -> str:
        """Return the outcome in words, with what could have been seen."""
        if self.p_value is None:
            return f"{self.test}: cannot tell, {self.reason}"
        # a probability that underflows is small, not nothing
        chance = f"p = {self.p_value:.3g}" if self.p_value > 0 else "p < 1e-300"
        said = f"{self.test}: {self.decision(level)} ({chance})"
        unit = "" if self.effect_unit == "1" else f" {self.effect_unit}"
        if self.effect is not None:
            said += f"; {self.effect_name} {self.effect:.3g}{unit}"
        if self.smallest_effect is not None:
            said += (
                f"; the smallest that would be seen with {POWER:.0%} probability is "
                f"{self.smallest_effect:.3g}{unit}"
            )
        else:
            said += "; which effect it could have seen is unknown"
        return said


def cannot_tell(test: str, ions: int, solute: int, reason: str) -> HomogeneityResult:
    """Return an outcome without a p-value, with the reason."""
    return HomogeneityResult(test=test, ions=ions, solute=solute, reason=reason)


def detectable_noncentrality(
    degrees_of_freedom: int, level: float = LEVEL, power: float = POWER
) -> float:
    """Return the noncentrality of χ² that a test at `level` finds with probability `power`.

    Parameters
    ----------
    degrees_of_freedom : int
        At least 1.
    level, power : float
        Between 0 and 1, `power` above `level`.

    References
    ----------
    .. [1] J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. (1988), ch. 7.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    critical = chi2.isf(level, degrees_of_freedom)

    def missing(noncentrality: float) -> float:
        return float(ncx2.sf(critical, degrees_of_freedom, noncentrality)) - power

    high = 10.0 + 5.0 * degrees_of_freedom**0.5
    while missing(high) < 0:
        high *= 2.0
    return float(brentq(missing, 1e-9, high, xtol=1e-9))
