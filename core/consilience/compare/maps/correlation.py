"""Do two maps of one area go together more than chance, their own smoothness and noise allow?

Neighbouring points of a map are alike, so that two maps which have nothing to do with each other
correlate by accident far more often than independent points would.  The null distribution comes
from surrogates of one map that keep its spectrum, and so its smoothness, and have random
phases [1]_.  Noise lowers a correlation; by how much is known from the errors [2]_.

References
----------
.. [1] J. Theiler et al., Physica D 58 (1992) 77, section 2.4.
.. [2] C. Spearman, Am. J. Psychol. 15 (1904) 72: correction for attenuation.
.. [3] P. Clifford, S. Richardson, D. Hémon, Biometrics 45 (1989) 123: as many independent points
       as the variance of r says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.compare.maps.surrogates import surrogates

__all__ = ["MapCorrelation", "correlate", "reliability"]

Array = NDArray[np.float64]
SURROGATES = 999
LEAST_P = 1e-6
"""No smaller p is claimed from the tail of a distribution that is extrapolated."""
FEWEST = 25
"""Points that both maps must have, unless the caller says otherwise."""


@dataclass(frozen=True)
class MapCorrelation:
    """How two maps go together.

    Parameters
    ----------
    value : float
        Pearson's r over the points that both maps have.
    p_value : float
        Share of surrogates whose correlation is of this size or more; where none is, see `beyond`.
    beyond : bool
        No surrogate reaches this r.  The share that would is then that of Student's t with as many
        independent points as the surrogates' r scatter [3]_, if that is smaller than one of all:
        among many comparisons of one study no p would ever be small enough else.
    smallest : float
        Size of r that 95 % of the surrogates stay below.
    points : int
    without_noise : float or None
        What r would be without the stated noise; None if a noise is unknown or is all there is.
    independent : float
        As many independent points have correlations that scatter as much as the surrogates' [3]_.
    """

    value: float
    p_value: float
    beyond: bool
    smallest: float
    points: int
    without_noise: float | None
    independent: float


def reliability(values: Array, std: Array | None) -> float | None:
    """Return the share of a map's variance that is not noise; None if the noise is unknown.

    Parameters
    ----------
    values, std : ndarray, shape (n,)
        Points that count.

    Returns
    -------
    float or None
        At most 1; zero or below: there is nothing but noise.
    """
    if std is None or not np.isfinite(std).all():
        return None
    variance = float(np.var(values, ddof=1))
    return 1.0 - float(np.mean(std**2)) / variance if variance > 0 else 0.0


def correlate(
    first: Array,
    second: Array,
    first_std: Array | None = None,
    second_std: Array | None = None,
    *,
    seed: int = 0,
    fewest: int = FEWEST,
    what: str = "map",
) -> MapCorrelation:
    """Correlate two maps on one grid; a profile is a map of one row.

    Parameters
    ----------
    first, second : ndarray, shape (ny, nx)
        NaN where nothing is known.
    first_std, second_std : ndarray, optional
        Of the same shape.
    seed : int
        Of the surrogates.
    fewest : int
        Points that both must have.
    what : str
        What the two are called in errors.

    Raises
    ------
    ValueError
        Shapes differ, fewer common points, or a map without any contrast.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"{what}s of shapes {first.shape} and {second.shape}: one grid is needed")
    both = np.isfinite(first) & np.isfinite(second)
    points = int(np.count_nonzero(both))
    if points < fewest:
        raise ValueError(f"the {what}s have {points} points in common; {fewest} are needed")
    one = first[both] - first[both].mean()
    other = second[both] - second[both].mean()
    if not (one @ one > 0 and other @ other > 0):
        raise ValueError(f"a {what} has one value everywhere: nothing can go together with it")
    value = float(one @ other / np.sqrt((one @ one) * (other @ other)))
    known = np.isfinite(second)
    filled = np.where(known, second - second[known].mean(), 0.0)
    null = np.concatenate(
        [
            np.abs(_with_each(one, some[:, both]))
            for some in surrogates(filled, SURROGATES, np.random.default_rng(seed))
        ]
    )
    shares = [
        reliability(m[both], None if s is None else s[both])
        for m, s in ((first, first_std), (second, second_std))
    ]
    without = None
    if shares[0] is not None and shares[1] is not None and min(shares[0], shares[1]) > 0:
        without = float(np.clip(value / np.sqrt(shares[0] * shares[1]), -1.0, 1.0))
    reached = int(np.count_nonzero(null >= abs(value)))
    p_value = (1 + reached) / (SURROGATES + 1)
    return MapCorrelation(
        value=value,
        p_value=p_value if reached else min(p_value, max(_tail(value, null), LEAST_P)),
        beyond=not reached,
        smallest=float(np.quantile(null, 0.95)),
        points=points,
        without_noise=without,
        independent=1.0 + 1.0 / float(np.mean(null**2)),
    )


def _tail(value: float, null: Array) -> float:
    """Return the two-sided p of r by Student's t, from the spread of r of unrelated maps."""
    from scipy.stats import t

    degrees = 1.0 / float(np.mean(null**2)) - 1.0
    if degrees <= 0.0 or abs(value) >= 1.0:
        return float(degrees <= 0.0)
    return 2.0 * float(t.sf(abs(value) * np.sqrt(degrees / (1.0 - value**2)), degrees))


def _with_each(one: Array, others: Array) -> Array:
    """Return r of points of mean zero with each row of others."""
    others = others - others.mean(axis=1, keepdims=True)
    strength = np.einsum("ij,ij->i", others, others)
    return np.asarray(others @ one / np.sqrt((one @ one) * strength), dtype=np.float64)
