"""Which regions of a line of samples may be compared: those that one frame truly holds.

The name of a frame that stands on two samples says by itself nothing of how they lie to each
other: people call the frame of each image "image".  A cut ties them: where the child's place in
its parent (`cut`) is stated in a frame, that frame holds for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consilience.model.finding import Region
from consilience.model.sample import Sample

__all__ = ["tied"]


def tied(
    region: Region | None,
    depth: int,
    wanted: Sequence[Region | None],
    line: Sequence[str],
    samples: Mapping[str, Sample],
) -> tuple[list[Region | None], str]:
    """Return the regions that one of an ancestor may be compared with, and why one is left out.

    Parameters
    ----------
    region : Region or None
        What was irradiated, on ``line[depth]``.
    depth : int
    wanted : sequence of Region or None
        The region measured on ``line[0]``; then the cut of ``line[0]`` in ``line[1]``, and so on.
    line : sequence of str
        A sample and its ancestors.
    samples : mapping

    Returns
    -------
    comparable : list of Region or None
        `wanted`, None where the same name of a frame is not known to be the same frame.
    why : str
        Empty where nothing was left out.
    """
    if region is None:
        return list(wanted), ""
    comparable: list[Region | None] = []
    why = ""
    for place, target in enumerate(wanted):
        loose = None
        if target is not None and target.frame == region.frame:
            loose = _loose(region.frame, min(place, depth), max(place, depth), line, samples)
        comparable.append(target if loose is None else None)
        if loose is not None:
            why = (
                f"the frame {region.frame!r} is named on {line[depth]!r} and on {line[place]!r}, "
                f"but where {loose!r} was cut out is not stated in it, so whether it is one frame "
                "is not known"
            )
    return comparable, why


def _loose(
    frame: str, first: int, last: int, line: Sequence[str], samples: Mapping[str, Sample]
) -> str | None:
    """Return the first sample, from descendant to ancestor, that no cut ties in a frame."""
    for name in line[first:last]:
        cut = samples[name].cut if name in samples else None
        if cut is None or cut.shape == "whole" or cut.frame != frame:
            return name
    return None
