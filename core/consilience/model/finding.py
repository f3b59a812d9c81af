"""The Finding: what one analysis says about one sample.

See docs/vocabulary.md for the field table and an example in JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from consilience.model.base import (
    FiniteFloat,
    FrozenModel,
    Json,
    NonNegative,
    Origin,
    Quantity,
    StateValue,
)
from consilience.model.canonical import content_id
from consilience.model.elements import SYMBOLS

__all__ = [
    "Covariance",
    "Finding",
    "FindingDraft",
    "Interval",
    "Need",
    "Probe",
    "Region",
    "Rival",
    "Source",
    "SourceFile",
    "Status",
    "Subject",
    "Unassigned",
]

Status = Literal["present", "absent_below_limit", "not_observable"]


class Subject(FrozenModel):
    """What a finding is about: an element, or a phase (formula and space group).

    Parameters
    ----------
    element : str, optional
        Element symbol.
    formula : str, optional
        Reduced formula of a phase or compound.
    space_group : int, optional
        International number, 1 to 230; with `formula` only.
    label : str
        What a reader sees; defaults to the element or the formula.
    """

    element: str | None = None
    formula: str | None = None
    space_group: Annotated[int, Field(ge=1, le=230)] | None = None
    label: str = ""

    @model_validator(mode="before")
    @classmethod
    def _default_label(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and not data.get("label"):
            return {**data, "label": data.get("element") or data.get("formula") or ""}
        return data

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.element is not None and self.formula is not None:
            raise ValueError("a subject is either an element or a formula, not both")
        if self.element is not None and self.element not in SYMBOLS:
            raise ValueError(f"{self.element!r} is no element symbol; write for example 'Li'")
        if self.space_group is not None and self.formula is None:
            raise ValueError("a space group needs a formula beside it")
        if not self.label:
            raise ValueError("a subject needs an element, a formula or a label")
        return self

    @property
    def key(self) -> str:
        """What makes two subjects the same: element, or formula and space group."""
        if self.element is not None:
            return self.element
        if self.formula is not None:
            return f"{self.formula}#{self.space_group or '?'}"
        return self.label


class Region(FrozenModel):
    """Where on or in the sample: coordinates in a named frame."""

    shape: Literal["point", "line", "box", "polygon", "sphere", "cylinder", "mask", "whole"]
    coordinates: list[list[FiniteFloat]] = []
    unit: str = "um"
    frame: str
    array: str | None = None
    label: str = ""


class Probe(FrozenModel):
    """What was probed; None where unknown.

    Parameters
    ----------
    depth : Quantity, optional
        Along the beam or inwards: information depth, thickness that the beam went through, length
        of a needle.
    lateral : Quantity, optional
        Across: of the beam, or of what one point of a scan stands for.  How far the points reach
        that a number was averaged over says the finding's `region`.
    volume : Quantity, optional
        Of all that the finding speaks of.
    """

    depth: Quantity | None = None
    lateral: Quantity | None = None
    volume: Quantity | None = None


class Interval(FrozenModel):
    """A confidence interval where the error is not symmetric."""

    low: FiniteFloat | None
    high: FiniteFloat | None
    level: Annotated[float, Field(gt=0.0, lt=1.0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"interval: low {self.low} is above high {self.high}")
        return self


class Covariance(FrozenModel):
    """Row and column of this finding in a covariance matrix that a group shares."""

    array: str
    index: Annotated[int, Field(ge=0)]


class Need(FrozenModel):
    """What a compound cannot be without: so many atoms of one element for each of another.

    Parameters
    ----------
    element, per : str
        Element symbols: ``P`` per ``F``.
    at_least : float
        Least ratio of atoms that is known of it, above 0.
    citation : str
        Where that is from.
    """

    element: str
    per: str
    at_least: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    citation: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _two_elements(self) -> Self:
        for symbol in (self.element, self.per):
            if symbol not in SYMBOLS:
                raise ValueError(f"{symbol!r} is no element symbol; write for example 'P'")
        if self.element == self.per:
            raise ValueError(f"a ratio of {self.element} to itself says nothing")
        return self


class Rival(FrozenModel):
    """Another reading of the same data.

    `explains` and `missing` list evidence for and against it, `decided_by` what
    line, range or technique could tell the two apart.  `live`: it could take the place
    of the finding's subject, given all these data; False where it explains some of
    the evidence only, or where lines of its own are missing.  `needs`: the least ratios of
    elements that it has, by which another technique can rule it out.
    """

    subject: Subject
    live: bool = True
    explains: list[str] = []
    missing: list[str] = []
    decided_by: list[str] = []
    note: str = ""
    needs: list[Need] = []

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # findings of rivals that state none keep the IDs that they had before there were needs
        said: dict[str, Any] = handler(self)
        if not self.needs:
            said.pop("needs", None)
        return said


class Unassigned(FrozenModel):
    """What an analysis could not explain."""

    value: FiniteFloat | None
    unit: str | None = None
    note: str = ""


class SourceFile(FrozenModel):
    """One registered file: its role in the measurement, name, hash and size in bytes."""

    role: str
    name: str
    sha256: str
    size: int


class Source(FrozenModel):
    """Where a finding comes from: enough to compute it again, or to look it up."""

    files: list[SourceFile] = []
    plugin: str
    version: str
    analysis: str
    parameters: dict[str, Json] = {}
    citation: str | None = None


class FindingDraft(FrozenModel):
    """A finding as an analysis returns it: the statement without its provenance.

    The core completes it with sample, state, origin, measurements and source, so
    that no plugin can misstate where a number came from.  `array` and
    ``covariance.array`` name an entry of ``AnalysisOutput.arrays``; the core
    replaces the name with the hash of what it stored.

    `state`, where the analysis speaks of another state than its measurements do
    (a series), overrides theirs; `measurements` narrows the list to those that
    this statement rests on.

    Raises
    ------
    ValueError
        A value without unit; a negative or non-finite number; a status without
        the limit or reason that it needs.
    """

    kind: str
    subject: Subject | None = None
    region: Region | None = None
    state: dict[str, StateValue] | None = None
    value: FiniteFloat | None = None
    unit: str | None = None
    std_stat: NonNegative | None = None
    std_sys: NonNegative | None = None
    interval: Interval | None = None
    covariance: Covariance | None = None
    array: str | None = None
    probe: Probe | None = None
    status: Status | None = None
    limit: NonNegative | None = None
    reason: str | None = None
    rivals: list[Rival] = []
    unassigned: Unassigned | None = None
    evidence: dict[str, Json] = {}
    assumptions: list[str] = []
    method: str
    measurements: list[str] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _check_statement(self)
        return self

    @property
    def std(self) -> float | None:
        """Total standard deviation; None unless both parts are known."""
        return _total_std(self.std_stat, self.std_sys)


class Finding(FrozenModel):
    """What one analysis says about one sample, with where it came from."""

    id: str
    kind: str
    subject: Subject | None
    sample: str
    region: Region | None
    state: dict[str, StateValue]
    value: FiniteFloat | None
    unit: str | None
    std_stat: NonNegative | None
    std_sys: NonNegative | None
    interval: Interval | None
    covariance: Covariance | None
    array: str | None
    probe: Probe | None
    status: Status | None
    limit: NonNegative | None
    reason: str | None
    rivals: list[Rival]
    unassigned: Unassigned | None
    evidence: dict[str, Json]
    assumptions: list[str]
    method: str
    origin: Origin
    measurements: list[str]
    source: Source

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _check_statement(self)
        if self.origin == "entered" and not self.source.citation:
            raise ValueError("an entered finding needs a citation in source.citation")
        return self

    @property
    def std(self) -> float | None:
        """Total standard deviation; None unless both parts are known."""
        return _total_std(self.std_stat, self.std_sys)

    @property
    def sentence(self) -> str | None:
        """What a finding without a number says, as its analysis words it in ``evidence``."""
        said = self.evidence.get("sentence")
        return said if isinstance(said, str) and said else None

    @property
    def weighed_in(self) -> bool:
        """Whether a *prepare* step entered it."""
        return self.source.analysis == "step.prepare"

    @property
    def entered_by(self) -> str:
        """What speaks where no measurement does: the balance, a technique of the literature."""
        if self.weighed_in:
            return "weighed in"
        return str(self.source.parameters.get("modality", "entered"))

    @classmethod
    def identified(cls, content: Mapping[str, Any]) -> Self:
        """Build a finding from its content and derive the ID from that content."""
        first = cls.model_validate({**content, "id": ""})
        body = first.to_json()
        del body["id"]
        return cls.model_validate({**body, "id": content_id("f", body)})


def _total_std(stat: float | None, sys: float | None) -> float | None:
    if stat is None or sys is None:
        return None
    return math.hypot(stat, sys)


def _check_statement(said: FindingDraft | Finding) -> None:
    if said.value is not None and said.unit is None:
        raise ValueError(f"{said.kind}: a value needs a unit ('1' for a plain number)")
    if said.status == "not_observable" and not said.reason:
        raise ValueError(f"{said.kind}: 'not_observable' needs the reason")
    if said.status == "absent_below_limit" and (said.limit is None or said.unit is None):
        raise ValueError(f"{said.kind}: 'absent_below_limit' needs the limit and its unit")
