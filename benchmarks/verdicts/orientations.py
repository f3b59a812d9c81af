"""Pairs of related maps, as they are, mirrored, exchanged or shifted: which are told of?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.verdicts.common import Array
from consilience.compare.maps import orientation
from consilience.compare.maps.orientation import better_orientation, orientations

__all__ = ["CASES", "PLANTED", "RELATED", "Case", "drawn", "rows", "told"]

SURROGATES = 299
"""p of 0.01 is then reached by 3 of 300; with the program's 999 by 10 of 1 000."""
RELATED = (0.3, 0.6, 0.95)
"""True correlations in the right orientation."""
PLANTED = ("as stated", "mirrored", "exchanged", "shifted")
FEWER = 10
"""Times fewer pairs with a fault than without: theirs is no small share."""


@dataclass(frozen=True)
class Case:
    """What both maps show, and how smooth the rest of each is, in points.

    Parameters
    ----------
    name : str
    feature : str
        ``"field"``: a random one as smooth as the rest; else one that is the same in every pair.
    width : float
    shape : (int, int)
    """

    name: str
    feature: str
    width: float
    shape: tuple[int, int] = (24, 40)


CASES = (
    Case("neighbours unrelated", "field", 0.0),
    Case("width of two points", "field", 2.0),
    Case("four points", "field", 4.0),
    Case("film in the middle", "film", 2.0),
    Case("film off the middle", "off", 2.0),
    Case("one spot", "spot", 2.0),
    Case("gradient, any direction", "gradient", 2.0),
    Case("film in the middle of 9 × 12", "film", 0.0, (9, 12)),
    Case("film off the middle of 9 × 12", "off", 0.0, (9, 12)),
    Case("width of two points, 9 × 12", "field", 2.0, (9, 12)),
)


def _field(rng: np.random.Generator, width: float, shape: tuple[int, int]) -> Array:
    """Return a smooth random field of mean 0 and variance 1 whose ends do not meet."""
    rim = int(np.ceil(4.0 * width))
    made = rng.normal(size=(shape[0] + 2 * rim, shape[1] + 2 * rim))
    if rim:
        made = gaussian_filter(made, width)[rim:-rim, rim:-rim]
    return _standard(made)


def _standard(values: Array) -> Array:
    return np.asarray((values - values.mean()) / values.std(), dtype=np.float64)


def _feature(rng: np.random.Generator, case: Case) -> Array:
    if case.feature == "field":
        return _field(rng, case.width, case.shape)
    ny, nx = case.shape
    y = ((np.arange(ny) - (ny - 1) / 2) / ny)[:, None]
    x = ((np.arange(nx) - (nx - 1) / 2) / nx)[None, :]
    if case.feature == "spot":
        return _standard(np.exp(-((y + 0.25) ** 2 + (x - 0.2) ** 2) / (2.0 * 0.12**2)))
    if case.feature == "gradient":
        angle = rng.uniform(0.0, 2.0 * np.pi)
        return _standard(np.cos(angle) * y + np.sin(angle) * x)
    away = (0.1, 0.15) if case.feature == "off" else (0.0, 0.0)
    inside = (np.abs(y - away[0]) < 0.3) & (np.abs(x - away[1]) < 0.3)
    return _standard(gaussian_filter(inside.astype(np.float64), 0.7))


def drawn(rng: np.random.Generator, case: Case, related: float) -> tuple[Array, Array]:
    """Simulate one pair in its right orientation."""
    common = _feature(rng, case)
    one, other = (
        related**0.5 * common + (1.0 - related) ** 0.5 * _field(rng, case.width, case.shape)
        for _ in range(2)
    )
    return one, other


def told(rng: np.random.Generator, case: Case, related: float, planted: str) -> bool:
    """Simulate one pair and return whether another orientation is said to be better."""
    one, other = drawn(rng, case, related)
    if planted == "mirrored":
        other = other[:, ::-1]
    if planted == "exchanged":
        other = other.T.reshape(case.shape)
    if planted == "shifted":  # by a tenth; what leaves on one side comes in on the other
        other = np.roll(other, case.shape[1] // 10, axis=1)
    seed = int(rng.integers(2**31))
    with patch.object(orientation, "SURROGATES", SURROGATES):
        return better_orientation(one, other, orientations(other), seed=seed) is not None


def rows(pairs: int, seed: int) -> Iterator[tuple[Case, float, dict[str, tuple[int, int]]]]:
    """Yield, of every case and correlation, how many of how many pairs are told; by what is so."""
    for number, case in enumerate(CASES):
        for at, related in enumerate(RELATED):
            found: dict[str, tuple[int, int]] = {}
            for which, planted in enumerate(PLANTED):
                rng = np.random.default_rng([seed, 5, number, at, which])
                of = pairs if planted == "as stated" else max(pairs // FEWER, 1)
                found[planted] = (sum(told(rng, case, related, planted) for _ in range(of)), of)
            yield case, related, found
