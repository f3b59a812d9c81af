"""Atom probe in space: a profile against a joint bincount, a grid against histogramdd.

Run: ``python -m benchmarks apt_space [--ions 50000000]``.  Input is synthetic and seeded, in
memory-mapped files, so that what counts as memory is what the analysis takes; medians of
interleaved rounds in one process.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
from scipy.ndimage import gaussian_filter

from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.grid import count_grid
from consilience_apt.space.profile import profile

ROUNDS = 3
SIZE = 1 << 16
WIDTH = 0.5
SHAPE = (80.0, 80.0, 300.0)
LABELS = {"H": 1.0, "Li": 7.0, "C": 12.0, "O": 16.0, "Si": 28.0, "CrO": 68.0, "Pt": 195.0}
WANTED = ("Li", "O", "Si", "Cr", "Pt")


class Files:
    """Columns as flat files, read in blocks through one buffer each."""

    columns = ("x", "y", "z", "mass_to_charge")

    def __init__(self, folder: Path, ions: int) -> None:
        self.folder, self.ions = folder, ions

    def blocks(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None, size: int = SIZE
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        stop = self.ions if stop is None else stop
        files = {name: (self.folder / name).open("rb", buffering=0) for name in columns}
        buffers = {name: np.empty(size, np.float32) for name in columns}
        try:
            for file in files.values():
                file.seek(4 * start)
            for first in range(start, stop, size):
                number = min(size, stop - first)
                for name, file in files.items():
                    file.readinto(memoryview(buffers[name]).cast("B")[: 4 * number])
                yield first, {name: buffer[:number] for name, buffer in buffers.items()}
        finally:
            for file in files.values():
                file.close()


def written(folder: Path, ions: int) -> Files:
    """Write a needle in the order of evaporation: depths rise, with the spread of a cap."""
    rng = np.random.default_rng(8)
    out = {name: (folder / name).open("wb") for name in Files.columns}
    masses = np.array(list(LABELS.values()), np.float32)
    for first in range(0, ions, SIZE):
        n = min(SIZE, ions - first)
        x, y = (rng.uniform(-40, 40, n).astype(np.float32) for _ in "xy")
        z = (first + np.arange(n)) / ions * 290 + (x**2 + y**2) / 400
        rng.integers(0, 7, n)
        mass = masses[rng.integers(0, 7, n)] + rng.normal(0, 0.1, n)
        for name, column in zip(Files.columns, (x, y, z, mass), strict=True):
            out[name].write(column.astype(np.float32).tobytes())
    for file in out.values():
        file.close()
    return Files(folder, ions)


def joint(source: Files, table: RangeTable) -> np.ndarray:
    """Bin and label as one number, counted: the fastest plain route there is."""
    labels, bins = len(table.ranges) + 1, int(SHAPE[2] / WIDTH)
    total = np.zeros(bins * labels, np.int64)
    for _, block in source.blocks(("z", "mass_to_charge")):
        place = (block["z"] * np.float32(1 / WIDTH)).astype(np.intp)
        place *= labels
        place += table.labels(block["mass_to_charge"])
        total += np.bincount(place, minlength=total.size)
    return total.reshape(bins, labels)


def histogramdd(source: Files, table: RangeTable) -> dict[str, np.ndarray]:
    """Each element's positions to numpy.histogramdd, then scipy's Gaussian."""
    edges = [np.arange(-48, 49.0), np.arange(-48, 49.0), np.arange(-8, 309.0)]
    masses = np.fromfile(source.folder / "mass_to_charge", np.float32)
    labels = table.labels(masses)
    del masses
    columns = [np.fromfile(source.folder / name, np.float32) for name in "xyz"]
    made = {}
    for place, one in enumerate(table.ranges, start=1):
        chosen = labels == place
        positions = np.column_stack([column[chosen] for column in columns])
        counts, _ = np.histogramdd(positions, bins=edges)
        made[one.label] = gaussian_filter(counts.astype(np.float32), 1.0, mode="constant")
    total = np.sum(list(made.values()), axis=0)
    return {name: made[name] / np.maximum(total, 1e-6) for name in made}


def gridded(source: Files, table: RangeTable) -> dict[str, np.ndarray]:
    """Ours: one pass for the extent, one for the counts, then fields with errors."""
    grid = count_grid(source, table, WANTED, voxel=1.0, sigma=1.0)
    return {what: field.value for what, field in grid.fields(WANTED, 1.0).items()}


def fractions(source: Files, table: RangeTable) -> np.ndarray:
    made = profile(source, table, "z", WIDTH)
    return np.array([made.fraction(what).std_stat for what in table.elements])


def timed(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            gc.collect()
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            del result
    return {name: statistics.median(values) for name, values in times.items()}


def grown(run: Callable[[], object]) -> float:
    """Return by how many MB the process grew at most while something ran, sampled."""
    import threading

    gc.collect()
    process, stop = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    highest = [before]

    def watch() -> None:
        while not stop.wait(0.005):
            highest[0] = max(highest[0], process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    run()
    stop.set()
    thread.join()
    return (highest[0] - before) / 1e6


def row(what: str, ratio: float, text: str, limit: float, *, above: bool = False) -> None:
    good = ratio >= limit if above else ratio <= limit
    print(f"{what:<58} {ratio:7.2f}  {text:<26} limit {limit:g}  {'ok' if good else 'MISSED'}")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ions", type=int, default=50_000_000)
    ions = parser.parse_args().ions
    table = RangeTable(
        [Range(m - 0.4, m + 0.4, Ion.parse(name), label=name) for name, m in LABELS.items()]
    )
    with tempfile.TemporaryDirectory() as name:
        source = written(Path(name), ions)
        memory = grown(lambda: fractions(source, table))
        times = timed(
            ROUNDS, plain=lambda: joint(source, table), ours=lambda: fractions(source, table)
        )
        counts = profile(source, table, "z", WIDTH).counts
        plain = joint(source, table)
        assert counts.ions.sum() == plain.sum() == ions
        print(f"{ions} ions, {len(table.ranges)} ranges")
        row("profile of all elements with errors, to a joint bincount",
            times["ours"] / times["plain"], f"x  {times['ours']:.2f} s", 2.0)  # fmt: skip
        row("  memory above the start", memory, "MB", 100.0)
        memory = grown(lambda: count_grid(source, table, WANTED, voxel=1.0, sigma=1.0))
        whole = grown(lambda: gridded(source, table))
        rounds = 1 if ions > 20_000_000 else ROUNDS
        times = timed(
            rounds, ours=lambda: gridded(source, table), peer=lambda: histogramdd(source, table)
        )
        row("1 nm grid, 5 elements, delocalised, errors: faster than", times["peer"]
            / times["ours"], f"x histogramdd  {times['ours']:.2f} s", 4.0, above=True)  # fmt: skip
        grid = count_grid(source, table, WANTED, voxel=1.0, sigma=1.0)
        print(
            f"  memory above the start: {memory:.0f} MB to count, {whole:.0f} MB with the fields; "
            f"{grid.counts.nbytes / 1e6:.0f} MB are the counts, whatever the number of ions"
        )


if __name__ == "__main__":
    main()
