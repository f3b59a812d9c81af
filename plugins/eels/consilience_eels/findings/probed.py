"""What a spectrum or an image looked at: across, how far its pixels reach, and through."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft, Region
from consilience.model.measurement import Measurement
from consilience.sizes import Size, lateral_size, whole_of, with_probe

__all__ = ["STATED", "lateral_of", "placed", "through"]

STATED = "thickness, as stated"
BY_PATH = "thickness by t/λ and the mean free path for the stated density"
BY_MASS = "thickness by the mass per area and the stated density"


def lateral_of(measurement: Measurement, array: xr.DataArray) -> Size:
    """Return the size of what a pixel shows: of the probe if it is stated, else the step.

    Parameters
    ----------
    array : xarray.DataArray
        Pixels first; what is neither ``y`` nor ``x`` is no direction of the scan.
    """
    return lateral_size(measurement.metadata, array, _scan(array))


def placed(
    drafts: Sequence[FindingDraft],
    measurement: Measurement,
    array: xr.DataArray,
    depth: Size = (None, ""),
) -> list[FindingDraft]:
    """Return findings with what they looked at; those of no region are of all pixels."""
    where = whole_of(array, _scan(array), measurement.record.name)
    said = [d.model_copy(update={"region": _known(d.region, where)}) for d in drafts]
    return with_probe(said, lateral_of(measurement, array), depth)


def _known(said: Region | None, where: Region | None) -> Region | None:
    """Return a region; of a whole that does not say how far it reaches, the one that does."""
    if said is None or where is None:
        return where if said is None else said
    if said.shape != "whole" or said.coordinates:
        return said
    return where.model_copy(update={"label": said.label})


def through(drafts: Sequence[FindingDraft], stated: float | None = None) -> Size:
    """Return the thickness that the beam went through: a stated one (nm), else one of these.

    Only one finding of kind ``thickness`` says it; several are of different regions.
    """
    if stated is not None:
        return Quantity(value=stated, unit="nm"), STATED
    found = [d for d in drafts if d.kind == "thickness" and d.value is not None and d.value > 0]
    if len(found) != 1 or found[0].value is None:
        return None, ""
    one, value = found[0], found[0].value
    size = Quantity(value=value, unit="nm", std_stat=one.std_stat, std_sys=one.std_sys)
    return size, BY_PATH if "mean_free_path_nm" in one.evidence else BY_MASS


def _scan(array: xr.DataArray) -> list[str]:
    return [str(dim) for dim in array.dims if str(dim) in ("y", "x")]
