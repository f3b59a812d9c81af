"""Pairs of related maps on different grids, one of them mirrored, exchanged or shifted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.verdicts.common import Array
from benchmarks.verdicts.orientations import FEWER, Case, drawn
from consilience.compare.maps.maps import Map, better_placed, on_grid

__all__ = ["CASES", "PLANTED", "RELATED", "rows", "told"]

EVERY = 3
"""The coarse map has every third point of the fine one along both axes, from the second on."""
RELATED = (0.3, 0.7, 0.95)
"""True correlations at one point, in the right orientation."""
PLANTED = (
    "as stated",
    "fine mirrored",
    "fine exchanged",
    "coarse mirrored",
    "coarse exchanged",
    "fine shifted",
)
"""The columns; what is planted is counted by its place."""
CASES = (
    Case("width of two points", "field", 2.0),
    Case("film in the middle", "film", 2.0),
    Case("film off the middle", "off", 2.0),
)


def told(rng: np.random.Generator, case: Case, related: float, planted: int) -> bool:
    """Simulate one pair and return whether another orientation is said to be better.

    Which of the two comes first is left to chance.
    """
    coarse, fine = drawn(rng, case, related)
    coarse = coarse[1::EVERY, 1::EVERY]
    if planted == 1:
        fine = fine[:, ::-1]
    if planted == 2:
        fine = fine.T.reshape(fine.shape)
    if planted == 3:
        coarse = coarse[:, ::-1]
    if planted == 4:
        coarse = coarse.T.reshape(coarse.shape)
    if planted == 5:
        fine = np.roll(fine, case.shape[1] // 10, axis=1)
    pair = [_map(fine, 0.0, 1.0), _map(coarse, 1.0, EVERY)]
    one, other = pair if rng.random() < 0.5 else pair[::-1]
    seed = int(rng.integers(2**31))
    return better_placed(one, other, on_grid(other, one), seed=seed) is not None


def _map(values: Array, begin: float, step: float) -> Map:
    y, x = (begin + step * np.arange(n, dtype=np.float64) for n in values.shape)
    return Map(values, None, y, x, ("um", "um"))


def rows(pairs: int, seed: int) -> Iterator[tuple[Case, float, list[tuple[int, int]]]]:
    """Yield, of every case and correlation, how many of how many pairs are told; by column."""
    for number, case in enumerate(CASES):
        for at, related in enumerate(RELATED):
            found = []
            for which in range(len(PLANTED)):
                rng = np.random.default_rng([seed, 6, number, at, which])
                of = pairs if which == 0 else max(pairs // FEWER, 1)
                found.append((sum(told(rng, case, related, which) for _ in range(of)), of))
            yield case, related, found
