"""What registering something returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from consilience.model.measurement import Notice

__all__ = ["Added"]


@dataclass(frozen=True)
class Added:
    """One thing that was registered, or was there already.

    Parameters
    ----------
    what : str
        Record type: sample, step, series, measurement, finding, reference.
    id : str
    new : bool
        False: it was there already, and nothing was changed.
    title : str
        What a reader sees.
    notices : list of Notice
        What the reader and the checks noticed.
    """

    what: str
    id: str
    new: bool
    title: str = ""
    notices: list[Notice] = field(default_factory=list)

    def __str__(self) -> str:
        name = self.id if self.title in ("", self.id) else f"{self.id} ({self.title})"
        return f"{self.what} {name} " + ("registered" if self.new else "was already registered")
