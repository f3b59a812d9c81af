"""One state of a film as it would be measured: spectra or maps, the monitor, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience_xrf.simulation.emission import shell_energy
from consilience_xrf.simulation.forward import Beamline, expected_lines, expected_spectra
from consilience_xrf.simulation.scene import Film, FilmState, Grid, Spot, film_truth, mass_map
from consilience_xrf.simulation.scene import spot_map as spot_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Measured", "Setting", "SimulatedCube", "SimulatedMaps", "cube", "maps", "masses"]

LABELS = {"K": "Ka", "L": "La", "M": "Ma"}


class Setting(BaseModel):
    """What does not change from state to state."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: Grid = Grid()
    film: Film = Film()
    others: tuple[Spot, ...] = (
        Spot(element="Si", level=300.0),
        Spot(element="Ar", level=1.5),
        Spot(element="Fe", level=0.05, height=2.0, at=(0.6, -1.0), sigma=0.4),
        Spot(element="Cu", level=0.1, height=0.8, at=(-0.8, 1.2), sigma=0.6),
        Spot(element="Zn", level=0.3),
    )
    beamline: Beamline = Beamline()
    monitor_rate: float = Field(default=1e6, gt=0, description="counts of the monitor in a dwell")
    drift: float = Field(
        default=0.02,
        ge=-0.5,
        le=0.5,
        description="of the beam from first to last point of the scan",
    )
    noise: bool = True


@dataclass(frozen=True)
class Measured:
    """The beam of a state: against nominal, and as the monitor counts it; (rows, columns)."""

    beam: NDArray[np.float64]
    monitor: NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedCube:
    """A scan of spectra: counts (rows, columns, channels), live time [s], beam, truth."""

    counts: NDArray[Any]
    live: NDArray[np.float64]
    measured: Measured
    truth: dict[str, Any]


@dataclass(frozen=True)
class SimulatedMaps:
    """Maps of one state: counts under names such as ``Pt-La``, their expectation, beam, truth."""

    counts: dict[str, NDArray[Any]]
    expected: dict[str, NDArray[np.float64]]
    measured: Measured
    truth: dict[str, Any]


def masses(setting: Setting, state: FilmState, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return the areal density of each element [ug/cm^2], shape (rows, columns)."""
    found = {setting.film.element: mass_map(setting.film, state, setting.grid, seed)}
    for spot in setting.others:
        more = spot_of(spot, state, setting.grid)
        found[spot.element] = found.get(spot.element, 0.0) + more
    return found


def _measured(setting: Setting, state: FilmState, chance: np.random.Generator) -> Measured:
    shape = (setting.grid.rows, setting.grid.columns)
    place = np.linspace(0.0, 1.0, shape[0] * shape[1]).reshape(shape)
    beam = state.monitor * (1 + setting.drift * place)
    expected = setting.monitor_rate * beam
    if not setting.noise:
        return Measured(beam, expected)
    if setting.beamline.model == "second":  # a monitor whose gain flickers
        expected = expected * chance.normal(1.0, 0.003, shape)
    return Measured(beam, chance.poisson(expected).astype(np.float64))


def _truth(
    setting: Setting, state: FilmState, found: dict[str, NDArray[np.float64]], seed: int
) -> dict[str, Any]:
    counts = expected_lines(setting.beamline, found, state.electrolyte)
    return {
        "state": state.model_dump(),
        "film": film_truth(setting.film, state, seed),
        "mean_areal_density": {name: float(mass.mean()) for name, mass in found.items()},
        "expected_counts_full_beam": {
            f"{name}_{shell}": float(part.sum())
            for name, shells in counts.items()
            for shell, part in shells.items()
        },
    }


def cube(setting: Setting, state: FilmState, seed: int, index: int = 0) -> SimulatedCube:
    """Return the spectra of a state.

    Parameters
    ----------
    setting : Setting
    state : FilmState
    seed : int
        Of the scene: the same film has the same voids.
    index : int
        Of the state, so that each has noise of its own.
    """
    chance = np.random.default_rng([seed, index, 1])
    found = masses(setting, state, seed)
    measured = _measured(setting, state, chance)
    rows, columns = setting.grid.rows, setting.grid.columns
    channels = setting.beamline.channels
    counts = np.empty((rows, columns, channels), np.uint32 if setting.noise else np.float64)
    live = np.empty((rows, columns))
    for row in range(rows):
        expected, live[row] = expected_spectra(
            setting.beamline,
            {name: mass[row] for name, mass in found.items()},
            state.electrolyte,
            measured.beam[row],
            row / max(rows - 1, 1),
        )
        counts[row] = chance.poisson(expected) if setting.noise else expected
    return SimulatedCube(counts, live, measured, _truth(setting, state, found, seed))


def maps(
    setting: Setting, state: FilmState, seed: int, index: int = 0, *, told: bool = True
) -> SimulatedMaps:
    """Return maps of a state: counts of each element's strongest shell, no background.

    Parameters
    ----------
    setting, state, seed, index
        As for `cube`.
    told : bool
        False leaves the truth empty, for many repeats.
    """
    chance = np.random.default_rng([seed, index, 2])
    found = masses(setting, state, seed)
    measured = _measured(setting, state, chance)
    expected: dict[str, NDArray[np.float64]] = {}
    for element, shells in expected_lines(setting.beamline, found, state.electrolyte).items():
        if not shells:
            continue
        shell = max(shells, key=lambda name: float(shells[name].sum()))
        if shell_energy(element, shell, setting.beamline.incident) is None:
            continue
        expected[f"{element}-{LABELS[shell]}"] = shells[shell] * measured.beam
    counts: dict[str, NDArray[Any]] = {
        name: chance.poisson(part).astype(np.float64) if setting.noise else part
        for name, part in expected.items()
    }
    truth = _truth(setting, state, found, seed) if told else {}
    return SimulatedMaps(counts, expected, measured, truth)
