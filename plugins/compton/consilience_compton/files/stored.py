"""Arrays that stay in their file: HDF5 data sets and flat binary, for xarray's lazy indexing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.errors import BadFileError

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

__all__ = ["FlatArray", "StoredArray"]


class StoredArray(BackendArray):
    """A data set in an open HDF5 file; a broken chunk is an error with the file's name.

    Parameters
    ----------
    dataset : h5py.Dataset
    path : Path
        For messages.
    lead : tuple of int
        Indices of leading dimensions that are fixed.
    """

    def __init__(self, dataset: h5py.Dataset, path: Path, lead: tuple[int, ...] = ()) -> None:
        self.dataset, self.path, self.lead = dataset, path, lead
        self.shape = dataset.shape[len(lead) :]
        self.dtype = dataset.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        # h5py knows neither negative steps nor unordered lists
        plain: list[Any] = list(self.lead)
        after: list[Any] = []
        for wanted, size in zip(key, self.shape, strict=True):
            if isinstance(wanted, slice):
                span = range(*wanted.indices(size))
                turned = span[::-1] if span.step < 0 else span
                plain.append(slice(turned.start, turned.stop, turned.step))
                after.append(slice(None, None, -1 if span.step < 0 else None))
            elif isinstance(wanted, np.ndarray):
                unique, inverse = np.unique(
                    np.where(wanted < 0, wanted + size, wanted), return_inverse=True
                )
                plain.append(unique)
                after.append(inverse)
            else:
                plain.append(int(wanted))
        try:
            found = self.dataset[tuple(plain)]
        except (OSError, RuntimeError, ValueError) as error:
            raise BadFileError(
                f"{self.dataset.name!r} of {self.path.name!r} cannot be read at {key}: {error}",
                fix="the file is damaged; copy it again from the instrument",
                path=self.path,
            ) from error
        return found[tuple(after)] if after else found


class FlatArray(BackendArray):
    """Numbers that lie one after the other in a file, mapped into memory when asked for."""

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...], dtype: str) -> None:
        self.path, self.offset = path, offset
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        mapped = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return np.array(mapped[key])
