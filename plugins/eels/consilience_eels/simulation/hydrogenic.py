"""Edges of another origin than optical tables: exSpy's hydrogenic K shells."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from consilience_eels.library import hydrogenic_k
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import onset_of

__all__ = ["hydrogenic_edge"]


def hydrogenic_edge(symbol: str, energy: NDArray[np.float64], beam: Beam) -> NDArray[np.float64]:
    """Return dσ/dE of a K edge in barn/eV; 0 in front of the onset.

    Past exSpy's table it goes on as a power law.
    """
    at, value = _table(symbol, beam)
    slope = np.log(value[-1] / value[-6]) / np.log(at[-1] / at[-6])
    beyond = value[-1] * (np.maximum(energy, at[-1]) / at[-1]) ** slope
    inside = np.interp(energy, at, value)
    return np.where(energy < at[0], 0.0, np.where(energy > at[-1], beyond, inside))


@lru_cache(maxsize=64)
def _table(symbol: str, beam: Beam) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return hydrogenic_k(symbol, onset_of(symbol, "K"), beam.energy, beam.collection)
