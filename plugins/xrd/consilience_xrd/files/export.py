"""Write a pattern as columns of text that the text reader takes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_xrd.files.reading import pattern_of

__all__ = ["write_xye"]


def write_xye(measurement: Measurement, path: Path) -> None:
    """Write axis, intensity and, where known, standard deviation, with origin and wavelength.

    Where the standard deviation of some points is unknown its column is left out, which
    the header says.
    """
    if not measurement.has("intensity"):
        raise BadInputError(
            "only a pattern of intensities can be written as .xye",
            fix="export another measurement, or integrate the frames first",
        )
    pattern = pattern_of(measurement.data, measurement.metadata, measurement.record.origin)
    head = [
        f"origin: {measurement.record.origin}",
        f"axis: {pattern.axis}, unit: {pattern.unit}",
        f"intensity_unit: {pattern.intensity_unit}",
    ]
    if pattern.source is not None:
        head.append(f"wavelength: {pattern.source.wavelength!r} angstrom")
        if pattern.source.wavelength2 and pattern.source.ratio:
            head.append(f"ka2: {pattern.source.wavelength2!r} angstrom, {pattern.source.ratio!r}")
    columns = [pattern.x, pattern.intensity]
    if pattern.sigma is not None:
        silent = int(np.count_nonzero(~np.isfinite(pattern.sigma)))
        if silent:
            # a number in place of an unknown error would be taken for one
            head.append(
                f"the standard deviation is left out: it is not known for {silent} of "
                f"{len(pattern.sigma)} points"
            )
        else:
            columns.append(pattern.sigma)
    head.append(" ".join([pattern.axis, "intensity", "sigma"][: len(columns)]))
    rows = [" ".join(f"{value:.10g}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([*(f"# {h}" for h in head), *rows]) + "\n", encoding="utf-8")
