"""Axis of energy losses, and spectrum images in blocks of rows: what all rooms here share."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["LossAxis", "SpectrumRows", "blocks_of_rows"]

BLOCK_BYTES = 1 << 21
"""Of one block as float32: what stays in a processor's cache while it is worked on."""

EVEN = 1e-3
"""Largest departure of a channel from its place on an even axis, in channels."""


@dataclass(frozen=True)
class LossAxis:
    """Energy losses at the centres of evenly spaced channels.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        In eV, rising, n ≥ 2.
    step : float
        Of one channel, in eV.
    """

    energy: NDArray[np.float64]
    step: float

    @classmethod
    def of(cls, source: Any) -> LossAxis:
        """Return the axis of a data set with ``energy_loss``, or of an array of energies.

        Parameters
        ----------
        source : xarray.Dataset, xarray.DataArray or array_like, shape (n,)

        Raises
        ------
        BadInputError
            Fewer than two channels, energies that do not rise or are not evenly spaced, or an
            axis in channels instead of eV.
        """
        coordinates = getattr(source, "coords", None)
        if coordinates is not None and "energy_loss" in coordinates:
            column = coordinates["energy_loss"]
            unit = column.attrs.get("units", "eV")
            if unit != "eV":
                raise BadInputError(
                    f"the energy axis is in {unit!r}, not in eV",
                    fix="name the unit when the file is added, with the reader's 'energy_unit', "
                    "or calibrate the axis where the file was written",
                )
            source = column.values
        energy = np.array(source, dtype=np.float64).ravel()
        if energy.size < 2:
            raise BadInputError(
                f"the energy axis has {energy.size} channels",
                fix="give a spectrum; an image has no energy axis",
            )
        step = float(energy[-1] - energy[0]) / (energy.size - 1)
        if not np.isfinite(energy).all() or step <= 0:
            raise BadInputError(
                f"the energy axis goes from {energy[0]:g} to {energy[-1]:g} eV and does not rise",
                fix="give the spectrum with rising energies, all of them numbers",
            )
        away = np.abs(energy - (energy[0] + step * np.arange(energy.size))).max() / step
        if away > EVEN:
            raise BadInputError(
                f"the energy axis is not even: a channel lies {away:.3g} channels off its place",
                fix="resample the spectrum on even channels",
            )
        energy.setflags(write=False)
        return cls(energy, step)

    @property
    def size(self) -> int:
        """Channels."""
        return int(self.energy.size)

    @property
    def low(self) -> float:
        """Lower edge of the first channel, eV."""
        return float(self.energy[0]) - 0.5 * self.step

    @property
    def high(self) -> float:
        """Upper edge of the last channel, eV."""
        return float(self.energy[-1]) + 0.5 * self.step

    def index(self, value: float) -> int:
        """Return the channel whose centre is nearest, held within the axis (as in HyperSpy)."""
        place = round((value - float(self.energy[0])) / self.step)
        return min(max(place, 0), self.size - 1)

    def window(self, low: float, high: float) -> slice:
        """Return the whole channels from `low` up to `high`.

        From the channel nearest to `low` up to, and without, the one nearest to `high`, as
        HyperSpy cuts ``signal.isig[low:high]``; `high` may be the end of the axis.

        Raises
        ------
        BadInputError
            The window is empty or not within the axis.
        """
        if not (self.low <= low < high <= self.high + 1e-9 * self.step):
            raise BadInputError(
                f"the window {low:g} to {high:g} eV is not within the energy axis, "
                f"{self.low:g} to {self.high:g} eV",
                fix="give a window within the axis, its lower end first",
            )
        first = self.index(low)
        last = round((high - float(self.energy[0])) / self.step)
        if last <= first:
            raise BadInputError(
                f"the window {low:g} to {high:g} eV holds no channel of {self.step:g} eV",
                fix="give a window of several channels",
            )
        return slice(first, min(last, self.size))


class SpectrumRows(Protocol):
    """What blocks are cut from: a NumPy array, or one in a file that is read by slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels first, energy last."""

    @property
    def dtype(self) -> Any:
        """Of the numbers."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return the part as a NumPy array."""


def blocks_of_rows(
    cube: SpectrumRows, rows: int | None = None, channels: slice | None = None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield a spectrum image a block at a time, as float32.

    Parameters
    ----------
    cube : array, shape (..., n)
        Energy last.  One with other than two dimensions has to be a NumPy array, in C order if
        it is not to be copied.
    rows : int, optional
        Spectra in a block; by default what `BLOCK_BYTES` hold.
    channels : slice, optional
        Channels wanted; by default all.

    Yields
    ------
    place : slice
        Rows of ``cube.reshape(-1, n)``.
    block : ndarray of float32, shape (rows, channels)
        A view where the cube is float32 already: do not write into it.
    """
    flat = cube if len(cube.shape) == 2 else np.asarray(cube).reshape(-1, cube.shape[-1])
    wanted = channels if channels is not None else slice(0, flat.shape[1])
    width = len(range(*wanted.indices(flat.shape[1])))
    many = rows or max(1, BLOCK_BYTES // (4 * max(1, width)))
    for first in range(0, flat.shape[0], many):
        place = slice(first, min(first + many, flat.shape[0]))
        yield place, np.asarray(flat[place, wanted], dtype=np.float32)
