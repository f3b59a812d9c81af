"""The one place where pyFAI, which is untyped, is called."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["integrate", "load_geometry"]


def load_geometry(path: Path) -> tuple[Any, float | None, tuple[int, int] | None]:
    """The integrator, the wavelength [angstrom] and the detector's shape, where stated.

    Raises
    ------
    BadFileError
        Not a .poni file, or incomplete.
    """
    import pyFAI

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFileError(
            f"The geometry cannot be read: {error}.", fix="Give a pyFAI .poni file.", path=path
        ) from None
    said = {line.partition(":")[0].strip().lower() for line in text.splitlines()}
    missing = [k for k in ("distance", "poni1", "poni2", "rot1") if k not in said]
    if missing:
        raise BadFileError(
            f"The geometry lacks {', '.join(missing)}.", fix="Give a pyFAI .poni file.", path=path
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            setup = pyFAI.load(str(path))
    except Exception as error:  # pyFAI raises many types on broken files
        raise BadFileError(
            f"pyFAI cannot use the geometry: {error}.", fix="Write it again with pyFAI.", path=path
        ) from error
    pixel = (setup.detector.pixel1, setup.detector.pixel2)
    if not all(isinstance(p, float) and 0 < p < 1 for p in pixel):
        raise BadFileError(
            "The geometry names no detector with a usable pixel size.",
            fix="Check Detector and Detector_config in the .poni file.",
            path=path,
        )
    shape = getattr(setup.detector, "shape", None)
    lam = setup.wavelength
    return setup, (None if not lam else float(lam) * 1e10), shape


def integrate(
    setup: Any,
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    npt: int,
    unit: str,
    polarization_factor: float | None,
    error_model: str | None,
    split: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Axis, intensity, sigma (None without error model); bins without pixels are left out."""
    try:
        result = setup.integrate1d(
            image,
            npt,
            unit=unit,
            mask=mask.astype(np.int8) if mask.any() else None,
            correctSolidAngle=True,
            polarization_factor=polarization_factor,
            error_model=error_model,
            method=(split, "csr", "cython"),
        )
    except Exception as error:  # a senseless geometry fails in many ways inside pyFAI
        raise BadFileError(
            f"pyFAI cannot integrate with this geometry: {error}.",
            fix="Check the .poni file against the detector.",
        ) from error
    axis = np.asarray(result.radial, dtype=np.float64)
    values = np.asarray(result.intensity, dtype=np.float64)
    sigma = None if result.sigma is None else np.asarray(result.sigma, dtype=np.float64)
    counted = np.asarray(result.count) > 0
    axis, values = axis[counted], values[counted]
    if sigma is not None:
        sigma = sigma[counted]
        sigma[sigma <= 0] = np.nan
    return axis, values, sigma
