"""A study from Python: everything the command line does, as methods of `Study`."""

from __future__ import annotations

from consilience.study.added import Added
from consilience.study.study import Study

__all__ = ["Added", "Study"]
