"""X-ray lines, their windows and their absorption, by exSpy."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience_eels.library.elements import elements
from consilience_eels.library.session import hyperspy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LineSums", "line_windows", "lines_of", "mass_absorption", "take_off_angle"]


@dataclass(frozen=True)
class LineSums:
    """One X-ray line of one spectrum: exSpy's windows in keV, and the net counts in them."""

    line: str
    energy: float
    fwhm: float
    window: tuple[float, float]
    background: tuple[float, float, float, float]
    net: float = float("nan")


def lines_of(element: str) -> dict[str, tuple[float, float]]:
    """Return line to energy (keV) and weight within its family, for one element."""
    entry = elements().get(element, {})
    lines = entry.get("Atomic_properties", {}).get("Xray_lines", {})
    return {
        f"{element}_{name}": (float(line["energy (keV)"]), float(line["weight"]))
        for name, line in lines.items()
    }


def line_windows(
    signal: Any,
    lines: Sequence[str],
    line_width: tuple[float, float],
    windows_width: float,
    integration_width: float,
    apart: Sequence[str] = (),
) -> list[LineSums]:
    """Return exSpy's windows of X-ray lines, in the order of `lines`; nets are not counted yet.

    Parameters
    ----------
    signal : exspy.signals.EDSTEMSpectrum
        One spectrum; its metadata say the resolution.
    lines : sequence of str
        Such as ``"Fe_Ka"``.
    line_width, windows_width, integration_width : float
        Of exSpy's `estimate_background_windows` and `estimate_integration_windows`, in widths of
        the line.
    apart : sequence of str
        Lines that have background windows of their own; exSpy joins those of lines that overlap.
    """
    names = list(lines)
    groups = [[n for n in names if n not in apart], *([n] for n in names if n in apart)]
    by_line: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for group in (one for one in groups if one):
            four = signal.estimate_background_windows(
                line_width=list(line_width), windows_width=windows_width, xray_lines=group
            )
            by_line.update(zip(group, four, strict=True))
        windows = signal.estimate_integration_windows(
            windows_width=integration_width, xray_lines=names
        )
    made = []
    for name, window in zip(names, windows, strict=True):
        low, high = float(window[0]), float(window[1])
        a, b, c, d = (float(value) for value in by_line[name])
        made.append(
            LineSums(
                line=name,
                energy=0.5 * (low + high),
                fwhm=(high - low) / integration_width,
                window=(low, high),
                background=(a, b, c, d),
            )
        )
    return made


def mass_absorption(lines: Sequence[str], absorbers: Sequence[str]) -> NDArray[Any]:
    """Return exSpy's mass absorption (Chantler's tables) in m²/kg, shape (lines, absorbers)."""
    hyperspy()
    import numpy as np
    from exspy import material

    return np.stack(
        [0.1 * material.mass_absorption_coefficient(one, list(lines)) for one in absorbers],
        axis=1,
    )


def take_off_angle(signal: Any) -> float:
    """Return exSpy's take-off angle from elevation, azimuth and tilts, in degrees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(signal.get_take_off_angle())
