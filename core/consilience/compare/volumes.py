"""Do two findings speak of one volume?"""

from __future__ import annotations

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import place_of
from consilience.compare.vectors import Vector
from consilience.model.finding import Finding

__all__ = ["elsewhere_of"]


def elsewhere_of(
    first: Finding, second: Finding, a: Vector, b: Vector, context: ComparisonContext
) -> tuple[str, str] | None:
    """Return why two findings speak of different volumes and what would settle it, or None."""
    if context.relation(first, second) != "same":
        said = f"{a.name} and {b.name} probed different volumes"
        return (
            f"{said}, and how much the composition varies between them is unknown",
            "a map or profile that shows the variation",
        )
    place = place_of(first.region, second.region)
    if place == "same":
        return None
    if place == "other":
        return (
            f"{a.name} and {b.name} speak of two regions that are not known to be one",
            "both on one region, or the place of one in the frame of the other",
        )
    whole, part = (a, b) if place == "part" else (b, a)
    said = f"{whole.name} speaks of the whole, {part.name} of a region"
    return (
        f"{said}: the composition of a whole volume is not that of a region in it",
        "both on one region",
    )
