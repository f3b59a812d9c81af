"""Pairs of maps with a known true correlation, from smooth random fields with noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from benchmarks.verdicts.common import LEVEL, Array, Rates, context_of, finding, repeated
from consilience.compare.maps import correlation
from consilience.compare.maps.maps import compare

__all__ = ["CASES", "PLACES", "Case", "expected", "rates"]

SHAPE = (16, 24)
NOISE = 0.3
"""Of each point, where the maps themselves have a deviation of 1."""
SURROGATES = 200
"""A fifth of what the program takes, so that a thousand pairs take minutes.

p < 0.05 is then reached by 10 of 201, 4.98 %; with the program's 999 by 49 of 1 000.
"""
BOX = {"shape": "box", "coordinates": [[0, 0], [23, 15]], "unit": "um", "frame": "scan"}
PLACES = ("0", "half the limit", "the limit", "limit + 3σ", "minus (limit + 3σ)")


@dataclass(frozen=True)
class Case:
    """Width of the Gaussian that makes neighbours alike, in points."""

    name: str
    width: float

    @property
    def std(self) -> float:
        """Deviation of the correlation of two unrelated maps."""
        return _std(self.width)

    def correlation(self, place: str) -> float:
        """Return the true correlation of the noisy maps."""
        limit = float(norm.isf(LEVEL / 2.0)) * self.std
        beyond = min(limit + 3.0 * self.std, 0.98 / (1.0 + NOISE**2))
        return dict(zip(PLACES, (0.0, 0.5 * limit, limit, beyond, -beyond), strict=True))[place]


CASES = (
    Case("neighbours unrelated", 0.0),
    Case("width of 1.25 points", 1.25),
    Case("width of 2.5 points", 2.5),
)


@cache
def _std(width: float) -> float:
    """Return the deviation of r between unrelated maps (Clifford et al., Biometrics 45, 123, 1989).

    Its square is the mean of the product of both maps' autocorrelations over all pairs of points.
    """
    dy, dx = (np.subtract.outer(np.arange(n), np.arange(n)).ravel() for n in SHAPE)
    squared = dy[:, None] ** 2 + dx[None, :] ** 2
    alike = np.exp(-squared / (4.0 * width**2)) if width > 0 else (squared == 0).astype(float)
    noisy = np.where(squared == 0, 1.0, alike / (1.0 + NOISE**2))
    return math.sqrt(float(np.mean(noisy**2)))


def expected(case: Case, place: str) -> dict[str, float]:
    """Return about what a normal r gives; it is none for few independent parts of a map."""
    rho, limit = case.correlation(place), float(norm.isf(LEVEL / 2.0)) * case.std
    error = norm(rho, case.std * (1.0 - rho**2))
    return {
        "consistent": float(error.sf(limit)),
        "disagree": float(error.cdf(-limit)),
        "undecided": float(error.cdf(limit) - error.cdf(-limit)),
    }


def field(rng: np.random.Generator, width: float) -> Array:
    """Return a smooth random field of variance 1 whose ends do not meet."""
    rim = int(np.ceil(4.0 * width))
    wide = rng.normal(size=(SHAPE[0] + 2 * rim, SHAPE[1] + 2 * rim))
    if not rim:
        return wide
    made = gaussian_filter(wide, width)[rim:-rim, rim:-rim] * 2.0 * np.pi**0.5 * width
    return np.asarray(made, dtype=np.float64)


def said_of_pair(rng: np.random.Generator, case: Case, place: str) -> str:
    """Simulate one pair of maps and return the verdict."""
    rho = case.correlation(place) * (1.0 + NOISE**2)  # before the noise
    one, rest = field(rng, case.width), field(rng, case.width)
    fields = {"xrf": one, "edx": rho * one + (1.0 - rho**2) ** 0.5 * rest}
    arrays = {
        name: _data_of(7.0 * (values + rng.normal(0.0, NOISE, SHAPE)), 7.0 * NOISE)
        for name, values in fields.items()
    }
    evidence = {"variable": "amount", "variable_std": "amount_std"}
    made = [
        finding(
            "element_map",
            name,
            subject={"element": "Pt"},
            region=BOX,
            array=name,
            evidence=evidence,
        )
        for name in fields
    ]
    with patch.object(correlation, "SURROGATES", SURROGATES):
        verdict = compare(made[0], made[1], context_of(made, open_array=arrays.__getitem__))
    assert verdict is not None
    return verdict.verdict


def _data_of(values: Array, std: float) -> xr.Dataset:
    y, x = (np.arange(n, dtype=float) for n in SHAPE)
    return xr.Dataset(
        {"amount": (("y", "x"), values), "amount_std": (("y", "x"), np.full(SHAPE, std))},
        {"y": ("y", y, {"units": "um"}), "x": ("x", x, {"units": "um"})},
    )


def rates(pairs: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every true correlation."""
    for number, case in enumerate(CASES):
        for at, place in enumerate(PLACES):
            rng = np.random.default_rng([seed, 4, number, at])
            yield repeated(
                case.name,
                f"{place} ({case.correlation(place):.2f})",
                pairs,
                lambda r=rng, c=case, p=place: said_of_pair(r, c, p),  # type: ignore[misc]
                expected(case, place),
            )
