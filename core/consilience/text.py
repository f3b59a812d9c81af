"""Text for places where it could do harm: file names, spreadsheets, terminals."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

__all__ = ["in_unit", "one_line", "safe_file_name", "shortened", "spreadsheet_cell"]


def safe_file_name(text: str, length: int = 60) -> str:
    """Return letters, digits, dot, dash and underscore of `text`, and never a hidden name."""
    name = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", text)).strip("._")
    return name[:length] or "unnamed"


def spreadsheet_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: such text gets a leading apostrophe.

    Numbers stay numbers; None becomes ``unknown``.
    """
    if value is None:
        return "unknown"
    if isinstance(value, str):
        first = unicodedata.normalize("NFKC", value).lstrip()[:1]
        if (first and first in "=+-@") or value[:1] in ("\t", "\r", "\n"):
            return "'" + value
    return value


def one_line(text: str) -> str:
    """Return text with control and text-direction characters made visible, for a terminal."""
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def shortened(text: str, most: int) -> str:
    """Return text of at most so many characters, cut between words where it can be."""
    if len(text) <= most:
        return text
    cut = text[: most - 1].rstrip()
    words = cut.rpartition(" ")[0]
    return f"{(words if len(words) > most // 2 else cut).rstrip(' ,;:')}…"


def in_unit(number: str, unit: str | None) -> str:
    """Return a number with its unit, which a pure number has not.

    Examples
    --------
    >>> in_unit("0.05", "1"), in_unit("4.2", "angstrom")
    ('0.05', '4.2 angstrom')
    """
    return number if unit in (None, "", "1") else f"{number} {unit}"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
