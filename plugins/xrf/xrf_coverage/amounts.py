"""Errors of masses, shares, profiles and liquids: ``python -m xrf_coverage.amounts``.

The first forward model is the layer that the analyses suppose, with all that they are told being
right.  The second takes counts from the simulator's own sum over single lines, a standard, photons,
solid angle, cross sections and liquid that are off by what is stated for them, and a monitor that
scatters more than its counts.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.sample import Sample
from consilience.testing.coverage import Outcome, Row, run_coverage
from consilience_xrf.amounts.attenuation import Angles, Layer, Material, self_absorption
from consilience_xrf.amounts.density import Bench, fundamental_sensitivity
from consilience_xrf.amounts.emission import emission
from consilience_xrf.findings.amount_params import (
    DensityParams,
    LayerParams,
    MapsParams,
    ProfileParams,
    StandardMass,
)
from consilience_xrf.findings.density_run import run_density
from consilience_xrf.findings.maps_run import run_maps
from consilience_xrf.findings.profile_run import run_profile
from consilience_xrf.simulation.forward import Beamline, expected_lines

__all__ = ["ROWS"]

Array = NDArray[np.float64]
CONTEXT: Any = SimpleNamespace(sample=Sample(id="film"))
LINE = Beamline(angle_out=90.0, beryllium=0.0, flux=2e7)
MONITOR = 1e6
MASS, STANDARD, THICK = 64.0, 200.0, 4000.0
"""µg/cm² of platinum."""
LIQUID, LIQUID_STD = 20.0, 4.0
"""µm."""
FORMULA = {"C3H4O3": 0.44, "C3H6O3": 0.44, "LiPF6": 0.12}


@lru_cache(maxsize=4096)
def _counts(model: str, mass: float, liquid: float) -> float:
    """Counts a point of Pt L without noise: as supposed, or by the simulator's own lines."""
    if model == "first":
        over = (Layer(Material(FORMULA, 1.3), liquid, 0.0),)
        bench = Bench(LINE.incident, Angles(), over)
        own = emission("Pt", "L", LINE.incident)
        thin = fundamental_sensitivity(
            "Pt", "L", bench, LINE.flux * LINE.dwell, LINE.solid_angle * 4.0 * np.pi
        ).value
        each, weights = bench.chis(own, Material.of("Pt"))
        inside = np.array([float(self_absorption(mass * 1e-6, float(x))) for x in each])
        return thin * mass * float(np.sum(weights * inside))
    return float(expected_lines(LINE, {"Pt": np.array([mass])}, liquid)["Pt"]["L"][0])


def _scan(name: str, mean: Array, chance: np.random.Generator, extra: float = 0.0) -> Any:
    """A scan whose monitor wobbles by 5 %, is counted, and scatters by `extra` beside."""
    beam = MONITOR * (1.0 + 0.05 * np.clip(chance.standard_normal(mean.shape), -3, 3))
    seen = chance.poisson(beam) * (1.0 + extra * chance.standard_normal(mean.shape))
    values = chance.poisson(mean * beam / MONITOR).astype(np.float64)
    attrs = {"units": "count", "element": "Pt", "line": "L"}
    data = xr.Dataset(
        {
            "Pt_L": (("y", "x"), values, attrs),
            "monitor": (("y", "x"), seen, {"units": "count"}),
        },
        {
            d: (d, 0.5 * np.arange(n), {"units": "um"})
            for d, n in zip("yx", mean.shape, strict=True)
        },
    )
    record = SimpleNamespace(state={"scan": name}, file_name=name, title=name, name=name)
    beam_energy = {"incident_energy": {"value": LINE.incident, "unit": "keV"}}
    return SimpleNamespace(id=name, data=data, metadata=beam_energy, record=record)


def _pull(finding: Any, truth: float) -> Outcome:
    away = finding.value - truth
    stat, sys = finding.std_stat, finding.std_sys
    return Outcome(pull=away / stat, pull_total=away / float(np.hypot(stat, sys or 0.0)))


def _by_standard(model: str, seed: int) -> Outcome:
    chance = np.random.default_rng((seed, 21))
    second = model == "second"
    off = 1.0 + 0.02 * chance.standard_normal() if second else 1.0
    # without an error of its own where the model is the first: many more counts
    foil = np.full((4, 4), _counts(model, STANDARD, 0.0) * (1.0 if second else 1e6) * off)
    foils = _scan("foil", foil, chance)
    if not second:
        foils.data["monitor"] *= 1e6
    film = _scan(
        "film", np.full((4, 4), _counts(model, MASS, 0.0)), chance, 1e-3 if second else 0.0
    )
    params = DensityParams(
        standard_measurement="foil",
        standard={"Pt": StandardMass(mass=STANDARD, std=0.02 * STANDARD)},
    )
    (found,) = run_density([foils, film], params, CONTEXT).findings
    return _pull(found, MASS * 1e-5)


def _by_parameters(mass: float, model: str, seed: int) -> Outcome:
    chance = np.random.default_rng((seed, 22))
    off, liquid = 1.0, LIQUID
    if model == "second":
        errors = np.array([0.03, 0.05, emission("Pt", "L", LINE.incident).relative_std])
        off = float(np.prod(1.0 + errors * np.clip(chance.standard_normal(3), -3, 3)))
        liquid = max(0.0, round(LIQUID + LIQUID_STD * chance.standard_normal(), 2))
    film = _scan("film", np.full((4, 4), _counts(model, mass, liquid) * off), chance)
    over = LayerParams(material=FORMULA, density=1.3, thickness=LIQUID, thickness_std=LIQUID_STD)
    # photons for one count of the monitor
    photons = LINE.flux * LINE.dwell / MONITOR
    params = DensityParams(
        photons=photons, photons_std=0.03, solid_angle=LINE.solid_angle * 4.0 * np.pi,
        solid_angle_std=0.05, fractions={"Pt": 1.0},
        over=(over,),
    )  # fmt: skip
    (found,) = run_density([film], params, CONTEXT).findings
    return _pull(found, mass * 1e-5)


def _thin(model: str, seed: int) -> Outcome:
    return _by_parameters(MASS, model, seed)


def _thick(model: str, seed: int) -> Outcome:
    return _by_parameters(THICK, model, seed)


def _film(chance: np.random.Generator, model: str) -> Array:
    """A flat film with an edge; in the second model with hills and one bright grain."""
    mean = np.full((14, 20), _counts(model, MASS, 0.0))
    mean[:, :4] = 0.02 * mean[0, 0]
    if model == "second":
        y, x = np.mgrid[:14, :20]
        mean = mean * (1.0 + 0.3 * np.sin(x / 3.0 + chance.uniform(0, 6)) * np.cos(y / 4.0))
        mean[7, 12] *= 2.0
    return mean


def _share(model: str, seed: int) -> Outcome:
    chance = np.random.default_rng((seed, 23))
    mean = _film(chance, model)
    (found,) = run_maps([_scan("film", mean, chance)], MapsParams(), CONTEXT).findings
    return _pull(found, float(mean.mean() / mean.max()))


def _profile(model: str, seed: int) -> Outcome:
    chance = np.random.default_rng((seed, 24))
    mean = _film(chance, model)
    params = ProfileParams(start=(1.0, 0.5), end=(9.0, 5.5), width=3.0)
    scan = _scan("film", mean, chance)
    output = run_profile([scan], params, CONTEXT)
    # what the same bins hold without noise
    still = _scan("still", mean, chance)
    still.data["Pt_L"].values[:] = mean
    still.data["monitor"].values[:] = MONITOR
    truth = run_profile([still], params, CONTEXT).arrays["profile_0"]["value"].values
    data = output.arrays["profile_0"]
    reference = float(scan.data["monitor"].mean()) / MONITOR
    at = 5 + seed % 8
    away = float(data["value"][at]) - float(truth[at]) * reference
    return Outcome(pull=away / float(data["value_std"][at]))


def _liquid(model: str, seed: int) -> Outcome:
    chance = np.random.default_rng((seed, 25))
    shape = (10, 10)
    dry = _scan("dry", np.full(shape, 20.0 * _counts(model, MASS, 0.0)), chance)
    wet = _scan("wet", np.full(shape, 20.0 * _counts(model, MASS, 50.0)), chance)
    params = MapsParams(
        dry="dry", electrolyte=LayerParams(material=FORMULA, density=1.3, thickness=0.0)
    )
    found = run_maps([dry, wet], params, CONTEXT).findings
    (one,) = (f for f in found if f.kind == "thickness")
    return _pull(one, 50e3)


ROWS = [
    Row("mass per area by a standard", "pull with systematic", _by_standard),
    Row("mass per area by fundamental parameters, under liquid", "pull with systematic", _thin),
    Row("the same of a layer that absorbs itself", "pull with systematic", _thick),
    Row("mean of a map as share of its greatest point", "both errors", _share),
    Row("bin of a slanted profile", "pull", _profile),
    Row("liquid by a wet and a dry scan", "pull with systematic", _liquid),
]

if __name__ == "__main__":
    sys.exit(run_coverage("python -m xrf_coverage.amounts", ROWS))
