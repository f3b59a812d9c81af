"""Noise, typical width and candidate peaks of a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.lines.profiles import doublet_center

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.pattern import Source

__all__ = ["Candidate", "estimate_noise", "find_candidates", "typical_width"]


@dataclass(frozen=True)
class Candidate:
    """A place where a peak may be: centre and width in the axis' unit, height in intensity."""

    center: float
    height: float
    fwhm: float
    significance: float


def estimate_noise(
    intensity: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
) -> NDArray[np.float64]:
    """Standard deviation of each point: given, Poisson, or from the scatter of neighbours.

    Returns
    -------
    ndarray, shape (n,)
        Where nothing is stated: the median absolute second difference in running windows,
        which a smooth signal leaves alone; never zero.  Single points without a stated value get
        that of their neighbours, for the search of peaks alone; without any stated value it is as
        if `sigma` were None.
    """
    if sigma is not None and np.isfinite(sigma).any():
        at = np.arange(len(sigma))
        known = np.isfinite(sigma)
        return np.asarray(np.interp(at, at[known], sigma[known]))
    if counts:
        from scipy.ndimage import uniform_filter1d

        # the mean of neighbours, so that a low count does not weigh more than a high one
        return np.asarray(np.sqrt(np.maximum(uniform_filter1d(intensity, 5, mode="nearest"), 1.0)))
    second = np.abs(intensity[2:] - 2 * intensity[1:-1] + intensity[:-2])
    second = np.concatenate([second[:1], second, second[-1:]])
    from scipy.ndimage import median_filter

    size = max(11, min(len(second) // 8, 201))
    local = median_filter(second, size=size, mode="nearest") / (0.6745 * np.sqrt(6.0))
    floor = max(float(np.median(local)) * 1e-2, float(np.ptp(intensity)) * 1e-9, 1e-300)
    return np.asarray(np.maximum(local, floor))


def typical_width(signal: NDArray[np.float64], noise: NDArray[np.float64]) -> float:
    """Median full width at half maximum of the clear peaks [points]; 8 if there are none."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks, peak_widths

    smooth = gaussian_filter1d(signal, 1.0)
    level = 20 * noise
    for _ in range(3):
        peaks, _ = find_peaks(smooth, height=level, prominence=level, width=1.5)
        if len(peaks) >= 3:
            break
        level = level / 2
    if not len(peaks):
        return 8.0
    widths = peak_widths(smooth, peaks, rel_height=0.5)[0]
    strong = np.argsort(smooth[peaks])[::-1][: max(5, len(peaks) // 2)]
    return float(np.clip(np.median(widths[strong]), 2.0, len(signal) / 10))


def find_candidates(
    x: NDArray[np.float64],
    signal: NDArray[np.float64],
    noise: NDArray[np.float64],
    fwhm_points: float,
    significance: float,
    source: Source | None = None,
    in_angle: bool = False,
) -> list[Candidate]:
    """Peaks of `signal` (pattern minus baseline) that stand out of the noise.

    Parameters
    ----------
    significance : float
        Least height and prominence after a matched filter, in its standard deviations.
    source : Source, optional
        With a doublet, a maximum at the place and height of another's K-alpha 2 is left out.

    Notes
    -----
    The filter is a Gaussian of the typical width, which has the best ratio of signal to noise
    for peaks of that width; the noise of the filtered signal is propagated exactly.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks, peak_widths

    width = max(fwhm_points / 2.355, 0.8)
    smooth = gaussian_filter1d(signal, width)
    impulse = np.zeros(8 * int(np.ceil(width)) + 9)
    impulse[len(impulse) // 2] = 1
    kernel2 = gaussian_filter1d(impulse, width) ** 2
    variance = np.convolve(np.pad(noise**2, len(kernel2) // 2, mode="edge"), kernel2, "valid")
    filtered = np.sqrt(variance)
    # a lighter filter places shoulders that the matched one would merge
    light = gaussian_filter1d(signal, width / 2)
    impulse2 = gaussian_filter1d(impulse, width / 2) ** 2
    light_noise = np.sqrt(
        np.convolve(np.pad(noise**2, len(impulse2) // 2, mode="edge"), impulse2, "valid")
    )
    peaks, found = find_peaks(
        light, height=0.0, prominence=0.0, wlen=max(int(20 * fwhm_points) | 1, 5)
    )
    if not len(peaks):
        return []
    ratio = smooth[peaks] / filtered[peaks]
    rise = found["prominences"] / light_noise[peaks]
    keep = (ratio >= significance) & (rise >= significance)
    peaks, ratio = peaks[keep], ratio[keep]
    if not len(peaks):
        return []
    step = np.gradient(x)
    widths = peak_widths(light, peaks, rel_height=0.5)[0]
    # undo the broadening by the filter
    widths = np.sqrt(np.maximum(widths**2 - (2.355 * width / 2) ** 2, (0.4 * fwhm_points) ** 2))
    widths = np.clip(widths, 0.5 * fwhm_points, 4 * fwhm_points)
    found_list = [
        Candidate(float(x[i]), float(max(light[i], 1e-12)), float(w * step[i]), float(s))
        for i, w, s in zip(peaks, widths, ratio, strict=True)
    ]
    if source is None or not source.doublet:
        return found_list
    return _without_second(found_list, source, in_angle)


def _without_second(found: list[Candidate], source: Source, in_angle: bool) -> list[Candidate]:
    assert source.wavelength2 is not None
    assert source.ratio is not None
    shift = source.wavelength2 / source.wavelength
    kept: list[Candidate] = []
    for peak in found:
        second = False
        for first in kept:
            place, _ = doublet_center(first.center, shift, in_angle)
            if (
                abs(peak.center - place) < 0.35 * first.fwhm
                and place - first.center > 0.3 * first.fwhm
                and peak.height < 1.3 * source.ratio * first.height
            ):
                second = True
        if not second:
            kept.append(peak)
    return kept
