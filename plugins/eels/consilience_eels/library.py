"""HyperSpy, exSpy and RosettaSciIO, called from here alone; imported when first needed."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LineSums",
    "atomic_weight",
    "decompose",
    "digital_micrograph_arrays",
    "edge_cross_section",
    "edge_shape",
    "edges_of",
    "elastic_threshold",
    "element_density",
    "hydrogenic_k",
    "line_windows",
    "lines_of",
    "load_frames",
    "load_signals",
    "make_signal",
    "mass_absorption",
    "take_off_angle",
    "write_hspy",
]


@dataclass(frozen=True)
class LineSums:
    """One X-ray line of one spectrum: exSpy's windows in keV, and the net counts in them."""

    line: str
    energy: float
    fwhm: float
    window: tuple[float, float]
    background: tuple[float, float, float, float]
    net: float = float("nan")


def load_signals(path: Path, *, lazy: bool = False) -> tuple[list[Any], list[str]]:
    """Return the signals of a file as HyperSpy loads it, and what the libraries warned of.

    With `lazy` their arrays stay in the file until they are asked for.

    Raises
    ------
    BadFileError
        The libraries cannot read it.
    """
    hs = _hyperspy()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            loaded = hs.load(str(path), lazy=lazy)
        except MemoryError:
            raise
        except Exception as error:  # a parser raises whatever a broken file makes of it
            said = " ".join(str(error).split())[:300]
            raise BadFileError(
                f"{path.name!r} cannot be read: {type(error).__name__}: {said}",
                fix="check that the file is whole: copy it again from the microscope",
                path=path,
            ) from error
    signals = loaded if isinstance(loaded, list) else [loaded]
    own = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning)
    texts = [str(w.message) for w in heard if not issubclass(w.category, own)]
    return signals, sorted(set(texts))


def load_frames(path: Path) -> list[dict[str, Any]]:
    """Return the signals of a file of diffraction patterns, .blo or .mib, as RosettaSciIO has them.

    Raises
    ------
    BadFileError
        The library cannot read it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if path.suffix.lower() == ".blo":
                from rsciio.blockfile import file_reader as read
            else:
                from rsciio.quantumdetector import file_reader as read
            return list(read(str(path), lazy=False))
        except MemoryError:
            raise
        except Exception as error:  # a parser raises whatever a broken file makes of it
            said = " ".join(str(error).split())[:300]
            raise BadFileError(
                f"{path.name!r} cannot be read: {type(error).__name__}: {said}",
                fix="check that the file is whole: copy it again from the microscope",
                path=path,
            ) from error


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
    hs = _hyperspy()
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


def elastic_threshold(signal: Any) -> float:
    """Return exSpy's threshold between elastic and inelastic electrons of one spectrum, in eV.

    Raises
    ------
    ValueError
        It finds none, or the spectrum has too few channels for its window.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(signal.estimate_elastic_scattering_threshold().data.ravel()[0])
    if found != found:  # NaN
        raise ValueError("the curve has no point of inflexion between 1 and 11 eV")
    return found


def lines_of(element: str) -> dict[str, tuple[float, float]]:
    """Return line to energy (keV) and weight within its family, for one element."""
    entry = _elements().get(element, {})
    lines = entry.get("Atomic_properties", {}).get("Xray_lines", {})
    return {
        f"{element}_{name}": (float(line["energy (keV)"]), float(line["weight"]))
        for name, line in lines.items()
    }


def edges_of(element: str, relevance: Sequence[str] = ("Major",)) -> dict[str, float]:
    """Return edge, such as ``"O_K"``, to its onset in eV, of the relevance that exSpy gives it."""
    entry = _elements().get(element, {})
    table = entry.get("Atomic_properties", {}).get("Binding_energies", {})
    return {
        f"{element}_{shell}": float(edge["onset_energy (eV)"])
        for shell, edge in table.items()
        if edge.get("relevance") in relevance
    }


@lru_cache(maxsize=256)
def edge_cross_section(
    edge: str,
    beam_kev: float,
    convergence_mrad: float,
    collection_mrad: float,
    first: float,
    step: float,
    channels: int,
) -> float:
    """Return the cross section of a window of an edge by exSpy's hydrogenic model, in barn.

    The sum of `edge_shape` over the window, times the width of a channel.
    """
    shape = edge_shape(edge, beam_kev, convergence_mrad, collection_mrad, first, step, channels)
    return float(shape.sum() * step)


def edge_shape(
    edge: str,
    beam_kev: float,
    convergence_mrad: float,
    collection_mrad: float,
    first: float,
    step: float,
    channels: int,
) -> NDArray[Any]:
    """Return exSpy's hydrogenic edge, barn per eV, shape (channels,).

    Parameters
    ----------
    edge : str
        Of a K or L shell, such as ``"O_K"`` or ``"Ti_L3"``; L3 stands for the whole L shell.
    beam_kev, convergence_mrad, collection_mrad : float
        Semi-angles.
    first, step : float
        Centre of the first channel and width of a channel, eV.
    channels : int

    Raises
    ------
    ValueError
        The model has no such shell.
    """
    import numpy as np

    _hyperspy()
    from exspy.components import EELSCLEdge

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        component = EELSCLEdge(edge, GOS="hydrogenic")
        component.set_microscope_parameters(
            E0=beam_kev, alpha=convergence_mrad, beta=collection_mrad, energy_scale=step
        )
        found: NDArray[Any] = component.function(first + step * np.arange(channels))
    return found


def atomic_weight(element: str) -> float:
    """Return the atomic weight that exSpy uses, in g/mol."""
    return float(_elements()[element]["General_properties"]["atomic_weight"])


def element_density(element: str) -> float:
    """Return the density of the pure element that exSpy uses, in g/cm³ (of gases as gases)."""
    return float(_elements()[element]["Physical_properties"]["density (g/cm^3)"])


def mass_absorption(lines: Sequence[str], absorbers: Sequence[str]) -> NDArray[Any]:
    """Return exSpy's mass absorption (Chantler's tables) in m²/kg, shape (lines, absorbers)."""
    _hyperspy()
    import numpy as np
    from exspy import material

    return np.stack(
        [0.1 * material.mass_absorption_coefficient(one, list(lines)) for one in absorbers],
        axis=1,
    )


def take_off_angle(signal: Any) -> float:
    """Return exSpy's take-off angle from elevation, azimuth and tilts, in degrees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(signal.get_take_off_angle())


@lru_cache(maxsize=1)
def _elements() -> dict[str, Any]:
    """ExSpy's table of the elements; turning it into a dictionary takes a tenth of a second."""
    _hyperspy()
    from exspy import material

    return dict(material.elements.as_dictionary())


def line_windows(
    signal: Any,
    lines: Sequence[str],
    line_width: tuple[float, float],
    windows_width: float,
    integration_width: float,
    apart: Sequence[str] = (),
) -> list[LineSums]:
    """Return exSpy's windows of X-ray lines, in the order of `lines`; nets are not counted yet.

    Parameters
    ----------
    signal : exspy.signals.EDSTEMSpectrum
        One spectrum; its metadata say the resolution.
    lines : sequence of str
        Such as ``"Fe_Ka"``.
    line_width, windows_width, integration_width : float
        Of exSpy's `estimate_background_windows` and `estimate_integration_windows`, in widths of
        the line.
    apart : sequence of str
        Lines that have background windows of their own; exSpy joins those of lines that overlap.
    """
    names = list(lines)
    groups = [[n for n in names if n not in apart], *([n] for n in names if n in apart)]
    by_line: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for group in (one for one in groups if one):
            four = signal.estimate_background_windows(
                line_width=list(line_width), windows_width=windows_width, xray_lines=group
            )
            by_line.update(zip(group, four, strict=True))
        windows = signal.estimate_integration_windows(
            windows_width=integration_width, xray_lines=names
        )
    made = []
    for name, window in zip(names, windows, strict=True):
        low, high = float(window[0]), float(window[1])
        a, b, c, d = (float(value) for value in by_line[name])
        made.append(
            LineSums(
                line=name,
                energy=0.5 * (low + high),
                fwhm=(high - low) / integration_width,
                window=(low, high),
                background=(a, b, c, d),
            )
        )
    return made


def hydrogenic_k(
    symbol: str, onset: float, beam_energy: float, collection: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return energies (eV) and dσ/dE (barn/eV) of a K edge by exSpy's hydrogenic model.

    Parameters
    ----------
    symbol : str
    onset : float
        In eV.
    beam_energy, collection : float
        In keV and mrad.
    """
    import numpy as np

    _hyperspy()
    from exspy._misc.eels.hydrogenic_gos import HydrogenicGOS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strength = HydrogenicGOS(f"{symbol}_K")
        curve = strength.integrateq(onset, 1e-3 * collection, beam_energy)
    energy = np.asarray(strength.energy_axis, dtype=np.float64) + strength.energy_shift
    return energy, np.asarray(curve(energy), dtype=np.float64)


def decompose(
    cube: NDArray[Any], count: int, method: str, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    """Return factors (k, n), loadings (k, rows, columns) and shares of variance, by HyperSpy.

    Parameters
    ----------
    cube : ndarray, shape (rows, columns, n)
        Counts, with Poisson's noise.
    count : int
    method : {"NMF", "ORNMF", "PCA", "ICA"}
        scikit-learn's NMF, HyperSpy's online robust NMF, singular vectors, or these rotated by
        orthomax.
    seed : int

    Raises
    ------
    ImportError
        NMF, and scikit-learn is not there.
    """
    import contextlib
    import io

    hs = _hyperspy()
    signal = hs.signals.Signal1D(cube.copy())
    options: dict[str, Any] = {"print_info": False}
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stderr(io.StringIO()),  # bars that no preference switches off
    ):
        warnings.simplefilter("ignore")
        if method in ("PCA", "ICA"):
            signal.decomposition(True, algorithm="SVD", **options)
        else:
            signal.decomposition(
                True, algorithm=method, output_dimension=count, random_state=seed, **options
            )
        if method == "ICA":
            signal.blind_source_separation(count, algorithm="orthomax", **options)
            factors, loadings = signal.get_bss_factors(), signal.get_bss_loadings()
        else:
            factors = signal.get_decomposition_factors()
            loadings = signal.get_decomposition_loadings()
    explained = signal.learning_results.explained_variance_ratio
    return factors.data[:count].copy(), loadings.data[:count].copy(), explained


def _hyperspy() -> Any:
    units = logging.getLogger("pint.util")
    level = units.level
    units.setLevel(logging.ERROR)  # importing it redefines units, which is no news of the file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # and warns of its own dependencies
            import exspy  # noqa: F401  registers the signals of EELS and EDX
            import hyperspy.api as hs
    finally:
        units.setLevel(level)
    return hs
