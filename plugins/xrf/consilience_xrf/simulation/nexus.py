"""Simulated scans as NeXus, in the layouts of a beamline: a raw cube, and processed element maps.

Every group that a reader may take says ``origin: simulated``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from consilience_xrf.simulation.forward import Beamline
    from consilience_xrf.simulation.scene import Grid

__all__ = ["write_cube", "write_maps"]

TECHNIQUE = "X-ray fluorescence"
"""At the head of a file, where readers look first."""
MAPS = "0-XRF Elemental Maps from ROIs"
"""Name of the process whose result the maps are."""


def _group(parent: Any, path: str, kind: str) -> Any:
    made = parent.create_group(path)
    made.attrs.update({"NX_class": kind, "origin": "simulated"})
    return made


def _put(group: Any, name: str, value: object, unit: str | None) -> Any:
    group[name] = value
    if unit is not None:
        group[name].attrs["units"] = unit
    return group[name]


def _axes(data: Any, grid: Grid) -> None:
    for index, (name, values) in enumerate(zip(("y", "x"), grid.axes(), strict=True)):
        _put(data, name, values, "um")
        data.attrs[f"{name}_indices"] = index


def _beam(entry: Any, line: Beamline, sample: str) -> None:
    mono = _group(entry, "instrument/monochromator", "NXmonochromator")
    _put(mono, "energy", line.incident * 1e3, "eV")
    source = _group(entry, "instrument/source", "NXsource")
    source["type"] = "simulated"
    source["probe"] = "x-ray"
    _group(entry, "sample", "NXsample")["name"] = sample


def write_cube(
    path: Path,
    line: Beamline,
    grid: Grid,
    counts: NDArray[Any],
    live: NDArray[np.float64],
    monitor: NDArray[np.float64],
    title: str,
) -> None:
    """Write a raw scan of spectra: axes y, x [um] and energy [keV] as the detector has it.

    Parameters
    ----------
    path : Path
    line : Beamline
    grid : Grid
    counts : ndarray, shape (rows, columns, channels)
    live : ndarray, shape (rows, columns)
        Live time [s].
    monitor : ndarray, shape (rows, columns)
        Counts of the beam's monitor.
    title : str
    """
    import h5py

    from consilience_xrf.simulation.forward import response_of

    with h5py.File(path, "w") as file:
        file.attrs.update({"default": "entry1", "origin": "simulated", "technique": TECHNIQUE})
        top = _group(file, "entry1", "NXentry")
        entry = _group(top, "fluo_entry", "NXsubentry")
        entry["definition"] = "NXfluo"
        entry["title"] = title
        _beam(entry, line, title)
        _put(_group(entry, "monitor", "NXmonitor"), "data", monitor, "counts")
        detector = _group(entry, "instrument/fluorescence", "NXdetector")
        for name, value in (("live_time", live), ("real_time", np.full_like(live, line.dwell))):
            _put(detector, name, value, "s")
        _put(detector, "count_time", line.dwell, "s")
        data = _group(entry, "data", "NXdata")
        data.attrs.update({"signal": "data", "axes": ["y", "x", "energy"], "energy_indices": 2})
        data.create_dataset(
            "data",
            data=counts,
            chunks=(1, *counts.shape[1:]),
            compression="gzip",
            compression_opts=1,
        )
        data["data"].attrs.update({"interpretation": "spectrum", "units": "counts"})
        _axes(data, grid)
        energy = line.zero + line.gain * np.arange(line.channels)
        if line.model == "first":
            energy = response_of(line).energy
        _put(data, "energy", energy, "keV")


def write_maps(
    path: Path,
    line: Beamline,
    grid: Grid,
    maps: Mapping[str, NDArray[Any]],
    monitor: NDArray[np.float64],
    title: str,
) -> None:
    """Write processed element maps in the layout that Diamond's processing has.

    Parameters
    ----------
    path : Path
    line : Beamline
    grid : Grid
    maps : mapping
        Counts under names such as ``Pt-La``, shape (rows, columns) each.
    monitor : ndarray, shape (rows, columns)
        Counts of the beam's monitor.
    title : str
    """
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs.update({"default": "processed", "origin": "simulated", "technique": TECHNIQUE})
        entry = _group(file, "processed", "NXentry")
        entry["title"] = title
        _beam(entry, line, title)
        _put(_group(entry, "monitor", "NXmonitor"), "data", monitor, "counts")
        _put(entry["instrument"].create_group("fluorescence"), "count_time", line.dwell, "s")
        entry["instrument/fluorescence"].attrs["NX_class"] = "NXdetector"
        for name, values in maps.items():
            data = _group(entry, f"auxiliary/{MAPS}/{name}", "NXdata")
            data.attrs.update({"signal": "data", "axes": ["y", "x"]})
            _put(data, "data", values, "counts").attrs["interpretation"] = "image"
            _axes(data, grid)
        for name in ("auxiliary", f"auxiliary/{MAPS}"):
            entry[name].attrs["NX_class"] = "NXcollection"
