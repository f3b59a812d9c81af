"""Regions of interest: boxes, cylinders and spheres in any direction, and their combinations.

Lengths are nm, in the frame of the reconstruction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.space.counting import Selects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = [
    "Both",
    "Box",
    "Cylinder",
    "Direction",
    "Not",
    "Region",
    "Slab",
    "Sphere",
    "frame_of",
    "unit_vector",
]

Direction = str | Sequence[float]
"""``"x"``, ``"y"``, ``"z"``, or three numbers."""


class Region(Selects, Protocol):
    """A region of interest."""

    @property
    def volume(self) -> float | None:
        """nm³; None where it depends on where the needle ends."""
        ...

    def to_json(self) -> Json:
        """Return shape and numbers as plain values."""
        ...


def unit_vector(direction: Direction) -> NDArray[np.float64]:
    """Return a direction as a vector of length one.

    Raises
    ------
    BadInputError
        It is no direction.
    """
    if isinstance(direction, str):
        if direction not in ("x", "y", "z"):
            raise BadInputError(
                f"{direction!r} is no axis", fix="write x, y or z, or give three numbers"
            )
        axis: NDArray[np.float64] = np.eye(3)["xyz".index(direction)]
        return axis
    vector = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(vector)) if vector.shape == (3,) else math.nan
    if not (math.isfinite(length) and length > 0):
        raise BadInputError(
            f"{tuple(np.ravel(vector).tolist())} is no direction",
            fix="give three finite numbers that are not all zero",
        )
    unit: NDArray[np.float64] = vector / length
    return unit


def frame_of(direction: Direction) -> NDArray[np.float64]:
    """Return three rows (u, v, w), right-handed, of which w is the direction."""
    w = unit_vector(direction)
    helper = np.eye(3)[int(np.argmin(np.abs(w)))]
    u = np.cross(helper, w)
    if isinstance(direction, str):
        place = "xyz".index(direction)
        u = np.eye(3)[(place + 1) % 3]
    u = u / np.linalg.norm(u)
    return np.array([u, np.cross(w, u), w])


def _point(value: Sequence[float], what: str) -> tuple[float, float, float]:
    numbers = tuple(float(v) for v in value)
    if len(numbers) != 3 or not all(math.isfinite(v) for v in numbers):
        raise BadInputError(
            f"the {what} {numbers} is not three finite numbers", fix="give x, y and z in nm"
        )
    return numbers


def _length(value: float, what: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise BadInputError(f"a {what} of {value:g} nm", fix="give a positive length in nm")


def _along(
    vector: NDArray[np.float64], point: Sequence[float], *position: NDArray[np.float32]
) -> NDArray[np.float64]:
    found = np.full(position[0].shape, -float(np.dot(vector, point)))
    for factor, column in zip(vector, position, strict=True):
        if factor:
            found += factor * column
    return found


@dataclass(frozen=True)
class Box:
    """A box around `centre` with full lengths `size` along the axes of its own frame.

    Parameters
    ----------
    centre : three floats
        nm.
    size : three floats
        nm, along u, v and w; half-open, so that boxes side by side share no ion.
    direction : str or three floats
        w; for ``"z"`` the frame is x, y, z.
    """

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    direction: str | tuple[float, float, float] = "z"
    _frame: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _point(self.centre, "centre"))
        object.__setattr__(self, "size", _point(self.size, "size"))
        for value in self.size:
            _length(value, "box side")
        object.__setattr__(self, "_frame", frame_of(self.direction))

    @classmethod
    def between(cls, low: Sequence[float], high: Sequence[float]) -> Box:
        """Return the box along x, y, z from one corner to the other."""
        a, b = np.asarray(low, float), np.asarray(high, float)
        centre, size = (a + b) / 2, b - a
        return cls(
            (centre[0], centre[1], centre[2]),
            (size[0], size[1], size[2]),
        )

    @property
    def volume(self) -> float:
        """nm³."""
        return math.prod(self.size)

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are inside."""
        inside = np.ones(x.shape, bool)
        for vector, length in zip(self._frame, self.size, strict=True):
            at = _along(vector, self.centre, x, y, z)
            inside &= (at >= -length / 2) & (at < length / 2)
        return inside

    def to_json(self) -> Json:
        """Return shape and numbers."""
        return {
            "shape": "box",
            "centre": list(self.centre),
            "size": list(self.size),
            "frame": self._frame.tolist(),
            "unit": "nm",
        }


@dataclass(frozen=True)
class Cylinder:
    """A cylinder around `centre`, of full `length` along `direction` (all nm)."""

    centre: tuple[float, float, float]
    radius: float
    length: float
    direction: str | tuple[float, float, float] = "z"
    _axis: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _point(self.centre, "centre"))
        _length(self.radius, "radius")
        _length(self.length, "length")
        object.__setattr__(self, "_axis", unit_vector(self.direction))

    @property
    def volume(self) -> float:
        """nm³."""
        return math.pi * self.radius**2 * self.length

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are inside."""
        at = _along(self._axis, self.centre, x, y, z)
        square = (x - self.centre[0]) ** 2.0 + (y - self.centre[1]) ** 2.0
        square = square + (z - self.centre[2]) ** 2.0 - at**2
        inside: NDArray[np.bool_] = square < self.radius**2
        return inside & (at >= -self.length / 2) & (at < self.length / 2)

    def to_json(self) -> Json:
        """Return shape and numbers."""
        return {
            "shape": "cylinder",
            "centre": list(self.centre),
            "radius": self.radius,
            "length": self.length,
            "direction": self._axis.tolist(),
            "unit": "nm",
        }


@dataclass(frozen=True)
class Sphere:
    """A sphere around `centre` (all nm)."""

    centre: tuple[float, float, float]
    radius: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _point(self.centre, "centre"))
        _length(self.radius, "radius")

    @property
    def volume(self) -> float:
        """nm³."""
        return 4 / 3 * math.pi * self.radius**3

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are inside."""
        a, b, c = self.centre
        inside: NDArray[np.bool_] = (x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 < self.radius**2
        return inside

    def to_json(self) -> Json:
        """Return shape and numbers."""
        return {
            "shape": "sphere",
            "centre": list(self.centre),
            "radius": self.radius,
            "unit": "nm",
        }


@dataclass(frozen=True)
class Slab:
    """What lies between two planes across `direction`, ``low ≤ distance < high`` (nm)."""

    low: float
    high: float
    direction: str | tuple[float, float, float] = "z"
    _axis: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _length(self.high - self.low, "slab thickness")
        object.__setattr__(self, "_axis", unit_vector(self.direction))

    @property
    def volume(self) -> None:
        """None: it ends where the needle does."""
        return

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are inside."""
        at = _along(self._axis, (0.0, 0.0, 0.0), x, y, z)
        return (at >= self.low) & (at < self.high)

    def to_json(self) -> Json:
        """Return shape and numbers."""
        return {
            "shape": "slab",
            "low": self.low,
            "high": self.high,
            "direction": self._axis.tolist(),
            "unit": "nm",
        }


@dataclass(frozen=True)
class Both:
    """What lies in each of several regions; its volume is not known."""

    regions: tuple[Region, ...]

    @property
    def volume(self) -> None:
        """None."""
        return

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are inside of all."""
        inside = np.ones(x.shape, bool)
        for region in self.regions:
            inside &= region.contains(x, y, z)
        return inside

    def to_json(self) -> Json:
        """Return the regions."""
        return {"shape": "both", "regions": [region.to_json() for region in self.regions]}


@dataclass(frozen=True)
class Not:
    """What lies outside of a region; its volume is not known."""

    region: Region

    @property
    def volume(self) -> None:
        """None."""
        return

    def contains(
        self, x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Return which positions are outside."""
        return ~self.region.contains(x, y, z)

    def to_json(self) -> Json:
        """Return the region."""
        return {"shape": "not", "region": self.region.to_json()}
