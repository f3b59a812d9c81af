"""Diffraction in NeXus files: patterns, maps of patterns and scans of frames, lazily."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.nexus import beam_size, sample_length
from consilience_xrd.files.nexus_axes import NexusAxis, axis_names, axis_of
from consilience_xrd.files.nexus_detector import detector_facts
from consilience_xrd.files.nexus_groups import class_of, field_text, member_of, members, text_in
from consilience_xrd.files.nexus_links import (
    check_dataset,
    children,
    damaged,
    linked_files,
    open_hdf5,
    source_files,
)
from consilience_xrd.files.nexus_wavelength import wavelength_of

if TYPE_CHECKING:
    from consilience.model.base import Origin

__all__ = ["NexusAxis", "NexusSignal", "find_signals"]

_POWDER = {"nxxrd", "nxmonopd", "nxazint1d", "nxxrd_pan", "nxxpow", "nxazint"}
_OTHER = {"nxfluo", "nxstxm", "nxtomo", "nxtomoproc", "nxxas", "nxsas"}


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
    origin: Origin
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[tuple[str, str, str, str], ...] = ()
    detector: dict[str, Any] = field(default_factory=dict)


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
        groups: list[tuple[Any, Any, str]] = []
        calibration: list[str] = []
        _walk(file, "", None, path, broken, groups, calibration, [], 0)
        found: list[NexusSignal] = []
        reasons: list[str] = []
        for entry, group, where in groups:
            try:
                signal = _signal(file, entry, group, where, path, unit)
            except _NotDiffraction as reason:
                reasons.append(f"{group.name}: {reason}")
                continue
            if signal.path not in {s.path for s in found}:
                found.append(signal)
        notes = [("broken-link", b, "", "Copy the linked file beside it.") for b in broken]
        notes += [
            ("not-diffraction", f"left unread, {reason}", "", "Another reader may know it.")
            for reason in reasons
        ]
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


def _walk(
    group: Any,
    where: str,
    entry: Any,
    path: Path,
    broken: list[str],
    found: list[tuple[Any, Any, str]],
    calibration: list[str],
    seen: list[Any],
    depth: int,
) -> None:
    import h5py

    if group.id in seen or depth > 20:
        return
    seen.append(group.id)
    kind = class_of(group)
    if kind in ("NXentry", "NXsubentry"):
        entry = group
    for name, member in children(group, path, broken):
        if isinstance(member, h5py.Dataset):
            check_dataset(member, path)
            if name == "calibration_method" or (
                name == "type" and "calibration" in (text_in(member) or "")
            ):
                calibration.append(f"{member.parent.name}: {text_in(member)}")
        elif isinstance(member, h5py.Group):
            if "calibration_method" in name:
                calibration.append(member.name)
            inner = f"{where}/{name}"
            _walk(member, inner, entry, path, broken, found, calibration, seen, depth + 1)
    if kind == "NXdata" or any(
        isinstance(m, h5py.Dataset) and "signal" in m.attrs for m in members(group)
    ):
        found.append((entry if entry is not None else group.file, group, where))


def _signal(
    root: Any, entry: Any, group: Any, above: str, path: Path, said_unit: str | None
) -> NexusSignal:
    """The signal of one group; `above` is the group's path in the file that `root` is."""
    import h5py

    kind = (field_text(entry, "definition") or "").strip().lower()
    if kind in _OTHER:
        raise _NotDiffraction(f"its definition is {field_text(entry, 'definition')}")
    name = text_of(group.attrs.get("signal"))
    if name is None or member_of(group, name) is None:
        marked = [
            key
            for key in group
            if isinstance(member_of(group, key), h5py.Dataset)
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
    names = axis_names(group.attrs["axes"]) if "axes" in group.attrs else []
    if not names and "axes" in data.attrs:
        names = axis_names(data.attrs["axes"])
    names = (names + ["."] * data.ndim)[: data.ndim]
    warnings: list[tuple[str, str, str, str]] = []
    axes = [axis_of(group, data, i, n, path, said_unit, warnings) for i, n in enumerate(names)]

    def located(thing: Any, name: str) -> str:
        # what lies in another file has another name there
        return str(thing.name) if thing.file.filename == root.filename else f"{above}/{name}"

    axes = [
        a if a.path is None else replace(a, path=located(group[n], n))
        for a, n in zip(axes, names, strict=True)
    ]
    place = located(data, name)
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
            located(group[e], e)
            for e in (f"{name}_errors", "errors", f"{name}_error", "sigma")
            if isinstance(member_of(group, e), h5py.Dataset) and group[e].shape == data.shape
        ),
        None,
    )
    wavelength, where = wavelength_of(entry)
    if wavelength is None:
        warnings.append(
            ("no-wavelength", "no wavelength or energy was found", entry.name,
             'Give --option wavelength="… angstrom" if it is known.')
        )  # fmt: skip
    if not any(class_of(m) == "NXmonitor" for m in members(entry)):
        warnings.append(
            ("no-monitor", "no monitor: intensities are not normalised to the beam", entry.name, "")
        )
    if not kind:
        warnings.append(("no-definition", "no application definition is named", entry.name, ""))
    unit = (text_of(data.attrs.get("units")) or "").lower()
    return NexusSignal(
        name=place.strip("/").replace("/", "."),
        path=place,
        shape=tuple(int(n) for n in data.shape),
        dtype=str(data.dtype),
        unit="count" if unit in ("count", "counts") else "arbitrary",
        axes=tuple(axes),
        kind=what,
        errors=errors,
        wavelength=wavelength,
        origin=_origin(data, group, entry, root),
        metadata={
            key: value
            for key, value in {
                "definition": kind or None,
                "title": field_text(entry, "title"),
                "start_time": field_text(entry, "start_time"),
                "sample": _sample(entry),
                "beam_size": beam_size(entry),
                "path_length": sample_length(entry, "path_length"),
                "wavelength_from": where,
                "intensity_unit_in_file": unit or None,
            }.items()
            if value
        },
        warnings=tuple(warnings),
        detector=detector_facts(entry, (int(data.shape[-2]), int(data.shape[-1])), wavelength)
        if what == "frame"
        else {},
    )


def _sample(entry: Any) -> str | None:
    for member in members(entry):
        if class_of(member) == "NXsample":
            return field_text(member, "name")
    return None


def _origin(data: Any, *places: Any) -> Origin:
    """What the file says, or one of the files that a virtual data set is put together from."""
    found = origin_of(data, *places)
    if found == "measured" and data.is_virtual:
        folder = Path(data.file.filename).parent
        for name in sorted(source_files(data)):
            if (folder / name).is_file():
                with open_hdf5(folder / name) as source:
                    if origin_of(source["/"]) == "simulated":
                        return "simulated"
    return found
