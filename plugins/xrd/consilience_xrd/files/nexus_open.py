"""Open a signal of a NeXus file lazily: nothing is read until values are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience_xrd.files.nexus_links import check_dataset, damaged, linked_files, open_hdf5

if TYPE_CHECKING:
    from consilience.model.base import Json

__all__ = ["open_nexus"]


class _H5Array(BackendArray):
    """One data set of an open file; a damaged one is told when its values are asked for."""

    def __init__(self, data: Any, path: Path) -> None:
        self.data = data
        self.path = path
        self.shape = tuple(int(n) for n in data.shape)
        self.dtype = np.dtype(data.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._raw
        )

    def _raw(self, key: tuple[Any, ...]) -> Any:
        with damaged(self.path):
            return np.asarray(self.data[key])


def open_nexus(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, Json]) -> xr.Dataset:
    """Open what the reader indexed.

    Parameters
    ----------
    path : Path
    companions : mapping
        None are used.
    lazy : mapping
        As the reader wrote it: signal, variable, unit, errors, axes, perhaps mask.

    Returns
    -------
    xarray.Dataset
        The signal as a lazily indexed array; axes are read, being small.
    """
    del companions
    linked_files(path)
    file = open_hdf5(path)
    try:
        with damaged(path):
            data = _dataset(file, path, lazy)
    except BaseException:
        file.close()
        raise
    data.set_close(file.close)
    return data


def _dataset(file: Any, path: Path, lazy: Mapping[str, Json]) -> xr.Dataset:
    source = file[lazy["signal"]]
    check_dataset(source, path)
    names = [axis["name"] for axis in lazy["axes"]]
    data = xr.Dataset()
    for axis in lazy["axes"]:
        if axis["path"] is None:
            continue
        points = file[axis["path"]]
        check_dataset(points, path)
        values = np.asarray(points[()], dtype=np.float64) * axis["factor"]
        data = data.assign_coords({axis["name"]: (axis["name"], values, {"units": axis["unit"]})})
    attrs: dict[str, Any] = {"units": lazy["unit"]}
    variable = lazy["variable"]
    if lazy["errors"]:
        attrs |= {"ancillary_variables": f"{variable}_std", "std_from": "file"}
        std = file[lazy["errors"]]
        check_dataset(std, path)
        errors = indexing.LazilyIndexedArray(_H5Array(std, path))
        data[f"{variable}_std"] = xr.Variable(names, errors, {"units": lazy["unit"]})
    if lazy.get("mask"):
        mask = file[lazy["mask"]]
        check_dataset(mask, path)
        # an integer of bits; any of them set means that the pixel is not to be used
        data["pixel_mask"] = (
            names[-2:],
            (np.asarray(mask[()]) != 0).astype(np.uint8),
            {"units": "1"},
        )
    array = indexing.LazilyIndexedArray(_H5Array(source, path))
    data[variable] = xr.Variable(names, array, attrs)
    return data
