"""One contradiction: two readings that cannot both be true, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Contradiction"]


@dataclass(frozen=True)
class Contradiction:
    """Two readings that cannot both be true.

    Parameters
    ----------
    code : str
        Short stable name such as ``measured-before-sample``.
    words : str
        What a reader sees.
    readings : tuple of str
        The two readings, each with its source.
    evidence : tuple of str
        IDs of the steps, series and measurements.
    samples : tuple of str
    fix : str
        What to look at.
    about : {"time", "value", "place"}
    """

    code: str
    words: str
    readings: tuple[str, str]
    evidence: tuple[str, ...]
    samples: tuple[str, ...]
    fix: str
    about: Literal["time", "value", "place"] = "time"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "code": self.code,
            "words": self.words,
            "readings": list(self.readings),
            "evidence": list(self.evidence),
            "samples": list(self.samples),
            "fix": self.fix,
            "about": self.about,
        }
