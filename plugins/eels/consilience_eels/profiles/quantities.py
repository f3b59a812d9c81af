"""What a profile is drawn of: images, counts of an edge, counts of a line, counts of a window."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.edges.intensity import Noise, map_edge
from consilience_eels.edges.windows import plan_edges
from consilience_eels.library import edges_of, lines_of
from consilience_eels.spectra import LossAxis, blocks_of_rows

__all__ = ["Quantity", "edge_map", "image_map", "line_map", "window_map"]

Array = NDArray[np.float64]
FANO, NOISE = 2.5, 130.0
"""Resolution of an X-ray detector: eV of variance per eV (in FWHM²), and FWHM at Mn Kα, eV."""
MN_KA = 5898.7


@dataclass(frozen=True)
class Quantity:
    """A map with the standard deviations of its pixels, where counting gives them.

    `label` names it, `element` whose it is; `unit` is "count" or "1".
    """

    label: str
    element: str | None
    unit: str
    values: Array
    std: Array | None
    how: str


def image_map(array: xr.DataArray) -> Quantity:
    """Return an image as it is."""
    values = np.asarray(array.values, dtype=np.float64)
    unit = str(array.attrs.get("units", "1"))
    return Quantity("intensity", None, unit, values, None, "intensity of the image")


def edge_map(
    array: xr.DataArray,
    axis: LossAxis,
    edge: str,
    others: Sequence[str],
    windows: Mapping[str, tuple[float, float, float, float]],
    gain: float,
) -> Quantity:
    """Return net counts of an edge.

    Parameters
    ----------
    array : xarray.DataArray, shape (ny, nx, n)
    axis : LossAxis
    edge : str
    others : sequence of str
        Elements whose edges the windows keep clear of.
    windows : mapping
        Edge to four energies, where they are given.
    gain : float

    Raises
    ------
    BadInputError
        The edge is not one of exSpy's, or there are no windows for it on this axis.
    """
    element = edge.partition("_")[0]
    table = edges_of(element, ("Major", "Minor"))
    if edge not in table and edge not in windows:
        raise BadInputError(
            f"{edge!r} is no edge of {element} that exSpy knows",
            fix=f"its edges are {', '.join(table) or 'none'}; or give its 'windows'",
        )
    tables = {e: edges_of(e) for e in {element, *others}}
    tables[element] = {edge: table[edge]} if edge in table else {}
    plan, *_ = plan_edges(
        [element, *(e for e in tables if e != element)],
        tables,
        axis,
        {edge: windows[edge]} if edge in windows else None,
        max(axis.low, 15.0),
    )
    if plan.before is None or plan.inside is None:
        raise BadInputError(
            f"no windows for {edge}: {plan.reason}",
            fix="give 'windows' for it, within the axis and before and after its onset",
        )
    found = map_edge(array.values, axis, plan.before, plan.inside, Noise(gain))
    shape = array.shape[:-1]
    how = (
        f"counts of {edge} from {plan.inside[0]:g} to {plan.inside[1]:g} eV less a power law "
        f"fitted from {plan.before[0]:g} to {plan.before[1]:g} eV"
    )
    return Quantity(edge, element, "count", found.net.reshape(shape), found.std.reshape(shape), how)


def window_map(
    array: xr.DataArray, energy: Array, window: tuple[float, float] | None, unit: str, gain: float
) -> Quantity:
    """Return counts between two energies, or all of them."""
    axis = LossAxis.of(energy)
    channels = slice(0, axis.size) if window is None else axis.window(*window)
    parts = [
        block.sum(axis=1, dtype=np.float64)
        for _, block in blocks_of_rows(array.values, channels=channels)
    ]
    values = np.concatenate(parts).reshape(array.shape[:-1])
    label = "all counts" if window is None else f"counts {window[0]:g} to {window[1]:g} {unit}"
    std = np.sqrt(gain * np.clip(values, 0.0, None))
    return Quantity(label, None, "count", values, _at_least(std, gain), label)


def line_map(
    array: xr.DataArray, energy: Array, line: str, fwhm_mn: float, gain: float
) -> Quantity:
    """Return counts of an X-ray line less what lies beside it.

    The window is two widths at half maximum; the background the mean of one width on each side,
    from 1.5 widths off the line on.

    Raises
    ------
    BadInputError
        The line is none of the element's, or not on the axis with both sides.
    """
    element = line.partition("_")[0]
    known = lines_of(element)
    if line not in known:
        raise BadInputError(
            f"{line!r} is no line of {element} that exSpy knows",
            fix=f"its lines are {', '.join(known) or 'none'}",
        )
    centre = known[line][0]
    width = 1e-3 * float(np.sqrt(fwhm_mn**2 + FANO * (1e3 * centre - MN_KA)))
    axis = LossAxis.of(energy)
    inside = axis.window(centre - width, centre + width)
    sides = [
        axis.window(centre - 2.5 * width, centre - 1.5 * width),
        axis.window(centre + 1.5 * width, centre + 2.5 * width),
    ]
    weights = np.zeros(axis.size)
    weights[inside] = 1.0
    for side in sides:
        weights[side] -= 0.5 * (inside.stop - inside.start) / (side.stop - side.start)
    net, variance = [], []
    for _, block in blocks_of_rows(array.values):
        net.append(block @ weights)
        variance.append(gain * (block @ weights**2))
    shape = array.shape[:-1]
    values = np.concatenate(net).reshape(shape)
    std = np.sqrt(np.clip(np.concatenate(variance).reshape(shape), 0.0, None))
    how = f"counts of {line} within {width:.3g} keV, less the mean of both sides"
    return Quantity(line, element, "count", values, _at_least(std, gain), how)


def _at_least(std: Array, gain: float) -> Array:
    """No pixel without counts is certain: one more count stands for what it may have been."""
    return np.asarray(np.sqrt(std**2 + gain * (std == 0)))
