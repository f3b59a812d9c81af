"""What a fault is, and helpers that change files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.twin import Claims

__all__ = ["Fault", "Size", "substituted"]

Size = str
"""
``"beyond"`` margin + 3 σ, or no matter of size; ``"at"``: from the margin to there; ``"below"`` the
margin; ``"hidden"``: the files are the same with it as without, but for noise.
"""


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
