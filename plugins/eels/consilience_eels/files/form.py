"""The form of a data set without its array: for those that stay in the file."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xarray as xr

from consilience.datasets import summarise
from consilience.model.measurement import DataSummary
from consilience_eels.files.lazy import Place, lazy_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Form"]


@dataclass(frozen=True)
class Form:
    """All of a data set of one variable but its values."""

    variable: str
    dims: tuple[str, ...]
    attrs: dict[str, Any]
    coordinates: dict[str, Any]
    texts: dict[str, str]

    def dataset(self, values: NDArray[Any]) -> xr.Dataset:
        """Return the data set with its values."""
        return xr.Dataset(
            {self.variable: (self.dims, values, self.attrs)}, self.coordinates, self.texts
        )

    def lazy(self, place: Place) -> dict[str, Any]:
        """Return what `consilience_eels.files.lazy.open_microscope` needs."""
        return lazy_form(place, self.variable, self.dims, self.attrs, self.coordinates, self.texts)

    def summary(self, place: Place) -> DataSummary:
        """Return names, shapes and units, as they will be found."""
        return summarise(place.stand_in(self.variable, self.dims, self.attrs, self.coordinates))
