"""Two techniques over the states of one sample: what chance, errors and slow drifts are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchmarks.verdicts.common import LEVEL, Array, Rates, context_of, finding, repeated
from consilience.compare.courses.verdicts import course_verdicts
from consilience.model import Margin
from consilience.model.association import AssociationRequest

__all__ = ["CASES", "Case", "rates", "said_of_courses"]

STD = 0.01
CHANGE = 20.0 * STD
MARGIN = Margin(value=5.0 * STD, unit="1", reason="a benchmark")
Ask = Literal["nothing", "same", "margin"]
Truth = Callable[[np.random.Generator, int], tuple[Array, Array]]


def independent(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Both change beyond errors, each state by itself, with nothing in common."""
    a, b = CHANGE * rng.normal(size=(2, n))
    return a, b


def only_errors(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Nothing changes."""
    del rng
    return np.zeros(n), np.zeros(n)


def one_drifts(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """One goes up steadily, the other does not change."""
    del rng
    return CHANGE * np.linspace(0.0, 5.0, n), np.zeros(n)


def walks(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two random walks with nothing in common: states that follow each other."""
    a, b = np.cumsum(CHANGE * rng.normal(size=(2, n)), axis=1)
    return a, b


def drifts(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Both drift steadily, each for reasons of its own."""
    del rng
    return CHANGE * np.linspace(0.0, 3.0, n), -CHANGE * np.linspace(0.0, 5.0, n)


def together(size: float, sign: float = 1.0) -> Truth:
    """Both follow one curve, the second by `size` standard deviations of a state."""

    def made(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        curve = rng.normal(size=n)
        return CHANGE * curve, sign * size * STD * curve

    return made


def apart(size: float, states: int | None = None) -> Truth:
    """One quantity by two techniques that differ by `size` margins, in all or some states."""

    def made(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        curve = 1.0 + CHANGE * rng.normal(size=n)
        off = np.zeros(n)
        off[: n if states is None else states] = size * MARGIN.value
        return curve, curve + off

    return made


@dataclass(frozen=True)
class Case:
    """What is true, over how many states, what is asked, and what the level allows."""

    name: str
    truth: Truth
    states: int
    ask: Ask
    bounds: dict[str, float]


_NULL = {"consistent": LEVEL, "disagree": 0.0}
_BOTH = {"consistent": LEVEL, "disagree": LEVEL}
CASES = (
    *(Case("independent states", independent, n, "nothing", _NULL) for n in (3, 5, 8, 12)),
    *(Case("errors alone", only_errors, n, "nothing", _NULL) for n in (5, 8)),
    *(Case("one drifts, the other is errors", one_drifts, n, "nothing", _NULL) for n in (5, 8)),
    *(Case("two random walks", walks, n, "nothing", _NULL) for n in (5, 8, 12)),
    *(Case("two drifts of their own", drifts, n, "nothing", _NULL) for n in (5, 8, 12)),
    *(
        Case("one curve, 20 σ", together(20.0), n, "nothing", {"disagree": 0.0})
        for n in (5, 6, 8, 12)
    ),
    *(Case("claim; the second is errors", together(0.0), n, "same", _BOTH) for n in (3, 5, 8)),
    *(Case(f"claim holds, {k:g} σ", together(k), 5, "same", {"disagree": LEVEL}) for k in (1, 3)),
    *(
        Case(f"claim is wrong, {k:g} σ", together(k, -1.0), 5, "same", {"consistent": LEVEL})
        for k in (1, 3)
    ),
    *(Case("one quantity, equal", apart(0.0), n, "margin", {"disagree": LEVEL}) for n in (3, 8)),
    *(
        Case("one quantity, off by the margin", apart(1.0), n, "margin",
             {"agree": LEVEL, "disagree": LEVEL})
        for n in (3, 8)
    ),
    Case("one quantity, off by the margin in one state", apart(1.0, 1), 5, "margin",
         {"agree": LEVEL, "disagree": LEVEL}),
    Case("one quantity, off by two margins in one state", apart(2.0, 1), 5, "margin",
         {"agree": LEVEL}),
)  # fmt: skip


def said_of_courses(rng: np.random.Generator, case: Case) -> list[str]:
    """Return the verdict on two simulated techniques, and "levels" if ranks alone say so."""
    first, second = case.truth(rng, case.states)
    kinds = ("li_content",) * 2 if case.ask == "margin" else ("lattice_parameter", "li_content")
    made = [
        finding(
            kind,
            technique,
            subject={"label": "film"},
            value=float(value + STD * rng.normal()),
            unit="1",
            std_stat=STD,
            std_sys=0.0,
            state={"cycle": cycle},
            measurements=[f"m-{technique}-{cycle}"],
        )
        for kind, technique, values in zip(kinds, ("xrd", "eels"), (first, second), strict=True)
        for cycle, value in enumerate(values)
    ]
    context = context_of(made, margins={"li_content": MARGIN} if case.ask == "margin" else {})
    if case.ask == "same":
        asked = {"first": "lattice_parameter", "second": "li_content", "expect": "same"}
        request = AssociationRequest.of({**asked, "reason": "a benchmark"})
        context = replace(context, associations=[request])
    (verdict,) = course_verdicts(made, context)
    by_levels = verdict.numbers["p_permutation"] < LEVEL  # what ranks alone would have said
    return [verdict.verdict, *["levels"] * by_levels]


def rates(repeats: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case."""
    for number, case in enumerate(CASES):
        rng = np.random.default_rng([seed, 11, number])
        yield repeated(
            case.name,
            f"{case.states} states",
            repeats,
            lambda r=rng, c=case: said_of_courses(r, c),  # type: ignore[misc]
            bounds=case.bounds,
        )
