"""Check and index a ``.pos``: ions as big-endian float32 x, y, z (nm) and m/z (Da), no header.

All ions are looked at once, in blocks through one buffer; the data stay in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import DataSummary, Notice, Signal, VariableSummary
from consilience.options import flag_option
from consilience_apt.lazy import COLUMNS, blocks
from consilience_apt.probe import LARGEST_MASS, LARGEST_POSITION, RECORD, SIMULATED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_pos"]

SMALLEST = 1e-6
"""nm or Da; a number nearer to zero, but not zero, comes from no reconstruction."""


@dataclass
class _Seen:
    """What one pass over the ions saw."""

    low: NDArray[np.float64] = field(default_factory=lambda: np.full(4, np.inf))
    high: NDArray[np.float64] = field(default_factory=lambda: np.full(4, -np.inf))
    not_finite: int = 0
    first_not_finite: int | None = None
    implausible: int = 0
    first_implausible: int | None = None
    tiny: int = 0
    negative: int = 0
    zero: int = 0


def read_pos(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of a file as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        ``salvage``: true takes the whole ions of a file that ends within one.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        One; ``x``, ``y``, ``z`` (nm) and ``mass_to_charge`` (Da) over ``ion``, float32.

    Raises
    ------
    BadFileError
        No whole number of ions; little-endian; NaN or infinity; mostly implausible.
    BadInputError
        An option makes no sense.
    """
    salvage = flag_option(options, "salvage")
    if companions:
        raise BadInputError(
            f"a .pos takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    size = path.stat().st_size
    with path.open("rb") as file:
        simulated = file.read(RECORD) == SIMULATED
    offset = RECORD if simulated else 0
    ions, rest = divmod(size - offset, RECORD)
    notices: list[Notice] = []
    if rest:
        _cut(path, ions, rest, offset, notices, salvage=salvage)
    if ions < 1:
        raise BadFileError(
            f"{path.name!r} holds no ion ({size} bytes, one ion takes {RECORD})",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=offset,
        )
    seen = _look(path, ions, offset, ">f4")
    _refuse(path, ions, offset, seen)
    notices += _notices(ions, offset, seen)
    extent = seen.high - seen.low
    return [
        Signal(
            name="ions",
            modality="apt",
            lazy={"ions": ions, "offset": offset},
            summary=DataSummary(
                variables={
                    name: VariableSummary(dims=["ion"], shape=[ions], unit=unit, dtype="float32")
                    for name, unit in COLUMNS.items()
                },
                coordinates={},
            ),
            metadata={
                "ions": ions,
                **{
                    f"extent_{name}": {"value": float(extent[i]), "unit": "nm"}
                    for i, name in enumerate("xyz")
                },
                "mass_to_charge_low": {"value": float(seen.low[3]), "unit": "Da"},
                "mass_to_charge_high": {"value": float(seen.high[3]), "unit": "Da"},
            },
            raw_metadata={"bytes": size, "byte_order": "big", "bytes_left_over": rest},
            notices=notices,
            origin="simulated" if simulated else "measured",
        )
    ]


def _cut(
    path: Path, ions: int, rest: int, offset: int, notices: list[Notice], *, salvage: bool
) -> None:
    place = offset + ions * RECORD
    if not salvage:
        raise BadFileError(
            f"{path.name!r} is cut: after {ions} whole ions {rest} bytes are left, an ion "
            f"takes {RECORD}",
            fix=(
                "copy it again from the instrument, or take the whole ions with "
                "--option salvage=true; how many are lost at the end cannot be known"
            ),
            path=path,
            offset=place,
        )
    notices.append(
        Notice(
            code="salvaged",
            message=(
                f"the file is cut: {ions} whole ions were taken, {rest} bytes of the next were "
                "dropped; how many more were lost cannot be known"
            ),
            where=f"byte {place}",
            fix="copy the file again from the instrument",
        )
    )


def _look(path: Path, ions: int, offset: int, dtype: str, stop: int | None = None) -> _Seen:
    """Go once over the ions (or the first `stop` of them)."""
    seen = _Seen()
    for first, raw in blocks(path, 0, ions if stop is None else min(ions, stop), offset, dtype):
        block: NDArray[Any] = raw.astype(np.float32, copy=False)  # native order
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            seen.not_finite += int(np.count_nonzero(~finite))
            if seen.first_not_finite is None:
                seen.first_not_finite = first + int(np.argmin(finite))
            block = block[finite]
        if not len(block):
            continue
        np.minimum(seen.low, block.min(axis=0), out=seen.low)
        np.maximum(seen.high, block.max(axis=0), out=seen.high)
        far = (np.abs(block[:, :3]) > LARGEST_POSITION).any(axis=1)
        far |= np.abs(block[:, 3]) > LARGEST_MASS
        # turned round, 1.0 becomes 5e-41: harmless in one ion, telling in most of them
        small = (block != 0) & (np.abs(block) < SMALLEST)
        seen.tiny += int(np.count_nonzero(small.any(axis=1) & ~far))
        if far.any():
            seen.implausible += int(np.count_nonzero(far))
            if seen.first_implausible is None:
                seen.first_implausible = first + int(np.flatnonzero(finite)[np.argmax(far)])
        seen.negative += int(np.count_nonzero(block[:, 3] < 0))
        seen.zero += int(np.count_nonzero(block[:, 3] == 0))
    return seen


def _refuse(path: Path, ions: int, offset: int, seen: _Seen) -> None:
    bad = seen.not_finite + seen.implausible + seen.tiny
    # a file in the other byte order is mostly nonsense this way round, and none the other
    if bad > 0.1 * ions:
        turned = _look(path, ions, offset, "<f4", stop=10_000)
        looked = min(ions, 10_000)
        sound = turned.low[3] >= 0 and turned.high[3] > 0.5
        if turned.not_finite + turned.implausible + turned.tiny < 0.01 * looked and sound:
            raise BadFileError(
                f"{path.name!r} is little-endian: read so, {looked} ions are plausible "
                f"(m/z {turned.low[3]:.4g} to {turned.high[3]:.4g} Da); .pos is big-endian",
                fix="export it again as a standard .pos, with the byte order swapped",
                path=path,
                offset=offset,
            )
        known = [i for i in (seen.first_not_finite, seen.first_implausible) if i is not None]
        first = min(known, default=0)
        raise BadFileError(
            f"{path.name!r} is no list of ions: {bad} of {ions} records are implausible "
            f"(position beyond {LARGEST_POSITION:g} nm, m/z beyond {LARGEST_MASS:g} Da, below "
            f"{SMALLEST:g}, or not finite)",
            fix="check that it is a .pos: four big-endian 32-bit numbers an ion, no header",
            path=path,
            offset=offset + first * RECORD,
        )
    if seen.first_not_finite is not None:
        raise BadFileError(
            f"{path.name!r}: {seen.not_finite} of {ions} ions are NaN or infinite, first ion "
            f"{seen.first_not_finite}",
            fix="repeat the reconstruction's export; ions without a place cannot be used",
            path=path,
            offset=offset + seen.first_not_finite * RECORD,
        )


def _notices(ions: int, offset: int, seen: _Seen) -> list[Notice]:
    found = []
    if seen.first_implausible is not None:
        place = seen.first_implausible
        found.append(
            Notice(
                code="implausible-ions",
                message=(
                    f"{seen.implausible} of {ions} ions lie beyond {LARGEST_POSITION:g} nm or "
                    f"{LARGEST_MASS:g} Da, first ion {place}"
                ),
                where=f"byte {offset + place * RECORD}",
                fix="leave them out of any analysis, and check how the file was made",
                severity="fault",
            )
        )
    if seen.negative:
        found.append(
            Notice(
                code="negative-mass",
                message=(
                    f"{seen.negative} of {ions} ions have a negative m/z, lowest "
                    f"{math.floor(seen.low[3] * 1e4) / 1e4:g} Da"
                ),
                fix="check the mass calibration; ranges leave these ions out",
            )
        )
    if ions == 1:
        found.append(
            Notice(
                code="one-ion",
                message="the file holds a single ion",
                fix="check that the export was complete",
            )
        )
    return found
