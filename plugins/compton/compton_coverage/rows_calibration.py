"""Energy scales by the detector's own lines: of one pixel, and of all at the Compton peak."""

from __future__ import annotations

import math
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compton_coverage.cells import CONTEXT, MODELS
from consilience.testing.coverage import Outcome, Row
from consilience_compton.findings.calibration_params import CalibrationParams
from consilience_compton.findings.calibration_run import run_calibration
from consilience_compton.model.cell import Cell
from consilience_compton.momentum.kinematics import compton_energy
from consilience_compton.simulation.forward import expected_counts
from consilience_compton.simulation.spectra import even_edges, noisy
from consilience_compton.spectra import spectra_dataset

__all__ = ["ROWS"]

SIDE = 3
COUNTS = 3e3
"""Compton counts of a pixel; its scale at the peak is then known to some 0.04 keV."""
INCIDENT, ANGLE = 115.0, 90.0
PEAK = float(compton_energy(INCIDENT, ANGLE))
Array = NDArray[np.float64]


@lru_cache(maxsize=2)
def _planted() -> tuple[Array, Array]:
    """Gains and offsets (keV) of the pixels, one draw for all repeats."""
    chance = np.random.default_rng(20)
    shape = (SIDE, SIDE)
    return 1.0 + chance.normal(0.0, 0.002, shape), chance.normal(0.0, 0.1, shape)


@lru_cache(maxsize=2)
def _expected(model: str) -> Array:
    """Noiseless counts of region 1, each pixel on an axis of its own."""
    cell = Cell(x=0.57)
    stated = even_edges()
    gain, offset = _planted()
    scale = COUNTS / sum(layer.electrons for layer in cell.layers(1))
    found = [
        expected_counts(
            cell.layers(1),
            a * stated + b,
            INCIDENT,
            np.array([ANGLE]),
            scale=scale,
            model=MODELS[model],
        )[0]
        for a, b in zip(gain.ravel(), offset.ravel(), strict=True)
    ]
    return np.array(found).reshape(SIDE, SIDE, -1)


@lru_cache(maxsize=4096)
def _found(model: str, seed: int) -> dict[str, tuple[float, float, float]]:
    """Found less planted, and both errors, of one pixel and of the mean."""
    counts = noisy(_expected(model), np.random.default_rng((seed, 7)), MODELS[model])
    told = {
        "incident_energy": {"value": INCIDENT, "unit": "keV"},
        "scattering_angle": {"value": ANGLE, "unit": "deg"},
    }
    data = spectra_dataset(counts, even_edges(), ("row", "column"))
    measurement: Any = SimpleNamespace(data=data, metadata=told)
    output = run_calibration([measurement], CalibrationParams(), CONTEXT)
    (shift,) = [f for f in output.findings if f.kind == "energy_shift"]
    maps: xr.Dataset = output.arrays["pixels"]
    at = seed % SIDE**2
    pixel = {name: float(maps[name].values.ravel()[at]) for name in maps if name != "fwhm"}
    gain, offset = (one.ravel() for one in _planted())
    moved = (gain - 1.0) * PEAK + offset
    assert shift.value is not None
    assert shift.std_stat is not None
    assert shift.std_sys is not None
    told_gain, told_offset = (
        float(str(shift.evidence[name])) for name in ("std_sys_of_scale", "std_sys_of_shift_keV")
    )
    std = maps["correction_at_peak_std"].values.ravel()
    weight = std**-2
    return {
        "gain": (pixel["scale"] - gain[at], math.sqrt(pixel["variance_of_scale"]), told_gain),
        "offset": (
            pixel["shift"] - offset[at],
            math.sqrt(pixel["variance_of_shift"]),
            told_offset,
        ),
        "pixel": (
            pixel["correction_at_peak"] - moved[at],
            pixel["correction_at_peak_std"],
            shift.std_sys,
        ),
        "mean": (
            shift.value - float(np.average(moved, weights=weight)),
            shift.std_stat,
            shift.std_sys,
        ),
    }


def _outcome(what: str, model: str, seed: int) -> Outcome:
    off, stat, systematic = _found(model, seed)[what]
    return Outcome(pull=off / stat, pull_total=off / math.hypot(stat, systematic))


def _gain(model: str, seed: int) -> Outcome:
    return _outcome("gain", model, seed)


def _offset(model: str, seed: int) -> Outcome:
    return _outcome("offset", model, seed)


def _at_peak(model: str, seed: int) -> Outcome:
    return _outcome("pixel", model, seed)


def _mean(model: str, seed: int) -> Outcome:
    return _outcome("mean", model, seed)


ROWS = [
    Row("gain of a pixel by the detector's lines", "pull with systematic", _gain),
    Row("offset of a pixel by the detector's lines", "pull with systematic", _offset),
    Row("energy of a pixel at the Compton peak", "pull with systematic", _at_peak),
    Row("mean energy of all pixels at the Compton peak", "both errors", _mean),
]
