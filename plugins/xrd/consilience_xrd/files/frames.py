"""Azimuthal integration of a detector image with a pyFAI geometry."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import says_simulated
from consilience_xrd.files.option_help import FRAME_OPTIONS
from consilience_xrd.pattern import Pattern, Source, check_axis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FRAME_OPTIONS", "IntegrationOptions", "integrate_image", "options_from_text"]

_UNITS = {"deg": "2th_deg", "1/angstrom": "q_A^-1"}
_SPLIT = {"no": "no", "bbox": "bbox", "full": "full", "pseudo": "pseudo"}


@dataclass(frozen=True)
class IntegrationOptions:
    """How an image is integrated; every value is written into the result."""

    flip: str = "none"
    npt: int = 1000
    unit: str = "1/angstrom"
    mask_negative: bool = True
    polarization_factor: float | None = None
    error_model: str = "none"
    method: str = "bbox"
    saturation: float | None = None


def options_from_text(said: Mapping[str, str]) -> IntegrationOptions:
    """Options as a user writes them.

    Raises
    ------
    BadInputError
        Unknown name or value.
    """

    def bad(name: str) -> BadInputError:
        return BadInputError(
            f"{name}={said[name]} cannot be used.", fix=f"{name}: {FRAME_OPTIONS[name]}."
        )

    unknown = sorted(set(said) - set(FRAME_OPTIONS))
    if unknown:
        raise BadInputError(
            f"Unknown option {', '.join(unknown)}.", fix=f"Known are {', '.join(FRAME_OPTIONS)}."
        )
    values: dict[str, Any] = {}
    for name, allowed in (
        ("flip", ("up-down", "left-right", "none")),
        ("unit", tuple(_UNITS)),
        ("error_model", ("none", "poisson", "azimuthal")),
        ("method", tuple(_SPLIT)),
        ("mask_negative", ("yes", "no")),
    ):
        if name in said:
            if said[name] not in allowed:
                raise bad(name)
            values[name] = said[name]
    if "mask_negative" in values:
        values["mask_negative"] = values["mask_negative"] == "yes"
    try:
        if "npt" in said:
            name = "npt"
            values["npt"] = int(said["npt"])
            if not 10 <= values["npt"] <= 100_000:
                raise ValueError
        if said.get("polarization_factor", "none") != "none":
            name = "polarization_factor"
            values[name] = float(said[name])
            if not -1 <= values[name] <= 1:
                raise ValueError
        if "saturation" in said:
            name = "saturation"
            values[name] = float(said[name])
    except ValueError:
        raise bad(name) from None
    return IntegrationOptions(**values)


def _load_image(path: Path) -> tuple[NDArray[Any], dict[str, str]]:
    import fabio

    if path.stat().st_size == 0:
        raise BadFileError("The image is empty.", fix="Copy it again.", path=path)
    try:
        with fabio.open(str(path)) as image:
            frames = int(getattr(image, "nframes", 1))
            data = np.array(image.data)
            header = {str(k): str(v) for k, v in dict(image.header).items()}
    except Exception as error:  # fabio raises many types on broken images
        raise BadFileError(
            f"The image cannot be read: {str(error).splitlines()[0] if str(error) else error!r}.",
            fix="Check that it is complete and of a format that fabio knows.",
            path=path,
        ) from error
    if data.ndim != 2:
        raise BadFileError(
            f"The image has {data.ndim} dimensions; a detector image has two.",
            fix="Convert it to grey levels, or choose another reader.",
            path=path,
        )
    if frames > 1:
        raise BadFileError(
            f"The file holds {frames} images.", fix="Give one image for one pattern.", path=path
        )
    return data, header


def integrate_image(
    path: Path, geometry: Path | None, options: IntegrationOptions | None = None
) -> Pattern:
    """Integrate an image azimuthally through pyFAI.

    Parameters
    ----------
    path : path
        Image that fabio reads (.tif, .edf, .cbf …).
    geometry : path or None
        pyFAI .poni file.

    Returns
    -------
    Pattern
        In the options' unit; sigma only with an error model.

    Raises
    ------
    BadInputError
        No geometry, or one without wavelength.
    BadFileError
        Image or geometry unreadable, or sizes that do not fit.

    Notes
    -----
    Solid angle is always corrected.  Splitting pixels correlates neighbouring bins, so errors of
    peaks are too small with method other than "no".
    """
    chosen = options or IntegrationOptions()
    if geometry is None:
        raise BadInputError(
            "An image gives no pattern without its geometry.",
            fix="Give the pyFAI calibration: --with geometry=FILE.poni",
            path=path,
        )
    from consilience_xrd.files._pyfai import integrate, load_geometry

    data, header = _load_image(path)
    setup, wavelength, shape = load_geometry(geometry)
    if wavelength is None:
        raise BadInputError(
            "The geometry holds no wavelength.",
            fix="Add a line such as 'Wavelength: 4.066e-11' (in metres) to the .poni file.",
            path=geometry,
        )
    if shape is not None and tuple(shape) != data.shape:
        raise BadFileError(
            f"The image has {data.shape} pixels, the geometry's detector {tuple(shape)}.",
            fix="Give the geometry that belongs to this detector.",
            path=path,
        )
    image = {"up-down": data[::-1], "left-right": data[:, ::-1], "none": data}[chosen.flip]
    image = np.ascontiguousarray(image)
    finite = np.isfinite(image)
    negative = int(np.count_nonzero(image[finite] < 0))
    top = chosen.saturation
    if top is None and np.issubdtype(data.dtype, np.integer):
        top = float(np.iinfo(data.dtype).max)
    saturated = (image >= top) if top is not None else np.zeros(image.shape, bool)
    dead = int(np.count_nonzero(image[finite] == 0))
    mask = ~finite | saturated
    if chosen.mask_negative:
        mask = mask | (image < 0)
    if mask.all():
        raise BadFileError(
            "Every pixel is masked.", fix="Check mask_negative and saturation.", path=path
        )
    x, y, sigma = integrate(
        setup,
        image,
        mask,
        npt=chosen.npt,
        unit=_UNITS[chosen.unit],
        polarization_factor=chosen.polarization_factor,
        error_model=None if chosen.error_model == "none" else chosen.error_model,
        split=_SPLIT[chosen.method],
    )
    full = int(np.count_nonzero(saturated))
    warnings = _counted(
        negative,
        full,
        dead,
        image.size - int(np.count_nonzero(finite)),
        top,
        masked=chosen.mask_negative,
    )
    if chosen.method != "no":
        warnings.append(f"pixels were split ({chosen.method}), which correlates neighbouring bins")
    if chosen.flip == "none":
        warnings.append(
            "the image was not flipped; if rings come out smeared, the geometry expects "
            "--option flip=up-down"
        )
    check_axis(x, y, str(path))
    return Pattern(
        axis="two_theta" if chosen.unit == "deg" else "q",
        x=x,
        intensity=y,
        sigma=sigma,
        intensity_unit="arbitrary",
        source=Source(wavelength),
        origin="simulated"
        if any(k.lower() == "origin" and says_simulated(v) for k, v in header.items())
        else "measured",
        metadata={
            "image_header": header,
            "geometry": json.loads(json.dumps(setup.get_config(), default=str)),
            "integration": asdict(chosen),
            "pixels": {
                "shape": list(data.shape),
                "negative": negative,
                "saturated": full,
                "zero": dead,
                "masked": int(np.count_nonzero(mask)),
            },
        },
        warnings=tuple(warnings),
    )


def _counted(
    negative: int, full: int, dead: int, strange: int, top: float | None, *, masked: bool
) -> list[str]:
    """What was seen among the pixels and done with them; nothing on what was not there."""

    def pixels(count: int, one: str, many: str) -> str:
        return f"{count} pixel {one}" if count == 1 else f"{count} pixels {many}"

    out = []
    if negative:
        out.append(
            pixels(negative, "is negative", "are negative")
            + " (gaps between modules), "
            + ("masked" if masked else "NOT masked")
        )
    if full:
        out.append(pixels(full, "is", "are") + f" saturated (at least {top:g}), masked")
    if top is None:
        out.append(
            "the level at which pixels saturate is not known, so none was masked for it; give "
            "--option saturation=COUNT"
        )
    if strange:
        out.append(pixels(strange, "is", "are") + " not a finite number, masked")
    if dead:
        out.append(pixels(dead, "reads", "read") + " zero (dead or not exposed), kept")
    return out
