"""Which peaks a group holds: insignificant ones are taken out, shoulders are added."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peakfit import GroupFit, Shape, fit_group
from consilience_xrd.lines.profiles import Components, doublet_center

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fit_members", "with_shoulders"]


def fit_members(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    base: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    members: list[Candidate],
    window: float,
    group: int,
    significance: float,
    leftmost: float,
    rightmost: float,
) -> GroupFit | None:
    """Fit a group; peaks that turn out insignificant are taken out and the rest fitted again."""
    while members:
        left = min(c.center - window * c.fwhm for c in members)
        last = max(members, key=lambda c: c.center)
        right = max(c.center + window * c.fwhm for c in members)
        right += doublet_center(last.center, components[-1][0], in_angle)[0] - last.center
        left, right = max(left, leftmost), min(right, rightmost)
        i, j = int(np.searchsorted(x, left)), int(np.searchsorted(x, right))
        need = 4 * len(members) + 4
        if j - i < need:
            extra = (need - (j - i) + 1) // 2
            i, j = max(0, i - extra), min(len(x), j + extra)
        if j - i < need:
            return None
        part = slice(i, j)
        got = fit_group(
            x[part], y[part], members, base[part],
            None if sigma is None else sigma[part], counts, components, in_angle, shape,
            group=group,
        )  # fmt: skip
        weak = [k for k, peak in enumerate(got.peaks) if peak.significance < 0.8 * significance]
        if not weak:
            return replace(got, window=part)
        worst = min(weak, key=lambda k: got.peaks[k].significance)
        members = [c for k, c in enumerate(members) if k != worst]
    return None


def with_shoulders(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    base: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    number: int,
    significance: float,
    got: GroupFit,
    rounds: int = 3,
) -> GroupFit:
    """Add peaks where a group's residual stands out: shoulders that have no maximum of their own.

    Kept only where chi-square falls by more than 40 times its value per degree of freedom for
    the three or four new parameters, half a width or more away from the next peak, and with at
    least 3 % of its height (closer or weaker ones are more likely misfit of the profile).
    """
    from scipy.ndimage import gaussian_filter1d

    for _ in range(rounds):
        first = got.peaks[0]
        if first.dof <= 0 or (first.chi2_reduced < 2 and (sigma is not None or counts)):
            break
        part = got.window
        xs = x[part]
        width = float(np.median([p.fwhm for p in got.peaks]))
        points = max(width / float(np.median(np.diff(xs))) / 2.355, 0.8)
        residual = gaussian_filter1d(y[part] - got.model, points / 1.5)
        allowed = np.ones(len(xs), bool)
        floor = np.full(len(xs), 0.0)
        for p in got.peaks:
            allowed &= np.abs(xs - p.center) > 0.5 * p.fwhm
            floor = np.maximum(
                floor, np.where(np.abs(xs - p.center) < 3 * p.fwhm, 0.03 * p.height, 0)
            )
        allowed &= (xs - xs[0] > 0.5 * width) & (xs[-1] - xs > 0.5 * width)
        score = np.where(allowed & (residual > floor), residual, 0.0)
        at = int(np.argmax(score))
        if score[at] <= 0:
            break
        members = [Candidate(p.center, p.height, p.fwhm, p.significance) for p in got.peaks]
        members.append(Candidate(float(xs[at]), float(residual[at]), 0.8 * width, 0.0))
        members.sort(key=lambda c: c.center)
        wider = fit_group(
            xs, y[part], members, base[part],
            None if sigma is None else sigma[part], counts, components, in_angle, shape,
            group=number,
        )  # fmt: skip
        gain = first.chi2 - wider.peaks[0].chi2
        if (
            len(wider.peaks) != len(got.peaks) + 1
            or gain < 40 * max(wider.peaks[0].chi2_reduced, 1e-300)
            or min(p.significance for p in wider.peaks) < significance
        ):
            break
        got = replace(wider, window=part)
    return got
