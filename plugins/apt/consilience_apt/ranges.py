"""Ranges of mass-to-charge ratio, and which of them each ion falls into.

A range is half-open: ``low ≤ m/z < high``, with the edge as the 64-bit number that the range
file gave and the ion as the 32-bit number that its file gave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.ions import Ion, has_isotopes, isotopologues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["Range", "RangeTable", "assign_charges", "problems_of"]

MOST_RANGES = 254
"""Labels are one byte: 0 is unranged, and one value marks cells that hold an edge."""
LARGEST_EDGE = 10_000.0
"""Da; ten times what instruments record, so that the lookup table stays small."""
_SHIFT = 9
"""Cells of the lookup table are 2⁹ neighbouring float32: 0.001 Da wide at 16 Da."""
_EDGE = 255


@dataclass(frozen=True)
class Range:
    """One range, ``[low, high)`` in Da.

    Parameters
    ----------
    low, high : float
        Da.
    ion : Ion or None
        None: the range is there, what it holds was not identified.
    volume : float or None
        nm³ of one ion, as the file says.
    colour : str
        ``#rrggbb`` or empty.
    label : str
        What the file called it.
    line : int or None
        Line of the range file, counted from 1.
    """

    low: float
    high: float
    ion: Ion | None = None
    volume: float | None = None
    colour: str = ""
    label: str = ""
    line: int | None = None

    @property
    def text(self) -> str:
        """Edges, what is in it, and the line it came from, for messages."""
        what = self.ion.name if self.ion else self.label or "unidentified"
        where = f" (line {self.line})" if self.line is not None else ""
        return f"{self.low:g} to {self.high:g} Da, {what}{where}"


def problems_of(ranges: Sequence[Range]) -> list[tuple[int | None, str]]:
    """Return all that is wrong with some ranges, with the line of each where known.

    NaN or infinite edges, negative or reversed ones (equal edges hold nothing), ranges that
    overlap, volumes that are not positive.
    """
    found: list[tuple[int | None, str]] = []
    sound: list[Range] = []
    for one in ranges:
        if not (math.isfinite(one.low) and math.isfinite(one.high)):
            found.append((one.line, f"an edge is not finite: {one.text}"))
        elif one.low < 0:
            found.append((one.line, f"an edge is negative: {one.text}"))
        elif max(one.low, one.high) > LARGEST_EDGE:
            found.append((one.line, f"an edge is beyond {LARGEST_EDGE:g} Da: {one.text}"))
        elif one.low > one.high:
            found.append((one.line, f"reversed: {one.text}"))
        elif np.float32(one.low) == np.float32(one.high):
            found.append((one.line, f"empty: {one.text}"))
        else:
            sound.append(one)
        if one.volume is not None and not (math.isfinite(one.volume) and one.volume >= 0):
            found.append((one.line, f"volume {one.volume:g} nm³: {one.text}"))
    sound.sort(key=lambda one: (one.low, one.high))
    widest: Range | None = None
    for one in sound:
        if widest is not None and one.low < widest.high:
            found.append((one.line, f"overlap: {one.text}, with {widest.text}"))
        if widest is None or one.high > widest.high:
            widest = one
    return sorted(found, key=lambda pair: (pair[0] is None, pair[0] or 0))


class RangeTable:
    """Ranges in order of mass, none of which overlap.

    Parameters
    ----------
    ranges : sequence of Range
        In any order.
    source : str
        Name of the file, or whatever they come from.

    Raises
    ------
    BadInputError
        Ranges that are reversed, not finite or overlap (all are listed), none at all, or more
        than 254.
    """

    def __init__(self, ranges: Sequence[Range], source: str = "") -> None:
        problems = problems_of(ranges)
        if not ranges:
            problems.append((None, "there is no range"))
        if len(ranges) > MOST_RANGES:
            problems.append((None, f"{len(ranges)} ranges, at most {MOST_RANGES} can be used"))
        if problems:
            raise BadInputError(
                f"{source or 'the ranges'}: " + "; ".join(text for _, text in problems),
                fix="correct these ranges: every mass belongs to one range at most",
                line=problems[0][0],
            )
        self.ranges: tuple[Range, ...] = tuple(sorted(ranges, key=lambda one: one.low))
        self.source = source

    def __len__(self) -> int:
        return len(self.ranges)

    def __eq__(self, other: object) -> bool:
        """Equal edges and ions; volumes, colours, labels and lines are no part of it."""
        return isinstance(other, RangeTable) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[tuple[float, float, Ion | None], ...]:
        return tuple((one.low, one.high, one.ion) for one in self.ranges)

    @cached_property
    def ions(self) -> list[Ion]:
        """Distinct species by formula, whatever their charge, in order of the first range."""
        return list(dict.fromkeys(one.ion.with_charge(None) for one in self.ranges if one.ion))

    @cached_property
    def species(self) -> NDArray[np.uint8]:
        """Label of a range to 1 + index into `ions`; 0 for unranged and unidentified."""
        places = {ion: place + 1 for place, ion in enumerate(self.ions)}
        return np.array(
            [0, *(places[one.ion.with_charge(None)] if one.ion else 0 for one in self.ranges)],
            dtype=np.uint8,
        )

    @cached_property
    def elements(self) -> list[str]:
        """Distinct elements in order of the first range that has them."""
        return list(dict.fromkeys(symbol for ion in self.ions for symbol, _ in ion.elements))

    @cached_property
    def stoichiometry(self) -> NDArray[np.int64]:
        """Atoms of each element in each species, shape (species, elements)."""
        made = np.zeros((len(self.ions), len(self.elements)), dtype=np.int64)
        for row, ion in enumerate(self.ions):
            for symbol, number in ion.elements:
                made[row, self.elements.index(symbol)] = number
        return made

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Edges, shape (ranges, 2), in Da."""
        return np.array([(one.low, one.high) for one in self.ranges], dtype=np.float64)

    @cached_property
    def _steps(self) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Bits of the float32 at which the label changes, and the label from there on."""
        # m ≥ e for a float32 m and a float64 e means m ≥ the smallest float32 not below e;
        # of positive float32 the bits, read as integers, are in the same order
        near = self.edges.astype(np.float32)
        up = np.where(near < self.edges, np.nextafter(near, np.float32(np.inf)), near)
        bits = up.astype(np.float32).view(np.uint32)
        places, labels = [0], [0]
        for number, (low, high) in enumerate(bits, start=1):
            for place, label in ((int(low), number), (int(high), 0)):
                if place == places[-1]:
                    labels[-1] = label
                else:
                    places.append(place)
                    labels.append(label)
        return np.array(places, np.uint32), np.array(labels, np.uint8)

    @cached_property
    def _table(self) -> NDArray[np.uint8]:
        """Label of each cell of neighbouring float32, 255 where an edge lies inside.

        The last cell is unranged: what is negative, NaN or beyond is clipped into it.
        """
        places, labels = self._steps
        cells = (places >> _SHIFT).astype(np.int64)
        table = np.zeros(int(cells[-1]) + 2, np.uint8)
        for number, (cell, label) in enumerate(zip(cells, labels, strict=True)):
            end = cells[number + 1] if number + 1 < cells.size else table.size
            table[cell + 1 : end] = label
        for cell, place, label in zip(cells, places, labels, strict=True):
            at_start = int(place) == int(cell) << _SHIFT and np.count_nonzero(cells == cell) == 1
            table[cell] = label if at_start else _EDGE
        return table

    def labels(
        self, mass: NDArray[np.float32], out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """Return which range each ion is in.

        Parameters
        ----------
        mass : array of float32, shape (n,)
            Da, native byte order; NaN, infinite and negative ones are unranged.
        out : array of uint8, shape (n,), optional
            Where to write.

        Returns
        -------
        array of uint8, shape (n,)
            0 for unranged, ``i + 1`` for ``ranges[i]``.
        """
        plain = np.ascontiguousarray(mass, dtype=np.float32)
        bits = plain.view(np.uint32)
        if out is None:
            out = np.empty(plain.shape, np.uint8)
        places, labels = self._steps
        # in pieces, so that the cells' numbers stay in the cache for any length of `mass`
        for first in range(0, plain.size, 1 << 16):
            piece = slice(first, first + (1 << 16))
            found = out[piece]
            np.take(self._table, bits[piece] >> _SHIFT, mode="clip", out=found)
            unsure = np.flatnonzero(found == _EDGE)
            if unsure.size:
                step = np.searchsorted(places, bits[piece][unsure], side="right") - 1
                found[unsure] = labels[step]
        return out

    def to_json(self) -> Json:
        """Return the ranges as plain values; `from_json` gives an equal table."""
        return {
            "source": self.source,
            "ranges": [
                {
                    "low": one.low,
                    "high": one.high,
                    "ion": None
                    if one.ion is None
                    else {
                        "elements": dict(one.ion.elements),
                        "charge": one.ion.charge,
                    },
                    "volume": one.volume,
                    "colour": one.colour,
                    "label": one.label,
                }
                for one in self.ranges
            ],
        }

    @classmethod
    def from_json(cls, value: Any) -> RangeTable:
        """Return the table that `to_json` wrote.

        Raises
        ------
        BadInputError
            It is not of that form.
        """
        try:
            ranges = [
                Range(
                    float(one["low"]),
                    float(one["high"]),
                    _ion_of(one["ion"]),
                    None if one["volume"] is None else float(one["volume"]),
                    str(one["colour"]),
                    str(one["label"]),
                )
                for one in value["ranges"]
            ]
            source = str(value["source"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInputError(
                f"these are no ranges as they are kept: {error!r}",
                fix="register the range file again",
            ) from error
        return cls(ranges, source)


def _ion_of(value: Mapping[str, Any] | None) -> Ion | None:
    if value is None:
        return None
    charge = value["charge"]
    return Ion(
        tuple((str(symbol), int(number)) for symbol, number in value["elements"].items()),
        None if charge is None else int(charge),
    )


def assign_charges(
    table: RangeTable, most: int = 4, reach: float = 0.3, floor: float = 1e-3
) -> tuple[RangeTable, list[str]]:
    """Find the charge of each range's ion from where its isotopes lie.

    Range files name atoms, not charges.  A charge is possible if an isotopologue of the ion
    with that charge lies in the range, or else within `reach` of it; where several charges
    are possible, or none, the charge stays None and a sentence says so.

    Parameters
    ----------
    table : RangeTable
    most : int
        Highest charge tried.
    reach : float
        Da; used only if no charge puts an isotopologue into the range itself.
    floor : float
        Rarer isotopologues are not looked at.

    Returns
    -------
    tuple
        The table with charges, and what could not be settled.
    """
    made: list[Range] = []
    said: list[str] = []
    for one in table.ranges:
        if one.ion is None or one.ion.charge is not None:
            made.append(one)
            continue
        distance: dict[int, float] = {}
        unstable = [symbol for symbol, _ in one.ion.elements if not has_isotopes(symbol)]
        if unstable:
            made.append(one)
            said.append(f"{one.text}: {unstable[0]} has no natural isotopes")
            continue
        for charge in range(1, most + 1):
            distance[charge] = min(
                max(one.low - at.mass_to_charge, at.mass_to_charge - one.high, 0.0)
                for at in isotopologues(one.ion.with_charge(charge), floor)
            )
        inside = [charge for charge, far in distance.items() if far == 0.0]
        near = inside or [charge for charge, far in distance.items() if far <= reach]
        if len(near) == 1:
            made.append(replace(one, ion=one.ion.with_charge(near[0])))
            continue
        made.append(one)
        names = " and ".join(one.ion.with_charge(charge).name for charge in near)
        said.append(
            f"{one.text}: "
            + (
                f"isotopes of {names} lie in it"
                if near
                else f"no isotope of {one.ion.formula} of charge 1 to {most} lies in it"
            )
        )
    return RangeTable(made, table.source), said
