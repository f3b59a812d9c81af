"""Simulated powder patterns: lines of library phases with all that changes them, and noise.

Cells, texture, sizes, strains, few grains, a halo, a beam that drifts, a shift.  What it writes
says that it is simulated, in the header of the data; the truth is in a JSON file beside it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.errors import BadInputError
from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.lines.profiles import doublet_center, pseudo_voigt
from consilience_xrd.pattern import Source
from consilience_xrd.references.intensity import absolute_intensities, cell_content, march_dollase
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import ReferencePattern, reference_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from consilience_xrd.lines.profiles import Components

__all__ = ["SimulationParams", "Texture", "noiseless", "run", "simulate_counts"]


class Texture(BaseModel):
    """Preferred orientation of one phase, after March and Dollase.

    `hkl` is the preferred plane, `r` below 1 for plates that lie flat, 1 for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hkl: tuple[int, int, int]
    r: float = Field(gt=0, le=10)


class SimulationParams(BaseModel):
    """What is simulated.

    `phases` gives each phase of the library its scale: counts under its strongest line.  Mass
    fractions in `weights` do so instead, for a mixture without texture or absorption.  By phase:
    `cells` relative change of all lengths of its cell, `axes` that of a, b and c one by one on top
    of it, `size` volume-weighted crystallite size [nm], `microstrain` standard deviation of its
    spacings (relative).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    phases: dict[str, float] = {"Pt": 20000.0, "Li2CO3": 8000.0}
    weights: dict[str, float] = {}
    counts: float = Field(20000.0, gt=0, description="under the strongest line of a weighed mix")
    wavelength: float = Field(0.6888, gt=0, description="K-alpha 1 or the only one [angstrom]")
    wavelength2: float | None = Field(None, description="K-alpha 2 [angstrom]")
    ratio: float | None = Field(None, description="K-alpha 2 over K-alpha 1")
    two_theta_min: float = Field(6.0, ge=0, lt=180, description="[deg]")
    two_theta_max: float = Field(30.0, gt=0, le=180, description="[deg]")
    points: int = Field(2000, ge=10, le=1_000_000)
    fwhm: float = Field(0.12, gt=0, description="[deg]")
    eta: float = Field(0.4, ge=0, le=1)
    background: float = Field(200.0, ge=0, description="level at the low end [counts]")
    background_slope: float = Field(-0.3, description="relative change over the range")
    zero: float = Field(0.0, description="zero shift [deg]")
    displacement: float = Field(0.0, description="shift x cos(theta) [deg]")
    cells: dict[str, float] = {}
    axes: dict[str, tuple[float, float, float]] = {}
    texture: dict[str, Texture] = {}
    size: dict[str, float] = {}
    microstrain: dict[str, float] = {}
    grains: float | None = Field(
        None, gt=0, description="grains that meet Bragg's law for a line of multiplicity 24"
    )
    halo: float = Field(0.0, ge=0, description="height of a liquid's halo at 1.3 1/angstrom")
    drift: float = Field(0.0, gt=-1, description="relative change of the beam over the scan")
    noise: bool = True


def noiseless(
    params: SimulationParams, chance: np.random.Generator | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """2theta [deg], expected counts, and the truth as JSON.

    Parameters
    ----------
    chance : Generator, optional
        Draws how many grains each line has, where `grains` is given.

    Raises
    ------
    BadInputError
        A range that does not increase; something said of a phase that is not simulated.
    """
    _check(params)
    source = Source(params.wavelength, params.wavelength2, params.ratio)
    x = np.linspace(params.two_theta_min, params.two_theta_max, params.points)
    t = (x - x[0]) / (x[-1] - x[0])
    expected = params.background * (1 + params.background_slope * t)
    if params.halo:
        q = two_theta_to_q(x, params.wavelength)
        expected = expected + params.halo * np.exp(-0.5 * ((q - 1.3) / 0.18) ** 2)
    components: Components = ((1.0, 1.0),)
    if source.doublet and params.wavelength2 and params.ratio:
        components = (
            (1.0, 1 / (1 + params.ratio)),
            (params.wavelength2 / params.wavelength, params.ratio / (1 + params.ratio)),
        )
    step = float(x[1] - x[0])
    high = float(two_theta_to_q(min(params.two_theta_max + 2, 179.0), params.wavelength))
    low = float(two_theta_to_q(max(params.two_theta_min - 2, 0.1), params.wavelength))
    truth: list[dict[str, Any]] = []
    patterns = {key: _lines(params, key, (low, high)) for key in params.weights or params.phases}
    for key, counts in _scales(params, patterns).items():
        pattern = patterns[key]
        factors = np.ones(len(pattern.lines))
        if key in params.texture:
            texture = params.texture[key]
            factors = march_dollase(pattern, texture.hkl, [texture.r])[0]
        for line, factor in zip(pattern.lines, factors, strict=True):
            center = line.two_theta + params.zero
            center += params.displacement * float(np.cos(np.radians(line.two_theta) / 2))
            height = counts * line.intensity / 100 * float(factor)
            if params.grains is not None and chance is not None:
                seen = params.grains * line.multiplicity / 24
                height *= float(chance.gamma(seen, 1 / seen))
            fwhm, eta = _width(params, key, line.two_theta)
            expected = expected + height * step * pseudo_voigt(
                x, center, fwhm, eta, components, True
            )
            truth.append(
                {
                    "phase": pattern.phase.key,
                    "hkl": line.label,
                    "two_theta_deg": center,
                    "two_theta2_deg": doublet_center(center, components[-1][0], True)[0],
                    "counts": height,
                    "fwhm_deg": fwhm,
                }
            )
    return x, np.asarray(expected * (1 + params.drift * t)), truth


def _check(params: SimulationParams) -> None:
    if params.two_theta_max <= params.two_theta_min:
        raise BadInputError(
            "two_theta_max is not above two_theta_min.", fix="Give an increasing range."
        )
    for name in ("cells", "axes", "texture", "size", "microstrain"):
        there = params.weights or params.phases
        unknown = sorted(set(getattr(params, name)) - set(there))
        if unknown:
            raise BadInputError(
                f"{name} is given for {', '.join(unknown)}, which is not simulated.",
                fix=f"The phases are {', '.join(there) or 'none'}.",
            )


def _scales(params: SimulationParams, patterns: dict[str, ReferencePattern]) -> dict[str, float]:
    """Counts under the strongest line of each phase.

    A mass fraction w gives intensities w |F|² m LP / (V² ρ): what the same volume of beam sees.
    """
    if not params.weights:
        return dict(params.phases)
    strength = {}
    for key, weight in params.weights.items():
        lines = patterns[key].lines
        relative = np.array([line.intensity for line in lines])
        absolute = absolute_intensities(patterns[key], corrected=False)
        whole = float(np.max(absolute / relative)) * 100
        strength[key] = weight * whole / cell_content(patterns[key].phase).v2_rho
    most = max(strength.values())
    return {key: params.counts * value / most for key, value in strength.items()}


def _lines(params: SimulationParams, key: str, q_range: tuple[float, float]) -> ReferencePattern:
    phase = library_phase(key)
    if key in params.cells or key in params.axes:
        by = 1 + params.cells.get(key, 0.0)
        a, b, c = (
            length * by * (1 + change)
            for length, change in zip(
                phase.cell[:3], params.axes.get(key, (0.0, 0.0, 0.0)), strict=True
            )
        )
        phase = replace(phase, cell=(a, b, c, *phase.cell[3:]))
    return reference_pattern(phase, params.wavelength, q_range)


def _width(params: SimulationParams, key: str, two_theta: float) -> tuple[float, float]:
    """Full width [deg] and Lorentzian fraction of a line of one phase.

    The size broadens by a Lorentzian of integral breadth λ/(L cos θ), the microstrain by a Gaussian
    of standard deviation 2 e tan θ; both are put together with the instrument's pseudo-Voigt by
    the approximation of Thompson, Cox and Hastings (J. Appl. Cryst. 20 (1987) 79, eq. 3 and 5).
    """
    size, strain = params.size.get(key), params.microstrain.get(key)
    if size is None and strain is None:
        return params.fwhm, params.eta
    theta = np.radians(two_theta) / 2
    gauss, lorentz = _parts(params.fwhm, params.eta)
    if size is not None:
        breadth = np.degrees(params.wavelength / (10 * size * np.cos(theta)))
        lorentz += float(breadth) * 2 / np.pi
    if strain is not None:
        sigma = np.degrees(2 * strain * np.tan(theta))
        gauss = float(np.hypot(gauss, 2 * np.sqrt(2 * np.log(2)) * sigma))
    return _joined(gauss, lorentz)


_POWERS = (1.0, 2.69269, 2.42843, 4.47163, 0.07842, 1.0)


def _joined(gauss: float, lorentz: float) -> tuple[float, float]:
    """Full width and Lorentzian fraction of a Voigt of these two full widths."""
    width = sum(c * gauss ** (5 - n) * lorentz**n for n, c in enumerate(_POWERS)) ** 0.2
    share = lorentz / width
    return float(width), float(1.36603 * share - 0.47719 * share**2 + 0.11116 * share**3)


def _parts(fwhm: float, eta: float) -> tuple[float, float]:
    """Gaussian and Lorentzian full width whose Voigt is this pseudo-Voigt."""
    from scipy.optimize import brentq

    if eta <= 0 or eta >= 1:
        return (fwhm, 0.0) if eta <= 0 else (0.0, fwhm)
    # `share` of the Lorentzian's width in the whole, by the relation of `_joined`
    share = brentq(lambda s: 1.36603 * s - 0.47719 * s**2 + 0.11116 * s**3 - eta, 0.0, 1.0)
    lorentz = share * fwhm
    gauss = brentq(lambda g: _joined(g, lorentz)[0] - fwhm, 0.0, fwhm)
    return float(gauss), float(lorentz)


def simulate_counts(
    params: SimulationParams, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """2theta [deg], counts with Poisson noise from `seed`, and the truth."""
    chance = np.random.default_rng(seed)
    x, expected, truth = noiseless(params, chance)
    if params.noise:
        expected = chance.poisson(expected).astype(np.float64)
    return x, expected, truth


def run(params: SimulationParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated-SEED.xye`` and ``simulated-SEED.truth.json`` into `folder`."""
    x, counts, truth = simulate_counts(params, seed)
    data = folder / f"simulated-{seed}.xye"
    header = [
        "origin: simulated",
        f"seed: {seed}",
        "axis: two_theta, unit: deg",
        f"wavelength: {params.wavelength!r} angstrom",
    ]
    if params.wavelength2 and params.ratio:
        header.append(f"ka2: {params.wavelength2!r} angstrom, {params.ratio!r}")
    header += ["intensity_unit: count", "two_theta intensity sigma"]
    # the model's own variance, never that of a zero count
    expected = noiseless(params, np.random.default_rng(seed))[1]
    sigma = np.sqrt(np.maximum(expected, 1.0))
    rows = [f"{a:.6f} {b:.6g} {c:.6g}" for a, b, c in zip(x, counts, sigma, strict=True)]
    data.write_text("\n".join([*(f"# {h}" for h in header), *rows]) + "\n", encoding="utf-8")
    told = folder / f"simulated-{seed}.truth.json"
    told.write_text(
        json.dumps(
            {
                "origin": "simulated",
                "seed": seed,
                "parameters": params.model_dump(),
                "lines": truth,
            },
            indent=1,
            sort_keys=True,
        ),
        encoding="utf-8",
    )
    return [data, told]
