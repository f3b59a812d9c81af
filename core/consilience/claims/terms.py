"""Where the numbers of a formula come from: digits, cells of entered tables, findings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.claims.claim import STATED, Term
from consilience.claims.formula import Range
from consilience.claims.stated import Stated
from consilience.model.base import Origin
from consilience.model.finding import Finding
from consilience.notation import number, unit_text
from consilience.states import value_words

if TYPE_CHECKING:
    from consilience.model.measurement import Measurement

__all__ = ["NoNumberError", "Number", "number_of"]

ROUNDING = "rounding"
"""``std_is`` of a table whose standard deviations are those of its printed digits."""


class NoNumberError(Exception):
    """A term has no number; the message says why."""


@dataclass(frozen=True)
class Number:
    """A number that goes into a formula.

    `half` is what its printed digits leave open to each side, `std` a standard deviation apart from
    that; None: not known.
    """

    value: float
    half: float
    std: float | None
    origin: Origin
    unit: str
    said: str
    citation: str = ""
    measurements: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def range(self) -> Range:
        """What its digits leave open."""
        return Range.around(self.value, self.half)

    def text(self) -> str:
        """Return it as it is printed, with what is known of its error."""
        shown = self.said + (f" ± {number(self.std, 2)}" if self.std else "")
        return f"{shown} {unit_text(self.unit)}".rstrip()


def number_of(
    term: Term,
    sample: str,
    findings: Sequence[Finding],
    measurements: Callable[[], Sequence[Measurement]],
) -> Number:
    """Return the number of a term.

    Raises
    ------
    NoNumberError
        There is no such table, cell or finding, more than one, or it has no number.
    """
    if term.value:
        return _digits(term)
    if term.table:
        return _cell(term, term.sample or sample, measurements())
    return _found(term, term.sample or sample, findings)


def _digits(term: Term) -> Number:
    read = Stated.read(term.value)
    std = math.sqrt(abs(read.value)) if term.std == "counting" else term.std
    half = 0.0 if term.exact or term.std == "counting" else read.half
    return Number(read.value, half, std, "entered", term.unit, read.text, term.note)


def _cell(term: Term, sample: str, measurements: Sequence[Measurement]) -> Number:
    name = f"table {term.table!r} of {sample!r}"
    tables = [
        m
        for m in measurements
        if m.record.origin == "entered" and m.record.name == term.table and m.sample == sample
    ]
    if len(tables) != 1:
        raise NoNumberError(f"there is {'no' if not tables else 'more than one'} {name}")
    table = tables[0]
    labels = [str(label) for label in table.metadata.get("labels") or ()]
    if term.column not in table.data or labels.count(term.row) != 1:
        lacking = (
            f"one row {term.row!r}" if term.column in table.data else f"column {term.column!r}"
        )
        raise NoNumberError(f"{name} has no {lacking}")
    at = labels.index(term.row)
    value = float(table.data[term.column].values[at])
    if not math.isfinite(value):
        raise NoNumberError(f"{name} gives no {term.column} for {term.row!r}")
    spread = f"{term.column}_std"
    std = float(table.data[spread].values[at]) if spread in table.data else math.nan
    rounded = table.metadata.get("std_is") == ROUNDING
    known = math.isfinite(std)
    return Number(
        value,
        # a number that is as likely anywhere between its digits spreads by 1/√3 of half of one
        math.sqrt(3.0) * std if known and rounded else 0.0,
        std if known and not rounded else None,
        "entered",
        str(table.data[term.column].attrs["units"]),
        number(value),
        table.record.citation or "",
        (table.id,),
        doubt=""
        if known
        else f"of {term.column} for {term.row!r} no rounding and no error is known",
    )


def _found(term: Term, sample: str, findings: Sequence[Finding]) -> Number:
    hits = [
        f
        for f in findings
        if f.kind == term.kind
        and f.kind != STATED
        and f.sample == sample
        and (not term.subject or (f.subject is not None and f.subject.label == term.subject))
        and all(value_words(f.state.get(key)) == value_words(v) for key, v in term.state.items())
    ]
    name = f"finding {term.kind}{f' of {term.subject}' if term.subject else ''} of {sample!r}"
    if len(hits) != 1:
        many = f"more than one ({len(hits)})" if hits else "no"
        raise NoNumberError(f"there is {many} {name}")
    one = hits[0]
    value = one.value if term.field == "value" else one.evidence.get(term.field)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise NoNumberError(f"{name} gives no number for {term.field}")
    std, doubt = None, ""
    if term.field == "value":
        parts = {"statistical": one.std_stat, "systematic": one.std_sys}
        known = [part for part in parts.values() if part is not None]
        std = math.hypot(*known) if known else None
        lacking = [word for word, part in parts.items() if part is None]
        doubt = f"the {' and '.join(lacking)} error of {name} is unknown" if lacking else ""
    unit = (one.unit or "1") if term.field == "value" else term.unit
    return Number(
        float(value),
        0.0,
        std,
        one.origin,
        unit,
        number(float(value), 4),
        one.source.citation or "",
        tuple(one.measurements),
        (one.id,),
        doubt,
    )
