"""Axes of a NeXus signal: what each dimension is, and in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import text_of
from consilience_xrd.files.nexus_groups import member_of
from consilience_xrd.files.nexus_links import check_dataset

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NexusAxis", "axis_names", "axis_of"]

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


@dataclass(frozen=True)
class NexusAxis:
    """One dimension of a signal: `path` None where the file has no usable axis for it."""

    name: str
    path: str | None
    unit: str
    factor: float = 1.0
    role: str = "scan"


def axis_names(value: Any) -> list[str]:
    """Axis names from ``["y", "x"]``, ``b"q"`` or the older ``"y:x"``."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.size > 1:
        return [text_of(v) or "." for v in value.reshape(-1)]
    text = text_of(value) or ""
    return [t.strip() for t in re.split(r"[:,]", text.strip("[]")) if t.strip()]


def axis_of(
    group: Any,
    data: Any,
    i: int,
    name: str,
    path: Path,
    said_unit: str | None,
    warnings: list[tuple[str, str, str, str]],
) -> NexusAxis:
    """One dimension of the data, from the axis named for it.

    Parameters
    ----------
    group, data : h5py.Group, h5py.Dataset
    i : int
        Dimension of `data`.
    name : str
        "." where the file names none.
    said_unit : str or None
        Unit of a diffraction axis where the file states none.
    warnings : list
        (code, message, where, fix) are added.

    Raises
    ------
    BadFileError, BadInputError
        A diffraction axis of another length, without unit or with an impossible one.
    """
    import h5py

    plain = NexusAxis(name if name != "." else f"dim_{i}", None, "1")
    axis = member_of(group, name) if name != "." else None
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
