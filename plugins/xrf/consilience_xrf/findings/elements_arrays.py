"""What was fitted, as data sets: the summed spectrum, its covariance, and the maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience_xrf.fitting.maps import MapFit
from consilience_xrf.lines.elements import split_name

if TYPE_CHECKING:
    from consilience_xrf.findings.elements_drafts import Whole

__all__ = ["covariance_dataset", "map_dataset", "sum_dataset"]

MISSING = "no counts, or values that are no counts"


def sum_dataset(whole: Whole) -> xr.Dataset:
    """Return the summed spectrum with its fit: all over ``channel``, with ``energy`` in keV.

    ``part`` over (column, channel) holds each family, scatter and pile-up; the names of the
    columns are in ``column.attrs["names"]``.
    """
    fit = whole.fit
    design = fit.design
    shown = [i for i, name in enumerate(fit.names) if not name.startswith("background")]
    parts = (design.matrix[:, shown] * fit.mean_amounts[shown]).T
    counts = {"units": "count"}
    return xr.Dataset(
        {
            "counts": ("channel", fit.mean, {**counts, "long_name": "sum of all spectra"}),
            "model": ("channel", design.matrix @ fit.mean_amounts, dict(counts)),
            "background": ("channel", fit.mean_background, dict(counts)),
            "part": (("column", "channel"), parts, dict(counts)),
        },
        {
            "channel": ("channel", np.arange(design.energy.size, dtype=float), {"units": "1"}),
            "energy": ("channel", design.energy, {"units": "keV"}),
            "column": (
                "column",
                np.arange(len(shown)),
                {"units": "1", "names": [fit.names[i] for i in shown]},
            ),
        },
        {"chi2": float(fit.chi2), "noise_keV": design.response.noise},
    )


def covariance_dataset(whole: Whole) -> xr.Dataset:
    """Return the joint covariance of all families of the summed spectrum, counts²."""
    n = whole.fit.elements
    both = ("family", "other")
    index = np.arange(n)
    names = list(whole.fit.names[:n])
    return xr.Dataset(
        {
            "statistical": (both, whole.fit.covariance[:n, :n], {"units": "count^2"}),
            "systematic_ratios_and_axis": (
                both,
                whole.errors.joint[:n, :n],
                {"units": "count^2"},
            ),
        },
        {
            "family": ("family", index, {"units": "1", "names": names}),
            "other": ("other", index, {"units": "1"}),
        },
    )


def map_dataset(fit: MapFit, counts: xr.DataArray) -> xr.Dataset:
    """Return maps of all families over the scan, with what they rest on.

    Parameters
    ----------
    fit : MapFit
    counts : DataArray
        What was fitted, ``channel`` last: its other dimensions and coordinates are taken over.

    Returns
    -------
    Dataset
        For each family such as ``Fe_K``: counts, not negative, with ``attrs["element"]`` and
        ``attrs["line"]``; ``Fe_K_std``; ``Fe_K_unbounded``, unbiased and negative in places,
        which sums and tests should take; ``Fe_K_limit`` (Currie, 5 %).  ``elastic`` and
        ``compton`` alike where they were fitted.  ``residual`` (counts not explained),
        ``chi2`` (reduced), ``mask`` (1: fitted).
    """
    dims = tuple(counts.dims[:-1])
    variables: dict[str, Any] = {}
    for i, name in enumerate(fit.names):
        if name.startswith("background"):
            continue
        attrs: dict[str, Any] = {"units": "count", "missing": MISSING}
        if i < fit.elements:
            element, shell = split_name(name)
            attrs |= {"element": element, "line": shell}
        variables[name] = (
            dims,
            fit.amounts[i],
            {**attrs, "ancillary_variables": f"{name}_std", "long_name": f"counts of {name}"},
        )
        plain = {"units": "count", "missing": MISSING}
        variables[f"{name}_std"] = (dims, fit.std[i], dict(plain))
        if i < fit.elements:
            variables[f"{name}_unbounded"] = (dims, fit.free[i], dict(plain))
            variables[f"{name}_limit"] = (dims, fit.limit[i], dict(plain))
    variables["residual"] = (dims, fit.residual, {"units": "count", "missing": MISSING})
    variables["chi2"] = (dims, fit.chi2, {"units": "1", "missing": MISSING})
    variables["mask"] = (dims, fit.mask.astype(np.float64), {"units": "1"})
    kept = {
        name: coordinate.variable
        for name, coordinate in counts.coords.items()
        if "channel" not in coordinate.dims
    }
    return xr.Dataset(variables, kept)
