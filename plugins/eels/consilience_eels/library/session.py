"""HyperSpy with exSpy's signals, imported when first needed."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import logging
import warnings
from typing import Any

__all__ = ["hyperspy"]


def hyperspy() -> Any:
    """Return ``hyperspy.api``, with exSpy's signals registered."""
    units = logging.getLogger("pint.util")
    level = units.level
    units.setLevel(logging.ERROR)  # importing it redefines units, which is no news of the file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # and warns of its own dependencies
            import exspy  # noqa: F401  registers the signals of EELS and EDX
            import hyperspy.api as hs
    finally:
        units.setLevel(level)
    return hs
