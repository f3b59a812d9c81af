"""The geometry of frames from a NeXus detector, as pyFAI wants it: upright, without tilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consilience.hdf5 import text_of
from consilience_xrd.files.nexus_groups import class_of, member_of, members, number_in

if TYPE_CHECKING:
    from consilience.model.base import Json

__all__ = ["DetectorFacts", "detector_facts"]

_LENGTH = {
    "m": 1.0,
    "metre": 1.0,
    "meter": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "um": 1e-6,
    "\u00b5m": 1e-6,
}

DetectorFacts = dict[str, "Json"]
"""``frame_geometry`` (pyFAI's configuration), ``saturation`` and ``pixel_mask`` (path), if told."""


def detector_facts(entry: Any, shape: tuple[int, int], wavelength: float | None) -> DetectorFacts:
    """What the NXdetector of an entry says of its geometry.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame; a mask of another shape is not taken.
    wavelength : float or None
        [angstrom]

    Notes
    -----
    Where fields are missing, or the detector is placed by transformations, no geometry is given.
    """
    import h5py

    for detector in _detectors(entry, 0):
        facts: DetectorFacts = {}
        mask = member_of(detector, "pixel_mask")
        if isinstance(mask, h5py.Dataset) and tuple(mask.shape) == shape:
            facts["pixel_mask"] = str(mask.name)
        top = member_of(detector, "saturation_value")
        value = number_in(top) if isinstance(top, h5py.Dataset) else None
        if value is not None and value > 0:
            facts["saturation"] = value
        config = _configuration(detector, shape, wavelength)
        if config is not None:
            facts["frame_geometry"] = config
        if facts:
            return facts
    return {}


def _detectors(group: Any, depth: int) -> list[Any]:
    import h5py

    found = []
    for member in members(group):
        if isinstance(member, h5py.Group) and depth < 4:
            if class_of(member) == "NXdetector":
                found.append(member)
            else:
                found += _detectors(member, depth + 1)
    return found


def _length(detector: Any, name: str) -> float | None:
    """A length [m] with a known unit."""
    import h5py

    field = member_of(detector, name)
    if not isinstance(field, h5py.Dataset):
        return None
    value = number_in(field)
    factor = _LENGTH.get((text_of(field.attrs.get("units")) or "").strip())
    return None if value is None or factor is None else value * factor


def _center(detector: Any, name: str, pixel: float) -> float | None:
    """Place of the beam [m] from a length or from pixels."""
    import h5py

    field = member_of(detector, name)
    if not isinstance(field, h5py.Dataset):
        return None
    unit = (text_of(field.attrs.get("units")) or "").strip().lower()
    value = number_in(field)
    if value is None:
        return None
    if unit in ("", "pixel", "pixels", "px", "1"):
        return value * pixel
    return _length(detector, name)


def _configuration(
    detector: Any, shape: tuple[int, int], wavelength: float | None
) -> dict[str, Json] | None:
    distance = _length(detector, "distance")
    rows, columns = _length(detector, "y_pixel_size"), _length(detector, "x_pixel_size")
    if not distance or not rows or not columns or member_of(detector, "depends_on") is not None:
        return None
    across, along = (
        _center(detector, "beam_center_y", rows),
        _center(detector, "beam_center_x", columns),
    )
    if across is None or along is None:
        return None
    return {
        "poni_version": 2.1,
        "detector": "Detector",
        "detector_config": {
            "pixel1": rows,
            "pixel2": columns,
            "max_shape": list(shape),
            "orientation": 3,
        },
        "dist": distance,
        "poni1": across,
        "poni2": along,
        "rot1": 0.0,
        "rot2": 0.0,
        "rot3": 0.0,
        "wavelength": None if wavelength is None else wavelength * 1e-10,
    }
