"""Small files of every layout that the readers know; each says that it is simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

ENERGIES = (2.957, 3.691, 6.404, 8.047, 8.637)
"""K-alpha of Ar, Ca, Fe, Cu, Zn [keV]."""


def spectra(shape: tuple[int, ...], channels: int = 256, beam: float = 11.0) -> Any:
    """Counts of lines and an elastic peak at `beam` keV, 50 eV a channel; Fe rises along x."""
    energy = 0.05 * np.arange(channels)
    lines = sum(np.exp(-((energy - e) ** 2) / 0.0128) for e in (*ENERGIES, beam, beam))
    points = 40 * lines + 0.5
    noise = np.random.default_rng(3)
    rise = 1 + np.arange(int(np.prod(shape))).reshape(shape) / 10
    return noise.poisson(points * rise[..., None]).astype(np.uint32)


def _entry(file: Any, beam: float | None = 11.0) -> Any:
    file.attrs["origin"] = "simulated"
    entry = file.create_group("entry1/fluo_entry")
    file["entry1"].attrs["NX_class"] = "NXentry"
    entry.attrs["NX_class"] = "NXsubentry"
    entry["definition"] = "NXfluo"
    mono = entry.create_group("instrument/monochromator")
    entry["instrument"].attrs["NX_class"] = "NXinstrument"
    mono.attrs["NX_class"] = "NXmonochromator"
    if beam is not None:
        mono["energy"] = beam * 1e3
        mono["energy"].attrs["units"] = "eV"
    return entry


def write_cube(
    path: Path,
    counts: Any,
    axes: list[str],
    places: dict[str, Any],
    *,
    unit: str | None = "mm",
    energy: Any = None,
    energy_unit: str | None = "keV",
    beam: float | None = 11.0,
    more: dict[str, tuple[Any, str | None]] | None = None,
) -> Path:
    """A raw scan as NXfluo; `more` are data sets of the detector, with their units."""
    with h5py.File(path, "w") as file:
        entry = _entry(file, beam)
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "data"
        data.attrs["axes"] = axes
        data["data"] = counts
        for name, values in places.items():
            data[name] = values
            if unit is not None:
                data[name].attrs["units"] = unit
        data["energy"] = 0.05 * np.arange(counts.shape[-1]) if energy is None else energy
        if energy_unit is not None:
            data["energy"].attrs["units"] = energy_unit
        detector = entry.create_group("instrument/fluorescence")
        detector.attrs["NX_class"] = "NXdetector"
        for name, (values, its) in (more or {}).items():
            detector[name] = values
            if its is not None:
                detector[name].attrs["units"] = its
    return path


def write_aps(
    path: Path, shape: tuple[int, int] = (3, 4), legacy: bool = False, unit: str = "cts/s"
) -> Path:
    """Maps and spectra as XRF-Maps writes them, of version 10 or 9."""
    names = ["Fe", "Pt_L", "Cu", "COMPTON_AMPLITUDE", "Num_Iter"]
    maps = np.arange(5 * shape[0] * shape[1], dtype=float).reshape(5, *shape)
    counts = np.moveaxis(spectra(shape), -1, 0)
    with h5py.File(path, "w") as file:
        group = file.create_group("MAPS")
        group.attrs["origin"] = "simulated"
        if legacy:
            group["XRF_fits"] = maps
            group["channel_names"] = np.array(names, dtype="S32")
            group["mca_arr"] = counts.astype(float)
            group["energy"] = 0.05 * np.arange(counts.shape[0])
            group["x_axis"], group["y_axis"] = np.arange(shape[1]), np.arange(shape[0])
            return path
        for method, factor in (("Fitted", 1.0), ("ROI", 2.0)):
            made = group.create_group(f"XRF_Analyzed/{method}")
            made["Counts_Per_Sec"] = factor * maps
            made["Channel_Names"] = np.array(names, dtype="S32")
            made["Channel_Units"] = np.array([unit] * 5, dtype="S32")
        group["Scan/x_axis"] = 0.5 * np.arange(shape[1])
        group["Scan/y_axis"] = 0.5 * np.arange(shape[0])
        group["Scan/name"] = "scan_0001.mda"
        group["Scalers/Names"] = np.array(["SRCURRENT", "US_IC"], dtype="S32")
        group["Scalers/Units"] = np.array(["mA", "cts"], dtype="S32")
        group["Scalers/Values"] = np.stack([np.full(shape, 100.0), np.full(shape, 5e4)])
        group["Spectra/mca_arr"] = counts.astype(float)
        group["Spectra/Energy"] = 0.05 * np.arange(counts.shape[0])
        live = np.full(shape, 0.09)
        live[0, 1] = 0.0
        group["Spectra/Elapsed_Livetime"] = live
        group["Spectra/Elapsed_Realtime"] = np.full(shape, 0.1)
    return path


def write_pymca(path: Path) -> Path:
    """The layout of PyMca's batch fit; its own writer is held against in a test."""
    shape = (3, 4)
    with h5py.File(path, "w") as file:
        file.attrs.update({"creator": "pymca", "NX_class": "NXroot", "origin": "simulated"})
        entry = file.create_group("images")
        entry.attrs["NX_class"] = "NXentry"
        fit = entry.create_group("xrf_fit")
        fit.attrs["NX_class"] = "NXprocess"
        fit["program"] = "pymca"
        results = fit.create_group("results")
        for name, factor in (("parameters", 100.0), ("uncertainties", 10.0)):
            group = results.create_group(name)
            group.attrs.update({"NX_class": "NXdata", "signal": "Fe_K"})
            for i, line in enumerate(("Fe_K", "Pt_L", "Scatter_Peak000")):
                group[line] = factor * (1.0 + i) * np.ones(shape)
        results.create_group("massfractions")["Fe_K"] = 0.01 * np.ones(shape)
    return path


def write_spec(path: Path, rows: int = 2, columns: int = 3, channels: int = 256) -> Path:
    """A mesh run to and fro, with a spectrum at each point, and a count without positions."""
    counts = spectra((rows, columns), channels)
    lines = ["#F made", "#D Mon Jan 01 00:00:00 2024", "#C origin: simulated", "#O0 sx  sy", ""]
    lines += [f"#S 1  mesh  sx 0 {columns - 1} {columns - 1}  sy 0 {rows - 1} {rows - 1}  0.1"]
    lines += [f"#@CHANN {channels} 0 {channels - 1} 1", "#@CALIB 0 0.05 0"]
    lines += ["#@CTIME 0.1 0.09 0.1", "#N 4", "#L sx  sy  Seconds  Monitor"]
    for y in range(rows):
        for x in range(columns) if y % 2 == 0 else range(columns)[::-1]:
            lines.append(f"{0.5 * x} {0.5 * y} 0.1 {1000 + x}")
            words = [str(v) for v in counts[y, x]]
            parts = [" ".join(words[i : i + 32]) for i in range(0, channels, 32)]
            lines.append("@A " + "\\\n ".join(parts))
    lines += ["", "#S 2 ct 1", "#@CALIB 0 0.05 0", "#@CTIME 1 0.9 1", "#N 1", "#L Seconds"]
    lines += ["@A " + " ".join(str(v) for v in counts[0, 0]), "1", ""]
    path.write_text("\n".join(lines), encoding="ascii")
    return path


def write_spe(path: Path, unit: str = " keV") -> Path:
    """One spectrum in sections."""
    counts = [str(int(v)) for v in spectra((1,))[0]]
    lines = ["$SPEC_ID:", "a sample", "$SPEC_REM:", "origin: simulated", "$MEAS_TIM:", "90 100"]
    lines += ["$DATA:", f"0 {len(counts) - 1}", *counts]
    lines += ["$MCA_CAL:", "3", f"0 0.05 0{unit}", ""]
    path.write_text("\n".join(lines), encoding="ascii")
    return path


def write_diamond(path: Path, unit: str | None = None) -> Path:
    """Processed maps with their positions in the results, as older pipelines have them."""
    with h5py.File(path, "w") as file:
        file.attrs["origin"] = "simulated"
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for i, name in enumerate(("Pt-La", "Fe-Ka")):
            group = entry.create_group(f"auxiliary/0-XRF Elemental Maps from ROIs/{name}")
            group["data"] = 100.0 * (i + 1) + np.arange(12.0).reshape(3, 4)
            if unit:
                group["data"].attrs["units"] = unit
        result = entry.create_group("result")
        result.attrs["NX_class"] = "NXdata"
        result["data"] = np.zeros((3, 4))
        result["t3x"], result["t3y"] = np.arange(4.0), np.arange(3.0)
        for name in ("t3x", "t3y"):
            result[name].attrs["units"] = "mm"
    return path
