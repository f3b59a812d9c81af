"""Which elements an EDX spectrum can speak of, by which line, and what lies on that line."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from consilience.model.finding import Rival, Subject
from consilience_eels.library import LineSums, lines_of

__all__ = ["DetectorWindow", "beyond_reach", "default_line", "overlaps"]

NEVER = {
    "H": "hydrogen has no X-ray line",
    "He": "helium has no X-ray line",
    "Li": "the only line of lithium, 0.054 keV, is absorbed before it is counted, lies in the "
    "detector's noise, and is all but absent as the electrons that would fill the shell are shared",
    "Be": "the line of beryllium, 0.108 keV, lies in the noise of the detector",
}
FAMILIES = ("Ka", "La", "Ma")

DetectorWindow = Literal["unknown", "windowless", "polymer", "nitride", "beryllium"]
LOWEST: dict[DetectorWindow, float] = {
    "windowless": 0.0,
    "polymer": 0.15,
    "nitride": 0.15,
    "beryllium": 0.9,
    "unknown": 0.2,
}
"""Energy in keV below which a detector's window leaves too little to be counted."""


class Windows(Protocol):
    """The parameters that place the windows."""

    @property
    def line_width(self) -> tuple[float, float]: ...
    @property
    def windows_width(self) -> float: ...
    @property
    def detector_window(self) -> DetectorWindow: ...


def default_line(
    element: str,
    energy: NDArray[np.float64],
    beam: float | None,
    lines: Mapping[str, tuple[float, float]],
) -> str | None:
    """Return the main line of highest energy in range that the beam excites twice over.

    The rule of exSpy's `add_lines`; `beam` in keV.
    """
    highest = float(energy[-1]) if beam is None else min(float(energy[-1]), 0.5 * beam)
    fitting = [
        (lines[name][0], name)
        for name in (f"{element}_{family}" for family in FAMILIES)
        if name in lines and energy[0] < lines[name][0] < highest
    ]
    return max(fitting)[1] if fitting else None


def beyond_reach(
    element: str,
    line: str | None,
    lines: Mapping[str, tuple[float, float]],
    energy: NDArray[np.float64],
    windows: Windows,
) -> str | None:
    """Return why an element cannot be observed in a spectrum; None if it can.

    The background windows, whose place depends on the resolution, must lie in the spectrum; a
    full width of 0.13 keV is taken for that.
    """
    if element in NEVER:
        return NEVER[element]
    if not lines:
        return f"no X-ray line of {element} is tabulated"
    first, last = float(energy[0]), float(energy[-1])
    if line is None:
        return f"no main line of {element} lies between {first:.3g} and {last:.3g} keV"
    at = lines[line][0]
    low = at - 0.13 * (at / 5.9) ** 0.5 * (windows.line_width[0] + windows.windows_width)
    if not first <= low or at > last:
        return (
            f"{line} at {at:.3f} keV, with its background, is not inside the spectrum, which goes "
            f"from {first:.3g} to {last:.3g} keV"
        )
    if at < LOWEST[windows.detector_window]:
        if windows.detector_window == "unknown":
            return (
                f"whether {line} at {at:.3f} keV comes through the detector's window is not known; "
                "it can be stated with 'detector_window'"
            )
        return f"a window of {windows.detector_window} holds back {line} at {at:.3f} keV"
    if low < 0.05 < at:
        return (
            f"{line} at {at:.3f} keV is so low that the background below it is the detector's "
            "noise at 0"
        )
    return None


def overlaps(
    sums: Sequence[LineSums], elements: Sequence[str], present: Mapping[str, bool]
) -> dict[str, list[Rival]]:
    """Return, for each line, the other elements with a line in, or at the edge of, its window.

    Lines of less than a tenth of their family are left out.  An element counts as rival if it is
    among `elements`; the rival is live unless its own line was looked for and is absent.
    """
    found: dict[str, list[Rival]] = {}
    for line in sums:
        own = line.line.partition("_")[0]
        for element in sorted(set(elements) - {own}):
            near = [
                (name, at)
                for name, (at, weight) in lines_of(element).items()
                if weight >= 0.1
                and line.window[0] - 0.5 * line.fwhm <= at <= line.window[1] + 0.5 * line.fwhm
            ]
            if near:
                text = ", ".join(f"{name} at {at:.3f} keV" for name, at in near)
                found.setdefault(line.line, []).append(
                    Rival(
                        subject=Subject(element=element),
                        live=present.get(element, True),
                        explains=[text],
                        decided_by=[f"another line of {own} or {element}", "EELS"],
                        note="the lines lie within one window and were not parted",
                    )
                )
    return found
