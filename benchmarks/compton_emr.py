"""EMR of a cube of spectra: ratios to a copy and to a loop over pixels, and memory.

Run: ``python benchmarks/compton_emr.py [--states 5] [--pixels 80] [--bins 8000]``.  The cube is
simulated and lives in memory; each pixel has its own scattering angle.  Done twice: on an axis of
0 to 200 keV, of which the windows need a part, and on one that holds little else than the windows,
the worst case.  Times drift from run to run, ratios hardly.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from consilience_compton.momentum.collect import Settings, collect
from consilience_compton.momentum.kinematics import Geometry
from consilience_compton.momentum.windows import Windows, plain_emr, window_energies
from consilience_compton.spectra import BLOCK_BYTES

ROUNDS = 5
LIMIT, MEMORY = 2.0, 0.10
SHARE = 400
"""Pixels that the loop does; it is scaled up."""


def cube(states: int, pixels: int, bins: int, kind: type) -> np.ndarray:
    """Poisson counts, 20 a bin."""
    chance = np.random.default_rng(1)
    made = np.empty((states, pixels, pixels, bins), kind)
    for state in made:
        for row in state:
            row[:] = chance.poisson(20.0, (pixels, bins))
    return made


def blocks(counts: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows in blocks of bounded size."""
    step = max(1, BLOCK_BYTES // counts[0].nbytes)
    for first in range(0, len(counts), step):
        yield slice(first, first + step), counts[first : first + step]


def ours(counts: np.ndarray, edges: np.ndarray, angles: np.ndarray) -> list[Any]:
    """EMR and its error of each pixel of each state."""
    found = []
    for state in counts:
        walked = collect(blocks(state), edges, 115.0, angles, Settings(), profiles=False)
        found.append(plain_emr(walked.cells, Windows()))
    return found


def loop(counts: np.ndarray, edges: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The same for each pixel by itself, as it is usually written: overlaps of bins."""
    flat = counts.reshape(-1, counts.shape[-1])[:SHARE]
    turns = np.tile(angles.ravel(), len(counts))
    found = np.empty((len(flat), 2))
    for i, row in enumerate(flat):
        ends = window_energies(Windows(), 115.0, turns[i])
        sums, variances = np.zeros(3), np.zeros(3)
        for m in range(3):
            overlap = np.minimum(edges[1:], ends[m + 1]) - np.maximum(edges[:-1], ends[m])
            weight = np.clip(overlap / (edges[1:] - edges[:-1]), 0.0, 1.0)
            sums[m], variances[m] = weight @ row, weight**2 @ row
        high = sums[0] + sums[2]
        emr = sums[1] / high
        relative = variances[1] / sums[1] ** 2 + (variances[0] + variances[2]) / high**2
        found[i] = emr, emr * np.sqrt(relative)
    return found


def median_times(work: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of interleaved rounds; the first finds memory yet to be handed out."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for once in range(ROUNDS + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if once:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in times.items()}


def compare(counts: np.ndarray, edges: np.ndarray, angles: np.ndarray, what: str) -> None:
    """Print ratios for one axis."""
    copy = np.empty_like(counts[0])

    def copied() -> None:
        for state in counts:  # into a used buffer: a fresh one costs page faults beside
            copy[...] = state

    work = {
        "copy": copied,
        "ours": lambda: ours(counts, edges, angles),
        "loop": lambda: loop(counts, edges, angles),
    }
    median = median_times(work)
    median["loop"] *= counts[..., 0].size / min(SHARE, counts[..., 0].size)
    tracemalloc.start()
    found = ours(counts, edges, angles)
    peak = tracemalloc.get_traced_memory()[1] / counts.nbytes
    tracemalloc.stop()
    mine = np.stack([f.value for f in found]).ravel(), np.stack([f.std_stat for f in found]).ravel()
    theirs = loop(counts, edges, angles)
    away = [float(np.abs(mine[k][: len(theirs)] / theirs[:, k] - 1.0).max()) for k in range(2)]
    ratio = median["ours"] / median["copy"]
    print(f"{what}: cube {counts.shape} {counts.dtype}, {counts.nbytes / 2**20:.0f} MiB")
    print(f"  a copy takes {1e3 * median['copy']:.0f} ms here")
    print(f"  ours {ratio:.2f} times a copy (limit: {LIMIT:g}): {verdict(ratio <= LIMIT)}")
    print(f"  memory beside the cube {peak:.3f} of it (limit: {MEMORY:g}): "
          f"{verdict(peak <= MEMORY)}")  # fmt: skip
    print(f"  a loop over pixels takes {median['loop'] / median['ours']:.0f} times as long "
          f"({SHARE} pixels, scaled up)")  # fmt: skip
    print(f"  largest relative difference to it: EMR {away[0]:.1e}, its errors {away[1]:.1e} (the "
          "loop leaves out that two windows share a bin)")  # fmt: skip


def verdict(good: bool) -> str:
    """In words."""
    return "reached" if good else "NOT reached"


def main() -> None:
    """Print ratios and limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=5)
    parser.add_argument("--pixels", type=int, default=80)
    parser.add_argument("--bins", type=int, default=8000)
    told = parser.parse_args()
    geometry = Geometry(115.0, 90.0, 50.0, 250.0, told.pixels, told.pixels)
    angles = geometry.angles()
    ends = window_energies(Windows(), 115.0, angles)
    for kind in (np.uint16, np.uint32):
        counts = cube(told.states, told.pixels, told.bins, kind)
        compare(counts, np.linspace(0.0, 200.0, told.bins + 1), angles, "0 to 200 keV")
        tight = np.linspace(float(ends.min()) - 0.5, float(ends.max()) + 0.5, told.bins + 1)
        compare(counts, tight, angles, f"{tight[0]:.0f} to {tight[-1]:.0f} keV")


if __name__ == "__main__":
    main()
