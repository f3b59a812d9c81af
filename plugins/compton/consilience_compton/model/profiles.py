"""Compton profiles of free atoms and of compounds as the sum of their atoms.

The profiles are those of Biggs, Mendelsohn and Mann as xraylib holds them: J(p_z) of Hartree-Fock
atoms at 31 momenta.  Between the momenta something has to be supposed, and the ratio of two windows
moves by 0.9 % with it: one method is the default (`SPLINE`), the others say how far it can be off.

A compound as the sum of free atoms has no bonds and no charge transfer: a model to stand beside a
measurement, not a calibration.

References
----------
.. [1] F. Biggs, L. B. Mendelsohn, J. B. Mann, At. Data Nucl. Data Tables 16 (1975) 201.
.. [2] T. Schoonjans et al., Spectrochim. Acta B 66 (2011) 776 (xraylib).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from consilience.errors import BadInputError

__all__ = [
    "CUBIC",
    "HIGH",
    "INTERPOLATIONS",
    "LINEAR",
    "LOG_LINEAR",
    "LOW",
    "MOMENTA",
    "SPLINE",
    "ModelRatio",
    "atoms_of",
    "broadened",
    "composition_at",
    "electrons",
    "free_atom_emr",
    "free_atom_profile",
    "nmc622",
    "ratio_of_windows",
]

Array = NDArray[np.float64]
Composition = str | Mapping[str, float]
"""A formula such as ``"Li1.01Ni0.6Mn0.2Co0.2O2"``, or atoms by symbol."""
Window = tuple[float, float]

_BELOW_3 = (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.4)
_FROM_3 = (3, 4, 5, 6, 7, 8, 10, 15, 20, 30, 40, 60, 100)
MOMENTA: Array = np.array((*_BELOW_3, *_FROM_3), dtype=np.float64)
"""Momenta of the tables of [1], atomic units (ħ/a₀)."""

SPLINE = "spline of ln J over ln(1 + p)"
"""The default: natural cubic spline in the variables that xraylib uses too."""
CUBIC = "cubic spline of J, flat at 0"
LOG_LINEAR = "ln J linear in p"
LINEAR = "J linear in p"
INTERPOLATIONS = (SPLINE, CUBIC, LOG_LINEAR, LINEAR)

LOW: tuple[Window, ...] = ((-1.0, 1.0),)
"""Windows of low momentum of the published ratio, atomic units."""
HIGH: tuple[Window, ...] = ((-5.0, -1.0), (1.0, 5.0))
"""Windows of high momentum of the published ratio, atomic units."""

_STEP = 0.005
"""Of the grid on which a profile is broadened and integrated, atomic units."""
_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True)
class ModelRatio:
    """A ratio of windows of the free-atom model.

    Parameters
    ----------
    value : float
        By `SPLINE`.
    std_interpolation : float
        Largest deviation of another interpolation from it, taken as one standard deviation.
    by_interpolation : dict
        The value by each method of `INTERPOLATIONS`.
    fwhm : float
        Resolution that the profile was broadened by, atomic units; 0 for none.
    """

    value: float
    std_interpolation: float
    by_interpolation: dict[str, float]
    fwhm: float


def atoms_of(composition: Composition) -> dict[str, float]:
    """Return atoms by symbol of a formula; a mapping is checked and returned as a dict.

    Raises
    ------
    BadInputError
        Not a formula, an element without a profile, a negative or no amount.
    """
    if isinstance(composition, str):
        try:
            found = xraylib.CompoundParser(composition)
        except (ValueError, TypeError) as error:
            raise BadInputError(
                f"{composition!r} is not a formula: {error}",
                fix="write one such as 'Li1.01Ni0.6Mn0.2Co0.2O2'",
            ) from error
        symbols = [xraylib.AtomicNumberToSymbol(z) for z in found["Elements"]]
        return dict(zip(symbols, (float(n) for n in found["nAtoms"]), strict=True))
    atoms = {symbol: float(number) for symbol, number in composition.items()}
    for symbol, number in atoms.items():
        _number(symbol)
        if not math.isfinite(number) or number < 0.0:
            raise BadInputError(
                f"{number:g} atoms of {symbol} in a composition", fix="give amounts of 0 or more"
            )
    if sum(atoms.values()) <= 0.0:
        raise BadInputError("a composition without atoms", fix="give atoms by symbol, {'Li': 1}")
    return atoms


def composition_at(formula: str, x: float) -> dict[str, float]:
    """Return the atoms of a formula with ``Lix`` in it.

    Parameters
    ----------
    formula : str
        Such as ``"LixNi0.6Mn0.2Co0.2O2"``; one without ``Lix`` is returned as it is.
    x : float

    Raises
    ------
    BadInputError
        Not a formula, or a negative x.
    """
    if "Lix" not in formula:
        return atoms_of(formula)
    if x < 0.0 or not math.isfinite(x):
        raise BadInputError(f"x = {x:g} in {formula!r}", fix="give 0 or more")
    return {**atoms_of(formula.replace("Lix", "Li1", 1)), "Li": x}


def nmc622(x: float) -> dict[str, float]:
    """Return LiₓNi₀.₆Mn₀.₂Co₀.₂O₂ by symbol."""
    return {"Li": x, "Ni": 0.6, "Mn": 0.2, "Co": 0.2, "O": 2.0}


def electrons(composition: Composition) -> float:
    """Return the electrons of one formula unit."""
    return sum(number * _number(symbol) for symbol, number in atoms_of(composition).items())


def free_atom_profile(
    composition: Composition, pz: NDArray[np.floating], interpolation: str = SPLINE
) -> Array:
    """Return J(p_z) of one formula unit as the sum of its free atoms.

    Parameters
    ----------
    composition : str or mapping
    pz : ndarray
        Any shape, atomic units; J is even in it, and 0 beyond 100.
    interpolation : str
        One of `INTERPOLATIONS`.

    Returns
    -------
    ndarray, shape of `pz`
        Electrons per atomic unit of momentum; its integral over all p_z is the electrons of
        the formula unit, as far as the tables are rounded (some 0.3 %).

    Raises
    ------
    BadInputError
        Unknown element or interpolation.
    """
    at = np.abs(np.asarray(pz, dtype=np.float64))
    total = np.zeros_like(at)
    for symbol, number in atoms_of(composition).items():
        if number:
            total += number * _atom(symbol, at, interpolation)
    return total


def broadened(
    composition: Composition, pz: NDArray[np.floating], fwhm: float, interpolation: str = SPLINE
) -> Array:
    """Return the profile convolved with a Gaussian of `fwhm` (atomic units), at `pz`."""
    if fwhm < 0.0 or not math.isfinite(fwhm):
        raise BadInputError(f"a resolution of {fwhm:g} a.u.", fix="give 0 or more")
    at = np.asarray(pz, dtype=np.float64)
    if fwhm == 0.0:
        return free_atom_profile(composition, at, interpolation)
    reach = float(np.abs(at).max(initial=0.0)) + 4.0 * fwhm
    half = np.arange(0.0, reach + _STEP, _STEP)
    profile = free_atom_profile(composition, half, interpolation)
    both = np.concatenate([profile[:0:-1], profile])
    sigma = fwhm / _FWHM / _STEP
    offsets = np.arange(-math.ceil(6.0 * sigma), math.ceil(6.0 * sigma) + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    smooth = np.convolve(both, kernel / kernel.sum(), mode="same")
    grid = np.concatenate([-half[:0:-1], half])
    return np.asarray(np.interp(at, grid, smooth), dtype=np.float64)


def ratio_of_windows(
    composition: Composition,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
    fwhm: float = 0.0,
    interpolation: str = SPLINE,
) -> float:
    """Return ∫J over all of `low` divided by ∫J over all of `high`; dimensionless.

    Raises
    ------
    BadInputError
        A window without width.
    """
    parts = []
    for first, last in (*low, *high):
        if not last > first:
            raise BadInputError(
                f"the window from {first:g} to {last:g} a.u. has no width",
                fix="give the lower end first",
            )
        grid = np.linspace(first, last, max(3, math.ceil((last - first) / _STEP) + 1))
        profile = broadened(composition, grid, fwhm, interpolation)
        parts.append(float(np.trapezoid(profile, grid)))
    return sum(parts[: len(low)]) / sum(parts[len(low) :])


def free_atom_emr(
    composition: Composition,
    fwhm: float = 0.0,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
) -> ModelRatio:
    """Return the electron momentum ratio of the free-atom model, with what interpolation does.

    Parameters
    ----------
    composition : str or mapping
    fwhm : float
        Resolution, atomic units; 800 eV at 115 keV and 90° are 0.905.
    low, high : windows, atomic units
    """
    found = {
        method: ratio_of_windows(composition, low, high, fwhm, method) for method in INTERPOLATIONS
    }
    value = found[SPLINE]
    return ModelRatio(value, max(abs(v - value) for v in found.values()), found, fwhm)


def _number(symbol: str) -> int:
    try:
        return int(xraylib.SymbolToAtomicNumber(symbol))
    except ValueError as error:
        raise BadInputError(
            f"{symbol!r} is no element", fix="give symbols such as 'Li', 'Ni', 'O'"
        ) from error


@lru_cache(maxsize=128)
def _table(symbol: str) -> Array:
    """J at the tabulated momenta; xraylib returns the tables' values there (to 1e-8)."""
    z = _number(symbol)
    return np.array([xraylib.ComptonProfile(z, float(p)) for p in MOMENTA])


@lru_cache(maxsize=128)
def _log_spline(symbol: str) -> CubicSpline:
    return CubicSpline(np.log1p(MOMENTA), np.log(_table(symbol)), bc_type="natural")


@lru_cache(maxsize=128)
def _cubic(symbol: str) -> CubicSpline:
    return CubicSpline(MOMENTA, _table(symbol), bc_type=("clamped", "natural"))


def _atom(symbol: str, at: Array, interpolation: str) -> Array:
    if interpolation == SPLINE:
        found = np.exp(_log_spline(symbol)(np.log1p(at)))
    elif interpolation == CUBIC:
        found = _cubic(symbol)(at)
    elif interpolation == LOG_LINEAR:
        found = np.exp(np.interp(at, MOMENTA, np.log(_table(symbol))))
    elif interpolation == LINEAR:
        found = np.interp(at, MOMENTA, _table(symbol))
    else:
        raise BadInputError(
            f"no interpolation of profiles is called {interpolation!r}",
            fix=f"one of: {'; '.join(INTERPOLATIONS)}",
        )
    return np.where(at <= MOMENTA[-1], found, 0.0)
