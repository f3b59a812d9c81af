"""Groups of phases that these data cannot tell apart, and what could."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience_xrd.identification.results import PhaseResult

__all__ = ["PhaseGroup", "groups_of"]


@dataclass(frozen=True)
class PhaseGroup:
    """Phases with the same evidence, and the lines, ranges or techniques that could decide."""

    phases: tuple[str, ...]
    decided_by: tuple[str, ...]


def groups_of(results: Sequence[PhaseResult]) -> list[PhaseGroup]:
    """Join phases that are each other's indistinguishable rivals.

    Parameters
    ----------
    results : sequence of PhaseResult
        Of one pattern.  A group holds at least one phase that is present, or none that is and
        several whose strong lines were all found.

    Notes
    -----
    To be indistinguishable is not transitive: of A, B and C, A may be told from C and B from
    neither.  They are one group all the same, since as long as B stands, neither A nor C does
    alone.
    """
    by_key = {r.phase: r for r in results}
    parent = {r.phase: r.phase for r in results}

    def root(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    deciders: dict[frozenset[str], tuple[str, ...]] = {}
    for result in results:
        if result.status not in ("present", None):
            continue
        for rival in result.rivals:
            other = by_key.get(rival.phase)
            if other is None or not rival.indistinguishable:
                continue
            if other.status not in ("present", None):
                continue
            parent[root(rival.phase)] = root(result.phase)
            deciders.setdefault(frozenset((result.phase, rival.phase)), rival.decided_by)
    members: dict[str, list[str]] = {}
    for result in results:
        members.setdefault(root(result.phase), []).append(result.phase)
    out = []
    for keys in members.values():
        if len(keys) < 2:
            continue
        said = [text for pair, texts in deciders.items() if pair <= set(keys) for text in texts]
        out.append(PhaseGroup(tuple(keys), tuple(dict.fromkeys(said))))
    return out
