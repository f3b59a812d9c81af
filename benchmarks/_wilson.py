"""Shares with their intervals."""

from __future__ import annotations

from scipy.stats import binomtest

__all__ = ["in_percent", "wilson"]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, J. Am. Stat. Assoc. 22, 209, 1927)."""
    found = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def in_percent(hits: int, of: int) -> str:
    """Return a share with its interval in words."""
    low, high = wilson(hits, of)
    return f"{100 * hits / of:.1f} ({100 * low:.1f} to {100 * high:.1f})"
