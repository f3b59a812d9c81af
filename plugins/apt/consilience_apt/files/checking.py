"""One pass over all ions: are they sound, how far do they reach, which ranges do they fill?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError
from consilience.model.measurement import Notice
from consilience_apt.files.probe import LARGEST_MASS, LARGEST_POSITION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["POINT", "Seen", "look", "notices_of", "refuse"]

POINT = ("x", "y", "z", "mass_to_charge")
SMALLEST = 1e-6
"""nm or Da; a number nearer to zero, but not zero, comes from no reconstruction."""
TURNED = 10_000
"""Ions looked at to see whether the other byte order makes sense."""


@dataclass
class Seen:
    """What one pass saw; `first_…` are numbers of ions.

    `odd_columns` of place and mass are not finite somewhere; of the others `unusable` counts
    the ions, and they are left out.
    """

    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    ions: int = 0
    not_finite: int = 0
    first_not_finite: int | None = None
    odd_columns: list[str] = field(default_factory=list)
    unusable: dict[str, int] = field(default_factory=dict)
    implausible: int = 0
    first_implausible: int | None = None
    tiny: int = 0
    negative: int = 0
    pulses: float = 0.0
    multiple: int = 0
    broken_pulses: int = 0
    in_range: NDArray[np.int64] | None = None

    @property
    def bad(self) -> int:
        """Ions that no reconstruction gives."""
        return self.not_finite + self.implausible + self.tiny


def look(source: IonSource, table: RangeTable | None = None, stop: int | None = None) -> Seen:
    """Go once over the ions (or the first `stop` of them) through reused buffers.

    Parameters
    ----------
    source : IonSource
    table : RangeTable, optional
        Ions are counted in each of its ranges.
    stop : int, optional
    """
    seen = Seen(
        low=dict.fromkeys(source.columns, math.inf),
        high=dict.fromkeys(source.columns, -math.inf),
    )
    counts = None if table is None else np.zeros(len(table) + 1, np.int64)
    pulse = _Pulses() if "ions_per_pulse" in source.columns else None
    for first, found in source.blocks(source.columns, 0, stop):
        block, numbers = found, None
        seen.ions = first + block["x"].size
        # a NaN goes through min and max, so sound columns need no test of their own
        lows = {name: float(column.min()) for name, column in block.items()}
        highs = {name: float(column.max()) for name, column in block.items()}
        if not all(map(math.isfinite, [*lows.values(), *highs.values()])):
            block, numbers = _finite(seen, first, block)
            if not numbers.size:
                continue
            lows = {name: float(column.min()) for name, column in block.items()}
            highs = {name: float(column.max()) for name, column in block.items()}
        for name in block:
            seen.low[name] = min(seen.low[name], lows[name])
            seen.high[name] = max(seen.high[name], highs[name])
        odd = _places(seen, block, lows, highs)
        if odd is not None and seen.first_implausible is None:
            seen.first_implausible = first + (odd if numbers is None else int(numbers[odd]))
        if counts is not None and table is not None:
            counts += np.bincount(table.labels(block["mass_to_charge"]), minlength=counts.size)
        if pulse is not None and not seen.not_finite and "ions_per_pulse" in block:
            pulse.take(first, block["ions_per_pulse"])
        if "pulses_since" in block:
            seen.pulses += float(block["pulses_since"].sum(dtype=np.float64))
    if pulse is not None:
        seen.multiple, seen.broken_pulses = pulse.end(seen.ions)
    seen.in_range = counts
    return seen


def _finite(
    seen: Seen, first: int, block: dict[str, Any]
) -> tuple[dict[str, Any], NDArray[np.intp]]:
    """Count ions that are not finite; return the others, and their numbers in the block.

    A column beside place and mass that is not finite is taken out, the ion stays.
    """
    whole = np.ones(block["x"].size, bool)
    sound = {}
    for name, column in block.items():
        finite = np.isfinite(column)
        if finite.all():
            sound[name] = column
        elif name not in POINT:
            odd = finite.size - int(np.count_nonzero(finite))
            seen.unusable[name] = seen.unusable.get(name, 0) + odd
        else:
            sound[name] = column
            whole &= finite
            if name not in seen.odd_columns:
                seen.odd_columns.append(name)
    if whole.all():
        return sound, np.arange(whole.size)
    seen.not_finite += int(np.count_nonzero(~whole))
    if seen.first_not_finite is None:
        seen.first_not_finite = first + int(np.argmin(whole))
    return {name: column[whole] for name, column in sound.items()}, np.flatnonzero(whole)


def _places(
    seen: Seen, block: dict[str, Any], lows: dict[str, float], highs: dict[str, float]
) -> int | None:
    """Count implausible, tiny and negative numbers; return the first implausible ion."""
    far = None
    small = np.zeros(block["x"].size, bool)
    for name in POINT:
        column, most = block[name], LARGEST_MASS if name == "mass_to_charge" else LARGEST_POSITION
        size = np.abs(column)
        if max(-lows[name], highs[name]) > most:
            beyond = size > most
            far = beyond if far is None else far | beyond
        # turned round, 1.0 becomes 5e-41: harmless in one ion, telling in most of them
        tiny = size < SMALLEST
        if tiny.any():
            small |= tiny & (column != 0)
    if far is not None:
        seen.implausible += int(np.count_nonzero(far))
        small &= ~far
    seen.tiny += int(np.count_nonzero(small))
    if lows["mass_to_charge"] < 0:
        seen.negative += int(np.count_nonzero(block["mass_to_charge"] < 0))
    return None if far is None else int(np.argmax(far))


class _Pulses:
    """Follows the numbers of ions per pulse: n, then n − 1 times zero."""

    def __init__(self) -> None:
        self.due = 0  # ion at which the next pulse has to begin
        self.multiple = self.broken = 0

    def take(self, first: int, number: NDArray[np.float32]) -> None:
        starts = np.flatnonzero(number) + first
        if not starts.size:
            return
        lengths = number[starts - first].astype(np.int64)
        ends = starts + lengths
        self.broken += int(starts[0] != self.due)
        self.broken += int(np.count_nonzero(starts[1:] != ends[:-1]))
        self.multiple += int(lengths[lengths > 1].sum())
        self.due = int(ends[-1])

    def end(self, ions: int) -> tuple[int, int]:
        """Ions in pulses with several, and places where the numbers do not fit."""
        return self.multiple, self.broken + int(self.due != ions)


def refuse(
    path: Path,
    seen: Seen,
    place: Callable[[int], int | None],
    what: str,
    turned: IonSource | None = None,
) -> None:
    """Raise if the pass saw what cannot be used.

    Parameters
    ----------
    place : callable
        Number of an ion to its byte in the file.
    what : str
        The format in words, for the fix.
    turned : IonSource, optional
        The same ions in the other byte order.

    Raises
    ------
    BadFileError
        Little-endian; mostly implausible; NaN or infinity.
    """
    if seen.bad > 0.1 * seen.ions:
        other = None if turned is None else look(turned, stop=TURNED)
        # a file in the other byte order is mostly nonsense this way round, and none the other
        if (
            other is not None
            and other.bad < 0.01 * other.ions
            and other.low["mass_to_charge"] >= 0
            and other.high["mass_to_charge"] > 0.5
        ):
            raise BadFileError(
                f"{path.name!r} is little-endian: read so, {other.ions} ions are plausible "
                f"(m/z {other.low['mass_to_charge']:.4g} to "
                f"{other.high['mass_to_charge']:.4g} Da); {path.suffix.lower()} is big-endian",
                fix=f"export it again as a standard {path.suffix.lower()}, with the byte order "
                "swapped",
                path=path,
                offset=place(0),
            )
        known = [i for i in (seen.first_not_finite, seen.first_implausible) if i is not None]
        raise BadFileError(
            f"{path.name!r} is no list of ions: {seen.bad} of {seen.ions} records are implausible "
            f"(position beyond {LARGEST_POSITION:g} nm, m/z beyond {LARGEST_MASS:g} Da, below "
            f"{SMALLEST:g}, or not finite)",
            fix=f"check that it is {what}",
            path=path,
            offset=place(min(known, default=0)),
        )
    if seen.first_not_finite is not None:
        raise BadFileError(
            f"{path.name!r}: {seen.not_finite} of {seen.ions} ions are NaN or infinite "
            f"({', '.join(seen.odd_columns)}), first ion {seen.first_not_finite}",
            fix="repeat the reconstruction's export; ions without a place cannot be used",
            path=path,
            offset=place(seen.first_not_finite),
        )
    if seen.high["mass_to_charge"] <= 0:
        raise BadFileError(
            f"{path.name!r} is no list of ions: no m/z is above zero (highest "
            f"{seen.high['mass_to_charge']:g} Da)",
            fix=f"check that it is {what}",
            path=path,
            offset=place(0),
        )


def notices_of(
    seen: Seen, place: Callable[[int], int | None], table: RangeTable | None
) -> list[Notice]:
    """Return what is odd, but kept."""
    found = []
    if seen.first_implausible is not None:
        at = place(seen.first_implausible)
        found.append(
            Notice(
                code="implausible-ions",
                message=f"{seen.implausible} of {seen.ions} ions lie beyond "
                f"{LARGEST_POSITION:g} nm or {LARGEST_MASS:g} Da, first ion "
                f"{seen.first_implausible}",
                where="" if at is None else f"byte {at}",
                fix="leave them out of any analysis, and check how the file was made",
                severity="fault",
            )
        )
    if seen.negative:
        lowest = math.floor(seen.low["mass_to_charge"] * 1e4) / 1e4
        found.append(
            Notice(
                code="negative-mass",
                message=f"{seen.negative} of {seen.ions} ions have a negative m/z, lowest "
                f"{lowest:g} Da",
                fix="check the mass calibration; ranges leave these ions out",
            )
        )
    for name, number in seen.unusable.items():
        found.append(
            Notice(
                code="column-left-out",
                message=f"{name} is NaN or infinite for {number} of {seen.ions} ions and was left "
                "out; places and masses are whole",
                fix="repeat the export if it is needed",
            )
        )
    if seen.ions == 1:
        found.append(
            Notice(
                code="one-ion",
                message="the file holds a single ion",
                fix="check that the export was complete",
            )
        )
    elif all(seen.low[name] == seen.high[name] for name in "xyz"):
        found.append(
            Notice(
                code="no-extent",
                message=f"all {seen.ions} ions lie at one point: they were not reconstructed",
                fix="use the masses alone, or register the reconstruction",
                severity="fault",
            )
        )
    if seen.broken_pulses:
        found.append(
            Notice(
                code="broken-pulses",
                message=f"the numbers of ions per pulse do not fit their sequence at "
                f"{seen.broken_pulses} places: ions of some pulses are missing",
                fix="take multiple-hit statistics from the file of the whole run, not of a region",
            )
        )
    if table is not None and seen.in_range is not None:
        empty = [one for one, n in zip(table.ranges, seen.in_range[1:], strict=True) if not n]
        if empty:
            found.append(
                Notice(
                    code="empty-ranges",
                    message=f"{len(empty)} of {len(table)} ranges hold no ion of this file: "
                    + "; ".join(one.text for one in empty[:20]),
                    where="the range file",
                    fix="check that the range file belongs to this measurement",
                )
            )
    return found
