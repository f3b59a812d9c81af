"""Difference and ratio of two aligned maps, with what counting and alignment make of each point.

Both maps are smoothed alike before they are subtracted, so that an interpolated map is not held
against a sharp one; how the smoothing correlates noise is propagated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.stats import norm

from consilience_xrf.change.operators import sampling, smoothing, varied
from consilience_xrf.change.shift import SMOOTH, Shift, refuse_other_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Difference", "map_difference"]

FEWEST = 20.0
"""(Signal/noise)^2 of the smoothed reference from which its noise is near enough to normal."""
ALPHA = 0.01


@dataclass(frozen=True)
class Difference:
    """A map minus the reference, on the reference's points.

    Attributes
    ----------
    difference, counting, systematic : ndarray, shape (rows, columns)
        In the maps' unit.  NaN where the moved map has no points.
    ratio, ratio_std : ndarray
        NaN where the reference does not stand out by 5 of its standard deviations.
    tested : ndarray of bool
        Points at which a change could be told: covered by both, and enough counts.
    scale, scale_std : float
        What the map was divided by first.
    p : float
        Chance of so great a difference at any tested point if nothing changed (Šidák).
    limit : float
        Standard deviations from which a point counts as changed at the level 0.01 for all points.
    """

    difference: NDArray[np.float64]
    counting: NDArray[np.float64]
    systematic: NDArray[np.float64]
    ratio: NDArray[np.float64]
    ratio_std: NDArray[np.float64]
    tested: NDArray[np.bool_]
    scale: float
    scale_std: float
    p: float
    limit: float

    @property
    def significance(self) -> NDArray[np.float64]:
        """Difference over its standard deviation, both errors."""
        return np.asarray(self.difference / np.hypot(self.counting, self.systematic))

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Points beyond the limit."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.tested & (np.abs(self.significance) > self.limit))

    @property
    def share(self) -> tuple[float, float] | None:
        """Share of tested points that changed, and its error from counting; None without points.

        A point that lies z standard deviations of counting off is beyond the limit again with the
        chance that another count brings it there; the noise of points is taken as independent.
        """
        number = int(self.tested.sum())
        if not number:
            return None
        far = np.abs(self.difference[self.tested]) / self.counting[self.tested]
        whole = np.hypot(self.counting, self.systematic)[self.tested] / self.counting[self.tested]
        again = norm.cdf(far - self.limit * whole)
        spread = float(np.sqrt(np.sum(again * (1.0 - again)))) / number
        return float(self.changed.sum()) / number, spread


def map_difference(
    reference: NDArray[np.float64],
    moved: NDArray[np.float64],
    variances: tuple[NDArray[np.float64], NDArray[np.float64]],
    shift: Shift,
    scale: tuple[float, float] = (1.0, 0.0),
) -> Difference:
    """Return what changed from point to point.

    Parameters
    ----------
    reference, moved : ndarray, shape (rows, columns)
        Finite.
    variances : pair of ndarray
    shift : Shift
        Of `moved` against `reference`.
    scale : (float, float)
        What `moved` is divided by, with its standard deviation: 1 for intensities as they are,
        the ratio of all matter for redistribution alone.

    Raises
    ------
    BadInputError
        The shapes differ.
    """
    refuse_other_shape(reference.shape, moved.shape, ("one", "the other"))
    rows, columns = reference.shape
    blur = smoothing(rows, SMOOTH), smoothing(columns, SMOOTH)
    base = blur[0] @ reference @ blur[1].T

    def brought(y: float, x: float, degree: int = 3) -> NDArray[np.float64]:
        left, right = _matrices((rows, columns), (y, x), blur, degree)
        return np.asarray(left @ moved @ right.T / scale[0])

    here = brought(shift.y, shift.x)
    left, right = _matrices((rows, columns), (shift.y, shift.x), blur, 3)
    noise = varied(left, variances[1], right) / scale[0] ** 2
    own = varied(blur[0], variances[0], blur[1])
    h = 0.05
    slopes = np.stack(
        [
            brought(shift.y + h, shift.x) - brought(shift.y - h, shift.x),
            brought(shift.y, shift.x + h) - brought(shift.y, shift.x - h),
        ]
    ) / (2 * h)
    aligned = np.einsum("kij,kl,lij->ij", slopes, shift.whole, slopes)
    # where straight lines happen to meet the spline, its error is that of the points beside
    lines = 0.5 * maximum_filter(np.abs(here - brought(shift.y, shift.x, 1)), size=3)
    scaled = here * scale[1] / scale[0]
    systematic = np.sqrt(np.clip(aligned, 0.0, None) + lines**2 + scaled**2)
    inside = _inside((rows, columns), shift)
    tested = inside & (base**2 >= FEWEST * own)
    difference = np.where(inside, here - base, np.nan)
    counting = np.sqrt(noise + own)
    far = np.abs(difference / np.hypot(counting, systematic))[tested]
    number = max(int(tested.sum()), 1)
    p = float(-np.expm1(number * np.log1p(-2 * norm.sf(far.max())))) if far.size else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        bright = inside & (base > 5 * np.sqrt(own))
        ratio = np.where(bright, here / base, np.nan)
        relative = (noise + systematic**2) / here**2 + own / base**2
        ratio_std = np.abs(ratio) * np.sqrt(relative)
    return Difference(
        difference,
        np.where(inside, counting, np.nan),
        np.where(inside, systematic, np.nan),
        ratio,
        ratio_std,
        tested,
        scale[0],
        scale[1],
        p,
        float(norm.isf(0.5 * -np.expm1(np.log1p(-ALPHA) / number))),
    )


def _matrices(
    shape: tuple[int, int],
    shift: tuple[float, float],
    blur: tuple[NDArray[np.float64], NDArray[np.float64]],
    degree: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolate at the shift, then smooth."""
    y, x = (
        np.asarray(b @ sampling(n, np.arange(n, dtype=np.float64) + s, degree))
        for b, n, s in zip(blur, shape, shift, strict=True)
    )
    return y, x


def _inside(shape: tuple[int, int], shift: Shift) -> NDArray[np.bool_]:
    """Points of the reference that the moved map covers, with half a step to spare."""
    both = [
        (np.arange(n) + s >= -0.5) & (np.arange(n) + s <= n - 0.5)
        for n, s in zip(shape, (shift.y, shift.x), strict=True)
    ]
    return np.asarray(np.logical_and.outer(*both))
