"""Forward models of X-ray spectra of a slab: the fitter's own, and another one.

The first has Gaussian main lines on a straight background, and absorbs in an even slab with the
fitter's coefficients.  The second has all lines of each shell with a tail of incomplete charge, a
background that falls as an exponential, a slab that is thicker at one side by half, coefficients
from other tables, and factors, electrons, thickness and density that are not those stated but
drawn about them.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.sample import Sample
from consilience_eels.findings.quantify_amounts import measured
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_recipe import Plan, plan_of
from consilience_eels.findings.quantify_spectrum import XraySpectrum, asked_of, spectrum_of
from consilience_eels.library import atomic_weight, lines_of, mass_absorption
from consilience_eels.physics import xray as tables
from consilience_eels.xray.errors import Parts
from consilience_eels.xray.leaks import leaks
from consilience_eels.xray.quantify import line_counts

__all__ = ["ENERGY", "Slab", "expected", "quantified", "true_atomic"]

Array = NDArray[np.float64]

ENERGY: Array = 0.05 + 0.02 * np.arange(620, dtype=np.float64)
CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"))
RESOLUTION, TAKE_OFF = 128.0, 20.0


@dataclass(frozen=True)
class Slab:
    """A specimen: weight fraction and ζ-factor (kg/m²) of lines, mass per area, electrons.

    `background` are counts per channel at the low end of the spectrum.
    """

    weight: tuple[tuple[str, float], ...]
    zeta: tuple[tuple[str, float], ...]
    areal_mass: float
    electrons: float
    background: float

    @property
    def lines(self) -> list[str]:
        """Main lines, one of each element."""
        return [line for line, _ in self.weight]


def true_atomic(slab: Slab) -> dict[str, float]:
    """Return the atomic fraction of each element."""
    atoms = {line.split("_")[0]: w / atomic_weight(line.split("_")[0]) for line, w in slab.weight}
    return {element: value / sum(atoms.values()) for element, value in atoms.items()}


@lru_cache(maxsize=8)
def _coefficients(lines: tuple[str, ...], *, other: bool) -> Array:
    elements = [line.split("_")[0] for line in lines]
    if not other:
        return np.asarray(mass_absorption(list(lines), elements), dtype=np.float64)
    at = np.array([lines_of(line.split("_")[0])[line][0] for line in lines])
    return np.stack([0.1 * tables.mass_absorption(e, at) for e in elements], axis=1)


def counts_of_lines(slab: Slab, *, other: bool, chance: np.random.Generator | None) -> Array:
    """Return expected counts of the main lines; factors drawn to 4 % where there is `chance`."""
    weight = np.array([w for _, w in slab.weight])
    zeta = np.array([z for _, z in slab.zeta])
    if chance is not None:
        zeta = zeta * (1.0 + 0.04 * chance.normal(size=zeta.size))
    chi = _coefficients(tuple(slab.lines), other=other) @ weight
    chi = chi * slab.areal_mass / math.sin(math.radians(TAKE_OFF))
    spread = np.linspace(0.75, 1.25, 9) if other else np.ones(1)
    depth = chi[:, None] * spread
    leaves = (-np.expm1(-depth) / np.maximum(depth, 1e-12) * spread).mean(axis=1)
    return np.asarray(slab.electrons * slab.areal_mass * weight / zeta * leaves)


@lru_cache(maxsize=32)
def _shape(line: str, *, other: bool) -> Array:
    """Channels of one count in the line, with the others of its shell in the second model."""
    element, _, name = line.partition("_")
    known = lines_of(element)
    family = {line: known[line]}
    if other:
        family = {n: v for n, v in known.items() if n.partition("_")[2][0] == name[0]}
    total = np.zeros(ENERGY.size)
    for at, weight in family.values():
        fwhm = 1e-3 * math.sqrt(RESOLUTION**2 + 2.5e3 * (at - 5.8987))
        sigma = fwhm / 2.3548
        one = np.exp(-((ENERGY - at) ** 2) / (2 * sigma**2)) * 0.02
        one /= sigma * math.sqrt(2 * math.pi)
        if other:
            tail = np.where(at > ENERGY, np.exp((ENERGY - at) / 0.4), 0.0)
            # a factor measured with the same detector knows nothing of what leaves the peak
            one = one + 0.02 * tail / tail.sum()
        total += weight / known[line][1] * one
    return total


def expected(slab: Slab, *, other: bool, chance: np.random.Generator | None = None) -> Array:
    """Return expected counts of all channels."""
    made = slab.background * (np.exp(-ENERGY / 9.0) if other else 1.0 - 0.5 * ENERGY / ENERGY[-1])
    for line, counts in zip(
        slab.lines, counts_of_lines(slab, other=other, chance=chance), strict=True
    ):
        made = made + counts * _shape(line, other=other)
    return np.asarray(made)


@lru_cache(maxsize=32)
def _prepared(slab: Slab, text: str, *, other: bool) -> tuple[XraySpectrum, Plan]:
    """Windows and recipe, which do not depend on the counts."""
    data = xr.Dataset(
        {"counts": (("energy",), expected(slab, other=other).round(), {"units": "count"})},
        {"energy": ("energy", ENERGY, {"units": "keV"})},
    )
    spectrum: Any = SimpleNamespace(
        data=data,
        modality="edx",
        metadata={
            "beam_energy": {"value": 200.0, "unit": "keV"},
            "energy_resolution_mn_ka": {"value": RESOLUTION, "unit": "eV"},
        },
        record=SimpleNamespace(name="spectrum"),
    )
    params = QuantificationParams.model_validate_json(text)
    found = spectrum_of(spectrum, asked_of(spectrum, params, CONTEXT), params)
    return found, plan_of(spectrum, found, params, 1)


def prepared(slab: Slab, params: QuantificationParams, *, other: bool) -> tuple[XraySpectrum, Plan]:
    """Return the spectrum without noise and the recipe, once for each slab."""
    return _prepared(slab, params.model_dump_json(), other=other)


def quantified(
    slab: Slab, params: QuantificationParams, counts: Array, *, other: bool
) -> tuple[XraySpectrum, Parts]:
    """Return what the analysis makes of counts, without placing the windows again.

    Parameters
    ----------
    slab : Slab
        What the windows are placed for.
    params : QuantificationParams
    counts : ndarray, shape (channels,)
    other : bool
    """
    clean, plan = prepared(slab, params, other=other)
    nets = clean.weights @ counts
    sums = [replace(line, net=float(net)) for line, net in zip(clean.sums, nets, strict=True)]
    found = line_counts(clean.weights, counts)
    spectrum = replace(clean, counts=counts, sums=sums, found=found)
    return spectrum, measured(spectrum, plan, leaks(sums, found, sums))
