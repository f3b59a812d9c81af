"""ExSpy's table of the elements."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from functools import lru_cache
from typing import Any

from consilience_eels.library.session import hyperspy

__all__ = ["atomic_weight", "element_density", "elements"]


def atomic_weight(element: str) -> float:
    """Return the atomic weight that exSpy uses, in g/mol."""
    return float(elements()[element]["General_properties"]["atomic_weight"])


def element_density(element: str) -> float:
    """Return the density of the pure element that exSpy uses, in g/cm³ (of gases as gases)."""
    return float(elements()[element]["Physical_properties"]["density (g/cm^3)"])


@lru_cache(maxsize=1)
def elements() -> dict[str, Any]:
    """ExSpy's table of the elements; turning it into a dictionary takes a tenth of a second."""
    hyperspy()
    from exspy import material

    return dict(material.elements.as_dictionary())
