"""Two forward models of X-ray spectra: the fitter's own, and another one.

The first has Gaussian lines in tabulated ratios, the fitter's Compton peak, one exponential as
background, and the axis that the file states.  The second has lines with a tail and a step, ratios
that are off by what is stated for them, a Compton peak of another atom at another angle with
multiple scattering below it, a background of two exponentials and a hump, and an axis and a width
that drifted since they were calibrated.  In both, counts follow Poisson's law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.design import family_column
from consilience_xrf.fitting.systematics import RATIO_STD
from consilience_xrf.lines.elements import Family, family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response, channel_edges
from consilience_xrf.lines.scatter import compton_shape, elastic_shape

__all__ = ["ENERGY", "GEOMETRY", "expected"]

Array = NDArray[np.float64]

ENERGY: Array = 0.02 + 0.02 * np.arange(720, dtype=np.float64)
GEOMETRY = Geometry(14.0)
"""As the analysis knows it: the angle is found."""
TRUE = Geometry(14.0, 90.0)
OTHER = Geometry(14.0, 96.0)
RESPONSE = Response(noise=0.11)
TAIL, STEP = 0.02, 0.004
"""Shares of a line that the second model's Gaussian lacks; an amount is what the Gaussian has."""


def expected(
    model: str, amounts: Mapping[str, float], level: float, chance: np.random.Generator
) -> Array:
    """Return the mean counts of each channel.

    Parameters
    ----------
    model : {"first", "second"}
    amounts : mapping
        Counts of families such as ``"Fe_K"``, of ``elastic`` and of ``compton``.
    level : float
        Background of a channel near 0 keV.
    chance : Generator
        Draws what drifted.
    """
    if model == "first":
        edges = channel_edges(ENERGY)
        made = level * np.exp(-ENERGY / 6.0)
        for name, amount in amounts.items():
            made = made + amount * _shape(name, edges, RESPONSE, TRUE)
        return np.asarray(made)
    zero, gain = 0.004 * chance.normal(), 1.0 + 2e-4 * chance.normal()
    edges = channel_edges(zero + gain * ENERGY)
    response = Response(
        noise=RESPONSE.noise * (1.0 + 0.03 * chance.normal()),
        tail=TAIL, tail_width=0.35, step=STEP,
    )  # fmt: skip
    hump = 0.3 * np.exp(-0.5 * ((ENERGY - 5.0) / 2.5) ** 2)
    made = level * (0.5 * np.exp(-ENERGY / 2.5) + 0.4 * np.exp(-ENERGY / 12.0) + hump)
    for name, amount in amounts.items():
        made = made + amount * _shape(name, edges, response, OTHER, chance)
    multiple = np.exp(-0.5 * ((ENERGY - 12.6) / 0.8) ** 2)
    share = 0.12 * amounts.get("compton", 0.0)
    return np.asarray(made + share * multiple / multiple.sum())


def _shape(
    name: str,
    edges: Array,
    response: Response,
    geometry: Geometry,
    chance: np.random.Generator | None = None,
) -> Array:
    shape: Array | None
    if name == "elastic":
        shape = elastic_shape(edges, geometry, response)
    elif name == "compton":
        shape = compton_shape(edges, geometry, response, "O" if chance is None else "C")
    else:
        element, _, shell = name.partition("_")
        lines = family(element, shell, geometry.incident_energy)
        if lines is None:
            raise ValueError(f"{name} is not excited")
        if chance is not None:
            lines = _drawn(lines, chance)
        shape = family_column(lines, edges, response, geometry)
    if shape is None:
        raise ValueError(f"{name} needs an incident energy")
    return shape


def _drawn(lines: Family, chance: np.random.Generator) -> Family:
    """The family with ratios off by their stated standard deviation."""
    groups = {"K": ("KM", "KN"), "L": ("L1", "L2"), "M": ("M3", "M4")}[lines.shell]
    weights = lines.weights.copy()
    factor = np.exp(RATIO_STD[lines.shell] * chance.normal(size=len(groups)))
    for group, times in zip(groups, factor, strict=True):
        weights = weights * np.where([n.startswith(group) for n in lines.lines], times, 1.0)
    return replace(lines, weights=weights / weights.sum())
