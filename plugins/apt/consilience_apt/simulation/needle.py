"""Ions of a needle, drawn in blocks in the order in which they are detected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from consilience_apt.simulation.composition import (
    cluster_shares,
    depth_density,
    expected_shares,
    interfaces,
)
from consilience_apt.simulation.lines import draw_background, draw_peak, lines_of
from consilience_apt.simulation.params import NeedleParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BACKGROUND", "SimulatedIons", "draw_ions", "ion_blocks"]

BACKGROUND = -1
"""Species of an ion that came at a random time."""
BLOCK = 1 << 18
"""Mean number of ions in a block: 50 MB while it is drawn."""
FLIGHT_PATH = 100.0
"""mm"""
DETECTOR = 20.0
"""mm; radius of the picture of the needle on the detector."""
VOLTAGE = 4000.0
"""V at the top."""
PULSE_FRACTION = 0.15
RATE = 0.01
"""Pulses with an ion."""
TOGETHER = 1.0
"""nm; standard deviation of the places of ions of one pulse."""
BURSTS = 60
"""Slices of depth whose density the second model varies …"""
BURST_SHAPE = 12.0
"""… by a gamma distribution of this shape: a relative standard deviation of 0.29."""
NS = np.sqrt(1.66053906892e-27 / (2 * 1.602176634e-19)) * 1e6
"""ns · mm⁻¹ · (V/Da)^½ of the flight time L √(m / 2neV); CODATA 2018."""


@dataclass(frozen=True)
class SimulatedIons:
    """Detected ions in order; arrays of one length.

    Attributes
    ----------
    x, y, z : float64
        nm; z is minus the depth.
    mass_to_charge : float64
        Da.
    time_of_flight : float64
        ns.
    voltage, pulse_voltage : float64
        V.
    detector_x, detector_y : float64
        mm.
    pulses_since, ions_per_pulse : int64
        Pulses since the last ion and ions of this pulse; both 0 for the further ions of a pulse.
    species : int64
        Index into ``params.species``, `BACKGROUND` for random times: the truth, in no file.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    mass_to_charge: NDArray[np.float64]
    time_of_flight: NDArray[np.float64]
    voltage: NDArray[np.float64]
    pulse_voltage: NDArray[np.float64]
    detector_x: NDArray[np.float64]
    detector_y: NDArray[np.float64]
    pulses_since: NDArray[np.int64]
    ions_per_pulse: NDArray[np.int64]
    species: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def positions(self) -> NDArray[np.float64]:
        """x, y, z in nm, shape (ions, 3)."""
        return np.stack([self.x, self.y, self.z], axis=1)


def draw_ions(params: NeedleParams, seed: int) -> SimulatedIons:
    """Return all ions of a needle in memory (some 200 bytes each)."""
    parts = list(ion_blocks(params, seed))
    if len(parts) == 1:
        return parts[0]
    return SimulatedIons(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(SimulatedIons)
        }
    )


def ion_blocks(params: NeedleParams, seed: int) -> Iterator[SimulatedIons]:
    """Yield the ions of a needle in blocks, from the top down; memory does not grow with `ions`."""
    chance = np.random.default_rng(seed)
    grid, cumulative = _depths(params, chance)
    centres = _cluster_centres(params, chance)
    lines = [lines_of(name) for name in params.species]
    strata = -(-params.ions // BLOCK)
    numbers = chance.multinomial(params.ions, np.full(strata, 1.0 / strata))
    for i, number in enumerate(numbers):
        quantile = (i + chance.random(number)) / strata
        depth = np.interp(quantile, cumulative, grid)
        x, y = _places(params, depth, chance)
        # the surface is a cap: what is detected at one time lies on a sphere of the needle's radius
        radius = _radius(params, depth)
        order = np.argsort(
            depth
            - (x**2 + y**2) / (2.0 * radius)
            + (chance.normal(0.0, params.order, number) if params.order else 0.0),
            kind="stable",
        )
        depth, x, y = depth[order], x[order], y[order]
        first = _first_of_pulse(params, number, chance)
        x, y = _together(params, x, y, depth, first, chance)
        species = _species(params, depth, x, y, centres, chance)
        exact = np.empty(number)
        for k, line in enumerate(lines):
            of_kind = species == k
            exact[of_kind] = chance.choice(line.mass, int(of_kind.sum()), p=line.abundance)
        mass = draw_peak(params, exact, chance)
        random = chance.random(number) < params.background
        mass[random] = draw_background(params, int(random.sum()), chance)
        species[random] = BACKGROUND
        kept = np.ones(number, dtype=bool)
        if params.like_loss:
            kept = ~(_repeated(species, first) & (chance.random(number) < params.like_loss))
        yield _detected(params, depth, x, y, mass, species, first, kept, chance)


def _depths(
    params: NeedleParams, chance: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return depths and the share of ions above each."""
    grid = np.unique(np.concatenate([np.linspace(0.0, params.depth, 4001), interfaces(params)]))
    middle = 0.5 * (grid[1:] + grid[:-1])
    weight = depth_density(params, middle) * np.diff(grid)
    if params.model == "second":
        burst = chance.gamma(BURST_SHAPE, 1.0 / BURST_SHAPE, BURSTS)
        weight = (
            weight * burst[np.minimum((middle / params.depth * BURSTS).astype(int), BURSTS - 1)]
        )
    cumulative = np.concatenate([[0.0], np.cumsum(weight)])
    return grid, cumulative / cumulative[-1]


def _radius(params: NeedleParams, depth: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(params.radius + depth * np.tan(np.radians(params.shank)))


def _places(
    params: NeedleParams, depth: NDArray[np.float64], chance: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    number = len(depth)
    if params.model == "first":
        share, angle = np.sqrt(chance.random(number)), chance.uniform(0.0, 2 * np.pi, number)
    else:
        share, angle = np.empty(number), np.empty(number)
        todo = np.arange(number)
        while todo.size:  # a pole in the middle, and two sides that see less
            a, b = np.sqrt(chance.random(todo.size)), chance.uniform(0.0, 2 * np.pi, todo.size)
            seen = (0.4 + 0.6 * a**2) * (1.0 + 0.5 * np.cos(2 * b)) / 1.5
            hit = chance.random(todo.size) < seen
            share[todo[hit]], angle[todo[hit]] = a[hit], b[hit]
            todo = todo[~hit]
    radius = _radius(params, depth) * share
    return radius * np.cos(angle), radius * np.sin(angle)


def _first_of_pulse(
    params: NeedleParams, number: int, chance: np.random.Generator
) -> NDArray[np.bool_]:
    first = chance.random(number) >= params.multiples
    first[:1] = True
    return first


def _together(
    params: NeedleParams,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    depth: NDArray[np.float64],
    first: NDArray[np.bool_],
    chance: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put further ions of a pulse near its first; those that would leave the needle stay."""
    further = np.flatnonzero(~first)
    leader = np.flatnonzero(first)[np.cumsum(first)[further] - 1]
    near_x = x[leader] + chance.normal(0.0, TOGETHER, further.size)
    near_y = y[leader] + chance.normal(0.0, TOGETHER, further.size)
    inside = near_x**2 + near_y**2 <= _radius(params, depth[further]) ** 2
    x[further[inside]], y[further[inside]] = near_x[inside], near_y[inside]
    return x, y


def _cluster_centres(
    params: NeedleParams, chance: np.random.Generator
) -> NDArray[np.float64] | None:
    """Return depth, x, y of the clusters; whole ones where the layer is thick enough."""
    if params.clusters is None:
        return None
    low, high = interfaces(params)[params.clusters.layer : params.clusters.layer + 2]
    margin = min(params.clusters.radius, 0.5 * (high - low))
    depth = chance.uniform(low + margin, high - margin, params.clusters.number)
    room = np.maximum(_radius(params, depth) - params.clusters.radius, 0.0)
    distance = room * np.sqrt(chance.random(params.clusters.number))
    angle = chance.uniform(0.0, 2 * np.pi, params.clusters.number)
    return np.stack([depth, distance * np.cos(angle), distance * np.sin(angle)], axis=1)


def _species(
    params: NeedleParams,
    depth: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    centres: NDArray[np.float64] | None,
    chance: np.random.Generator,
) -> NDArray[np.int64]:
    shares = expected_shares(params, depth)
    if centres is not None and params.clusters is not None:
        from scipy.spatial import cKDTree

        low, high = interfaces(params)[params.clusters.layer : params.clusters.layer + 2]
        away, _ = cKDTree(centres).query(np.stack([depth, x, y], axis=1))
        inside = (away <= params.clusters.radius) & (depth >= low) & (depth <= high)
        shares[inside] = cluster_shares(params)
    bounds = np.cumsum(shares, axis=1)[:, :-1]
    return np.asarray((chance.random(len(depth))[:, None] >= bounds).sum(axis=1))


def _repeated(species: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether an ion is of the same species as the one before, in one pulse."""
    same = np.zeros(len(species), dtype=bool)
    same[1:] = species[1:] == species[:-1]
    return np.asarray(same & ~first)


def _detected(
    params: NeedleParams,
    depth: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    mass: NDArray[np.float64],
    species: NDArray[np.int64],
    first: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    chance: np.random.Generator,
) -> SimulatedIons:
    leaders = np.flatnonzero(first)
    waited = np.zeros(len(depth), dtype=np.int64)
    waited[leaders] = chance.geometric(RATE, leaders.size)
    together = np.zeros(len(depth), dtype=np.int64)
    # the first of a pulse is never lost, so that every pulse keeps it
    together[leaders] = np.add.reduceat(kept.astype(np.int64), leaders) if leaders.size else 0
    radius = _radius(params, depth)
    voltage = VOLTAGE * radius / params.radius * (1.0 + 0.2 * depth / params.depth)
    detector_x, detector_y = DETECTOR * x / radius, DETECTOR * y / radius
    path = np.sqrt(FLIGHT_PATH**2 + detector_x**2 + detector_y**2)
    total = voltage * (1.0 + PULSE_FRACTION)
    flight = NS * path * np.sqrt(np.clip(mass, 0.0, None) / total)
    return SimulatedIons(
        x=x[kept],
        y=y[kept],
        z=-depth[kept],
        mass_to_charge=mass[kept],
        time_of_flight=flight[kept],
        voltage=voltage[kept],
        pulse_voltage=PULSE_FRACTION * voltage[kept],
        detector_x=detector_x[kept],
        detector_y=detector_y[kept],
        pulses_since=waited[kept],
        ions_per_pulse=together[kept],
        species=species[kept],
    )
