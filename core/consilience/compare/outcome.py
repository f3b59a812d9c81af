"""What is said of two findings or groups before it is a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from consilience.compare.margins import Decision
from consilience.model.verdict import Answer

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """An answer with its reason and its numbers."""

    answer: Answer
    reason: str
    settle: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    difference: float | None = None
    std: float | None = None
    decision: Decision | None = None
    known: bool = True
