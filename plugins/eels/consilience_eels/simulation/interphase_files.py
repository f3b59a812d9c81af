"""The files of a simulated interphase, each of which says that it is simulated."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.simulation.interphase_params import InterphaseParams

__all__ = ["write_interphase"]


def write_interphase(
    folder: Path,
    params: InterphaseParams,
    seed: int,
    *,
    low: NDArray[np.float32],
    core: NDArray[np.float32],
    edx: NDArray[np.float32],
    image: NDArray[np.float32],
    frames: NDArray[np.float32],
    elements: list[str],
) -> list[Path]:
    """Write one ``.hspy`` file for each array that is not empty, and return their paths."""
    from consilience_eels.library import write_hspy

    ny, nx = params.pixels
    space = [
        {"name": name, "units": "nm", "offset": 0.0, "scale": params.step, "size": size}
        for name, size in (("y", ny), ("x", nx))
    ]
    over = [{**one, "navigate": True} for one in space]
    plane = [{**one, "navigate": False} for one in space]
    spectrometer = {
        "EELS": {
            "collection_angle": params.collection,
            "dwell_time": params.dwell,
            "frame_number": params.frames,
        }
    }
    paths = []
    for name, cube, offset, step in (
        ("low", low, params.low_offset, params.low_dispersion),
        ("core", core, params.core_offset, params.core_dispersion),
    ):
        if cube.size:
            axis = _axis("Energy loss", "eV", offset, step, cube.shape[2])
            path = folder / f"simulated_interphase_{name}.hspy"
            said = _said(f"simulated interphase, {name} loss", params, seed, "EELS")
            said["Acquisition_instrument"] = _column(params, spectrometer)
            said["Sample"] = {"elements": elements}
            write_hspy(path, cube, [*over, axis], said)
            paths.append(path)
    if edx.size:
        live = params.dwell * params.frames * params.edx_live_share
        detector = {
            "EDS": {
                "energy_resolution_MnKa": params.edx_resolution,
                "elevation_angle": params.take_off,
                "azimuth_angle": 45.0,
                "live_time": live,
                "solid_angle": params.edx_solid_angle,
            },
            **spectrometer,
        }
        axis = _axis("Energy", "keV", 0.0, params.edx_dispersion, edx.shape[2])
        said = _said("simulated interphase, X-rays", params, seed, "EDS_TEM")
        said["Signal"]["quantity"] = "X-rays (Counts)"
        said["Acquisition_instrument"] = _column(params, detector)
        said["Sample"] = {"elements": elements, "thickness": params.lamella}
        path = folder / "simulated_interphase_edx.hspy"
        write_hspy(path, edx, [*over, axis], said)
        paths.append(path)
    said = _said("simulated interphase, dark field", params, seed, "")
    said["Acquisition_instrument"] = _column(params, spectrometer)
    path = folder / "simulated_interphase_image.hspy"
    write_hspy(path, image, plane, said)
    paths.append(path)
    if frames.size:
        frame = {"name": "frame", "units": "", "offset": 0.0, "scale": 1.0, "size": len(frames)}
        said = _said("simulated interphase, frames of the dark field", params, seed, "")
        said["Acquisition_instrument"] = _column(params, {})
        path = folder / "simulated_interphase_frames.hspy"
        write_hspy(path, frames, [{**frame, "navigate": True}, *plane], said)
        paths.append(path)
    return paths


def _axis(name: str, unit: str, offset: float, step: float, size: int) -> dict[str, Any]:
    return {
        "name": name,
        "units": unit,
        "offset": offset,
        "scale": step,
        "size": size,
        "navigate": False,
        "is_binned": True,
    }


def _said(title: str, params: InterphaseParams, seed: int, kind: str) -> dict[str, Any]:
    notes = f"origin: simulated, seed {seed}, {params.model} model"
    return {"General": {"title": title, "notes": notes}, "Signal": {"signal_type": kind}}


def _column(params: InterphaseParams, detector: dict[str, Any]) -> dict[str, Any]:
    return {
        "TEM": {
            "beam_energy": params.beam_energy,
            "convergence_angle": params.convergence,
            "beam_current": params.current * 1e-3,
            "acquisition_mode": "STEM",
            "Detector": detector,
        }
    }
