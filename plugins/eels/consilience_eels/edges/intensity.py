"""Counts of an edge over its background, with the errors of counting and of the extrapolation.

A spectrum's net counts are ``N − S``: N counts in the window of the edge, S what the power law
fitted before the edge puts there.  N and S come from different channels, so their errors add up.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), section 4.4.3: extrapolation, its variance and the parameter h.
.. [2] L. A. Currie, Anal. Chem. 40 (1968) 586: critical level and detection limit.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.edges.background import PowerLaw, channel_quadrature, fit_power_law, pre_edge
from consilience_eels.spectra import LossAxis, SpectrumRows, blocks_of_rows

__all__ = ["CURVATURE", "EdgeCounts", "Noise", "edge_counts", "influence", "map_edge"]

Array = NDArray[np.float64]
ONE_SIDED = 1.6448536269514722
"""Quantile of 5 %."""
CURVATURE = 0.5
"""What the curvature c of ``ln b = a − r u + c u²`` may be beforehand, as a standard deviation.

The exponent then changes by 1 where the energy grows by a factor e, about as measured spectra do
beyond the plasmons.
"""

OVER = 4.0
"""Standard deviations by which χ² has to be above 1 before it is taken for a misfit."""


@dataclass(frozen=True)
class Noise:
    """Variance of a channel: ``counts_per_electron · counts + readout``, in counts²."""

    counts_per_electron: float = 1.0
    readout: float = 0.0


@dataclass(frozen=True)
class EdgeCounts:
    """An edge in each of m spectra; every array has shape (m,), NaN where no background fits.

    Attributes
    ----------
    net : ndarray
        Counts of the edge.
    background : ndarray
        Counts of the extrapolated background in the edge's window.
    std : ndarray
        Of `net`, from counting and read-out.
    null_std : ndarray
        The same if there were no edge.
    fit_variance : ndarray
        Part of the variance that is the extrapolation's.
    form_std : ndarray
        What the form of the background is worth: its curvature as far as the window shows it,
        and `CURVATURE` as far as the window does not.
    misfit_std : ndarray
        What the fit's own error lacks where the window scatters more than the noise does: fine
        structure of another edge, or a gain that is too small.  0 where it does not.
    curvature_z : ndarray
        Curvature of the residuals in the window over its standard deviation.
    chi_square : ndarray
        Pearson's, over the degrees of freedom: about 1 if the noise is right.
    exponent : ndarray
    """

    net: Array
    background: Array
    std: Array
    null_std: Array
    fit_variance: Array
    form_std: Array
    misfit_std: Array
    curvature_z: Array
    chi_square: Array
    exponent: Array

    @property
    def h(self) -> Array:
        """Egerton's h: 1 plus the variance of the extrapolation over the background."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = 1.0 + self.fit_variance / self.background
        return found

    @property
    def signal_to_noise(self) -> Array:
        """Net counts over their standard deviation."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = self.net / self.std
        return found

    @property
    def sys_std(self) -> Array:
        """Form of the background and misfit together."""
        found: Array = np.hypot(self.form_std, self.misfit_std)
        return found

    def critical(self, *, with_form: bool = True) -> Array:
        """Net counts that no edge gives in 5 % of spectra (α = 0.05)."""
        return ONE_SIDED * self._null(with_form)

    def detection(self, gain: float = 1.0, *, with_form: bool = True) -> Array:
        """Net counts of an edge that is missed in 5 % of spectra (β = 0.05)."""
        return ONE_SIDED**2 * gain + 2.0 * ONE_SIDED * self._null(with_form)

    def _null(self, with_form: bool) -> Array:
        return np.hypot(self.null_std, self.sys_std) if with_form else self.null_std


def edge_counts(
    axis: LossAxis,
    spectra: NDArray[Any],
    before: tuple[float, float],
    edge: tuple[float, float],
    noise: Noise = Noise(),
    curvature: float = CURVATURE,
) -> EdgeCounts:
    """Return the counts of an edge in each of some spectra.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (m, channels)
    before, edge : pair of float
        Windows of the background and of the edge, eV.
    noise : Noise
    curvature : float
        See `CURVATURE`.

    Raises
    ------
    BadInputError
        A window is not within the axis, or holds too few channels.
    """
    window, region = pre_edge(axis, *before), axis.window(*edge)
    return _counts(axis, spectra[:, window], spectra[:, region], window, region, noise, curvature)


def map_edge(
    cube: SpectrumRows,
    axis: LossAxis,
    before: tuple[float, float],
    edge: tuple[float, float],
    noise: Noise = Noise(),
    curvature: float = CURVATURE,
) -> EdgeCounts:
    """Return the counts of an edge in each pixel, in the order of ``cube.reshape(-1, n)``.

    The cube is read in blocks, and only the channels of the two windows.
    """
    window, region = pre_edge(axis, *before), axis.window(*edge)
    both = slice(min(window.start, region.start), max(window.stop, region.stop))
    parts = []
    for _, block in blocks_of_rows(cube, channels=both):
        first = block[:, window.start - both.start : window.stop - both.start]
        second = block[:, region.start - both.start : region.stop - both.start]
        parts.append(_counts(axis, first, second, window, region, noise, curvature))
    names = EdgeCounts.__dataclass_fields__
    return EdgeCounts(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def _counts(
    axis: LossAxis,
    before: NDArray[Any],
    inside: NDArray[Any],
    window: slice,
    region: slice,
    noise: Noise,
    curvature: float,
) -> EdgeCounts:
    energy, beyond = axis.energy[window], axis.energy[region]
    counts = np.asarray(before, dtype=np.float64)
    fit = fit_power_law(energy, counts)
    model = fit.counts(energy)
    nodes, weights = channel_quadrature(beyond)
    under = fit.counts(nodes) * weights
    background = under.sum(axis=1)
    slope = -under @ np.log(nodes / fit.reference)
    lever = np.stack([background, slope], axis=1)
    covariance = fit.covariance(noise.counts_per_electron, noise.readout)
    fit_variance = np.einsum("mi,mij,mj->m", lever, covariance, lever)
    seen = np.asarray(inside.sum(axis=1, dtype=np.float64))
    of_readout = noise.readout * beyond.size
    gain = noise.counts_per_electron
    variance = gain * np.clip(seen, 0.0, None) + of_readout + fit_variance
    null = gain * np.clip(background, 0.0, None) + of_readout + fit_variance
    form, z = _form(counts - model, model, under, fit, energy, nodes, noise, curvature)
    expected = gain * model + noise.readout
    chi_square = ((counts - model) ** 2 / expected).sum(axis=1) / (energy.size - 2)
    degrees = energy.size - 2
    over = np.where(chi_square > 1.0 + OVER * np.sqrt(2.0 / degrees), chi_square - 1.0, 0.0)
    return EdgeCounts(
        net=seen - background,
        background=background,
        std=np.sqrt(variance),
        null_std=np.sqrt(null),
        fit_variance=fit_variance,
        form_std=form,
        misfit_std=np.sqrt(over * fit_variance),
        curvature_z=z,
        chi_square=chi_square,
        exponent=fit.exponent,
    )


def _form(
    residual: Array,
    model: Array,
    under: Array,
    fit: PowerLaw,
    energy: Array,
    beyond: Array,
    noise: Noise,
    curvature: float,
) -> tuple[Array, Array]:
    """What a curvature would change in the net counts, and the curvature seen over its σ.

    One step of scoring from the power law, so that a third parameter costs two sums.
    """
    u, v = np.log(energy / fit.reference), np.log(beyond / fit.reference)
    square = u * u
    mixed = np.stack([model @ square, -model @ (square * u)], axis=1)
    slopes = np.einsum("mij,mj->mi", fit.inverse, mixed)
    left = square - slopes[:, :1] + slopes[:, 1:] * u  # what a power law cannot take up
    weight = (model * left**2).sum(axis=1)
    score = (residual * left).sum(axis=1)
    variance = noise.counts_per_electron * weight + noise.readout * (left**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, std = score / weight, np.sqrt(variance) / weight
        share = curvature**2 / (curvature**2 + std**2)
        posterior = np.sqrt((share * found) ** 2 + share * std**2)
        z = score / np.sqrt(variance)
    lever = (under * (v * v - slopes[:, :1] + slopes[:, 1:] * v)).sum(axis=1)
    return np.abs(lever) * posterior, z


def influence(
    axis: LossAxis, spectrum: Array, before: tuple[float, float], edge: tuple[float, float]
) -> Array:
    """Return by how much the net counts of one spectrum grow for a count in each channel.

    1 in the window of the edge, and in that of the background what moves the extrapolation.
    ``a @ (variance * b)`` is the covariance of two edges whose windows overlap.

    Parameters
    ----------
    axis : LossAxis
    spectrum : ndarray, shape (n,)
    before, edge : pair of float
    """
    window, region = pre_edge(axis, *before), axis.window(*edge)
    energy, beyond = axis.energy[window], axis.energy[region]
    fit = fit_power_law(energy, spectrum[None, window])
    under = fit.counts(beyond)[0]
    lever = np.array([under.sum(), -under @ np.log(beyond / fit.reference)])
    columns = np.stack([np.ones(energy.size), -np.log(energy / fit.reference)])
    found = np.zeros(axis.size)
    found[region] += 1.0
    found[window] -= lever @ fit.inverse[0] @ columns
    return found
