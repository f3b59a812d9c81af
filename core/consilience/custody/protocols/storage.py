"""How long lithium metal may be stored: what is published for it, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from consilience.errors import NotFoundError

if TYPE_CHECKING:
    from consilience.rules import Rule

__all__ = ["StorageAnswer", "StorageLine", "storage_answer"]


@dataclass(frozen=True)
class StorageLine:
    """One statement; `published` False says that nothing is published there."""

    text: str
    published: bool
    rule: str
    citation: str


@dataclass(frozen=True)
class StorageAnswer:
    """What the rules say of a material after a time in store.

    `verdict` is *too long* where a rule is passed, *within* where none is; never a loss between
    the published times.
    """

    material: str
    hours: float
    verdict: Literal["within", "too long"]
    lines: tuple[StorageLine, ...]


def storage_answer(rules: Sequence[Rule], material: str, hours: float) -> StorageAnswer:
    """Ask the rules of storage.

    Parameters
    ----------
    rules : sequence of Rule
        Of the study, so that what it changed counts.
    material : str
        A word for the sample's material: ``Li foil``, ``bi-salt``, ``Gen 2``.
    hours : float

    Raises
    ------
    NotFoundError
        No rule of storage speaks of the material.
    """
    from consilience.custody.metric import Metric
    from consilience.model.sample import Sample
    from consilience.rules.scope import is_one_of, materials_of

    sample = Sample(id="asked", materials=[material])
    words = materials_of("asked", {"asked": sample}, ())
    asked = [
        r
        for r in rules
        if r.metric == "storage_hours"
        and r.basis
        and r.effect != "off"
        and is_one_of(words, r.scope.sample_material)
        and not is_one_of(words, r.scope.not_sample_material)
    ]
    if not asked:
        known = sorted(
            {m for r in rules if r.metric == "storage_hours" for m in r.scope.sample_material}
        )
        raise NotFoundError(
            f"no rule of storage speaks of {material!r}",
            fix=f"there are rules for {', '.join(known)}",
        )
    stored = Metric("storage_hours", hours, "h")
    lines = []
    too_long = False
    figures = [r for r in asked if r.op == ">=" and r.effect == "note"]
    for rule in asked:
        assert rule.basis is not None
        passed = bool(rule.holds(stored))
        if rule in figures:
            lines.append(_figure(rule, hours))
            continue
        too_long = too_long or passed
        word = "exceeded" if passed else "kept"
        text = f"{word}: {rule.basis.published}"
        if rule.basis.derived:
            text += f" ({rule.basis.derived})"
        lines.append(StorageLine(text, True, rule.id, rule.cited))
    if not figures:
        text = f"no loss is published for {material}: only for Li foil, bi-salt and Gen 2 after 7 d"
        lines.append(StorageLine(text, False, "", ""))
    return StorageAnswer(material, hours, "too long" if too_long else "within", tuple(lines))


def _figure(rule: Rule, hours: float) -> StorageLine:
    assert rule.basis is not None
    at = rule.value
    figure = f"loss of metallic lithium {rule.basis.loss} after {at / 24:g} d"
    if hours == at:
        return StorageLine(f"published: {figure}", True, rule.id, rule.cited)
    beyond = "longer" if hours > at else "shorter"
    text = (
        f"not published: the loss after {hours / 24:g} d; published is only the {figure}, and "
        f"nothing for {beyond} storage is derived from it"
    )
    return StorageLine(text, False, rule.id, rule.cited)
