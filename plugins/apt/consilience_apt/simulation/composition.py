"""Which ions are expected at which depth, without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr
from scipy.stats import laplace

from consilience_apt.simulation.params import Layer, NeedleParams, Shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "cluster_shares",
    "depth_density",
    "expected_shares",
    "interfaces",
    "needle_shares",
]

STEPS = 4001
"""Depths at which integrals over the needle are taken."""


def interfaces(params: NeedleParams) -> NDArray[np.float64]:
    """Return the depths (nm) at which layers begin and end, layers + 1 numbers."""
    return np.concatenate([[0.0], np.cumsum([layer.thickness for layer in params.layers])])


def expected_shares(params: NeedleParams, depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each species among the ions at some depths, clusters left out.

    Parameters
    ----------
    params : NeedleParams
    depth : float[n]
        nm below the top.

    Returns
    -------
    float[n, species]
        Rows sum to 1; columns as in ``params.species``.
    """
    edges = interfaces(params)
    weights = np.stack(
        [
            _step(params, i, depth - edges[i]) - _step(params, i + 1, depth - edges[i + 1])
            for i in range(len(params.layers))
        ],
        axis=1,
    ) * np.array([layer.density for layer in params.layers])
    weights = np.clip(weights, 0.0, None)
    total = np.zeros((len(depth), len(params.species)))
    for i, layer in enumerate(params.layers):
        along = np.clip((depth - edges[i]) / layer.thickness, 0.0, 1.0)[:, None]
        total += weights[:, i : i + 1] * _layer_shares(params, layer, along)
    return np.asarray(total / total.sum(axis=1, keepdims=True))


def cluster_shares(params: NeedleParams) -> NDArray[np.float64]:
    """Return the share of each species inside a cluster."""
    assert params.clusters is not None
    return _shares(params, params.clusters.ions)


def depth_density(params: NeedleParams, depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ions per nm of depth at some depths, on any scale."""
    edges = interfaces(params)
    density = np.zeros(len(depth))
    for i, layer in enumerate(params.layers):
        density += layer.density * (
            _step(params, i, depth - edges[i]) - _step(params, i + 1, depth - edges[i + 1])
        )
    radius = params.radius + depth * np.tan(np.radians(params.shank))
    return np.asarray(np.clip(density, 0.0, None) * radius**2)


def needle_shares(
    params: NeedleParams, low: float = 0.0, high: float | None = None
) -> NDArray[np.float64]:
    """Return the share of each species between two depths (nm), clusters left out.

    `high` None means the end of the needle.
    """
    depth = np.linspace(low, params.depth if high is None else high, STEPS)
    # the middle of each step: a density that jumps at an interface is met on one side of it
    middle = 0.5 * (depth[1:] + depth[:-1])
    weight = depth_density(params, middle)
    return np.asarray(weight @ expected_shares(params, middle) / weight.sum())


def _step(params: NeedleParams, interface: int, beyond: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of what lies below an interface, 0 above it and 1 below."""
    if interface == 0:
        return np.ones_like(beyond)
    if interface == len(params.layers):
        return np.zeros_like(beyond)
    blur = params.layers[interface - 1].blur
    if blur == 0:
        return (beyond >= 0).astype(np.float64)
    if params.model == "first":
        return np.asarray(ndtr(beyond / blur))
    # neither of the shapes that interfaces are fitted with; of scale b it has the deviation √2 b
    return np.asarray(laplace.cdf(beyond, scale=blur / 2**0.5))


def _shares(params: NeedleParams, shares: Shares) -> NDArray[np.float64]:
    values = np.array([shares.get(name, 0.0) for name in params.species])
    return np.asarray(values / values.sum())


def _layer_shares(
    params: NeedleParams, layer: Layer, along: NDArray[np.float64]
) -> NDArray[np.float64]:
    top = _shares(params, layer.top)
    if layer.bottom is None:
        return top[None, :]
    return top + along * (_shares(params, layer.bottom) - top)
