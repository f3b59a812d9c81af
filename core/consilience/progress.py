"""Progress as events; the terminal draws the bars."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "no_progress"]

Progress = Callable[[int, int, str], None]
"""``progress(done, total, what)``."""


def no_progress(done: int, total: int, what: str) -> None:
    """Swallow progress events."""
