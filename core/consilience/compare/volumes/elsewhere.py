"""Do two findings speak of one volume?"""

from __future__ import annotations

from collections.abc import Sequence

from consilience.compare.compositions.vectors import Vector
from consilience.compare.context import ComparisonContext
from consilience.compare.groups import place_of
from consilience.compare.volumes.elements import ElementVariation, variation_of_elements
from consilience.model.finding import Finding

__all__ = ["elsewhere_of"]


def elsewhere_of(
    first: Finding,
    second: Finding,
    a: Vector,
    b: Vector,
    elements: Sequence[str],
    context: ComparisonContext,
) -> tuple[str, str] | ElementVariation | None:
    """Return how much compositions of different volumes vary between them, or why not known.

    Parameters
    ----------
    first, second : Finding
    a, b : Vector
    elements : sequence of str
        To which both are closed.

    Returns
    -------
    tuple of (str, str), ElementVariation or None
        Reason and what would settle it; the variation by maps; None for one volume.
    """
    place = place_of(first.region, second.region)
    if context.relation(first, second) == "same":
        if place == "same":
            return None
        said = f"{a.name} and {b.name} speak of two regions that are not known to be one"
        settle = "both on one region, or the place of one in the frame of the other"
        if place != "other":
            whole, part = (a, b) if place == "part" else (b, a)
            said = (
                f"{whole.name} speaks of the whole, {part.name} of a region: the composition of a "
                "whole volume is not that of a region in it"
            )
            settle = "both on one region"
    else:
        said = (
            f"{a.name} and {b.name} probed different volumes, and how much the composition varies "
            "between them is unknown"
        )
        settle = "a map or profile that shows the variation"
    found = variation_of_elements(first, second, elements, context)
    return (f"{said} ({found})", settle) if isinstance(found, str) else found
