"""Small needles for the repeats: the same truth by either forward model."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, cast

from consilience_apt.files.stream import array_source
from consilience_apt.simulation import (
    Layer,
    NeedleParams,
    SimulatedIons,
    draw_ions,
    needle_ranges,
)

if TYPE_CHECKING:
    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["drawn", "needle", "ranges", "source"]

Model = Literal["first", "second"]


def needle(
    model: str,
    layers: tuple[Layer, ...],
    ions: int = 3000,
    background: float = 0.0,
    multiples: float = 0.1,
    like_loss: float = 0.0,
    tail: float = 0.1,
    tail_length: float = 0.003,
) -> NeedleParams:
    """Return the parameters of a needle of 10 nm radius."""
    return NeedleParams(
        ions=ions,
        radius=10.0,
        layers=layers,
        background=background,
        multiples=multiples,
        like_loss=like_loss,
        tail=tail,
        tail_length=tail_length,
        longest_mass=100.0,
        model=cast("Model", model),
    )


@lru_cache(maxsize=16)
def _ranges(text: str) -> RangeTable:
    return needle_ranges(NeedleParams.model_validate_json(text))


def ranges(params: NeedleParams) -> RangeTable:
    """Return ranges for a needle; the same needle is asked for a thousand times."""
    return _ranges(params.model_dump_json())


def drawn(params: NeedleParams, seed: int) -> SimulatedIons:
    """Return the ions of one repeat."""
    return draw_ions(params, seed)


def source(ions: SimulatedIons) -> IonSource:
    """Return them as an analysis gets them."""
    return array_source(
        ions.x, ions.y, ions.z, ions.mass_to_charge, {"ions_per_pulse": ions.ions_per_pulse}
    )
