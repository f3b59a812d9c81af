"""From parameters and metadata to a recipe of quantification, or to why there is none."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.model.measurement import Measurement
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_spectrum import XraySpectrum, quantity_of
from consilience_eels.library import (
    atomic_weight,
    element_density,
    mass_absorption,
    take_off_angle,
)
from consilience_eels.xray.amounts import Absorbing, Recipe
from consilience_eels.xray.errors import Uncertain

__all__ = ["WORDS", "Plan", "plan_of"]

WORDS = {"cliff_lorimer": "k-factor", "zeta": "ζ-factor", "cross_section": "cross-section"}
ELECTRON = 1.602176634e-19
"""Charge, C."""
ANGLES = ("elevation_angle", "azimuth_angle", "tilt_alpha", "tilt_beta")


@dataclass(frozen=True)
class Plan:
    """How a spectrum is quantified.

    `recipe` None: not at all, for the reason in `refused`.  `thin`: the recipe with absorption
    where that could be corrected and was not asked for.
    """

    recipe: Recipe | None
    uncertain: Uncertain
    thin: Recipe | None
    assumptions: list[str]
    refused: str = ""


def plan_of(
    measurement: Measurement,
    spectrum: XraySpectrum,
    params: QuantificationParams,
    pixels: int,
) -> Plan:
    """Return the recipe for the lines of a spectrum, all of which have a factor.

    Parameters
    ----------
    measurement : Measurement
    spectrum : XraySpectrum
        With the lines that are quantified.
    params : QuantificationParams
    pixels : int
        1 for a single spectrum.
    """
    names = spectrum.lines
    elements = [name.partition("_")[0] for name in names]
    weights = np.array([atomic_weight(e) for e in elements])
    factors = np.array([params.factors[name] for name in names])
    known = all(name in params.factors_std for name in names)
    relative = np.array([params.factors_std[n] for n in names]) / factors if known else None
    said = ["fluorescence is not corrected"]
    if relative is None:
        said.append(
            f"no error of the {WORDS[params.method]}s is stated, so the systematic error is not "
            "known; its other parts stand in the evidence"
        )
    electrons, electrons_std = _electrons(measurement, params, pixels)
    uncertain = Uncertain(relative, electrons_std, params.coefficients_std, None)
    if params.method != "cliff_lorimer" and electrons is None:
        return Plan(None, uncertain, None, said, _no_electrons(measurement, params, pixels))
    slab, path_std, missing = _slab(measurement, spectrum, params, elements)
    uncertain = Uncertain(relative, electrons_std, params.coefficients_std, path_std)
    plain = Recipe(params.method, factors, weights, electrons)
    corrected = Recipe(params.method, factors, weights, electrons, slab) if slab else None
    if params.absorption:
        if corrected is None:
            return Plan(None, uncertain, None, said, f"absorption cannot be corrected: {missing}")
        said.append(
            "absorption corrected for a parallel slab with exSpy's coefficients (Chantler), to "
            f"{100 * params.coefficients_std:g} %"
        )
        if params.density == "elements" and params.method == "cliff_lorimer":
            said.append(
                "its density is exSpy's mean of those of the pure elements, gases as gases, whose "
                "error is not known"
            )
        return Plan(corrected, uncertain, None, said)
    if corrected is not None:
        said.append("absorption is not corrected; what it would change counts as systematic error")
    else:
        said.append(
            f"the specimen is thin: absorption is neither corrected nor in the error, as {missing}"
        )
    return Plan(plain, uncertain, corrected, said)


def _electrons(
    measurement: Measurement, params: QuantificationParams, pixels: int
) -> tuple[float | None, float | None]:
    """Electrons through all pixels, and their relative standard deviation."""
    current, live = _current(measurement, params), _live_time(measurement, params, pixels)
    if not current or not live:
        return None, None
    std = None
    if params.beam_current_std is not None and params.live_time_std is not None:
        stated = live if params.live_time_of != "pixel" else live / pixels
        std = math.hypot(params.beam_current_std / current, params.live_time_std / stated)
    return current * 1e-9 * live / ELECTRON, std


def _current(measurement: Measurement, params: QuantificationParams) -> float | None:
    return params.beam_current or quantity_of(measurement, "beam_current")


def _live_time(measurement: Measurement, params: QuantificationParams, pixels: int) -> float | None:
    """Of all pixels together, s; None where it is not known whose time the file's is."""
    stated = quantity_of(measurement, "live_time")
    if params.live_time is None and params.live_time_of is None and pixels > 1:
        return None
    live = params.live_time or stated
    return live * pixels if live and params.live_time_of == "pixel" else live


def _no_electrons(measurement: Measurement, params: QuantificationParams, pixels: int) -> str:
    missing = []
    if not _current(measurement, params):
        missing.append("no measured beam current ('beam_current', nA)")
    if not _live_time(measurement, params, pixels):
        said = "no live time ('live_time', s)"
        if quantity_of(measurement, "live_time"):
            said = "a live time in the file of which it is not said whether it is that of a pixel "
            said += "('live_time_of')"
        missing.append(said)
    return (
        f"{WORDS[params.method]}s need current times live time, and there is "
        f"{' and '.join(missing)}; Cliff–Lorimer needs neither"
    )


def _slab(
    measurement: Measurement,
    spectrum: XraySpectrum,
    params: QuantificationParams,
    elements: list[str],
) -> tuple[Absorbing | None, float | None, str]:
    """What absorption needs, the relative error of its path, and what is missing."""
    angle = params.take_off_angle
    if angle is None and all(quantity_of(measurement, name) is not None for name in ANGLES):
        angle = take_off_angle(spectrum.signal)
    if angle is None or not 0.0 < angle <= 90.0:
        return None, None, "the take-off angle is not known ('take_off_angle', degree)"
    tilt = math.radians(params.take_off_std) / math.tan(math.radians(angle))
    areal: NDArray[np.float64] | None = None
    std: float | None = tilt
    if params.method == "cliff_lorimer":
        if params.thickness is None or params.density is None:
            return None, None, "thickness and density are not known ('thickness', 'density')"
        if isinstance(params.density, str):
            densities = np.array([element_density(e) for e in elements])
            std = None
        else:
            densities = np.full(len(elements), params.density)
            std = None
            if params.thickness_std is not None and params.density_std is not None:
                std = math.hypot(
                    tilt,
                    params.thickness_std / params.thickness,
                    params.density_std / params.density,
                )
        areal = densities * 1e3 * params.thickness * 1e-9
    coefficients = mass_absorption(spectrum.lines, elements)
    path = 1.0 / math.sin(math.radians(angle))
    return Absorbing(coefficients, path, areal), std, ""
