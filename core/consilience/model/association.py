"""What a study asks of its series: which two quantities to hold against each other over states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from consilience.model.base import FrozenModel, OneLine, Quantity, StateValue

__all__ = ["AssociationRequest", "SeriesChoice"]


class SeriesChoice(FrozenModel):
    """One quantity that is followed over states; what is left out may be anything.

    Parameters
    ----------
    kind : str
        Of its findings; a plain text stands for ``{ kind = text }``.
    subject : str, optional
        Element, formula or label.
    technique : str, optional
        Modality of the measurements, or who entered the numbers.
    sample : str, optional
    state : dict
        Values that are held: ``{ electrode = "cathode" }``.
    """

    kind: str
    subject: str | None = None
    technique: str | None = None
    sample: str | None = None
    state: dict[str, StateValue] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        return {"kind": data} if isinstance(data, str) else data


class AssociationRequest(FrozenModel):
    """Two quantities that the study wants to be held against each other, state by state.

    Parameters
    ----------
    first, second : SeriesChoice
    expect : {"same", "opposite"}, optional
        How they are claimed to go; only a claim can be contradicted.
    order : str or list of str, optional
        State variable that orders the states (``"cycle"``), or its values in their order.
    systematic : {"independent", "common"}
        Whether the systematic errors of one technique are the same in all states, so that
        changes do not have them.
    reason : str
        Who claims it, and why systematic errors are common.

    Raises
    ------
    ValueError
        A claim, or common errors, without the reason.
    """

    first: SeriesChoice
    second: SeriesChoice
    expect: Literal["same", "opposite"] | None = None
    order: str | list[str] | None = None
    systematic: Literal["independent", "common"] = "independent"
    reason: OneLine = ""

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if (self.expect is not None or self.systematic == "common") and not self.reason:
            raise ValueError(
                "an association with 'expect' or common systematic errors needs its 'reason'"
            )
        return self

    @property
    def name(self) -> str:
        """Both quantities in words; what makes two requests one."""
        return f"{_said(self.first)} against {_said(self.second)}"

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the request that a table of the study's file, or a note, holds."""
        return cls.model_validate({k: v for k, v in content.items() if k in cls.model_fields})


def _said(choice: SeriesChoice) -> str:
    held = ", ".join(f"{k} {_value(v)}" for k, v in sorted(choice.state.items()))
    parts = (
        choice.kind.replace("_", " "),
        f"of {choice.subject}" if choice.subject else "",
        f"by {choice.technique}" if choice.technique else "",
        f"on {choice.sample}" if choice.sample else "",
        f"({held})" if held else "",
    )
    return " ".join(part for part in parts if part)


def _value(value: StateValue) -> str:
    return f"{value.value:g} {value.unit}" if isinstance(value, Quantity) else str(value)
