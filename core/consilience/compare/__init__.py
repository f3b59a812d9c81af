"""Comparing findings: who can meet, what they say, and why not."""

from __future__ import annotations

from consilience.compare.context import ComparisonContext
from consilience.compare.engine import compare_findings, weighed_in

__all__ = ["ComparisonContext", "compare_findings", "weighed_in"]
