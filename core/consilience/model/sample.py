"""Samples, the steps they went through, and sensor series."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from consilience.model.base import (
    FrozenModel,
    Json,
    NonNegative,
    OneLine,
    Origin,
    Quantity,
    Sha256,
)
from consilience.model.elements import SYMBOLS
from consilience.model.finding import Region, Subject

__all__ = ["STEP_TYPES", "Constituent", "Sample", "SensorSeries", "Step", "StepType"]

StepType = Literal[
    "prepare",
    "cycle",
    "bias",
    "disassemble",
    "rinse",
    "dry",
    "store",
    "transfer",
    "freeze",
    "warm",
    "mill",
    "lift_out",
    "coat",
    "expose",
    "measure",
]
STEP_TYPES: tuple[str, ...] = StepType.__args__  # type: ignore[attr-defined]

_ID = re.compile(r"^[^\s/\\\x00-\x1f\x7f]([^/\\\x00-\x1f\x7f]*[^\s/\\\x00-\x1f\x7f])?$")


def _sample_id(text: str) -> str:
    if len(text) > 200:
        raise ValueError(f"sample ID of {len(text)} characters; at most 200 are allowed")
    if not _ID.match(text):
        raise ValueError(
            f"{text!r} cannot be a sample ID: it is empty, has a slash, a line break or another "
            "control character, or starts or ends with a space"
        )
    return text


SampleId = Annotated[str, AfterValidator(_sample_id)]


class Sample(FrozenModel):
    """A thing that was measured.

    Parameters
    ----------
    id : str
        What everybody calls it; one line, no slash.
    title : str
        What a reader sees beside the ID.
    parent : str, optional
        ID of the sample it was cut from.
    cut : Region, optional
        Where in the parent; None if unknown.
    control_of : str, optional
        ID of the sample that this one is a control of (blank, dry cell, raw
        electrolyte).
    elements : list of str
        Elements that can be in it, if the user says so; empty: not said.
    materials : list of str
        What it is made of, in the words that rules of custody use (``"Li metal"``,
        ``"Gen 2"``, ``"NMC811"``); what was weighed in counts as well.
    """

    id: SampleId
    title: OneLine = ""
    parent: SampleId | None = None
    cut: Region | None = None
    control_of: SampleId | None = None
    elements: list[str] = []
    materials: list[OneLine] = []
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.parent == self.id or self.control_of == self.id:
            raise ValueError(f"sample {self.id!r} cannot be its own parent or control")
        if self.cut is not None and self.parent is None:
            raise ValueError(f"sample {self.id!r}: 'cut' says where in the parent; name the parent")
        wrong = [e for e in self.elements if e not in SYMBOLS]
        if wrong:
            raise ValueError(f"sample {self.id!r}: {wrong[0]!r} is no element symbol")
        return self


class Constituent(FrozenModel):
    """A phase that was put into a sample when it was prepared."""

    subject: Subject
    mass_fraction: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    std_stat: NonNegative | None = None
    std_sys: NonNegative | None = None


class Step(FrozenModel):
    """Something that happened to a sample.

    `conditions` holds typed quantities (temperature, pressure, …); what each type
    of step asks for stands in `consilience.custody.conditions`.  `sequence` is the
    place in the sample's chain where no times are known.  `derives` names the child
    sample that this step made of `sample`, `remains` what is left of the parent.
    `constituents` belongs to *prepare*: what was weighed in, and with `complete`
    whether nothing else was.  `origin` is *simulated* where the step never happened
    (a demonstration).
    """

    id: str = ""
    sample: SampleId
    type: StepType
    start: str | None = None
    end: str | None = None
    sequence: Annotated[int, Field(ge=1)] | None = None
    title: OneLine = ""
    derives: SampleId | None = None
    remains: OneLine = ""
    conditions: dict[str, Quantity | str | bool | int | float] = {}
    constituents: list[Constituent] = []
    complete: bool = False
    origin: Origin = "entered"
    citation: str | None = None
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.derives == self.sample:
            raise ValueError(f"step {self.type!r}: a sample cannot be derived from itself")
        if self.remains and self.derives is None:
            raise ValueError(
                f"step {self.type!r}: 'remains' says what is left of the parent; name the child "
                "in 'derives'"
            )
        if self.constituents and self.type != "prepare":
            raise ValueError(f"step {self.type!r}: constituents belong to a 'prepare' step")
        if self.constituents and self.origin == "entered" and not self.citation:
            raise ValueError(
                "step 'prepare': constituents are entered by a person; give 'citation', for "
                "example the page of the lab book"
            )
        return self


class SensorSeries(FrozenModel):
    """Sensor data over time, belonging to a step.

    Columns are stored as an array with dimension ``time``; `columns` gives name
    to unit.  `problems` lists what was noticed on import (gaps, stuck sensors);
    `suspect` names the columns that look stuck though the mapping states no limit: their
    readings count, with a word.
    """

    id: str = ""
    step: str
    sample: SampleId
    file: str
    sha256: Sha256
    array: str | None
    columns: dict[str, str]
    rows: Annotated[int, Field(ge=0)]
    start: str | None = None
    time_zone: str | None = None
    problems: list[str] = []
    suspect: list[str] = []
    mapping: dict[str, Json] = {}


def problems_of(error: Any) -> list[str]:
    """Return a pydantic ValidationError as lines ``place: what``, all at once."""
    lines = []
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        message = str(item["msg"]).removeprefix("Value error, ")
        if item["type"] in ("tuple_type", "list_type"):
            message = f'{item["input"]!r} is one value; several are taken, in brackets: ["…", …]'
        elif item["type"] == "extra_forbidden" and item["loc"]:
            message = "nothing of that name is known"
        lines.append(f"{place}: {message}" if place else message)
    return lines
