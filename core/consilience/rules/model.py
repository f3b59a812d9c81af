"""A rule: comparators over named metrics, with effect, words and citation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from consilience.custody.metric import METRICS, Metric, Operator
from consilience.errors import BadInputError
from consilience.model.base import FiniteFloat, FrozenModel, OneLine
from consilience.rules.scope import Scope

__all__ = ["Basis", "Comparator", "Effect", "Rule", "Scope", "said"]

Effect = Literal["note", "doubt", "veto", "off"]

_BRACES = re.compile(r"\{([^{}]*)\}")
_ID = re.compile(r"^[a-z][a-z0-9_]*\.[a-z0-9][a-z0-9.-]*$")
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")
_JOURNAL = re.compile(r"^\D.*\d+ \(\d{4}\) \S+$")
_ARXIV = re.compile(r"^\d{4}\.\d{4,5}$")


class Comparator(FrozenModel):
    """A metric, an operator and a threshold.

    Parameters
    ----------
    metric : str
        A key of `consilience.custody.metric.METRICS`.
    op : {">", ">=", "<", "<=", "==", "!="}
    value : float
        In `unit`; text with a unit (``"2 d"``) is converted.
    unit : str
        Any unit of the metric's dimension; kept is the metric's own.
    at : float, optional
        The metric's parameter, if it takes one; text such as ``"-170 degC"`` is converted.
    """

    metric: str
    op: Operator
    unit: str = ""
    value: FiniteFloat
    at: FiniteFloat | None = None

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METRICS:
            near = get_close_matches(name, METRICS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(METRICS)}"
            raise ValueError(f"there is no metric {name!r}; {hint}")
        return name

    @field_validator("value", mode="before")
    @classmethod
    def _in_the_metrics_unit(cls, value: Any, info: ValidationInfo) -> Any:
        spec = METRICS.get(info.data.get("metric", ""))
        said = info.data.get("unit", "")
        if spec is None or not isinstance(value, int | float | str):
            return value
        if isinstance(value, str):
            return _in_unit(value, spec.unit)
        if not said and spec.unit != "1":
            raise ValueError(f"{value!r} needs a unit beside it, for example unit = {spec.unit!r}")
        return _converted(float(value), said or spec.unit, spec.unit)

    @field_validator("at", mode="before")
    @classmethod
    def _in_the_parameters_unit(cls, at: Any, info: ValidationInfo) -> Any:
        spec = METRICS.get(info.data.get("metric", ""))
        if spec is None or at is None:
            return at
        if spec.parameter is None:
            raise ValueError(f"metric {spec.name!r} takes no 'at'")
        return _in_unit(at, spec.parameter) if isinstance(at, str) else at

    @model_validator(mode="after")
    def _parameter(self) -> Self:
        spec = METRICS[self.metric]
        object.__setattr__(self, "unit", spec.unit)  # the value was converted to it above
        if spec.parameter is not None and self.at is None:
            raise ValueError(
                f"metric {self.metric!r} needs 'at', for example at = '90 {spec.parameter}'"
            )
        return self

    def holds(self, metric: Metric) -> bool | None:
        """Return whether it holds; None: that cannot be known."""
        return metric.holds(self.op, self.value)

    def text(self) -> str:
        """Return it as it is read: ``electron_fluence > 200 1/angstrom^2``."""
        unit = "" if self.unit == "1" else f" {self.unit}"
        at = "" if self.at is None else f" (at {self.at:g} {METRICS[self.metric].parameter})"
        return f"{self.metric}{at} {self.op} {self.value:g}{unit}"

    def titled(self) -> str:
        """Return what the metric is, with its parameter: ``time above 136 K since …``."""
        spec = METRICS[self.metric]
        if self.at is None:
            return spec.title
        return spec.title.replace("the given temperature", f"{self.at:g} {spec.parameter}")


class Basis(FrozenModel):
    """What was published, from which a threshold follows.

    Parameters
    ----------
    published : str
        What the source states.
    derived : str
        How the threshold follows from it; empty where it is stated as such.
    also : list of str
        What the source states besides, where it bears on the threshold or contradicts it.
    voltage, temperature, fluence_rate, duration : str
        The conditions of the statement, with units.
    at_most, above : str
        The temperatures that the threshold is applied to: up to, or warmer than.
    relation : {"=", "<", "<=", ">", ">="}
        The true limit is this to the threshold: ``<`` says that the limit lies below it.
    harmless : bool
        The threshold was shown to do no harm; where harm begins is not published.
    loss : str
        What a storage time cost.
    """

    published: OneLine
    derived: OneLine = ""
    also: list[OneLine] = []
    voltage: str = ""
    temperature: OneLine = ""
    fluence_rate: str = ""
    duration: str = ""
    at_most: str = ""
    above: str = ""
    relation: Literal["=", "<", "<=", ">", ">="] = "="
    harmless: bool = False
    loss: OneLine = ""


class Rule(Comparator):
    """A comparator with scope, effect, words and citation.

    Parameters
    ----------
    id : str
        ``plugin.name``.
    effect : {"note", "doubt", "veto", "off"}
        *note* is shown, *doubt* qualifies a verdict, *veto* leaves the finding out of it; *off*
        is how a study switches a rule off.
    where : list of Comparator
        The rule matters only where all these are known to hold.
    unless : list of Comparator
        The rule is cleared where one of these is known to hold.
    if_unknown : {"nothing", "note", "doubt"}
        What to say where the metric itself is unknown, of a measurement that was made.
    scope : Scope
    words : str
        What a reader sees; ``{metric}`` is replaced by a number, ``{metric.why}`` by how the number
        came about; only metrics of this rule.
    clear : str
        What it would take to clear it.
    citation : str
    doi, arxiv, journal : str
        At least one, unless `grounds` is ``"logic"``: what follows from the record alone.
        `journal`, for what has no number, names volume, year and page.
    basis : Basis, optional
    overrides : str
        Filled in by the core where a study changed the rule: what, and why.
    """

    id: str
    effect: Effect
    where: list[Comparator] = []
    unless: list[Comparator] = []
    if_unknown: Literal["nothing", "note", "doubt"] = "nothing"
    scope: Scope = Scope()
    words: OneLine
    clear: OneLine
    citation: OneLine
    doi: str = ""
    arxiv: str = ""
    journal: OneLine = ""
    grounds: Literal["published", "logic"] = "published"
    basis: Basis | None = None
    overrides: OneLine = ""

    @field_validator("id")
    @classmethod
    def _named(cls, name: str) -> str:
        if not _ID.match(name):
            raise ValueError(f"{name!r}: write plugin.name in small letters, digits and hyphens")
        return name

    @field_validator("doi", "arxiv")
    @classmethod
    def _citable(cls, number: str, info: ValidationInfo) -> str:
        form, example = (
            (_DOI, "10.1234/abc") if info.field_name == "doi" else (_ARXIV, "2412.19376")
        )
        if number and not form.match(number):
            raise ValueError(f"{number!r} is not of the form {example}")
        return number

    @field_validator("journal")
    @classmethod
    def _findable(cls, place: str) -> str:
        if place and not _JOURNAL.match(place):
            raise ValueError(f"{place!r}: write journal, volume, (year), page")
        return place

    @field_validator("clear", "citation", "words")
    @classmethod
    def _said(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("it is empty")
        return text

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {c.metric for c in self.comparators}
        wrong = [w for w in _BRACES.findall(self.words) if w.removesuffix(".why") not in named]
        if wrong:
            raise ValueError(
                f"words name {{{wrong[0]}}}, which is no metric of this rule "
                f"({', '.join(sorted(named))})"
            )
        if self.grounds == "published" and not (self.doi or self.arxiv or self.journal):
            raise ValueError("a rule needs 'doi', 'arxiv' or 'journal' (or grounds = 'logic')")
        return self

    @property
    def comparators(self) -> tuple[Comparator, ...]:
        """Its own comparison, then those of `where` and `unless`."""
        return (self, *self.where, *self.unless)

    def when(self) -> str:
        """Return all that decides whether it fires: ``a > 1 and b == 1, unless c > 0 s``."""
        unless = "".join(f", unless {c.text()}" for c in self.unless)
        return " and ".join([self.text(), *(c.text() for c in self.where)]) + unless

    @property
    def cited(self) -> str:
        """The citation with its numbers."""
        numbers = [
            f"doi:{self.doi}" if self.doi else "",
            f"arXiv:{self.arxiv}" if self.arxiv else "",
            self.journal,
        ]
        return ", ".join([self.citation, *(n for n in numbers if n)])

    @property
    def link(self) -> str:
        """Where the citation is found; empty for what follows from the record."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""

    def filled(self, metrics: Mapping[str, Metric]) -> str:
        """Return the words with the numbers that fired the rule."""

        def put(match: re.Match[str]) -> str:
            metric = metrics.get(match[1].removesuffix(".why"))
            if metric is None:
                return "unknown"
            return metric.why or "no reason recorded" if match[1].endswith(".why") else said(metric)

        return _BRACES.sub(put, self.words)


def said(metric: Metric) -> str:
    """Return a metric's number without its unit: ``at least 12``, ``unknown``."""
    if metric.value is not None:
        return f"{metric.value:g}"
    return "unknown" if metric.at_least is None else f"at least {metric.at_least:g}"


def _in_unit(text: str, unit: str) -> float:
    from consilience.quantities import parse_quantity

    try:
        return parse_quantity(text, unit).value
    except BadInputError as error:
        raise ValueError(f"{error.what} ({error.fix})") from error


def _converted(value: float, unit: str, to: str) -> float:
    if unit == to:
        return value
    from consilience.quantities import convert

    try:
        return convert(value, unit, to)
    except BadInputError as error:
        raise ValueError(f"{error.what} ({error.fix})") from error
