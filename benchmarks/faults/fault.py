"""What a fault is, and helpers that change files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults.twin import Claims

__all__ = ["NOTICED", "Fault", "Size", "column", "header", "params", "substituted"]

Size = str
"""
``"beyond"`` margin + 3 σ, or no matter of size; ``"at"``: from the margin to there; ``"below"`` the
margin; ``"hidden"``: the files are the same with it as without, but for noise.
"""


NOTICED = ("disagree", "lost", "notice", "refused", "failed")
"""Signs by which what is wrong in a file can be told, by others or by itself."""


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Parameters
    ----------
    name : str
    where : str
        The file, entry, state or step that it acts on.
    plant : callable
        Changes the claims.
    group : tuple of str
        Samples that it can touch; faults on others may be planted into the same study.
    names : tuple of str
        Samples or files that the study's answer has to name.
    signs : tuple of str
        In which ways it should be found (see `consilience` answers): a verdict that turns to
        ``disagree``, an agreement ``lost``, a caveat (``note``, ``doubt``, ``veto``), a ``notice``,
        a file ``refused``, an analysis ``failed``, or ``verify``.
    about : str
        What the sign has to speak of, as a regular expression; anything if empty.
    size : str
    verify : bool
        Hash what is stored afterwards.
    """

    name: str
    where: str
    plant: Callable[[Claims], None]
    group: tuple[str, ...]
    names: tuple[str, ...]
    signs: tuple[str, ...] = ("disagree", "lost")
    about: str = ""
    size: Size = "beyond"
    verify: bool = False


def substituted(pattern: str, by: str) -> Callable[[Path], None]:
    """Return an edit of a text file: the first match of a pattern is replaced.

    Raises
    ------
    ValueError
        When the edit is done: nothing matches.
    """

    def edit(path: Path) -> None:
        text, count = re.subn(
            pattern, by, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
        )
        if not count:
            raise ValueError(f"{path.name} has nothing like {pattern!r}")
        path.write_text(text, encoding="utf-8")

    return edit


def column(number: int, change: Callable[[int, float], float]) -> Callable[[Path], None]:
    """Return an edit of a sensor's log: one column becomes `change` of row and value."""

    def edit(path: Path) -> None:
        rows = path.read_text(encoding="utf-8").splitlines()
        made = rows[:2]
        for at, row in enumerate(rows[2:]):
            cells = row.split(",")
            cells[number] = f"{change(at, float(cells[number])):.5g}"
            made.append(",".join(cells))
        path.write_text("\n".join(made) + "\n", encoding="utf-8")

    return edit


def params(name: str, values: dict[str, Any], claims: Claims) -> None:
    """Simulate something with other parameters."""
    claims.params(name).update(values)


def header(file: str, pattern: str, by: str, claims: Claims) -> None:
    """Replace the first match of a pattern in a text file."""
    claims.edit(file, substituted(pattern, by))
