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
    """Return a notice for the words in `materials` that no rule of the study knows."""
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
