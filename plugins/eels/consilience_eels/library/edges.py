"""Ionisation edges and their hydrogenic cross sections, by exSpy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from consilience_eels.library.elements import elements
from consilience_eels.library.session import hyperspy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["edge_cross_section", "edge_shape", "edges_of", "hydrogenic_k"]


def edges_of(element: str, relevance: Sequence[str] = ("Major",)) -> dict[str, float]:
    """Return edge, such as ``"O_K"``, to its onset in eV, of the relevance that exSpy gives it."""
    entry = elements().get(element, {})
    table = entry.get("Atomic_properties", {}).get("Binding_energies", {})
    return {
        f"{element}_{shell}": float(edge["onset_energy (eV)"])
        for shell, edge in table.items()
        if edge.get("relevance") in relevance
    }


@lru_cache(maxsize=256)
def edge_cross_section(
    edge: str,
    beam_kev: float,
    convergence_mrad: float,
    collection_mrad: float,
    first: float,
    step: float,
    channels: int,
) -> float:
    """Return the cross section of a window of an edge by exSpy's hydrogenic model, in barn.

    The sum of `edge_shape` over the window, times the width of a channel.
    """
    shape = edge_shape(edge, beam_kev, convergence_mrad, collection_mrad, first, step, channels)
    return float(shape.sum() * step)


def edge_shape(
    edge: str,
    beam_kev: float,
    convergence_mrad: float,
    collection_mrad: float,
    first: float,
    step: float,
    channels: int,
) -> NDArray[Any]:
    """Return exSpy's hydrogenic edge, barn per eV, shape (channels,).

    Parameters
    ----------
    edge : str
        Of a K or L shell, such as ``"O_K"`` or ``"Ti_L3"``; L3 stands for the whole L shell.
    beam_kev, convergence_mrad, collection_mrad : float
        Semi-angles.
    first, step : float
        Centre of the first channel and width of a channel, eV.
    channels : int

    Raises
    ------
    ValueError
        The model has no such shell.
    """
    import numpy as np

    hyperspy()
    from exspy.components import EELSCLEdge

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        component = EELSCLEdge(edge, GOS="hydrogenic")
        component.set_microscope_parameters(
            E0=beam_kev, alpha=convergence_mrad, beta=collection_mrad, energy_scale=step
        )
        found: NDArray[Any] = component.function(first + step * np.arange(channels))
    return found


def hydrogenic_k(
    symbol: str, onset: float, beam_energy: float, collection: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return energies (eV) and dσ/dE (barn/eV) of a K edge by exSpy's hydrogenic model.

    Parameters
    ----------
    symbol : str
    onset : float
        In eV.
    beam_energy, collection : float
        In keV and mrad.
    """
    import numpy as np

    hyperspy()
    from exspy._misc.eels.hydrogenic_gos import HydrogenicGOS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strength = HydrogenicGOS(f"{symbol}_K")
        curve = strength.integrateq(onset, 1e-3 * collection, beam_energy)
    energy = np.asarray(strength.energy_axis, dtype=np.float64) + strength.energy_shift
    return energy, np.asarray(curve(energy), dtype=np.float64)
