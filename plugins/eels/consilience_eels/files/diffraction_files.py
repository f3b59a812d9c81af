"""Read scanned diffraction patterns: NanoMegas block files and Merlin's frames."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import Exposure, Notice, Signal
from consilience.options import number_option
from consilience.sizes import sized
from consilience_eels.diffraction.patterns import wavelength
from consilience_eels.files.bridge import SIMULATED
from consilience_eels.files.probe_diffraction import MAGIC
from consilience_eels.files.typed_json import from_text, to_text
from consilience_eels.library import load_frames

__all__ = ["read_diffraction"]


@sized
def read_diffraction(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the patterns of one file, of all positions of the beam.

    Parameters
    ----------
    path : Path
        .blo or .mib.
    options : mapping
        ``camera_length`` in m and ``k_step`` in 1/nm for each pixel, where the file has none or
        a wrong one; the second overrides the first.
    companions : mapping
        None are taken.

    Raises
    ------
    BadFileError
        Damaged, or without patterns.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"these files take no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    stated_step = number_option(options, "k_step", "0.32", 1e-4, 10.0)
    stated_length = number_option(options, "camera_length", "0.2", 1e-3, 100.0)
    with path.open("rb") as file:
        begins = file.read(8)
    if not begins.startswith(MAGIC.get(path.suffix.lower(), (b"\0",))):
        raise BadFileError(
            f"{path.name!r} does not begin as a file of its suffix does",
            fix="name another reader with --reader KEY, or copy the file again",
            path=path,
            offset=0,
        )
    for one in load_frames(path):
        values = np.asarray(one["data"])
        kind = str(one["metadata"].get("Signal", {}).get("signal_type", ""))
        if values.ndim >= 2 and "diffraction" in kind:
            return [_signal(values, one, path, stated_step, stated_length)]
    raise BadFileError(
        f"{path.name!r} holds no diffraction pattern", fix="name a file with patterns", path=path
    )


def _signal(
    values: np.ndarray[Any, np.dtype[Any]],
    one: dict[str, Any],
    path: Path,
    stated_step: float | None,
    stated_length: float | None,
) -> Signal:
    head = one["original_metadata"].get("blockfile_header", {})
    energy = 1e-3 * float(head.get("Beam_energy", 0.0)) or None  # in V
    length = stated_length or 1e-4 * float(head.get("Camera_length", 0.0)) or None  # in 0.1 mm
    notices: list[Notice] = []
    axes = _block_axes(head) if head else one["axes"]
    steps, said = _steps(axes, energy, length, stated_step)
    if steps is None:
        notices.append(
            Notice(
                code="uncalibrated",
                message=f"the patterns are not calibrated: {said}",
                fix="say --option k_step=… (1/nm for each pixel) or camera_length=… (m)",
            )
        )
    else:
        notices.append(Notice(code="pattern-scale", message=said, severity="info"))
    if "gamma : on" in str(one["metadata"].get("General", {}).get("notes", "")):
        text = "the camera's gamma was on: intensities are not proportional to electrons"
        notices.append(Notice(code="camera-gamma", message=text, severity="info"))
    lead = values.ndim - 2
    names = ["y", "x"][-lead:] if lead == 2 else [f"frame_{i}" for i in range(lead)]
    if lead == 1:
        names = ["frame"]
    coordinates: dict[str, Any] = {}
    for name, axis, size in zip(names, axes, values.shape, strict=False):
        nm = axis.get("units") == "nm"
        scale = float(axis.get("scale", 1.0)) if nm else 1.0
        coordinates[name] = (name, scale * np.arange(size), {"units": "nm" if nm else "1"})
    for index, name in enumerate(("ky", "kx")):
        size = values.shape[lead + index]
        scale = steps[index] if steps else 1.0
        place = scale * (np.arange(size) - 0.5 * (size - 1))
        coordinates[name] = (name, place, {"units": "1/nm" if steps else "1"})
    metadata: dict[str, Any] = {}
    if energy:
        metadata["beam_energy"] = {"value": energy, "unit": "keV"}
    if length:
        metadata["camera_length"] = {"value": 1e3 * length, "unit": "mm"}
    dwell = one["metadata"].get("Acquisition_instrument", {}).get("dwell_time")
    if dwell:
        metadata["dwell_time"] = {"value": float(dwell), "unit": "s"}
    general = one["metadata"].get("General", {})
    simulated = SIMULATED.search(str(general.get("notes", ""))) is not None
    start = f"{general['date']}T{general['time']}" if general.get("time") else general.get("date")
    return Signal(
        name=path.stem,
        modality="ediff",
        data=xr.Dataset({"intensity": ((*names, "ky", "kx"), values, {"units": "1"})}, coordinates),
        metadata=metadata,
        raw_metadata=_plain({"metadata": one["metadata"], "original": one["original_metadata"]}),
        notices=notices,
        exposures=[
            Exposure(
                particle="electron",
                energy=None if energy is None else Quantity(value=energy, unit="keV"),
            )
        ],
        start=start,
        origin="simulated" if simulated else "measured",
    )


def _block_axes(head: dict[str, Any]) -> list[dict[str, Any]]:
    """Axes of a block file, from its header.

    RosettaSciIO leaves out scans of one row or column, and then gives their unit and scale to the
    patterns; and calls pixels without a size 1 cm.
    """
    scan = [
        {"units": "nm", "scale": float(head[f"S{name}"])}
        for name in ("Y", "X")
        if int(head[f"N{name}"]) > 1
    ]
    known = float(head["SDP"])  # pixels for each metre
    pixel = {"units": "cm", "scale": 100.0 / known} if known else {"units": ""}
    return [*scan, pixel, pixel]


def _steps(
    axes: list[dict[str, Any]],
    energy: float | None,
    length: float | None,
    stated: float | None,
) -> tuple[tuple[float, float] | None, str]:
    """1/nm for each pixel along rows and columns, and where that is from."""
    if stated:
        return (stated, stated), f"{stated:g} 1/nm for each pixel, as stated"
    last = axes[-2:]
    units = {str(axis.get("units")) for axis in last}
    if units != {"cm"}:
        return None, "the file gives pixels no size"
    if energy is None or length is None:
        return None, "the file has no beam energy, or no camera length"
    found = [1e-2 * float(axis["scale"]) / length / wavelength(energy) for axis in last]
    return (found[0], found[1]), (
        f"pixels of {10 * float(last[1]['scale']):.4g} mm at a camera length of {length:g} m and "
        f"{energy:g} keV are {found[1]:.4g} 1/nm; the camera length is the nominal one"
    )


def _plain(tree: Any) -> Any:
    """As JSON, without the folder that the file happened to lie in."""
    made = from_text(to_text(tree)[0])
    made["original"].get("mib_properties", {}).pop("path", None)
    return made
