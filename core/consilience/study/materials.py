"""Words for what a sample is made of, held against those that rules know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.model.measurement import Notice
from consilience.rules.scope import known_words, no_rule_knows

if TYPE_CHECKING:
    from consilience.model.sample import Sample
    from consilience.study.contents import Contents

__all__ = ["notices_of_sample"]


def notices_of_sample(study: Contents, sample: Sample) -> list[Notice]:
    """Return notices: words in `materials` that no rule knows, and elements only the parent has."""
    return [*_elements_of_parent(study, sample), *_strange_materials(study, sample)]


def _elements_of_parent(study: Contents, sample: Sample) -> list[Notice]:
    parent = None if sample.parent is None else study.samples().get(sample.parent)
    if parent is None or sample.elements or not parent.elements:
        return []
    elements = ",".join(parent.elements)
    return [
        Notice(
            code="elements-not-said",
            message=f"what elements can be in {sample.id!r} is not said; those of {parent.id!r} "
            "are not taken over, because a cut can add some",
            fix=f"consilience sample add {sample.id!r} --revise --elements {elements}, and with "
            "them what ions and coating left",
            severity="info",
        )
    ]


def _strange_materials(study: Contents, sample: Sample) -> list[Notice]:
    if not sample.materials:
        return []
    rules = study.rules()
    strange = [word for word in sample.materials if no_rule_knows(word, rules)]
    if not strange:
        return []
    return [
        Notice(
            code="material-not-known",
            message=f"no rule knows the material {', '.join(map(repr, strange))}",
            fix=f"if one of these is meant, write it so: {', '.join(known_words(rules))}",
            severity="info",
        )
    ]
