"""What lies under the Compton peak: a line through stretches without lines, and an escape peak.

Stretches beside the peak are not free of Compton photons: core electrons of transition metals reach
far beyond the windows.  A line drawn through them as if they were takes too much away.  Where the
composition is known the profile's tails are part of the fit (shares of the counts between the
windows' ends, from free atoms); their shape enters, their size does not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import ArrayLike, NDArray

from consilience_compton.model.profiles import broadened
from consilience_compton.momentum.cells import Cells
from consilience_compton.momentum.kinematics import (
    compton_energy,
    energy_of_momentum,
    momentum,
)
from consilience_compton.momentum.rebin import Profile, rebin
from consilience_compton.momentum.response import kinematic_factor
from consilience_compton.momentum.windows import Interval, Windows

__all__ = [
    "Escape",
    "Sides",
    "escape_excess",
    "free_sides",
    "known_lines",
    "line_under",
    "net_counts",
    "net_operator",
    "observed",
    "tail_shares",
]

Array = NDArray[np.float64]
_K_LINES = ("KL3_LINE", "KL2_LINE", "KM3_LINE", "KM2_LINE", "KN2_LINE")
_REACH = 60.0
"""Momentum up to which tails are integrated, atomic units."""


@dataclass(frozen=True)
class Sides:
    """Stretches below and above the peak, in keV, through which the background is drawn."""

    below: Interval
    above: Interval

    @property
    def edges(self) -> Array:
        """The four ends, rising; the middle cell holds the peak."""
        return np.array([*self.below, *self.above])


@dataclass(frozen=True)
class Escape:
    """Counts at an escape peak above those at the mirrored momentum, with their error."""

    name: str
    energy: float
    excess: float
    std: float


def known_lines(incident: float) -> dict[str, float]:
    """Return lines that a CdZnTe detector behind W and Pb sees, name to keV.

    K lines of W, Pb, Cd and Te (xraylib), the elastic line, and its escape peaks: the elastic
    energy less a K line of Cd or Te that leaves the sensor.
    """
    found = {"elastic": float(incident)}
    for symbol in ("W", "Pb", "Cd", "Te"):
        z = xraylib.SymbolToAtomicNumber(symbol)
        for line in _K_LINES:
            energy = float(xraylib.LineEnergy(z, getattr(xraylib, line)))
            name = f"{symbol} {line.removesuffix('_LINE')}"
            found[name] = energy
            if symbol in ("Cd", "Te"):
                found[f"elastic less {name}"] = float(incident) - energy
    return found


def free_sides(
    energy_edges: Array,
    incident: float,
    angles: ArrayLike,
    windows: Windows,
    fwhm: float,
    width: float = 7.0,
) -> Sides | None:
    """Return the stretches nearest to the peak, of every pixel, that no known line lies in.

    Parameters
    ----------
    energy_edges : ndarray
        keV.
    incident : float
        keV.
    angles : array_like
        Degrees, of all pixels.
    windows : Windows
        Stretches keep one atomic unit away from them.
    fwhm : float
        Of the detector in keV; lines are kept 1.2 of it away.
    width : float
        Widest stretch, keV.  Stretches narrower than twice `fwhm` do not count.

    Returns
    -------
    Sides or None
        None where the axis has no such stretch on both sides.
    """
    first, last = windows.span
    peak_low = float(np.min(energy_of_momentum(first - 1.0, incident, angles)))
    peak_high = float(np.max(energy_of_momentum(last + 1.0, incident, angles)))
    away = 1.2 * fwhm
    lines = sorted(known_lines(incident).values())
    first_bin, last_bin = float(energy_edges[0]), float(energy_edges[-1])
    inner = [line for line in lines if first_bin < line < last_bin]
    bounds = [first_bin, *inner, last_bin]
    gaps = [(a + away, b - away) for a, b in itertools.pairwise(bounds)]
    least = 2.0 * fwhm
    below = [(a, min(b, peak_low)) for a, b in gaps if min(b, peak_low) - a >= least]
    above = [(max(a, peak_high), b) for a, b in gaps if b - max(a, peak_high) >= least]
    if not below or not above:
        return None
    a, b = below[-1]
    c, d = above[0]
    return Sides((max(a, b - width), b), (c, min(d, c + width)))


def tail_shares(
    composition: str,
    sides: Sides,
    windows: Windows,
    incident: float,
    angles: ArrayLike,
    fwhm: float,
    polarisation: float = 1.0,
) -> Array:
    """Return counts of the free-atom profile in both sides, for one between the windows' ends.

    Parameters
    ----------
    composition : str
        Such as ``"LiNi0.6Mn0.2Co0.2O2"``.
    sides, windows
    incident : float
        keV.
    angles : array_like, shape (...)
        Degrees.
    fwhm : float
        Resolution in atomic units.
    polarisation : float

    Returns
    -------
    ndarray, shape (..., 2)
    """
    angle = np.asarray(angles, dtype=np.float64)
    grid, running = _running(composition, fwhm, incident, float(angle.mean()), polarisation)
    ends = np.interp(momentum(sides.edges, incident, angle[..., None]), grid, running)
    inside = np.interp(windows.span, grid, running)
    counts = np.stack([ends[..., 1] - ends[..., 0], ends[..., 3] - ends[..., 2]], axis=-1)
    return np.asarray(counts / (inside[1] - inside[0]))


@lru_cache(maxsize=64)
def _running(
    composition: str, fwhm: float, incident: float, angle: float, polarisation: float
) -> tuple[Array, Array]:
    """Momenta, and the counts of the free-atom profile below each."""
    grid = np.linspace(-_REACH, _REACH, 4801)
    profile = broadened(composition, grid, fwhm)
    profile = profile * kinematic_factor(grid, incident, angle, polarisation)
    steps = 0.5 * (profile[1:] + profile[:-1]) * np.diff(grid)
    return grid, np.concatenate([[0.0], np.cumsum(steps)])


def net_operator(
    cells: Cells, windows: Windows, sides: Cells | None = None, tails: ArrayLike = 0.0
) -> Array:
    """Return the matrix from (cells, side below, side above) to net low and high counts.

    Parameters
    ----------
    cells, windows, sides, tails
        As in `net_counts`; only the cells' widths and moments are used.

    Returns
    -------
    ndarray, shape (..., 2, m + 2)
    """
    member = windows.members()
    lead = cells.counts.shape[:-1]
    found = np.zeros((*lead, 2, member.shape[1] + 2))
    found[..., :-2] = member
    if sides is None:
        return found
    system, lever = _system(cells, sides, tails)
    under = np.zeros((*lead, 2, 3))
    under[..., 1] = cells.width @ member.T
    under[..., 2] = lever @ member.T
    solved = np.linalg.solve(np.swapaxes(system, -1, -2), np.swapaxes(under, -1, -2))
    weight = np.swapaxes(solved, -1, -2)
    found[..., :-2] -= weight[..., 0:1]
    found[..., -2:] = -weight[..., 1:]
    return found


def _system(cells: Cells, sides: Cells, tails: ArrayLike) -> tuple[Array, Array]:
    """Equations of profile and line, shape (..., 3, 3), and levers of the cells, keV²."""
    outer = [0, 2]
    lead = cells.counts.shape[:-1]
    middle = cells.moment.sum(-1) / cells.width.sum(-1)
    lever = cells.moment - middle[..., None] * cells.width
    # counts between the ends = A + b₀ width + b₁ lever; in the sides = A·tail + the same
    system = np.empty((*lead, 3, 3))
    system[..., 0, 0] = 1.0
    system[..., 0, 1] = cells.width.sum(-1)
    system[..., 0, 2] = lever.sum(-1)
    system[..., 1:, 0] = np.broadcast_to(np.asarray(tails, dtype=np.float64), (*lead, 2))
    system[..., 1:, 1] = sides.width[..., outer]
    system[..., 1:, 2] = sides.moment[..., outer] - middle[..., None] * sides.width[..., outer]
    return system, lever


def line_under(cells: Cells, sides: Cells, tails: ArrayLike, edges: Array, pixels: int) -> Array:
    """Return counts of the fitted line between energies `edges` (keV), of all pixels together.

    Parameters
    ----------
    cells, sides : Cells, shape (m,) and (3,)
    tails : array_like, shape (2,) or 0
    edges : ndarray, shape (k + 1,)
    pixels : int
        That were added up.

    Returns
    -------
    ndarray, shape (k,)
    """
    system, _ = _system(cells, sides, tails)
    seen = np.array([cells.counts.sum(), sides.counts[0], sides.counts[2]])
    _, level, slope = np.linalg.solve(system, seen)
    middle = float(cells.moment.sum() / cells.width.sum())
    lever = 0.5 * (edges[1:] ** 2 - edges[:-1] ** 2) - middle * np.diff(edges)
    return np.asarray(pixels * (level * np.diff(edges) + slope * lever))


def net_counts(
    cells: Cells, windows: Windows, sides: Cells | None = None, tails: ArrayLike = 0.0
) -> tuple[Array, Array]:
    """Return counts of the low and the high windows without a background that is a line in energy.

    Parameters
    ----------
    cells : Cells, shape (..., m)
        Between the windows' edges.
    windows : Windows
    sides : Cells, shape (..., 3), optional
        Between the four edges of `Sides`; the middle one is not used.  None: no background.
    tails : array_like, shape (..., 2) or 0
        Counts of the profile in either side for one between the windows' ends; 0: the sides hold
        background alone.

    Returns
    -------
    counts : ndarray, shape (..., 2)
    covariance : ndarray, shape (..., 2, 2)
        From counting in windows and sides.
    """
    operator = net_operator(cells, windows, sides, tails)
    counts, matrix = observed(cells, sides)
    net = (operator @ counts[..., None])[..., 0]
    return net, operator @ matrix @ np.swapaxes(operator, -1, -2)


def observed(cells: Cells, sides: Cells | None) -> tuple[Array, Array]:
    """Return what `net_operator` acts on, shape (..., m + 2), and its covariance."""
    lead, m = cells.counts.shape[:-1], cells.counts.shape[-1]
    counts = np.zeros((*lead, m + 2))
    matrix = np.zeros((*lead, m + 2, m + 2))
    counts[..., :m] = cells.counts
    matrix[..., :m, :m] = cells.covariance()
    if sides is not None:
        counts[..., m:] = sides.counts[..., [0, 2]]
        matrix[..., m, m] = sides.variance[..., 0]
        matrix[..., m + 1, m + 1] = sides.variance[..., 2]
    return counts, matrix


def escape_excess(
    profile: Profile,
    windows: Windows,
    incident: float,
    angle: float,
    fwhm: float,
    shape: Array,
    spread: float = 0.0,
) -> list[Escape] | None:
    """Compare each escape peak of the elastic line with the momentum of the other sign.

    J(−p) = J(p), so what an escape peak adds within ± `fwhm` stands above its mirror image.

    Parameters
    ----------
    profile : Profile
        Of all pixels.
    windows : Windows
        Only peaks within their ends matter.
    incident, angle : float
        keV, degrees.
    fwhm : float
        Resolution in atomic units.
    shape : ndarray, shape (m,)
        Response at the profile's bins.
    spread : float
        Standard deviation of the pixels' angles, degrees: a line of fixed energy is smeared by it.

    Returns
    -------
    list of Escape or None
        Peaks closer than `fwhm` are one, named after the first.  None: one lies between the
        windows' ends and is too broad, or too near to 0, to be told from its mirror image.
    """
    first, last = windows.span
    found: list[Escape] = []
    at_last = -np.inf
    moved = np.ptp(momentum(compton_energy(incident, angle), incident, [angle, angle + spread]))
    half = fwhm + 2.0 * float(moved)
    places = sorted(
        (float(momentum(energy, incident, angle)), name, energy)
        for name, energy in known_lines(incident).items()
        if name.startswith("elastic less")
    )
    even = profile.counts / shape
    variance = profile.variance / shape**2
    for place, name, energy in places:
        if place - at_last < fwhm or not first < place < last:
            continue
        low, high = place - half, place + half
        at_last = place
        if low * high < 0.0 or max(-low, high) > profile.edges[-1]:
            return None
        both = (np.array([low, high]), np.array([-high, -low]))
        here, there = (rebin(profile.edges, even, ends)[0] for ends in both)
        var = sum(rebin(profile.edges, variance, ends)[0] for ends in both)
        found.append(Escape(name, energy, float(here - there), float(np.sqrt(var))))
    return found
