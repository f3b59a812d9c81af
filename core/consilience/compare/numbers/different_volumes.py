"""Numbers on different volumes of one line of samples: what a map says of the variation between.

A map says something of a number only if it is a map of that number: a finding of the same kind and
subject whose ``array`` holds, by ``evidence["variable"]``, the map that it was averaged over or
stands for; one that names the kind in ``evidence["maps_kind"]``; or one of a kind that the number's
kind declares itself proportional to (`consilience.declarations.Kind.mapped_by`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.compare.context import ComparisonContext
from consilience.compare.maps.maps import Map, read_map
from consilience.compare.subjects import same_subject
from consilience.compare.volumes.extent import (
    Size,
    common_sample,
    extent,
    is_all_of,
    size_of,
    steps_of,
)
from consilience.compare.volumes.heterogeneity import Heterogeneity, block_means, variance_between
from consilience.errors import ConsilienceError
from consilience.model.finding import Finding
from consilience.quantities import convert
from consilience.states import contradicting

__all__ = ["Variation", "variation_between"]


@dataclass(frozen=True)
class Variation:
    """What the variation between two volumes adds to the error of their difference.

    `std` is in the unit of the number; `words` and `numbers` say where it is from.
    """

    std: float
    words: str
    numbers: dict[str, Any]


def variation_between(
    first: Finding, second: Finding, context: ComparisonContext
) -> Variation | str:
    """Estimate how much a number varies between two volumes, or say why that is not known.

    Parameters
    ----------
    first, second : Finding
        Of one kind, subject and unit, on two samples of one line.

    Returns
    -------
    Variation or str
        Only maps of the sample that both volumes are of count, in a state that contradicts
        neither, and none that a rule doubts.
    """
    whole = common_sample(first, second, context)
    if whole is None:
        return "they are of no common sample"
    maps = [one for one in context.maps.get(whole, ()) if _is_map_of(one, first, context)]
    maps = [m for m in maps if not contradicting(m, first) and not contradicting(m, second)]
    if not maps:
        label = first.subject.label if first.subject else first.kind
        title = context.kinds[first.kind].title
        return f"no map or profile of the {title} of {label} on {whole} shows how much it varies"
    reasons = []
    for one in sorted(maps, key=lambda f: f.id):
        found = _of_map(one, first, second, context)
        if isinstance(found, Variation):
            return found
        reasons.append(f"the map of {context.name(one)} does not say how much it varies: {found}")
    return reasons[0]


def _is_map_of(one: Finding, number: Finding, context: ComparisonContext) -> bool:
    if (
        one.id in context.unsound
        or (one.origin == "simulated") != (number.origin == "simulated")
        or not same_subject(one.subject, number.subject)
    ):
        return False
    kinds = {one.kind, str(one.evidence.get("maps_kind", ""))}
    return bool(kinds & {number.kind, *context.kinds[number.kind].mapped_by})


def _of_map(
    one: Finding, first: Finding, second: Finding, context: ComparisonContext
) -> Variation | str:
    found = read_map(one, context, lines=True)
    if isinstance(found, str):
        return found
    scale = _in_unit(found, one, first)
    if isinstance(scale, str):
        return scale
    parts: list[tuple[str, Heterogeneity]] = []
    for number in (first, second):
        name = context.name(number)
        if is_all_of(number, one, found):
            continue
        size = size_of(number, one.sample, found, context)
        if isinstance(size, str):
            return f"{size} of {name} is not known"
        try:
            made = _heterogeneity(found, size)
        except ValueError as error:
            return str(error)
        parts.append((f"{name}: {extent(size, found.units[1])}", made))
    if not parts:
        return "both speak of all of it"
    std = math.sqrt(sum((scale * made.bound) ** 2 for _, made in parts))
    unit = "" if first.unit == "1" else f" {first.unit}"
    volumes = "; ".join(
        f"{said} – {scale * made.std:.3g} ± {_std_of_std(made) * scale:.2g}{unit} between "
        f"{made.blocks} volumes of that size"
        for said, made in parts
    )
    noise = "" if found.std is not None else ", from which the noise of the points is not taken off"
    relative = ", taken in proportion" if scale != 1.0 and one.kind != first.kind else ""
    words = (
        f"different places: the map of {context.name(one)} varies by ({volumes}){noise}{relative}; "
        f"{std:.2g}{unit} of the error is that variation, within the mapped area and across it"
    )
    numbers = {
        "std": std,
        "map": one.id,
        "volumes": [
            {
                "of": said,
                "std": scale * made.std,
                "std_error": scale * _std_of_std(made),
                "blocks": made.blocks,
            }
            for said, made in parts
        ],
    }
    return Variation(std, words, {"heterogeneity": numbers})


def _std_of_std(made: Heterogeneity) -> float:
    """Standard deviation of the standard deviation; where that is small, of what bounds it."""
    if made.std > math.sqrt(made.variance_std):
        return made.variance_std / (2.0 * made.std)
    return made.bound - made.std


def _in_unit(found: Map, one: Finding, number: Finding) -> float | str:
    """Return what turns the map's values into the number's unit."""
    try:
        return convert(1.0, found.unit, number.unit or "1")
    except ConsilienceError:
        pass
    mean = float(np.nanmean(found.values))
    if one.kind == number.kind or not mean > 0 or number.value is None:
        return f"it is in {found.unit or 'no unit'}, the number in {number.unit}"
    return abs(number.value) / mean


def _heterogeneity(found: Map, size: Size) -> Heterogeneity:
    means, noise = block_means(found.values, found.std, steps_of(found), size)
    return variance_between(means, noise)
