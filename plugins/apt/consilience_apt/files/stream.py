"""Ions in blocks, wherever they are: in a raw file, in the store or in memory.

Everything that has to see all ions goes over `IonSource.blocks` once or a few times; nothing
holds the whole list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

__all__ = ["BLOCK", "SOURCE", "BlockSource", "IonSource", "array_source", "source_of"]

BLOCK = 1 << 16
"""Ions in one block, so that its columns stay in the cache."""
SOURCE = "consilience_apt.source"
"""Where an opened raw file keeps its `IonSource`, in the data set's encoding."""


class ColumnField(Protocol):
    """Where one number of each ion is."""

    @property
    def kept(self) -> np.dtype[Any]:
        """The dtype in which a data set shows it."""
        ...


class ColumnLayout(Protocol):
    """How many ions a file holds, and where their columns are."""

    @property
    def ions(self) -> int:
        """How many ions there are."""
        ...

    @property
    def fields(self) -> Mapping[str, ColumnField]:
        """Where each column is."""
        ...


class IonSource(Protocol):
    """Something that yields ions in blocks.

    Notes
    -----
    Columns are ``x``, ``y``, ``z`` (nm), ``mass_to_charge`` (Da), and where they are known
    ``time_of_flight`` (ns), ``voltage`` and ``pulse_voltage`` (V), ``detector_x`` and
    ``detector_y`` (mm), ``pulses_since`` (pulses since the last with an ion; zero for the further
    ions of one pulse) and ``ions_per_pulse``.
    """

    @property
    def ions(self) -> int:
        """How many ions there are."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what each ion has."""
        ...

    def blocks(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None, size: int = BLOCK
    ) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
        """Yield ``(first ion, {column: native float32 array of shape (n,)})``, in order.

        The arrays are contiguous views of buffers that the next block overwrites: copy what
        is kept.  `stop` None means to the end.
        """
        ...


def wanted_columns(columns: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the columns asked for, checked.

    Raises
    ------
    BadInputError
        One is not there.
    """
    missing = [name for name in columns if name not in known]
    if missing:
        raise BadInputError(
            f"these ions have no {', '.join(missing)}, only {', '.join(known)}",
            fix="a .pos has positions and masses; register the .epos for the rest",
        )
    return list(columns)


class BlockSource(ABC):
    """An `IonSource` whose `read` fills columns in any dtype: what files have in common."""

    path: Path
    layout: ColumnLayout

    @property
    def ions(self) -> int:
        """How many ions there are."""
        return self.layout.ions

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what each ion has."""
        return tuple(self.layout.fields)

    def blocks(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None, size: int = BLOCK
    ) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
        """Yield ``(first ion, {column: float32 array})``; see `IonSource.blocks`.

        Raises
        ------
        BadFileError
            The file is damaged, or changed since it was registered.
        """
        yield from self.read(dict.fromkeys(columns, np.dtype(np.float32)), start, stop, size)

    def read(
        self,
        dtypes: Mapping[str, np.dtype[Any]],
        start: int = 0,
        stop: int | None = None,
        size: int = BLOCK,
    ) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        """Yield blocks as `blocks` does, each column in the dtype that is asked for."""
        names = wanted_columns(list(dtypes), self.columns)
        end = self.ions if stop is None else min(stop, self.ions)
        most = min(size, end - start)
        if most <= 0:
            return
        out = {name: np.empty(most, dtypes[name]) for name in names}
        with self._filling(out, most) as fill:
            for first in range(start, end, size):
                number = min(size, end - first)
                fill(first, number)
                yield first, {name: array[:number] for name, array in out.items()}

    @abstractmethod
    def _filling(
        self, out: Mapping[str, NDArray[Any]], most: int
    ) -> AbstractContextManager[Callable[[int, int], None]]:
        """Open the file; give ``fill(first, number)``, which writes into the start of `out`."""


class _Arrays:
    """Columns of any kind that slices can be taken of: numpy, or variables of a data set."""

    def __init__(self, columns: dict[str, Any], ions: int) -> None:
        self._columns = columns
        self.ions = ions
        self.columns = tuple(columns)

    def blocks(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None, size: int = BLOCK
    ) -> Iterator[tuple[int, dict[str, NDArray[np.float32]]]]:
        names = wanted_columns(columns, self.columns)
        end = self.ions if stop is None else min(stop, self.ions)
        buffers = {name: np.empty(max(min(size, end - start), 0), np.float32) for name in names}
        for first in range(start, end, size):
            number = min(size, end - first)
            for name in names:
                buffers[name][:number] = self._columns[name][first : first + number]
            yield first, {name: buffer[:number] for name, buffer in buffers.items()}


def array_source(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    mass_to_charge: ArrayLike,
    more: dict[str, ArrayLike] | None = None,
) -> IonSource:
    """Return ions that are in memory.

    Parameters
    ----------
    x, y, z : array of shape (n,)
        nm.
    mass_to_charge : array of shape (n,)
        Da.
    more : dict, optional
        Further columns, named as in `IonSource`.

    Raises
    ------
    BadInputError
        The columns have different lengths.
    """
    given = {"x": x, "y": y, "z": z, "mass_to_charge": mass_to_charge, **(more or {})}
    columns = {name: np.asarray(value, dtype=np.float32) for name, value in given.items()}
    if len({column.shape for column in columns.values()}) != 1 or columns["x"].ndim != 1:
        raise BadInputError(
            "columns of ions have different shapes: "
            + ", ".join(f"{name} {column.shape}" for name, column in columns.items()),
            fix="give one number an ion in each",
        )
    return _Arrays(columns, columns["x"].size)


def source_of(dataset: xr.Dataset) -> IonSource:
    """Return the ions of an opened measurement: the raw file's blocks, or the variables'.

    Raises
    ------
    BadInputError
        The data have no mass-to-charge ratios over ``ion``.
    """
    source = dataset.encoding.get(SOURCE)
    if source is not None:
        return source  # type: ignore[no-any-return]
    if "mass_to_charge" not in dataset or dataset["mass_to_charge"].dims != ("ion",):
        raise BadInputError(
            "these data are no list of ions: mass_to_charge over ion is missing",
            fix="give a measurement of the modality apt",
        )
    columns: dict[str, Any] = {
        str(name): _Slices(variable)
        for name, variable in dataset.data_vars.items()
        if variable.dims == ("ion",)
    }
    return _Arrays(columns, dataset.sizes["ion"])


class _Slices:
    """A variable of which each slice is read when it is taken."""

    def __init__(self, variable: xr.DataArray) -> None:
        self._variable = variable

    def __getitem__(self, key: slice) -> NDArray[Any]:
        values: NDArray[Any] = self._variable[key].values
        return values
