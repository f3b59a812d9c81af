"""What the fit of references leaves behind: maps, fitted spectra, covariances."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience_eels.findings.fingerprints_input import Cube, Place
from consilience_eels.fingerprint.maps import fit_pixels
from consilience_eels.fingerprint.region import RegionResult
from consilience_eels.fingerprint.species import Library
from consilience_eels.fingerprint.stretches import ELASTIC
from consilience_eels.spectra import blocks_of_rows

__all__ = ["group_bins", "map_set", "region_set"]

Array = NDArray[np.float64]


def region_set(result: RegionResult) -> xr.Dataset:
    """Return the fit of a region: counts, curves of all species, background, covariances."""
    fit = result.fit
    design = fit.design
    energy = np.concatenate([s.energy for s in design.stretches])
    part = np.concatenate([np.full(len(s.energy), i) for i, s in enumerate(design.stretches)])
    background = design.backgrounds @ fit.heights
    model = np.sqrt(np.clip(np.diag(fit.weights.model), 0.0, None))
    variables: dict[str, Any] = {
        "counts": (
            "bin",
            design.counts,
            {"units": "count", "ancillary_variables": "counts_std"},
        ),
        "counts_std": ("bin", np.sqrt(fit.weights.counting), {"units": "count"}),
        "fitted": ("bin", fit.expected, {"units": "count"}),
        "reference_error": ("bin", model, {"units": "count"}),
        "background": ("bin", background, {"units": "count"}),
        "curves": (
            ("species", "bin"),
            (design.columns * fit.amounts).T,
            {"units": "count"},
        ),
        "energy_loss": ("bin", energy, {"units": "eV"}),
        "stretch": ("bin", part, {"units": "1"}),
        "amount": ("species", fit.amounts, {"units": "1/nm^2"}),
        "amount_free": ("species", fit.free, {"units": "1/nm^2"}),
        "covariance_stat": (
            ("species", "species_2"),
            _finite(fit.covariance_stat),
            {"units": "1/nm^4", "missing": "a species without a signal in the range"},
        ),
        "covariance_sys": (
            ("species", "species_2"),
            _finite(fit.covariance_sys),
            {"units": "1/nm^4", "missing": "a species without a signal in the range"},
        ),
    }
    coordinates = {
        name: (name, list(design.species), {"units": "1"}) for name in ("species", "species_2")
    }
    return xr.Dataset(variables, coordinates)


def map_set(
    place: Place,
    done: Sequence[tuple[str, NDArray[np.bool_], RegionResult]],
    library: Library,
) -> xr.Dataset:
    """Return nm of each phase in each pixel, with standard deviation and limit.

    A pixel in no region has the weights of the region whose mean spectrum is most like its own.
    """
    pixels = place.pixels
    labels = _labels(place, done)
    beam = _beam_counts(place)
    shape = int(np.prod(pixels))
    phases = [p for p in library.phases if library.references[p].units_per_volume()]
    values = {p: np.full((3, shape), np.nan) for p in phases}
    chi = np.full(shape, np.nan)
    for index, (_, mask, result) in enumerate(done):
        own = labels == index
        counts = _binned(place, result, own)
        whole = float(beam[mask.ravel()].sum())
        found = fit_pixels(result.fit, counts, beam[own] / whole)
        chi[own] = found.chi_square
        for phase in phases:
            k = result.fit.design.species.index(phase)
            per = library.references[phase].units_per_volume() or 1.0
            for row, column in enumerate((found.amounts, found.std, found.limit)):
                values[phase][row, own] = column[:, k] / per
    variables: dict[str, Any] = {
        "region": (("y", "x"), labels.reshape(pixels), {"units": "1"}),
        "chi_square": (("y", "x"), chi.reshape(pixels), {"units": "1"}),
    }
    for phase in phases:
        grid = _finite(values[phase]).reshape(3, *pixels)
        variables[phase] = (
            ("y", "x"),
            grid[0],
            {"units": "nm", "ancillary_variables": f"{phase}_std"},
        )
        variables[f"{phase}_std"] = (("y", "x"), grid[1], {"units": "nm"})
        variables[f"{phase}_limit"] = (("y", "x"), grid[2], {"units": "nm"})
    known = place.coordinates()
    axes = {
        new: (new, known[old].values, dict(known[old].attrs))
        for new, old in zip(("y", "x"), place.cubes[0].dims, strict=True)
        if old in known
    }
    return xr.Dataset(variables, axes)


def group_bins(place: Place) -> Array:
    """Return counts of each pixel in some tens of bins, for grouping: beyond the zero loss."""
    parts = []
    for cube in place.cubes:
        first = max(cube.axis.index(ELASTIC + 2.0), 0) if cube is place.low else 0
        edges = np.unique(np.linspace(first, cube.axis.size, 61).astype(int))
        rows = np.empty((int(np.prod(place.pixels)), len(edges) - 1))
        for where, block in blocks_of_rows(cube.values):
            rows[where] = np.add.reduceat(block[:, : edges[-1]], edges[:-1], axis=1)
        total = rows.sum()
        parts.append(rows / total if total > 0 else rows)
    return np.hstack(parts)


def _labels(
    place: Place, done: Sequence[tuple[str, NDArray[np.bool_], RegionResult]]
) -> NDArray[np.int64]:
    bins = group_bins(place)
    shares = np.sqrt(np.clip(bins, 0.0, None) / np.maximum(bins.sum(axis=1, keepdims=True), 1e-300))
    centres = np.array([shares[mask.ravel()].mean(axis=0) for _, mask, _ in done])
    apart = np.array([((shares - centre) ** 2).sum(axis=1) for centre in centres])
    nearest = apart.argmin(axis=0)
    for index, (_, mask, _) in enumerate(done):
        nearest[mask.ravel()] = index
    return np.asarray(nearest, dtype=np.int64)


def _beam_counts(place: Place) -> Array:
    """Counts of the low loss of each pixel; without one, of the first spectrum."""
    cube = place.low or place.cubes[0]
    made = np.empty(int(np.prod(place.pixels)))
    for where, block in blocks_of_rows(cube.values):
        made[where] = block.sum(axis=1, dtype=np.float64)
    return np.maximum(made, 1e-300)


def _binned(place: Place, result: RegionResult, own: NDArray[np.bool_]) -> Array:
    """Counts of some pixels in the bins of the fit."""
    columns = []
    for stretch in result.fit.design.stretches:
        cube = next(c for c in place.cubes if c.measurement.record.name == stretch.name)
        columns.append(_in_bins(cube, stretch.first, stretch.each, len(stretch.energy), own))
    return np.hstack(columns)


def _in_bins(cube: Cube, first: int, each: int, many: int, own: NDArray[np.bool_]) -> Array:
    made = np.empty((int(own.sum()), many))
    channels = slice(first, first + many * each)
    row = 0
    for where, block in blocks_of_rows(cube.values, channels=channels):
        part = block[own[where]]
        made[row : row + len(part)] = part.reshape(len(part), many, each).sum(
            axis=2, dtype=np.float64
        )
        row += len(part)
    return made


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)
