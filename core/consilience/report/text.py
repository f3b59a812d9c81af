"""Names of a report: what cannot be seen is made visible.

Every text that reaches the page is taken as hostile.  `visible` makes what cannot be seen
seen (control characters, direction overrides); escaping is left to the template engine.
"""

from __future__ import annotations

import unicodedata

__all__ = ["one_line", "visible"]

_JOINERS = {"\u200c", "\u200d"}  # Persian and Indic scripts need them; they change no order


def visible(text: str) -> str:
    """Return `text` with every character that hides, reorders or breaks made visible.

    Line feeds and tabs are kept (the page shows them as breaks and spaces); other control
    and format characters, lone surrogates and line separators are written as ``‹U+202E›``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def _shown(char: str) -> str:
    if char in "\n\t" or char in _JOINERS or char.isprintable() or char == "\u00a0":
        return char
    if unicodedata.category(char) == "Zs":
        return char
    return f"‹U+{ord(char):04X}›"


def one_line(text: str, limit: int = 0) -> str:
    """Return `text` visible and on one line; longer than `limit` characters it ends in ``…``."""
    flat = " ".join(visible(text).split())
    return flat if not limit or len(flat) <= limit else flat[: limit - 1].rstrip() + "…"
