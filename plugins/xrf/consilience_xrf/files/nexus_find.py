"""Spectra in NeXus files: which groups hold them, and what each dimension is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consilience.hdf5 import text_of
from consilience.hdf5_files import check_dataset, children
from consilience.nexus import class_of, field_text, member_of

__all__ = ["Cube", "axis_names", "direction", "find_cubes"]

_OTHER = {"nxxrd", "nxstxm", "nxtomo", "nxtomoproc", "nxxas", "nxsas", "nxmonopd", "nxazint1d"}
_ENERGY = {"energy", "energies", "channel", "channels", "mca", "bin", "bins", "fluo_energy"}
_ELEMENT = {"element", "detector", "sensor", "detector_element", "pixel"}
_NAMES = ("data", "fullspectrum", "full_spectrum", "spectrum", "spectra", "counts", "allelementsum")
_SUFFIX = re.compile(r"(?:_value|_set|_rbv|_position|_pos)+$", re.IGNORECASE)
_STEMS = {
    "s", "t", "p", "sample", "stage", "table", "motor", "scan", "piezo", "nano", "fine", "coarse",
    "pos", "position", "axis", "sam", "sm", "st", "base", "lab", "raster", "galvo",
}  # fmt: skip
"""What stands before the x of a motor's name that has nothing between."""

FEWEST_CHANNELS = 64


@dataclass(frozen=True)
class Cube:
    """Spectra of one group of a file, without their values.

    Attributes
    ----------
    group, entry, data : h5py objects
    roles : tuple of str
        What each dimension is: "lead", "y", "x", "point", "detector" or "channel".
    names : tuple of str
        What the file calls each dimension, "." where it does not.
    label : str
        Name of the data set in its group.
    where, entry_where : str
        Paths of the group and of its entry in the file itself.
    root : str
        Name of the file itself; links may lead to others.
    """

    group: Any
    entry: Any
    data: Any
    roles: tuple[str, ...]
    names: tuple[str, ...]
    label: str
    where: str
    entry_where: str
    root: str

    def located(self, thing: Any, name: str) -> str:
        """Path of the member `name` of the group; linked files have another for it."""
        if thing.file.filename == self.root:
            return str(thing.name)
        return f"{self.where}/{name}"

    def under_entry(self, path: str) -> str:
        """Path in the file itself of what the entry's own file has at `path`."""
        if self.entry.file.filename == self.root:
            return path
        return self.entry_where + path[len(self.entry.name.rstrip("/")) :]


@dataclass
class _Search:
    path: Path
    broken: list[str] = field(default_factory=list)
    groups: list[tuple[Any, str, Any, str]] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)


def find_cubes(file: Any, path: Path) -> tuple[list[Cube], list[str], list[str]]:
    """Find the spectra of a file that `linked_files` has passed.

    Returns
    -------
    cubes : list of Cube
        A detector's group is left out where the entry has the same spectra as NXdata.
    reasons : list of str
        Why other data were left.
    broken : list of str
        Links to what is not there.
    """
    search = _Search(path)
    _walk(file["/"], "", file["/"], "", search, 0)
    found: list[Cube] = []
    reasons: list[str] = []
    for place in sorted(search.groups, key=lambda g: class_of(g[2]) != "NXdata"):
        group = place[2]
        cube = _cube(place, file.filename, path)
        if isinstance(cube, str):
            reasons.append(f"{group.name}: {cube}")
            continue
        twin = any(
            c.data == cube.data
            or (
                c.entry == cube.entry
                and class_of(group) == "NXdetector"
                and c.data.shape == cube.data.shape
            )
            for c in found
        )
        if not twin:
            found.append(cube)
    return found, reasons, search.broken


def _walk(group: Any, where: str, entry: Any, above: str, search: _Search, depth: int) -> None:
    import h5py

    if group.id in search.seen or depth > 20:
        return
    search.seen.append(group.id)
    kind = class_of(group)
    if kind in ("NXentry", "NXsubentry"):
        entry, above = group, where
    marked = False
    for name, member in children(group, search.path, search.broken):
        if isinstance(member, h5py.Dataset):
            check_dataset(member, search.path)
            marked = marked or "signal" in member.attrs
        elif isinstance(member, h5py.Group):
            _walk(member, f"{where}/{name}", entry, above, search, depth + 1)
    if kind in ("NXdata", "NXdetector") or marked:
        search.groups.append((entry, above, group, where))


def axis_names(value: Any) -> list[str]:
    """Axis names from ``["y", "x"]``, ``b"energy"`` or the older ``"y:x"``."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.size > 1:
        return [text_of(v) or "." for v in value.reshape(-1)]
    text = text_of(value) or ""
    return [t.strip() for t in re.split(r"[:,]", text.strip("[]")) if t.strip()]


def direction(name: str) -> str | None:
    """Return "x" or "y" for a motor's name such as ``x``, ``t3x``, ``SampleY_set``; else None."""
    bare = _SUFFIX.sub("", name)
    low = bare.lower()
    if not low or low[-1] not in "xy":
        return None
    stem = low[:-1]
    apart = not stem or not stem[-1].isalpha()
    camel = len(bare) > 1 and bare[-1].isupper() and bare[-2].islower()
    return low[-1] if apart or camel or stem in _STEMS else None


def _signal(group: Any) -> str | None:
    """Name of the data set that a group is about, None where there is none."""
    import h5py

    name = text_of(group.attrs.get("signal"))
    if name is not None and isinstance(member_of(group, name), h5py.Dataset):
        return name
    datasets = {n: m for n in group if isinstance(m := member_of(group, n), h5py.Dataset)}
    for key, data in datasets.items():
        mark = data.attrs.get("signal")
        if str(text_of(mark) or mark) in ("1", "[1]"):
            return str(key)
    if class_of(group) == "NXdetector":
        for key, data in datasets.items():
            if key.lower() in _NAMES and data.ndim > 1:
                return str(key)
    return None


def _cube(place: tuple[Any, str, Any, str], root: str, path: Path) -> Cube | str:
    """The spectra of a group, or why it holds none."""
    entry, above, group, where = place
    kind = (field_text(entry, "definition") or "").strip().lower()
    if kind in _OTHER:
        return f"its definition is {field_text(entry, 'definition')}"
    label = _signal(group)
    if label is None:
        return "no signal is named"
    data = group[label]
    if data.dtype.kind not in "iuf" or data.ndim == 0 or data.size == 0:
        return "its signal is not an array of numbers"
    check_dataset(data, path)
    names = axis_names(group.attrs["axes"]) if "axes" in group.attrs else []
    if not names and "axes" in data.attrs:
        names = axis_names(data.attrs["axes"])
    names = [n or "." for n in names]
    names = (names + ["."] * data.ndim)[: data.ndim]
    spectral = names[-1].lower() in _ENERGY or (
        text_of(data.attrs.get("interpretation")) == "spectrum" or kind == "nxfluo"
    )
    if not spectral or data.shape[-1] < FEWEST_CHANNELS:
        return f"its last axis {names[-1]!r} ({data.shape[-1]} values) is no energy"
    return Cube(group, entry, data, _roles(names, data.shape), tuple(names), label, where, above,
                root)  # fmt: skip


def _roles(names: list[str], shape: tuple[int, ...]) -> tuple[str, ...]:
    """What each dimension is, from its name and its place."""
    roles = ["lead"] * (len(names) - 1) + ["channel"]
    scan = list(range(len(names) - 1))
    named = [direction(n) for n in names[:-1]]
    for i in list(scan):
        low = names[i].lower()
        # elements of one detector: unnamed just before the energy of a scan, or named so
        unnamed = low == "." and i == len(names) - 2 and len(scan) > 2 and shape[i] <= 64
        if low in _ELEMENT or unnamed:
            roles[i] = "detector"
            scan.remove(i)
    if "x" in named and "y" in named:
        roles[named.index("x")], roles[named.index("y")] = "x", "y"
    elif len(scan) >= 2:
        roles[scan[-2]], roles[scan[-1]] = "y", "x"
    elif len(scan) == 1:
        roles[scan[0]] = "point"
    return tuple(roles)
