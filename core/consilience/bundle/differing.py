"""How two JSON values differ: place by place, numbers by how much.

Equal means: numbers to 1e-9 of the larger one, or of the standard deviation that stands beside
them (a background of 1e-17 ± 1 equals one of 0 ± 1); numbers written in a sentence to one unit of
their last digit; everything else exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.notation import number

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["TOLERANCE", "Difference", "array_differences", "differences"]

TOLERANCE = 1e-9
"""Relative; what other versions and processors may change without changing a result."""

_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_LONGEST = 80


@dataclass(frozen=True)
class Difference:
    """One place where two values differ; `by` is relative, None where there is no number."""

    where: str
    there: str
    here: str
    by: float | None = None

    def __str__(self) -> str:
        size = "" if self.by is None else f" (relative {self.by:.2g})"
        return f"{self.where}: {self.there} in the bundle, {self.here} now{size}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"where": self.where, "there": self.there, "here": self.here, "relative": self.by}


def differences(there: Any, here: Any, where: str = "", scale: float = 0.0) -> Iterator[Difference]:
    """Yield the places in which two JSON values differ beyond the tolerance.

    Parameters
    ----------
    there, here : JSON
    where : str
        Name of the place, for the difference.
    scale : float
        A size, in the unit of the numbers, against which a difference is also held.
    """
    if _is_number(there) and _is_number(here):
        gap = abs(float(there) - float(here))
        size = max(abs(float(there)), abs(float(here)))
        if gap > TOLERANCE * max(size, scale):
            yield Difference(where, _words(there), _words(here), gap / size)
    elif isinstance(there, Mapping) and isinstance(here, Mapping):
        near = max(_spread(there), _spread(here))
        for key in sorted({*there, *here}):
            place = f"{where}.{key}" if where else str(key)
            if key not in there or key not in here:
                yield Difference(place, _words(there.get(key)), _words(here.get(key)))
            else:
                yield from differences(there[key], here[key], place, near)
    elif _is_list(there) and _is_list(here):
        if len(there) != len(here):
            yield Difference(where, f"{len(there)} entries", f"{len(here)} entries")
        for i, (one, other) in enumerate(zip(there, here, strict=False)):
            yield from differences(one, other, f"{where}[{i}]", scale)
    elif isinstance(there, str) and isinstance(here, str):
        if there != here and not _same_sentence(there, here):
            yield Difference(where, _words(there), _words(here))
    elif there != here or isinstance(there, bool) != isinstance(here, bool):
        yield Difference(where, _words(there), _words(here))


def array_differences(there: xr.Dataset, here: xr.Dataset, where: str) -> Iterator[Difference]:
    """Yield the variables and coordinates in which two data sets differ beyond the tolerance.

    A number is held against the larger of the two, or against a thousandth of the largest of its
    variable: what is next to nothing beside its neighbours is decided by rounding.
    """
    import numpy as np

    names = {str(n) for n in there.variables} | {str(n) for n in here.variables}
    for name in sorted(names):
        place = f"{where}.{name}"
        if name not in there.variables or name not in here.variables:
            missing = "not there"
            yield Difference(
                place,
                missing if name not in there.variables else "there",
                missing if name not in here.variables else "there",
            )
            continue
        one, other = np.asarray(there[name].values), np.asarray(here[name].values)
        if one.shape != other.shape:
            yield Difference(place, f"shape {one.shape}", f"shape {other.shape}")
        elif not (one.dtype.kind in "fciub" and other.dtype.kind in "fciub"):
            if not np.array_equal(one, other):
                yield Difference(place, "values", "other values")
        else:
            yield from _numbers_differ(one, other, place)


def _numbers_differ(one: Any, other: Any, place: str) -> Iterator[Difference]:
    import numpy as np

    kind = "complex128" if "c" in (one.dtype.kind, other.dtype.kind) else "float64"
    one, other = one.astype(kind).ravel(), other.astype(kind).ravel()
    unknown = np.isnan(one) | np.isnan(other)
    lost = int((np.isnan(one) != np.isnan(other)).sum())
    if lost:
        yield Difference(place, "numbers", f"{lost} of {one.size} known in one of the two only")
    with np.errstate(invalid="ignore"):
        gap = np.where(unknown | (one == other), 0.0, np.abs(one - other))
        size = np.where(unknown, 0.0, np.maximum(np.abs(one), np.abs(other)))
    if not gap.any():
        return
    finite = size[np.isfinite(size)]
    floor = 1e-3 * float(finite.max()) if finite.size else 0.0
    relative = gap / np.maximum(size, max(floor, 5e-324))
    worst = int(np.argmax(relative))
    if relative[worst] > TOLERANCE:
        number_of = int((relative > TOLERANCE).sum())
        yield Difference(
            f"{place}, {number_of} of {one.size} numbers, most at number {worst}",
            _words(one[worst].item()),
            _words(other[worst].item()),
            float(relative[worst]),
        )


def _spread(value: Mapping[str, Any]) -> float:
    """Return the standard deviation that stands beside the numbers of an object, else 0."""
    known: list[Any] = [value.get(key) for key in ("std", "std_stat", "std_sys")]
    return max((abs(float(v)) for v in known if _is_number(v)), default=0.0)


def _same_sentence(there: str, here: str) -> bool:
    """Return True if two sentences differ in the last digit of their numbers alone."""
    if _NUMBER.sub("#", there) != _NUMBER.sub("#", here):
        return False
    pairs = zip(_NUMBER.findall(there), _NUMBER.findall(here), strict=True)
    return all(one == other or _one_digit_off(one, other) for one, other in pairs)


def _one_digit_off(one: str, other: str) -> bool:
    one, other = one.replace("−", "-"), other.replace("−", "-")
    mantissa, _, power = one.lower().partition("e")
    if "." not in mantissa and not power:
        return False  # whole numbers count things
    unit = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return abs(float(one) - float(other)) <= 1.01 * unit


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _words(value: Any) -> str:
    if value is None:
        return "nothing"
    if _is_number(value):
        return number(value, 12)
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
