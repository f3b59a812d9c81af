"""The fit of a summed spectrum with all errors, and the scale that its pixels are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.fitting.fitted_scale import Scale
from consilience_xrf.fitting.maps import MapFit, fit_maps
from consilience_xrf.fitting.systematics import SystematicErrors, systematic_errors
from consilience_xrf.fitting.tail import fitted_tail

__all__ = ["WholeFit", "fit_whole"]


@dataclass(frozen=True)
class WholeFit:
    """A fit, what it may owe to other than counting, and the scale with the tail of its lines."""

    fit: MapFit
    errors: SystematicErrors
    scale: Scale


def fit_whole(
    total: NDArray[np.float64],
    scale: Scale,
    names: Sequence[str],
    *,
    background: str = "splines",
    low: float | None = None,
    high: float | None = None,
) -> WholeFit:
    """Fit a summed spectrum, the tail of its lines too where counts can tell it.

    Parameters
    ----------
    total : ndarray, shape (channels,)
    scale : Scale
    names : sequence of str
        Elements and families.
    background : {"splines", "snip"}
    low, high : float, optional
        keV that are fitted.
    """
    common: dict[str, Any] = {
        "geometry": scale.geometry,
        "background": background,
        "pile_up": scale.search.pile_up,
        "low": low,
        "high": high,
    }
    fit = fit_maps(total, scale.energy, names, response=scale.response, **common)
    tail = None
    if background == "splines":  # SNIP takes a tail for background
        tail = fitted_tail(fit.design, fit.mean, fit.mean_amounts)
    if tail is not None:
        scale = replace(scale, response=tail.response)
        fit = fit_maps(total, scale.energy, names, response=scale.response, **common)
    errors = systematic_errors(
        fit.design,
        fit.mean,
        fit.mean_amounts,
        scale.calibration,
        tail.std if tail else None,
        fit.mean_background if background == "snip" else None,
    )
    return WholeFit(fit, errors, scale)
