"""Which elements does a spectrum show?  One after another, each with what else it could be.

References
----------
.. [1] S. S. Chen, S. A. Billings, W. Luo, International Journal of Control 50 (1989) 1873:
   orthogonal forward selection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.background import fitted_background, unexplained
from consilience_xrf.fitting.candidates import Candidate, LineTest, candidates_for, line_test
from consilience_xrf.fitting.design import build_design, pile_up_column
from consilience_xrf.fitting.linear import fit_poisson
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

__all__ = ["FoundElement", "RivalElement", "Search", "search_elements"]

Array = NDArray[np.float64]

NEEDED = 5.0
"""Standard deviations, misfit included, that an element nobody named must rise to."""
KEPT = 4.0
PREFERENCE = {"K": 1.0, "L": 0.85, "M": 0.7}
"""Factors on the scores of elements nobody named: one K family is likelier to be seen than the
soft lines of a heavy element whose harder lines are not."""
MISFIT = 0.03
"""Share of a channel's counts by which shapes of lines are not known."""
MOST = 30
ALIKE = 16.0
"""χ² within which two elements explain the same lines equally well: 4 standard deviations."""
NEAR = 0.3
"""Share of the χ² that an element explains, from which another is named as a rival."""
BLIND = 0.05
"""A column of which less than this is left beside the others cannot be told from them."""
RIVALS = 4
TAIL, TAIL_WIDTH = 0.02, 0.3
"""Share of a tail and its decay in keV, whose shape lines of the others may have in any amount."""


@dataclass(frozen=True)
class RivalElement:
    """Another element that explains the same counts: how much of them, and what it lacks.

    `share` of the χ² that the element explains goes where the other is in the model; `live`: it
    explains as much as the element itself.
    """

    element: str
    shell: str
    share: float
    live: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class FoundElement:
    """An element that is fitted: named beforehand or found.

    `score`: standard deviations, misfit included, by which the spectrum asks for it.
    """

    element: str
    families: tuple[Family, ...]
    named: bool
    score: float
    lines: LineTest
    rivals: tuple[RivalElement, ...]


@dataclass(frozen=True)
class Search:
    """What was found, and the energies (keV) and heights (σ) of peaks that stay unexplained."""

    elements: tuple[FoundElement, ...]
    unexplained: tuple[tuple[float, float], ...]
    pile_up: bool

    @property
    def families(self) -> list[Family]:
        """All families of all elements."""
        return [f for found in self.elements for f in found.families]


class _State:
    """The current model, and what it leaves."""

    def __init__(self, energy: Array, total: Array, response: Response, geometry: Geometry) -> None:
        self.energy, self.total = energy, total
        self.response, self.geometry = response, geometry
        self.pile = pile_up_column(energy, total)
        self.splines = np.zeros((energy.size, 0))
        self.refit((), new_background=True)

    def refit(self, chosen: Sequence[Candidate], *, new_background: bool = False) -> None:
        """Fit these elements, scatter, pile-up and background."""
        families = [f for c in chosen for f in c.families]
        self.families = families
        self.changed: list[Array] | None = None
        design = build_design(
            self.energy, families, self.response, self.geometry, pile_up=self.pile
        )
        if new_background:
            _, self.splines, _ = fitted_background(
                self.energy, self.total, design.matrix, self.response
            )
        self.names = [*design.names, *["background"] * self.splines.shape[1]]
        matrix = np.hstack([design.matrix, self.splines])
        self.matrix = matrix
        self.amounts = fit_poisson(self.total, matrix, rounds=8, settled=1e-4)
        self.model = matrix @ self.amounts
        floor = np.maximum(self.model, 0.5)
        self.white = 1.0 / np.sqrt(floor + (MISFIT * floor) ** 2)
        self.columns = matrix * self.white[:, None]
        self.basis, self.rest = self.without(())

    def without(
        self, elements: Sequence[str], *, other_shapes: bool = False
    ) -> tuple[Array, Array]:
        """Return a basis of the model without these elements, and what that leaves.

        With `other_shapes` the lines of all others may have tails, and widths of their own.
        """
        kept = [
            i
            for i, name in enumerate(self.names)
            if name.split("_")[0] not in elements and self.amounts[i] > 0
        ]
        columns = self.columns[:, kept]
        if other_shapes:
            columns = np.hstack([columns, self._shapes(kept)])
        basis = np.linalg.qr(columns)[0]
        rest = self.total * self.white
        return basis, rest - basis @ (basis.T @ rest)

    def _shapes(self, kept: Sequence[int]) -> Array:
        """What a tail, and a greater width, would change of the lines in the model, whitened."""
        if self.changed is None:
            plain = self.matrix[:, : len(self.families)]
            self.changed = [
                build_design(self.energy, self.families, other, self.geometry, scatter=False).matrix
                - plain
                for other in (
                    replace(self.response, tail=self.response.tail + TAIL, tail_width=TAIL_WIDTH),
                    replace(self.response, noise=1.05 * self.response.noise + 1e-3),
                )
            ]
        lines = [i for i in kept if i < len(self.families)]
        made = [(c[:, lines] @ self.amounts[lines]) * self.white for c in self.changed]
        made = [m / np.linalg.norm(m) for m in made if m.any()]
        return np.stack(made, axis=1) if made else np.zeros((self.energy.size, 0))


def _scores(columns: Array, white: Array, basis: Array, rest: Array) -> tuple[Array, Array]:
    """Standard deviations by which a residual asks for columns, and their unit vectors."""
    whole = columns * white[:, None]
    own = whole - basis @ (basis.T @ whole)
    norm = np.linalg.norm(own, axis=0)
    seen = norm > BLIND * np.linalg.norm(whole, axis=0)
    unit = own / np.where(seen, norm, np.inf)
    return np.asarray(rest @ unit), unit


def search_elements(
    energy: Array,
    total: Array,
    response: Response,
    geometry: Geometry,
    named: Sequence[str] = (),
    *,
    unasked: bool = True,
    rivals: bool = True,
) -> Search:
    """Find the elements of a spectrum.

    Parameters
    ----------
    energy, total : ndarray, shape (channels,)
        keV, and counts of all spectra together.
    response, geometry
    named : sequence of str
        Elements that are fitted in any case.
    unasked : bool
        Look for others too.
    rivals : bool
        Hold each element against those that are not in the model.

    Notes
    -----
    Each step adds the element that the residual asks for most, if groups of its lines that
    should be seen are seen; a line that no such element explains stays unexplained.  Then what
    the others made superfluous is taken out, and each element is held against all that are not in
    the model: those that explain as much are its rivals.
    """
    energy, total = _rebinned(energy, total, response)
    pool = candidates_for(energy, response, geometry, named, others=unasked or rivals)
    by_name = {c.element: c for c in pool}
    chosen = [by_name[name] for name in dict.fromkeys(named) if name in by_name]
    state = _State(energy, total, response, geometry)
    if chosen:
        state.refit(chosen, new_background=True)
    while unasked and len(chosen) < MOST:
        best = _best(state, [c for c in pool if c not in chosen])
        if best is None:
            break
        chosen.append(best)
        state.refit(chosen, new_background=len(chosen) % 3 == 0)
    state.refit(chosen, new_background=True)
    chosen = _pruned(state, chosen, set(named))
    others = [c for c in pool if c not in chosen] if rivals else []
    piled = "pile_up" in state.names and bool(state.amounts[state.names.index("pile_up")] > 0)
    found = tuple(_held_against(state, c, others, c.element in named) for c in chosen)
    return Search(found, _peaks(state), piled)


def _rebinned(energy: Array, total: Array, response: Response) -> tuple[Array, Array]:
    """Return wider channels where there are more than ten to a line."""
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    factor = int(response.fwhm(max(float(energy[0]), 0.0)) / (10.0 * step))
    if factor < 2:
        return energy, total
    size = energy.size // factor
    cut = size * factor
    return (
        energy[:cut].reshape(size, factor).mean(axis=1),
        total[:cut].reshape(size, factor).sum(axis=1),
    )


def _best(state: _State, free: Sequence[Candidate]) -> Candidate | None:
    """The candidate that explains most of what is left, none of its lines being missed."""
    if not free:
        return None
    stacked = np.stack([c.column for c in free], axis=1)
    plain, _ = _scores(stacked, state.white, state.basis, state.rest)
    best: tuple[float, Candidate] | None = None
    for k in np.argsort(-plain):
        if plain[k] < max(NEEDED, best[0] if best else 0.0):
            break  # the test of its lines can only lower it
        score = line_test(free[k], state.white, state.rest, state.basis).score
        score *= PREFERENCE[free[k].main.shell]
        if score >= NEEDED and (best is None or score > best[0]):
            best = (score, free[k])
    return best[1] if best else None


def _pruned(state: _State, chosen: Sequence[Candidate], named: set[str]) -> list[Candidate]:
    """Take out, weakest first, what the others made superfluous."""
    left = list(chosen)
    while True:
        weak: tuple[float, Candidate] | None = None
        for c in left:
            if c.element not in named:
                basis, rest = state.without([c.element])
                score = line_test(c, state.white, rest, basis).score
                if score < KEPT and (weak is None or score < weak[0]):
                    weak = (score, c)
        if weak is None:
            return left
        left.remove(weak[1])
        state.refit(left)


def _held_against(
    state: _State, own: Candidate, others: Sequence[Candidate], named: bool
) -> FoundElement:
    basis, rest = state.without([own.element], other_shapes=True)
    scored, units = _scores(own.column[:, None], state.white, basis, rest)
    score, unit = float(scored[0]), units[:, 0]
    lines = line_test(own, state.white, rest, basis)
    rivals: list[RivalElement] = []
    if others and score > 2.0:
        theirs, units = _scores(
            np.stack([c.column for c in others], axis=1), state.white, basis, rest
        )
        alike = np.clip(unit @ units, -0.9999, 0.9999)
        # what the element still explains where another is in the model
        after = (score - alike * theirs) / np.sqrt(1.0 - alike**2)
        taken = np.where((theirs > 0) & (alike > 0), score**2 - np.maximum(after, 0.0) ** 2, 0.0)
        for k in np.argsort(-taken)[:RIVALS]:
            if taken[k] < NEAR * score**2:
                break
            test = line_test(others[k], state.white, rest, basis)
            live = not test.missing and bool(test.score**2 >= lines.score**2 - ALIKE)
            rivals.append(
                RivalElement(
                    others[k].element,
                    others[k].main.shell,
                    float(taken[k] / score**2),
                    live,
                    test.missing,
                )
            )
    return FoundElement(own.element, own.families, named, score, lines, tuple(rivals))


def _peaks(state: _State) -> tuple[tuple[float, float], ...]:
    """Peaks that the final model does not explain, highest first."""
    step = float(state.energy[-1] - state.energy[0]) / (state.energy.size - 1)
    middle = np.array([float(state.energy[state.energy.size // 2])])
    width = max(float(state.response.sigma(middle)[0]) / step, 0.5)
    high = unexplained(state.total, state.model, width)
    # as many counts more by the misfit that shapes are allowed
    allowed = MISFIT * np.sqrt(np.maximum(state.model, 0.0) * 2.0 * np.sqrt(np.pi) * width)
    high = high / np.sqrt(1.0 + allowed**2)
    found: list[tuple[float, float]] = []
    left = high.copy()
    while left.max() > NEEDED and len(found) < 8:
        k = int(left.argmax())
        found.append((float(state.energy[k]), float(high[k])))
        reach = int(4 * width) + 1
        left[max(k - reach, 0) : k + reach] = 0.0
    return tuple(found)
