"""What an HDF5 file says of itself, alike for the readers of all techniques."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consilience.model.base import Origin

__all__ = ["origin_of", "says_simulated", "text_of"]

_STATED = re.compile(r"\s*(?:computer[\s_-]+)?simulat(?:ed|ions?)(?![a-z])", re.IGNORECASE)
_WORD = re.compile(r"(?<![a-z])simulat(?:ed|ions?)(?![a-z])", re.IGNORECASE)


def text_of(value: Any) -> str | None:
    """Text from bytes, str or a one-element array of either; None for anything else."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.size != 1:
            return None
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def says_simulated(text: str | None) -> bool:
    """Whether a stated origin is a simulation: it begins with the word, in any case."""
    return text is not None and _STATED.match(text) is not None


def origin_of(*places: Any) -> Origin:
    """Whether data are simulated, from the places of a file that are there to say so.

    Parameters
    ----------
    *places : h5py.Group or h5py.Dataset
        The data and the entry they belong to, in a file that may be followed.

    Returns
    -------
    {"measured", "simulated"}
        "simulated" if, at one of the places or a group above it, the attribute or field
        ``origin`` begins with the word, or an NXentry has a ``definition`` of simulations or
        an NXsource whose ``type`` or ``probe`` is simulated.  Titles and notes are not looked
        at: they may speak of a simulation that the data are compared with.
    """
    for place in places:
        for group in _upwards(place):
            if _states(group):
                return "simulated"
    return "measured"


def _upwards(place: Any) -> Iterator[Any]:
    yield place
    # a group made to contain itself has a name that ends all the same
    while place.name not in (None, "/"):
        place = place.parent
        yield place


def _states(place: Any) -> bool:
    import h5py

    for name in place.attrs:
        if name.lower() == "origin" and says_simulated(text_of(place.attrs[name])):
            return True
    if not isinstance(place, h5py.Group):
        return False
    if says_simulated(_field(place, "origin")):
        return True
    if text_of(place.attrs.get("NX_class")) not in ("NXentry", "NXsubentry"):
        return False
    if "simulat" in (_field(place, "definition") or "").lower():
        return True
    return any(
        _WORD.search(_field(source, name) or "") or says_simulated(_field(source, "origin"))
        for source in _sources(place)
        for name in ("type", "probe")
    )


def _sources(entry: Any) -> Iterator[Any]:
    """NXsource groups of an entry and of its instruments."""
    for group in _groups(entry):
        kind = text_of(group.attrs.get("NX_class"))
        if kind == "NXsource":
            yield group
        elif kind == "NXinstrument":
            for inner in _groups(group):
                if text_of(inner.attrs.get("NX_class")) == "NXsource":
                    yield inner


def _groups(group: Any) -> Iterator[Any]:
    import h5py

    for name in group:
        if isinstance(_member(group, name), h5py.Group):
            yield group[name]


def _field(group: Any, name: str) -> str | None:
    import h5py

    data = _member(group, name)
    if not isinstance(data, h5py.Dataset) or data.size != 1 or data.external or data.is_virtual:
        return None
    return text_of(data[()])


def _member(group: Any, name: str) -> Any:
    """A member of the same file; None where it is absent, elsewhere, or its link is broken."""
    import h5py

    link = group.get(name, getlink=True, default=None)
    if isinstance(link, h5py.HardLink):
        return group[name]
    if isinstance(link, h5py.SoftLink):
        try:
            found = group[name]
        except (KeyError, OSError):
            return None
        return found if found.file.filename == group.file.filename else None
    return None
