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
            "model": ("channel", fit.model, dict(counts)),
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
        {"chi2": float(fit.chi2), **_calibrated(whole)},
    )


def _calibrated(whole: Whole) -> dict[str, float]:
    """Axis, resolution and tail of the lines, with standard deviations where they were fitted."""
    response, found = whole.fit.design.response, whole.scale.calibration
    said = {"noise_keV": response.noise, "tail": response.tail}
    if found is not None:
        said |= {"zero_keV": found.zero, "gain_keV": found.gain}
        for name, unit in (("zero", "_keV"), ("gain", "_keV"), ("noise", "_keV"), ("fano", "")):
            std = found.std(name)
            if std is not None:
                said[f"{name}_std{unit}"] = std
    return said


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


def map_dataset(fit: MapFit, counts: xr.DataArray, whole: Whole) -> xr.Dataset:
    """Return maps of all families over the scan, with what they rest on.

    Parameters
    ----------
    fit : MapFit
    counts : DataArray
        What was fitted, ``channel`` last: its other dimensions and coordinates are taken over.
    whole : Whole
        The fit of the sum, whose systematic errors those of the points are a share of.

    Returns
    -------
    Dataset
        For each family such as ``Fe_K``: counts, not negative, with ``attrs["element"]`` and
        ``attrs["line"]``; ``Fe_K_std``, by counting, of ``Fe_K_unbounded``, which is unbiased and
        negative in places: sums and tests should take it; ``Fe_K_limit`` (Currie, 5 %).
        ``elastic`` and ``compton`` alike where they were fitted.  ``residual`` (counts not
        explained), ``chi2`` (reduced), ``mask`` (1: fitted), ``at_bound`` (families that are 0
        for they cannot be less).

    Notes
    -----
    ``attrs["std_sys_of_mean_point"]`` of a family is the systematic error of the sum over the
    number of spectra.  It is the same mistake at all points, not noise.
    """
    dims = tuple(counts.dims[:-1])
    variables: dict[str, Any] = {}
    for i, name in enumerate(fit.names):
        if name.startswith("background"):
            continue
        attrs: dict[str, Any] = {"units": "count", "missing": MISSING}
        if i < fit.elements:
            element, shell = split_name(name)
            sys = float(whole.errors.total[whole.fit.of(name)]) / whole.spectra
            attrs |= {"element": element, "line": shell, "std_sys_of_mean_point": sys}
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
    bound = np.where(fit.mask, (fit.amounts[: fit.elements] <= 0.0).sum(axis=0), np.nan)
    variables["at_bound"] = (dims, bound, {"units": "1", "missing": MISSING})
    variables["residual"] = (dims, fit.residual, {"units": "count", "missing": MISSING})
    variables["chi2"] = (dims, fit.chi2, {"units": "1", "missing": MISSING})
    variables["mask"] = (dims, fit.mask.astype(np.float64), {"units": "1"})
    kept = {
        name: coordinate.variable
        for name, coordinate in counts.coords.items()
        if "channel" not in coordinate.dims
    }
    return xr.Dataset(variables, kept)
