"""What checking a study finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from consilience.store.record import NO_HASH

__all__ = ["Problem", "VerifyReport"]

Severity = Literal["error", "warning", "note"]
Kind = Literal["lost", "changed", "extra", "torn", "stale-index", "journal", "truncated"]


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be.

    `severity` is *error* where something registered is lost or changed, *warning*
    where something unexplained was found and all that was registered is there,
    *note* for harmless leftovers of a crash.
    """

    kind: Kind
    what: str
    where: str
    fix: str
    severity: Severity

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "what": self.what,
            "where": self.where,
            "fix": self.fix,
            "severity": self.severity,
        }


@dataclass
class VerifyReport:
    """What `verify` found; `head` is number and hash of the journal's last good record."""

    problems: list[Problem] = field(default_factory=list)
    head: tuple[int, str] = (0, NO_HASH)
    records: int = 0
    objects: int = 0
    arrays: int = 0
    links: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True if there is no error: all that was registered is there, unchanged."""
        return not any(problem.severity == "error" for problem in self.problems)

    @property
    def clean(self) -> bool:
        """True if there is nothing but notes."""
        return all(problem.severity == "note" for problem in self.problems)

    @property
    def bytes_per_second(self) -> float:
        """Bytes hashed per second."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "ok": self.ok,
            "problems": [problem.to_dict() for problem in self.problems],
            "head": {"seq": self.head[0], "hash": self.head[1]},
            "records": self.records,
            "objects": self.objects,
            "arrays": self.arrays,
            "links": self.links,
            "bytes": self.bytes,
            "seconds": self.seconds,
        }
