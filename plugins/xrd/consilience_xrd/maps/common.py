"""What lines have in common at all points of a map: shape, own noise, what the baseline leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.lines.batch_profile import windows_model
from consilience_xrd.lines.profiles import Components
from consilience_xrd.lines.systematics import SOFTER, STIFFER
from consilience_xrd.maps.fitting import (
    FitSettings,
    base_and_noise,
    fit_block,
    fit_window,
    window_part,
)
from consilience_xrd.maps.lines import MapLine, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.maps.scan import Block

__all__ = ["with_baselines", "with_common_fractions", "with_shares"]

FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Lorentzian fractions tried for each window."""
FRACTION_STD = 0.2
"""Least uncertainty of a fraction, since tails and baseline pass into each other: all areas of a
line move together by what this does to them."""
ANYWHERE = 12**-0.5
"""Standard deviation of a fraction of which nothing is known but that it is one."""
APART = 10.0
"""Widths between lines that are planted at once to see what the baseline leaves of them."""
PLANTED = 6.0
"""Area of a planted line over its standard deviation: about that of a limit."""
MOST_POINTS = 48


def with_common_fractions(
    block: Block,
    q: NDArray[np.float64],
    lines: Sequence[MapLine],
    windows: Sequence[Window],
    settings: FitSettings,
    components: Components = ((1.0, 1.0),),
) -> list[MapLine]:
    """Lines with the Lorentzian fraction that single points of the map have.

    In the mean pattern lines that differ in place from point to point add up to another shape.
    For each window the fraction is the one for which chi-square, summed over the points of
    `block` where a line stands out, is least; where it stands out nowhere the mean's stays.
    """
    base, scatter = base_and_noise(block, settings)
    out = list(lines)
    for window in windows:
        sums, areas = [], []
        for eta in FRACTIONS:
            tried = [replace(line, eta=eta) for line in lines]
            here = window_part(block, q, tried, window, base, scatter, components)
            maps, chi2 = fit_window(here, settings, always=True)
            sums.append(chi2)
            seen = (maps["flags"] & 7) == 0
            areas.append(
                [
                    np.median(a[k]) if k.any() else np.nan
                    for a, k in zip(maps["area"], seen, strict=True)
                ]
            )
        if not np.isfinite(sums).all() or max(sums) <= 0:
            for i in window.lines:
                out[i] = replace(lines[i], area_sys=_by_fraction(lines[i], q, window, components))
            continue
        # a parabola through the least and its neighbours
        at = int(np.clip(np.argmin(sums), 1, len(FRACTIONS) - 2))
        a, b, _ = np.polyfit(FRACTIONS[at - 1 : at + 2], sums[at - 1 : at + 2], 2)
        best = -b / (2 * a) if a > 0 else FRACTIONS[int(np.argmin(sums))]
        best = float(np.clip(best, 0.0, 1.0))
        # chi-square rises by one within a standard deviation
        std = float(np.clip(a**-0.5 if a > 0 else ANYWHERE, FRACTION_STD, ANYWHERE))
        for k, i in enumerate(window.lines):
            here_areas = np.array([a[k] for a in areas])
            change = None
            if np.isfinite(here_areas).all() and (here_areas > 0).all():
                slope = np.gradient(np.log(here_areas), FRACTIONS)
                change = float(abs(np.interp(best, FRACTIONS, slope)) * std)
            if change is None:
                change = _by_fraction(replace(lines[i], eta=best), q, window, components)
            out[i] = replace(lines[i], eta=best, area_sys=change)
    return out


def _by_fraction(
    line: MapLine, q: NDArray[np.float64], window: Window, components: Components
) -> float:
    """Relative change of a line's area by an unknown fraction, where no point shows its shape."""
    x = q[window.first : window.last]
    t = np.linspace(-1, 1, len(x))

    def shape(eta: float) -> NDArray[np.float64]:
        values = np.array([[1.0, line.center, line.fwhm, eta, 0.0, 0.0]])
        return np.asarray(windows_model(x, values, t, components, False)[0])

    truth = shape(line.eta)
    low, high = (
        np.linalg.lstsq(np.stack([shape(eta), np.ones_like(t), t], axis=1), truth, rcond=None)[0][0]
        for eta in (0.0, 1.0)
    )
    return float(abs(high - low) * ANYWHERE)


def with_baselines(
    block: Block,
    q: NDArray[np.float64],
    lines: Sequence[MapLine],
    windows: Sequence[Window],
    settings: FitSettings,
    components: Components = ((1.0, 1.0),),
) -> list[MapLine]:
    """Lines with what another smoothness of the baseline does to their areas.

    Points of `block` are fitted again over baselines that follow half and twice the period.  The
    larger root mean square change is taken as half the width of a rectangular distribution; noise
    that it holds is not deducted.
    """
    few = np.unique(np.linspace(0, len(block.intensity) - 1, MOST_POINTS).astype(int))
    some = block.at(few)

    def areas(factor: float) -> NDArray[np.float64]:
        other = replace(settings, lam=settings.lam * factor)
        return fit_block(some, q, lines, windows, other, components, linear=True)["area"]

    plain = areas(1.0)
    moved = [(areas(factor) - plain) ** 2 for factor in (SOFTER, STIFFER)]
    out = list(lines)
    for i, line in enumerate(lines):
        known = [change[i][np.isfinite(change[i])] for change in moved]
        if all(len(k) for k in known):
            largest = max(float(np.sqrt(k.mean())) for k in known)
            out[i] = replace(line, base_sys=largest / 3**0.5)
    return out


def with_shares(
    block: Block,
    q: NDArray[np.float64],
    lines: Sequence[MapLine],
    windows: Sequence[Window],
    settings: FitSettings,
    components: Components = ((1.0, 1.0),),
) -> list[MapLine]:
    """Lines with the share of a weak one's area that the baseline leaves, and with their own noise.

    Lines of `PLANTED` standard deviations are added to points of `block`, far enough apart not to
    meet; the share is what their areas grow by, over what was added.
    """
    few = np.unique(np.linspace(0, len(block.intensity) - 1, MOST_POINTS).astype(int))
    some = block.at(few)
    plain = fit_block(some, q, lines, windows, settings, components, linear=True)
    noise = [v[np.isfinite(v)] for v in plain["null_std"]]
    # a line that lies in a gap of every pattern has no noise, and nothing to be planted
    size = [PLANTED * float(np.median(v)) if len(v) else 0.0 for v in noise]
    usable = [i for i in range(len(lines)) if size[i] > 0]
    out = list(lines)
    while usable:
        together: list[int] = []
        for i in usable:
            room = APART * lines[i].fwhm
            if all(abs(lines[i].center - lines[j].center) > room for j in together):
                together.append(i)
        usable = [i for i in usable if i not in together]
        added = np.zeros_like(q)
        for i in together:
            line = lines[i]
            values = np.array([[size[i], line.center, line.fwhm, line.eta, 0.0, 0.0]])
            added += windows_model(q, values, np.zeros_like(q), components, False)[0]
        planted = replace(some, intensity=some.intensity + added)
        got = fit_block(planted, q, lines, windows, settings, components, linear=True)
        for i in together:
            share = float(np.nanmean(got["area"][i] - plain["area"][i]) / size[i])
            out[i] = replace(out[i], share=float(np.clip(share, 0.0, 1.0)))
    if block.gain is None:
        return out
    gain = np.median(np.broadcast_to(block.gain, block.intensity.shape), axis=0)
    return [replace(line, own_noise=_own_noise(line, q, gain, components)) for line in out]


def _own_noise(
    line: MapLine, q: NDArray[np.float64], gain: NDArray[np.float64], components: Components
) -> float:
    """By how much the variance of a fitted area grows with the area, from the line's own counts."""
    near = np.abs(q - line.center) < 4 * line.fwhm
    near &= gain > 0
    if np.count_nonzero(near) < 5:
        return 0.0
    x = q[near]
    values = np.array([[1.0, line.center, line.fwhm, line.eta, 0.0, 0.0]])
    shape = windows_model(x, values, np.zeros_like(x), components, False)[0]
    estimator = np.linalg.pinv(np.stack([shape, np.ones_like(x), x - x.mean()], axis=1))[0]
    return float(np.sum(estimator**2 * shape / gain[near]))
