"""Cross sections of X-ray emission, by line or by group of lines, from xraylib.

References
----------
.. [1] T. Schoonjans et al., Spectrochimica Acta B 66 (2011) 776.
.. [2] L. Kissel, as tabulated there: partial photo-ionisation cross sections; vacancies that
   travel to other shells before they are filled are counted.
.. [3] M. O. Krause, Journal of Physical and Chemical Reference Data 8 (1979) 307, table 1: errors
   of fluorescence yields.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from consilience.errors import BadInputError
from consilience_xrf.lines.elements import SHELLS, family

__all__ = ["LINE_NAME", "Emission", "edge_energy", "emission", "line_energy"]

LINE_NAME = r"[A-Z][a-z]?_(K|L|M|Ka|Kb|La|Lb|Lg|Ll|Ma)[0-9]?"
"""As ``Pt_La``, ``Fe_K``, ``Cu_Ka1``."""

YIELD_STD = {
    "K": ((6.0, 0.03), (3.3, 0.05), (1.0, 0.10), (0.0, 0.30)),
    "L": ((5.0, 0.10), (2.0, 0.15), (0.0, 0.30)),
    "M": ((0.0, 0.40),),
}
"""Relative standard deviation of yields times rates, by shell and least energy in keV.

Of the size of those of [3]_ for K lines (of Z above 25, 18, 10) and hard L lines, not held against
the print; for soft L and M lines that by which the tables of xraylib and of PyMca differ on one
measured standard.
"""

_GROUPS = {
    "Ka": ("KA_LINE",),
    "Kb": ("KB_LINE",),
    "La": ("LA_LINE",),
    "Lb": ("LB_LINE",),
    "Lg": ("LG1_LINE", "LG2_LINE", "LG3_LINE", "LG4_LINE"),
    "Ll": ("LL_LINE",),
    "Ma": ("MA1_LINE", "MA2_LINE"),
}


@dataclass(frozen=True)
class Emission:
    """What one line or group gives.

    Attributes
    ----------
    energy : float
        keV, mean over the group weighted by intensity.
    cross_section : float
        cm² per gram of the element.
    relative_std : float
        Of the cross section: yields and rates by shell, and the difference to other tables.
    lines : tuple of (float, float)
        Energy in keV and share of each single line.
    """

    element: str
    line: str
    energy: float
    cross_section: float
    relative_std: float
    lines: tuple[tuple[float, float], ...]


def _number(element: str) -> int:
    import xraylib

    try:
        return int(xraylib.SymbolToAtomicNumber(element))
    except ValueError:
        raise BadInputError(
            f"{element!r} is no element", fix="write for example 'Pt' or the line as 'Pt_La'"
        ) from None


def _members(line: str) -> tuple[str, ...]:
    """Names of xraylib's lines."""
    if line in _GROUPS:
        return _GROUPS[line]
    greek = line[:2].upper() + line[2:]
    return (f"{greek}_LINE",)


def edge_energy(element: str, line: str) -> float:
    """Return the binding energy in keV below which a line is not excited at all.

    Raises
    ------
    BadInputError
        No such element or line.
    """
    import xraylib

    shells = {"K": "K_SHELL", "L": "L3_SHELL", "M": "M5_SHELL"}
    shell = shells.get(line[:1])
    if shell is None:
        raise BadInputError(f"{line!r} is no line of {element}", fix="write 'Ka', 'La', 'K', 'L' …")
    try:
        return float(xraylib.EdgeEnergy(_number(element), getattr(xraylib, shell)))
    except ValueError:
        raise BadInputError(
            f"{element} has no {line[0]} lines", fix="name a line of another shell"
        ) from None


@lru_cache(maxsize=512)
def emission(element: str, line: str, beam: float) -> Emission:
    """Return energy and cross section of a line excited by photons of `beam` keV.

    Secondary fluorescence by other elements is not in it.

    Raises
    ------
    BadInputError
        The line is not known, or the beam is below its edge.
    """
    import xraylib

    edge = edge_energy(element, line)
    if beam <= edge:
        raise BadInputError(
            f"photons of {beam:g} keV do not excite {element}_{line}: its edge is at "
            f"{edge:.4g} keV",
            fix="name a line of a shell that is bound less, or check the beam's energy",
        )
    if line in SHELLS:
        whole = family(element, line, beam)
        if whole is None or whole.cross_section is None:
            raise _unknown(element, line, beam)
        mean = float((whole.weights * whole.energies).sum())
        single = tuple(
            (float(e), float(w)) for e, w in zip(whole.energies, whole.weights, strict=True)
        )
        number = _number(element)
        codes = [int(getattr(xraylib, f"{name}_LINE")) for name in whole.lines]
        std = math.hypot(_yield_std(line, mean), _apart(number, codes, beam))
        return Emission(element, line, mean, whole.cross_section, std, single)
    number = _number(element)
    total = weighted = 0.0
    found: list[tuple[float, float]] = []
    strong: list[int] = []
    for name in _members(line):
        code = getattr(xraylib, name, None)
        if code is None:
            raise BadInputError(
                f"{line!r} is no line of {element}", fix=f"name one of {', '.join(_GROUPS)}"
            )
        try:
            one = float(xraylib.CS_FluorLine_Kissel_Cascade(number, code, beam))
            at = float(xraylib.LineEnergy(number, code))
        except ValueError:
            continue  # a shell of this group is not excited, or the element lacks it
        total += one
        weighted += one * at
        found.append((at, one))
        strong.append(code)
    if total <= 0.0:
        raise _unknown(element, line, beam)
    std = math.hypot(_yield_std(line[0], weighted / total), _apart(number, strong, beam))
    shares = tuple((at, one / total) for at, one in found)
    return Emission(element, line, weighted / total, total, std, shares)


def _yield_std(shell: str, energy: float) -> float:
    return next((std for least, std in YIELD_STD.get(shell, ()) if energy >= least), 0.40)


def _unknown(element: str, line: str, beam: float) -> BadInputError:
    return BadInputError(
        f"no cross section of {element}_{line} is known at {beam:g} keV",
        fix="name another line of the element",
    )


def _apart(number: int, codes: Sequence[int], beam: float) -> float:
    """Relative difference of jump ratios to partial cross sections, where both are known.

    Both without the vacancies that other shells hand on, which the former know nothing of.  M
    lines have no jump ratios there.
    """
    import xraylib

    ours = others = 0.0
    for code in codes:
        try:
            both = [
                float(table(number, code, beam))
                for table in (xraylib.CS_FluorLine_Kissel_no_Cascade, xraylib.CS_FluorLine)
            ]
        except ValueError:
            continue
        ours, others = ours + both[0], others + both[1]
    return abs(others - ours) / ours if ours > 0.0 else 0.0


def line_energy(element: str, line: str) -> float:
    """Return the mean energy in keV of a line or group, weighted by rates; no beam is needed.

    Raises
    ------
    BadInputError
        No such element or line.
    """
    import xraylib

    if line in SHELLS:
        whole = family(element, line)
        if whole is not None:
            return float((whole.weights * whole.energies).sum())
    number = _number(element)
    total = weighted = 0.0
    for name in _members(line):
        code = getattr(xraylib, name, None)
        if code is None:
            continue
        try:
            at, rate = float(xraylib.LineEnergy(number, code)), 1.0
            rate = float(xraylib.RadRate(number, code))
        except ValueError:
            continue
        total += rate
        weighted += rate * at
    if total <= 0.0:
        raise BadInputError(
            f"{line!r} is no line of {element}", fix=f"name K, L, M or {', '.join(_GROUPS)}"
        )
    return weighted / total
