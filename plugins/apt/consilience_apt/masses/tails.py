"""Tails of peaks, measured between the peaks of the same spectrum.

Late ions of a strong peak lie in the windows of its heavier neighbours and are taken for their
isotopes.  Between the windows of all peaks nothing lies but background and tails: there a
share of late ions and their mean delay are fitted, relative to the mass, the same for all peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience_apt.amounts.likelihood import deviance, fit_counts
from consilience_apt.masses.peaks import find_peaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum

__all__ = ["Tail", "Tails", "measure_tails"]

Kind = Literal["exponential", "power"]
_KINDS: tuple[Kind, Kind] = ("exponential", "power")
SEEN = 9.0
"""Twice the log-likelihood from which tails count as seen: three standard deviations."""
_LENGTHS = np.geomspace(5e-4, 0.03, 22)
_POWER = 3.0
"""Exponent of the rival shape's integral: a delay of (1 + x/2)⁻³ beyond x mean delays."""
_FEWEST = 500.0


@dataclass(frozen=True)
class Tail:
    """One shape of tail: late ions per ion of the peak's window, and their mean delay over mass."""

    kind: Kind
    share: float
    length: float

    def between(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the late ions from one relative delay to another, per ion of the window."""
        return np.asarray(self.share * (_beyond(self, low) - _beyond(self, high)))


@dataclass(frozen=True)
class Tails:
    """Tails of a spectrum.

    Attributes
    ----------
    tail : Tail
        The more likely shape.
    variants : tuple of Tail
        With one standard deviation more of late ions; with the shortest and with the longest
        delay that the counts allow (68 %); of the other shape.
    share_std : float
    significance : float
        Standard deviations.
    peaks : list of (float, float)
        Da and counts of the peaks whose tails they are.
    """

    tail: Tail
    variants: tuple[Tail, Tail, Tail, Tail]
    share_std: float
    significance: float
    peaks: list[tuple[float, float]]

    def sentence(self) -> str:
        """Return what was found in words."""
        return (
            f"{100 * self.tail.share:.2g} ± {100 * self.share_std:.1g} late ions to 100 of a peak, "
            f"by {100 * self.tail.length:.2g} % of its mass ({self.tail.kind}), measured between "
            f"{len(self.peaks)} peaks"
        )


def measure_tails(
    spectrum: MassSpectrum, masses: Sequence[float], resolving: float, low: float, high: float
) -> Tails | None:
    """Measure the tails of a stretch of the spectrum.

    Parameters
    ----------
    spectrum : MassSpectrum
    masses : sequence of float
        Da; lines that may be there, whose windows are left out besides those of the peaks.
    resolving : float
        m/Δm at a tenth of the maximum; a window reaches 0.75 Δm to either side.
    low, high : float
        Da.

    Returns
    -------
    Tails or None
        None where there are none to be seen, or too few counts to see them.
    """
    reach = 0.75 / resolving
    high = min(high, float(spectrum.edges[-1]))
    peaks: list[tuple[float, float]] = []
    for one in find_peaks(spectrum, low=low, high=high):
        if one.counts > 100 and all(abs(one.position - m) > reach * m for m, _ in peaks):
            peaks.append((one.position, 0.0))
    lines = sorted([*masses, *(mass for mass, _ in peaks)])
    pieces = _between_lines(spectrum, lines, reach, low, high)
    if not peaks or len(pieces) < 8:
        return None
    counted = [spectrum.window(a, b) for a, b in pieces]
    n = np.array([count for count, _, _ in counted], float)
    first = np.array([a for _, a, _ in counted])
    last = np.array([b for _, _, b in counted])
    weight = np.sqrt(last) - np.sqrt(first)
    rate = float(np.median(n / weight))
    sized: list[tuple[float, float]] = []
    for mass, _ in peaks:
        count, a, b = spectrum.window(mass * (1 - reach), mass * (1 + reach))
        sized.append((mass, max(count - rate * (np.sqrt(b) - np.sqrt(a)), 0.0)))
    if sum(size for _, size in sized) < _FEWEST:
        return None
    flat = fit_counts(weight[:, None], n)
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for shape in _KINDS:
        found[shape] = []
        for length in _LENGTHS.tolist():
            unit = Tail(shape, 1.0, length)
            late = np.zeros_like(n)
            for mass, size in sized:
                after = first > mass
                delays = (first[after] - mass) / mass, (last[after] - mass) / mass
                late[after] += size * unit.between(*delays)
            fit = fit_counts(np.column_stack([weight, late]), n)
            std = 0.0 if fit.covariance is None else float(np.sqrt(fit.covariance[1, 1]))
            found[shape].append((fit.deviance, float(fit.values[1]), std, length))
    best = {shape: min(some) for shape, some in found.items()}
    kind, other = sorted(_KINDS, key=lambda shape: best[shape][0])
    least, share, std, length = best[kind]
    gain = deviance(n, flat.expected) - least
    if gain < SEEN or share <= 0:
        return None
    # what does not fit widens the errors
    loose = max(least / max(len(n) - 3, 1), 1.0)
    near = [one for one in found[kind] if one[0] <= least + loose]
    ends = min(near, key=lambda one: one[3]), max(near, key=lambda one: one[3])
    std *= float(np.sqrt(loose))
    return Tails(
        Tail(kind, share, length),
        (
            Tail(kind, share + std, length),
            Tail(kind, ends[0][1], ends[0][3]),
            Tail(kind, ends[1][1], ends[1][3]),
            Tail(other, best[other][1], best[other][3]),
        ),
        std,
        float(np.sqrt(gain)),
        sized,
    )


def _beyond(tail: Tail, delay: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.maximum(np.asarray(delay, float), 0.0) / tail.length
    if tail.kind == "exponential":
        return np.asarray(np.exp(-x))
    return np.asarray((1.0 + x / (_POWER - 1.0)) ** -_POWER)


def _between_lines(
    spectrum: MassSpectrum, lines: Sequence[float], reach: float, low: float, high: float
) -> list[tuple[float, float]]:
    """Pieces of the spectrum that no line's window touches."""
    step = float(spectrum.edges[1] - spectrum.edges[0])
    taken = [(line * (1 - 1.5 * reach), line * (1 + 1.2 * reach)) for line in lines]
    taken += [(high, high)]
    pieces: list[tuple[float, float]] = []
    at = low
    for first, last in sorted(taken):
        if first > at:
            number = max(int((first - at) / max(2 * reach * at, 5 * step)), 1)
            if first - at >= 3 * step:
                ends = np.linspace(at, first, number + 1)
                pieces += list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        at = max(at, last)
    return pieces
