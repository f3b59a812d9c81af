"""How much of what was found can be trusted, counted in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from consilience.model.verdict import Caveat

if TYPE_CHECKING:
    from consilience.rules.measured import Checked

__all__ = ["trust_words", "worst_caveat"]

_RANK = {"veto": 0, "doubt": 1, "note": 2}


def worst_caveat(caveats: Iterable[Caveat]) -> Caveat | None:
    """Return the gravest of the caveats on one finding."""
    return min(caveats, key=lambda c: (_RANK[c.effect], c.rule), default=None)


def trust_words(
    caveats: Sequence[Caveat], contradictions: int, unfounded: Sequence[Checked] = ()
) -> str:
    """Return what is doubted, left out and contradicted: ``3 findings are doubted, 1 left out``.

    Parameters
    ----------
    caveats : sequence of Caveat
    contradictions : int
    unfounded : sequence of Checked
        Measurements without findings; a doubt or veto on them is counted apart.

    Returns
    -------
    str
        Empty where nothing speaks against anything.
    """
    effects = {
        effect: {c.finding for c in caveats if c.effect == effect} for effect in ("doubt", "veto")
    }
    doubted, vetoed = len(effects["doubt"] - effects["veto"]), len(effects["veto"])
    parts = []
    if doubted:
        parts.append(
            f"{_are(doubted, 'finding')} doubted" + (f", {vetoed} left out" * bool(vetoed))
        )
    elif vetoed:
        parts.append(f"{_are(vetoed, 'finding')} left out")
    grave = sum(any(r.effect != "note" for r in m.rules) for m in unfounded)
    if grave:
        parts.append(f"{_are(grave, 'measurement')} doubted before anything was found")
    if contradictions:
        parts.append(_are(contradictions, "contradiction") + " in what is recorded")
    return "; ".join(parts)


def _are(n: int, what: str) -> str:
    return f"1 {what} is" if n == 1 else f"{n} {what}s are"
