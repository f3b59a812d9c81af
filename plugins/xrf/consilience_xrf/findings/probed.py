"""What fluorescence looked at: the beam or the scan's step across, the line's own depth inwards."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement
from consilience.sizes import Size, lateral_size, whole_of, with_probe
from consilience_xrf.amounts.reach import Reach
from consilience_xrf.findings.map_input import Taken

__all__ = ["common_lateral", "depth_of", "lateral_of", "placed"]


def lateral_of(taken: Taken) -> Size:
    """Return the size of what a point of a map shows: of the beam if stated, else the step."""
    maps = taken.maps
    (y, x), unit = maps.dims, {"units": maps.unit}
    places = xr.Dataset(coords={y: (y, maps.y, unit), x: (x, maps.x, unit)})
    return lateral_size(taken.measurement.metadata, places, (y, x))


def common_lateral(several: Sequence[Taken]) -> Size:
    """Return the size that holds for all of several scans; None where they differ."""
    sizes = [lateral_of(taken) for taken in several]
    return sizes[0] if all(size == sizes[0] for size in sizes) else (None, "")


def depth_of(reach: Reach | None) -> Size:
    """Return the depth from which 63 % of a line's counts come, if it is known."""
    if reach is None or reach.depth is None:
        return None, ""
    said = f"63 % of the counts come from above it, in {reach.matrix}"
    return Quantity(value=reach.depth, unit="um"), said


def placed(
    drafts: Sequence[FindingDraft], measurement: Measurement, counts: xr.DataArray
) -> list[FindingDraft]:
    """Return findings about all spectra with how far these reach, and what each of them shows.

    How deep is not said: that hangs on what the sample is made of.

    Parameters
    ----------
    drafts : sequence of FindingDraft
    measurement : Measurement
    counts : xarray.DataArray
        Channels last.
    """
    dims = [str(dim) for dim in counts.dims[:-1]]
    where = whole_of(counts, dims, measurement.record.name)
    said = [draft.model_copy(update={"region": where}) for draft in drafts]
    return with_probe(said, lateral_size(measurement.metadata, counts, dims))
