"""PANalytical .xrdml through the standard library's XML parser, without entities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np

from consilience.errors import BadFileError
from consilience_xrd.pattern import Pattern, Source, check_axis

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_xrdml"]


def read_xrdml(path: Path) -> list[Pattern]:
    """Read every scan of an .xrdml file.

    Returns
    -------
    list of Pattern
        One for each scan along 2theta; ``metadata`` holds the whole document as JSON, the scan's
        number and its counting time [s].

    Raises
    ------
    BadFileError
        Empty, cut off, not XML, with a DOCTYPE or entity, or without a usable scan.
    """
    raw = path.read_bytes()
    name = str(path)
    if not raw.strip():
        raise BadFileError("The file is empty.", fix="Copy or export it again.", path=name)
    for word in (b"<!DOCTYPE", b"<!ENTITY"):
        for encoded in (word, word.decode().encode("utf-16-le"), word.decode().encode("utf-16-be")):
            at = raw.upper().find(encoded.upper())
            if at >= 0:
                raise BadFileError(
                    f"The XML holds {word.decode()}, which no .xrdml needs and which can be used "
                    "to exhaust memory or read other files.",
                    fix="Refuse the file, or export it again from the instrument's program.",
                    path=name,
                    offset=at,
                )
    try:
        root = ET.fromstring(raw)  # noqa: S314 - DOCTYPE and ENTITY were refused above
    except ET.ParseError as error:
        line, column = error.position
        offset = sum(len(part) + 1 for part in raw.split(b"\n")[: line - 1]) + column
        cut = b"</xrdMeasurements>" not in raw
        raise BadFileError(
            "The XML is cut off: its closing tag is missing." if cut else f"Not XML: {error}.",
            fix="Copy the file again from the instrument.",
            path=name,
            line=line,
            offset=min(offset, len(raw)),
        ) from None
    if _tag(root) != "xrdMeasurements":
        raise BadFileError(
            f"The root element is {_tag(root)!r}, not xrdMeasurements.",
            fix="Choose the reader for its format with --reader.",
            path=name,
        )
    document = _json(root)
    patterns: list[Pattern] = []
    skipped: list[str] = []
    for measurement in root.iterfind("{*}xrdMeasurement"):
        source, notes = _source(measurement)
        for scan in measurement.iterfind("{*}scan"):
            number = len(patterns) + len(skipped) + 1
            axis = scan.get("scanAxis", "")
            found = scan.find("{*}dataPoints/{*}positions[@axis='2Theta']")
            if found is None or axis not in ("Gonio", "2Theta", "2Theta-Omega", "Omega-2Theta"):
                skipped.append(f"scan {number} along {axis or 'an unnamed axis'} was left out")
                continue
            patterns.append(_scan(measurement, scan, found, source, notes, number, document, name))
    if not patterns:
        raise BadFileError(
            "The file has no scan along 2theta" + (": " + "; ".join(skipped) if skipped else "."),
            fix="Export a powder scan.",
            path=name,
        )
    if skipped:
        first = patterns[0]
        patterns[0] = Pattern(**{**first.__dict__, "warnings": (*first.warnings, *skipped)})
    return patterns


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _json(element: ET.Element) -> Any:
    """The element as JSON; long lists of numbers are left to the data."""
    out: dict[str, Any] = {f"@{k.rpartition('}')[2]}": v for k, v in element.attrib.items()}
    for child in element:
        value, tag = _json(child), _tag(child)
        if tag in out:
            out[tag] = [*out[tag], value] if isinstance(out[tag], list) else [out[tag], value]
        else:
            out[tag] = value
    text = (element.text or "").strip()
    if text and len(text) > 2000 and re.fullmatch(r"[\d\s.eE+-]+", text):
        text = f"({len(text.split())} numbers)"
    if not out:
        return text
    if text:
        out["#text"] = text
    return out


def _says_simulated(document: Any) -> bool:
    """Whether a comment of the file says so, as in ``origin: simulated``."""
    if isinstance(document, dict):
        comment = document.get("comment")
        if comment is not None and re.search(
            r"origin\W{1,4}simulated", str(comment), re.IGNORECASE
        ):
            return True
        return any(_says_simulated(v) for v in document.values())
    if isinstance(document, list):
        return any(_says_simulated(v) for v in document)
    return False


def _value(parent: ET.Element, path: str) -> float | None:
    found = parent.find(path)
    if found is None or not (found.text or "").strip():
        return None
    try:
        return float(str(found.text))
    except ValueError:
        return None


def _source(measurement: ET.Element) -> tuple[Source | None, list[str]]:
    used = measurement.find("{*}usedWavelength")
    if used is None:
        return None, ["the file states no wavelength"]
    first, second = _value(used, "{*}kAlpha1"), _value(used, "{*}kAlpha2")
    ratio = _value(used, "{*}ratioKAlpha2KAlpha1")
    unit = next((e.get("unit") for e in used if e.get("unit")), None)
    if first is None or unit != "Angstrom":
        return None, [f"the wavelength is not usable (K-alpha 1 {first}, unit {unit})"]
    removed = measurement.find(".//{*}incidentBeamPath/{*}monochromator") is not None
    if removed and second and ratio:
        return Source(first), ["a monochromator is in the beam: K-alpha 2 is taken as removed"]
    return Source(first, second or None, ratio or None), []


def _scan(
    measurement: ET.Element,
    scan: ET.Element,
    positions: ET.Element,
    source: Source | None,
    notes: list[str],
    number: int,
    document: Any,
    name: str,
) -> Pattern:
    points = scan.find("{*}dataPoints")
    assert points is not None  # positions was found inside it
    warnings = list(notes)
    holder = points.find("{*}counts")
    if holder is None:
        holder = points.find("{*}intensities")
    if holder is None or not (holder.text or "").strip():
        raise BadFileError(
            f"Scan {number} has neither counts nor intensities.",
            fix="Export it again with its data.",
            path=name,
        )
    values = _numbers(str(holder.text), f"scan {number}", name)
    unit = (holder.get("unit") or "").lower()
    counts = unit == "counts"
    if not counts:
        warnings.append(f"the unit of the intensities is {unit or 'not said'}; std unknown")
    x = _positions(positions, len(values), number, name)
    if positions.get("unit") != "deg":
        raise BadFileError(
            f"2theta of scan {number} is in {positions.get('unit')!r}, not deg.",
            fix="Export it again in degrees.",
            path=name,
        )
    sigma: NDArray[np.float64] | None = None
    factors = points.find("{*}beamAttenuationFactors")
    if factors is not None and factors.text:
        factor = _numbers(factors.text, f"beam attenuation factors of scan {number}", name)
        if len(factor) == len(values) and np.any(factor != 1):
            if _tag(holder) == "counts":
                warnings.append("the counts were multiplied by the beam attenuation factors")
                sigma = np.sqrt(np.maximum(values, 1.0)) * factor
                values = values * factor
            else:
                # intensities hold the product already
                sigma = np.sqrt(np.maximum(values / factor, 1.0)) * factor
            counts = False
    order = np.argsort(x, kind="stable")
    if np.any(np.diff(x) < 0) and np.all(np.diff(x) <= 0):
        warnings.append("the scan runs downwards and was turned round")
        x, values = x[order], values[order]
        sigma = None if sigma is None else sigma[order]
    check_axis(x, values, name)
    time = _value(points, "{*}commonCountingTime")
    status = scan.get("status")
    if status and status != "Completed":
        warnings.append(f"scan {number} has the status {status!r}")
    start = scan.find("{*}header/{*}startTimeStamp")
    return Pattern(
        axis="two_theta",
        x=x,
        intensity=values,
        sigma=sigma,
        intensity_unit="count" if counts else "arbitrary",
        source=source,
        origin="simulated" if _says_simulated(document) else "measured",
        metadata={
            "document": document,
            "scan": number,
            "counting_time_s": time,
            "start": None if start is None else start.text,
            "geometry": "bragg-brentano"
            if measurement.get("sampleMode", "") == "Reflection"
            else (measurement.get("sampleMode") or None),
            "radius_mm": _value(measurement, "{*}diffractedBeamPath/{*}radius")
            or _value(measurement, "{*}incidentBeamPath/{*}radius"),
        },
        warnings=tuple(warnings),
    )


def _numbers(text: str, what: str, name: str) -> NDArray[np.float64]:
    try:
        return np.array(text.split(), dtype=np.float64)
    except ValueError as error:
        raise BadFileError(
            f"The numbers of {what} cannot be read: {error}.",
            fix="Export the file again.",
            path=name,
        ) from None


def _positions(positions: ET.Element, count: int, number: int, name: str) -> NDArray[np.float64]:
    listed = positions.find("{*}listPositions")
    if listed is not None and listed.text:
        x = _numbers(listed.text, f"2theta of scan {number}", name)
        if len(x) != count:
            raise BadFileError(
                f"Scan {number} lists {len(x)} positions for {count} intensities.",
                fix="The file is damaged; export it again.",
                path=name,
            )
        return x
    start, end = _value(positions, "{*}startPosition"), _value(positions, "{*}endPosition")
    if start is None or end is None:
        raise BadFileError(
            f"Scan {number} has no start or end of 2theta.",
            fix="Export it again.",
            path=name,
        )
    return np.linspace(start, end, count)
