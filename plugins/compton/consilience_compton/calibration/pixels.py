"""Each pixel's energy scale from the detector's own lines, and which pixels cannot be used."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from consilience_compton.calibration.fitting import (
    FWHM_START,
    LineFit,
    LineModel,
    fit_lines,
    free_families,
    line_residuals,
)
from consilience_compton.calibration.lines import ELEMENTS, LineGroup, with_tail
from consilience_compton.calibration.sums import Sums

__all__ = [
    "STATUS",
    "Calibration",
    "LineTable",
    "calibrate",
    "line_table",
]

Array = NDArray[np.float64]
STATUS = ("good", "pooled", "dead", "few counts", "insensitive", "hot", "wide", "shifted")
"""What the numbers of `Calibration.status` mean; the first two can be used."""
TIMES = 3.0
"""Hot or insensitive: so many times more or fewer counts than the median pixel."""
WIDE = 1.5
"""Of the median width."""
SHIFTED = 6.0
"""Robust standard deviations of all pixels, and at least `SHIFTED_KEV`."""
SHIFTED_KEV = 0.3
POOLS = (3, 5, 7, 11, 15)
"""Sides of the squares of pixels that are put together until the wanted error is reached."""
TAILS = (0.02, 0.05, 0.1, 0.15)
"""Shares of a line in a tail towards low energy that are tried beside none."""
SEEN = 5.0
"""A group of lines is used if it is this many standard deviations strong in the sum."""


@dataclass(frozen=True)
class LineTable:
    """Lines of the sum spectrum beside the straight scale that was fitted to all of them.

    Parameters
    ----------
    names : tuple of str
    energy : ndarray
        Tabulated means, keV.
    counts, residual, residual_std : ndarray
        Counts; energy found less tabulated, and its statistical error, keV.
    fit : LineFit
        Of the sum spectrum, Gaussian lines.
    tail : float
        Share of each line in an exponential tail of 1.5 keV that the sum spectrum prefers.
    tailed : LineFit
        With that tail, or with the smallest that was tried where none is preferred.
    """

    names: tuple[str, ...]
    energy: Array
    counts: Array
    residual: Array
    residual_std: Array
    fit: LineFit
    tail: float
    tailed: LineFit

    def shape(self, energy: float) -> float:
        """Systematic error at `energy` (keV) by the shape of the lines.

        How far the scale moves with the tail that the lines prefer; half of what the smallest
        tail does where they prefer none.
        """
        moved = abs(float(self.tailed.at(energy)[0][0] - self.fit.at(energy)[0][0]))
        return moved if self.tail else 0.5 * moved

    def straightness(self, energy: float) -> float | None:
        """Systematic error at `energy` (keV) by lines that do not lie on the straight scale.

        The scatter of the lines beyond counting, times the leverage that a straight line
        through them has there; None for fewer than three lines, which cannot tell.  Scatter
        below what counting lets one see is taken as just that, not as nothing.  To this is added
        what a parabola through the lines would have at `energy`, as far as counting shows it:
        a bent scale leaves little scatter within the lines and much beyond them.
        """
        if self.energy.size < 3:
            return None
        scatter, mean, spread = self._scatter()
        leverage = 1.0 / self.energy.size + (energy - mean) ** 2 / spread
        return math.sqrt(scatter * leverage + self._bend(energy) ** 2)

    def of_scale(self) -> tuple[float, float] | None:
        """Systematic errors of scale and shift (keV), by scatter and shape of the lines.

        None for fewer than three lines.  They go together: at the lines and beyond them the error
        is that of `shape` and `straightness`.
        """
        if self.energy.size < 3:
            return None
        scatter, mean, spread = self._scatter()
        part = 1.0 if self.tail else 0.5
        by_shape = part * abs(float(self.tailed.scale[0] - self.fit.scale[0]))
        of_shift = math.sqrt(scatter * (1.0 / self.energy.size + mean**2 / spread))
        return math.hypot(math.sqrt(scatter / spread), by_shape), math.hypot(
            of_shift, self.shape(0.0)
        )

    def _scatter(self) -> tuple[float, float, float]:
        """Variance of a line about the scale (keV²), and mean and spread of the lines."""
        counting = float(np.mean(self.residual_std**2))
        beyond = float(np.mean(self.residual**2)) - counting
        least = counting * math.sqrt(2.0 / self.energy.size)
        mean = float(self.energy.mean())
        spread = float(np.sum((self.energy - mean) ** 2))
        free = self.energy.size / (self.energy.size - 2)
        return max(beyond, least) * free, mean, spread

    def _bend(self, energy: float) -> float:
        """What a parabola through the lines has at `energy` beyond its own error, keV."""
        if self.energy.size < 4:
            return 0.0
        middle = float(self.energy.mean())
        x = np.vander((self.energy - middle) / middle, 3)
        weight = 1.0 / np.maximum(self.residual_std, 1e-9)
        information = (x * weight[:, None] ** 2).T @ x
        covariance = np.linalg.pinv(information, hermitian=True)
        found = covariance @ (x.T @ (weight**2 * self.residual))
        here = np.vander([(energy - middle) / middle], 3)[0]
        square = float(here @ found) ** 2 - float(here @ covariance @ here)
        return math.sqrt(max(square, 0.0))


@dataclass(frozen=True)
class Calibration:
    """Energy scales of all pixels.

    Parameters
    ----------
    scale, shift : ndarray, shape (rows, columns)
        E = scale·E_stated + shift (keV); NaN where not known.
    covariance : ndarray, shape (rows, columns, 2, 2)
    fwhm : ndarray, shape (rows, columns, regions)
        keV, of the pixel itself, not of its pool.
    status : ndarray of uint8, shape (rows, columns)
        Index into `STATUS`.
    pool : ndarray of uint8, shape (rows, columns)
        Side of the square of pixels whose counts gave the scale; 1 for the pixel alone.
    table : LineTable
    energy : float
        Where errors were judged, keV.
    """

    scale: Array
    shift: Array
    covariance: Array
    fwhm: Array
    status: NDArray[np.uint8]
    pool: NDArray[np.uint8]
    table: LineTable
    energy: float

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels that can be used."""
        return self.status < 2

    def at(self, energy: float) -> tuple[Array, Array]:
        """Return the correction at a stated energy and its statistical error, keV."""
        c = self.covariance
        var = energy**2 * c[..., 0, 0] + 2 * energy * c[..., 0, 1] + c[..., 1, 1]
        moved = (self.scale - 1.0) * energy + self.shift
        return moved, np.sqrt(np.maximum(var, 0.0))


def line_table(sums: Sums, elements: tuple[str, ...] = ELEMENTS) -> LineTable | None:
    """Fit the lines of the sum of all pixels; None where fewer than two groups are seen.

    Raises
    ------
    BadInputError
        The energy axis holds no region with lines.
    """
    summed, escaped = (_whole(part.sum(axis=(0, 1)), sums) for part in (sums.lines, sums.escape))
    families = free_families(elements)
    while len(families) >= 2:
        model = LineModel(sums.edges, families, FWHM_START)
        fit = fit_lines(summed[None], model, escaped[None])
        seen = fit.strength[0] > SEEN * fit.strength_std[0]
        seen &= np.isfinite(fit.scale[0])
        if seen.all():
            rest = line_residuals(summed, model, fit, escaped)
            groups = [family[0][0] for family in families]
            tail, tailed = _with_tails(summed, escaped, model, fit)
            return LineTable(
                tuple(g.name for g in groups),
                np.array([g.mean for g in groups]),
                fit.strength[0],
                rest[:, 0],
                rest[:, 1],
                fit,
                tail,
                tailed,
            )
        families = tuple(f for f, keep in zip(families, seen, strict=True) if keep)
    return None


def _whole(values: Array, sums: Sums) -> Array:
    """Values of the bins that are used, (..., m), on the whole axis."""
    whole = np.zeros((*values.shape[:-1], sums.used.size))
    whole[..., sums.used] = values
    return whole


def _with_tails(
    summed: Array, escaped: Array, model: LineModel, fit: LineFit
) -> tuple[float, LineFit]:
    """The tail that fits best, 0 where none does, and the fit with it or with the smallest."""
    tried = {}
    for share in TAILS:
        families = tuple(tuple((with_tail(g, share), f) for g, f in fam) for fam in model.families)
        tried[share] = fit_lines(summed[None], replace(model, families=families), escaped[None])
    best = min(tried, key=lambda share: float(tried[share].deviance[0]))
    if tried[best].deviance[0] < fit.deviance[0]:
        return best, tried[best]
    return 0.0, tried[TAILS[0]]


def calibrate(
    sums: Sums,
    table: LineTable,
    energy: float,
    wanted: float = 0.1,
    elements: tuple[str, ...] = ELEMENTS,
) -> Calibration:
    """Fit every pixel, and pixels with too few counts together with their neighbours.

    Parameters
    ----------
    sums : Sums
    table : LineTable
        Of the same cube.
    energy : float
        Where the error counts, keV: the Compton peak.
    wanted : float
        Statistical error at `energy`, keV, above which neighbours are added.

    Returns
    -------
    Calibration
    """
    rows, columns = sums.total.shape
    model = _by_element(sums, table, elements)
    spectra, escaped = (
        _whole(part.reshape(rows * columns, -1), sums) for part in (sums.lines, sums.escape)
    )
    fit = fit_lines(spectra, model, escaped)
    status = _judged(sums.total, fit, energy, wanted)
    scale, shift = fit.scale.copy(), fit.shift.copy()
    covariance = fit.covariance.copy()
    pool = np.ones(rows * columns, dtype=np.uint8)
    flat = status.ravel()
    usable = np.isin(flat, (0, 3)).reshape(rows, columns)
    for side in POOLS:
        wanting = np.flatnonzero(flat == 3)
        if not wanting.size or side > 2 * max(rows, columns):
            break
        together, escaped = (
            _whole(np.rint(_pooled(part, usable, side)[wanting]), sums)
            for part in (sums.lines, sums.escape)
        )
        pooled = fit_lines(together, model, escaped)
        reached = pooled.at(energy)[1] <= wanted  # False for NaN
        at = wanting[reached]
        scale[at], shift[at] = pooled.scale[reached], pooled.shift[reached]
        covariance[at] = pooled.covariance[reached]
        pool[at], flat[at] = side, 1
    lost = flat >= 2
    scale[lost & (flat != 6) & (flat != 7)] = np.nan
    shape = (rows, columns)
    fwhm = fit.width * np.array(FWHM_START)
    return Calibration(
        scale.reshape(shape),
        np.where(np.isfinite(scale), shift, np.nan).reshape(shape),
        covariance.reshape(*shape, 2, 2),
        fwhm.reshape(*shape, -1),
        flat.reshape(shape).astype(np.uint8),
        pool.reshape(shape),
        table,
        energy,
    )


def _pooled(values: Array, usable: NDArray[np.bool_], side: int) -> Array:
    """Sum over the square of usable pixels about each, (pixels, m)."""
    inside = np.where(usable[..., None], values, 0.0)
    summed = uniform_filter(inside, (side, side, 0), mode="constant") * side**2
    return np.asarray(summed.reshape(usable.size, -1))


def _by_element(sums: Sums, table: LineTable, elements: tuple[str, ...]) -> LineModel:
    """One family for each element, with the ratio of its groups as in the sum."""
    counts = dict(zip(table.names, table.counts, strict=True))
    families: list[tuple[tuple[LineGroup, float], ...]] = []
    for element in elements:
        members = [f[0][0] for f in free_families((element,)) if f[0][0].name in counts]
        if members:
            most = max(counts[g.name] for g in members)
            families.append(tuple((g, float(counts[g.name] / most)) for g in members))
    return LineModel(sums.edges, tuple(families), FWHM_START)


def _judged(total: Array, fit: LineFit, energy: float, wanted: float) -> NDArray[np.uint8]:
    """Return the status of each pixel, flat order in the shape of `total`."""
    flat = total.ravel()
    status = np.zeros(flat.size, dtype=np.uint8)
    alive = flat > 0
    median = float(np.median(flat[alive]))
    moved, std = fit.at(energy)
    known = np.isfinite(moved) & (std <= wanted)
    width = fit.width[:, 0]
    if known.sum() >= 10:
        middle = float(np.median(moved[known]))
        sigma = 1.4826 * float(np.median(np.abs(moved[known] - middle)))
        far = np.abs(moved - middle) > max(SHIFTED * sigma, SHIFTED_KEV)
        status[known & far] = 7
        status[known & (width > WIDE * float(np.median(width[known])))] = 6
    status[~known] = 3
    status[flat > TIMES * median] = 5
    status[flat < median / TIMES] = 4
    status[~alive] = 2
    return status.reshape(total.shape)
