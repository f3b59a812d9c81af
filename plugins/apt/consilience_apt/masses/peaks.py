"""Peaks of a mass spectrum: found, with position, counts and widths at half and tenth maximum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum

__all__ = ["Peak", "find_peaks", "measure_peak", "resolution"]


@dataclass(frozen=True)
class Peak:
    """One peak.

    Parameters
    ----------
    position : float
        Da; of the maximum, from the counts above half of it.
    position_std : float
        Statistical; the calibration's error is not in it.
    counts, counts_std : float
        Above the background, between `low` and `high`.
    background : float
        Counts under it, straight from flank to flank.
    height : float
        Counts of the highest bin above the background.
    fwhm, fwhm_std : float or None
        Da; full width at half maximum, None where it isn't resolved from its neighbour or the
        bins are too wide.
    fwtm, fwtm_std : float or None
        Da; full width at a tenth.
    low, high : float
        Da; where it was counted.
    significance : float
        Standard deviations of the excess, from the likelihood ratio to background alone.
    """

    position: float
    position_std: float
    counts: float
    counts_std: float
    background: float
    height: float
    fwhm: float | None
    fwhm_std: float | None
    fwtm: float | None
    fwtm_std: float | None
    low: float
    high: float
    significance: float

    @property
    def resolution(self) -> float | None:
        """m/Δm at half maximum."""
        return None if not self.fwhm else self.position / self.fwhm

    @property
    def resolution_tenth(self) -> float | None:
        """m/Δm at a tenth of the maximum."""
        return None if not self.fwtm else self.position / self.fwtm


def find_peaks(
    spectrum: MassSpectrum,
    *,
    width: float = 0.06,
    threshold: float = 5.0,
    low: float = 0.9,
    high: float | None = None,
) -> list[Peak]:
    """Find peaks that stand out of their neighbourhood.

    Parameters
    ----------
    spectrum : MassSpectrum
        With linear bins, narrower than the peaks.
    width : float
        Da; window in which ions are summed, about the width of a peak at 28 Da; it grows
        with the square root of the mass.
    threshold : float
        Standard deviations.  With some thousand windows 5 leaves one false peak in hundreds of
        spectra.
    low, high : float
        Da; where to look.

    Returns
    -------
    list of Peak
        By position.

    Notes
    -----
    Counts n in a window are held against ``b``, expected from a flank on either side; the
    significance is ``√(2 (n ln(n/b') − …))`` of the on/off likelihood ratio [1]_, which also knows
    that b is counted itself.

    References
    ----------
    .. [1] T.-P. Li, Y.-Q. Ma, Astrophys. J. 272 (1983) 317, eq. 17.
    """
    end = float(spectrum.edges[-1]) if high is None else high
    step = float(spectrum.edges[1] - spectrum.edges[0])
    total = np.concatenate([[0.0], np.cumsum(spectrum.counts)])
    size = spectrum.counts.size
    centre = np.arange(size)
    half = np.maximum(1, np.round(width * np.sqrt(spectrum.centres / 28.0) / step / 2).astype(int))

    def summed(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(total[np.clip(last, 0, size)] - total[np.clip(first, 0, size)])

    on = summed(centre - half, centre + half + 1)
    off = summed(centre - 4 * half, centre - 2 * half) + summed(
        centre + 2 * half + 1, centre + 4 * half + 1
    )
    ratio = (2 * half + 1) / (4 * half)  # exposure of the window over that of the flanks
    score = _on_off(on, off, ratio)
    usable = (spectrum.centres >= low) & (spectrum.centres <= end)
    smooth = gaussian_filter1d(spectrum.counts.astype(float), 1.5)
    found: list[Peak] = []
    left = np.where(usable, score, 0.0)
    for place in np.argsort(-left, kind="stable"):
        if score[place] < threshold:
            break
        if left[place] <= 0:
            continue
        reach = int(half[place])
        # the highest place nearby is the peak's; what the window merely touches is not
        near = slice(max(place - reach, 0), min(place + reach + 1, size))
        top = near.start + int(np.argmax(smooth[near]))
        if left[top] <= 0 and top != place:
            left[place] = 0.0
            continue
        peak = _measure(spectrum, top, 2 * reach, float(score[place]))
        if peak is not None and not any(other.low < peak.position < other.high for other in found):
            found.append(peak)
            first, last = (int(np.searchsorted(spectrum.edges, e)) for e in (peak.low, peak.high))
            left[max(min(first, top - reach), 0) : max(last, top + reach + 1)] = 0.0
        else:
            left[near] = 0.0
    return sorted(found, key=lambda one: one.position)


def measure_peak(spectrum: MassSpectrum, low: float, high: float) -> Peak | None:
    """Return the highest peak between two masses (Da), or None without counts above background."""
    part = spectrum.bins(low, high)
    top = part.start + int(np.argmax(spectrum.counts[part]))
    n, start, stop = spectrum.window(low, high)
    flank = stop - start
    first, _, _ = spectrum.window(start - flank / 2, start)
    last, _, _ = spectrum.window(stop, stop + flank / 2)
    score = _on_off(np.array([float(n)]), np.array([float(first + last)]), np.array([1.0]))
    return _measure(spectrum, top, max((part.stop - part.start) // 2, 2), float(score[0]))


def resolution(peaks: list[Peak]) -> tuple[float | None, float | None]:
    """Return m/Δm at half and at a tenth of the maximum: medians weighted by counts."""
    out: list[float | None] = []
    for values in (
        [(p.resolution, p.counts) for p in peaks],
        [(p.resolution_tenth, p.counts) for p in peaks],
    ):
        known = sorted((value, weight) for value, weight in values if value)
        if not known:
            out.append(None)
            continue
        weights = np.cumsum([weight for _, weight in known])
        out.append(known[int(np.searchsorted(weights, weights[-1] / 2))][0])
    return out[0], out[1]


def _on_off(
    on: NDArray[np.float64], off: NDArray[np.float64], ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Significance of an excess, Li and Ma 1983, eq. 17; 0 for none."""
    both = on + off
    with np.errstate(divide="ignore", invalid="ignore"):
        a = np.where(on > 0, on * np.log((1 + ratio) / ratio * on / both), 0.0)
        b = np.where(off > 0, off * np.log((1 + ratio) * off / both), 0.0)
    return np.where(on > ratio * off, np.sqrt(2 * np.maximum(a + b, 0.0)), 0.0)


def _measure(spectrum: MassSpectrum, top: int, reach: int, score: float) -> Peak | None:
    """Measure the peak whose highest bin is `top`, looking `reach` bins to either side."""
    n = spectrum.counts.astype(float)
    first, last = _foot(n, top, -1, reach), _foot(n, top, 1, reach)
    flank = max(2, (last - first) // 3)
    sides = [n[max(first - flank, 0) : first], n[last + 1 : last + 1 + flank]]
    levels = [side.mean() if side.size else 0.0 for side in sides]
    line = np.linspace(levels[0], levels[1], last - first + 1)
    background = float(line.sum())
    net = n[first : last + 1] - line
    counts = float(net.sum())
    if counts <= 0:
        return None
    variance = n[first : last + 1].sum() + ((last - first + 1) / 2) ** 2 * sum(
        max(side.sum(), 1.0) / max(side.size, 1) ** 2 for side in sides
    )
    height = float(net[top - first])
    step = float(spectrum.edges[1] - spectrum.edges[0])
    core = net > height / 2
    weights = np.where(core, net, 0.0)
    x = spectrum.centres[first : last + 1]
    position = float(np.sum(weights * x) / weights.sum())
    spread = math.sqrt(float(np.sum(weights * (x - position) ** 2) / weights.sum() + step**2 / 12))
    half, tenth = (_width(x, net, n[first : last + 1], top - first, part) for part in (0.5, 0.1))
    return Peak(
        position,
        spread / math.sqrt(max(float(weights.sum()), 1.0)),
        counts,
        math.sqrt(variance),
        background,
        height,
        *half,
        *tenth,
        float(spectrum.edges[first]),
        float(spectrum.edges[last + 1]),
        score,
    )


def _foot(n: NDArray[np.float64], top: int, side: int, reach: int) -> int:
    """Return the bin where the peak ends: counts stop falling, or `reach` tenfold is passed."""
    place, best = top, n[top]
    for step in range(1, 4 * reach + 1):
        at = top + side * step
        if not 0 <= at < n.size:
            break
        level = n[max(at - 1, 0) : at + 2].mean()
        if level > best + 2 * math.sqrt(best + 1):  # rises again: another peak
            break
        if level < best:
            best, place = level, at
        if step > reach and level >= best and n[place] < n[top] / 100:
            break
    return place


def _width(
    x: NDArray[np.float64],
    net: NDArray[np.float64],
    raw: NDArray[np.float64],
    top: int,
    part: float,
) -> tuple[float | None, float | None]:
    """Full width where the counts cross `part` of the maximum, and its standard deviation."""
    level = part * net[top]
    ends, variance = [], 0.0
    for side in (-1, 1):
        at = top
        while 0 <= at + side < net.size and net[at + side] > level:
            at += side
        if not 0 <= at + side < net.size:
            return None, None
        slope = net[at] - net[at + side]
        share = (net[at] - level) / slope
        if net[at + side] > 0:  # flanks are nearer to an exponential than to a straight line
            share = math.log(net[at] / level) / math.log(net[at] / net[at + side])
        step = x[at + side] - x[at]
        ends.append(x[at] + share * step)
        noise = (1 - share) ** 2 * raw[at] + share**2 * raw[at + side] + part**2 * raw[top]
        variance += noise / slope**2 * step**2
    width = abs(ends[1] - ends[0])
    return float(width), math.sqrt(variance)
