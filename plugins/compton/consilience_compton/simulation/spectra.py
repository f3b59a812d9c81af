"""Simulated spectra of a layered cell on a pixel detector, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_compton.model.cell import STATES, STOICHIOMETRY, Cell
from consilience_compton.momentum.kinematics import Geometry
from consilience_compton.simulation.forward import FIRST, Model, expected_counts

__all__ = [
    "SimulatedCell",
    "default_geometry",
    "even_edges",
    "noisy",
    "region_counts",
    "simulate_cell",
]

Array = NDArray[np.float64]
REGIONS = (1, 2, 3)


@dataclass(frozen=True)
class SimulatedCell:
    """Spectra of one cell at one rate, and what was planted.

    Parameters
    ----------
    counts : ndarray, shape (states, 3, rows, columns, bins)
        Poisson counts, or expected ones without noise.
    edges : ndarray, shape (bins + 1,)
        keV.
    geometry : Geometry
    cells : tuple of Cell
        One for each state.
    states : tuple of str
    drift : ndarray, shape (states,)
        Degrees by which the detector had moved; the geometry does not know.
    truth : dict
        x, α, β, drift and the model's name by state; plain values for JSON.
    """

    counts: NDArray[Any]
    edges: Array
    geometry: Geometry
    cells: tuple[Cell, ...]
    states: tuple[str, ...]
    drift: Array
    truth: dict[str, Any]


def default_geometry(rows: int = 80, columns: int = 80) -> Geometry:
    """Return 115 keV, 90°, a pinhole 100 mm before 80 × 80 pixels of 250 µm.

    Fewer pixels are larger, so that they cover the same field.
    """
    return Geometry(
        incident_energy=115.0,
        angle=90.0,
        distance=100.0,
        pitch=250.0 * 80.0 / max(rows, columns),
        rows=rows,
        columns=columns,
    )


def even_edges(bins: int = 560, first: float = 10.0, last: float = 150.0) -> Array:
    """Return edges of even bins, keV."""
    return np.linspace(first, last, bins + 1)


def region_counts(
    cell: Cell,
    region: int,
    edges: Array,
    geometry: Geometry,
    *,
    counts: float,
    model: Model = FIRST,
    drift: float = 0.0,
    fwhm: float = 0.8,
    background: float = 2e-4,
) -> Array:
    """Return the expected counts of one region, noiseless, (rows, columns, bins).

    Parameters
    ----------
    counts : float
        Compton counts of region 3 (lithium alone) in a pixel at 90°; other regions follow from
        their electrons.
    drift : float
        Degrees that the detector has moved.
    """
    lithium = sum(layer.electrons for layer in cell.layers(3))
    angles = geometry.angles() + drift
    return expected_counts(
        cell.layers(region),
        edges,
        geometry.incident_energy,
        angles,
        scale=counts / lithium,
        fwhm=fwhm,
        background=background,
        model=model,
    )


def noisy(expected: Array, chance: np.random.Generator, model: Model = FIRST) -> NDArray[np.int64]:
    """Return counts: Poisson's, with a part of the events counted twice by the second model."""
    if not model.twice:
        return chance.poisson(expected)
    once = chance.poisson(expected * (1.0 - model.twice))
    return np.asarray(once + 2 * chance.poisson(0.5 * model.twice * expected), dtype=np.int64)


def simulate_cell(
    *,
    seed: int | None,
    rate: str = "0.1 C",
    rows: int = 8,
    columns: int = 8,
    bins: int = 560,
    counts: float = 1e5,
    drift: float = 0.0,
    fwhm: float = 0.8,
    model: Model = FIRST,
    cell: Cell | None = None,
    states: tuple[str, ...] = STATES,
    x: tuple[float, ...] | None = None,
) -> SimulatedCell:
    """Simulate a cell in several states, three regions each.

    Parameters
    ----------
    seed : int or None
        None: expected counts without noise.
    rate : {"0.1 C", "1 C"}
        Which published x are planted, unless `x` is given, one for each state.
    counts : float
        Compton counts of lithium alone in a pixel and state.
    drift : float
        Degrees that the detector moves from the first state to the last.
    cell : Cell, optional
        Its own x is not used.
    """
    made = cell or Cell()
    planted = x if x is not None else STOICHIOMETRY[rate][: len(states)]
    cells = tuple(made.with_x(value) for value in planted)
    geometry = default_geometry(rows, columns)
    edges = even_edges(bins)
    moved = np.linspace(0.0, drift, len(states))
    clean = np.array(
        [
            [
                region_counts(
                    one, region, edges, geometry, counts=counts, model=model, drift=off, fwhm=fwhm
                )
                for region in REGIONS
            ]
            for one, off in zip(cells, moved, strict=True)
        ]
    )
    values: NDArray[Any] = clean
    if seed is not None:
        values = noisy(clean, np.random.default_rng(seed), model)
    truth = {
        "origin": "simulated",
        "model": model.name,
        "seed": seed,
        "rate": rate,
        "states": list(states),
        "x": [float(value) for value in planted],
        "alpha": made.alpha,
        "beta": made.beta,
        "drift_deg": [float(value) for value in moved],
        "fwhm_keV": fwhm,
        "counts_of_lithium_per_pixel": counts,
        "incident_energy_keV": geometry.incident_energy,
        "angle_deg": geometry.angle,
        "cell_um": {
            "beam": made.beam,
            "cathode": made.cathode,
            "electrolyte": made.electrolyte,
            "shift": made.shift,
        },
        "binder": made.binder,
    }
    return SimulatedCell(values, edges, replace(geometry), cells, states, moved, truth)
