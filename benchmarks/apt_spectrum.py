"""50 million ions of an .epos to spectrum and ranged composition; ratios to peers and limits.

Run: ``python benchmarks/apt_spectrum.py [--ions 50000000]``.  The file is synthetic, seeded,
written to a temporary folder and removed.  Times drift from run to run, ratios hardly.  APAV is
GPL: it is only called in a process of its own, with the Python that the variable
``CONSILIENCE_APAV_PYTHON`` names.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from consilience_apt.amounts.composition import compose
from consilience_apt.files.layout import FileSource
from consilience_apt.files.reading import epos_layout
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.masses.background import flight_background, quiet_windows
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.ranges import Range, RangeTable

RECORD = np.dtype(
    [(name, ">f4") for name in ("x", "y", "z", "m", "tof", "dc", "pulse", "dx", "dy")]
    + [("since", ">u4"), ("hits", ">u4")]
)
LINES = {"Li": 7.0155, "C": 12.0, "N": 14.003, "O": 15.995, "F": 18.998, "Al": 26.981, "Si": 27.976,
         "P": 30.973, "Cl": 34.968, "K": 38.963, "Ca": 39.962, "Cr": 51.94, "Fe": 55.934,
         "Ni": 57.935, "Cu": 62.929, "Pt": 194.964}  # fmt: skip
ROUNDS = 3


def ranges() -> RangeTable:
    """Thirty ranges: each line once as it is and most once with two charges."""
    made: list[Range] = []
    for symbol, mass in LINES.items():
        for charge in (1, 2):
            low, high = mass / charge * 0.997, mass / charge * 1.006
            if len(made) < 30 and not any(low < r.high and high > r.low for r in made):
                made.append(Range(low, high, Ion(((symbol, 1),), charge)))
    return RangeTable(made, "benchmark")


def write(path: Path, ions: int) -> None:
    """Write ions in blocks: peaks with tails over a background constant in time of flight."""
    chance = np.random.default_rng(8)
    masses = np.array(list(LINES.values()))
    with path.open("wb") as file:
        for first in range(0, ions, 1_000_000):
            size = min(1_000_000, ions - first)
            table = np.zeros(size, RECORD)
            line = masses[chance.integers(0, masses.size, size)]
            line = line / chance.integers(1, 3, size)
            mass = line * (1 + chance.normal(0, 3e-4, size) + chance.exponential(6e-4, size))
            quiet = chance.random(size) < 0.05
            mass[quiet] = (chance.random(int(quiet.sum())) * 16.0) ** 2
            table["m"] = mass
            for name in ("x", "y", "z"):
                table[name] = chance.random(size, np.float32) * 50
            table["hits"] = 1
            file.write(table.tobytes())


def interleaved(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    """Return the median time in seconds of each piece of work."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            del result
    return {name: statistics.median(values) for name, values in times.items()}


def row(
    what: str, ratio: float, limit: float | None, seconds: float, *, least: bool = False
) -> None:
    """Print one ratio with its limit."""
    verdict = ""
    if limit is not None:
        good = ratio >= limit if least else ratio <= limit
        verdict = f"limit {'≥' if least else '≤'} {limit:4.1f}  {'ok' if good else 'MISSED'}"
    print(f"{what:<62} {ratio:6.2f} x   {seconds:8.3f} s   {verdict}")


def ours(path: Path, table: RangeTable) -> object:
    """Spectrum, exact ranges, background, composition with covariance."""
    source = FileSource(path, epos_layout(path.stat().st_size // RECORD.itemsize))
    spectrum = measure_spectrum(source, table)
    assert spectrum.ranged is not None
    background = flight_background(spectrum, table.edges, quiet_windows(spectrum, table))
    return compose(table, spectrum.ranged, background)


def one_pass(path: Path, table: RangeTable) -> object:
    """np.fromfile of all, then one pass in blocks: histogram and a lookup of labels."""
    mass = np.fromfile(path, RECORD)["m"]
    counts = np.zeros(30_000, np.int64)
    labels = np.zeros(len(table) + 1, np.int64)
    for first in range(0, mass.size, 1 << 16):
        part = mass[first : first + (1 << 16)].astype(np.float32)
        place = (part * 100.0).astype(np.intp)
        counts += np.bincount(place, minlength=30_000)[:30_000]
        labels += np.bincount(table.labels(part), minlength=labels.size)
    return counts, labels


def fromfile(path: Path) -> object:
    """np.fromfile alone."""
    return np.fromfile(path, RECORD)


def searched(path: Path, table: RangeTable) -> object:
    """np.fromfile, np.histogram, np.searchsorted."""
    mass = np.fromfile(path, RECORD)["m"].astype(np.float32)
    counts, _ = np.histogram(mass, 30_000, (0.0, 300.0))
    place = np.searchsorted(table.edges.ravel(), mass, side="right")
    return counts, np.bincount(place, minlength=2 * len(table) + 1)


def highest() -> float:
    """Return the peak of this process's resident memory in MB.

    Not from getrusage, whose peak a process inherits from the one that started it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    sys.exit("this system does not say how much memory a process had")


def peak_memory(path: Path) -> float:
    """Return the peak of resident memory above imports, in MB, in a process of its own."""
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        import scipy.optimize, scipy.stats
        from benchmarks.apt_spectrum import highest, ours, ranges
        table = ranges()
        before = highest()
        ours(Path({str(path)!r}), table)
        print(highest() - before)
        """
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root
    )
    return float(done.stdout)


APAV = """
import sys, time
import apav, apav.analysis
start = time.perf_counter()
roi = apav.load_epos(sys.argv[1]) if hasattr(apav, "load_epos") else apav.Roi.from_epos(sys.argv[1])
found = apav.RangeCollection([apav.Range(name, (float(low), float(high)))
                              for name, low, high in (a.split(",") for a in sys.argv[2:])])
spectrum = apav.analysis.RangedMassSpectrum(roi, found, decompose=True, percent=True)
spectrum.quant_dict, spectrum.histogram
took = time.perf_counter() - start
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(took, int(peak[0].split()[1]) / 1024)
"""


def apav(path: Path, table: RangeTable) -> tuple[float, float] | str:
    """Return seconds and MB of APAV, or why it did not run."""
    python = os.environ.get("CONSILIENCE_APAV_PYTHON", sys.executable)
    given = [f"{r.ion.formula},{r.low},{r.high}" for r in table.ranges if r.ion]
    done = subprocess.run(
        [python, "-c", APAV, str(path), *given], check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def histograms(ions: int) -> None:
    """The histogram of 0.01 Da alone, beside fast-histogram."""
    chance = np.random.default_rng(9)
    mass = (
        chance.choice(list(LINES.values()), ions) * (1 + chance.exponential(6e-4, ions))
    ).astype(np.float32)
    none = np.zeros(ions, np.float32)
    source = array_source(none, none, none, mass)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: measure_spectrum(source),
        "numpy": lambda: np.histogram(mass, 30_000, (0.0, 300.0)),
    }
    try:
        from fast_histogram import histogram1d
    except ImportError:
        print("fast-histogram is not installed")
    else:
        work["fast"] = lambda: histogram1d(mass, 30_000, (0.0, 300.0))
    times = interleaved(2 * ROUNDS + 1, **work)
    print(f"\nhistogram of 0.01 Da, {ions} masses in memory")
    if "fast" in times:
        row("  ours, against fast-histogram", times["ours"] / times["fast"], 2.0, times["ours"])
    row("  np.histogram, against ours", times["numpy"] / times["ours"], None, times["numpy"])


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ions", type=int, default=50_000_000)
    ions = parser.parse_args().ions
    table = ranges()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ions.epos"
        write(path, ions)
        print(f"{ions} ions, .epos of {path.stat().st_size / 1e9:.2f} GB, {len(table)} ranges")
        times = interleaved(
            ROUNDS,
            one_pass=lambda: one_pass(path, table),
            ours=lambda: ours(path, table),
            fromfile=lambda: fromfile(path),
        )
        slow = interleaved(1, searched=lambda: searched(path, table))["searched"]
        row("  spectrum + composition with errors, against fromfile + pass",
            times["ours"] / times["one_pass"], 1.5, times["ours"])  # fmt: skip
        row("  the same, against np.fromfile alone", times["ours"] / times["fromfile"], None,
            times["ours"])  # fmt: skip
        row("  fromfile + np.histogram + searchsorted, against ours", slow / times["ours"], None,
            slow)  # fmt: skip
        memory = peak_memory(path)
        print(f"  peak memory above imports {memory:.0f} MB   limit ≤ 100  "
              f"{'ok' if memory <= 100 else 'MISSED'}")  # fmt: skip
        peer = apav(path, table)
        if isinstance(peer, str):
            print(f"  APAV did not run: {peer}")
        else:
            row("  APAV, against ours", peer[0] / times["ours"], 8.0, peer[0], least=True)
            print(f"  APAV peak memory {peer[1]:.0f} MB")
    histograms(min(ions, 20_000_000))


if __name__ == "__main__":
    main()
