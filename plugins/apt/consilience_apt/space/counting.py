"""Ions counted by species and bin, and the fractions that follow, with their errors.

All of the spatial analyses count first, in one pass over blocks, and divide afterwards: what an
ion is made of enters only once the counts are known, so that each ion costs one addition and the
errors follow from the counts of ions, which are what fluctuates, not from the atoms in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.files.stream import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = [
    "BackgroundShare",
    "Basis",
    "Counts",
    "Fraction",
    "Selects",
    "by_species",
    "element_weights",
    "empty_region",
    "labelled_blocks",
]

Basis = Literal["atomic", "ionic"]
"""Fractions of all atoms (molecular ions taken apart), or of all ranged ions."""


class Selects(Protocol):
    """Something that says which ions belong to it: a region of interest."""

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which of the positions (nm, shape (n,)) are inside, as booleans."""
        ...


@dataclass(frozen=True)
class BackgroundShare:
    """Background of each range as a share of all recorded ions.

    It is taken to be spread like the recorded ions: the pulses spent on a bin are not in a
    list of ions, so that a place where ions came slowly has more background than this says.

    Parameters
    ----------
    share : array of shape (ranges + 1,)
        Expected background ions in each range, divided by all ions of the whole volume; the
        entry of unranged ions (the first) is not used.
    std : array of shape (ranges + 1,)
        Standard deviations of `share`, taken as independent.
    """

    share: NDArray[np.float64]
    std: NDArray[np.float64]

    def by_species(self, table: RangeTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return share and standard deviation of each species, shape (species + 1,)."""
        labels = len(table.ranges) + 1
        if self.share.shape != (labels,) or self.std.shape != (labels,):
            raise BadInputError(
                f"background of {self.share.size} labels for {labels - 1} ranges",
                fix="give one share and one standard deviation a range, after that of unranged",
            )
        number = len(table.ions) + 1
        share, variance = np.zeros(number), np.zeros(number)
        np.add.at(share, table.species, self.share)
        np.add.at(variance, table.species, self.std**2)
        share[0] = variance[0] = 0.0
        return share, np.sqrt(variance)


@dataclass(frozen=True)
class Fraction:
    """A fraction in each bin, with what is known of its error.

    Attributes
    ----------
    value : array of shape (bins,)
        From 0 to 1 (outside if a background was subtracted); NaN in bins without ranged ions.
    std_stat : array of shape (bins,)
        Counting; never zero, also where no ion or nothing else was counted.
    std_sys : array of shape (bins,) or None
        Error of the background's level, common to all bins; None if none was given.
    ions : array of shape (bins,)
        Ranged ions in the bin.
    """

    value: NDArray[np.float64]
    std_stat: NDArray[np.float64]
    std_sys: NDArray[np.float64] | None
    ions: NDArray[np.int64]

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the Wilson interval for as many trials as the variance is worth.

        Parameters
        ----------
        level : float
            Coverage, 0 to 1.

        References
        ----------
        .. [1] E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
        """
        from scipy.special import ndtri

        k = float(ndtri(0.5 + level / 2))
        f = np.clip(self.value, 0.0, 1.0)
        spread = f * (1 - f)
        with np.errstate(invalid="ignore", divide="ignore"):
            worth = np.where(spread > 0, spread / self.std_stat**2, self.ions)
            trials = np.minimum(worth, self.ions)
            middle = (f + k**2 / (2 * trials)) / (1 + k**2 / trials)
            half = k / (1 + k**2 / trials) * np.sqrt(spread / trials + k**2 / (4 * trials**2))
        return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


@dataclass(frozen=True)
class Counts:
    """Ions of each species in each bin.

    Parameters
    ----------
    ions : array of int64, shape (bins, species + 1)
        Column 0 is unranged and unidentified ions, column ``i + 1`` is ``table.ions[i]``.
    table : RangeTable
    background : BackgroundShare, optional
        Subtracted from every number below, except from `ranged`.
    """

    ions: NDArray[np.int64]
    table: RangeTable
    background: BackgroundShare | None = None

    @property
    def ranged(self) -> NDArray[np.int64]:
        """Ranged ions in each bin, background included."""
        found: NDArray[np.int64] = self.ions[:, 1:].sum(axis=1)
        return found

    def weights(
        self, what: str, basis: Basis = "atomic"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how much one ion of each species adds to `what` and to the whole.

        Parameters
        ----------
        what : str
            An element (``"Cr"``), or the formula of a species (``"Cr2O"``), which is always
            ionic; an element that is also a species is ionic if `basis` says so.
        basis : {"atomic", "ionic"}

        Returns
        -------
        tuple of arrays of shape (species + 1,)
        """
        return element_weights(self.table, what, basis)

    def _net(self) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        if self.background is None:
            return self.ions.astype(np.float64), None
        share, std = self.background.by_species(self.table)
        recorded = self.ions.sum(axis=1, dtype=np.float64)
        return self.ions - recorded[:, None] * share, std

    def fraction(self, what: str, basis: Basis = "atomic") -> Fraction:
        """Return the fraction of an element or species in each bin.

        The variance is that of a ratio of sums of Poisson counts of ions, which for monatomic
        ions is the binomial ``f (1 − f) / n``.  It is at least that of half an ion in the bin:
        nothing counted is not nothing there.

        Parameters
        ----------
        what, basis
            As in `weights`.
        """
        part, whole = self.weights(what, basis)
        net, background_std = self._net()
        total = net @ whole
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(total > 0, net @ part / total, np.nan)
            push = part[None, :] - value[:, None] * whole[None, :]
            slope = push
            if self.background is not None:
                share, _ = self.background.by_species(self.table)
                slope = push - (push @ share)[:, None]
            variance = (self.ions * slope**2).sum(axis=1) / total**2
            ranged = self.ranged
            half = 0.5 / (ranged + 1.0)
            floor = half * (1 - half) / np.maximum(ranged, 1)
            std_sys = None
            if background_std is not None:
                recorded = self.ions.sum(axis=1, dtype=np.float64)
                std_sys = np.sqrt(((push * background_std) ** 2).sum(axis=1)) * recorded / total
        std = np.sqrt(np.maximum(variance, floor))
        return Fraction(value, np.where(total > 0, std, np.nan), std_sys, ranged)

    def covariance(self, place: int, basis: Basis = "atomic") -> NDArray[np.float64]:
        """Return the counting covariance of all fractions of one bin.

        Parameters
        ----------
        place : int
            The bin.
        basis : {"atomic", "ionic"}
            Rows are ``table.elements``, or ``table.ions``.

        Returns
        -------
        array of shape (n, n)
            Its rows sum to zero: the fractions add up to one.
        """
        names = self.table.elements
        if basis == "ionic":
            names = [ion.formula for ion in self.table.ions]
        pairs = [self.weights(name, basis) for name in names]
        net, _ = self._net()
        row, whole = net[place], pairs[0][1]
        total = row @ whole
        push = np.array([part - (row @ part) / total * whole for part, _ in pairs])
        if self.background is not None:
            share, _ = self.background.by_species(self.table)
            push -= (push @ share)[:, None]
        found: NDArray[np.float64] = (push * self.ions[place]) @ push.T / total**2
        return found

    def binomial(
        self, what: str, basis: Basis = "atomic"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return successes, trials and dispersion for a binomial likelihood over bins.

        Atoms of one molecular ion arrive together, so that atoms fluctuate more than a
        binomial count; `dispersion` is by how much (1 for monatomic ions), and what a
        likelihood gives as variance is to be multiplied by it.  Background is not
        subtracted: a likelihood is about what was counted.

        Returns
        -------
        tuple
            Two arrays of shape (bins,), and a number of 1 or more.
        """
        part, whole = self.weights(what, basis)
        successes = self.ions @ part
        trials = self.ions @ whole
        every = self.ions.sum(axis=0)
        total, share = trials.sum(), successes.sum() / max(trials.sum(), 1.0)
        spread = (every * (part - share * whole) ** 2).sum()
        plain = total * share * (1 - share)
        return successes, trials, float(max(spread / plain, 1.0)) if plain > 0 else 1.0

    def summed(self, first: int = 0, stop: int | None = None) -> Counts:
        """Return one bin with the ions of the bins from `first` to `stop`."""
        return Counts(self.ions[first:stop].sum(axis=0, keepdims=True), self.table, self.background)


def element_weights(
    table: RangeTable, what: str, basis: Basis = "atomic"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what an ion of each species adds to `what`, and to the whole.

    Raises
    ------
    BadInputError
        It is neither an element nor a species of the table.
    """
    formulas = [ion.formula for ion in table.ions]
    part = np.zeros(len(formulas) + 1)
    whole = np.ones(len(formulas) + 1)
    whole[0] = 0.0
    if what in table.elements and (basis == "atomic" or what not in formulas):
        if basis == "ionic":
            raise BadInputError(
                f"{what} has no range as an ion of its own in {table.source or 'the ranges'}",
                fix=f"ask for its atomic fraction, or for one of {', '.join(formulas)}",
            )
        part[1:] = table.stoichiometry[:, table.elements.index(what)]
        whole[1:] = table.stoichiometry.sum(axis=1)
        return part, whole
    if what in formulas:
        part[formulas.index(what) + 1] = 1.0
        return part, whole
    raise BadInputError(
        f"{what!r} is in no range of {table.source or 'the ranges'}; its elements are "
        f"{', '.join(table.elements)}, its ions {', '.join(formulas)}",
        fix="choose one of them, or add a range",
    )


def labelled_blocks(
    source: IonSource,
    table: RangeTable,
    columns: Sequence[str],
    region: Selects | None = None,
    progress: Progress = no_progress,
    what: str = "counting ions",
    size: int = BLOCK,
) -> Iterator[tuple[dict[str, NDArray[np.float32]], NDArray[np.uint8]]]:
    """Go over the ions once and say which range each is in.

    Parameters
    ----------
    source : IonSource
    table : RangeTable
    columns : sequence of str
        What is wanted of each ion.
    region : Selects, optional
        Only ions inside.
    progress : callable
        Called for each block; an exception raised in it ends the pass.
    what : str
        The word for `progress`.
    size : int
        Most ions in a block.

    Yields
    ------
    tuple
        Columns and labels (uint8), which the next block overwrites.
    """
    needed = list(dict.fromkeys([*columns, "mass_to_charge"]))
    if region is not None:
        needed = list(dict.fromkeys([*needed, "x", "y", "z"]))
    room = np.empty(size, np.uint8)
    for first, block in source.blocks(needed, size=size):
        number = len(block["mass_to_charge"])
        labels = table.labels(block["mass_to_charge"], out=room[:number])
        progress(first + number, source.ions, what)
        if region is None:
            yield block, labels
        else:
            inside = region.contains(block["x"], block["y"], block["z"])
            yield {name: block[name][inside] for name in columns}, labels[inside]


def by_species(counts: NDArray[np.int64], table: RangeTable) -> NDArray[np.int64]:
    """Add up the counts of ranges (…, ranges + 1) to those of species (…, species + 1)."""
    made = np.zeros((*counts.shape[:-1], len(table.ions) + 1), np.int64)
    for label, species in enumerate(table.species.tolist()):
        made[..., species] += counts[..., label]
    return made


def empty_region(source: IonSource, name: str = "") -> BadInputError:
    """Return the error for a region without ions."""
    return BadInputError(
        f"the region {name} holds none of the {source.ions} ions".replace("  ", " "),
        fix="compare its place and size (nm) with the extent of the needle",
    )
