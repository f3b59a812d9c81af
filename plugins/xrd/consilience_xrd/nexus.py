"""Diffraction in NeXus files: patterns, maps of patterns and scans of frames, lazily."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience_xrd.axes import energy_to_wavelength
from consilience_xrd.nexus_links import (
    check_dataset,
    children,
    damaged,
    linked_files,
    open_hdf5,
    text_of,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NexusAxis", "NexusSignal", "find_signals"]

_Q = {"q", "momentum_transfer", "scattering_vector", "q_axis"}
_ANGLE = {"two_theta", "2theta", "twotheta", "tth", "2th", "polar_angle", "two-theta"}
_RADIAL = {"radial_axis", "radial"}
"""What NXazint1d calls the axis; its unit says whether it is 2theta or q."""
_D = {"d", "d_spacing", "dspacing"}
_UNIT = {
    "deg": ("deg", 1.0), "degree": ("deg", 1.0), "degrees": ("deg", 1.0), "\u00b0": ("deg", 1.0),
    "rad": ("deg", 57.29577951308232), "radian": ("deg", 57.29577951308232),
    "1/angstrom": ("1/angstrom", 1.0), "1/a": ("1/angstrom", 1.0), "a^-1": ("1/angstrom", 1.0),
    "a-1": ("1/angstrom", 1.0), "angstrom^-1": ("1/angstrom", 1.0), "1/\u00e5": ("1/angstrom", 1.0),
    "\u00e5^-1": ("1/angstrom", 1.0), "angstrom-1": ("1/angstrom", 1.0),
    "nm^-1": ("1/angstrom", 0.1), "1/nm": ("1/angstrom", 0.1), "nm-1": ("1/angstrom", 0.1),
    "angstrom": ("angstrom", 1.0), "a": ("angstrom", 1.0), "\u00e5": ("angstrom", 1.0),
    "nm": ("angstrom", 10.0),
}  # fmt: skip
_POWDER = {"nxxrd", "nxmonopd", "nxazint1d", "nxxrd_pan", "nxxpow", "nxazint"}
_OTHER = {"nxfluo", "nxstxm", "nxtomo", "nxtomoproc", "nxxas", "nxsas"}


@dataclass(frozen=True)
class NexusAxis:
    """One dimension of a signal: `path` None where the file has no usable axis for it."""

    name: str
    path: str | None
    unit: str
    factor: float = 1.0
    role: str = "scan"


@dataclass(frozen=True)
class NexusSignal:
    """Where a signal lies in the file and what is known of it, without its values."""

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    axes: tuple[NexusAxis, ...]
    kind: str
    errors: str | None
    wavelength: float | None
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[tuple[str, str, str, str], ...] = ()


def find_signals(path: Path, unit: str | None = None) -> list[NexusSignal]:
    """Find every diffraction signal of a NeXus file.

    Parameters
    ----------
    unit : str, optional
        Unit of the diffraction axis where the file states none.

    Returns
    -------
    list of NexusSignal
        kind "pattern" (the last axis is q, 2theta or d) or "frame" (the last two are detector
        pixels).  Warnings are (code, message, where, fix).

    Raises
    ------
    BadFileError
        No diffraction data, with what the file is good for; unsafe links; damaged file.
    BadInputError
        A diffraction axis without unit.
    """
    linked_files(path)  # refuses links that leave the folder before anything is followed
    with damaged(path), open_hdf5(path) as file:
        broken: list[str] = []
        groups: list[tuple[Any, Any]] = []
        calibration: list[str] = []
        _walk(file, None, path, broken, groups, calibration, [], 0)
        found: list[NexusSignal] = []
        reasons: list[str] = []
        for entry, group in groups:
            try:
                signal = _signal(entry, group, path, unit)
            except _NotDiffraction as reason:
                reasons.append(f"{group.name}: {reason}")
                continue
            if signal.path not in {s.path for s in found}:
                found.append(signal)
        notes = tuple(("broken-link", b, "", "Copy the linked file beside it.") for b in broken)
        if found:
            first = found[0]
            found[0] = NexusSignal(**{**first.__dict__, "warnings": (*first.warnings, *notes)})
            return found
        if calibration:
            raise BadFileError(
                f"The file is a calibration ({calibration[0]}): it has a geometry and no pattern.",
                fix="It is good for the geometry of images taken with it: convert it to a .poni "
                "file and give that with --with geometry=FILE.",
                path=path,
            )
        raise BadFileError(
            "The file holds no diffraction pattern or frames"
            + (" (" + "; ".join(reasons[:4]) + ")." if reasons else "."),
            fix="Choose the reader for what it holds with --reader.",
            path=path,
        )


class _NotDiffraction(Exception):  # noqa: N818 - a signal between functions, never shown
    pass


def _class(thing: Any) -> str:
    return text_of(thing.attrs.get("NX_class")) or ""


def _walk(
    group: Any,
    entry: Any,
    path: Path,
    broken: list[str],
    found: list[tuple[Any, Any]],
    calibration: list[str],
    seen: list[Any],
    depth: int,
) -> None:
    import h5py

    if group.id in seen or depth > 20:
        return
    seen.append(group.id)
    kind = _class(group)
    if kind in ("NXentry", "NXsubentry"):
        entry = group
    for name, member in children(group, path, broken):
        if isinstance(member, h5py.Dataset):
            check_dataset(member, path)
            if name == "calibration_method" or (
                name == "type" and "calibration" in (_text(member) or "")
            ):
                calibration.append(f"{member.parent.name}: {_text(member)}")
        elif isinstance(member, h5py.Group):
            if "calibration_method" in name:
                calibration.append(member.name)
            _walk(member, entry, path, broken, found, calibration, seen, depth + 1)
    if kind == "NXdata" or any(
        isinstance(m, h5py.Dataset) and "signal" in m.attrs for m in _members(group)
    ):
        found.append((entry if entry is not None else group.file, group))


def _members(group: Any) -> list[Any]:
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


def _get(group: Any, name: str) -> Any:
    """A member, or None where it is absent or its link is broken."""
    try:
        return group.get(name)
    except (KeyError, OSError):
        return None


def _text(data: Any) -> str | None:
    return text_of(data[()]) if data.size == 1 else None


def _number(data: Any) -> float | None:
    try:
        return float(data[()].reshape(-1)[0]) if data.size == 1 else None
    except (TypeError, ValueError, AttributeError):
        return None


def _names(value: Any) -> list[str]:
    """Axis names from ``["y", "x"]``, ``b"q"`` or the older ``"y:x"``."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.size > 1:
        return [text_of(v) or "." for v in value.reshape(-1)]
    text = text_of(value) or ""
    return [t.strip() for t in re.split(r"[:,]", text.strip("[]")) if t.strip()]


def _signal(entry: Any, group: Any, path: Path, said_unit: str | None) -> NexusSignal:
    import h5py

    kind = (_said(entry, "definition") or "").strip().lower()
    if kind in _OTHER:
        raise _NotDiffraction(f"its definition is {_said(entry, 'definition')}")
    name = text_of(group.attrs.get("signal"))
    if name is None or _get(group, name) is None:
        marked = [
            key
            for key in group
            if isinstance(_get(group, key), h5py.Dataset)
            and str(text_of(group[key].attrs.get("signal")) or group[key].attrs.get("signal", ""))
            in ("1", "[1]")
        ]
        if not marked:
            raise _NotDiffraction("no signal is named")
        name = marked[0]
    data = group[name]
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "iuf" or data.ndim == 0:
        raise _NotDiffraction(f"its signal {name} is not an array of numbers")
    check_dataset(data, path)
    names = _names(group.attrs["axes"]) if "axes" in group.attrs else []
    if not names and "axes" in data.attrs:
        names = _names(data.attrs["axes"])
    names = (names + ["."] * data.ndim)[: data.ndim]
    warnings: list[tuple[str, str, str, str]] = []
    axes = [_axis(group, data, i, n, path, said_unit, warnings) for i, n in enumerate(names)]
    if axes[-1].role == "diffraction":
        what = "pattern"
    elif (
        data.ndim >= 2
        and (kind in _POWDER or {"detector_x", "detector_y"} & {a.name for a in axes})
        and kind != "nxmonopd"
    ):
        what = "frame"
        axes[-2:] = [
            NexusAxis(
                a.name if a.name != "." else f"pixel_{s}", a.path, a.unit, a.factor, "detector"
            )
            for a, s in zip(axes[-2:], ("y", "x"), strict=True)
        ]
    elif kind in _POWDER and data.ndim == 1:
        raise BadInputError(
            f"{group.name} is a {kind} pattern whose axis {names[-1]!r} is neither q nor 2theta.",
            fix="Name its axis q or two_theta in the file.",
            path=path,
        )
    else:
        raise _NotDiffraction(f"its last axis {names[-1]!r} is neither q, 2theta nor d")
    errors = next(
        (
            group[e].name
            for e in (f"{name}_errors", "errors", f"{name}_error", "sigma")
            if isinstance(_get(group, e), h5py.Dataset) and group[e].shape == data.shape
        ),
        None,
    )
    wavelength, where = _wavelength(entry)
    if wavelength is None:
        warnings.append(
            ("no-wavelength", "no wavelength or energy was found", entry.name,
             'Give --option wavelength="… angstrom" if it is known.')
        )  # fmt: skip
    if not any(_class(m) == "NXmonitor" for m in _members(entry)):
        warnings.append(
            ("no-monitor", "no monitor: intensities are not normalised to the beam", entry.name, "")
        )
    if not kind:
        warnings.append(("no-definition", "no application definition is named", entry.name, ""))
    unit = (text_of(data.attrs.get("units")) or "").lower()
    return NexusSignal(
        name=data.name.strip("/").replace("/", "."),
        path=data.name,
        shape=tuple(int(n) for n in data.shape),
        dtype=str(data.dtype),
        unit="count" if unit in ("count", "counts") else "arbitrary",
        axes=tuple(axes),
        kind=what,
        errors=errors,
        wavelength=wavelength,
        metadata={
            key: value
            for key, value in {
                "definition": kind or None,
                "title": _said(entry, "title"),
                "start_time": _said(entry, "start_time"),
                "sample": _sample(entry),
                "wavelength_from": where,
                "intensity_unit_in_file": unit or None,
            }.items()
            if value
        },
        warnings=tuple(warnings),
    )


def _axis(
    group: Any,
    data: Any,
    i: int,
    name: str,
    path: Path,
    said_unit: str | None,
    warnings: list[tuple[str, str, str, str]],
) -> NexusAxis:
    import h5py

    plain = NexusAxis(name if name != "." else f"dim_{i}", None, "1")
    axis = _get(group, name) if name != "." else None
    if not isinstance(axis, h5py.Dataset):
        if name != ".":
            warnings.append(
                ("axis-missing", f"the axis {name!r} is named but not there", group.name, "")
            )
        return plain
    check_dataset(axis, path)
    length = int(data.shape[i])
    low = name.lower()
    stated = (text_of(axis.attrs.get("units")) or text_of(axis.attrs.get("unit")) or "").strip()
    role = "diffraction" if low in _Q | _ANGLE | _D | _RADIAL else "scan"
    if axis.ndim == 1 and len(axis) != length:
        more = len(axis) > length
        warnings.append(
            (
                "axis-longer-than-data" if more else "axis-shorter-than-data",
                f"the axis {name!r} has {len(axis)} values, the data {length}; it is left out",
                axis.name,
                f"If the data were cut at the end, the first {length} values belong to them."
                if more
                else "",
            )
        )
        if role == "diffraction":
            raise BadFileError(
                f"The axis {axis.name} has {len(axis)} values for {length} intensities.",
                fix="Write the pattern again with its whole axis.",
                path=path,
            )
        return plain
    if axis.ndim != 1:
        warnings.append(
            ("axis-not-1d", f"the axis {name!r} has {axis.ndim} dimensions; kept in the raw file",
             axis.name, "")
        )  # fmt: skip
        return plain
    if role == "scan":
        if not stated:
            warnings.append(("no-unit", f"the axis {name!r} has no unit", axis.name, ""))
        return NexusAxis(name, axis.name, stated or "1", 1.0, role)
    unit = stated or said_unit or ""
    if not unit:
        raise BadInputError(
            f"The diffraction axis {axis.name} has no unit.",
            fix="Give --option unit=deg, unit=1/angstrom or unit=1/nm.",
            path=path,
        )
    key = unit.lower().replace(" ", "").replace("\u207b\u00b9", "^-1")
    if key not in _UNIT:
        raise BadInputError(
            f"The unit {unit!r} of {axis.name} is not known.",
            fix="Give --option unit=deg, unit=1/angstrom or unit=1/nm.",
            path=path,
        )
    target, factor = _UNIT[key]
    if low in _RADIAL:
        low = {"deg": "two_theta", "angstrom": "d"}.get(target, "q")
    expected = "deg" if low in _ANGLE else "angstrom" if low in _D else "1/angstrom"
    if target != expected:
        raise BadFileError(
            f"The axis {axis.name} is in {unit}, which no {name} is.",
            fix="Correct the axis or its unit in a copy.",
            path=path,
        )
    canonical = "two_theta" if low in _ANGLE else "d" if low in _D else "q"
    return NexusAxis(canonical, axis.name, target, factor, role)


def _said(group: Any, name: str) -> str | None:
    import h5py

    member = _get(group, name)
    return _text(member) if isinstance(member, h5py.Dataset) else None


def _sample(entry: Any) -> str | None:
    for member in _members(entry):
        if _class(member) == "NXsample":
            return _said(member, "name")
    return None


def _wavelength(entry: Any) -> tuple[float | None, str | None]:
    """The wavelength [angstrom] wherever these layouts put it, and where it was found."""
    import h5py

    best: list[tuple[int, float, str]] = []
    rank = {"incident_wavelength": 0, "wavelength": 1, "incident_energy": 2, "energy": 3}

    def look(group: Any, depth: int) -> None:
        for member in _members(group):
            if isinstance(member, h5py.Group) and depth < 6:
                if _class(member) not in ("NXdata", "NXsubentry", "NXdetector", "NXfluorescence"):
                    look(member, depth + 1)
            elif isinstance(member, h5py.Dataset):
                name = member.name.rpartition("/")[2].lower()
                if name not in rank or member.size != 1:
                    continue
                value, unit = _number(member), (text_of(member.attrs.get("units")) or "").lower()
                if value is None or value <= 0:
                    continue
                factor = {"angstrom": 1.0, "a": 1.0, "\u00e5": 1.0, "nm": 10.0, "m": 1e10}.get(unit)
                if "wavelength" in name and factor:
                    best.append((rank[name], value * factor, member.name))
                scale = {"ev": 1e-3, "kev": 1.0}.get(unit)
                if "energy" in name and scale:
                    best.append((rank[name], energy_to_wavelength(value * scale), member.name))

    look(entry, 0)
    if not best:
        return None, None
    _, value, where = min(best)
    return value, where
