"""How large what was probed is, in metres: depth, lateral size, cube root of the volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

from consilience.errors import ConsilienceError
from consilience.model.base import Quantity
from consilience.model.finding import Finding, Region
from consilience.notation import cell
from consilience.quantities import convert

__all__ = ["SCALE", "Probed", "probed"]

SCALE = (1e-10, 1.0)
"""From an atom to a metre: the axis on which length scales are drawn."""


@dataclass(frozen=True)
class Probed:
    """Length scales in metres, None where they are not stated, and all of it in words."""

    depth: float | None
    lateral: float | None
    volume: float | None
    words: str

    @property
    def lengths(self) -> list[float]:
        """The lengths that are known, the cube root of the volume among them."""
        return [x for x in (self.depth, self.lateral, self.volume) if x is not None]


def probed(finding: Finding) -> Probed:
    """Return what a finding says of its volume, or its region where the probe is silent."""
    probe = finding.probe
    depth = _metres(probe.depth if probe else None, 1)
    lateral = _metres(probe.lateral if probe else None, 1)
    volume = _metres(probe.volume if probe else None, 3)
    words = []
    if probe is not None:
        words = [
            f"{name} {cell(value)}"
            for name, value in (
                ("depth", probe.depth),
                ("lateral", probe.lateral),
                ("volume", probe.volume),
            )
            if value is not None
        ]
    if lateral is None and finding.region is not None:
        lateral = _extent(finding.region)
        if lateral is not None:
            words.append(f"region of {_length(lateral)}")
    if finding.weighed_in:
        words.append("the whole sample")
    return Probed(depth, lateral, volume, ", ".join(words) or "not stated")


def _metres(quantity: Quantity | None, power: int) -> float | None:
    """Return a length, or the cube root of a volume, in metres; None if it is neither."""
    if quantity is None or quantity.value <= 0:
        return None
    try:
        value = convert(quantity.value, quantity.unit, "m" if power == 1 else f"m**{power}")
    except ConsilienceError:
        return None
    return float(value ** (1.0 / power)) if value > 0 and math.isfinite(value) else None


def _extent(region: Region) -> float | None:
    """Return the longest side of the box around a region, in metres."""
    if len(region.coordinates) < 2 or region.shape in ("sphere", "cylinder"):
        return None
    sides = [max(axis) - min(axis) for axis in zip(*region.coordinates, strict=False)]
    longest = max(sides, default=0.0)
    return _metres(Quantity(value=longest, unit=region.unit), 1) if longest > 0 else None


def _length(metres: float) -> str:
    for size, unit in ((1.0, "m"), (1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm")):
        if metres >= size:
            return f"{metres / size:.3g} {unit}"
    return f"{metres / 1e-10:.3g} Å"
