"""The kinds of finding that the plugin declares beside the core's."""

from __future__ import annotations

from consilience.declarations import Kind

__all__ = ["KINDS"]

KINDS = (
    Kind("line_intensity", "counts of an element's lines", "scalar", "count"),
    Kind("element_map", "map of an element's line", "map", "1"),
    Kind("xrf_sensitivity", "counts for a mass per area", "scalar", None),
)
