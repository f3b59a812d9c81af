"""Simulated patterns of one sample over its cycles: phases that come and go, a cell that shrinks.

The story is that of a platinum anode: platinum vanishes, LiPt's c falls, LiF grows.  Each file says
that it is simulated; the truth is in a JSON file beside them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.errors import BadInputError
from consilience_xrd.axes import q_to_two_theta, two_theta_to_q
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import compute_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["PhaseCourse", "SeriesSimulation", "expected_counts", "run"]


class PhaseCourse(BaseModel):
    """One phase over the states: how much of it, and how its cell changes.

    `counts` is the height of its strongest line in each state, `a` and `c` the relative changes
    of the cell's lengths (b goes with a); an empty `a` is 0, an empty `c` the same as `a`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    phase: str
    counts: list[float]
    a: list[float] = []
    c: list[float] = []


class SeriesSimulation(BaseModel):
    """What is simulated: counts over 2theta in every state."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cycles: list[float] = [1.0, 10.0, 20.0, 35.0, 50.0]
    phases: list[PhaseCourse] = [
        PhaseCourse(phase="Pt", counts=[9000.0, 6000.0, 3000.0, 800.0, 0.0]),
        PhaseCourse(
            phase="LiPt",
            counts=[5000.0, 6000.0, 7000.0, 8000.0, 8000.0],
            c=[0.0, -0.003, -0.006, -0.010, -0.0132],
            a=[0.0, 0.0, 0.0, 0.0, 0.0],
        ),
        PhaseCourse(phase="LiF", counts=[0.0, 0.0, 2500.0, 4000.0, 6000.0]),
    ]
    wavelength: float = Field(default=0.6888, gt=0, description="[angstrom]")
    two_theta_min: float = Field(default=7.0, ge=0, lt=180, description="[deg]")
    two_theta_max: float = Field(default=29.0, gt=0, le=180, description="[deg]")
    points: int = Field(default=2200, ge=10, le=1_000_000)
    fwhm: float = Field(default=0.12, gt=0, description="[deg]")
    eta: float = Field(default=0.4, ge=0, le=1)
    background: float = Field(default=200.0, ge=0, description="[counts]")
    noise: bool = True


def expected_counts(
    params: SeriesSimulation, state: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[dict[str, Any]]]:
    """Return 2theta [deg], expected counts and the lines of one state.

    Raises
    ------
    BadInputError
        A phase has not one value for each state.
    """
    x = np.linspace(params.two_theta_min, params.two_theta_max, params.points)
    expected = np.full(len(x), params.background)
    low, high = (
        float(two_theta_to_q(v, params.wavelength))
        for v in (max(params.two_theta_min - 2, 0.1), min(params.two_theta_max + 2, 179.0))
    )
    lines: list[dict[str, Any]] = []
    for course in params.phases:
        changes = [v or [0.0] * len(params.cycles) for v in (course.a, course.c or course.a)]
        if {len(course.counts), len(changes[0]), len(changes[1])} != {len(params.cycles)}:
            raise BadInputError(
                f"{course.phase} has not one value for each of {len(params.cycles)} states",
                fix="give counts, and a and c where they change, one for each cycle",
            )
        if course.counts[state] <= 0:
            continue
        phase = library_phase(course.phase)
        a, b, c, *angles = phase.cell
        stretch = (1 + changes[0][state], 1 + changes[1][state])
        if phase.cubic:
            stretch = (stretch[0], stretch[0])
        cell = (a * stretch[0], b * stretch[0], c * stretch[1], *angles)
        moved = compute_pattern(
            replace(phase, cell=cell),  # type: ignore[arg-type]
            params.wavelength,
            (low, high),
        )
        for line in moved.lines:
            centre = float(q_to_two_theta(line.q, params.wavelength))
            profile = pseudo_voigt(x, centre, params.fwhm, params.eta, ((1.0, 1.0),), True)
            top = float(pseudo_voigt(np.array([centre]), centre, params.fwhm, params.eta)[0])
            height = course.counts[state] * line.intensity / 100
            expected = expected + height * profile / top
            lines.append({"phase": phase.key, "hkl": line.label, "q": line.q, "height": height})
    return x, expected, lines


def run(params: SeriesSimulation, seed: int, folder: Path) -> list[Path]:
    """Write ``cycle-N-SEED.xye`` for each state and ``series-SEED.truth.json`` into `folder`."""
    rng = np.random.default_rng(seed)
    files: list[Path] = []
    truth: list[dict[str, Any]] = []
    for state, cycle in enumerate(params.cycles):
        x, expected, lines = expected_counts(params, state)
        counts = rng.poisson(expected).astype(np.float64) if params.noise else expected
        path = folder / f"cycle-{cycle:g}-{seed}.xye"
        header = [
            "origin: simulated",
            f"seed: {seed}, cycle: {cycle:g}",
            "axis: two_theta, unit: deg",
            f"wavelength: {params.wavelength!r} angstrom",
            "intensity_unit: count",
            "two_theta intensity sigma",
        ]
        sigma = np.sqrt(np.maximum(expected, 1.0))
        rows = [f"{a:.6f} {b:.6g} {c:.6g}" for a, b, c in zip(x, counts, sigma, strict=True)]
        text = "\n".join([*(f"# {h}" for h in header), *rows]) + "\n"
        path.write_text(text, encoding="utf-8")
        files.append(path)
        truth.append({"cycle": cycle, "lines": lines})
    told = folder / f"series-{seed}.truth.json"
    content = {"origin": "simulated", "seed": seed, "states": truth}
    told.write_text(json.dumps({**content, "parameters": params.model_dump()}, indent=1), "utf-8")
    return [*files, told]
