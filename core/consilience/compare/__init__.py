"""Comparing findings: who can meet, what they say, and why not.

``engine`` lets findings meet, ``qualified`` and ``multiplicity`` let a verdict say no more than is
known, ``margins`` decides.  What is compared has a room each: ``numbers``, ``compositions``,
``maps``, ``courses`` over states, ``presence`` and controls; ``volumes`` is how much a quantity
varies between volumes of one sample.
"""

from __future__ import annotations

from consilience.compare.context import ComparisonContext
from consilience.compare.engine import compare_findings

__all__ = ["ComparisonContext", "compare_findings"]
