"""The slices of a TIFF volume, in one file or in one file each, read when they are asked for."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from consilience.errors import BadFileError, ConsilienceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pages", "damaged_tiff", "slice_files"]

_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")
MOST_TIMES_FILE = 1200
"""Values for each byte of the file: deflate reaches 1032 on constant slices."""
SIZE_FLOOR = 1 << 26
TIFF_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What tifffile and its decoders raise when a file contradicts itself."""


@contextmanager
def damaged_tiff(path: Path) -> Iterator[None]:
    """Turn what tifffile raises on a damaged file into BadFileError."""
    try:
        yield
    except ConsilienceError:
        raise
    except TIFF_ERRORS as error:
        raise BadFileError(
            f"{path.name!r} is damaged or of a form that cannot be read: "
            f"{' '.join(str(error).split()) or type(error).__name__}",
            fix="export the volume again, uncompressed or with deflate; nothing was registered",
            path=path,
        ) from error


def slice_files(path: Path) -> list[str]:
    """Return the names of the slices that stand beside one, in the order of their numbers.

    A slice is a TIFF of the same name but for its last number.  Only names are looked at.
    """
    found = _NUMBER.match(path.stem)
    if found is None:
        return []
    before, _, after = found.groups()
    numbered: dict[int, str] = {}
    for other in path.parent.iterdir():
        same = _NUMBER.match(other.stem)
        if other.suffix.lower() != path.suffix.lower() or same is None:
            continue
        if same.group(1) == before and same.group(3) == after and other.is_file():
            numbered[int(same.group(2))] = other.name
    return [numbered[n] for n in sorted(numbered)]


class Pages:
    """A volume of slices (z, y, x), as ``len`` slices of one shape and type.

    Parameters
    ----------
    path : Path
        A TIFF of many pages, or the slice that was registered.
    names : sequence of str, optional
        Slices in files of their own, beside `path`.

    Raises
    ------
    BadFileError
        No TIFF, in colour, of several channels, slices of different shapes, absurd sizes.
    """

    def __init__(self, path: Path, names: Sequence[str] | None = None) -> None:
        self.path = path
        self.names = list(names) if names else []
        self._file = self._open(path)
        try:
            with damaged_tiff(path):
                self._series = self._file.series[0]
                self._look()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _open(path: Path) -> Any:
        with damaged_tiff(path):
            return tifffile.TiffFile(path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def first(self) -> Any:
        """The first page, for its tags."""
        return self._file.pages[0]

    @property
    def file(self) -> Any:
        """The open tifffile.TiffFile."""
        return self._file

    def _look(self) -> None:
        axes, shape = str(self._series.axes), tuple(int(n) for n in self._series.shape)
        sizes = dict(zip(axes, shape, strict=True))
        if "S" in sizes or self.first.photometric == 3:
            raise self._refuse(
                "is a picture in colour" if "S" in sizes else "has a palette of colours",
                "export the values themselves, one channel, without a colour table",
            )
        if sizes.get("C", 1) > 1 or sizes.get("T", 1) > 1:
            raise self._refuse(
                f"has {sizes.get('C', 1)} channels and {sizes.get('T', 1)} times",
                "export one channel of one time",
            )
        plain = tuple(n for a, n in zip(axes, shape, strict=True) if a not in "CT" or n > 1)
        self.dtype = np.dtype(self._series.dtype)
        if self.dtype.kind not in "buif" or self.dtype.itemsize > 8:
            raise self._refuse(f"holds values of type {self.dtype}", "export integers or floats")
        if self.names:
            if len(plain) != 2:
                raise self._refuse("is no single slice", "leave the other files of the folder out")
            plain = (len(self.names), *plain)
        if len(plain) == 2 and len(self._file.series) > 1:
            raise self._refuse(
                "holds pages of different shapes", "export one volume without previews"
            )
        if len(plain) != 3 or min(plain) < 2:
            raise self._refuse(
                f"holds an array of shape {plain}, no volume",
                "a volume has two slices or more; put slices of one scan into one folder, with "
                "names that differ in their number",
            )
        self.shape = (plain[0], plain[1], plain[2])
        size = self.path.stat().st_size
        if self.names:
            size = sum((self.path.parent / name).stat().st_size for name in self.names)
        declared = int(np.prod(self.shape, dtype=np.float64))
        if declared > max(MOST_TIMES_FILE * size, SIZE_FLOOR):
            raise self._refuse(
                f"claims {declared} voxels in {size} bytes",
                "the file is cut or made to exhaust memory; copy it again",
            )
        pages = self._series.pages
        offset = self._series.dataoffset
        self._mapped: NDArray[Any] | None = None
        if not self.names and (len(pages) != self.shape[0] or offset is not None):
            end = (offset or 0) + declared * self.dtype.itemsize
            if offset is not None and end <= size:
                order = self._file.byteorder
                self._mapped = np.memmap(
                    self.path, self.dtype.newbyteorder(order), "r", offset, self.shape
                )
            elif offset is not None or len(pages) != self.shape[0]:
                raise self._refuse(
                    f"is cut: {self.shape} needs {end} bytes, there are {size}", "copy it again"
                )

    def _refuse(self, what: str, fix: str) -> BadFileError:
        return BadFileError(f"{self.path.name!r} {what}", fix=fix, path=self.path)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return slice `index` (y, x)."""
        if self.names:
            return self._own_file(self.path.parent / self.names[index])
        if self._mapped is not None:
            return np.array(self._mapped[index])
        with damaged_tiff(self.path):
            page: NDArray[Any] = self._series.pages[index].asarray()
            page = page.reshape(page.shape[-2:]) if page.ndim > 2 else page
        return self._checked(page, f"page {index}", self.path)

    def _own_file(self, path: Path) -> NDArray[Any]:
        with damaged_tiff(path), self._open(path) as file:
            if len(file.pages) != 1:
                raise BadFileError(
                    f"slice {path.name!r} holds {len(file.pages)} pages",
                    fix="one slice for each file",
                    path=path,
                )
            values: NDArray[Any] = file.pages[0].asarray()
        return self._checked(values, f"slice {path.name!r}", path)

    def _checked(self, values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
        if values.shape != self.shape[1:] or values.dtype.kind != self.dtype.kind:
            raise BadFileError(
                f"{name} has shape {values.shape} and type {values.dtype}, the first "
                f"{self.shape[1:]} and {self.dtype}",
                fix="the slices of one volume are alike; leave the others out of the folder",
                path=path,
            )
        return values

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[i] for i in range(self.shape[0]))
