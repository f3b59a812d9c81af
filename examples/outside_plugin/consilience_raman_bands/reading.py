"""Read a spectrum: the README has the format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import Exposure, Notice, Signal
from consilience_raman_bands.probe import MAGIC

__all__ = ["read_text"]

LARGEST = 1e12
LASER = ("laser_wavelength_nm", "laser_power_mW", "exposure_s", "spot_um")
PLANCK = 6.62607015e-34
LIGHT = 299792458.0
CHARGE = 1.602176634e-19


def read_text(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return one spectrum: ``counts`` (count) over ``shift`` (1/cm).

    Raises
    ------
    BadFileError
        The file is not what its first line says; line and byte are named where known.
    BadInputError
        An option or a companion was given.
    """
    if options or companions:
        raise BadInputError("this reader takes no option and no companion", fix="leave them out")
    try:
        lines = path.read_bytes().decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise BadFileError(
            f"{path.name!r} is not ASCII text", fix="export it again", path=path, offset=error.start
        ) from error
    if lines[:1] != [MAGIC]:
        raise BadFileError(
            f"{path.name!r} does not start with {MAGIC!r}", fix="name another reader", path=path
        )
    said: dict[str, str] = {}
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            said[key.strip()] = value.strip()
        elif line.strip():
            rows.append(_row(line, path, number))
    if said.get("points") != str(len(rows)):
        raise BadFileError(
            f"{path.name!r} has {len(rows)} points and says {said.get('points')!r}: it is cut",
            fix="copy it again from the instrument",
            path=path,
            line=len(lines),
        )
    shift = np.array([row[0] for row in rows])
    counts = np.array([row[1] for row in rows])
    if len(rows) < 3 or not (np.diff(shift) > 0).all():
        raise BadFileError(
            f"the shifts of {path.name!r} do not rise over at least three points",
            fix="sort the file by shift, without repeats",
            path=path,
        )
    metadata: dict[str, object] = {}
    for key, unit in (("shift_std_sys_per_cm", "1/cm"), ("laser_wavelength_nm", "nm")):
        if key in said:
            name = key.removesuffix("_per_cm").removesuffix("_nm")
            metadata[name] = {"value": _known(said, key, path), "unit": unit}
    std = np.sqrt(np.maximum(counts, 1.0))  # Poisson; no counts are known to about one
    attrs = {"units": "count", "ancillary_variables": "counts_std"}
    data = xr.Dataset(
        {
            "counts": ("shift", counts, attrs),
            "counts_std": ("shift", std, {"units": "count"}),
        },
        {"shift": ("shift", shift, {"units": "1/cm"})},
    )
    lacking = [key for key in LASER if key not in said]
    notices = []
    if lacking:
        notices.append(
            Notice(
                code="laser-unknown",
                message=f"the file does not say {', '.join(lacking)}: the laser's dose is unknown",
                fix="write these lines into the header, or give the exposure when it is registered",
                severity="info",
            )
        )
    return [
        Signal(
            name="spectrum",
            modality="raman",
            data=data,
            metadata=metadata,
            raw_metadata=said,
            notices=notices,
            exposures=[] if lacking else [_laser(said, path)],
            origin="simulated" if said.get("origin") == "simulated" else "measured",
        )
    ]


def _laser(said: Mapping[str, str], path: Path) -> Exposure:
    """Return what the laser put on the spot: P t λ / (h c) photons over its area."""
    wavelength, power, time, spot = (_known(said, key, path) for key in LASER)
    if not (wavelength > 0 and spot > 0):
        raise BadFileError(
            f"{path.name!r}: a laser of {wavelength:g} nm on a spot of {spot:g} um",
            fix="both have to be above 0",
            path=path,
        )
    joule = PLANCK * LIGHT / (wavelength * 1e-9)
    area = math.pi * (0.5 * spot) ** 2
    photons = power * 1e-3 * time / joule
    return Exposure(
        particle="photon",
        energy=Quantity(value=joule / CHARGE / 1e3, unit="keV"),
        fluence=Quantity(value=photons / area, unit="1/um^2"),
        duration=Quantity(value=time, unit="s"),
        formula=f"{power:g} mW x {time:g} s at {wavelength:g} nm on a disc of {spot:g} um",
    )


def _known(said: Mapping[str, str], key: str, path: Path) -> float:
    value = _number(said[key])
    if not 0 <= value <= LARGEST:
        raise BadFileError(
            f"{path.name!r}: {key} is {said[key][:40]!r}",
            fix="write a number that is 0 or more, or leave the line out if it is unknown",
            path=path,
        )
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _row(line: str, path: Path, number: int) -> tuple[float, float]:
    values = [_number(word) for word in line.split()]
    if len(values) == 2 and abs(values[0]) <= LARGEST and 0 <= values[1] <= LARGEST:
        return values[0], values[1]
    raise BadFileError(
        f"line {number} of {path.name!r} is {line[:40]!r}, expected a shift and counts",
        fix="write two numbers on each line",
        path=path,
        line=number,
    )
