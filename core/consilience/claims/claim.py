"""A claim: a figure that a text states, the formula it must follow, and what goes into it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from consilience.claims.formula import names_in
from consilience.claims.stated import Stated
from consilience.kinds import STATED
from consilience.model.base import FrozenModel, Json, OneLine

__all__ = ["ARITHMETIC", "BY_TEXT", "COMPUTED", "STATED", "Claim", "Formula", "Term"]

ARITHMETIC = "core.arithmetic"
"""What a computed figure names as its analysis."""
BY_TEXT, COMPUTED = "the text", "arithmetic"
"""Who speaks, where findings are listed by technique."""


class Term(FrozenModel):
    """A number of a formula: digits from the source, a cell of a table, or a finding.

    Parameters
    ----------
    value : str
        Digits as the source prints them: half a unit of the last one is its rounding.
    unit : str
    std : float or "counting", optional
        Standard deviation in `unit`; ``"counting"``: the square root of the number.
    exact : bool
        The number is no rounded one: a count, a Miller index, a constant.
    note : str
        Where it is from, if not from the source of the claim.
    table, column, row : str
        Title of an entered table or peak list of the study, name of a column, label of a row.
    kind, subject, state : str, str, mapping
        A finding: its kind, the label of its subject, and what its state has to say.
    field : str
        What of the finding: ``"value"``, or a number of its evidence by name.
    sample : str
        Of the table or finding, where it is not the claim's.
    """

    value: OneLine = ""
    unit: OneLine = "1"
    std: Annotated[float, Field(gt=0.0)] | Literal["counting"] | None = None
    exact: bool = False
    note: OneLine = ""
    table: OneLine = ""
    column: OneLine = ""
    row: OneLine = ""
    kind: OneLine = ""
    subject: OneLine = ""
    state: dict[str, Json] = {}
    field: OneLine = "value"
    sample: OneLine = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(bool(way) for way in (self.value, self.table, self.kind)) != 1:
            raise ValueError("a term has one of: value, table, kind")
        if self.table and not (self.column and self.row):
            raise ValueError("a cell of a table needs column and row")
        if self.value and Stated.read(self.value).bound:
            raise ValueError("a term is a number, not a bound")
        if not self.value and (self.std is not None or self.exact):
            raise ValueError("std and exact go with a value; tables and findings have their own")
        return self


class Formula(FrozenModel):
    """A formula of the claim's terms, and what it means in words."""

    formula: OneLine
    means: OneLine = ""


class Claim(Formula):
    """A figure of a text.

    Parameters
    ----------
    title : str
        What the figure is of.
    value : str
        As it is printed: ``"61"``, or a bound that the words state, ``"> 2"``.
    equals : str
        Instead of `value`: a second formula that the text, or arithmetic, has equal to the first.
    unit : str
        Of the figure and of the formula's result.
    formula, means : str
        What the words of the text mean.
    terms : mapping
        By the names that the formulas use.
    otherwise : list of Formula
        Other readings, computed beside it.
    quote : str
        The words of the text.
    implied : bool
        The words imply the figure and do not print it.
    caution : str
        Why both sides need not be equal; a difference is then *undecided*, and equality
        *consistent*.
    settle : str
        What would do away with the caution.
    """

    title: OneLine
    value: OneLine = ""
    equals: OneLine = ""
    unit: OneLine = "1"
    terms: dict[str, Term]
    otherwise: list[Formula] = []
    quote: OneLine = ""
    implied: bool = False
    caution: OneLine = ""
    settle: OneLine = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.value) == bool(self.equals):
            raise ValueError("a claim has either value or equals")
        if self.value:
            Stated.read(self.value)
        for text in self.formulas:
            lacking = sorted(names_in(text) - set(self.terms))
            if lacking:
                raise ValueError(f"formula {text!r} has no term {lacking[0]!r}")
        idle = sorted(set(self.terms) - {n for text in self.formulas for n in names_in(text)})
        if idle:
            raise ValueError(f"no formula uses the term {idle[0]!r}")
        return self

    @property
    def formulas(self) -> list[str]:
        """All formulas, the claim's own first."""
        own = [self.formula, *([self.equals] if self.equals else [])]
        return [*own, *(other.formula for other in self.otherwise)]
