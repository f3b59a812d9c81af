"""Members, texts and numbers of NeXus groups, where any of them may be missing.

For the readers of all techniques.
"""

from __future__ import annotations

from typing import Any

from consilience.hdf5 import text_of

__all__ = ["class_of", "field_text", "member_of", "members", "number_in", "text_in"]


def class_of(thing: Any) -> str:
    """``NX_class``, empty where there is none."""
    return text_of(thing.attrs.get("NX_class")) or ""


def members(group: Any) -> list[Any]:
    """Members of the file itself; external and broken links are left out."""
    import h5py

    out = []
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            continue  # looked at where it was checked
        try:
            out.append(group[name])
        except (KeyError, OSError):
            continue
    return out


def member_of(group: Any, name: str) -> Any:
    """A member, or None where it is absent or its link is broken."""
    try:
        return group.get(name)
    except (KeyError, OSError):
        return None


def text_in(data: Any) -> str | None:
    """Text of a data set of one element."""
    return text_of(data[()]) if data.size == 1 else None


def number_in(data: Any) -> float | None:
    """Number in a data set of one element."""
    try:
        return float(data[()].reshape(-1)[0]) if data.size == 1 else None
    except (TypeError, ValueError, AttributeError):
        return None


def field_text(group: Any, name: str) -> str | None:
    """Text of a field of a group, None where it is absent."""
    import h5py

    member = member_of(group, name)
    return text_in(member) if isinstance(member, h5py.Dataset) else None
