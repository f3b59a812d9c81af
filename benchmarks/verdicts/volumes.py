"""Numbers on a whole and on a piece of it: is the variation that a map shows enough of an error?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from benchmarks.verdicts.common import LEVEL, Array, Rates, context_of, finding, repeated
from consilience.compare.numbers.scalar import compare
from consilience.model import Finding, Margin, Sample

__all__ = ["CASES", "PLACES", "Case", "rates", "said_of_volumes"]

STD, NOISE, SPREAD, MEAN = 0.02, 0.05, 0.1, 10.0
MARGIN = Margin(value=0.5, unit="kg/m^2", reason="a benchmark")
PLACES = {"0": 0.0, "margin": 0.5, "margin + 0.4": 0.9}
Field = Callable[[np.random.Generator, tuple[int, int]], Array]


def white(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Points that have nothing to do with each other."""
    return np.asarray(rng.normal(size=shape))


def smooth(width: float) -> Field:
    """A Gaussian field of this width in points."""

    def made(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        wide = rng.normal(size=(shape[0] + 60, shape[1] + 60))
        return np.asarray(gaussian_filter(wide, width)[30:-30, 30:-30] * 2 * width * math.pi**0.5)

    return made


def two_phases(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """One tenth of the area holds three times the deviation more: no Gaussian field."""
    field = smooth(3.0)(rng, shape)
    return np.where(field > np.quantile(field, 0.9), 3.0, -1.0 / 3.0)


def gradient(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """A steady change across the map with a little structure."""
    return 0.3 * smooth(2.0)(rng, shape) + np.linspace(-1.6, 1.6, shape[1])[None, :]


@dataclass(frozen=True)
class Case:
    """A field, a map of it, and the side of the piece in points."""

    name: str
    field: Field
    side: int
    shape: tuple[int, int] = (24, 40)
    noise_stated: float = 1.0


CASES = (
    Case("white, 1 point", white, 1),
    Case("width 2, 4 × 4 points", smooth(2.0), 4),
    Case("width 5, 2 × 2 points", smooth(5.0), 2),
    Case("width 5, 6 × 6 points", smooth(5.0), 6),
    Case("width 8, 4 × 4 points", smooth(8.0), 4),
    Case("two phases, 3 × 3 points", two_phases, 3),
    Case("gradient, 4 × 4 points", gradient, 4),
    Case("width 5, 6 × 6 points, few blocks", smooth(5.0), 6, (20, 20)),
    Case("width 2, 4 × 4 points, noise overstated 1.3 times", smooth(2.0), 4, (24, 40), 1.3),
)


def said_of_volumes(rng: np.random.Generator, case: Case, off: float) -> str:
    """Simulate map, whole and piece; the piece's technique is off by `off`."""
    ny, nx = case.shape
    truth = MEAN + SPREAD * case.field(rng, case.shape)
    seen = truth + NOISE * rng.normal(size=truth.shape)
    y, x = rng.integers(0, ny - case.side + 1), rng.integers(0, nx - case.side + 1)
    piece = float(truth[y : y + case.side, x : x + case.side].mean() + off)
    side = float(case.side)
    cut = {
        "shape": "box",
        "coordinates": [[0.0, 0.0], [side, side]],
        "unit": "um",
        "frame": "map",
    }
    samples = {
        "chip": Sample(id="chip"),
        "piece": Sample.model_validate({"id": "piece", "parent": "chip", "cut": cut}),
    }
    evidence = {"variable": "pt", "variable_std": "pt_std"}
    whole = _number("chip", "xrf", float(truth.mean()), rng, array="map", evidence=evidence)
    part = _number("piece", "edx", piece, rng)
    stated = np.full(truth.shape, NOISE * case.noise_stated)
    data = xr.Dataset(
        {
            "pt": (("y", "x"), seen, {"units": "kg/m^2"}),
            "pt_std": (("y", "x"), stated, {"units": "kg/m^2"}),
        },
        {
            "y": ("y", np.arange(float(ny)), {"units": "um"}),
            "x": ("x", np.arange(float(nx)), {"units": "um"}),
        },
    )
    context = context_of(
        [whole, part],
        margins={"mass_thickness": MARGIN},
        open_array={"map": data}.__getitem__,
        maps={"chip": [whole]},
    )
    verdict = compare(whole, part, replace(context, samples=samples))
    assert verdict is not None
    return verdict.verdict


def _number(
    sample: str, technique: str, value: float, rng: np.random.Generator, **more: object
) -> Finding:
    return finding(
        "mass_thickness",
        technique,
        sample=sample,
        subject={"element": "Pt"},
        value=float(value + STD * rng.normal()),
        unit="kg/m^2",
        std_stat=STD,
        std_sys=0.0,
        **more,
    )


def rates(repeats: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every difference."""
    bounds = ({"disagree": LEVEL}, {"agree": LEVEL, "disagree": LEVEL}, {"agree": LEVEL})
    for number, case in enumerate(CASES):
        for at, (place, off) in enumerate(PLACES.items()):
            rng = np.random.default_rng([seed, 13, number, at])
            yield repeated(
                case.name,
                place,
                repeats,
                lambda r=rng, c=case, o=off: said_of_volumes(r, c, o),  # type: ignore[misc]
                bounds=bounds[at],
            )
