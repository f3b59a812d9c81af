"""How two samples are related: same, cut from one another, siblings, control, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from consilience.errors import BadInputError
from consilience.model.sample import Sample

__all__ = ["Relation", "ancestors", "check_lineage", "relation"]

Relation = Literal["same", "parent", "child", "sibling", "control", "unrelated"]


def ancestors(samples: Mapping[str, Sample], sample: str) -> list[str]:
    """Return the IDs from the parent of `sample` up to the first sample of its line.

    Raises
    ------
    BadInputError
        The lineage is cyclic; the message shows the cycle.
    """
    line = [sample]
    while (parent := samples[line[-1]].parent if line[-1] in samples else None) is not None:
        if parent in line:
            cycle = " → ".join([*line[line.index(parent) :], parent])
            raise BadInputError(
                f"the lineage is cyclic: {cycle}",
                fix="a sample cannot descend from itself; correct one 'parent'",
            )
        line.append(parent)
    return line[1:]


def check_lineage(samples: Mapping[str, Sample], new: Sample) -> None:
    """Refuse a sample whose parent or control is unknown, or whose lineage is cyclic.

    Raises
    ------
    BadInputError
    """
    merged = {**samples, new.id: new}
    for role, other in (("parent", new.parent), ("control_of", new.control_of)):
        if other is not None and other not in merged:
            known = ", ".join(sorted(samples)) or "none yet"
            raise BadInputError(
                f"sample {new.id!r}: {role} {other!r} is not a sample of this study",
                fix=f"register {other!r} first; known samples: {known}",
            )
    ancestors(merged, new.id)


def relation(samples: Mapping[str, Sample], first: str, second: str) -> Relation:
    """Return what `second` is to `first` (``"child"``: second was cut from first, at any depth)."""
    if first == second:
        return "same"
    if samples[second].control_of == first or samples[first].control_of == second:
        return "control"
    above_first, above_second = ancestors(samples, first), ancestors(samples, second)
    if second in above_first:
        return "parent"
    if first in above_second:
        return "child"
    return "sibling" if set(above_first) & set(above_second) else "unrelated"
