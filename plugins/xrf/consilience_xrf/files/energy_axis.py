"""Does an energy axis fit the beam?  Held against the elastic peak and against K-alpha lines.

No photon leaves the sample with more energy than the beam brings, but for pile-up, and most
samples scatter some of the beam elastically.  So the last strong peak tells the scale of the
axis.  A wrong axis is reported with the correction that would put it right; nothing is
applied here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AxisCheck", "Peak", "check_energy", "find_peaks"]

FACTORS = (1.0, 0.5, 2.0, 1e-3, 5e-4, 2e-3, 1e3)
"""What axes are found to be wrong by: twice, half, and eV for keV."""

NEAR = 0.015
"""The elastic peak lies this near the incident energy, relative."""

ABOVE = 1.03
"""Peaks beyond this times the incident energy are pile-up, or the axis is wrong."""

PILE_UP = 0.05
"""Most that peaks above the beam may have of the height of the strongest peak below it."""

LINE_WINDOW = 0.05
"""A peak belongs to a line this near it [keV]."""

LIGHTEST, HEAVIEST = 14, 56
"""K-alpha lines of these elements are looked for."""


@dataclass(frozen=True)
class Peak:
    """A peak of a spectrum: channel (with fraction), its height over its surroundings."""

    channel: float
    prominence: float


@dataclass(frozen=True)
class AxisCheck:
    """What the check found.

    Attributes
    ----------
    factor : float or None
        By which the axis is to be multiplied, 1 if it is right; None: no factor puts an
        elastic peak where the beam is.
    elastic : float or None
        Where the elastic peak lies after the factor [keV].
    lines : list of (float, str, float)
        Strong peaks near K-alpha lines: their energy after the factor, the element, the line's
        energy [keV].
    peaks : int
        Strong peaks below the beam that were looked at.
    """

    factor: float | None
    elastic: float | None = None
    lines: tuple[tuple[float, str, float], ...] = ()
    peaks: int = 0

    def sentence(self, incident: float) -> str:
        """What was found, in words."""
        if self.elastic is None:
            return f"no peak was found at the incident energy of {incident:.4g} keV"
        said = f"the elastic peak lies at {self.elastic:.2f} keV for a beam of {incident:.3f} keV"
        if not self.lines:
            return said
        named = ", ".join(f"{e} {energy:.2f}" for energy, e, _ in self.lines)
        return f"{said}; of {self.peaks} peaks {len(self.lines)} lie near Kα lines ({named})"


@lru_cache(maxsize=1)
def _k_alpha() -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Energies [keV] and symbols of K-alpha, weighted over its two lines."""
    import xraylib

    numbers = range(LIGHTEST, HEAVIEST + 1)
    energies = np.array([xraylib.LineEnergy(z, xraylib.KA_LINE) for z in numbers])
    return energies, tuple(xraylib.AtomicNumberToSymbol(z) for z in numbers)


def find_peaks(spectrum: NDArray[np.float64], most: int = 24) -> list[Peak]:
    """The strongest peaks of a spectrum, by their height over their surroundings.

    Parameters
    ----------
    spectrum : ndarray, shape (channels,)
        Counts, smoothed here over about a 600th of its length.
    most : int
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks as scipy_peaks

    counts = np.clip(np.asarray(spectrum, dtype=np.float64), 0.0, None)
    if counts.size < 16 or not counts.any():
        return []
    width = max(1.0, counts.size / 600)
    smooth = gaussian_filter1d(counts, width)
    # noise of the mean over the width, five times: what stands out is no fluctuation
    noise = np.sqrt(smooth / (2 * np.sqrt(np.pi) * width))
    floor = 5 * noise + 1e-4 * smooth.max()
    at, shape = scipy_peaks(smooth, prominence=0.0)
    keep = shape["prominences"] > floor[at]
    found = []
    for channel, height in zip(at[keep], shape["prominences"][keep], strict=True):
        left, right = smooth[channel - 1], smooth[channel + 1]
        bend = left - 2 * smooth[channel] + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        found.append(Peak(float(channel + shift), float(height)))
    return sorted(found, key=lambda p: -p.prominence)[:most]


def check_energy(
    axis: NDArray[np.float64], spectrum: NDArray[np.float64], incident: float
) -> AxisCheck:
    """Hold an energy axis against the energy of the beam.

    Parameters
    ----------
    axis : ndarray, shape (channels,)
        Rising energies in keV, or numbers whose unit is unknown.
    spectrum : ndarray, shape (channels,)
        Sum of the spectra of a scan.
    incident : float
        Energy of the beam [keV].

    Returns
    -------
    AxisCheck
        The factor of `FACTORS` with which the last strong peak lies at the beam's energy and
        most peaks at lines; 1 where the axis is right as it is.
    """
    peaks = find_peaks(spectrum)
    if not peaks:
        return AxisCheck(None)
    channels = np.arange(axis.size, dtype=np.float64)
    places = np.interp([p.channel for p in peaks], channels, axis)
    heights = np.array([p.prominence for p in peaks])
    width = float(np.median(np.diff(axis)))
    best: tuple[float, AxisCheck] | None = None
    for factor in FACTORS:
        energy = places * factor
        window = max(NEAR * incident, 3 * width * factor)
        if window > 0.1 * incident:
            continue
        off = np.abs(energy - incident)
        near = int(np.argmin(off))
        below = heights[energy < ABOVE * incident]
        above = heights[energy >= ABOVE * incident]
        if off[near] > window or above.max(initial=0.0) > PILE_UP * below.max(initial=0.0):
            continue
        lines, looked = _lines(energy, incident - 2 * window)
        score = len(lines) / max(looked, 1) + (0.1 if factor == 1.0 else 0.0)
        if best is None or score > best[0]:
            best = score, AxisCheck(factor, float(energy[near]), lines, looked)
    return AxisCheck(None, peaks=len(peaks)) if best is None else best[1]


def _lines(
    energy: NDArray[np.float64], limit: float
) -> tuple[tuple[tuple[float, str, float], ...], int]:
    """Peaks (strongest first) near K-alpha lines below `limit`, and how many were looked at."""
    table, names = _k_alpha()
    strong = [float(e) for e in energy if table[0] - 0.2 < e < limit][:10]
    found = []
    for place in strong:
        nearest = int(np.argmin(np.abs(table - place)))
        if abs(table[nearest] - place) <= LINE_WINDOW:
            found.append((place, names[nearest], float(table[nearest])))
    return tuple(sorted(found)), len(strong)
