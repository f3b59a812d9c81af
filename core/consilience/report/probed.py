"""How large what was probed is, in metres: depth, lateral size, cube root of the volume."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consilience.errors import ConsilienceError
from consilience.model.base import Quantity
from consilience.model.finding import Finding, Region
from consilience.notation import cell
from consilience.quantities import convert
from consilience.sizes import BEAM, SIZES, STEP
from consilience.view import Cell, Table

__all__ = ["SCALE", "Probed", "probed", "probed_by", "sizes_table"]

SCALE = (1e-10, 1.0)
"""From an atom to a metre: length scales beyond are drawn at its ends."""


@dataclass(frozen=True)
class Probed:
    """Length scales in metres, None where they are not stated, and all of it in words.

    `lateral` is of what one point shows, `region` how far the points of one number reach.
    """

    depth: float | None
    lateral: float | None
    volume: float | None
    region: float | None
    words: str

    @property
    def lengths(self) -> list[float]:
        """The lengths that are known, the cube root of the volume among them."""
        return [x for x in (self.depth, self.lateral, self.volume, self.region) if x is not None]


SHORT = {BEAM: "beam", STEP: "step"}
"""What a lateral size is called by where it is from."""


def probed_by(findings: Sequence[Finding]) -> Probed:
    """Return what several findings probed alike, and that they differ where they do."""
    several = [probed(one) for one in findings]
    first = several[0]
    if all(one == first for one in several):
        return first
    names = ("depth", "lateral", "volume", "region")
    same = {name: _alike([getattr(one, name) for one in several]) for name in names}
    return Probed(**same, words="differs from value to value")


def _alike(lengths: Sequence[float | None]) -> float | None:
    """Return the length that all have but for a tenth, None where there is no such."""
    known = [x for x in lengths if x is not None]
    if len(known) < len(lengths) or max(known) > 1.1 * min(known):
        return None
    return known[0]


def probed(finding: Finding) -> Probed:
    """Return what a finding says of its volume, and how far its region reaches."""
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
                (_lateral_word(finding), probe.lateral),
                ("volume", probe.volume),
            )
            if value is not None
        ]
    region = None if finding.region is None else _extent(finding.region)
    if region is not None:
        words.append(f"region of {_length(region)}")
    if finding.weighed_in:
        words.append("the whole sample")
    return Probed(depth, lateral, volume, region, ", ".join(words) or "not stated")


def sizes_table(findings: Sequence[Finding], techniques: Mapping[str, str]) -> Table | None:
    """Return for each technique how large was what it looked at; None where no finding says it.

    Parameters
    ----------
    findings : sequence of Finding
    techniques : mapping
        Finding ID to the technique.
    """
    by_technique: dict[str, list[Finding]] = {}
    for one in findings:
        if not one.weighed_in:
            by_technique.setdefault(techniques[one.id], []).append(one)
    rows: list[list[Cell]] = []
    for technique, group in sorted(by_technique.items()):
        several = [(one, probed(one)) for one in group]
        across: dict[str, list[float]] = {}
        for one, found in several:
            if found.lateral is not None:
                across.setdefault(_lateral_word(one), []).append(found.lateral)
        silent = sum(not found.lengths for _, found in several)
        rows.append(
            [
                technique,
                "; ".join(f"{name} {_span(sizes)}" for name, sizes in sorted(across.items())),
                *(
                    _span([x for _, found in several if (x := getattr(found, name)) is not None])
                    for name in ("region", "depth", "volume")
                ),
                f"{silent} of {len(group)}" if silent else "none",
            ]
        )
    if not any(any(row[1:5]) for row in rows):
        return None
    return Table(
        ("technique", "across", "region reaches", "depth", "volume, side of its cube",
         "findings that say none of it"),
        [[cell or "not stated" for cell in row] for row in rows],
        "How large was what each technique looked at",
    )  # fmt: skip


def _lateral_word(finding: Finding) -> str:
    told = finding.evidence.get(SIZES)
    return SHORT.get(str(told.get("lateral") if isinstance(told, Mapping) else None), "lateral")


def _span(lengths: Sequence[float]) -> str:
    """Return the least and the greatest of lengths (m), empty for none."""
    ends = dict.fromkeys(_length(x) for x in (min(lengths), max(lengths))) if lengths else {}
    return " to ".join(ends)


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
