"""What all model types share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = [
    "FiniteFloat",
    "FrozenModel",
    "Json",
    "NonNegative",
    "OneLine",
    "Origin",
    "Quantity",
    "Sha256",
    "StateValue",
]

Origin = Literal["measured", "simulated", "entered"]
"""Where numbers come from: an instrument, a program, or a person with a citation."""

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Json = Any
"""A JSON value; canonical_json() checks it where it is hashed."""


class FrozenModel(BaseModel):
    """Immutable, no unknown fields: what was registered does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form (plain dict, list, str, float, None)."""
        return self.model_dump(mode="json")


class Quantity(FrozenModel):
    """A number with its unit, and its standard deviations where they are known."""

    value: FiniteFloat
    unit: str
    std_stat: NonNegative | None = None
    std_sys: NonNegative | None = None


def _no_control_characters(text: str) -> str:
    bad = [c for c in text if ord(c) < 32 or ord(c) == 127]
    if bad:
        raise ValueError(
            f"{text!r} holds the control character {bad[0]!r}; write it on one line without it"
        )
    return text


OneLine = Annotated[str, AfterValidator(_no_control_characters)]
StateValue = str | bool | int | float | Quantity
