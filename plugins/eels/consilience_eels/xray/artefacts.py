"""X-rays that are not the specimen's: of grid, mill, cap and holder, and the detector's own peaks.

References
----------
.. [1] D. B. Williams, C. B. Carter, "Transmission Electron Microscopy", 2nd ed. (2009), ch. 33:
   spurious and system X-rays, escape, sum and internal-fluorescence peaks.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from consilience.model.finding import Rival, Subject
from consilience_eels.library import LineSums
from consilience_eels.xray.quantify import LineCounts

__all__ = ["ORIGINS", "artefact_rival", "detector_rivals", "named", "stands_out"]

ORIGINS = {
    "Al": "aluminium of the holder or of the detector's window",
    "Ar": "argon of the ion mill",
    "Be": "beryllium of the holder or of the detector's window",
    "C": "carbon of a film or of contamination",
    "Co": "cobalt of the pole piece",
    "Cr": "chromium of a cap or of the column",
    "Cu": "copper of the grid or holder",
    "Fe": "iron of the pole piece",
    "Ga": "gallium of the ion mill",
    "Si": "silicon of the detector or of a nitride window",
    "Xe": "xenon of the plasma mill",
}
"""Where X-rays come from in a spectrum of a specimen that does not hold the element."""

ESCAPE = 1.740
"""Energy that is lost with a silicon X-ray, keV."""
ESCAPE_SHARE = 0.02
"""Of a line's counts at most, above the edge of silicon at 1.84 keV."""
SUM_SHARE = 0.005
"""Of a line's counts at most, at the rates that analogue pile-up rejection is set for."""


def artefact_rival(origin: str) -> Rival:
    """Return the rival that an element of the microscope is to one of the specimen."""
    return Rival(
        subject=Subject(label=f"{origin}, not of the specimen"),
        live=True,
        explains=["its X-rays come with any specimen in this microscope"],
        decided_by=["a spectrum beside the specimen", "EELS, which sees the specimen alone"],
    )


def stands_out(found: LineCounts) -> bool:
    """Whether a line that nobody asked for is there beyond doubt: 5σ of its background.

    Many are looked for in every spectrum, so that 5 % would be found where there is none.
    """
    return found.present and found.net > 5.0 * float(np.sqrt(max(1.0, found.under)))


def detector_rivals(
    sums: Sequence[LineSums], found: Sequence[LineCounts]
) -> dict[str, list[Rival]]:
    """Return, for each line, the escape and sum peaks of stronger ones in its window.

    A rival is live if it could hold half of the line's net counts, with at most `ESCAPE_SHARE`
    or `SUM_SHARE` of the counts of the line that it comes from.
    """
    parents = [
        (line, counts.net) for line, counts in zip(sums, found, strict=True) if counts.present
    ]
    peaks: list[tuple[float, float, str]] = [
        (line.energy - ESCAPE, ESCAPE_SHARE * net, f"escape peak of {line.line}")
        for line, net in parents
        if line.energy > 1.84
    ]
    peaks += [
        (a.energy + b.energy, SUM_SHARE * min(n, m), f"sum peak of {a.line} and {b.line}")
        for i, (a, n) in enumerate(parents)
        for b, m in parents[i:]
    ]
    rivals: dict[str, list[Rival]] = {}
    for line, counts in zip(sums, found, strict=True):
        for at, most, name in peaks:
            if not line.window[0] <= at <= line.window[1] or most < 1.0:
                continue
            rivals.setdefault(line.line, []).append(
                Rival(
                    subject=Subject(label=name),
                    live=counts.present and most >= 0.5 * counts.net,
                    explains=[f"lies at {at:.3f} keV with at most {most:.0f} counts"],
                    decided_by=["another line of the element", "a spectrum at a lower count rate"],
                )
            )
    return rivals


def named(stated: Mapping[str, str], own: Sequence[str]) -> dict[str, str]:
    """Return element to origin: what is stated, and what is known of microscopes.

    Parameters
    ----------
    stated : mapping
        Element to origin, by the user.
    own : sequence of str
        Elements of the specimen.
    """
    usual = {element: origin for element, origin in ORIGINS.items() if element not in own}
    return {**usual, **stated}
