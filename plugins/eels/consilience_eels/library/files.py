"""Files through HyperSpy and RosettaSciIO, and signals made of arrays."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError
from consilience_eels.library.session import hyperspy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["digital_micrograph_arrays", "load_frames", "load_signals", "make_signal", "write_hspy"]


def load_signals(path: Path, *, lazy: bool = False) -> tuple[list[Any], list[str]]:
    """Return the signals of a file as HyperSpy loads it, and what the libraries warned of.

    With `lazy` their arrays stay in the file until they are asked for.

    Raises
    ------
    BadFileError
        The libraries cannot read it.
    """
    hs = hyperspy()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            loaded = hs.load(str(path), lazy=lazy)
        except MemoryError:
            raise
        except Exception as error:  # a parser raises whatever a broken file makes of it
            raise _unreadable(path, error) from error
    signals = loaded if isinstance(loaded, list) else [loaded]
    own = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning)
    texts = [str(w.message) for w in heard if not issubclass(w.category, own)]
    return signals, sorted(set(texts))


def load_frames(path: Path) -> list[dict[str, Any]]:
    """Return the signals of a file of diffraction patterns, .blo or .mib, as RosettaSciIO has them.

    Raises
    ------
    BadFileError
        The library cannot read it, or it was cut: the library fills up with zeros.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            if path.suffix.lower() == ".blo":
                from rsciio.blockfile import file_reader as read
            else:
                from rsciio.quantumdetector import file_reader as read
            found = list(read(str(path), lazy=False))
        except MemoryError:
            raise
        except Exception as error:  # a parser raises whatever a broken file makes of it
            raise _unreadable(path, error) from error
    if any("zero padding" in str(one.message) for one in heard):
        raise BadFileError(
            f"{path.name!r} is shorter than the patterns that its header announces",
            fix="copy the file again from the microscope",
            path=path,
        )
    return found


def _unreadable(path: Path, error: Exception) -> BadFileError:
    said = f"{type(error).__name__}: " + " ".join(str(error).split())[:300]
    if isinstance(error, EOFError | struct.error):
        said = f"it ends before its data do ({said})"
    return BadFileError(
        f"{path.name!r} cannot be read: {said}",
        fix="check that the file is whole: copy it again from the microscope",
        path=path,
    )


def digital_micrograph_arrays(path: Path) -> list[tuple[int, tuple[int, ...], str]]:
    """Return offset in bytes, shape and type of each array of a dm3 or dm4 file."""
    import numpy as np
    from rsciio.digitalmicrograph._api import DigitalMicrographReader, ImageObject

    found = []
    with path.open("rb") as file:
        reader = DigitalMicrographReader(file)
        reader.parse_file()
        for entry in reader.get_image_dictionaries():
            image = ImageObject(entry, file)
            data, kind = image.imdict.ImageData.Data, image.imdict.ImageData.DataType
            if isinstance(data, np.ndarray) or kind in (3, 5, 8, 13, 23, 27, 28):
                continue  # complex and coloured images are not taken
            # the library reads arrays in the machine's order; what it reads is compared
            shape = tuple(int(n) for n in image.shape)
            found.append((int(data.offset), shape, np.dtype(image.dtype).str))
    return found


def make_signal(
    values: NDArray[Any],
    axes: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    original: Mapping[str, Any],
    kind: str,
    dimension: int,
) -> Any:
    """Return a signal of HyperSpy's, of the type that its metadata name, or else of `kind`."""
    hs = hyperspy()
    plain = [{k: v for k, v in axis.items() if v is not None} for axis in axes]
    make = hs.signals.Signal1D if dimension == 1 else hs.signals.Signal2D
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = make(values.copy(), axes=plain)
        signal.metadata.add_dictionary(dict(metadata))
        signal.original_metadata.add_dictionary(dict(original))
        stated = signal.metadata.get_item("Signal.signal_type", "") or kind
        if stated:
            signal.set_signal_type(stated)
            signal.metadata.add_dictionary(dict(metadata))  # the type puts defaults in
    return signal


def write_hspy(
    path: Path,
    values: NDArray[Any],
    axes: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, Any],
) -> None:
    """Write one signal as a HyperSpy file, the same bytes for the same input."""
    from rsciio.hspy import file_writer

    signal = {
        "data": values,
        "axes": [{"index_in_array": i, **axis} for i, axis in enumerate(axes)],
        "metadata": dict(metadata),
        "original_metadata": {},
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
        "attributes": {"_lazy": False, "ragged": False},
        "package_info": {"package": "consilience", "package_version": ""},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file_writer(str(path), signal, close_file=True)
