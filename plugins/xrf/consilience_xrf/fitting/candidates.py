"""Elements that a spectrum could show, and whether the lines that each should have are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.design import family_column
from consilience_xrf.lines.elements import HEAVIEST, Family, families_of, symbol
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response, channel_edges, line_shape

__all__ = ["Candidate", "LineTest", "candidates_for", "line_test"]

Array = NDArray[np.float64]

RARE = frozenset("He Ne Tc Pm Po At Rn Fr Ra Ac Pa Np Pu Am Cm Bk Cf".split())
"""Of no stable isotope, or gases that hardly occur: looked for only where they are named."""
SOFTEST = 1.0
"""keV of the softest main line that is looked for unasked."""
EXPECTED = 3.0
"""Standard deviations that a group of lines must promise before it can be missed."""
MORE, FARTHER = 1.3, 2.0
"""A group allows an element this many times what it shows, for absorption changes the ratios of
lines, and so many standard deviations more."""
HALF = 0.5
"""Of what all lines together ask for; a group that allows less than this is called missing, if it
is not seen itself."""
SCATTERED = 0.93
"""Of the Compton energy, from which lines lie on what is scattered."""
SEPARATE = 2.0
"""Widths between lines that are told apart even where widths are not well known."""


@dataclass(frozen=True)
class Candidate:
    """An element, its families on the axis, and the column of the hardest of them."""

    element: str
    families: tuple[Family, ...]
    column: Array
    groups: tuple[Array, ...]
    group_energies: tuple[float, ...]

    @property
    def main(self) -> Family:
        """The family that it is looked for by."""
        return self.families[0]


@dataclass(frozen=True)
class LineTest:
    """Groups of lines of a candidate: those found and those missing, as text.

    `score`: standard deviations by which the data ask for as much of it as its weakest group
    allows.
    """

    found: tuple[str, ...]
    missing: tuple[str, ...]
    score: float


def candidates_for(
    energy: Array,
    response: Response,
    geometry: Geometry,
    named: Sequence[str] = (),
    *,
    others: bool = True,
) -> list[Candidate]:
    """Return all elements whose lines are excited and on the axis.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
    response, geometry
    named : sequence of str
        Elements that are candidates however rare they are.
    others : bool
        False: those alone.
    """
    edges = channel_edges(energy)
    low, high = max(float(energy[0]), SOFTEST), float(energy[-1])
    made = []
    for z in range(3, HEAVIEST + 1):
        element = symbol(z)
        if element not in named and (element in RARE or not others):
            continue
        families = families_of(element, low, high, geometry.incident_energy)
        families = [f for f in families if f.shell != "M" or len(families) == 1 or z > 70]
        if not families:
            continue
        main = families[0]
        groups, at = _groups(main, edges, response, geometry)
        column = family_column(main, edges, response, geometry)
        made.append(Candidate(element, tuple(families), column, groups, at))
    return made


def _groups(
    family: Family, edges: Array, response: Response, geometry: Geometry
) -> tuple[tuple[Array, ...], tuple[float, ...]]:
    """Lines nearer than a width together; each group with its share of the family's counts."""
    counted = family.weights * geometry.efficiency(family.energies)
    shares = counted / counted.sum() if counted.sum() > 0 else family.weights
    order = np.argsort(family.energies)
    groups: list[list[int]] = []
    for i in order:
        at = family.energies[i]
        if groups and at - family.energies[groups[-1][-1]] < SEPARATE * response.fwhm(float(at)):
            groups[-1].append(int(i))
        else:
            groups.append([int(i)])
    scatter = geometry.compton_energy()
    columns: list[Array] = []
    energies: list[float] = []
    for group in groups:
        weights = shares[group]
        centre = float(np.average(family.energies[group], weights=weights))
        if weights.sum() < 0.01 or not edges[0] < centre < edges[-1]:
            continue
        if energies and scatter is not None and centre > SCATTERED * scatter:
            continue  # under the scattered photons a line is not missed
        columns.append(line_shape(edges, family.energies[group], weights, response))
        energies.append(centre)
    return tuple(columns), tuple(energies)


def line_test(candidate: Candidate, white: Array, rest: Array, basis: Array) -> LineTest:
    """Say which groups of a candidate's lines are there.

    Parameters
    ----------
    candidate : Candidate
    white : ndarray, shape (channels,)
        One over the standard deviation of each channel.
    rest : ndarray, shape (channels,)
        Whitened residual of the fit without the candidate.
    basis : ndarray, shape (channels, n)
        Orthonormal basis of what the fit has without it.
    """
    whole = candidate.column * white
    whole = whole - basis @ (basis.T @ whole)
    norm = float(whole @ whole)
    if norm <= 0:
        return LineTest((), (), 0.0)
    asked = float(whole @ rest) / norm
    columns = np.stack(candidate.groups, axis=1) * white[:, None]
    columns = columns - basis @ (basis.T @ columns)
    inverse = np.linalg.pinv(columns.T @ columns, hermitian=True)
    each = inverse @ (columns.T @ rest)
    std = np.sqrt(np.maximum(np.diag(inverse), 1e-300))
    found, missing, amount = [], [], asked
    for value, error, energy in zip(each, std, candidate.group_energies, strict=True):
        if asked / error < EXPECTED:
            continue
        said = f"{candidate.element} {candidate.main.shell} at {energy:.3g} keV"
        allowed = MORE * max(float(value), 0.0) + FARTHER * float(error)
        amount = min(amount, allowed)
        if allowed < HALF * asked and value < FARTHER * error:
            missing.append(said)
        elif value > FARTHER * error:
            found.append(said)
    gain = 2.0 * amount * asked - amount**2
    score = float(np.sqrt(max(gain * norm, 0.0))) if amount > 0 else 0.0
    return LineTest(tuple(found), tuple(missing), score)
