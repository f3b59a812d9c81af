"""Maps of composition: fractions in cells that are known as well as was wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement
from consilience_eels.findings.quantify_params import QuantificationParams
from consilience_eels.findings.quantify_recipe import Plan
from consilience_eels.findings.quantify_spectrum import XraySpectrum
from consilience_eels.xray.maps import FractionMap, fraction_map, net_counts

__all__ = ["with_maps"]

WAYS = {
    "quadtree": "a quad-tree cut as long as nine tenths of the signal reach the wanted error",
    "blocks": "square blocks of one size",
    "none": "no joining of pixels",
}
MOST_COVARIANCES = 4_000_000
"""Numbers of joint covariances kept beside a map."""


def with_maps(
    drafts: Sequence[FindingDraft],
    measurement: Measurement,
    spectrum: XraySpectrum,
    plan: Plan,
    params: QuantificationParams,
    foreign: XraySpectrum,
) -> tuple[list[FindingDraft], dict[str, xr.Dataset]]:
    """Give each finding on composition the map of its element; as they are for what is no map.

    The errors of the pixels are those of counting; what is systematic is that of the sum.

    Parameters
    ----------
    drafts : sequence of FindingDraft
        On composition, in the order of the lines.
    measurement : Measurement
    spectrum : XraySpectrum
    plan : Plan
    params : QuantificationParams
    foreign : XraySpectrum
        Lines that are not of the specimen.
    """
    array = measurement.data["counts"].transpose(..., "energy")
    if plan.recipe is None or array.ndim != 3 or min(array.shape[:2]) < 2:
        return list(drafts), {}
    pixels = array.shape[0] * array.shape[1]
    recipe = plan.recipe
    if recipe.electrons is not None:
        recipe = replace(recipe, electrons=recipe.electrons / pixels)
    nets, covariance = net_counts(array.values, spectrum.weights)
    other = net_counts(array.values, foreign.weights)[0].sum(axis=0) if foreign.lines else None
    made = fraction_map(nets, covariance, recipe, params.map_error, params.map_binning, other)
    seen = float(np.isfinite(made.atomic[0]).mean())
    found, arrays = [], {}
    elements = [line.partition("_")[0] for line in spectrum.lines]
    for i, draft in enumerate(drafts):
        name = f"map of {elements[i]}"
        arrays[name] = _array(array, made, nets, i)
        said = {
            "binning": params.map_binning,
            "wanted_std": params.map_error,
            "cells": len(made.cells.pixels),
            "cells_reached": made.reached,
            "cell_sides_pixels": np.sqrt(np.unique(made.cells.pixels)).tolist(),
            "share_of_pixels_with_a_value": seen,
            "median_std": _median(made, i),
        }
        changes = {
            "array": name,
            "evidence": {
                **draft.evidence,
                "map": said,
                "variable": "atomic_fraction",
                "variable_std": "atomic_fraction_std",
            },
            "assumptions": [
                *draft.assumptions,
                f"map: pixels joined by {WAYS[params.map_binning]}; a cell has one value",
                "map: cells with more counts of foreign elements than of all others have no value",
                "map: cells where all lines together are below 5σ have no value",
                "map: errors are those of counting; systematic ones are as in the sum",
            ],
        }
        found.append(draft.model_copy(update=changes))
    if made.covariance.size <= MOST_COVARIANCES:
        first = f"map of {elements[0]}"
        arrays[first] = arrays[first].merge(_covariances(made, elements))
    return found, arrays


def _median(made: FractionMap, i: int) -> float | None:
    good = made.atomic_std[i][np.isfinite(made.atomic_std[i])]
    return float(np.median(good)) if good.size else None


def _array(array: xr.DataArray, made: FractionMap, nets: Any, i: int) -> xr.Dataset:
    dims = array.dims[:2]
    attrs = {
        "units": "1",
        "missing": "all lines together are below 5σ here, or foreign ones prevail",
    }
    variables: dict[str, Any] = {
        "atomic_fraction": (dims, made.atomic[i], {**attrs, **_with("atomic_fraction_std")}),
        "atomic_fraction_std": (dims, made.atomic_std[i], attrs),
        "weight_fraction": (dims, made.weight[i], {**attrs, **_with("weight_fraction_std")}),
        "weight_fraction_std": (dims, made.weight_std[i], attrs),
        "net_counts": (dims, nets[i], {"units": "count"}),
        "cell": (dims, made.cells.place, {"units": "1"}),
    }
    if made.areal_mass is not None:
        variables["areal_mass"] = (dims, made.areal_mass, {**attrs, "units": "kg/m^2"})
    return xr.Dataset(variables, {dim: array[dim].variable for dim in dims})


def _with(name: str) -> dict[str, str]:
    return {"ancillary_variables": name}


def _covariances(made: FractionMap, elements: list[str]) -> xr.Dataset:
    """Counting covariances of the atomic fractions of each cell."""
    index = np.arange(len(elements))
    attrs = {
        "units": "1",
        "missing": "all lines together are below 5σ here, or foreign ones prevail",
    }
    return xr.Dataset(
        {
            "cell_covariance": (("cell_number", "element", "other"), made.covariance, attrs),
            "cell_pixels": ("cell_number", made.cells.pixels, {"units": "1"}),
        },
        {
            "cell_number": ("cell_number", np.arange(len(made.cells.pixels)), {"units": "1"}),
            "element": ("element", index, {"units": "1", "names": elements}),
            "other": ("other", index, {"units": "1"}),
        },
    )
