"""Compositions of different volumes: do they speak of one, and how much do fractions vary?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.compare.compositions.logratio import closure
from consilience.compare.compositions.vectors import Vector
from consilience.compare.context import ComparisonContext
from consilience.compare.groups import place_of
from consilience.compare.maps.maps import Map, read_map
from consilience.compare.volumes.extent import (
    common_sample,
    extent,
    is_all_of,
    size_of,
    steps_of,
)
from consilience.compare.volumes.heterogeneity import block_means, variance_between
from consilience.errors import ConsilienceError
from consilience.model.finding import Finding
from consilience.quantities import convert
from consilience.states import contradicting

__all__ = ["ElementVariation", "elsewhere_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ElementVariation:
    """What the variation between two volumes adds to the error of each difference.

    Parameters
    ----------
    std : ndarray, shape (D,)
        Of fractions closed to the elements.
    words : str
    numbers : dict
    """

    std: Array
    words: str
    numbers: dict[str, Any]


def elsewhere_of(
    first: Finding,
    second: Finding,
    a: Vector,
    b: Vector,
    elements: Sequence[str],
    context: ComparisonContext,
) -> tuple[str, str] | ElementVariation | None:
    """Return how much compositions of different volumes vary between them, or why not known.

    Parameters
    ----------
    first, second : Finding
    a, b : Vector
    elements : sequence of str
        To which both are closed.

    Returns
    -------
    tuple of (str, str), ElementVariation or None
        Reason and what would settle it; the variation by maps; None for one volume.
    """
    place = place_of(first.region, second.region)
    if context.relation(first, second) == "same":
        if place == "same":
            return None
        said = f"{a.name} and {b.name} speak of two regions that are not known to be one"
        settle = "both on one region, or the place of one in the frame of the other"
        if place != "other":
            whole, part = (a, b) if place == "part" else (b, a)
            said = (
                f"{whole.name} speaks of the whole, {part.name} of a region: the composition of a "
                "whole volume is not that of a region in it"
            )
            settle = "both on one region"
    else:
        said = (
            f"{a.name} and {b.name} probed different volumes, and how much the composition varies "
            "between them is unknown"
        )
        settle = "a map or profile that shows the variation"
    found = _variation(first, second, elements, context)
    return (f"{said} ({found})", settle) if isinstance(found, str) else found


def _variation(
    first: Finding, second: Finding, elements: Sequence[str], context: ComparisonContext
) -> ElementVariation | str:
    """Estimate how much the fractions of some elements vary between two volumes.

    Parameters
    ----------
    first, second : Finding
        Any of each composition, or an amount of one element.
    elements : sequence of str
        To which both are closed.

    Returns
    -------
    ElementVariation or str
        Or why it is not known: maps of all these elements by one run are needed.
    """
    whole = common_sample(first, second, context)
    if whole is None:
        return "they are of no common sample"
    runs: dict[tuple[str, ...], dict[str, Finding]] = defaultdict(dict)
    for one in context.maps.get(whole, ()):
        element = one.subject.element if one.subject else None
        if (
            element in elements
            and "composition" in (one.kind, one.evidence.get("maps_kind"))
            and one.id not in context.unsound
            and (one.origin == "simulated") == (first.origin == "simulated")
            and not contradicting(one, first)
            and not contradicting(one, second)
        ):
            runs[(one.source.analysis, *one.measurements)][str(element)] = one
    names = ", ".join(elements)
    for run in sorted(runs):
        if set(runs[run]) == set(elements):
            chosen = [runs[run][e] for e in elements]
            return _of_run(chosen, first, second, elements, context)
    return f"no maps of the fractions of {names} on {whole} by one run show how much they vary"


def _of_run(
    chosen: Sequence[Finding],
    first: Finding,
    second: Finding,
    elements: Sequence[str],
    context: ComparisonContext,
) -> ElementVariation | str:
    maps: list[Map] = []
    for one in chosen:
        found = read_map(one, context, lines=True)
        if isinstance(found, str):
            return f"the map of {context.name(one)}: {found}"
        if maps and found.values.shape != maps[0].values.shape:
            return f"the maps of {context.name(one)} are not on one grid"
        maps.append(found)
    try:
        scales = [convert(1.0, found.unit, "1") for found in maps]
    except ConsilienceError:
        return f"the maps of {context.name(chosen[0])} are no fractions"
    total = np.zeros(len(elements))
    told = []
    for number in (first, second):
        if any(is_all_of(number, *pair) for pair in zip(chosen, maps, strict=True)):
            continue
        name = context.name(number)
        size = size_of(number, chosen[0].sample, maps[0], context)
        if isinstance(size, str):
            return f"{size} of {name} is not known"
        try:
            bounds, stds, blocks = _between(maps, scales, size)
        except ValueError as error:
            return f"the map of {context.name(chosen[0])} does not say: {error}"
        total += bounds**2
        each = ", ".join(f"{e} {100 * s:.2g}" for e, s in zip(elements, stds, strict=True))
        where = extent(size, maps[0].units[1])
        told.append(f"{name}: {where} – {each} at.% between {blocks} volumes of that size")
    if not told:
        return "both speak of all of it"
    noise = "" if all(m.std is not None for m in maps) else ", noise of the points included"
    words = (
        f"different places: the maps of {context.name(chosen[0])} vary by ({'; '.join(told)})"
        f"{noise}, which is part of the error, within the mapped area and across it"
    )
    std = np.sqrt(total)
    numbers = {
        "maps": [one.id for one in chosen],
        "std": {e: float(s) for e, s in zip(elements, std, strict=True)},
    }
    return ElementVariation(std, words, {"heterogeneity": numbers})


def _between(
    maps: Sequence[Map], scales: Sequence[float], size: tuple[float, float]
) -> tuple[Array, Array, int]:
    """Return what enters the error, the deviations between blocks, and how many blocks."""
    cut = [block_means(m.values * k, None if m.std is None else m.std * k, steps_of(m), size)
           for m, k in zip(maps, scales, strict=True)]  # fmt: skip
    means = np.array([mean for mean, _ in cut])
    noise = np.array([part for _, part in cut])
    fractions, errors = np.full_like(means, np.nan), np.full_like(means, np.nan)
    for at in np.ndindex(means.shape[1:]):
        here = means[(slice(None), *at)]
        if np.isfinite(here).all() and here.sum() > 0:
            fractions[(slice(None), *at)], slope = closure(here)
            errors[(slice(None), *at)] = slope**2 @ noise[(slice(None), *at)]
    made = [variance_between(f, e) for f, e in zip(fractions, errors, strict=True)]
    bounds = np.array([m.bound for m in made])
    return bounds, np.array([m.std for m in made]), made[0].blocks
