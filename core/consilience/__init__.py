"""Consilience: one sample, many instruments, one honest verdict.

``Study`` is the way in; everything heavy is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience._version import __version__

if TYPE_CHECKING:
    from consilience.study import Study

__all__ = ["Study", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Study":
        from consilience.study import Study

        return Study
    raise AttributeError(f"module 'consilience' has no attribute {name!r}")
