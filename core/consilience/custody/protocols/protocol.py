"""Protocols: a planned chain of steps with bounds, as TOML.

See docs/rules.md for the format; `consilience.custody.protocols.holding` holds a chain against one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from consilience.custody.conditions import GLOSSARY
from consilience.custody.metric import Operator
from consilience.errors import BadInputError, NotFoundError
from consilience.model.base import FiniteFloat, FrozenModel, OneLine
from consilience.model.sample import StepType, problems_of

__all__ = [
    "Bound",
    "Never",
    "Planned",
    "Protocol",
    "read_protocol",
    "shipped_protocols",
    "shown_in",
]


def shown_in(value: float, unit: str) -> str:
    """Return a number with its unit; a time in d, h or min where that loses nothing."""
    if unit == "s":
        for seconds, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
            if value >= 2 * seconds and float(f"{value / seconds:.4g}") * seconds == value:
                return f"{value / seconds:.4g} {name}"
    return f"{value:g} {unit}"


class Bound(FrozenModel):
    """What a planned step asks of one condition: a comparison, one of some words, or to be stated.

    Parameters
    ----------
    condition : str
        A name of the glossary; ``duration`` is taken from start and end where it is not stated.
    op, value
        Comparison with a quantity as text (``"-170 degC"``); kept in the glossary's unit.
    one_of : list of str
        Words, of which one must stand there.
    stated : bool
        Whatever it is, it has to be recorded.
    note : str
        What the source says where it gives no such figure.
    """

    condition: str
    op: Operator | None = None
    value: FiniteFloat | None = None
    unit: str = ""
    one_of: list[OneLine] = []
    stated: bool = False
    note: OneLine = ""

    @model_validator(mode="before")
    @classmethod
    def _in_the_glossarys_unit(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        name = data.get("condition")
        known = GLOSSARY.get(name) if isinstance(name, str) else None
        if known is None:
            near = get_close_matches(str(name), GLOSSARY, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(GLOSSARY)}"
            raise ValueError(f"there is no condition {name!r}; {hint}")
        value = data.get("value")
        if value is None:
            return data
        if known.unit is None:
            raise ValueError(f"{name!r} is words; use one_of")
        if not isinstance(value, str):
            if data.get("unit") == known.unit:
                return data
            raise ValueError(f"{value!r} needs its unit: write '{value} {known.unit}'")
        from consilience.quantities import parse_quantity

        try:
            number = parse_quantity(value, known.unit).value
        except BadInputError as error:
            raise ValueError(error.what) from error
        return {**data, "value": number, "unit": known.unit}

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        asked = [self.op is not None, bool(self.one_of), self.stated]
        if sum(asked) != 1 or (self.op is None) != (self.value is None):
            raise ValueError(
                f"bound of {self.condition!r}: write op and value, or one_of, or stated = true"
            )
        return self

    def text(self) -> str:
        """Return it as it is read: ``temperature <= 103.15 K``."""
        if self.one_of:
            return f"{self.condition} is {' or '.join(self.one_of)}"
        if self.stated:
            return f"{self.condition} is stated"
        assert self.value is not None  # the check above asks for a comparison, words or stated
        return f"{self.condition} {self.op} {shown_in(self.value, self.unit)}"


class Planned(FrozenModel):
    """A step as planned: one of some types, within bounds; `relaxed` says what else is allowed."""

    title: OneLine
    type: list[StepType] = Field(min_length=1)
    optional: bool = False
    bounds: list[Bound] = []
    relaxed: OneLine = ""


class Never(FrozenModel):
    """A type of step that the protocol rules out, and why."""

    type: StepType
    why: OneLine


class Protocol(FrozenModel):
    """A planned chain.

    Parameters
    ----------
    name : str
        One word, by which the command line knows it.
    title, citation, doi, arxiv : str
    step : list of Planned
        In order.
    never : list of Never
    origin : str
        ``shipped``, or where it was brought from.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: OneLine
    citation: OneLine
    doi: str = ""
    arxiv: str = ""
    step: list[Planned] = Field(min_length=1)
    never: list[Never] = []
    origin: Literal["shipped", "study", "file"] = "study"

    @property
    def cited(self) -> str:
        """The citation with its numbers."""
        numbers = [("doi", self.doi), ("arXiv", self.arxiv)]
        return ", ".join([self.citation, *(f"{name}:{n}" for name, n in numbers if n)])


def read_protocol(
    table: Mapping[str, Any], where: str, origin: Literal["shipped", "study", "file"] = "study"
) -> Protocol:
    """Check one protocol.

    Raises
    ------
    BadInputError
        All problems at once, each with its place (``step.2.bounds.0``).
    """
    try:
        return Protocol.model_validate({**table, "origin": origin})
    except ValidationError as error:
        problems = problems_of(error)
        raise BadInputError(
            f"{where}: {len(problems)} problem(s): {'; '.join(problems)}",
            fix="correct the places that are named; numbers count from 0",
        ) from error


def protocol_from_file(path: Path) -> Protocol:
    """Read a protocol from a TOML file of its own."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"the protocol {path.name!r} cannot be read: {error}", fix="check the path", path=path
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(
            f"{path.name!r} is not TOML: {error}", fix="mend the line that is named"
        ) from error
    return read_protocol(table, path.name, "file")


def shipped_protocols() -> dict[str, Protocol]:
    """Return the protocols that come with the program, by name."""
    folder = files("consilience.custody.protocols")
    found = {}
    for item in sorted(folder.iterdir(), key=lambda i: i.name):
        if item.name.endswith(".toml"):
            table = tomllib.loads(item.read_text(encoding="utf-8"))
            protocol = read_protocol(table, item.name, "shipped")
            found[protocol.name] = protocol
    return found


def chosen(name: str, own: Sequence[Protocol] = ()) -> Protocol:
    """Return a protocol by name (the study's own first), or from a file that ends in .toml.

    Raises
    ------
    NotFoundError
        There is none; the message lists what there is.
    """
    if name.endswith(".toml"):
        return protocol_from_file(Path(name))
    known = shipped_protocols() | {p.name: p for p in own}
    if name not in known:
        raise NotFoundError(
            f"there is no protocol {name!r}",
            fix=f"there are {', '.join(sorted(known))}; or give a file that ends in .toml",
        )
    return known[name]
