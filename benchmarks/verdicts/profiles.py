"""Pairs of profiles along one line, with a known true correlation, or with none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm

from benchmarks.verdicts.common import LEVEL, Array, context_of, finding
from consilience.compare.maps.profiles import compare
from consilience.model import Verdict

__all__ = ["CASES", "PLACES", "Case", "rows", "verdict_of_pair"]

NOISE = 0.3
"""Of each point, where the profiles themselves have a deviation of 1."""
PLACES = ("0", "limit + 3σ")


@dataclass(frozen=True)
class Case:
    """So many points; a Gaussian of so many points makes neighbours alike.

    `layer` takes, in place of a random course, a layer of random place and of 10 to 40 % of the
    line, with edges as wide as the Gaussian makes them.
    """

    points: int
    width: float
    layer: bool = False

    @property
    def name(self) -> str:
        if self.layer:
            return f"{self.points} points, a layer somewhere"
        alike = f"width of {self.width:g} points" if self.width else "neighbours unrelated"
        return f"{self.points} points, {alike}"

    @property
    def std(self) -> float:
        """Deviation of r of two unrelated ones (Clifford et al., Biometrics 45, 123, 1989)."""
        lag = np.subtract.outer(np.arange(self.points), np.arange(self.points))
        alike = np.exp(-(lag**2) / (4.0 * self.width**2)) if self.width else lag == 0
        return math.sqrt(float(np.mean(np.where(lag == 0, 1.0, alike / (1.0 + NOISE**2)) ** 2)))

    def correlation(self, place: str) -> float:
        """Return the true correlation of the noisy profiles."""
        limit = float(norm.isf(LEVEL / 2.0)) * self.std
        most = 0.98 / (1.0 + NOISE**2)
        return 0.0 if place == "0" else min(limit + 3.0 * self.std, most)


CASES = (
    Case(16, 0.0),
    Case(16, 1.0),
    Case(16, 2.0),
    Case(32, 1.0),
    Case(32, 2.0),
    Case(32, 4.0),
    Case(64, 2.0),
    Case(64, 4.0),
    Case(64, 8.0),
    Case(200, 0.0),
    Case(200, 4.0),
    Case(200, 16.0),
    Case(24, 0.5, layer=True),
    Case(100, 1.0, layer=True),
)


def course(rng: np.random.Generator, case: Case) -> Array:
    """Return a course of variance about 1, whose ends do not meet."""
    n = case.points
    if case.layer:
        thick = rng.uniform(0.1, 0.4) * n
        begin = rng.uniform(0.0, n - thick)
        at = np.arange(n) + 0.5
        rise = norm.cdf((at - begin) / case.width) - norm.cdf((at - begin - thick) / case.width)
        return np.asarray(rise / 0.43, dtype=np.float64)
    rim = int(np.ceil(4.0 * case.width))
    wide = rng.normal(size=n + 2 * rim)
    if not rim:
        return wide
    made = gaussian_filter1d(wide, case.width)[rim:-rim] * (2.0 * np.pi**0.5 * case.width) ** 0.5
    return np.asarray(made, dtype=np.float64)


def verdict_of_pair(rng: np.random.Generator, case: Case, place: str) -> Verdict:
    """Simulate one pair of profiles and return its verdict."""
    one, rest = course(rng, case), course(rng, case)
    rho = case.correlation(place) * (1.0 + NOISE**2)  # before the noise
    courses = {"edx": one, "eels": rho * one + (1.0 - rho**2) ** 0.5 * rest}
    n = case.points
    places = {"distance": ("distance", np.arange(float(n)), {"units": "nm"})}
    arrays = {
        name: xr.Dataset(
            {
                "value": ("distance", 7.0 * (values + rng.normal(0.0, NOISE, n))),
                "value_std": ("distance", np.full(n, 7.0 * NOISE)),
            },
            places,
        )
        for name, values in courses.items()
    }
    along = {"shape": "line", "coordinates": [[0, 0], [n, 0]], "unit": "nm", "frame": "scan"}
    evidence = {"variable": "value", "variable_std": "value_std"}
    made = [
        finding(
            "line_profile",
            name,
            subject={"element": "Pt"},
            region=along,
            array=name,
            evidence=evidence,
        )
        for name in courses
    ]
    verdict = compare(made[0], made[1], context_of(made, open_array=arrays.__getitem__))
    assert verdict is not None
    return verdict


def rows(pairs: int, seed: int) -> Iterator[tuple[Case, str, list[Verdict]]]:
    """Yield each case and place with the verdicts of its pairs; layers have no partial relation."""
    for number, case in enumerate(CASES):
        for at, place in enumerate(PLACES):
            if case.layer and place != "0":
                continue
            rng = np.random.default_rng([seed, 11, number, at])
            yield case, place, [verdict_of_pair(rng, case, place) for _ in range(pairs)]
