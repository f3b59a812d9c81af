"""How large a voxel is, from what a file states or a person says; unknown stays unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError
from consilience.model.measurement import DataSummary, Notice, VariableSummary

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "AXES",
    "CT_OPTIONS",
    "VoxelSize",
    "axis_values",
    "chosen_voxel",
    "option_text",
    "page_resolution",
    "to_um",
    "volume_summary",
]

AXES = ("z", "y", "x")
VoxelSize = tuple[float, float, float]
_UM = {"um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0}
_UM |= {"micrometre": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}
_PRINT = (72.0, 96.0, 150.0, 300.0, 600.0)
"""Dots per inch that programs write when nobody told them a voxel size."""

CT_OPTIONS = {
    "voxel_um": "voxel size in um: one number, or three for z, y, x as in 3.25,3.25,3.25",
    "kind": "labels (a segmented volume) or grey",
}


def option_text(options: Mapping[str, object], known: Sequence[str], path: Path) -> dict[str, str]:
    """Return options as text.

    Raises
    ------
    BadInputError
        An option that is not known, or that is no text or number.
    """
    said: dict[str, str] = {}
    for name, value in options.items():
        if name not in known:
            raise BadInputError(
                f"the reader of volumes knows no option {name!r}",
                fix=f"it takes {', '.join(known)}",
                path=path,
            )
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadInputError(
                f"option {name!r} is {value!r}, expected a text or a number",
                fix=CT_OPTIONS.get(name, "write a text"),
                path=path,
            )
        said[name] = str(value).strip()
    return said


def to_um(value: float, unit: str) -> float | None:
    """Return a length in um; None where the unit is not one of length or the length no length."""
    factor = _UM.get(unit.strip().replace("\\u00B5", "µ").replace("\\u00b5", "µ").lower())
    if factor is None or not math.isfinite(value) or value <= 0:
        return None
    return value * factor


def page_resolution(dots: float, unit: str) -> str | None:
    """Say why a resolution is that of a printed page and no voxel size; None where it may be one.

    Parameters
    ----------
    dots : float
        Pixels for each `unit`.
    unit : str
        "inch" or "cm".
    """
    per_inch = dots * (2.54 if unit == "cm" else 1.0)
    near = [p for p in _PRINT if abs(per_inch - p) < 0.02 * p]
    return f"{near[0]:g} dots per inch, as of a printed page" if near else None


def chosen_voxel(
    given: str | None, stated: VoxelSize | None, source: str, path: Path
) -> tuple[VoxelSize | None, str, list[Notice]]:
    """Return the voxel size (um), where it comes from, and what has to be said of it.

    Parameters
    ----------
    given : str or None
        Option ``voxel_um``.
    stated : tuple of float or None
        What the file says.
    source : str
        Where it says so.

    Raises
    ------
    BadInputError
        The option is not one or three positive numbers.
    """
    if given is None:
        if stated is not None:
            return stated, source, []
        return None, "not stated", [_unknown()]
    words = [word for word in re.split(r"[,;x\s]+", given) if word]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or not all(math.isfinite(n) and 0 < n < 1e6 for n in numbers):
        raise BadInputError(
            f"voxel_um is {given!r}, expected one or three positive numbers",
            fix="write for example voxel_um=3.25 or voxel_um=3.25,3.25,3.25 (z, y, x)",
            path=path,
        )
    size: VoxelSize = (numbers[0], numbers[0], numbers[0])
    if len(numbers) == 3:
        size = (numbers[0], numbers[1], numbers[2])
    if stated is not None and not np.allclose(stated, size, rtol=1e-3):
        return (
            size,
            "the user",
            [
                Notice(
                    code="voxel-size-differs",
                    message=f"the file states voxels of {_words(stated)} um ({source}), the option "
                    f"says {_words(size)} um; the option was used",
                    fix="check which is right: every roughness scales with it",
                )
            ],
        )
    return size, "the user", []


def _words(size: VoxelSize) -> str:
    return " x ".join(f"{s:.6g}" for s in size)


def _unknown() -> Notice:
    return Notice(
        code="voxel-size-unknown",
        message="the file states no voxel size: axes are in voxels, and no length can be told",
        fix="say it with the option voxel_um=SIZE (one number, or three for z, y, x)",
    )


def axis_values(shape: Sequence[int], size: VoxelSize | None) -> dict[str, NDArray[np.float64]]:
    """Return the centres of voxels along z, y, x in um, or in voxels where `size` is None."""
    steps = size or (1.0, 1.0, 1.0)
    return {
        a: np.arange(n, dtype=np.float64) * np.float64(s)
        for a, n, s in zip(AXES, shape, steps, strict=True)
    }


def volume_summary(
    variable: str, dtype: np.dtype[Any], shape: Sequence[int], size: VoxelSize | None
) -> DataSummary:
    """Return what a record says of a volume and of its three axes."""
    unit = "1" if size is None else "um"
    axes = {
        a: VariableSummary(dims=[a], shape=[int(n)], unit=unit, dtype="float64")
        for a, n in zip(AXES, shape, strict=True)
    }
    whole = VariableSummary(
        dims=list(AXES), shape=[int(n) for n in shape], unit="1", dtype=str(dtype)
    )
    return DataSummary(variables={variable: whole}, coordinates=axes)
