"""From t/λ to nanometres, by the mean free path that a density gives.

References
----------
.. [1] K. Iakoubovskii, K. Mitsuishi, Y. Nakayama and K. Furuya, Microsc. Res. Tech. 71 (2008)
   626, equation 9, as exSpy computes it; the scatter of its 36 solids about the formula is
   below 20 %, and it was measured with a collection angle of 20 mrad.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consilience_eels.library import angular_correction, mean_free_path

__all__ = ["UNCERTAIN", "MeanFreePath", "Optics", "mean_free_path_of", "optics_of"]

UNCERTAIN = 0.2
"""Relative standard deviation of λ."""

MEASURED_TO = 20.0
"""mrad: the effective collection angle to which the formula was measured."""


@dataclass(frozen=True)
class Optics:
    """Beam energy in keV, half-angles of the probe and of the spectrometer's entrance in mrad."""

    beam_energy: float
    convergence: float
    collection: float


@dataclass(frozen=True)
class MeanFreePath:
    """λ in nm at 20 mrad, the factor on t/λ for the angles, and the relative error of both.

    The thickness is ``t/λ × factor × length``.
    """

    length: float
    factor: float
    relative_std: float
    beyond_measured: bool

    @property
    def effective(self) -> float:
        """Nanometres for each unit of t/λ as measured."""
        return self.length * self.factor


def optics_of(
    metadata: Mapping[str, Any],
    beam_energy: float | None = None,
    convergence: float | None = None,
    collection: float | None = None,
) -> Optics | list[str]:
    """Return the optics as stated by the user or else by the file, or what nobody states."""
    found: dict[str, float] = {}
    missing: list[str] = []
    for name, given, words in (
        ("beam_energy", beam_energy, "the energy of the beam"),
        ("convergence_angle", convergence, "the convergence angle"),
        ("collection_angle", collection, "the collection angle"),
    ):
        entry = metadata.get(name)
        if given is not None:
            found[name] = given
        elif isinstance(entry, Mapping) and isinstance(entry.get("value"), int | float):
            found[name] = float(entry["value"])
        else:
            missing.append(words)
    if missing:
        return missing
    return Optics(found["beam_energy"], found["convergence_angle"], found["collection_angle"])


def mean_free_path_of(density: float, optics: Optics) -> MeanFreePath:
    """Return λ for a material of this density (g/cm³) in this microscope.

    Notes
    -----
    The same numbers as exSpy's `estimate_thickness` with ``density``.
    """
    return MeanFreePath(
        mean_free_path(density, optics.beam_energy),
        angular_correction(density, optics.beam_energy, optics.convergence, optics.collection),
        UNCERTAIN,
        max(optics.convergence, optics.collection) > MEASURED_TO,
    )
