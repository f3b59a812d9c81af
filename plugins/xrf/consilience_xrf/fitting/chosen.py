"""Which families of lines can be fitted, and why others cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consilience_xrf.lines.elements import Family, edge_energy, families_of, family, split_name

__all__ = ["SOFTEST", "chosen_families"]

Array = NDArray[np.float64]

SOFTEST = 1.0
"""keV: softer lines, which air and windows keep back, are fitted only where they are named."""


def chosen_families(
    elements: Sequence[str], energy: Array, incident: float | None
) -> tuple[list[Family], dict[str, str]]:
    """Return the families to fit, and why others that were asked for cannot be.

    Parameters
    ----------
    elements : sequence of str
        ``"Fe"`` for all families whose main line is on the axis and above 1 keV, ``"Pt_L"`` for
        one family.
    energy : ndarray
        keV.
    incident : float or None
        keV.
    """
    found: list[Family] = []
    why: dict[str, str] = {}
    low, high = float(energy[0]), float(energy[-1])
    for name in elements:
        element, shell = split_name(name)
        least = max(low, 0.1) if shell else max(low, SOFTEST)
        some = families_of(element, least, high, incident)
        if shell is not None:
            some = [f for f in some if f.shell == shell]
        if not some:
            why[name] = _why_not(element, shell, low, high, incident)
        found += [f for f in some if f.name not in {g.name for g in found}]
    return found, why


def _why_not(
    element: str, shell: str | None, low: float, high: float, incident: float | None
) -> str:
    shells = (shell,) if shell else ("K", "L", "M")
    emitted = [f for s in shells if (f := family(element, s)) is not None]
    if not emitted:
        return _emits_nothing(element, shell)
    excited = [f for f in emitted if incident is None or incident > f.edge]
    if not excited:
        edges = ", ".join(f"{f.shell} {f.edge:.4g} keV" for f in emitted)
        return f"{incident:g} keV excite no line of it: its edges are {edges}"
    lines = ", ".join(f"{f.shell} {f.main:.4g} keV" for f in excited)
    soft = " (photons that soft are stopped in air, window and the detector's dead layer)"
    why = soft if max(f.main for f in excited) < SOFTEST else ""
    return f"its lines ({lines}) are not on the axis, {low:.4g} to {high:.4g} keV{why}"


def _emits_nothing(element: str, shell: str | None) -> str:
    if shell:
        return f"{element} has no line of shell {shell} in the tables"
    edge = edge_energy(element)
    if edge is None:
        return f"{element} has no X-ray line in the tables"
    return (
        f"{element} has no electrons bound by more than {1e3 * edge:.3g} eV: it emits no X-ray "
        "that passes air, window and the detector's dead layer"
    )
