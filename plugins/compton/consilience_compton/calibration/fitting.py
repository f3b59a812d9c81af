"""Fit the energy scale to the detector's lines, many spectra at once.

Counts of a bin are expected to be lines (Gaussians of one width in each region, integrated over
the bin) on a quadratic background in each region, and a share of what the same spectrum has a
Cd Kα photon higher, which its escape leaves.  Free for each spectrum: scale a and shift b of
E = a·E_stated + b, a factor on the width in each region, the strength of each group of lines (or of
each element with the ratios of a first fit), the backgrounds and that share.  Maximum likelihood
for Poisson counts by Fisher scoring with damping; variances are the model's, never the observed
counts'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from consilience.errors import BadInputError
from consilience_compton.calibration.lines import REGIONS, LineGroup, detector_lines
from consilience_compton.spectra import centres

__all__ = ["FWHM_START", "LineFit", "LineModel", "fit_lines", "free_families", "line_residuals"]

Array = NDArray[np.float64]
ROUNDS = 60
CHUNK_BYTES = 24 << 20
ORDER = 2
"""Of the polynomial under the lines of a region."""
SMALLEST = 1e-3
"""Expected counts of a bin are not allowed below this."""
COARSE = np.arange(-4.0, 4.01, 0.25)
"""keV: shifts tried before the fit."""
FWHM = 2.354820045
FWHM_START = (0.8,) * len(REGIONS)
"""keV: where widths start; they are free."""
BEYOND = 5.0
"""A spectrum without its maximum within this many keV of the start is not believed."""


@dataclass(frozen=True)
class LineModel:
    """What is fitted: lines in families of fixed ratio, bins, regions and widths.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
        Of the stated energy axis, keV.
    families : tuple of tuple of (LineGroup, float)
        Lines that rise and fall together, with the factor on the tabulated weight of each.
    fwhm : tuple of float
        In keV, for each region.
    """

    edges: Array
    families: tuple[tuple[tuple[LineGroup, float], ...], ...]
    fwhm: tuple[float, ...]
    regions: tuple[tuple[float, float], ...] = REGIONS

    def parts(self) -> list[NDArray[np.bool_]]:
        """Which bins belong to each region; a region that the axis does not hold has none."""
        middle = centres(self.edges)
        found = []
        for low, high in self.regions:
            inside = (middle > low) & (middle < high)
            whole = self.edges[0] <= low and self.edges[-1] >= high
            found.append(inside if whole else np.zeros_like(inside))
        return found

    @property
    def used(self) -> NDArray[np.bool_]:
        """The bins that are fitted."""
        used: NDArray[np.bool_] = np.any(self.parts(), axis=0)
        return used


@dataclass(frozen=True)
class LineFit:
    """Results for m spectra.

    Parameters
    ----------
    scale, shift : ndarray, shape (m,)
        E = scale·E_stated + shift, keV; NaN where nothing could be fitted.
    covariance : ndarray, shape (m, 2, 2)
        Of scale and shift.
    width : ndarray, shape (m, regions)
        Factor on the widths of the model; 1 where the axis does not hold a region.
    strength, strength_std : ndarray, shape (m, families)
        Counts of each family.
    deviance : ndarray, shape (m,)
        Of Poisson, for each degree of freedom.
    """

    scale: Array
    shift: Array
    covariance: Array
    width: Array
    strength: Array
    strength_std: Array
    deviance: Array

    def at(self, energy: float) -> tuple[Array, Array]:
        """Return the correction at a stated energy, and its statistical error, both in keV."""
        moved = (self.scale - 1.0) * energy + self.shift
        c = self.covariance
        var = energy**2 * c[:, 0, 0] + 2 * energy * c[:, 0, 1] + c[:, 1, 1]
        return moved, np.sqrt(np.maximum(var, 0.0))


def fit_lines(
    counts: NDArray[np.generic], model: LineModel, escape: Array | None = None
) -> LineFit:
    """Fit scale, shift, width and strengths of m spectra.

    Parameters
    ----------
    counts : ndarray, shape (m, n)
    model : LineModel
    escape : ndarray, shape (m, n), optional
        Counts from which a share falls into the bin (`Sums.escape`); None: there is no escape.

    Returns
    -------
    LineFit

    Raises
    ------
    BadInputError
        The energy axis holds none of the regions with lines.
    """
    used = model.used
    if not used.any():
        spans = " or ".join(f"{low:g} to {high:g}" for low, high in model.regions)
        raise BadInputError(
            f"the energy axis, {model.edges[0]:g} to {model.edges[-1]:g} keV, does not hold the "
            f"detector's lines ({spans} keV)",
            fix="give spectra from 20 keV on; check the unit of the bins",
        )
    kernel = _Kernel(model)
    each = 8 * int(used.sum()) * (kernel.size + 3)
    step = max(1, CHUNK_BYTES // each)
    parts = [
        kernel.fit(
            np.asarray(counts[i : i + step][:, used], dtype=np.float64),
            None if escape is None else escape[i : i + step][:, used],
        )
        for i in range(0, len(counts), step)
    ]
    names = ("scale", "shift", "covariance", "width", "strength", "strength_std", "deviance")
    return LineFit(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def line_residuals(
    counts: NDArray[np.generic], model: LineModel, fit: LineFit, escape: Array | None = None
) -> Array:
    """Return where each family lies beside the straight scale, and the error, both in keV.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        One spectrum, that `fit` is of.
    model : LineModel
        With one family for each group.
    fit : LineFit
    escape : ndarray, shape (n,), optional
        That the fit was given.

    Returns
    -------
    ndarray, shape (families, 2)
        Energy found less energy tabulated, one linear step from the fit with all strengths and
        backgrounds free; positive where the line is found too high.
    """
    kernel = _Kernel(model)
    n = np.asarray(counts, dtype=np.float64)[model.used]
    value, _, by_shift, by_width = kernel.shapes(fit.scale, fit.shift, fit.width)
    wider = [fit.strength[0] @ part[0] for part in by_width]
    moved = fit.strength[0][:, None] * by_shift[0]
    # a family that is found too high needs the axis moved down for it: the sign of b
    below = kernel.flat if escape is None else np.vstack([kernel.flat, escape[model.used]])
    design = np.concatenate([-moved, value[0], below, wider])
    rest = design[kernel.number :]
    start = fit.strength[0] @ value[0]
    level, *_ = np.linalg.lstsq(below.T, n - start, rcond=None)
    mu = np.maximum(start + level @ below, SMALLEST)
    for _ in range(3):  # background and strengths that belong to these positions
        weight = 1.0 / np.sqrt(mu)
        step, *_ = np.linalg.lstsq((rest * weight).T, (n - mu) * weight, rcond=None)
        mu = np.maximum(mu + step @ rest, SMALLEST)
    weight = 1.0 / np.sqrt(mu)
    information = (design * weight) @ (design * weight).T
    covariance = np.linalg.pinv(information, rcond=1e-12, hermitian=True)
    found = covariance @ (design @ ((n - mu) / mu))
    k = kernel.number
    scale = float(fit.scale[0])
    std = np.sqrt(np.maximum(np.diag(covariance)[:k], 0.0))
    return np.stack([scale * found[:k], scale * std], axis=1)


class _Kernel:
    """The model's arrays, for the bins that are used."""

    def __init__(self, model: LineModel) -> None:
        parts = model.parts()
        used = model.used
        self.low = model.edges[:-1][used]
        self.high = model.edges[1:][used]
        region_of_bin = np.zeros(used.size, dtype=np.int64)
        for i, part in enumerate(parts):
            region_of_bin[part] = i
        self.present = [i for i, part in enumerate(parts) if part.any()]
        own = region_of_bin[used]
        self.lines: list[tuple[int, int, float, float, float, NDArray[np.intp]]] = []
        for f, family in enumerate(model.families):
            for group, factor in family:
                for energy, weight in zip(group.energies, group.weights, strict=True):
                    for i in self.present:
                        low, high = model.regions[i]
                        if low < energy < high:
                            bins = np.flatnonzero(own == i)
                            sigma = model.fwhm[i] / FWHM
                            line = (f, i, float(energy), weight * factor, sigma, bins)
                            self.lines.append(line)
        middle = 0.5 * (self.low + self.high)
        width = self.high - self.low
        flat = []
        for i in self.present:
            inside = own == i
            x = (middle - middle[inside].mean()) / (0.5 * np.ptp(middle[inside]))
            flat += [np.where(inside, width * x**k, 0.0) for k in range(ORDER + 1)]
        self.flat = np.array(flat)
        self.number = len(model.families)
        self.regions = len(parts)
        self.first = 2 + self.regions
        self.last = self.first + self.number + len(flat)
        self.size = self.last + 1  # the share that escapes

    def shapes(
        self, scale: Array, shift: Array, width: Array
    ) -> tuple[Array, Array, Array, list[Array]]:
        """Lines of unit strength, (m, families, bins), and their slopes along a, b and widths."""
        m, n = scale.size, self.low.size
        value = np.zeros((m, self.number, n))
        by_centre = np.zeros_like(value)
        by_centre_e = np.zeros_like(value)
        by_width = [np.zeros_like(value) for _ in range(self.regions)]
        for f, i, energy, weight, sigma0, bins in self.lines:
            centre = ((energy - shift) / scale)[:, None]
            sigma = (sigma0 * width[:, i])[:, None]
            z_low = (self.low[bins] - centre) / sigma
            z_high = (self.high[bins] - centre) / sigma
            g_low = np.exp(-0.5 * z_low**2) / np.sqrt(2 * np.pi)
            g_high = np.exp(-0.5 * z_high**2) / np.sqrt(2 * np.pi)
            area = 0.5 * (erf(z_high / np.sqrt(2)) - erf(z_low / np.sqrt(2)))
            slope = -(g_high - g_low) / sigma
            value[:, f, bins] += weight * area
            by_centre[:, f, bins] += weight * slope
            by_centre_e[:, f, bins] += weight * slope * centre
            wider = -(z_high * g_high - z_low * g_low) / width[:, i, None]
            by_width[i][:, f, bins] += weight * wider
        # centre = (E − b)/a: d/da = −centre/a, d/db = −1/a
        a = scale[:, None, None]
        return value, -by_centre_e / a, -by_centre / a, by_width

    def fit(self, n: Array, escape: Array | None) -> LineFit:
        """Fisher scoring on one block of spectra; without `escape` its share stays 0."""
        m = len(n)
        escape = np.zeros_like(n) if escape is None else escape
        theta = np.zeros((m, self.size))
        theta[:, 0], theta[:, 2 : self.first] = 1.0, 1.0
        theta[:, 1] = self._coarse(n)
        theta[:, self.first : self.last] = self._start(n, theta[:, 1])
        damping = np.full(m, 1e-2)
        mu, jac = self._model(theta, escape)
        loss = _deviance(n, mu)
        live = np.flatnonzero(n.sum(axis=1) > 0)
        for _ in range(ROUNDS):
            if not live.size:
                break
            hessian, gradient = _normal(n[live], mu[live], jac[live])
            lift = np.einsum("mii->mi", hessian) * damping[live, None] + 1e-12
            step = np.linalg.solve(
                hessian + lift[:, :, None] * np.eye(self.size), gradient[..., None]
            )
            trial = self._bounded(theta[live] + step[..., 0])
            new_mu, new_jac = self._model(trial, escape[live])
            new = _deviance(n[live], new_mu)
            better = new <= loss[live]
            at = live[better]
            done = better & (loss[live] - new < 1e-6 * (1.0 + loss[live]))
            theta[at], mu[at], jac[at] = trial[better], new_mu[better], new_jac[better]
            loss[at] = new[better]
            damping[live] = np.clip(damping[live] * np.where(better, 0.2, 8.0), 1e-9, 1e9)
            live = live[~(done | (damping[live] >= 1e8))]
        return self._result(n, theta, mu, jac, loss)

    def _bounded(self, theta: Array) -> Array:
        theta[:, 0] = np.clip(theta[:, 0], 0.7, 1.4)
        theta[:, 1] = np.clip(theta[:, 1], -15.0, 15.0)
        theta[:, 2 : self.first] = np.clip(theta[:, 2 : self.first], 0.3, 5.0)
        return theta

    def _model(self, theta: Array, escape: Array) -> tuple[Array, Array]:
        value, by_scale, by_shift, by_width = self.shapes(
            theta[:, 0], theta[:, 1], theta[:, 2 : self.first]
        )
        strength = theta[:, self.first : self.first + self.number]
        flat = theta[:, self.first + self.number : self.last]
        raw = np.einsum("mf,mfn->mn", strength, value) + flat @ self.flat
        raw += theta[:, self.last :] * escape
        jac = np.empty((len(theta), self.size, self.low.size))
        for i, part in enumerate((by_scale, by_shift, *by_width)):
            jac[:, i] = np.einsum("mf,mfn->mn", strength, part)
        jac[:, self.first : self.first + self.number] = value
        jac[:, self.first + self.number : self.last] = self.flat
        jac[:, self.last] = escape
        # where the polynomial falls below nothing, the expectation no longer depends on it
        jac *= (raw > SMALLEST)[:, None, :]
        return np.maximum(raw, SMALLEST), jac

    def _coarse(self, n: Array) -> Array:
        """The shift at which the strongest lines fit best."""
        ones = np.ones((COARSE.size, self.regions))
        shape = self.shapes(ones[:, 0], COARSE, ones)[0]
        table = shape.sum(axis=1)
        # without its mean in each region, a flat background has no say
        flat, *_ = np.linalg.lstsq(self.flat.T, table.T, rcond=None)
        table = table - flat.T @ self.flat
        score = n @ (table / np.linalg.norm(table, axis=1, keepdims=True)).T
        return np.asarray(COARSE[np.argmax(score, axis=1)])

    def _start(self, n: Array, shift: Array) -> Array:
        """Strengths and backgrounds by least squares at the start, for each coarse shift."""
        start = np.zeros((len(n), self.last - self.first))
        for one in np.unique(shift):
            rows = shift == one
            shape = self.shapes(np.ones(1), np.array([one]), np.ones((1, self.regions)))[0][0]
            design = np.concatenate([shape, self.flat]).T
            found, *_ = np.linalg.lstsq(design, n[rows].T, rcond=None)
            start[rows] = found.T
        strength = np.maximum(start[:, : self.number], 1.0)
        # a level that is above nothing everywhere, not the parabola of a few counts
        level = np.zeros((len(n), self.flat.shape[0]))
        for k in range(0, self.flat.shape[0], ORDER + 1):
            inside = self.flat[k] > 0
            span = float(self.flat[k].sum())
            least = np.quantile(n[:, inside] / self.flat[k][inside], 0.25, axis=1)
            level[:, k] = np.maximum(least, 0.5 / span)
        return np.concatenate([strength, level], axis=1)

    def _result(self, n: Array, theta: Array, mu: Array, jac: Array, loss: Array) -> LineFit:
        hessian, _ = _normal(n, mu, jac)
        scaled = np.sqrt(np.maximum(np.einsum("mii->mi", hessian), 1e-30))
        unit = hessian / (scaled[:, :, None] * scaled[:, None, :])
        inverse = np.linalg.pinv(unit, rcond=1e-10, hermitian=True)
        covariance = inverse / (scaled[:, :, None] * scaled[:, None, :])
        free = max(1, self.low.size - self.size)
        lost = (n.sum(axis=1) <= 0) | (np.abs(theta[:, 1]) > BEYOND + 40 * np.abs(theta[:, 0] - 1))
        own = slice(self.first, self.first + self.number)
        lost |= theta[:, own].max(axis=1) <= 0
        scale, shift = (np.where(lost, np.nan, theta[:, i]) for i in (0, 1))
        var = np.maximum(np.einsum("mii->mi", covariance), 0.0)
        return LineFit(
            scale,
            shift,
            np.where(lost[:, None, None], np.nan, covariance[:, :2, :2]),
            np.where(lost[:, None], np.nan, theta[:, 2 : self.first]),
            theta[:, own],
            np.sqrt(var[:, own]),
            loss / free,
        )


def _normal(n: Array, mu: Array, jac: Array) -> tuple[Array, Array]:
    """Fisher information (m, p, p) and gradient (m, p)."""
    weighted = jac / mu[:, None, :]
    gradient = np.einsum("mpn,mn->mp", weighted, n - mu)
    return weighted @ jac.swapaxes(1, 2), gradient


def _deviance(n: Array, mu: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(n > 0, n * np.log(n / mu), 0.0)
    return np.asarray(2.0 * (part - (n - mu)).sum(axis=1))


def free_families(
    elements: tuple[str, ...],
) -> tuple[tuple[tuple[LineGroup, float], ...], ...]:
    """Return one family for each group of lines within the regions: every strength is free."""
    return tuple(((group, 1.0),) for group in detector_lines(elements) if _inside(group))


def _inside(group: LineGroup) -> bool:
    return any(low < group.mean < high for low, high in REGIONS)
