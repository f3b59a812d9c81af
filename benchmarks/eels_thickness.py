"""t/λ of a spectrum image: ratios to exSpy and to a copy, and memory.

Run: ``python benchmarks/eels_thickness.py [--pixels 128]``.  The cube is simulated and lives in
memory, as 16-bit counts and as float32.  Times drift from run to run, ratios hardly.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import logging
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext
from consilience.model.sample import Sample
from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness
from consilience_eels.lowloss.thickness import log_ratio

CHANNELS, ROUNDS, THRESHOLD = 2048, 5, 5.0
ENERGY = np.asarray(-20.0 + 0.1 * np.arange(CHANNELS), dtype=np.float64)
FASTER_THAN_EXSPY, MEMORY = 2.0, 2.5


def image(pixels: int) -> np.ndarray:
    """Poisson counts of a zero loss and a plasmon, t/λ from 0.2 to 2 along x."""
    chance = np.random.default_rng(3)
    zero = np.exp(-0.5 * (ENERGY / 0.4) ** 2)
    plasmon = np.exp(-0.5 * ((ENERGY - 20.0) / 3.0) ** 2)
    cube = np.empty((pixels, pixels, CHANNELS), np.float32)
    t = np.linspace(0.2, 2.0, pixels)[:, None]
    expected = 2e4 * (np.exp(-t) * zero / zero.sum() + (1 - np.exp(-t)) * plasmon / plasmon.sum())
    for line in cube:
        line[:] = chance.poisson(expected)
    return cube


def exspy_signal(cube: np.ndarray) -> Any:
    """The cube as exSpy has it, without a copy."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy.signals

        signal = exspy.signals.EELSSpectrum(cube)
    axis = signal.axes_manager[-1]
    axis.offset, axis.scale, axis.units, axis.is_binned = ENERGY[0], 0.1, "eV", True
    return signal


def main() -> None:
    """Print times as ratios, and each ratio's limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=128)
    whole = image(parser.parse_args().pixels)
    compare(whole.astype(np.uint16))  # as cameras write
    compare(whole)
    own_thresholds(whole)
    peak = analysis_peak(whole) / whole.nbytes
    print(f"the analysis takes {peak:.2f} times the cube beside it (limit: {MEMORY - 1:g})")


def compare(cube: np.ndarray) -> None:
    """Print times of one type of number as ratios to a copy and to exSpy."""
    signal = exspy_signal(cube)
    work: dict[str, Callable[[], Any]] = {
        "copy": cube.copy,
        "exSpy": lambda: signal.estimate_thickness(threshold=THRESHOLD).data,
        "ours": lambda: log_ratio(ENERGY, cube, THRESHOLD).t_over_lambda,
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for once in range(ROUNDS + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if once:  # the first finds memory that the system has yet to hand out
                times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values) for name, values in times.items()}
    away = float(np.abs(work["ours"]() - work["exSpy"]()).max())
    ratio = median["exSpy"] / median["ours"]
    size = f"{cube.nbytes / 2**20:.0f} MiB"
    print(f"cube {cube.shape} {cube.dtype}, {size}; {ROUNDS} rounds, interleaved")
    print(f"a copy takes {1e3 * median['copy']:.0f} ms here")
    print(f"ours {median['ours'] / median['copy']:.2f} times a copy")
    print(f"exSpy takes {ratio:.1f} times as long (limit: at least {FASTER_THAN_EXSPY:g})")
    print(f"largest difference {away:.1e} (limit: 1e-6)")


def own_thresholds(cube: np.ndarray) -> None:
    """Print the ratio to exSpy where each pixel has its threshold, as after a drift."""
    signal = exspy_signal(cube)
    limits = signal._get_navigation_signal().transpose(signal_axes=0)
    limits.data = np.random.default_rng(1).uniform(4.0, 6.0, cube.shape[:2])
    took = []
    for run in (
        lambda: signal.estimate_thickness(threshold=limits).data,
        lambda: log_ratio(ENERGY, cube, np.asarray(limits.data)).t_over_lambda,
    ):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    print(f"with a threshold for each pixel exSpy takes {took[0] / took[1]:.1f} times as long")


def analysis_peak(cube: np.ndarray) -> int:
    """Bytes that `eels.thickness` takes beside the data, errors and map included."""
    space = 2.0 * np.arange(cube.shape[0])
    data = xr.Dataset(
        {"counts": (("y", "x", "energy_loss"), cube, {"units": "count"})},
        {
            "energy_loss": ("energy_loss", ENERGY, {"units": "eV"}),
            "y": ("y", space, {"units": "nm"}),
            "x": ("x", space, {"units": "nm"}),
        },
    )
    record = SimpleNamespace(name="cube")
    measurement: Any = SimpleNamespace(data=data, modality="eels", metadata={}, record=record)
    params = ThicknessParams(threshold=THRESHOLD, counts_per_electron=1.0)
    with TemporaryDirectory() as folder:
        context = AnalysisContext(Sample(id="lamella"), Path(folder))
        tracemalloc.start()
        run_thickness([measurement], params, context)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()
