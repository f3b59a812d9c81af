"""Keep xarray from importing libraries of arrays only to hear that an array is none of theirs.

xarray asks of every array whether it is one of dask's, sparse's or pint's, and imports each of
them to know: 1 to 2 s of a command that opens a stored array.  An array cannot be of a library
that nobody has imported, so the question waits until somebody has.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

__all__ = ["lighten"]

_MODULES = {"dask": "dask.array", "pint": "pint", "sparse": "sparse", "cupy": "cupy"}
"""What xarray asks for, and the module without which no such array exists."""


class _WhenImported:
    """What xarray knows of a library of arrays; nothing of one that is not imported yet."""

    def __init__(self, name: str, module: str, kind: Any) -> None:
        self._name, self._module, self._kind = name, module, kind
        self._found: Any = None

    def _real(self) -> Any:
        if self._found is None and self._module in sys.modules:
            self._found = self._kind(self._name)
        return self._found

    @property
    def type(self) -> tuple[type, ...]:
        """Classes of arrays; none while the library is not imported."""
        real = self._real()
        return () if real is None else tuple(real.type)

    @property
    def available(self) -> bool:
        """True if the library is installed."""
        return find_spec(self._name) is not None

    def __getattr__(self, name: str) -> Any:
        """Ask the library itself for its version or module."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._found is None:
            self._found = self._kind(self._name)
        return getattr(self._found, name)


def lighten() -> None:
    """Let xarray wait; it does nothing where xarray keeps what it knows elsewhere."""
    try:
        from xarray.namedarray import pycompat

        kind, known = pycompat.DuckArrayModule, pycompat._cached_duck_array_modules
    except (ImportError, AttributeError):  # another version: slower, not wrong
        return
    for name, module in _MODULES.items():
        if name not in known:
            known[name] = _WhenImported(name, module, kind)  # type: ignore[index, assignment]
