"""What the detector is expected to count: two forward models that differ on purpose.

`FIRST` is the world as the published analysis supposes it: counts in E₂ are J(p_z) by the published
formula, times the Klein-Nishina cross section of the pixel's angle, seen with a Gaussian
resolution.  `SECOND` breaks that: relativistic kinematics, the kernel F(p_z) of the impulse
approximation [1], profiles interpolated in another way and 0.5 % wider, low-energy tails, pile-up,
multiple scattering, absorption in the can, another background, and events that are counted twice.

References
----------
.. [1] D. Brusa et al., Nucl. Instrum. Methods A 379 (1996) 167.
.. [2] R. Ribberfors, Phys. Rev. B 12 (1975) 2067.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import NDArray
from scipy.special import ndtr

from consilience_compton.model.cell import Layer
from consilience_compton.model.profiles import LOG_LINEAR, SPLINE, free_atom_profile
from consilience_compton.momentum.kinematics import (
    MOMENTUM_UNIT,
    compton_energy,
    momentum,
    momentum_exact,
)

__all__ = ["FIRST", "SECOND", "Model", "cross_section", "expected_counts", "lines", "scattered"]

Array = NDArray[np.float64]

_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_FINE = 0.1
"""keV, of the grid before the detector's response."""
_TOP = 200.0
"""keV, where that grid ends: twice the Compton peak, for pile-up."""
_CADMIUM = 23.11
"""keV, mean of the K-alpha lines that leave a pixel."""


@dataclass(frozen=True)
class Model:
    """A forward model; see the module.

    Parameters
    ----------
    name : str
    exact : bool
        Kinematics without the published approximation, and the kernel F(p_z).
    interpolation : str
        Of the profiles.
    stretch : float
        Widens each profile.
    tail : float
        Part of the events with an exponential tail towards low energy, of `tail_length` keV.
    pile_up : float
        Part of the events that fall together with another one.
    multiple : float
        Counts of multiple scattering for one of single scattering, a broad hump.
    can : float
        Steel between cell and detector, µm.
    slope : float
        Of the flat background, for each keV of distance from 90 keV.
    twice : float
        Part of the events that a pixel counts twice: more variance than Poisson's.
    escape : float
        Part of the events that leave without a Cd K photon.
    """

    name: str
    exact: bool = False
    interpolation: str = SPLINE
    stretch: float = 1.0
    tail: float = 0.0
    tail_length: float = 1.5
    pile_up: float = 0.0
    multiple: float = 0.0
    can: float = 0.0
    slope: float = 0.0
    twice: float = 0.0
    escape: float = 0.02


FIRST = Model("first")
SECOND = Model(
    "second",
    exact=True,
    interpolation=LOG_LINEAR,
    stretch=1.005,
    tail=0.05,
    pile_up=0.005,
    multiple=0.02,
    can=250.0,
    slope=-0.005,
    twice=0.05,
    escape=0.03,
)

_P = np.linspace(-100.0, 100.0, 40_001)


def cross_section(incident: float, angle: Array) -> Array:
    """Return the Klein-Nishina cross section above a horizontally polarised beam.

    In barn per steradian and electron; the polarisation's azimuth is 90° (xraylib ``DCSP_KN``).
    """
    flat = np.ravel(angle)
    found = [xraylib.DCSP_KN(incident, math.radians(t), math.pi / 2.0) for t in flat]
    return np.array(found, dtype=np.float64).reshape(np.shape(angle))


def scattered(
    layers: Sequence[Layer], edges: Array, incident: float, angle: Array, model: Model = FIRST
) -> Array:
    """Return single Compton scattering per bin before the detector, noiseless.

    Parameters
    ----------
    layers : sequence of Layer
    edges : ndarray, shape (n + 1,)
        keV.
    incident : float
        keV.
    angle : ndarray, shape (pixels,)
        Degrees.
    model : Model

    Returns
    -------
    ndarray, shape (pixels, n)
        Moles of electrons (in the unit of `layers`) × barn/sr.
    """
    profile = np.zeros_like(_P)
    for layer in layers:
        at = _P / model.stretch
        own = free_atom_profile(layer.composition, at, model.interpolation) / model.stretch
        profile += layer.amount * own
    total = np.concatenate([[0.0], np.cumsum(0.5 * (profile[1:] + profile[:-1]) * np.diff(_P))])
    formula = momentum_exact if model.exact else momentum
    # no photon gains energy: beyond the beam's energy there is nothing
    pz = formula(np.minimum(edges, incident)[None, :], incident, angle[:, None])
    counts = np.diff(np.interp(pz, _P, total), axis=-1)
    counts *= cross_section(incident, angle)[:, None]
    if model.exact:
        counts *= _kernel(0.5 * (pz[:, 1:] + pz[:, :-1]), incident, angle[:, None])
    return np.asarray(counts, dtype=np.float64)


def _kernel(pz: Array, incident: float, angle: Array) -> Array:
    """F(p_z) of [1]: the cross section of a moving electron over that of one at rest.

    Valid for momenta below a fifth of mc; beyond it the value there is kept.
    """
    cosine = np.cos(np.radians(angle))
    peak = compton_energy(incident, angle)
    transfer = np.sqrt(incident**2 + peak**2 - 2.0 * incident * peak * cosine)
    lean = transfer / incident * (1.0 + peak * (peak - incident * cosine) / transfer**2)
    bounded = np.clip(pz / MOMENTUM_UNIT, -0.2, 0.2)
    return np.asarray(1.0 + lean * bounded, dtype=np.float64)


def lines() -> tuple[tuple[str, float, float], ...]:
    """Return what the detector and its shield add: name, keV, share within its element."""
    found = []
    for symbol in ("Cd", "Te", "W", "Pb"):
        z = xraylib.SymbolToAtomicNumber(symbol)
        for name in ("KL3", "KL2", "KM3", "KM2", "KN3", "KN2"):
            line = getattr(xraylib, f"{name}_LINE")
            share = xraylib.RadRate(z, line)
            found.append((f"{symbol} {name}", xraylib.LineEnergy(z, line), share))
    return tuple(found)


def _strengths() -> dict[str, float]:
    """Counts of all K lines of an element for one count of Compton scattering."""
    return {"Cd": 0.10, "Te": 0.08, "W": 0.15, "Pb": 0.10}


def _elastic(layers: Sequence[Layer], incident: float, angle: float) -> float:
    """Elastic over Compton scattering of these layers, free atoms (xraylib)."""
    radians = math.radians(angle)
    elastic = compton = 0.0
    for layer in layers:
        for symbol, number in layer.composition.items():
            z = xraylib.SymbolToAtomicNumber(symbol)
            weight = layer.amount * number * xraylib.AtomicWeight(z)
            elastic += weight * xraylib.DCS_Rayl(z, incident, radians)
            compton += weight * xraylib.DCS_Compt(z, incident, radians)
    return elastic / compton


def _grid_edges() -> Array:
    return np.arange(2.0, _TOP + 0.5 * _FINE, _FINE)


@lru_cache(maxsize=4)
def _response(bins: bytes, fwhm: float, model: Model) -> Array:
    """Return how events of each energy of the fine grid spread over the bins, (grid, bins).

    `bins` are the bytes of the edges, so that regions and states share one matrix.
    """
    edges, sigma = np.frombuffer(bins), fwhm / _FWHM
    grid_edges = _grid_edges()
    grid = 0.5 * (grid_edges[1:] + grid_edges[:-1])

    def gauss(centre: Array) -> Array:
        return np.diff(ndtr((edges[None, :] - centre[:, None]) / sigma), axis=-1)

    core = gauss(grid)
    if model.tail:
        # an exponential towards low energy, as a few Gaussians at its quantiles
        steps = -np.log1p(-(np.arange(8) + 0.5) / 8.0) * model.tail_length
        slow = sum((gauss(grid - step) for step in steps), np.zeros_like(core)) / steps.size
        core = (1.0 - model.tail) * core + model.tail * slow
    escaped = gauss(grid - _CADMIUM)
    leaves = np.where(grid > 26.7, model.escape, 0.0)[:, None]
    return np.asarray((1.0 - leaves) * core + leaves * escaped, dtype=np.float64)


def expected_counts(
    layers: Sequence[Layer],
    edges: Array,
    incident: float,
    angle: Array,
    *,
    scale: float,
    fwhm: float = 0.8,
    background: float = 2e-4,
    model: Model = FIRST,
) -> Array:
    """Return expected counts per bin of each pixel, noiseless.

    Parameters
    ----------
    layers : sequence of Layer
    edges : ndarray, shape (n + 1,)
        keV; bins need not be even.
    incident : float
        keV.
    angle : ndarray, any shape
        Of each pixel, degrees.
    scale : float
        Counts for each mole of electrons (of the layers' unit) of single Compton scattering
        into a pixel at 90°, before escape.
    fwhm : float
        Resolution, keV.
    background : float
        Counts for each keV and each count of Compton scattering, flat in the first model.
    model : Model

    Returns
    -------
    ndarray, shape (*angle.shape, n)
    """
    grid_edges = _grid_edges()
    grid = 0.5 * (grid_edges[1:] + grid_edges[:-1])
    flat = np.ravel(np.asarray(angle, dtype=np.float64))
    at_90 = float(cross_section(incident, np.array([90.0]))[0])
    events = scattered(layers, grid_edges, incident, flat, model) * (scale / at_90)
    total = events.sum(axis=-1)
    if model.multiple:
        hump = np.exp(-0.5 * ((grid - 0.83 * incident) / 8.0) ** 2)
        events += model.multiple * total[:, None] * hump / hump.sum()
    if model.can:
        reach = np.array([xraylib.CS_Total(26, float(e)) for e in grid]) * 7.87 * model.can * 1e-4
        peak = float(compton_energy(incident, 90.0))
        at_peak = xraylib.CS_Total(26, peak) * 7.87 * model.can * 1e-4
        events *= np.exp(at_peak - reach)
    # what the shield and the sample send at one energy
    share = _elastic(layers, incident, float(flat.mean()))
    extra = [(incident, share)]
    strengths = _strengths()
    extra += [(keV, strengths[name.split()[0]] * part) for name, keV, part in lines()]
    for energy, strength in extra:
        # on the two nearest points, so that the mean is the line's own
        place = (energy - grid[0]) / _FINE
        below = int(place)
        events[:, below] += (1.0 - place + below) * strength * total
        events[:, below + 1] += (place - below) * strength * total
    flat_part = background * (1.0 + model.slope * (grid - 90.0)) * _FINE
    events += total[:, None] * np.clip(flat_part, 0.0, None)
    if model.pile_up:
        events = _piled(events, model.pile_up, float(grid_edges[0]))
    bins = np.ascontiguousarray(edges, dtype=np.float64).tobytes()
    counts = events @ _response(bins, fwhm, model)
    return np.asarray(counts.reshape(*np.shape(angle), edges.size - 1), dtype=np.float64)


def _piled(events: Array, share: float, first: float) -> Array:
    """Move `share` of the events to the sum of two energies."""
    size = events.shape[-1]
    power = np.fft.rfft(events, 2 * size, axis=-1)
    sums = np.fft.irfft(power * power, 2 * size, axis=-1)
    offset = round(first / _FINE + 0.5)
    moved = np.zeros_like(events)
    moved[:, offset:] = sums[:, : size - offset]
    all_events = events.sum(axis=-1, keepdims=True)
    piled = 0.5 * share * np.clip(moved, 0.0, None) / all_events
    return np.asarray((1.0 - share) * events + piled, dtype=np.float64)
