"""From areal densities to counts: a thin film under a liquid, seen by a silicon detector.

A second forward model is the same code with what a fit does not suppose: tails and a shelf of
lines, a Compton peak that leans, a gain that drifts over the rows, a monitor with more than
Poisson noise.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, radians, sin
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience_xrf.simulation.emission import (
    ELECTROLYTE,
    compton_energy,
    efficiency,
    emitted_lines,
    mass_attenuation,
)
from consilience_xrf.simulation.response import Response, line_shapes, pile_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Beamline", "expected_lines", "expected_spectra", "response_of", "thin_film_counts"]

DENSITY = 1.30
"""Of the electrolyte [g/cm^3]."""


class Beamline(BaseModel):
    """Beam, geometry and detector.  Energies in keV, lengths in um, times in s."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    incident: float = Field(default=18.0, gt=0.5, le=150, description="[keV]")
    flux: float = Field(default=1e9, gt=0, description="photons a second on the sample")
    dwell: float = Field(default=0.1, gt=0, description="a point [s]")
    solid_angle: float = Field(
        default=0.01, gt=0, le=1, description="of 4 pi that the detector sees"
    )
    angle_in: float = Field(
        default=90.0, gt=0, le=90, description="of the beam to the surface [deg]"
    )
    angle_out: float = Field(
        default=60.0, gt=0, le=90, description="of the detector to the surface [deg]"
    )
    scattering_angle: float = Field(default=150.0, gt=0, le=180, description="[deg]")
    silicon: float = Field(default=450.0, gt=0, description="thickness of the crystal [um]")
    beryllium: float = Field(default=25.0, ge=0, description="thickness of its window [um]")
    channels: int = Field(default=2048, ge=64, le=65536)
    zero: float = Field(default=-0.02, description="energy of channel 0 [keV]")
    gain: float = Field(default=0.01, gt=0, description="[keV a channel]")
    noise: float = Field(default=0.09, ge=0, description="FWHM at no energy [keV]")
    fano: float = Field(default=0.114, gt=0)
    elastic: float = Field(default=400.0, ge=0, description="counts a point at the incident energy")
    compton: float = Field(default=900.0, ge=0, description="counts a point in the Compton peak")
    doppler: float = Field(
        default=0.12, ge=0, description="sigma of the Compton peak beyond the detector"
    )
    background: float = Field(default=0.6, ge=0, description="counts a channel at low energy")
    resolving: float = Field(default=0.0, ge=0, description="time in which events pile up [s]")
    dead: float = Field(default=0.0, ge=0, description="dead time of an event [s]")
    escape: bool = True
    model: Literal["first", "second"] = "first"


def response_of(line: Beamline, row: float = 0.0) -> Response:
    """Return the detector at a place of the scan, `row` from 0 to 1; the second model drifts."""
    made = Response(line.channels, line.zero, line.gain, line.noise, line.fano, escape=line.escape)
    if line.model == "first":
        return made
    return replace(
        made, tail=0.03, tail_width=2.5, shelf=0.01, gain=line.gain * (1 + 2e-4 * (row - 0.5))
    )


def _paths(line: Beamline, parts: Mapping[str, float], energy: float) -> float:
    """Attenuation of beam and line together, per mass above [cm^2/g]."""
    mixture = dict(parts)
    return mass_attenuation(mixture, line.incident) / sin(
        radians(line.angle_in)
    ) + mass_attenuation(mixture, energy) / sin(radians(line.angle_out))


def thin_film_counts(
    line: Beamline,
    element: str,
    section: float,
    energy: float,
    mass: NDArray[np.float64],
    electrolyte: float,
) -> NDArray[np.float64]:
    """Return counts a second of live time in a line.

    Parameters
    ----------
    line : Beamline
    element : str
    section, energy : float
        Of the line [cm^2/g, keV].
    mass : ndarray
        Areal density [ug/cm^2].
    electrolyte : float
        Thickness of the liquid above [um].

    Notes
    -----
    Matter is a layer of the element alone: it absorbs its own lines, those of no other.
    """
    depth = mass * 1e-6
    own = _paths(line, {element: 1.0}, energy) * depth
    inside = np.where(own > 1e-9, -np.expm1(-own) / np.where(own > 1e-9, own, 1.0), 1.0)
    above = exp(-_paths(line, ELECTROLYTE, energy) * DENSITY * electrolyte * 1e-4)
    seen = line.solid_angle * efficiency(energy, line.silicon, line.beryllium)
    return np.asarray(line.flux * seen * section * depth * inside * above)


def expected_lines(
    line: Beamline, masses: Mapping[str, NDArray[np.float64]], electrolyte: float
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return counts a point in each shell of each element, full beam and no dead time.

    The keys are the element, then K, L or M; escape peaks count with their line.
    """
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for element, mass in masses.items():
        shells: dict[str, NDArray[np.float64]] = {}
        for one in emitted_lines(element, line.incident):
            part = line.dwell * thin_film_counts(
                line, element, one.cross_section, one.energy, mass, electrolyte
            )
            shells[one.shell] = shells.get(one.shell, np.zeros_like(mass)) + part
        found[element] = shells
    return found


def expected_spectra(
    line: Beamline,
    masses: Mapping[str, NDArray[np.float64]],
    electrolyte: float,
    beam: NDArray[np.float64],
    row: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return expected counts and live times of some points.

    Parameters
    ----------
    line : Beamline
    masses : mapping
        Areal densities of each element [ug/cm^2], shape (points,).
    electrolyte : float
        [um]
    beam : ndarray, shape (points,)
        Beam against the nominal.
    row : float
        Place in the scan, 0 to 1.

    Returns
    -------
    expected : ndarray, shape (points, channels)
    live : ndarray, shape (points,)
        [s]
    """
    response = response_of(line, row)
    model = np.zeros((len(beam), line.channels))
    for element, mass in masses.items():
        lines = emitted_lines(element, line.incident)
        if not lines:
            continue
        shapes = line_shapes(response, np.array([one.energy for one in lines]))
        counts = np.stack(
            [
                thin_film_counts(line, element, one.cross_section, one.energy, mass, electrolyte)
                for one in lines
            ],
            axis=1,
        )
        model += line.dwell * counts @ shapes
    model += _rest(line, response)
    model *= beam[:, None]
    rate = model.sum(axis=1) / line.dwell
    live = line.dwell / (1 + rate * line.dead)
    model *= (live / line.dwell)[:, None]
    if line.resolving > 0:
        model = pile_up(model, response, line.resolving / line.dwell)
    return model, live


def _rest(line: Beamline, response: Response) -> NDArray[np.float64]:
    """Elastic and Compton peaks and the background of one point, shape (channels,)."""
    energy = response.energy
    shifted = compton_energy(line.incident, line.scattering_angle)
    shapes = line_shapes(
        response, np.array([line.incident, shifted]), np.array([0.0, line.doppler])
    )
    if line.model == "second":  # bound electrons lean the peak to low energy
        low = line_shapes(
            replace(response, tail=0.35, tail_width=2.0),
            np.array([shifted]),
            np.array([line.doppler]),
        )
        shapes[1] = low[0]
    falling = np.exp(-np.clip(energy, 0.0, None) / (0.35 * line.incident))
    if line.model == "second":
        falling = 0.7 * falling + 0.3 * np.exp(-(((energy - 0.45 * line.incident) / 4.0) ** 2))
    reach = (energy > 0.3) & (energy < line.incident)
    return np.asarray(
        line.elastic * shapes[0] + line.compton * shapes[1] + line.background * falling * reach
    )
