"""Low loss and core loss of one region among the measurements of a sample."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement

__all__ = ["choose_pairs"]


def choose_pairs(
    measurements: Sequence[Measurement], low: str | None, core: str | None
) -> list[tuple[Measurement, Measurement]]:
    """Return which low loss belongs to which core loss.

    Parameters
    ----------
    measurements : sequence of Measurement
        Energy losses of one sample.
    low, core : str, optional
        File name, signal name or ID (also its beginning) of either; by default every low loss
        that holds 0 eV is paired with each core loss of as many pixels, in the same state.

    Raises
    ------
    BadInputError
        A name fits none or several.
    """
    lows = _named(measurements, low) if low else [m for m in measurements if _holds_zero(m)]
    cores = _named(measurements, core) if core else [m for m in measurements if not _holds_zero(m)]
    if low and core:
        return [(lows[0], cores[0])]
    return [
        (a, b)
        for b in cores
        for a in lows
        if a is not b and _pixels(a) == _pixels(b) and a.record.state == b.record.state
    ]


def _named(measurements: Sequence[Measurement], name: str) -> list[Measurement]:
    fits = [
        m
        for m in measurements
        if name in (m.id, m.record.name, m.record.file_name) or m.id.startswith(name)
    ]
    if len(fits) != 1:
        known = ", ".join(f"{m.record.name} ({m.record.file_name}, {m.id})" for m in measurements)
        raise BadInputError(
            f"{name!r} names {len(fits)} of the sample's energy losses",
            fix=f"give the ID of one of: {known}",
        )
    return fits


def _holds_zero(measurement: Measurement) -> bool:
    energy = measurement.data["energy_loss"].values
    return bool(energy[0] < 0.0 < energy[-1])


def _pixels(measurement: Measurement) -> tuple[int, ...]:
    sizes = measurement.data.sizes
    return tuple(int(n) for d, n in sorted(sizes.items(), key=str) if d != "energy_loss")
