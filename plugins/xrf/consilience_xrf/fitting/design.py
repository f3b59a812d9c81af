"""The columns of the fit: families of lines, scatter, pile-up and background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry, escape_lines
from consilience_xrf.lines.response import Response, channel_edges, line_shape
from consilience_xrf.lines.scatter import compton_shape, elastic_shape

__all__ = ["Design", "build_design", "family_column", "pile_up_column"]

Array = NDArray[np.float64]

FAINTEST = 1e-6
"""Escape peaks with fewer counts for one count in the family are left out."""


@dataclass(frozen=True)
class Design:
    """Columns over the channels that are fitted, each of area 1 over an endless axis.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
        keV.
    names : tuple of str
        Families such as ``"Fe_K"`` first, then ``elastic``, ``compton``, ``pile_up`` and
        ``background_0`` … as far as they are there.
    families : tuple of Family
        Those of the first columns.
    matrix : ndarray, shape (channels, columns)
    response : Response
    geometry : Geometry
    """

    energy: Array
    names: tuple[str, ...]
    families: tuple[Family, ...]
    matrix: Array
    response: Response
    geometry: Geometry


def family_column(
    family: Family, edges: Array, response: Response, geometry: Geometry, *, escape: bool = True
) -> Array:
    """Return one count in the Gaussians of a family's lines, and what comes with it.

    The shares of the lines are those emitted times what passes to the detector and is counted.
    Escape peaks, tails and steps come on top, so that an amount is the counts of the Gaussians
    alone: a sensitivity that was measured with the same detector knows nothing of the rest.
    """
    counted = family.weights * geometry.efficiency(family.energies)
    total = float(counted.sum())
    shares = counted / total if total > 0 else family.weights
    energies = family.energies
    if escape:
        lost = [
            (energy, share * ratio)
            for at, share in zip(energies, shares, strict=True)
            for energy, ratio in escape_lines(geometry.detector.material, float(at))
            if share * ratio > FAINTEST
        ]
        if lost:
            at, counts = (np.array(column) for column in zip(*lost, strict=True))
            energies, shares = np.concatenate([energies, at]), np.concatenate([shares, counts])
    return line_shape(edges, energies, shares, response) / response.gaussian


def pile_up_column(energy: Array, spectrum: Array) -> Array | None:
    """Return the shape of two photons counted as one: a spectrum convolved with itself.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
        Evenly spaced keV.
    spectrum : ndarray, shape (channels,)
        What is counted in all.

    Returns
    -------
    ndarray or None
        Area 1 where any of it lies on the axis.
    """
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    shift = round(float(energy[0]) / step)
    clean = np.maximum(np.where(energy > 0, spectrum, 0.0), 0.0)
    size = 2 ** int(np.ceil(np.log2(2 * energy.size)))
    both = np.fft.irfft(np.fft.rfft(clean, size) ** 2, size)
    # channels a and b lie at E₀ + a·s and E₀ + b·s: their sum is at channel a + b + E₀/s
    source = np.arange(energy.size) - shift
    inside = (source >= 0) & (source < size)
    made = np.zeros(energy.size)
    made[inside] = np.maximum(both[source[inside]], 0.0)
    total = float(made.sum())
    return made / total if total > 0 else None


def build_design(
    energy: Array,
    families: Sequence[Family],
    response: Response,
    geometry: Geometry,
    *,
    scatter: bool = True,
    escape: bool = True,
    pile_up: Array | None = None,
    background: Array | None = None,
) -> Design:
    """Return the columns of a fit.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
        keV, ascending.
    families : sequence of Family
    response, geometry
    scatter : bool
        Elastic and Compton peak, where the incident energy is known and lies on the axis.
    escape : bool
    pile_up : ndarray, shape (channels,), optional
    background : ndarray, shape (channels, pieces), optional
    """
    edges = channel_edges(energy)
    columns = [family_column(f, edges, response, geometry, escape=escape) for f in families]
    names = [f.name for f in families]
    if scatter and geometry.incident_energy is not None:
        peaks = {
            "elastic": (
                geometry.incident_energy,
                elastic_shape(edges, geometry, response, escape=escape),
            ),
            "compton": (
                geometry.compton_energy(),
                compton_shape(edges, geometry, response, escape=escape),
            ),
        }
        for name, (at, shape) in peaks.items():
            if shape is not None and at is not None and energy[0] < at < energy[-1]:
                columns.append(shape)
                names.append(name)
    if pile_up is not None:
        columns.append(pile_up)
        names.append("pile_up")
    if background is not None:
        columns += list(background.T)
        names += [f"background_{k}" for k in range(background.shape[1])]
    matrix = np.stack(columns, axis=1) if columns else np.zeros((energy.size, 0))
    return Design(energy, tuple(names), tuple(families), matrix, response, geometry)
