"""Names of element maps as programs write them: ``Pt-La``, ``Pb_L``, ``Fe``, ``Fe Ka``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from consilience.model.elements import SYMBOLS

__all__ = ["MapName", "map_name", "plain_name"]

_NAME = re.compile(
    r"(?P<element>[A-Z][a-z]?)"
    r"(?:[-_ .]?(?P<line>[KLM](?:[-_ ]?(?:alpha|beta|gamma|[abg]))?\d{0,2}))?"
)
_GREEK = {"alpha": "a", "beta": "b", "gamma": "g"}


@dataclass(frozen=True)
class MapName:
    """What a map shows: ``element`` "Pt", ``line`` "La"; `name` is the variable, "Pt_La"."""

    element: str
    line: str

    @property
    def name(self) -> str:
        """Name of the variable."""
        return f"{self.element}_{self.line}"


def map_name(text: str, bare: str | None = None) -> MapName | None:
    """Read the element and its line from the name of a map.

    Parameters
    ----------
    text : str
    bare : str, optional
        Line of a bare symbol ("K" in XRF-Maps); without it a bare symbol is no map.

    Returns
    -------
    MapName or None
        None for anything but one element with a line: scatter, a residual, pile-up.
    """
    found = _NAME.fullmatch(text.strip())
    if found is None or found["element"] not in SYMBOLS:
        return None
    line = found["line"] or bare
    if line is None:
        return None
    for word, letter in _GREEK.items():
        line = line.replace(word, letter)
    return MapName(found["element"], re.sub(r"[-_ ]", "", line))


def plain_name(text: str) -> str:
    """A name that can be a variable: letters, digits and underscores."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "map"
    return f"{name}_map" if name.endswith("_std") else name
