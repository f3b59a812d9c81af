"""How large what was probed is, from what files and users state of beams, steps and samples.

For the analyses of all techniques: a size that nobody states stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import ConsilienceError
from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft, Probe, Region
from consilience.model.measurement import Signal
from consilience.options import SIZE_OPTIONS, length_option
from consilience.quantities import convert

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "BEAM",
    "PATH",
    "SIZES",
    "STEP",
    "Size",
    "lateral_size",
    "path_length",
    "sized",
    "stated_length",
    "step_of",
    "whole_of",
    "with_probe",
]

BEAM = "size of the beam, as stated"
STEP = "distance of the scan's points; no size of the beam is stated"
PATH = "path of the beam in the sample, as stated"
SIZES = "probe_from"
"""Name in a finding's evidence of where its sizes are from."""

Read = Callable[[Path, Mapping[str, object], Mapping[str, Path]], list[Signal]]
Size = tuple[Quantity | None, str]
"""A length, and where it is from; None and nothing where it is unknown."""


def sized(read: Read) -> Read:
    """Let a reader take `consilience.options.SIZE_OPTIONS`, which go before what the file says.

    What they state is in the metadata of all signals of the file under the option's name.
    """

    @wraps(read)
    def with_sizes(
        path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
    ) -> list[Signal]:
        stated = {name: length_option(options, name) for name in SIZE_OPTIONS}
        known = {name: size for name, size in stated.items() if size is not None}
        rest = {name: value for name, value in options.items() if name not in SIZE_OPTIONS}
        signals = read(path, rest, companions)
        return [replace(one, metadata={**one.metadata, **known}) for one in signals]

    return with_sizes


def stated_length(metadata: Mapping[str, Any], name: str) -> Quantity | None:
    """Return a length above 0 that the metadata of a measurement hold; None without its unit."""
    found = metadata.get(name)
    if not isinstance(found, Mapping) or isinstance(found.get("value"), bool):
        return None
    value, unit = found.get("value"), found.get("unit")
    if not isinstance(value, int | float) or not isinstance(unit, str):
        return None
    try:
        metres = convert(float(value), unit, "m")
    except ConsilienceError:
        return None
    return Quantity(value=float(value), unit=unit) if 0.0 < metres < float("inf") else None


def step_of(data: xr.Dataset | xr.DataArray, dims: Iterable[str]) -> Quantity | None:
    """Return the distance of the points of a scan: of its directions the greater one.

    Parameters
    ----------
    data : xarray.Dataset or DataArray
        With the coordinates of the scan.
    dims : iterable of str
        Directions of the scan; those of one point say nothing.

    Returns
    -------
    Quantity or None
        In the unit of the coordinates.  None where a direction has no positions, no unit of
        length, or one of its own.
    """
    steps: list[tuple[float, str]] = []
    for dim in dims:
        if data.sizes[dim] < 2:
            continue
        if dim not in data.coords:
            return None
        axis = data[dim]
        step = float(np.median(np.abs(np.diff(np.asarray(axis.values, dtype=np.float64)))))
        steps.append((step, str(axis.attrs.get("units", ""))))
    if len({unit for _, unit in steps}) != 1:
        return None
    value, unit = max(steps)
    return stated_length({"step": {"value": value, "unit": unit}}, "step")


def lateral_size(
    metadata: Mapping[str, Any], data: xr.Dataset | xr.DataArray, dims: Iterable[str]
) -> Size:
    """Return the size of what one point shows: of the beam if that is stated, else the step."""
    beam = stated_length(metadata, "beam_size")
    if beam is not None:
        return beam, BEAM
    step = step_of(data, dims)
    return step, STEP if step is not None else ""


def path_length(metadata: Mapping[str, Any]) -> Size:
    """Return how much matter a beam went through, which is stated in transmission alone."""
    stated = stated_length(metadata, "path_length")
    return stated, PATH if stated is not None else ""


def whole_of(data: xr.Dataset | xr.DataArray, dims: Sequence[str], frame: str) -> Region | None:
    """Return the region of a finding about all points of a map: a whole that says its extent.

    Parameters
    ----------
    dims : sequence of str
        Of the map, rows first.

    Returns
    -------
    Region or None
        ``whole`` with two corners, x first; None for a single point, and without positions.
    """
    along = [dim for dim in reversed(dims) if dim in data.coords]
    units = {str(data[dim].attrs.get("units", "")) for dim in along}
    if len(along) != len(dims) or len(units) != 1 or all(data.sizes[d] < 2 for d in dims):
        return None
    ends = [(float(data[d].values.min()), float(data[d].values.max())) for d in along]
    if not np.isfinite(ends).all():
        return None
    corners = [[low for low, _ in ends], [high for _, high in ends]]
    return Region(shape="whole", coordinates=corners, unit=units.pop() or "1", frame=frame)


def with_probe(
    drafts: Iterable[FindingDraft], lateral: Size = (None, ""), depth: Size = (None, "")
) -> list[FindingDraft]:
    """Return findings with what they probed; those that say it themselves are left as they are.

    Where the sizes are from stands in the evidence, under `SIZES`.
    """
    known = {
        name: said
        for name, (size, said) in (("depth", depth), ("lateral", lateral))
        if size is not None
    }
    if not known:
        return list(drafts)
    probe = Probe(depth=depth[0], lateral=lateral[0])
    return [
        one
        if one.probe is not None
        else one.model_copy(update={"probe": probe, "evidence": {**one.evidence, SIZES: known}})
        for one in drafts
    ]
