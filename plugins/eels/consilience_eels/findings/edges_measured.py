"""What ``eels.edges`` measures of one spectrum or spectrum image, before it is put into words."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.measurement import Measurement
from consilience_eels.edges.background import fit_power_law, pre_edge
from consilience_eels.edges.gain import Gain, estimate_gain
from consilience_eels.edges.intensity import EdgeCounts, Noise, edge_counts, influence, map_edge
from consilience_eels.edges.linear import exponents_of, linear_edge, map_linear
from consilience_eels.edges.ratio import fraction_maps
from consilience_eels.edges.windows import EdgePlan, Onsets
from consilience_eels.findings.edges_params import EdgesParams
from consilience_eels.library import edge_cross_section
from consilience_eels.spectra import LossAxis

__all__ = [
    "Beam",
    "MeasuredEdge",
    "MeasuredEdges",
    "as_arrays",
    "beam_of",
    "cross_section",
    "measure_edges",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Beam:
    """What cross sections need: keV, and semi-angles in mrad; None where nobody says it."""

    energy: float | None
    convergence: float | None
    collection: float | None

    @property
    def missing(self) -> list[str]:
        """What is not known, in words."""
        said = {
            "beam energy": self.energy,
            "convergence angle": self.convergence,
            "collection angle": self.collection,
        }
        return [name for name, value in said.items() if value is None]


@dataclass(frozen=True)
class MeasuredEdge:
    """One edge in the sum of all pixels, each array of one entry, and in each pixel."""

    plan: EdgePlan
    edge: str
    before: tuple[float, float]
    inside: tuple[float, float]
    total: EdgeCounts
    weights: Array
    beside: float | None
    pixels: tuple[Array, Array, Array] | None
    exponents: tuple[float, float] | None

    @property
    def net(self) -> float:
        """Net counts of the sum."""
        return float(self.total.net[0])


@dataclass(frozen=True)
class MeasuredEdges:
    """All edges of one measurement."""

    axis: LossAxis
    spectrum: Array
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    noise: Noise | None
    gain: Gain | None
    edges: list[MeasuredEdge]
    tables: Mapping[str, Onsets]

    @property
    def assumed(self) -> Noise:
        """The noise, or one count for each electron where it is not known."""
        return self.noise or Noise()

    def covariance(self) -> Array:
        """Covariance of the net counts of the sum, from counting, shape (k, k)."""
        noise, number = self.assumed, int(np.prod(self.shape)) or 1
        variance = noise.counts_per_electron * np.clip(self.spectrum, 0.0, None)
        variance = variance + number * noise.readout
        rows = np.stack([e.weights for e in self.edges])
        found: Array = (rows * variance) @ rows.T
        for i, edge in enumerate(self.edges):
            found[i, i] = float(edge.total.std[0]) ** 2
        return found


def beam_of(measurement: Measurement, params: EdgesParams) -> Beam:
    """Return energy and angles as given, or else as the file states them."""

    def known(given: float | None, name: str) -> float | None:
        if given is not None:
            return given
        stated = measurement.metadata.get(name)
        value = stated.get("value") if isinstance(stated, Mapping) else None
        return float(value) if isinstance(value, int | float) else None

    return Beam(
        known(params.beam_energy, "beam_energy"),
        known(params.convergence_angle, "convergence_angle"),
        known(params.collection_angle, "collection_angle"),
    )


def cross_section(axis: LossAxis, edge: MeasuredEdge, beam: Beam) -> float | None:
    """Return the window's cross section in barn; None of a shell the model does not have."""
    if beam.energy is None or beam.convergence is None or beam.collection is None:
        return None
    window = axis.window(*edge.inside)
    first = float(axis.energy[window.start])
    channels = window.stop - window.start
    try:
        return edge_cross_section(
            edge.edge, beam.energy, beam.convergence, beam.collection, first, axis.step, channels
        )
    except ValueError:
        return None


def measure_edges(
    array: xr.DataArray,
    axis: LossAxis,
    plans: Sequence[EdgePlan],
    tables: Mapping[str, Onsets],
    params: EdgesParams,
) -> MeasuredEdges:
    """Measure every edge that has windows.

    Parameters
    ----------
    array : xarray.DataArray, shape (..., n)
        Energy last.
    axis : LossAxis
    plans : sequence of EdgePlan
    tables : mapping
        Element to its edges, for the neighbours.
    params : EdgesParams
    """
    cube = array.values
    shape = cube.shape[:-1]
    flat = cube.reshape(-1, axis.size)
    spectrum = flat.sum(axis=0, dtype=np.float64)
    usable = [p for p in plans if p.edge and p.before and p.inside]
    noise, gain = _noise(flat, axis, usable, params)
    known = noise or Noise()
    whole = Noise(known.counts_per_electron, known.readout * len(flat))
    edges = []
    for plan in usable:
        assert plan.edge
        assert plan.before
        assert plan.inside
        pixels, exponents = None, None
        if len(flat) > 1:
            pixels, exponents = _pixels(flat, axis, spectrum, plan, known, params)
        edges.append(
            MeasuredEdge(
                plan,
                plan.edge,
                plan.before,
                plan.inside,
                edge_counts(
                    axis, spectrum[None], plan.before, plan.inside, whole, params.curvature
                ),
                influence(axis, spectrum, plan.before, plan.inside),
                _beside(axis, spectrum, plan.before, whole),
                pixels,
                exponents,
            )
        )
    dims = tuple(str(d) for d in array.dims[:-1])
    return MeasuredEdges(axis, spectrum, shape, dims, noise, gain, edges, tables)


def _noise(
    flat: NDArray[Any], axis: LossAxis, plans: Sequence[EdgePlan], params: EdgesParams
) -> tuple[Noise | None, Gain | None]:
    given = params.counts_per_electron
    readout = params.readout_std**2
    if given is None:
        return None, None
    if given != "estimate":
        return Noise(given, readout), None
    windows = [pre_edge(axis, *p.before) for p in plans if p.before]
    found = estimate_gain(flat, axis, windows)
    if found is None:
        return None, None
    return Noise(found.value, readout), found


def _pixels(
    flat: NDArray[Any],
    axis: LossAxis,
    spectrum: Array,
    plan: EdgePlan,
    noise: Noise,
    params: EdgesParams,
) -> tuple[tuple[Array, Array, Array], tuple[float, float] | None]:
    assert plan.before
    assert plan.inside
    if params.background == "power law":
        found = map_edge(flat, axis, plan.before, plan.inside, noise, params.curvature)
        return (found.net, found.std, found.background), None
    exponents = exponents_of(flat, axis, plan.before)
    made = linear_edge(axis, spectrum / len(flat), plan.before, plan.inside, exponents)
    return map_linear(flat, made, noise), exponents


def _beside(
    axis: LossAxis, spectrum: Array, before: tuple[float, float], noise: Noise
) -> float | None:
    """Far half of the window held against the near one: counts there over the fit, in σ."""
    middle = 0.5 * (before[0] + before[1])
    window = pre_edge(axis, *before)
    if window.stop - window.start < 20:
        return None
    found = edge_counts(axis, spectrum[None], (before[0], middle), (middle, before[1]), noise, 0.0)
    return float(found.net[0] / found.null_std[0]) if found.null_std[0] > 0 else None


def as_arrays(
    array: xr.DataArray, measured: MeasuredEdges, sections: Mapping[str, float]
) -> xr.Dataset:
    """Return the sum with its backgrounds, and the maps, for views and for the store."""
    axis, unit = measured.axis, str(array.attrs.get("units", "count"))
    variables: dict[str, Any] = {
        "sum": (("energy_loss",), measured.spectrum, {"units": unit}),
    }
    coordinates: dict[str, Any] = {
        "energy_loss": ("energy_loss", axis.energy, {"units": "eV"}),
    }
    for edge in measured.edges:
        begin = axis.window(*edge.before).start
        end = axis.window(*edge.inside).stop
        window = pre_edge(axis, *edge.before)
        fit = fit_power_law(axis.energy[window], measured.spectrum[None, window])
        under = np.full(axis.size, np.nan)
        under[begin:end] = fit.counts(axis.energy[begin:end])[0]
        variables[f"background_{edge.edge}"] = (
            ("energy_loss",),
            under,
            {"units": unit, "missing": "outside the windows of this edge"},
        )
        if edge.pixels is None:
            continue
        for name, values in zip(("net", "net_std"), edge.pixels[:2], strict=True):
            if name == "net_std" and measured.noise is None:
                continue
            attrs = {"units": unit, "missing": "too few counts for a background"}
            if name == "net" and measured.noise is not None:
                attrs["ancillary_variables"] = f"net_std_{edge.edge}"
            variables[f"{name}_{edge.edge}"] = (
                measured.dims,
                values.reshape(measured.shape),
                attrs,
            )
    mapped = [e for e in measured.edges if e.pixels is not None and e.edge in sections]
    if len(mapped) > 1 and measured.noise is not None:
        nets, stds = (np.stack([e.pixels[i] for e in mapped if e.pixels]) for i in (0, 1))
        found = fraction_maps(nets, stds, np.array([sections[e.edge] for e in mapped]))
        for i, edge in enumerate(mapped):
            name = edge.plan.element
            for label, values in zip(("fraction", "fraction_std"), found, strict=True):
                attrs = {"units": "1", "missing": "too few atoms to speak of a fraction"}
                if label == "fraction":
                    attrs["ancillary_variables"] = f"fraction_std_{name}"
                variables[f"{label}_{name}"] = (
                    measured.dims,
                    values[i].reshape(measured.shape),
                    attrs,
                )
    for dim in measured.dims:
        coordinates[dim] = array[dim].variable
    return xr.Dataset(variables, coordinates)
