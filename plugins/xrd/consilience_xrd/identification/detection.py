"""What would have been seen of a line at a place where no peak was found."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.identification.results import AreaProbe
from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.peaks import components_of, tails_of, without_peaks
from consilience_xrd.lines.profiles import pseudo_voigt, pseudo_voigt_jacobian

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["WIDTHS", "area_limit"]

WIDTHS = (1.0, 2.0, 4.0)
"""Widths, in median widths of the peaks found, for which a line is looked for and a limit holds."""

LEAST_LEFT = 0.2
"""Least share of a line that the baseline has to leave for a limit to be stated."""

LEAST_INFORMATION = 0.02
"""Least share of what is known of an area that the peaks beside it may leave: else no limit."""

ETA = 0.5
"""Lorentzian fraction of a line that is looked for."""


def area_limit(pattern: Pattern, fit: PeakFit, decision: float = 3.0) -> AreaProbe:
    """Look for a line at a known place in what the fit left over, and say what would be seen.

    Parameters
    ----------
    decision : float
        Level in standard deviations from which an excess forbids "absent".

    Notes
    -----
    At a place q the area of a line is fitted to data minus model by linear least squares, together
    with a level and with all that the peaks fitted there can do in its place: their areas, places,
    widths and shapes, which have taken their part of such a line already.  Its standard deviation
    sigma_A comes from the noise.  The limit is Currie's with `decision` in place of 1.645:
    (decision + 1.645) sigma_A, plus 2.71 counts for Poisson data, so that a line at the limit is
    missed in at most 5 % of trials.  Both are done for `WIDTHS` times the median width; the limit
    is the largest, divided by the share of such a line that the baseline leaves, and the excess is
    the largest.

    References
    ----------
    .. [1] L. A. Currie, Anal. Chem. 40 (1968) 586, eq. 4 and 5.
    """
    search = _Search(pattern, fit, decision)
    widths = (WIDTHS[0] * search.width, WIDTHS[-1] * search.width)
    return AreaProbe(search.limit, search.excess, decision, widths, pattern.unit)


class _Search:
    """The residual of a fit, and lines to be looked for in it."""

    def __init__(self, pattern: Pattern, fit: PeakFit, decision: float) -> None:
        self.pattern, self.fit, self.decision = pattern, fit, decision
        clean = [p.fwhm for p in fit.peaks if not {"broad", "unresolved"} & set(p.flags)]
        self.step = float(np.median(np.diff(pattern.x)))
        self.width = float(np.median(clean)) if clean else fit.fwhm_points * self.step
        if pattern.intensity_unit == "count" and pattern.sigma is None:
            self.noise = np.sqrt(np.maximum(fit.model, 1.0))
        else:
            self.noise = fit.noise
        self.residual = pattern.intensity - fit.model
        used = np.isfinite(fit.model)
        x = pattern.x
        self.ends = (float(x[used][0]), float(x[used][-1])) if used.any() else (0.0, 0.0)
        self.in_angle = pattern.axis == "two_theta"
        self.components = components_of(pattern.source)
        self._left: dict[tuple[int, float], float] = {}

    def axis_of(self, q: float) -> float | None:
        """The place on the pattern's own axis."""
        if not self.in_angle:
            return q
        if self.pattern.source is None:
            return None
        return float(q_to_two_theta(q, self.pattern.source.wavelength))

    def fitted(
        self, at: float, wide: float, data: NDArray[np.float64]
    ) -> tuple[float, float] | None:
        """Area of a line at `at` in `data`, and its standard deviation; None where unknown."""
        x = self.pattern.x
        i, j = (int(v) for v in np.searchsorted(x, [at - 3 * wide, at + 3 * wide]))
        beside = [(a, b, n) for a, b, n in self._groups if a < j and b > i]
        if beside:
            i, j = min(i, *(a for a, _, _ in beside)), max(j, *(b for _, b, _ in beside))
        near = np.isfinite(self.noise[i:j]) & np.isfinite(data[i:j])
        if np.count_nonzero(near) < 5:
            return None
        weight = 1 / self.noise[i:j][near]
        shape = pseudo_voigt(x[i:j][near], at, wide, ETA) * weight
        others = self._nuisance(i, j, [n for _, _, n in beside])[near] * weight[:, None]
        # what the level and the peaks beside can do in its place costs information
        basis, _, _ = np.linalg.svd(others / np.linalg.norm(others, axis=0), full_matrices=False)
        own = shape - basis @ (basis.T @ shape)
        information = float(own @ own)
        if information <= LEAST_INFORMATION * float(shape @ shape):
            return None
        area = float(own @ (data[i:j][near] * weight)) / information
        return area, information**-0.5

    @cached_property
    def _groups(self) -> list[tuple[int, int, int]]:
        start = self.fit.used.start or 0
        return [
            (g.window.start + start, g.window.stop + start, n)
            for n, g in enumerate(self.fit.groups)
        ]

    def _nuisance(self, i: int, j: int, groups: list[int]) -> NDArray[np.float64]:
        """Columns of a level, and of all that the peaks of these groups can change."""
        x = self.pattern.x[i:j]
        columns = [np.ones(len(x))]
        start = self.fit.used.start or 0
        for number in groups:
            group = self.fit.groups[number]
            line = np.zeros(len(x))
            part = slice(group.window.start + start - i, group.window.stop + start - i)
            line[part] = 1.0
            columns += [line, line * (x - x.mean())]
            for peak in group.peaks:
                profile, *slopes = pseudo_voigt_jacobian(
                    x, peak.center, peak.fwhm, peak.eta, self.components, self.in_angle,
                    peak.asymmetry,
                )  # fmt: skip
                columns += [profile, *slopes[:3]]
        return np.array([c for c in columns if np.any(c)]).T

    @cached_property
    def _beneath(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """What the baseline was drawn under, and where that is not the data."""
        part = self.fit.used
        x, y = self.pattern.x[part], self.pattern.intensity[part]
        tails = tails_of(x, self.fit.peaks, self.components, self.in_angle)
        return without_peaks(
            x, y, self.fit.baseline.values[part], self.fit.groups, tails, self.components,
            self.in_angle,
        )  # fmt: skip

    def _baseline(self, added: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
        left, replaced = self._beneath
        about = self.fit.baseline.parameters
        return fit_baseline(
            left + np.where(replaced, 0.0, added),
            self.fit.baseline.method,
            about["lam"],
            about.get("p", 0.01),
        ).values

    @cached_property
    def _plain_baseline(self) -> NDArray[np.float64]:
        return self._baseline()

    def threshold(self, std: float) -> float:
        """Area that is found in 95 % of trials, where its standard deviation is `std`."""
        return (self.decision + 1.645) * std + (2.71 * self.step if self.fit.noise_known else 0.0)

    def left(self, at: float, wide: float) -> float:
        """Share of a line's area that is fitted after the baseline has taken its part."""
        place = round(2 * at / wide)
        if (place, wide) not in self._left:
            self._left[place, wide] = self._share(place * wide / 2, wide)
        return self._left[place, wide]

    def _share(self, at: float, wide: float) -> float:
        inner = min(3 * wide, 0.4 * (self.ends[1] - self.ends[0]))
        at = min(max(at, self.ends[0] + inner), self.ends[1] - inner)
        here = self.fitted(at, wide, self.residual)
        if here is None:
            return 0.0
        area = self.threshold(here[1])
        added = area * pseudo_voigt(self.pattern.x, at, wide, ETA)
        part = self.fit.used
        taken = np.full(len(added), np.nan)
        taken[part] = self._baseline(added[part]) - self._plain_baseline
        got = self.fitted(at, wide, added - taken)
        return 0.0 if got is None else min(got[0] / area, 1.0)

    def limit(self, q: float) -> float | None:
        """Least area of a line at q that is found in 95 % of trials; None where unknown."""
        at = self.axis_of(q)
        if at is None:
            return None
        least: list[float] = []
        for times in WIDTHS:
            got = self.fitted(at, times * self.width, self.residual)
            if got is None:
                return None
            share = self.left(at, times * self.width)
            if share < LEAST_LEFT:
                return None
            least.append(self.threshold(got[1]) / share)
        return max(least)

    def excess(self, q: float, room: float) -> float | None:
        """Largest area over its standard deviation within q ± room; None where unknown."""
        ends = [self.axis_of(max(q - room, 1e-6)), self.axis_of(q + room)]
        if ends[0] is None or ends[1] is None or not np.all(np.isfinite([ends[0], ends[1]])):
            return None
        found: list[float] = []
        for times in WIDTHS:
            wide = times * self.width
            places = np.arange(ends[0], ends[1] + self.step, max(0.25 * wide, self.step))
            for at in map(float, places):
                got = self.fitted(at, wide, self.residual)
                if got is not None:
                    found.append(got[0] / got[1])
        return max(found) if found else None
