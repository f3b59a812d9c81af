"""Members, texts and numbers of NeXus groups, where any of them may be missing.

For the readers of all techniques.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from consilience.hdf5 import text_of

_MOST = 100_000
"""Numbers of one field that are read: a beam may have an extent for each point of a scan."""

__all__ = [
    "beam_size",
    "class_of",
    "field_text",
    "member_of",
    "members",
    "number_in",
    "sample_length",
    "text_in",
]


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


def beam_size(entry: Any) -> dict[str, Any] | None:
    """Return the size of the beam at the sample: ``extent`` of an NXbeam, the greater side.

    That of a sample goes before those of the instrument, which are of the beam at other places
    too: where these differ, which is the one at the sample is not known.

    Returns
    -------
    dict or None
        ``{"value", "unit"}``; NeXus says that it is a full width at half maximum.
    """
    for kinds in (("NXsample",), ("NXinstrument", "NXentry", "NXsubentry")):
        found = [
            size
            for group in _of_class(entry, kinds)
            for beam in _of_class(group, ("NXbeam",), inside=True)
            if (size := _length(beam, "extent")) is not None
        ]
        if found:
            return found[0] if all(one == found[0] for one in found) else None
    return None


def sample_length(entry: Any, name: str) -> dict[str, Any] | None:
    """Return one number of the NXsample, such as ``thickness`` or ``path_length``.

    Returns
    -------
    dict or None
        ``{"value", "unit"}``; None where it is not there, has no unit or is several numbers.
    """
    for group in _of_class(entry, ("NXsample",)):
        found = _length(group, name)
        if found is not None and group[name].size == 1:
            return found
    return None


def _of_class(group: Any, kinds: tuple[str, ...], *, inside: bool = False) -> Iterator[Any]:
    """Yield groups of these classes: the group itself unless only `inside`, and its members."""
    import h5py

    if not inside and class_of(group) in kinds:
        yield group
    for member in members(group):
        if isinstance(member, h5py.Group) and class_of(member) in kinds:
            yield member


def _length(group: Any, name: str) -> dict[str, Any] | None:
    """Return the greatest number of a field with its unit; None without either, or if not > 0."""
    import h5py
    import numpy as np

    member = member_of(group, name)
    if not isinstance(member, h5py.Dataset) or member.dtype.kind not in "iuf":
        return None
    unit = text_of(member.attrs.get("units"))
    if not unit or not 0 < member.size <= _MOST:
        return None
    values = np.asarray(member[()], dtype=np.float64)
    found = float(values.max())
    return {"value": found, "unit": unit} if np.isfinite(values).all() and found > 0 else None
