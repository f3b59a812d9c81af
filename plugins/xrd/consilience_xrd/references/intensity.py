"""Absolute line intensities of a phase: structure factors, texture, density.

`XRDCalculator` gives |F|^2 x multiplicity x LP of a whole cell without dispersion and without
thermal motion.  For mass fractions the absolute figure matters, and so do both corrections; the
same sums with every lattice point kept apart also serve texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.references.reference import ReferencePattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrd.references.phases import PhaseCell

__all__ = [
    "CellContent",
    "LatticePoints",
    "absolute_intensities",
    "attenuation",
    "cell_content",
    "lattice_points",
    "march_dollase",
]

_AMU = 1.66053906660
"""Atomic mass unit, in g/cm^3 per u/angstrom^3."""


@dataclass(frozen=True)
class CellContent:
    """Volume [angstrom^3], mass [u] and density [g/cm^3] of the unit cell."""

    volume: float
    mass: float
    density: float

    @property
    def v2_rho(self) -> float:
        """V^2 rho [angstrom^6 g/cm^3], by which intensities of equal masses differ."""
        return self.volume**2 * self.density


@dataclass(frozen=True)
class LatticePoints:
    """Every reciprocal lattice point on the lines of a pattern.

    Attributes
    ----------
    line : ndarray of int, shape (n,)
        Index of the line that each belongs to.
    direction : ndarray, shape (n, 3)
        Unit vectors, Cartesian.
    plain, full : ndarray, shape (n,)
        |F|^2 LP with real scattering factors at rest, and with dispersion and thermal motion.
    dispersion : bool
        Whether f' and f'' were at hand.
    """

    line: NDArray[np.int64]
    direction: NDArray[np.float64]
    plain: NDArray[np.float64]
    full: NDArray[np.float64]
    dispersion: bool


@lru_cache(maxsize=128)
def cell_content(phase: PhaseCell) -> CellContent:
    """Return volume, mass and density of the cell that the intensities refer to."""
    structure = phase.structure()
    volume = float(structure.volume)
    mass = float(structure.composition.weight)
    return CellContent(volume, mass, mass / volume * _AMU)


def _dispersion(symbol: str, energy: float) -> complex | None:
    """Dispersion f' + i f'' of an element at `energy` [keV] where xraylib is installed."""
    try:
        import xraylib
    except ImportError:
        return None
    number = xraylib.SymbolToAtomicNumber(symbol)
    # xraylib's f'' is negative by its convention
    return complex(xraylib.Fi(number, energy), abs(xraylib.Fii(number, energy)))


def attenuation(phase: PhaseCell, energy: float) -> float | None:
    """Linear attenuation [1/cm] of the solid at `energy` [keV]; None without xraylib."""
    try:
        import xraylib
    except ImportError:
        return None
    composition = phase.structure().composition
    total = float(composition.weight)
    mu = sum(
        float(amount)
        * float(element.atomic_mass)
        / total
        * float(xraylib.CS_Total(int(element.Z), energy))
        for element, amount in composition.items()
    )
    return float(mu * cell_content(phase).density)


def lattice_points(reference: ReferencePattern, b_iso: float = 0.0) -> LatticePoints:
    """|F|^2 LP of each lattice point on the lines of `reference`, cached.

    Parameters
    ----------
    b_iso : float
        Isotropic thermal parameter B of all atoms [angstrom^2].
    """
    places = tuple(line.q for line in reference.lines)
    return _points(reference.phase, places, reference.wavelength, float(b_iso))


@lru_cache(maxsize=256)
def _points(
    phase: PhaseCell, places: tuple[float, ...], wavelength: float, b_iso: float
) -> LatticePoints:
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    from consilience_xrd.axes import wavelength_to_energy

    structure = phase.structure()
    reciprocal = np.asarray(structure.lattice.reciprocal_lattice.matrix)
    q_line = np.array(places)
    top = float(q_line.max()) * 1.001 if len(q_line) else 0.0
    spans = [math.ceil(top * length / (2 * math.pi)) for length in structure.lattice.abc]
    grids = np.meshgrid(*(np.arange(-n, n + 1) for n in spans), indexing="ij")
    hkl = np.stack([g.ravel() for g in grids], axis=1)
    vector = hkl @ reciprocal
    q = np.linalg.norm(vector, axis=1)
    near = np.abs(q[:, None] - q_line[None, :]) if len(q_line) else np.zeros((len(q), 0))
    line = near.argmin(axis=1) if len(q_line) else np.zeros(0, np.int64)
    # lines within the calculator's angular tolerance were merged under one place
    keep = (q > 0) & (near.min(axis=1) < 1e-5 + 2e-6 * q) if len(q_line) else np.zeros(len(q), bool)
    hkl, vector, q, line = hkl[keep], vector[keep], q[keep], line[keep]
    s2 = (q / (4 * np.pi)) ** 2
    energy = wavelength_to_energy(wavelength)
    plain = np.zeros(len(q), complex)
    full = np.zeros(len(q), complex)
    known = True
    elements = sorted({(e.symbol, int(e.Z)) for s in structure for e in s.species})
    for symbol, number in elements:
        a, b = np.asarray(ATOMIC_SCATTERING_PARAMS[symbol]).T
        f0 = number - 41.78214 * s2 * np.sum(a * np.exp(-b * s2[:, None]), axis=1)
        sites = [
            (s.frac_coords, float(amount))
            for s in structure
            for e, amount in s.species.items()
            if e.symbol == symbol
        ]
        wave = np.exp(2j * np.pi * (hkl @ np.array([p for p, _ in sites]).T))
        total = wave @ np.array([amount for _, amount in sites])
        plus = _dispersion(symbol, energy)
        known &= plus is not None
        plain += f0 * total
        full += (f0 + (plus or 0.0)) * np.exp(-b_iso * s2) * total
    theta = np.arcsin(np.clip(q * wavelength / (4 * np.pi), 0, 1))
    lp = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    return LatticePoints(
        line.astype(np.int64), vector / q[:, None], np.abs(plain) ** 2 * lp,
        np.abs(full) ** 2 * lp, known,
    )  # fmt: skip


def absolute_intensities(
    reference: ReferencePattern, b_iso: float = 0.0, corrected: bool = True
) -> NDArray[np.float64]:
    """Sum |F|^2 LP over all lattice points of each line, in electrons squared per cell.

    Parameters
    ----------
    corrected : bool
        With dispersion (where xraylib is installed) and thermal motion; without, these are the
        figures that `XRDCalculator` gives.
    """
    points = lattice_points(reference, b_iso)
    values = points.full if corrected else points.plain
    total = np.bincount(points.line, weights=values, minlength=len(reference.lines))
    return np.asarray(total, dtype=np.float64)


def march_dollase(
    reference: ReferencePattern, axis: tuple[int, int, int], r: Sequence[float]
) -> NDArray[np.float64]:
    """Factor by which texture changes each line: mean of (r^2 cos^2 a + sin^2 a / r)^(-3/2).

    Parameters
    ----------
    axis : (int, int, int)
        Normal of the preferred plane (hkl).
    r : sequence of float, length m
        1 for random orientation, below 1 for plates lying flat in reflection.

    Returns
    -------
    ndarray, shape (m, lines)

    References
    ----------
    .. [1] W. A. Dollase, J. Appl. Cryst. 19 (1986) 267, eq. 1 with March's function.
    """
    places = tuple(line.q for line in reference.lines)
    return _texture(reference.phase, places, reference.wavelength, axis, tuple(map(float, r)))


@lru_cache(maxsize=512)
def _texture(
    phase: PhaseCell,
    places: tuple[float, ...],
    wavelength: float,
    axis: tuple[int, int, int],
    r: tuple[float, ...],
) -> NDArray[np.float64]:
    points = _points(phase, places, wavelength, 0.0)
    reciprocal = np.asarray(phase.structure().lattice.reciprocal_lattice.matrix)
    normal = np.array(axis) @ reciprocal
    cosine2 = (points.direction @ (normal / np.linalg.norm(normal))) ** 2
    total = np.bincount(points.line, weights=points.plain, minlength=len(places))
    out = np.ones((len(r), len(places)))
    for row, value in zip(out, r, strict=True):
        weight = (value * value * cosine2 + (1 - cosine2) / value) ** -1.5
        changed = np.bincount(points.line, weights=points.plain * weight, minlength=len(places))
        row[:] = np.where(total > 0, changed / np.maximum(total, 1e-300), 1.0)
    return out
