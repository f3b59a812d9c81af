"""Profiles along the needle against other profiles."""

from __future__ import annotations

from consilience.compare.context import ComparisonContext
from consilience.compare.maps import profiles
from consilience.model import Finding, Verdict

__all__ = ["KEY", "compare"]

KEY = "apt.profiles"


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare as the core compares profiles along a line."""
    made = profiles.compare(first, second, context)
    return None if made is None else made.model_copy(update={"comparison": KEY})
