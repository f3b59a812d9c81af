"""What an HDF5 file says of its voxels."""

from __future__ import annotations

from typing import Any

import numpy as np

from consilience.hdf5 import text_of
from consilience_compton.files.ct_links import Found
from consilience_compton.files.ct_voxel import VoxelSize, to_um

__all__ = ["stated_voxel"]


def stated_voxel(data: Any, found: Found, place: str) -> tuple[VoxelSize | None, str]:
    """Return the voxel size and where it is stated.

    That is: attributes of the data, a data set ``voxel_size`` beside it, or the axes of NXdata.
    """
    own = data.attrs.get("element_size_um")
    size = _three(own, "um")
    if size is not None:
        return size, "attribute element_size_um"
    size = _three(data.attrs.get("voxel_size"), text_of(data.attrs.get("voxel_size_units")) or "")
    if size is not None:
        return size, "attribute voxel_size"
    folder = place.rsplit("/", 1)[0]
    beside = found.data.get(f"{folder}/voxel_size")
    if beside is not None and beside.size in (1, 3):
        size = _three(beside[()], text_of(beside.attrs.get("units")) or "")
        if size is not None:
            return size, "data set voxel_size"
    axes = np.atleast_1d(np.asarray(data.parent.attrs.get("axes", [])))
    names = [text_of(np.asarray(a)) or "" for a in axes]
    steps = [_step(found.data.get(f"{folder}/{n}")) for n in names]
    if len(steps) == 3 and None not in steps:
        z, y, x = (s for s in steps if s is not None)
        return (z, y, x), "axes of NXdata"
    return None, ""


def _three(value: Any, unit: str) -> VoxelSize | None:
    numbers = np.atleast_1d(np.asarray(value)) if value is not None else np.empty(0)
    if numbers.dtype.kind not in "uif" or numbers.size not in (1, 3):
        return None
    found = [to_um(float(n), unit) for n in np.broadcast_to(numbers.ravel(), (3,))]
    if found[0] is None or found[1] is None or found[2] is None:
        return None
    return found[0], found[1], found[2]


def _step(axis: Any) -> float | None:
    if axis is None or axis.ndim != 1 or axis.size < 2 or axis.dtype.kind not in "uif":
        return None
    values = np.asarray(axis[()], dtype=np.float64)
    steps = np.diff(values)
    if not np.allclose(steps, steps[0], rtol=1e-3):
        return None
    return to_um(abs(float(steps[0])), text_of(axis.attrs.get("units")) or "")
