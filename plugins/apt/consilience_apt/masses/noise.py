"""A power law below the first peak as background, for comparison with other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import curve_fit, minimize

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["power_law_corrected", "power_law_fit"]


def power_law_fit(
    spectrum: MassSpectrum,
    window: tuple[float, float] = (0.1, 0.75),
    *,
    weighting: str = "likelihood",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit ``A (m/Da)^k`` to the counts a bin, below the first peak.

    Parameters
    ----------
    spectrum : MassSpectrum
        With linear bins.
    window : tuple of float
        Da; bins whose centre lies in it are used.
    weighting : {"likelihood", "least_squares"}
        Poisson likelihood; or plain squares, for comparison with other programs.

    Returns
    -------
    tuple of array
        ``(A, k)`` in counts a bin, and their covariance, shape (2, 2).  With least squares the
        covariance is scaled by the scatter.

    Raises
    ------
    BadInputError
        Fewer than three bins, no counts, or an unknown weighting.
    """
    x, n = spectrum.centres, spectrum.counts.astype(float)
    inside = (x >= window[0]) & (x <= window[1])
    if inside.sum() < 3 or n[inside].sum() == 0:
        raise BadInputError(
            f"no counts to fit between {window[0]:g} and {window[1]:g} Da",
            fix="name a window below the first peak that has some",
        )
    x, n = x[inside], n[inside]
    logs = np.log(x)
    start = np.array([n.sum() / np.sum(x**-0.5), -0.5])
    if weighting == "least_squares":
        found, covariance = curve_fit(lambda m, a, k: a * m**k, x, n, p0=start, xtol=1e-13)
        return np.asarray(found), np.asarray(covariance)
    if weighting != "likelihood":
        raise BadInputError(
            f"weighting {weighting!r} is not known", fix="take likelihood or least_squares"
        )

    def cost(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        mu = np.exp(p[0] + p[1] * logs)
        return float(np.sum(mu - n * (p[0] + p[1] * logs))), np.array(
            [np.sum(mu - n), np.sum((mu - n) * logs)]
        )

    found = minimize(cost, np.array([np.log(start[0]), -0.5]), jac=True, method="BFGS").x
    mu = np.exp(found[0] + found[1] * logs)
    basis = np.column_stack([np.ones_like(logs), logs])
    covariance = np.linalg.inv(basis.T @ (mu[:, None] * basis))
    turn = np.diag([np.exp(found[0]), 1.0])
    return np.array([np.exp(found[0]), found[1]]), turn @ covariance @ turn


def power_law_corrected(
    spectrum: MassSpectrum,
    table: RangeTable,
    window: tuple[float, float] = (0.1, 0.75),
    *,
    weighting: str = "least_squares",
    whole: bool = True,
) -> NDArray[np.float64]:
    """Return counts of ranges less a power law, in the way APAV 1.4.0 corrects for noise.

    Parameters
    ----------
    spectrum : MassSpectrum
        Linear bins of 0.01 Da from 0 are APAV's.
    table : RangeTable
    window : tuple of float
        Da; where ``A m^k`` is fitted.
    weighting : {"least_squares", "likelihood"}
        As in `power_law_fit`; APAV's is plain least squares.
    whole : bool
        True cuts the net counts of each range to a whole number, towards zero, as APAV does.

    Returns
    -------
    array of shape (ranges,)
        Net counts; they can be negative.

    Notes
    -----
    The histogram less the curve at each bin's centre is summed over the bins whose centre lies in
    ``[low, high)``.  A power law seen below 0.75 Da is carried to 200 Da: it is offered for
    comparison, `flight_background` and `local_background` are measured where the peaks are.
    """
    (amplitude, exponent), _ = power_law_fit(spectrum, window, weighting=weighting)
    net = spectrum.counts - amplitude * spectrum.centres**exponent
    summed = np.array(
        [
            net[(spectrum.centres >= low) & (spectrum.centres < high)].sum()
            for low, high in table.edges
        ]
    )
    return np.trunc(summed) if whole else summed
