"""A sample of the ions with place, species and colour, for projections and clouds of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.view import palette
from consilience_apt.files.stream import source_of
from consilience_apt.ranges import RangeTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.finding import Finding
    from consilience.model.measurement import Measurement

__all__ = ["MOST_POINTS", "CloudPoints", "cloud_points", "ranges_of"]

MOST_POINTS = 30_000
RUN = 50
"""Ions that are read in one go: runs of consecutive detections, evenly spaced over the file."""
MOST_SPECIES = 7
OTHERS = "other ions"


@dataclass(frozen=True)
class CloudPoints:
    """Sampled ions.

    Attributes
    ----------
    points : array of float32, shape (n, 3)
        nm, in the order x, y, z.
    species : array of uint8, shape (n,)
        Index into `names`.
    names, colours : tuple of str
        Most abundant first; the rarest share the last name.
    sizes : tuple of float
        Relative size of a point: rare species are drawn larger.
    total : int
        Ions that there are; `ranged` of the sample have a species.
    sampled : bool
        Whether not all ions are here.
    """

    points: NDArray[np.float32]
    species: NDArray[np.uint8]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    sizes: tuple[float, ...]
    total: int
    sampled: bool

    @property
    def sentence(self) -> str:
        """What is shown of how many, in words."""
        if not self.sampled:
            return f"All {self.total} ions."
        return (
            f"A sample of {len(self.points)} of {self.total} ions, in runs of {RUN} consecutive "
            "detections evenly spaced over the file."
        )


def ranges_of(measurement: Measurement, findings: Sequence[Finding] = ()) -> RangeTable | None:
    """Return the ranges a measurement was analysed with, or those registered beside it."""
    from consilience_apt.ions import Ion
    from consilience_apt.ranges import Range

    for finding in findings:
        if finding.kind == "mass_spectrum" and finding.evidence.get("ranges"):
            rows: Any = finding.evidence["ranges"]
            return RangeTable(
                [
                    Range(
                        float(one["low"]),
                        float(one["high"]),
                        None if one["ion"] is None else Ion.parse(one["ion"]),
                        None,
                        str(one.get("colour", "")),
                        str(one.get("label", "")),
                    )
                    for one in rows
                ]
            )
    kept = measurement.metadata.get("ranges")
    return None if kept is None else RangeTable.from_json(kept)


def cloud_points(
    measurement: Measurement, findings: Sequence[Finding] = (), most: int = MOST_POINTS
) -> CloudPoints:
    """Return at most `most` ions of a measurement, without going over all of them.

    Parameters
    ----------
    measurement : Measurement
    findings : sequence of Finding
        Of this measurement: the ranges are taken from them, if they were analysed.
    most : int
        Points.

    Notes
    -----
    The sample is the same each time.  Unranged ions count as other ions.
    """
    source = source_of(measurement.data)
    table = ranges_of(measurement, findings)
    names = ("x", "y", "z", "mass_to_charge")
    parts: list[NDArray[np.float32]] = []
    if source.ions <= most:
        spans = [(0, source.ions)]
    else:
        runs = max(most // RUN, 1)
        starts = np.linspace(0, source.ions - RUN, runs).astype(np.int64)
        spans = [(int(start), int(start) + RUN) for start in starts]
    for start, stop in spans:
        for _, block in source.blocks(names, start, stop):
            parts.append(np.column_stack([block[name] for name in names]))
    every = np.concatenate(parts) if parts else np.empty((0, 4), np.float32)
    mass = np.ascontiguousarray(every[:, 3])
    if table is None:
        species = np.zeros(len(every), np.uint8)
        return CloudPoints(
            every[:, :3], species, ("ions",), (palette()[0],), (1.0,), source.ions,
            len(every) < source.ions,
        )  # fmt: skip
    label = table.species[table.labels(mass)]
    counts = np.bincount(label, minlength=len(table.ions) + 1)
    order = sorted(range(1, len(counts)), key=lambda one: (-int(counts[one]), one))
    named = [one for one in order if counts[one]][:MOST_SPECIES]
    lut = np.full(len(counts), len(named), np.uint8)
    for place, one in enumerate(named):
        lut[one] = place
    shown = [table.ions[one - 1].formula for one in named]
    colours = [*palette()[: len(named)], "#9A9A9A"]
    share = counts[named] / max(len(every), 1)
    sizes = [float(np.clip(0.12 / np.sqrt(max(one, 1e-4)), 0.3, 3.0)) for one in share]
    return CloudPoints(
        every[:, :3], lut[label], (*shown, OTHERS), tuple(colours), (*sizes, 0.3), source.ions,
        len(every) < source.ions,
    )  # fmt: skip
