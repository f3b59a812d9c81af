"""The analyses that the plugin declares; imports none of them."""

from __future__ import annotations

from consilience.declarations import Analysis

__all__ = ["ANALYSES"]

ANALYSES: tuple[Analysis, ...] = ()
