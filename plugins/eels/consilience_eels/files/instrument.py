"""What a microscope's file says of the beam, the detectors and the scan.

HyperSpy's metadata have one unit for each entry; Velox files say more, with units of their own.
A zero stands for *not recorded* where nothing can be zero.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Any

from consilience.custody.dose.formulas import stem_fluence
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import Exposure, Notice

__all__ = ["drop_defaults", "exposure_of", "microscope_of", "start_of", "temperature_of"]

EDS, EELS = ("Detector", "EDS"), ("Detector", "EELS")
ENTRIES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "beam_energy": (("beam_energy",), "keV", False),
    "beam_current": (("beam_current",), "nA", False),
    "convergence_angle": (("convergence_angle",), "mrad", False),
    "camera_length": (("camera_length",), "mm", False),
    "magnification": (("magnification",), "1", False),
    "collection_angle": ((*EELS, "collection_angle"), "mrad", False),
    "entrance_aperture": ((*EELS, "aperture_size"), "mm", False),
    "dwell_time": ((*EELS, "dwell_time"), "s", False),
    "exposure_time": ((*EELS, "exposure"), "s", False),
    "frames": ((*EELS, "frame_number"), "1", False),
    "elevation_angle": ((*EDS, "elevation_angle"), "degree", True),
    "azimuth_angle": ((*EDS, "azimuth_angle"), "degree", True),
    "energy_resolution_mn_ka": ((*EDS, "energy_resolution_MnKa"), "eV", False),
    "live_time": ((*EDS, "live_time"), "s", False),
    "real_time": ((*EDS, "real_time"), "s", False),
    "frames_eds": ((*EDS, "number_of_frames"), "1", False),
    "tilt_alpha": (("Stage", "tilt_alpha"), "degree", True),
    "tilt_beta": (("Stage", "tilt_beta"), "degree", True),
}
"""Name to its place in HyperSpy's metadata, the unit fixed there, and whether 0 is a value."""

VELOX: dict[str, tuple[tuple[str, ...], str, float]] = {
    "dwell_time": (("Scan", "DwellTime"), "s", 1.0),
    "convergence_angle": (("Optics", "BeamConvergence"), "mrad", 1e3),
    "screen_current": (("Optics", "LastMeasuredScreenCurrent"), "nA", 1e9),
}
"""The same in Velox, with the factor from its unit; its numbers are text."""


OF_SPECIMEN = re.compile(r"specimen|sample|stage|holder|cryo", re.IGNORECASE)
TEMPERATURE = re.compile(r"temperature|temp\b", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
CELSIUS = re.compile(
    r"°\s*C\b|\bdeg(?:rees?)?\s*C\b|\bcelsius\b|[(\[_]C[)\]]?(?=\W|$)", re.IGNORECASE
)
KELVIN = re.compile(r"(?:^|[\s(\[_])K(?:elvin)?(?=\W|$)", re.IGNORECASE)

LIBRARY_DEFAULTS = {
    "energy_resolution_mn_ka": 130.0,
    "elevation_angle": 35.0,
    "azimuth_angle": 0.0,
    "tilt_alpha": 0.0,
}
"""What exSpy puts into the metadata of an X-ray spectrum where the file says nothing."""


def drop_defaults(found: dict[str, Any], notices: list[Notice]) -> None:
    """Take out of what was understood of an X-ray spectrum what may be exSpy's own.

    A file that states the very same number cannot be told from one that states none.
    """
    own = [
        name
        for name, value in LIBRARY_DEFAULTS.items()
        if isinstance(found.get(name), dict) and found[name]["value"] == value
    ]
    for name in own:
        del found[name]
    if own:
        notices.append(
            Notice(
                code="library-default",
                message=f"{', '.join(own)}: exSpy's default, or the same number in the file; "
                "taken as not known",
                severity="info",
            )
        )


def temperature_of(original: Mapping[str, Any], notices: list[Notice]) -> dict[str, Any] | None:
    """Return the specimen's temperature in K, where a file says it with its unit.

    No format has a place of its own for it.  Entries are taken whose path names temperature and
    the specimen, its stage or its holder, and whose name or text names K or °C; a number
    without a unit is named in a notice and left out.
    """
    found: set[float] = set()
    without: list[str] = []
    for path, value in _leaves(original, ()):
        words = " ".join(path)
        if not OF_SPECIMEN.search(words) or not TEMPERATURE.search(path[-1]):
            continue
        text = f"{value} {path[-1]}" if isinstance(value, int | float) else str(value)
        number = NUMBER.match(text.strip())
        if number is None or isinstance(value, bool):
            continue
        rest = text.strip()[number.end() :]
        if CELSIUS.search(rest) or CELSIUS.search(path[-1]):
            found.add(round(float(number.group()) + 273.15, 6))
        elif KELVIN.search(rest) or KELVIN.search(path[-1]):
            found.add(float(number.group()))
        else:
            without.append(".".join(path))
    if without:
        notices.append(
            Notice(
                code="temperature-without-unit",
                message=f"{', '.join(without[:3])}: a temperature without a unit; it was not used",
                fix="state the temperature with the step that measured the sample",
                severity="info",
            )
        )
    sound = {one for one in found if one > 0}
    if len(sound) > 1:
        notices.append(
            Notice(
                code="temperatures-differ",
                message="the file states several temperatures of the specimen: "
                + ", ".join(f"{one:g} K" for one in sorted(sound)),
                fix="state the one that holds with the step that measured the sample",
            )
        )
        return None
    return {"value": sound.pop(), "unit": "K"} if sound else None


def _leaves(
    tree: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def microscope_of(
    metadata: Mapping[str, Any], original: Mapping[str, Any], notices: list[Notice]
) -> dict[str, Any]:
    """Return name to ``{"value", "unit"}``, or text, of what the file says.

    Parameters
    ----------
    metadata, original : mapping
        HyperSpy's, as nested dictionaries.
    notices : list of Notice
        Quantities that are recorded as 0 are named there.
    """
    acquisition = _section(metadata.get("Acquisition_instrument"))
    column = _section(acquisition.get("TEM")) or _section(acquisition.get("SEM"))
    found: dict[str, Any] = {}
    zero: list[str] = []
    for name, (place, unit, may_be_zero) in ENTRIES.items():
        value = _number(_at(column, place))
        if value == 0 and not may_be_zero:
            zero.append(name)
        elif value is not None:
            found[name] = {"value": value, "unit": unit}
    if "frames_eds" in found:
        found.setdefault("frames", found.pop("frames_eds"))
    for name, (place, unit, factor) in VELOX.items():
        value = _number(_at(original, place))
        if value and name not in found:
            found[name] = {"value": value * factor, "unit": unit}
    for name, place in (
        ("microscope", ("microscope",)),
        ("acquisition_mode", ("acquisition_mode",)),
        ("spectrometer", (*EELS, "spectrometer")),
        ("detector", (*EDS, "detector")),
        ("detector", (*EDS, "detector_type")),
    ):
        text = _at(column, place)
        if isinstance(text, str) and text.strip() and name not in found:
            found[name] = " ".join(text.split())
    area = _number(_at(column, ("probe_area",)))
    if area is not None and area > 0:  # nm²; a disc of that area, which 0 does not say
        found["beam_size"] = {"value": 2.0 * math.sqrt(area / math.pi), "unit": "nm"}
    temperature = temperature_of({"original": original, "instrument": acquisition}, notices)
    if temperature is not None:
        found["temperature"] = temperature
    sample = _section(metadata.get("Sample"))
    for name in ("elements", "xray_lines"):
        given = sample.get(name)
        if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
            found[name] = [str(item) for item in given]
    if zero:
        notices.append(
            Notice(
                code="recorded-as-zero",
                message=f"{', '.join(zero)}: the file says 0, which stands for not recorded",
                fix="state them with the step that measured the sample, if they are known",
                severity="info",
            )
        )
    return found


def exposure_of(
    quantities: Mapping[str, Any],
    steps: Mapping[str, float],
    pixels: int | None,
    same_as: str | None = None,
) -> Exposure:
    """Return the electrons that a scan cost.

    Parameters
    ----------
    quantities : mapping
        Of `microscope_of`.
    steps : mapping
        Distance of pixels by axis, in nm, where the scan is calibrated.
    pixels : int or None
        Of the scan; None for a single spectrum.
    same_as : str, optional
        Another signal that carries the fluence of this scan, which is entered once.
    """

    def quantity(name: str) -> Quantity | None:
        return Quantity(**quantities[name]) if name in quantities else None

    current, dwell, energy, temperature = (
        quantity(name) for name in ("beam_current", "dwell_time", "beam_energy", "temperature")
    )
    if same_as is not None:
        return Exposure(
            particle="electron",
            energy=energy,
            temperature=temperature,
            formula=f"taken to be the scan of signal {same_as!r} of this file, as it has as many "
            "pixels; what is known of its dose is entered there",
        )
    frames = quantity("frames")
    repeats = 1 if frames is None else max(1, round(frames.value))
    duration, exposed = None, quantity("exposure_time")
    if pixels is not None and dwell is not None:
        duration = Quantity(value=dwell.value * pixels * repeats, unit="s")
    elif pixels is None and exposed is not None:
        duration = Quantity(value=exposed.value * repeats, unit="s")
    width = set(steps.values())
    if current is None or dwell is None or len(width) != 1:
        return Exposure(
            particle="electron", energy=energy, duration=duration, temperature=temperature
        )
    try:
        scan = stem_fluence(
            current, dwell, repeats, Quantity(value=abs(width.pop()), unit="nm")
        ).step_limited
    except BadInputError:  # a current or a step below zero says nothing
        scan = None
    if scan is None:
        return Exposure(
            particle="electron", energy=energy, duration=duration, temperature=temperature
        )
    return Exposure(
        particle="electron",
        energy=energy,
        duration=duration,
        temperature=temperature,
        fluence=scan.quantity,
        source="derived",
        formula=scan.formula,
    )


def start_of(metadata: Mapping[str, Any], notices: list[Notice]) -> str | None:
    """Return date and time as ISO 8601; the offset only where the file says UTC."""
    general = _section(metadata.get("General"))
    day, clock, zone = general.get("date"), general.get("time"), general.get("time_zone")
    if not day:
        return None
    try:
        said = date.fromisoformat(str(day)).isoformat()
    except ValueError:
        notices.append(
            Notice(
                code="date-not-iso",
                message=f"the date {str(day)!r} is not written year-month-day; it was not used",
                fix="state when it was measured with the step",
                severity="info",
            )
        )
        return None
    try:
        moment = time.fromisoformat(str(clock)[:15])  # some clocks write nanoseconds
    except ValueError:
        return said
    offset = "+00:00" if zone == "UTC" else ""
    return f"{said}T{moment.replace(tzinfo=None).isoformat()}{offset}"


def _section(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _at(tree: Mapping[str, Any], place: tuple[str, ...]) -> object:
    node: object = tree
    for key in place:
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    return node


def _number(value: object) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
