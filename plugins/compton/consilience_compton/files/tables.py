"""Tables of gain and intercept: which number belongs to which pixel of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience_compton.files.lazy import MODULE, read_table

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from consilience.model.finding import Finding

HEADING = "# energy = scale * stated + shift (keV), row by row; nan: pixel not to be used"

__all__ = ["pixel_tables", "read_scale", "table_image", "write_scale"]


def table_image(
    table: NDArray[np.float64], rows: int, columns: int, order: str
) -> NDArray[np.float64]:
    """Return a table as an image.

    Parameters
    ----------
    table : ndarray
        ``rows * columns`` values in the order of the file.
    rows, columns : int
        Of the image.
    order : {"image", "modules"}
        *image*: row by row over the whole image, which is how the detector's acquisition
        software applies its tables [1]_.  *modules*: module by module, each row by row.

    Returns
    -------
    ndarray, shape (rows, columns)

    References
    ----------
    .. [1] stfc-aeg/hexitec-detector, HexitecCalibrationPlugin, ``calibrate_pixels``.
    """
    values = np.asarray(table, dtype=np.float64).reshape(-1)
    if order == "image":
        return values.reshape(rows, columns)
    down, across = rows // MODULE, columns // MODULE
    return values.reshape(down, across, MODULE, MODULE).swapaxes(1, 2).reshape(rows, columns)


def pixel_tables(
    companions: Mapping[str, Path], pixels: tuple[int, int], order: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gain (keV/adu) and intercept (keV) as images.

    Raises
    ------
    BadFileError
        A table that is none, or of another number of pixels.
    """
    rows, columns = pixels
    if rows % MODULE or columns % MODULE:
        raise BadFileError(
            f"{rows} x {columns} pixels are no whole modules of {MODULE}; no table can belong "
            "to them",
            fix="leave --with out, or register the uncropped data",
        )
    modules = (rows // MODULE) * (columns // MODULE)
    gain, intercept = (
        table_image(read_table(companions[role], role, modules), rows, columns, order)
        for role in ("gain", "intercept")
    )
    return gain, intercept


def write_scale(
    findings: Sequence[Finding], open_array: Callable[[str], xr.Dataset], path: Path
) -> None:
    """Write each pixel's scale and shift as ``compton.calibration`` found them.

    Parameters
    ----------
    findings : sequence of Finding
        Of one run.
    open_array : callable
    path : Path

    Raises
    ------
    BadInputError
        The run found no scale, or one of an axis in channels.
    """
    arrays = {f.array for f in findings if f.kind == "energy_shift" and f.array is not None}
    if len(arrays) != 1:
        raise BadInputError(
            f"{len(arrays)} energy scales were found in this run, expected one",
            fix="export a run of compton.calibration on one measurement",
        )
    if any(f.source.parameters.get("nominal_gain") is not None for f in findings):
        raise BadInputError(
            "this scale is relative to a nominal gain of channels, which no file states",
            fix="add the file with the unit of its bins, and run the analysis on that",
        )
    maps = open_array(arrays.pop())
    usable = maps["status"].values < 2
    values = np.stack(
        [np.where(usable, maps[n].values, np.nan).ravel() for n in ("scale", "shift")], axis=1
    )
    rows, columns = usable.shape
    lines = [f"{a!r} {b!r}" for a, b in values.tolist()]
    text = "\n".join([HEADING, f"# {rows} {columns}", *lines])
    path.write_text(text + "\n", encoding="ascii")


def read_scale(
    path: Path, pixels: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return scale, shift (keV) and which pixels are good, as `write_scale` wrote them.

    Raises
    ------
    BadFileError
        No such table, one of another number of pixels, or a scale that is none.
    """

    def refuse(what: str, line: int | None = None) -> BadFileError:
        return BadFileError(
            f"table of scales {path.name!r} {what}",
            fix="give the table that was exported for this detector by compton.calibration",
            path=path,
            line=line,
        )

    rows, columns = pixels
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        size = [int(word) for word in lines[1].removeprefix("#").split()]
        values = np.array([[float(word) for word in line.split()] for line in lines[2:]])
    except (ValueError, IndexError) as error:  # UnicodeDecodeError is a ValueError
        raise refuse(f"cannot be read: {error}") from error
    if size != [rows, columns] or values.shape != (rows * columns, 2):
        raise refuse(f"is for {size} pixels with {len(values)} lines, not {rows} x {columns}", 2)
    good = np.isfinite(values).all(axis=1)
    off = good & ~((values[:, 0] > 0.5) & (values[:, 0] < 2.0) & (np.abs(values[:, 1]) < 50.0))
    if off.any() or not good.any():
        at = int(np.argmax(off))
        raise refuse(f"has scale {values[at, 0]:g} and shift {values[at, 1]:g} keV", at + 3)
    scale = np.where(good, values[:, 0], 1.0).reshape(rows, columns)
    shift = np.where(good, values[:, 1], 0.0).reshape(rows, columns)
    return scale, shift, good.reshape(rows, columns)
