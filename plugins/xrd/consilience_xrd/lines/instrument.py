"""Breadths that the instrument gives a line, from the lines of a calibrant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peak import Peak

__all__ = ["Breadth", "InstrumentBreadth", "breadth_of", "fit_instrument"]

BAD = {"unresolved", "at_edge", "few_points", "broad"}
"""Flags of lines whose widths are not used."""


@dataclass(frozen=True)
class Breadth:
    """Integral breadth of one line, area over height of one component, in the axis' unit.

    `std_stat` None: not known, because the width sat on a bound.
    """

    place: float
    value: float
    std_stat: float | None
    std_sys: float = 0.0


def breadth_of(peak: Peak, inflation: float = 1.0, sys: float = 0.0) -> Breadth:
    """Integral breadth of a fitted peak.

    Parameters
    ----------
    peak : Peak
    inflation : float
        Factor on the standard deviation for a fit that misses.
    sys : float
        Systematic standard deviation of the breadth.
    """
    std = peak.breadth_std
    return Breadth(peak.center, peak.breadth, None if std is None else std * inflation, sys)


@dataclass(frozen=True)
class InstrumentBreadth:
    """Breadth against place along the axis.

    Attributes
    ----------
    law : {"caglioti", "polynomial"}
        Squared breadth = U tan^2(theta) + V tan(theta) + W, or a polynomial of the place.
    coefficients : ndarray, shape (k,)
        Lowest power first: W, V, U or of the scaled place.
    covariance : ndarray, shape (k, k)
    low, high : float
        First and last line of the calibrant; beyond them the law is extrapolated.
    middle, span : float
        Scale of the place in a polynomial.
    chi2, dof : float, int
    spread : float
        Standard deviation [axis' unit] of what another law would give, over the range.
    """

    law: Literal["caglioti", "polynomial"]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    low: float
    high: float
    middle: float
    span: float
    chi2: float
    dof: int
    spread: float = 0.0

    def at(self, place: float) -> tuple[float, float]:
        """Breadth and its standard deviation at `place`, in the axis' unit."""
        row = _row(self.law, np.array([place]), len(self.coefficients), self.middle, self.span)[0]
        square = float(row @ self.coefficients)
        if square <= 0:
            raise BadInputError(
                f"The calibrant's breadths give a negative square at {place:g}.",
                fix="Use a calibrant whose lines cover the range of the sample's.",
            )
        breadth = math.sqrt(square)
        std = math.sqrt(max(float(row @ self.covariance @ row), 0.0)) / (2 * breadth)
        return breadth, math.hypot(std, self.spread)

    def covers(self, place: float) -> bool:
        """Whether `place` lies between the calibrant's first and last line."""
        return self.low <= place <= self.high


def _row(
    law: str, place: NDArray[np.float64], terms: int, middle: float, span: float
) -> NDArray[np.float64]:
    t = np.tan(np.radians(place) / 2) if law == "caglioti" else (place - middle) / span
    if law == "caglioti" and terms == 2:
        return np.stack([np.ones_like(t), t**2], axis=1)
    return np.stack([t**k for k in range(terms)], axis=1)


def fit_instrument(breadths: Sequence[Breadth], in_angle: bool) -> InstrumentBreadth:
    """Fit a smooth law to the breadths of a calibrant's lines.

    Parameters
    ----------
    breadths : sequence of Breadth
        At least two, with known errors.
    in_angle : bool
        Whether places are 2theta [deg]; else Caglioti's law has no meaning.

    Notes
    -----
    Squares are fitted, weighted by their errors, with three terms from six lines on, two from
    three on, else their mean.  Errors grow with the root of chi-square per degree of freedom.
    In angle both laws are fitted; the better one is used, and their difference is carried as
    `spread`.

    Raises
    ------
    BadInputError
        Fewer than two lines.

    References
    ----------
    .. [1] G. Caglioti, A. Paoletti, F. P. Ricci, Nucl. Instrum. 3 (1958) 223, eq. 9.
    """
    used = [b for b in breadths if b.std_stat is not None and b.std_stat > 0 and b.value > 0]
    if len(used) < 2:
        raise BadInputError(
            f"The calibrant has {len(used)} lines with a known width; at least two are needed.",
            fix="Give a pattern of a calibrant such as LaB6 or CeO2 over the sample's range.",
        )
    laws: tuple[Literal["caglioti", "polynomial"], ...] = ("caglioti", "polynomial")
    made = [_fit(used, law) for law in (laws if in_angle else laws[1:])]
    best = min(made, key=lambda m: m.chi2)
    if len(made) == 1:
        return best
    places = np.linspace(best.low, best.high, 20)
    rows = [
        _row(m.law, places, len(m.coefficients), m.middle, m.span) @ m.coefficients for m in made
    ]
    apart = np.abs(np.sqrt(np.maximum(rows[0], 0)) - np.sqrt(np.maximum(rows[1], 0)))
    spread = float(np.sqrt(np.mean(apart**2) / 3.0))
    return InstrumentBreadth(**{**best.__dict__, "spread": spread})


def _fit(used: Sequence[Breadth], law: Literal["caglioti", "polynomial"]) -> InstrumentBreadth:
    place = np.array([b.place for b in used])
    value = np.array([b.value for b in used])
    std = np.array([math.hypot(b.std_stat or 0.0, b.std_sys) for b in used])
    terms = 3 if len(used) >= 6 else 2 if len(used) >= 3 else 1
    middle, span = float(place.mean()), max(float(np.ptp(place)) / 2, 1e-12)
    weight = 1 / (2 * value * std)
    matrix = _row(law, place, terms, middle, span) * weight[:, None]
    target = value**2 * weight
    answer, *_ = np.linalg.lstsq(matrix, target, rcond=None)
    residual = target - matrix @ answer
    chi2 = float(residual @ residual)
    dof = len(used) - terms
    covariance = np.linalg.pinv(matrix.T @ matrix) * (max(chi2 / dof, 1.0) if dof > 0 else 1.0)
    return InstrumentBreadth(
        law, answer, covariance, float(place.min()), float(place.max()), middle, span, chi2, dof
    )
