"""From files to signals: the readers as the host calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import (
    DataSummary,
    Exposure,
    Notice,
    Signal,
    VariableSummary,
)
from consilience.sizes import sized
from consilience_xrd.axes import wavelength_to_energy
from consilience_xrd.files.frames import integrate_image, options_from_text
from consilience_xrd.files.nexus import NexusSignal, find_signals
from consilience_xrd.files.nexus_links import damaged
from consilience_xrd.files.nexus_open import open_nexus
from consilience_xrd.files.text import read_text_pattern, source_from_options
from consilience_xrd.files.xrdml import read_xrdml
from consilience_xrd.pattern import Pattern

if TYPE_CHECKING:
    from consilience.model.base import Origin

__all__ = ["pattern_of", "read_image", "read_nexus", "read_text", "read_xrdml_file", "signal_of"]


@sized
def read_text(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read .xy, .xye or .csv; see `consilience_xrd.files.text`."""
    _no_companions(companions, ())
    return [signal_of(read_text_pattern(path, _words(options)), "pattern")]


@sized
def read_xrdml_file(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read every scan of an .xrdml; see `consilience_xrd.files.xrdml`."""
    _no_companions(companions, ())
    _words(options)
    patterns = read_xrdml(path)
    return [
        signal_of(p, "pattern" if len(patterns) == 1 else f"scan {p.metadata['scan']}")
        for p in patterns
    ]


@sized
def read_image(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Integrate a detector image with its geometry; see `consilience_xrd.files.frames`."""
    _no_companions(companions, ("geometry",))
    pattern = integrate_image(path, companions.get("geometry"), options_from_text(_words(options)))
    return [signal_of(pattern, "pattern")]


@sized
def read_nexus(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Index a NeXus file; single patterns are read, scans stay in the file.

    A companion ``geometry`` (.poni) says where the pixels of a scan of frames are, and goes
    before what the file says.
    """
    _no_companions(companions, ("geometry",))
    said = _words(options)
    source = source_from_options(said)
    signals = []
    for indexed in find_signals(path, said.get("unit")):
        found = indexed
        if source is not None:
            if found.wavelength and abs(found.wavelength / source.wavelength - 1) > 1e-4:
                raise BadInputError(
                    f"the file states a wavelength of {found.wavelength:.6g} angstrom, the option "
                    f"{source.wavelength:.6g}",
                    fix="leave the option out, or correct a copy of the file",
                    path=path,
                )
            found = NexusSignal(**{**found.__dict__, "wavelength": source.wavelength})
        if found.kind == "frame":
            found = _with_geometry(found, companions.get("geometry"), path)
        signals.append(_nexus_signal(path, found))
    if "geometry" in companions and all("frames" not in _variables(s) for s in signals):
        raise BadInputError(
            "a geometry was given, and the file holds no frames",
            fix="leave --with geometry=FILE out",
            path=path,
        )
    return signals


def _variables(signal: Signal) -> Collection[str]:
    return signal.summary.variables if signal.summary is not None else ()


def _with_geometry(found: NexusSignal, geometry: Path | None, path: Path) -> NexusSignal:
    """Frames with where their pixels are: of the .poni, else of the file, else unknown."""
    detector = dict(found.detector)
    lam = found.wavelength
    if geometry is not None:
        from consilience_xrd.files._pyfai import load_geometry

        setup, stated, shape = load_geometry(geometry)
        if shape is not None and tuple(shape) != found.shape[-2:]:
            raise BadInputError(
                f"the frames have {found.shape[-2:]} pixels, the geometry's detector "
                f"{tuple(shape)}",
                fix="give the geometry that belongs to this detector",
                path=path,
            )
        if stated and lam and abs(stated / lam - 1) > 1e-4:
            raise BadInputError(
                f"the file states a wavelength of {lam:.6g} angstrom, the geometry {stated:.6g}",
                fix="correct a copy of one of them",
                path=path,
            )
        lam = lam or stated
        detector["frame_geometry"] = json.loads(json.dumps(setup.get_config(), default=str))
    config = detector.get("frame_geometry")
    if isinstance(config, dict) and not config.get("wavelength") and lam:
        detector["frame_geometry"] = {**config, "wavelength": lam * 1e-10}
    return NexusSignal(**{**found.__dict__, "wavelength": lam, "detector": detector})


def _words(options: Mapping[str, object]) -> dict[str, str]:
    """Options as text; TOML and Python may give numbers and booleans."""
    out: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, bool):
            out[name] = "yes" if value else "no"
        elif isinstance(value, str | int | float) and str(value).strip():
            out[name] = str(value).strip()
        else:
            raise BadInputError(
                f"option {name}={value!r} is not usable", fix="give plain text or a number"
            )
    return out


def _no_companions(companions: Mapping[str, Path], known: tuple[str, ...]) -> None:
    extra = sorted(set(companions) - set(known))
    if extra:
        raise BadInputError(
            f"no companion file {', '.join(extra)} is taken",
            fix=f"known roles: {', '.join(known)}" if known else "leave it out",
        )


def _jsonable(value: Any) -> Any:
    """The value with non-finite floats as text and keys as text, as canonical JSON wants it."""
    if isinstance(value, dict):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _beam(metadata: dict[str, Any], wavelength: float | None, origin: str) -> list[Exposure]:
    if wavelength is None:
        return []
    metadata["wavelength"] = {"value": wavelength, "unit": "angstrom"}
    if origin != "measured":
        return []
    energy = Quantity(value=wavelength_to_energy(wavelength), unit="keV")
    return [Exposure(particle="photon", species="X-ray", energy=energy)]


def signal_of(pattern: Pattern, name: str) -> Signal:
    """Turn a pattern into a signal.

    Standard deviations are the file's own or, for counts, the square root (1 for none);
    ``intensity.attrs["std_from"]`` says which.
    """
    axis = pattern.axis
    data = xr.Dataset(coords={axis: (axis, pattern.x, {"units": pattern.unit})})
    attrs: dict[str, Any] = {"units": pattern.intensity_unit}
    std, std_from = pattern.sigma, "file"
    if std is None and pattern.intensity_unit == "count":
        std, std_from = np.sqrt(np.maximum(pattern.intensity, 1.0)), "poisson"
    if std is not None:
        attrs |= {"ancillary_variables": "intensity_std", "std_from": std_from}
    data["intensity"] = (axis, pattern.intensity, attrs)
    if std is not None:
        about: dict[str, Any] = {"units": pattern.intensity_unit}
        if not np.all(np.isfinite(std)):
            about["missing"] = "standard deviation not stated"
        data["intensity_std"] = (axis, std, about)
    for key, column in pattern.extra.items():
        values = column
        safe = re.sub(r"\W+", "_", key).strip("_") or "column"
        if safe in data.variables or safe.endswith("_std"):
            safe = f"column_{safe}"
        about = {"units": "1", "note": "unit not stated in the file"}
        if not np.all(np.isfinite(values)):
            about["missing"] = "not a number in the file"
            values = np.where(np.isinf(values), np.nan, values)
        data[safe] = (axis, values, about)
    metadata: dict[str, Any] = {"points": len(pattern.x)}
    source = pattern.source
    exposures = _beam(metadata, source.wavelength if source else None, pattern.origin)
    if source is not None and source.wavelength2 and source.ratio:
        metadata["wavelength2"] = {"value": source.wavelength2, "unit": "angstrom"}
        metadata["ka2_ratio"] = source.ratio
    start = pattern.metadata.get("start")
    for key in ("geometry", "radius_mm", "counting_time_s", "scan", "pixels", "integration"):
        if pattern.metadata.get(key) is not None and not (
            key == "geometry" and not isinstance(pattern.metadata[key], str)
        ):
            metadata[key] = _jsonable(pattern.metadata[key])
    origin: Origin = "simulated" if pattern.origin == "simulated" else "measured"
    return Signal(
        name=name,
        modality="xrd",
        data=data,
        metadata=metadata,
        raw_metadata=_jsonable(pattern.metadata),
        notices=[Notice(code=_code(w), message=w) for w in pattern.warnings],
        exposures=exposures,
        origin=origin,
        start=start if isinstance(start, str) and _has_date(start) else None,
    )


def _code(warning: str) -> str:
    for word, code in (
        ("unit of the intensity", "intensity-unit-unknown"),
        ("column", "column-unexplained"),
        ("negative", "negative-pixels"),
        ("saturated", "saturated-pixels"),
        ("wavelength", "wavelength"),
        ("standard deviation", "std-unknown"),
    ):
        if word in warning:
            return code
    return "reader"


def _has_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _nexus_signal(path: Path, found: NexusSignal) -> Signal:
    notices = [
        Notice(
            code=code,
            message=message,
            where=where,
            fix=fix,
            severity="info" if code in ("no-monitor", "no-definition") else "warning",
        )
        for code, message, where, fix in found.warnings
    ]
    metadata = dict(_jsonable(found.metadata))
    metadata |= {k: v for k, v in found.detector.items() if k != "pixel_mask"}
    if found.kind == "frame" and "frame_geometry" not in metadata:
        notices.append(
            Notice(
                code="no-geometry",
                message="the frames have no geometry, so their pixels have no q",
                fix="register them with --with geometry=FILE.poni",
            )
        )
    start = metadata.pop("start_time", None)
    exposures = _beam(metadata, found.wavelength, found.origin)
    lazy = {
        "signal": found.path,
        "variable": "frames" if found.kind == "frame" else "intensity",
        "unit": found.unit,
        "errors": found.errors,
        **({"mask": found.detector["pixel_mask"]} if "pixel_mask" in found.detector else {}),
        "axes": [
            {"name": a.name, "path": a.path, "unit": a.unit, "factor": a.factor} for a in found.axes
        ],
    }
    common: dict[str, Any] = {
        "name": found.name,
        "modality": "xrd",
        "metadata": metadata,
        "raw_metadata": lazy,
        "notices": notices,
        "exposures": exposures,
        "origin": found.origin,
        "start": start if isinstance(start, str) and _has_date(start) else None,
    }
    if len(found.shape) == 1:
        with damaged(path), open_nexus(path, {}, lazy) as data:
            return Signal(data=data.load(), **common)
    with open_nexus(path, {}, lazy) as data:
        summary = DataSummary(
            variables={str(n): _summary(v) for n, v in data.data_vars.items()},
            coordinates={str(n): _summary(v) for n, v in data.coords.items()},
        )
    return Signal(lazy=lazy, summary=summary, **common)


def _summary(array: xr.DataArray) -> VariableSummary:
    return VariableSummary(
        dims=[str(d) for d in array.dims],
        shape=[int(n) for n in array.shape],
        unit=array.attrs.get("units"),
        dtype=str(array.dtype),
    )


def pattern_of(data: xr.Dataset, metadata: Mapping[str, Any], origin: str) -> Pattern:
    """The pattern of a registered measurement; scans are averaged over their points.

    Raises
    ------
    BadInputError
        No diffraction axis.
    """
    from consilience_xrd.pattern import Source

    array = data["intensity"]
    axis = next((a for a in ("two_theta", "q", "d") if a in array.dims), None)
    if axis is None:
        raise BadInputError(
            f"the measurement has dimensions {list(array.dims)} and no axis two_theta or q",
            fix="register it with its diffraction axis",
        )
    warnings: list[str] = []
    others = [d for d in array.dims if d != axis]
    x = np.asarray(data[axis].values, dtype=np.float64)
    if others:
        values = _mean_over(array, axis)
        points = int(np.prod([array.sizes[d] for d in others]))
        warnings.append(f"mean of {points} patterns over {', '.join(map(str, others))}")
        sigma = None
    else:
        values = np.asarray(array.values, dtype=np.float64)
        sigma = None
        if "intensity_std" in data and array.attrs.get("std_from") != "poisson":
            sigma = np.asarray(data["intensity_std"].values, dtype=np.float64)
    if axis == "d":
        order = np.argsort(2 * np.pi / x)
        x, values = (2 * np.pi / x)[order], values[order]
        sigma = None if sigma is None else sigma[order]
        axis = "q"
    source = None
    wavelength = metadata.get("wavelength")
    if isinstance(wavelength, Mapping):
        second = metadata.get("wavelength2")
        source = Source(
            float(wavelength["value"]),
            float(second["value"]) if isinstance(second, Mapping) else None,
            float(metadata["ka2_ratio"]) if metadata.get("ka2_ratio") else None,
        )
    unit = str(array.attrs.get("units", "arbitrary"))
    return Pattern(
        axis=axis,
        x=x,
        intensity=values,
        sigma=sigma,
        intensity_unit="arbitrary" if others else unit,
        source=source,
        origin=origin,
        metadata={"geometry": metadata.get("geometry")},
        warnings=tuple(warnings),
    )


def _mean_over(array: xr.DataArray, axis: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean over all other dimensions, one slice of the first at a time."""
    first = next(d for d in array.dims if d != axis)
    total = np.zeros(array.sizes[axis])
    count = 0
    for i in range(array.sizes[first]):
        part = array.isel({first: i}).transpose(..., axis).values.reshape(-1, array.sizes[axis])
        total += part.sum(axis=0, dtype=np.float64)
        count += part.shape[0]
    return total / max(count, 1)
