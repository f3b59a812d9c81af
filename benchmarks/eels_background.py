"""Background of an EELS image of 128×128×2048: ratios to a copy, to HyperSpy, and memory.

Run: ``python benchmarks/eels_background.py [--pixels 128]``.  The cube is simulated and lives in
memory as float32.  Times drift from run to run, ratios hardly.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from consilience_eels.edges.intensity import Noise, map_edge
from consilience_eels.edges.linear import linear_edge, map_linear
from consilience_eels.edges.subtraction import subtract_power_law
from consilience_eels.spectra import LossAxis

CHANNELS = 2048
AXIS = LossAxis.of(300.0 + 0.25 * np.arange(CHANNELS))
BEFORE, INSIDE = (450.0, 520.0), (532.0, 582.0)
ROUNDS = 3


def image(pixels: int) -> np.ndarray:
    """Poisson counts on a power law whose exponent changes from pixel to pixel, and an edge."""
    chance = np.random.default_rng(7)
    cube = np.empty((pixels, pixels, CHANNELS), np.float32)
    edge = np.where(AXIS.energy >= 532.0, 30.0 * (AXIS.energy / 532.0) ** -3.0, 0.0)
    for line in cube:
        r = chance.normal(3.0, 0.2, (pixels, 1))
        line[:] = chance.poisson(300.0 * (AXIS.energy / 480.0) ** -r + edge)
    return cube


def interleaved(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    """Return the least time in seconds of each piece of work, once all have run before.

    The first run of each finds memory that the system has yet to hand out, and what else runs on
    the machine only ever adds time.
    """
    for run in work.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            del result
    return {name: min(values) for name, values in times.items()}


def row(
    what: str, ratio: float, limit: float | None, seconds: float, *, least: bool = False
) -> None:
    """Print one ratio with its limit."""
    verdict = ""
    if limit is not None:
        good = ratio >= limit if least else ratio <= limit
        verdict = f"limit {'≥' if least else '≤'} {limit:4.1f}  {'ok' if good else 'MISSED'}"
    print(f"{what:<58} {ratio:7.2f} x   {seconds:8.3f} s   {verdict}")


def hyperspy(cube: np.ndarray) -> object:
    """HyperSpy's remove_background, fast."""
    return signal_of(cube).remove_background(
        signal_range=BEFORE, background_type="Power law", fast=True, show_progressbar=False
    )


def signal_of(cube: np.ndarray) -> object:
    """The cube as exSpy holds it, not copied."""
    logging.getLogger("pint.util").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy

        signal = exspy.signals.EELSSpectrum(cube)
    axis = signal.axes_manager[-1]
    axis.scale, axis.offset = AXIS.step, float(AXIS.energy[0])
    return signal


def highest() -> float:
    """Return the peak of this process's resident memory in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    sys.exit("this system does not say how much memory a process had")


def peak(pixels: int, call: str) -> float:
    """Return peak memory over imports, the cube included, in cubes; in a process of its own."""
    code = textwrap.dedent(
        f"""
        from benchmarks import eels_background as b
        small = b.image(2)
        cube = small; {call}
        before = b.highest()
        cube = b.image({pixels})
        result = {call}
        print(b.highest() - before)
        """
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=root,
    )
    return float(done.stdout.split()[-1]) / (pixels**2 * CHANNELS * 4 / 2**20)


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=128)
    pixels = parser.parse_args().pixels
    cube = image(pixels)
    print(f"{pixels}×{pixels}×{CHANNELS} float32, {cube.nbytes / 1e6:.0f} MB")
    weights = linear_edge(AXIS, cube.mean(axis=(0, 1), dtype=np.float64), BEFORE, INSIDE, (2, 4))
    hyperspy(cube[:2, :2])  # imports
    ours: dict[str, Callable[[], object]] = {
        "areas": lambda: subtract_power_law(cube, AXIS, *BEFORE, method="two areas"),
        "likelihood": lambda: subtract_power_law(cube, AXIS, *BEFORE),
    }
    counted: dict[str, Callable[[], object]] = {
        "counts": lambda: map_edge(cube, AXIS, BEFORE, INSIDE),
        "linear": lambda: map_linear(cube, weights, Noise()),
    }
    times = interleaved(3 * ROUNDS, copy=cube.copy, **ours, **counted)
    theirs = interleaved(ROUNDS, hyperspy=lambda: hyperspy(cube))["hyperspy"]
    copy = times["copy"]
    for name, what in (
        ("areas", "two areas, subtracted"),
        ("likelihood", "likelihood, subtracted"),
    ):
        row(f"  {what}, against a copy", times[name] / copy, 7.0, times[name])
        row(f"  HyperSpy fast, against {what}", theirs / times[name], 4.0, theirs, least=True)
    row("  net counts and errors of an edge, against a copy", times["counts"] / copy, None,
        times["counts"])  # fmt: skip
    row("  the same with shared exponents, against a copy", times["linear"] / copy, None,
        times["linear"])  # fmt: skip
    for call, limit in (
        ("b.subtract_power_law(cube, b.AXIS, *b.BEFORE)", 2.5),
        ("b.map_edge(cube, b.AXIS, b.BEFORE, b.INSIDE)", 2.5),
        ("b.hyperspy(cube)", None),
    ):
        cubes = peak(pixels, call)
        verdict = (
            "" if limit is None else f"limit ≤ {limit}  {'ok' if cubes <= limit else 'MISSED'}"
        )
        print(f"  peak memory of {call.split('(')[0][2:]:<24} {cubes:5.2f} cubes   {verdict}")


if __name__ == "__main__":
    main()
