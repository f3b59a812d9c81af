"""silx is untyped; this is the one place that calls it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SpecScan", "spec_scans"]

MOST_VALUES = 1 << 27
"""Channels of all spectra of a file; text of more is a damaged file."""


@dataclass(frozen=True)
class SpecScan:
    """A scan: its key such as "1.1", header lines, columns, ``#@`` lines and spectra."""

    key: str
    header: list[str]
    columns: dict[str, NDArray[np.float64]]
    mca: dict[str, str]
    spectra: list[NDArray[np.float64]]


def spec_scans(path: Path) -> tuple[list[str], list[SpecScan]]:
    """The header of a SPEC file and its scans.

    Raises
    ------
    BadFileError
        silx cannot make sense of it.
    """
    import silx.io.specfile as specfile

    try:
        file = specfile.SpecFile(str(path))
    except (OSError, specfile.SfError, ValueError) as error:
        raise BadFileError(
            f"{path.name!r} is no SPEC file: {error}", fix="copy it again", path=path
        ) from error
    try:
        header: list[str] = []
        scans = []
        held = 0
        for i in range(len(file)):
            scan = file[i]
            header = [str(line) for line in scan.file_header]
            spectra = [np.asarray(scan.mca[j], dtype=np.float64) for j in range(len(scan.mca))]
            held += sum(s.size for s in spectra)
            if held > MOST_VALUES:
                raise BadFileError(
                    f"{path.name!r} holds more than {MOST_VALUES} channels",
                    fix="write the scans into files of their own, or as HDF5",
                    path=path,
                )
            table = np.asarray(scan.data, dtype=np.float64)
            labels = [str(label) for label in scan.labels]
            columns = (
                {label: table[j] for j, label in enumerate(labels)}
                if table.ndim == 2 and len(labels) == table.shape[0] and math.prod(table.shape)
                else {}
            )
            scans.append(
                SpecScan(
                    f"{scan.number}.{scan.order}",
                    [str(line) for line in scan.scan_header],
                    columns,
                    {str(k): str(v) for k, v in scan.mca_header_dict.items()},
                    spectra,
                )
            )
    except (specfile.SfError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        if isinstance(error, BadFileError):
            raise
        raise BadFileError(
            f"{path.name!r} is a damaged SPEC file: {error}", fix="copy it again", path=path
        ) from error
    finally:
        file.close()
    return header, scans
