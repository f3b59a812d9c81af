"""The amount of one element against a composition."""

from __future__ import annotations

import numpy as np

from consilience.compare.compositions.decision import capped, closed, percent
from consilience.compare.compositions.different_volumes import ElementVariation, elsewhere_of
from consilience.compare.compositions.vectors import Vector, doubt_of, vector_of
from consilience.compare.context import ComparisonContext
from consilience.compare.outcome import Outcome
from consilience.model.finding import Finding
from consilience.model.verdict import Margin

__all__ = ["of_amount"]


def of_amount(
    amount: Finding,
    whole: Finding,
    context: ComparisonContext,
    margin: Margin | None,
    sign: float,
) -> Outcome | None:
    """Compare an amount with the fraction of its element in a composition.

    The composition is closed to the elements that ``evidence["normalised_over"]`` of the
    amount lists; where there is no such list, to all it gives, and the answer is held back.

    Parameters
    ----------
    amount, whole : Finding
        The amount, and any finding of the composition.
    context : ComparisonContext
    margin : Margin or None
    sign : float
        1: amount minus composition; -1: the other way round.
    """
    element = amount.subject.element if amount.subject else None
    vector = vector_of(whole, context)
    if element is None or amount.value is None:
        return None
    name = context.name(amount)
    if element in vector.left_out:
        return Outcome(
            "not_comparable", f"{vector.name} gives no {element}: {vector.left_out[element]}"
        )
    if element not in vector.elements:
        return None
    stated = amount.evidence.get("normalised_over")
    basis = sorted(map(str, stated)) if isinstance(stated, list) else list(vector.elements)
    lacking = [e for e in basis if e not in vector.elements]
    if lacking or element not in basis or len(basis) < 2:
        return Outcome(
            "not_comparable",
            f"{name} gives {element} as a fraction of {', '.join(basis)}, of which {vector.name} "
            f"does not give {', '.join(lacking) or 'enough'}",
            "a composition of the same elements",
        )
    part = closed(vector, basis)
    if part is None:
        return Outcome("not_comparable", f"{vector.name} found nothing of {', '.join(basis)}")
    at = basis.index(element)
    difference = sign * (amount.value - float(part.fractions[at]))
    stat = float(np.hypot(amount.std_stat or 0.0, part.std_stat[at]))
    sys = float(np.hypot(amount.std_sys or 0.0, part.std_sys[at]))
    pair = (
        f"{percent(amount.value, amount.std_stat or 0.0)} ({name}) against "
        f"{percent(part.fractions[at], part.std_stat[at])} ({vector.name})"
    )
    story = [f"at.% of {element}: {pair}, as a fraction of {', '.join(basis)}", *vector.notes]
    unsure = []
    if not isinstance(stated, list):
        unsure.append(f"of which elements {name} gives a fraction is not stated")
    numbers = {
        "elements": {
            element: {
                "first": amount.value if sign > 0 else float(part.fractions[at]),
                "second": float(part.fractions[at]) if sign > 0 else amount.value,
                "difference": difference,
                "std_stat": stat,
                "std_sys_known": sys,
            }
        }
    }
    doubt = doubt_of(amount)
    single = Vector(
        name=name,
        elements=(element,),
        values=np.array([amount.value]),
        stat=np.zeros((1, 1)),
        sys=np.zeros((1, 1)),
        unknown_stat=(element,) if amount.std_stat is None else (),
        unknown_sys=(element,) if amount.std_sys is None else (),
        counts=np.array([np.nan]),
        left_out={},
        doubts={element: doubt} if doubt else {},
        notes=(),
    )
    elsewhere = elsewhere_of(amount, whole, single, vector, basis, context)
    if isinstance(elsewhere, ElementVariation):
        sys = float(np.hypot(sys, elsewhere.std[at]))
        numbers.update(elsewhere.numbers)
        story.append(elsewhere.words)
    elif elsewhere is not None:
        reason, settle = elsewhere
        return Outcome("not_comparable", "; ".join([reason, *story]), settle, numbers)
    return capped(
        [element], np.array([difference]), np.array([stat]), np.array([sys]), [single, vector],
        margin, story, context.level, numbers,
        np.array([0.5 * (amount.value + float(part.fractions[at]))]), basis, unsure,
    )  # fmt: skip
