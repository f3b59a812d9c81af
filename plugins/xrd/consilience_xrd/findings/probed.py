"""What a pattern looked at: the beam or the scan's step across, the stated path through inwards."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement
from consilience.sizes import Size, lateral_size, path_length, whole_of, with_probe

__all__ = ["common_sizes", "of_pattern", "sizes_of"]

INNER = {"intensity": 1, "frames": 2}
"""Variables, and how many of their last dimensions are of one point."""


def sizes_of(measurement: Measurement) -> tuple[Size, Size]:
    """Return across and along the beam; a list of peaks has no points, so that none has a step."""
    name = next((n for n in INNER if measurement.has(n)), None)
    if name is None:
        return lateral_size(measurement.metadata, xr.Dataset(), ()), path_length(
            measurement.metadata
        )
    array = measurement.data[name]
    dims = _outer(measurement, name)
    return lateral_size(measurement.metadata, array, dims), path_length(measurement.metadata)


def of_pattern(drafts: Sequence[FindingDraft], measurement: Measurement) -> list[FindingDraft]:
    """Return findings about a pattern with what it is of: a spot, or the mean of a scan."""
    said = list(drafts)
    if measurement.has("intensity"):
        dims = _outer(measurement, "intensity")
        where = whole_of(measurement.data["intensity"], dims, measurement.record.name)
        said = [one.model_copy(update={"region": where}) for one in said]
    return with_probe(said, *sizes_of(measurement))


def common_sizes(measurements: Sequence[Measurement]) -> tuple[Size, Size]:
    """Return the sizes that hold for all states of a series; None where they differ."""
    found = [sizes_of(one) for one in measurements]
    lateral, depth = zip(*found, strict=True)
    return _alike(lateral), _alike(depth)


def _alike(sizes: Sequence[Size]) -> Size:
    return sizes[0] if all(size == sizes[0] for size in sizes) else (None, "")


def _outer(measurement: Measurement, name: str) -> list[str]:
    array = measurement.data[name]
    return [str(dim) for dim in array.dims[: array.ndim - INNER[name]]]
