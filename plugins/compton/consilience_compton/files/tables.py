"""Tables of gain and intercept: which number belongs to which pixel of the image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError
from consilience_compton.files.lazy import MODULE, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["pixel_tables", "table_image"]


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
