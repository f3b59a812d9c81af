"""What a simulated needle consists of, and how it is detected."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from consilience_apt.ions import Ion, isotopes

__all__ = ["Clusters", "Layer", "NeedleParams", "Shares"]

Shares = dict[str, Annotated[float, Field(ge=0.0)]]
"""Share of each ion among the ions (not atoms), e.g. ``{"Li+": 0.5, "Pt++": 0.5}``; any scale."""

Length = Annotated[float, Field(gt=0.0, le=5000.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _checked(shares: Shares) -> Shares:
    if not sum(shares.values()) > 0 or not math.isfinite(sum(shares.values())):
        raise ValueError("no ion has a share above 0")
    for name in shares:
        ion = Ion.parse(name)
        if ion.charge is None:
            raise ValueError(f"{name!r} has no charge; write {name}+, {name}++ …")
        for symbol, _ in ion.elements:
            isotopes(symbol)  # an element without natural isotopes has no place in a spectrum
    return shares


class Layer(BaseModel):
    """One layer; its `top` is what is evaporated first.

    With `bottom`, composition goes linearly from one to the other.  `blur` is the standard
    deviation, in nm, of the step to the next layer; `density` its ions per volume relative to the
    other layers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    thickness: Length
    top: Shares
    bottom: Shares | None = None
    density: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    blur: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0

    @field_validator("top", "bottom")
    @classmethod
    def _ions(cls, value: Shares | None) -> Shares | None:
        return None if value is None else _checked(value)


class Clusters(BaseModel):
    """Spheres of another composition, at random places in one layer; they may overlap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: Annotated[int, Field(ge=0)]
    number: Annotated[int, Field(ge=1, le=10_000)]
    radius: Length
    ions: Shares

    @field_validator("ions")
    @classmethod
    def _known(cls, value: Shares) -> Shares:
        return _checked(value)


def _default_layers() -> tuple[Layer, ...]:
    return (
        Layer(name="cap", thickness=10.0, top={"Cr+": 0.4, "Cr++": 0.6}),
        Layer(name="silicon", thickness=65.0, top={"Si++": 0.9, "Si+": 0.05, "H+": 0.05}),
    )


class NeedleParams(BaseModel):
    """Parameters of `simulate_needle`; lengths in nm.

    The axis lies along z, the first layer's top at z = 0, depths are negative.

    Attributes
    ----------
    ions : int
        Detected ions, background included.
    radius : float
        Of the needle at its top.
    shank : float
        Half angle of the cone in degrees; 0 is a cylinder.
    layers, clusters
    resolution : float
        m/Δm at half maximum of a peak without tail.
    tail : float
        Share of the ions of a peak that leave late (0 to 1).
    tail_length : float
        Mean delay of those, as a share of their mass-to-charge ratio.
    background : float
        Share of the ions that come at any time, whatever was evaporated.
    longest_mass : float
        Da; where the spectrum ends.
    multiples : float
        Probability that an ion comes with the pulse of the one before.
    like_loss : float
        Probability that a further ion of a pulse is lost if it is of the same species.
    order : float
        nm; how far the order of detection strays from the order of depth.
    model : {"first", "second"}
        "first": Gaussian peaks with exponential tails, background constant in time of flight,
        Poisson numbers, error functions at interfaces.  "second" shares none of these:
        Student peaks with power-law tails, background falling with mass besides, density in
        bursts, double-exponential interfaces, detection that depends on where the detector is hit.
    files : tuple
        Of "pos", "epos", "rrng"; what is written.
    truth : bool
        Also write ``simulated-truth.json``: what was planted, for a scorer alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ions: Annotated[int, Field(ge=1, le=100_000_000)] = 3000
    radius: Length = 20.0
    shank: Annotated[float, Field(ge=0.0, lt=45.0)] = 0.0
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)] = Field(
        default_factory=_default_layers
    )
    clusters: Clusters | None = None
    resolution: Annotated[float, Field(ge=20.0, le=100_000.0)] = 600.0
    tail: Share = 0.1
    tail_length: Annotated[float, Field(gt=0.0, le=0.1)] = 0.003
    background: Share = 0.05
    longest_mass: Annotated[float, Field(gt=10.0, le=1000.0)] = 200.0
    multiples: Annotated[float, Field(ge=0.0, le=0.9)] = 0.1
    like_loss: Share = 0.0
    order: Annotated[float, Field(ge=0.0, le=100.0)] = 0.2
    model: Literal["first", "second"] = "first"
    files: Annotated[tuple[Literal["pos", "epos", "rrng"], ...], Field(min_length=1)] = ("pos",)
    truth: bool = False

    @model_validator(mode="after")
    def _fits(self) -> NeedleParams:
        if self.clusters is not None and self.clusters.layer >= len(self.layers):
            raise ValueError(
                f"clusters in layer {self.clusters.layer}, but there are {len(self.layers)} layers"
            )
        if len(set(self.files)) != len(self.files):
            raise ValueError(f"files {', '.join(self.files)} name one twice")
        if self.files == ("rrng",):
            raise ValueError("a range file alone is no measurement; add pos or epos")
        return self

    @property
    def depth(self) -> float:
        """Sum of the layers in nm."""
        return math.fsum(layer.thickness for layer in self.layers)

    @property
    def species(self) -> tuple[str, ...]:
        """All ions that occur, in order of first mention."""
        named: dict[str, None] = {}
        for layer in self.layers:
            named.update(dict.fromkeys(layer.top))
            named.update(dict.fromkeys(layer.bottom or {}))
        if self.clusters is not None:
            named.update(dict.fromkeys(self.clusters.ions))
        return tuple(named)
