"""The one place where pyFAI, which is untyped, is called."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FrameIntegrator", "geometry_from", "integrate", "load_geometry"]

MARK = -1.0e9
"""Value of pixels to be left out of one frame; exact in single precision."""


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
    except UnicodeDecodeError:
        raise BadFileError(
            "The geometry is no text, so it is no .poni file.",
            fix="Give a pyFAI .poni file; pyFAI-calib2 writes one from an image of a calibrant.",
            path=path,
        ) from None
    except OSError as error:
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


def geometry_from(config: object) -> Any:
    """The integrator from a configuration that `load_geometry` or a NeXus detector gave.

    Raises
    ------
    BadInputError
        There is none, or pyFAI cannot use it, or it has no wavelength.
    """
    import pyFAI

    if not isinstance(config, dict):
        raise BadInputError(
            "the frames have no geometry, so their pixels have no q",
            fix="register them with --with geometry=FILE.poni, or give distance, pixel size and "
            "beam centre in the file's NXdetector",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            setup = pyFAI.load(dict(config))
    except Exception as error:  # pyFAI raises many types on what it cannot use
        raise BadInputError(
            f"pyFAI cannot use the geometry: {error}", fix="register the frames with a .poni file"
        ) from error
    if not setup.wavelength:
        raise BadInputError(
            "the geometry holds no wavelength",
            fix='register the frames with --option wavelength="… angstrom", or add it to the .poni',
        )
    return setup


class FrameIntegrator:
    """Frames of one detector into patterns, every pixel in one bin.

    Parameters
    ----------
    setup : pyFAI AzimuthalIntegrator
    masked : ndarray of bool, shape (rows, columns)
        Pixels left out of all frames.
    npt : int
        Bins of q.
    polarization : float or None
        -1 to 1; None: not corrected.
    """

    def __init__(
        self, setup: Any, masked: NDArray[np.bool_], npt: int, polarization: float | None
    ) -> None:
        self.setup, self.npt, self.polarization = setup, npt, polarization
        self.masked = masked.astype(np.int8)
        self.wavelength = float(setup.wavelength) * 1e10
        center = np.asarray(setup.center_array(masked.shape, unit="q_A^-1"))[~masked]
        self.range = (float(center.min()), float(np.nextafter(center.max(), np.inf)))
        width = (self.range[1] - self.range[0]) / npt
        self.q = np.asarray(self.range[0] + width * (np.arange(npt) + 0.5), dtype=np.float64)

    def one(
        self, frame: NDArray[Any], bad: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Intensity of each bin, and counts for one unit of it (0: no pixel).

        Intensity is the sum of counts over the sum of the pixels' relative solid angles, and that
        sum is what turns it back into counts.
        """
        image = np.where(bad, MARK, frame).astype(np.float32)
        try:
            result = self.setup.integrate1d(
                image,
                self.npt,
                unit="q_A^-1",
                mask=self.masked,
                radial_range=self.range,
                dummy=MARK,
                delta_dummy=1.0,
                correctSolidAngle=True,
                polarization_factor=self.polarization,
                error_model="poisson",
                method=("no", "csr", "cython"),
            )
        except Exception as error:  # a senseless geometry fails in many ways inside pyFAI
            raise BadFileError(
                f"pyFAI cannot integrate with this geometry: {error}.",
                fix="Check the geometry against the detector.",
            ) from error
        signal = np.asarray(result.sum_signal, dtype=np.float64)
        norm = np.asarray(result.sum_normalization, dtype=np.float64)
        there = (np.asarray(result.count) > 0) & (norm > 0)
        values = np.where(there, signal / np.where(there, norm, 1.0), 0.0)
        return values, np.where(there, norm, 0.0)
