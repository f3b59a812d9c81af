"""Importing a sensor log of 10 million rows, in place of reading its bytes and of pandas.

Run: ``python -m benchmarks series_import`` or ``python benchmarks/series_import.py [--scale 1.0]``.
Each piece of work runs in a process of its own, interleaved, so that peaks of memory are its own;
ratios are of medians.  Input is synthetic, seeded: time, temperature, pressure, oxygen, water.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS = 10_000_000
ROUNDS = 3
MAPPING = {
    "gap": "5 s",
    "time": {"column": "t (s)", "unit": "s", "start": "2026-03-01T10:00:00Z"},
    "columns": {
        "temperature": {"column": "T (C)", "unit": "degC", "stuck": "1 h"},
        "pressure": {"column": "p (mbar)", "unit": "mbar"},
        "o2": {"column": "O2 (ppm)", "unit": "ppm"},
        "h2o": {"column": "H2O (ppm)", "unit": "ppm"},
    },
}


def write_csv(path: Path, rows: int) -> None:
    """Write a log of `rows` rows at 10 Hz."""
    rng = np.random.default_rng(1)
    with path.open("w", encoding="utf-8") as file:
        file.write("t (s),T (C),p (mbar),O2 (ppm),H2O (ppm)\n")
        for first in range(0, rows, 100_000):
            count = min(100_000, rows - first)
            t = (first + np.arange(count)) / 10.0
            block = np.column_stack([t, *np.abs(rng.normal(1.0, 0.1, (4, count)))])
            np.savetxt(file, block, "%.1f,%.3f,%.4e,%.3f,%.3f")


def work(what: str, path: Path, folder: Path) -> None:
    """Do one piece of work, and print its time and its peak of memory as JSON."""
    if what in ("import", "exposure"):
        # Loading libraries and the table of units is not what is timed.
        import pandas as pd
        import xarray
        import zarr  # noqa: F401

        from consilience.quantities import parse_quantity

        xarray.Dataset({"warm": ("up", [parse_quantity("1 mbar", "Pa").value])})
        from consilience import Study
        from consilience.custody.chain import Moment, chain_of
        from consilience.custody.past.exposure import Window, integral
        from consilience.custody.past.spans import Past
        from consilience.series import importing  # noqa: F401
        from consilience.study import series  # noqa: F401
    else:
        import pandas as pd
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    if what == "bytes":
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    elif what == "pandas":
        assert len(pd.read_csv(path))
    elif what == "import":
        with Study.create(folder / "study", "benchmark") as study:
            study.add_sample("chip")
            (step,) = study.add_step(
                {"sample": "chip", "type": "transfer", "start": "2026-03-01T10:00:00Z",
                 "end": "2026-03-13T10:00:00Z"}
            )  # fmt: skip
            study.add_series(path, step.id, MAPPING, link=True)
    else:
        with Study.open(folder / "study") as study:
            custody = study.custody()
            chain = chain_of(Moment("chip", "2026-03-13T10:00:00Z"), custody.samples, custody.steps)
            link = Window(chain.links[0], Past(chain, custody.samples, custody.steps))
            assert integral(custody, link, "o2", "ppm").low > 0.0
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "base": base, "peak": peak}))


def measured(what: str, path: Path, folder: Path) -> tuple[float, float]:
    """Run one piece of work in its own process; return seconds and the MB that it added."""
    out = subprocess.run(
        [sys.executable, __file__, "--work", what, "--log", str(path), "--folder", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(out.stdout)
    return found["seconds"], (found["peak"] - found["base"]) / 1024.0


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the full size")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.log, arguments.folder)
        return
    rows = max(1000, int(ROWS * arguments.scale))
    names = ("bytes", "pandas", "import", "exposure")
    times: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "log.csv"
        write_csv(path, rows)
        size = path.stat().st_size / 1e6
        for turn in range(ROUNDS):
            folder = Path(temporary) / f"round-{turn}"
            folder.mkdir()
            for name in names:
                seconds, memory = measured(name, path, folder)
                times[name].append(seconds)
                peaks[name].append(memory)
    median = {name: statistics.median(values) for name, values in times.items()}
    memory = {name: max(values) for name, values in peaks.items()}
    print(f"\n{rows} rows of five columns, {size:.0f} MB; memory is what comes to the imports")
    for name, words in (
        ("bytes", "reading the bytes"),
        ("pandas", "pandas.read_csv, whole"),
        ("import", "import: hash, parse, check, write, fsync, journal"),
        ("exposure", "one exposure integral of the stored series"),
    ):
        print(
            f"{words:<52} {median[name] / median['bytes']:8.1f} x bytes "
            f"{median[name] / median['pandas']:6.2f} x pandas   {median[name]:7.2f} s "
            f"{memory[name]:7.0f} MB ({memory[name] / memory['pandas']:.2f} x pandas)"
        )


if __name__ == "__main__":
    main()
