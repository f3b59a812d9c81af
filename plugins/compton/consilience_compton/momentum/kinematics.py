"""Energies, angles and electron momentum: Compton kinematics, and which angle each pixel sees.

Energies are in keV, angles in degrees, momenta in atomic units (ħ/a₀).  p_z is the component along
the scattering vector with the sign of the field: positive where the photon keeps more energy than
an electron at rest would leave it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consilience.errors import BadInputError

__all__ = [
    "ELECTRON_REST_ENERGY",
    "MOMENTUM_UNIT",
    "Geometry",
    "approximation_error",
    "compton_energy",
    "energy_of_momentum",
    "momentum",
    "momentum_exact",
    "momentum_slope",
]

ELECTRON_REST_ENERGY = 510.99895069
"""mc² in keV (CODATA 2022)."""
MOMENTUM_UNIT = 137.035999177
"""mc in atomic units: the inverse fine-structure constant (CODATA 2022)."""

Direction = Literal["+column", "-column", "+row", "-row"]


def compton_energy(incident: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    """Return the energy that an electron at rest leaves the photon, E₂ = E₁/(1+E₁(1−cosθ)/mc²).

    Parameters
    ----------
    incident : array_like
        E₁ in keV, above 0.
    angle : array_like
        Scattering angle θ in degrees, 0 to 180.

    Returns
    -------
    ndarray
        keV, of the shape that both broadcast to.

    References
    ----------
    A. H. Compton, Phys. Rev. 21, 483 (1923); Huang et al., J. Phys. Energy 7, 025009 (2025), eq. 4.
    """
    first = np.asarray(incident, dtype=np.float64)
    recoil = _one_minus_cos(angle) * first / ELECTRON_REST_ENERGY
    return np.asarray(first / (1.0 + recoil))


def momentum(energy: ArrayLike, incident: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    """Return p_z by the published formula, which takes the electron's own energy as mc².

    p_z/mc = (E₂ − E₁ + E₁E₂(1 − cosθ)/mc²) / √(E₁² + E₂² − 2E₁E₂cosθ)

    Parameters
    ----------
    energy, incident : array_like
        E₂ and E₁ in keV.
    angle : array_like
        Degrees.

    Returns
    -------
    ndarray
        Atomic units, of the shape that all broadcast to.  `approximation_error` says how far the
        formula is from `momentum_exact`.

    References
    ----------
    Huang et al. (2025), eq. 5; P. Holm, Phys. Rev. A 37, 3706 (1988).
    """
    first = np.asarray(incident, dtype=np.float64)
    second = np.asarray(energy, dtype=np.float64)
    one_minus_cos = _one_minus_cos(angle)
    q = np.sqrt((first - second) ** 2 + 2.0 * first * second * one_minus_cos)
    recoil = first * second * one_minus_cos / ELECTRON_REST_ENERGY
    return np.asarray((second - first + recoil) / q * MOMENTUM_UNIT)


def momentum_exact(
    energy: ArrayLike, incident: ArrayLike, angle: ArrayLike, transverse: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return p_z of a free moving electron from the conservation of energy and momentum.

    With γ = √(1 + (p_z² + p_t²)/m²c²) the electron's energy before the collision,
    p_z/mc = (γ(E₂ − E₁) + E₁E₂(1 − cosθ)/mc²) / q; solved for p_z, which γ holds too.

    Parameters
    ----------
    energy, incident, angle : array_like
        As in `momentum`.
    transverse : array_like
        p_t in atomic units, the momentum across the scattering vector, 0 or more.  The energy of
        the photon depends on it, so that the exact p_z needs it to be given.

    Returns
    -------
    ndarray
        Atomic units.
    """
    first = np.asarray(incident, dtype=np.float64)
    second = np.asarray(energy, dtype=np.float64)
    one_minus_cos = _one_minus_cos(angle)
    q = np.sqrt((first - second) ** 2 + 2.0 * first * second * one_minus_cos)
    recoil = first * second * one_minus_cos / ELECTRON_REST_ENERGY
    loss = first - second
    rest = 1.0 + (np.asarray(transverse, dtype=np.float64) / MOMENTUM_UNIT) ** 2
    # p q = recoil - loss·sqrt(rest + p²), squared; of the two roots the one that is near the
    # published formula's where the electron is slow
    a = q**2 - loss**2
    root = np.sqrt(recoil**2 + rest * a)
    return np.asarray((recoil * q - loss * root) / a * MOMENTUM_UNIT)


def approximation_error(
    energy: ArrayLike, incident: ArrayLike, angle: ArrayLike, transverse: ArrayLike = 0.0
) -> NDArray[np.float64]:
    """Return p_z of the published formula less the exact one, in atomic units."""
    exact = momentum_exact(energy, incident, angle, transverse)
    return np.asarray(momentum(energy, incident, angle) - exact)


def energy_of_momentum(
    p_z: ArrayLike, incident: ArrayLike, angle: ArrayLike, transverse: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the photon's energy after scattering by an electron of momentum `p_z`.

    Parameters
    ----------
    p_z : array_like
        Atomic units, well below mc (137) in size.
    incident : array_like
        keV.
    angle : array_like
        Degrees.
    transverse : array_like or None
        None: the inverse of `momentum`.  Otherwise p_t in atomic units, and the inverse of
        `momentum_exact`.

    Returns
    -------
    ndarray
        keV.
    """
    p = np.asarray(p_z, dtype=np.float64) / MOMENTUM_UNIT
    first = np.asarray(incident, dtype=np.float64)
    one_minus_cos = _one_minus_cos(angle)
    gamma: NDArray[np.float64] | float = 1.0
    if transverse is not None:
        across = np.asarray(transverse, dtype=np.float64) / MOMENTUM_UNIT
        gamma = np.sqrt(1.0 + p**2 + across**2)
    cos = 1.0 - one_minus_cos
    a = gamma + first * one_minus_cos / ELECTRON_REST_ENERGY
    # (a E₂ - γ E₁)² = p² (E₁² + E₂² - 2 E₁ E₂ cosθ), the root whose left side has the sign of p
    inside = (a - gamma) ** 2 + 2.0 * a * gamma * one_minus_cos - (p**2) * (1.0 - cos**2)
    return np.asarray(first * (a * gamma - p**2 * cos + p * np.sqrt(inside)) / (a**2 - p**2))


def momentum_slope(energy: ArrayLike, incident: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    """Return dp_z/dE₂ of the published formula in atomic units per keV."""
    first = np.asarray(incident, dtype=np.float64)
    second = np.asarray(energy, dtype=np.float64)
    one_minus_cos = _one_minus_cos(angle)
    q = np.sqrt((first - second) ** 2 + 2.0 * first * second * one_minus_cos)
    above = second - first + first * second * one_minus_cos / ELECTRON_REST_ENERGY
    rise = 1.0 + first * one_minus_cos / ELECTRON_REST_ENERGY
    along = second - first * (1.0 - one_minus_cos)
    return np.asarray((rise - above * along / q**2) / q * MOMENTUM_UNIT)


def _one_minus_cos(angle: ArrayLike) -> NDArray[np.float64]:
    """1 − cosθ without cancellation at small angles."""
    return np.asarray(2.0 * np.sin(0.5 * np.radians(np.asarray(angle, dtype=np.float64))) ** 2)


@dataclass(frozen=True)
class Geometry:
    """Where the photons come from and which scattering angle each pixel sees.

    Rays pass through one point, the pinhole (or a small sample), at `distance` before a flat
    detector that stands across the central ray.

    Parameters
    ----------
    incident_energy : float
        keV.
    angle : float
        Scattering angle of the central ray in degrees, above 0 and at most 180.
    distance : float or None
        From the point to the detector in mm.  None: unknown; every pixel is then given the
        centre's angle, which `spread_known` says.
    pitch : float or None
        Of the pixels in µm.
    rows, columns : int
        Of the detector.
    direction : {"+column", "-column", "+row", "-row"}
        Where the angle grows.
    centre : tuple of float or None
        Row and column that the central ray meets, in pixels from the first one's centre; None:
        the detector's middle.
    aperture : float or None
        Diameter of the pinhole in mm; None: unknown.
    incident_energy_std, angle_std : float or None
        Standard deviations in the same units, one for all pixels; None: unknown.

    Raises
    ------
    BadInputError
        A number that no experiment has.
    """

    incident_energy: float
    angle: float
    distance: float | None = None
    pitch: float | None = None
    rows: int = 1
    columns: int = 1
    direction: Direction = "+column"
    centre: tuple[float, float] | None = None
    aperture: float | None = None
    incident_energy_std: float | None = None
    angle_std: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.incident_energy) and self.incident_energy > 0.0):
            raise BadInputError(
                f"incident energy {self.incident_energy:g} keV is not above 0",
                fix="give the energy of the beam in keV",
            )
        if not 0.0 < self.angle <= 180.0:
            raise BadInputError(
                f"scattering angle {self.angle:g}° is not between 0° and 180°",
                fix="give the angle between the beam and the central ray to the detector",
            )
        for name in ("distance", "pitch", "aperture"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise BadInputError(
                    f"{name} {value:g} is not above 0", fix="leave it out where it is not known"
                )
        for name in ("incident_energy_std", "angle_std"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0.0):
                raise BadInputError(
                    f"{name} {value:g} is negative", fix="leave it out where it is not known"
                )
        if self.rows < 1 or self.columns < 1:
            raise BadInputError(
                f"a detector of {self.rows} x {self.columns} pixels has none",
                fix="give the numbers of rows and columns",
            )

    @property
    def spread_known(self) -> bool:
        """True where distance and pitch are known, so that each pixel has its own angle."""
        return self.distance is not None and self.pitch is not None

    @property
    def compton_peak(self) -> float:
        """E₂ at the centre's angle in keV."""
        return float(compton_energy(self.incident_energy, self.angle))

    def offsets(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the place of each pixel in mm: along the growing angle, and across it.

        Returns
        -------
        tuple of ndarray, (rows, columns)
            Zeros where the pitch is not known.
        """
        middle = self.centre or (0.5 * (self.rows - 1), 0.5 * (self.columns - 1))
        step = (self.pitch or 0.0) * 1e-3
        rows = (np.arange(self.rows) - middle[0])[:, None] * step * np.ones(self.columns)
        columns = (np.arange(self.columns) - middle[1])[None, :] * step * np.ones((self.rows, 1))
        sign = 1.0 if self.direction.startswith("+") else -1.0
        if self.direction.endswith("column"):
            return sign * columns, rows
        return sign * rows, columns

    def angles(self) -> NDArray[np.float64]:
        """Return the scattering angle of each pixel's centre in degrees, (rows, columns).

        Notes
        -----
        With u along the growing angle and v across it, a ray to the pixel has
        cosθ = (D cosθ₀ − u sinθ₀)/√(D² + u² + v²).
        """
        if self.distance is None or self.pitch is None:
            return np.full((self.rows, self.columns), float(self.angle))
        along, across = self.offsets()
        theta = math.radians(self.angle)
        d = self.distance
        # atan2 keeps the digits that arccos loses near 0 and 180 degrees
        forward = d * math.cos(theta) - along * math.sin(theta)
        sideways = np.hypot(d * math.sin(theta) + along * math.cos(theta), across)
        return np.asarray(np.degrees(np.arctan2(sideways, forward)))

    def angle_widths(self) -> NDArray[np.float64] | None:
        """Return the standard deviation of the angles that one pixel sees, (rows, columns).

        In degrees.  A pixel's own width and the pinhole's (a uniform disc), added in quadrature;
        None where the distance or the pitch is not known.  An unknown aperture counts as a point.
        """
        if self.distance is None or self.pitch is None:
            return None
        along, across = self.offsets()
        pixel = self.pitch * 1e-3 / math.sqrt(12.0)
        hole = 0.25 * (self.aperture or 0.0)
        # one radian is D at the centre and more beside it, where rays come in at a slant
        d = self.distance
        lever = (d**2 + along**2 + across**2) / np.hypot(d, across)
        return np.asarray(np.degrees(math.hypot(pixel, hole) / lever))
