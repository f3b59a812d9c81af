"""From spectra and references to one linear problem: columns, and how wrong they may be.

A *stretch* is a range of energy of one spectrum, binned.  Several stretches of one region (Li K of
the low loss, O K and F K of the core loss) are fitted together: each has a background of its own,
and one amount for each species.  A reference is folded with the low loss of the same region, so
that plural scattering is in the columns, not in the answer.

What a reference is wrong by is carried as a covariance of the data: its shape over short and long
stretches of energy, its height in each stretch (the cross-section) and its place on the axis.  So a
weak edge under a strong one is not found better than the strong one is known.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 4.43: core loss as the single scattering folded with the low loss.
.. [2] R. D. Leapman and C. R. Swyt, *Ultramicroscopy* 26 (1988) 393: fit of references.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.fingerprint.references import Reference
from consilience_eels.fingerprint.stretches import LowLoss, Stretch

__all__ = ["BARN", "Design", "ModelError", "build_design"]

BARN = 1e-10
"""Square nanometres in a barn."""

EXPONENTS = (0.0, 2.0, 4.0, 6.0)
"""Of the power laws that a background is mixed from, none of them negative."""

SHALLOW = 200.0
"""eV, below which other shells of the same atoms lie under the edges, with forms of their own."""

SLOW_AT = 75.0
"""eV, at which the long length of correlation is as stated."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ModelError:
    """How wrong a reference and a background may be: relative standard deviations.

    Parameters
    ----------
    form : float
        Factor on the errors that references have of their own (`Reference.form_error`), once over
        `short` and once over `long` eV.
    scale : float
        Of its height in each stretch: the cross-section.
    shift : float
        Of its place on the axis, eV.
    background : float
        Of a background's form over `long` eV.
    valence : float
        Of the form of other shells over `long` eV: tables of free atoms below 100 eV are good to
        a tenth or a fifth, and the solid has structure of its own there.
    tail : float
        Of a reference's form over `long` eV, however far from its onsets.
    short, long : float
        Lengths of correlation, eV; `long` is that at 75 eV, and grows with the energy.
    """

    form: float = 1.0
    scale: float = 0.10
    shift: float = 0.3
    background: float = 0.02
    valence: float = 0.10
    tail: float = 0.03
    short: float = 2.5
    long: float = 5.0


@dataclass(frozen=True)
class Design:
    """The linear problem: ``counts ≈ columns @ amounts + backgrounds @ heights``.

    Parameters
    ----------
    species : tuple of str, length k
    columns : ndarray, shape (n, k)
        Counts for one formula unit per nm² of each species.
    slopes : ndarray, shape (n, k)
        Derivative of the columns with the place on the axis, counts per eV.
    backgrounds : ndarray, shape (n, b)
    stretches : tuple of Stretch
    parts : tuple of slice
        Rows of each stretch.
    error : ModelError
    forms : ndarray, shape (n, k)
        Relative error of the form of each column.
    shells : ndarray of bool, shape (b,)
        Which backgrounds are other shells.
    kernels : tuple of (ndarray, ndarray)
        Of each stretch: correlation of the form of an edge, and of what is slow.
    """

    species: tuple[str, ...]
    columns: Array
    slopes: Array
    backgrounds: Array
    stretches: tuple[Stretch, ...]
    parts: tuple[slice, ...]
    error: ModelError
    forms: Array
    shells: NDArray[np.bool_]
    kernels: tuple[tuple[Array, Array], ...]

    @property
    def counts(self) -> Array:
        """Counts of all stretches, shape (n,)."""
        return np.concatenate([s.counts for s in self.stretches])

    def index(self, names: Sequence[str]) -> list[int]:
        """Return the columns of these species."""
        return [self.species.index(name) for name in names]

    def counting(self, expected: Array) -> Array:
        """Return the variance of each bin, for expected (not observed) counts."""
        variance = np.empty(len(expected))
        for stretch, part in zip(self.stretches, self.parts, strict=True):
            floor = max(1.0, 1e-4 * float(np.mean(np.abs(expected[part]))))
            variance[part] = stretch.gain * np.maximum(expected[part], floor) + stretch.readout
        return variance

    def model_covariance(self, amounts: Array, heights: Array, leave_out: int = -1) -> Array:
        """Return the covariance of the data that wrong references make, shape (n, n).

        `leave_out` is a species whose own error is not counted: one that is asked whether it is
        there at all.
        """
        made = np.zeros((len(self.columns), len(self.columns)))
        used = amounts > 0
        if leave_out >= 0:
            used[leave_out] = False
        err = self.error
        curves = self.columns[:, used] * amounts[used]
        rough = curves * self.forms[:, used]
        slopes = self.slopes[:, used] * amounts[used]
        below = self.backgrounds @ heights
        some = self.shells & (heights > 0)
        shells = self.backgrounds[:, some] * heights[some]
        for part, (shape, slow) in zip(self.parts, self.kernels, strict=True):
            block = err.form**2 * shape * (rough[part] @ rough[part].T)
            block += (err.scale**2 + err.tail**2 * slow) * (curves[part] @ curves[part].T)
            block += err.shift**2 * (slopes[part] @ slopes[part].T)
            block += err.background**2 * slow * np.outer(below[part], below[part])
            block += err.valence**2 * slow * (shells[part] @ shells[part].T)
            made[part, part] = block
        return made

    def without(self, names: Sequence[str]) -> Design:
        """Return the problem without some species."""
        keep = [i for i, name in enumerate(self.species) if name not in names]
        return Design(
            tuple(self.species[i] for i in keep),
            self.columns[:, keep],
            self.slopes[:, keep],
            self.backgrounds,
            self.stretches,
            self.parts,
            self.error,
            self.forms[:, keep],
            self.shells,
            self.kernels,
        )


def build_design(
    stretches: Sequence[Stretch],
    references: Sequence[Reference],
    low_loss: LowLoss | None,
    error: ModelError | None = None,
    *,
    valence: Sequence[Reference] = (),
    total: float | None = None,
) -> Design:
    """Return the columns of all references and backgrounds over all stretches.

    Parameters
    ----------
    stretches : sequence of Stretch
    references : sequence of Reference
        Those with nothing in any stretch get a column of zeros.
    low_loss : LowLoss, optional
        Without it references are not folded, and amounts are per `total` counts.
    error : ModelError, optional
    valence : sequence of Reference
        What lies under the edges: other shells of the elements.  They join the background of
        stretches that begin below 200 eV, each with a height of its own.
    total : float, optional
        Counts that take the place of the low loss's; by default 1e6, and then amounts are
        relative only.
    """
    rows: list[Array] = []
    slopes: list[Array] = []
    backgrounds: list[Array] = []
    parts: list[slice] = []
    start = 0
    beam = low_loss or LowLoss(np.zeros(1), np.array([total or 1e6]))
    below = [_backgrounds(stretch, beam, valence) for stretch in stretches]
    wide = sum(block.shape[1] for block in below)
    shells = [
        i >= block.shape[1] - (len(valence) if stretch.energy[0] < SHALLOW else 0)
        for stretch, block in zip(stretches, below, strict=True)
        for i in range(block.shape[1])
    ]
    used = 0
    for stretch, own in zip(stretches, below, strict=True):
        curves = [_folded(stretch, reference.at, beam) for reference in references]
        rows.append(np.array([c for c, _ in curves]).T)
        slopes.append(np.array([s for _, s in curves]).T)
        block = np.zeros((len(own), wide))
        block[:, used : used + own.shape[1]] = own
        backgrounds.append(block)
        used += own.shape[1]
        parts.append(slice(start, start + len(own)))
        start += len(own)
    return Design(
        tuple(r.name for r in references),
        np.vstack(rows),
        np.vstack(slopes),
        np.vstack(backgrounds),
        tuple(stretches),
        tuple(parts),
        error or ModelError(),
        np.vstack([np.array([r.form_error(s.energy) for r in references]).T for s in stretches]),
        np.array(shells, dtype=np.bool_),
        tuple(_kernels(stretch, error or ModelError()) for stretch in stretches),
    )


def _kernels(stretch: Stretch, error: ModelError) -> tuple[Array, Array]:
    """Correlations between bins: of an edge's form, which may have steps, and of what is slow."""
    apart = stretch.energy[:, None] - stretch.energy[None, :]
    long = error.long * float(stretch.energy.mean()) / SLOW_AT
    slow = np.exp(-0.5 * (apart / long) ** 2)
    return np.exp(-np.abs(apart) / error.short) + slow, slow


def _backgrounds(stretch: Stretch, beam: LowLoss, valence: Sequence[Reference]) -> Array:
    """Power laws folded with the low loss, and what was scattered often within it.

    Within the low loss, single losses below the stretch are known, and make one column.
    """
    first = float(stretch.energy[0])
    middle = float(np.sqrt(stretch.energy[0] * stretch.energy[-1]))
    within = _within(stretch, beam)
    start = first - 2.0 * stretch.width if within else 0.5 * first
    curves = []
    for power in EXPONENTS:

        def law(energy: Array, power: float = power) -> Array:
            safe = np.maximum(energy, 1.0)
            return np.asarray(np.where(energy > start, (safe / middle) ** -power, 0.0))

        curves.append(_folded(stretch, law, beam)[0])
    if within:
        at, single = beam.single_losses(start)

        def known(energy: Array) -> Array:
            return np.interp(energy, at, single, left=0.0, right=0.0)

        curves.append(_folded(stretch, known, beam)[0])
    if first < SHALLOW:
        for reference in valence:

            def shells(energy: Array, reference: Reference = reference) -> Array:
                return np.where(energy > start, reference.at(energy), 0.0)

            curves.append(_folded(stretch, shells, beam)[0])
    made = np.array(curves).T
    return np.asarray(made / np.maximum(made.max(axis=0), 1e-300))


def _within(stretch: Stretch, beam: LowLoss) -> bool:
    """Whether a stretch is part of the low loss itself."""
    return len(beam.counts) > 1 and stretch.energy[-1] <= beam.energy[-1] + stretch.width


def _folded(
    stretch: Stretch, curve: Callable[[Array], Array], beam: LowLoss
) -> tuple[Array, Array]:
    """Counts in the bins of one formula unit per nm², and their slope with the axis.

    Beyond the low loss, one core loss is folded with it.  Within it the law of `single_losses`
    is used: columns then hold every order of scattering, of core losses among each other too.
    """
    from scipy.signal import fftconvolve

    step = stretch.width / 2.0
    if len(beam.counts) > 1:
        first = np.floor(beam.energy[0] / step)
        edges = (np.arange(int(np.ceil((beam.energy[-1] / step) - first)) + 2) + first - 0.5) * step
        kernel = np.histogram(beam.energy, edges, weights=beam.counts)[0]
        at = (edges[:-1] + edges[1:]) / 2.0
    else:
        kernel, at = beam.counts, np.zeros(1)
    low = stretch.energy[0] - 3.0 * step - at[-1]
    high = stretch.energy[-1] + 3.0 * step - at[0]
    grid = low + step * np.arange(round((high - low) / step) + 1)
    within = _within(stretch, beam)
    single = curve(grid) * grid if within else curve(grid)
    if not single.any():
        none = np.zeros(len(stretch.energy))
        return none, none.copy()
    folded = fftconvolve(single, kernel) if len(kernel) > 1 else single * kernel[0]
    if within:
        folded = folded / np.maximum(low + at[0] + step * np.arange(len(folded)), 1.0)
    place = low + at[0] + step * np.arange(len(folded))
    whole = stretch.exposure * stretch.width * BARN
    inner = np.interp(stretch.energy, place, folded)
    # a bin holds what lies within half its width on either side (Simpson's rule)
    ends = [np.interp(stretch.energy + s * step, place, folded) for s in (-1.0, 1.0)]
    counts = whole * (ends[0] + 4.0 * inner + ends[1]) / 6.0
    slope = whole * (ends[0] - ends[1]) / (2.0 * step)
    return counts, slope
