"""A minimal simulator: reference lines, pseudo-Voigts, background, shift, counting noise.

What it writes says that it is simulated, in the header of the data; the truth is in a JSON file
beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.errors import BadInputError
from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.lines.profiles import doublet_center, pseudo_voigt
from consilience_xrd.pattern import Source
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import reference_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SimulationParams", "noiseless", "run", "simulate_counts"]


class SimulationParams(BaseModel):
    """What is simulated.

    `phases` gives each phase of the library its scale: counts under its strongest line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    phases: dict[str, float] = {"Pt": 20000.0, "Li2CO3": 8000.0}
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
    noise: bool = True


def noiseless(params: SimulationParams) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """2theta [deg], expected counts, and the truth as JSON."""
    if params.two_theta_max <= params.two_theta_min:
        raise BadInputError(
            "two_theta_max is not above two_theta_min.", fix="Give an increasing range."
        )
    source = Source(params.wavelength, params.wavelength2, params.ratio)
    x = np.linspace(params.two_theta_min, params.two_theta_max, params.points)
    t = (x - x[0]) / (x[-1] - x[0])
    expected = params.background * (1 + params.background_slope * t)
    components = ((1.0, 1.0),)
    if source.doublet and params.wavelength2 and params.ratio:
        components = (  # type: ignore[assignment]
            (1.0, 1 / (1 + params.ratio)),
            (params.wavelength2 / params.wavelength, params.ratio / (1 + params.ratio)),
        )
    step = float(x[1] - x[0])
    high = float(two_theta_to_q(min(params.two_theta_max + 2, 179.0), params.wavelength))
    low = float(two_theta_to_q(max(params.two_theta_min - 2, 0.1), params.wavelength))
    truth: list[dict[str, Any]] = []
    for key, counts in params.phases.items():
        phase = library_phase(key)
        pattern = reference_pattern(phase, params.wavelength, (low, high))
        for line in pattern.lines:
            center = line.two_theta + params.zero
            center += params.displacement * float(np.cos(np.radians(line.two_theta) / 2))
            area = counts * line.intensity / 100 * step
            expected = expected + area * pseudo_voigt(
                x, center, params.fwhm, params.eta, components, True
            )
            truth.append(
                {
                    "phase": phase.key,
                    "hkl": line.label,
                    "two_theta_deg": center,
                    "two_theta2_deg": doublet_center(center, components[-1][0], True)[0],
                    "counts": counts * line.intensity / 100,
                }
            )
    return x, np.asarray(expected), truth


def simulate_counts(
    params: SimulationParams, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], Any]:
    """2theta [deg], counts with Poisson noise from `seed`, and the truth."""
    x, expected, truth = noiseless(params)
    if params.noise:
        expected = np.random.default_rng(seed).poisson(expected).astype(np.float64)
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
    sigma = np.sqrt(np.maximum(noiseless(params)[1], 1.0))
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
