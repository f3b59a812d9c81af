"""The store against the fastest route and against its limits; prints ratios.

Run: ``python benchmarks/store.py [--scale 1.0]``.  Input is synthetic, seeded; medians of
interleaved rounds in one process.  Times drift from run to run, ratios hardly.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from consilience.store import Store

ROUNDS = 9


def interleaved(**work: Callable[[], object]) -> dict[str, float]:
    """Return the median time in seconds of each piece of work."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            del result
    return {name: statistics.median(values) for name, values in times.items()}


def row(what: str, ratio: float, limit: float | None, seconds: float) -> None:
    verdict = "" if limit is None else f"limit {limit:4.1f}  {'ok' if ratio <= limit else 'MISSED'}"
    print(f"{what:<58} {ratio:6.2f} x   {seconds * 1e3:9.2f} ms   {verdict}")


def reading(folder: Path, scale: float) -> None:
    """Reading a data set of 100 MB, in place of np.fromfile."""
    import zarr

    values = np.random.default_rng(1).random((max(1, int(2500 * scale)), 5000))
    values.tofile(folder / "raw.bin")
    with Store.create(folder / "reading", "benchmark") as store:
        start = time.perf_counter()
        sha256 = store.put_dataset(xr.Dataset({"v": (("y", "x"), values, {"units": "1"})}))
        written = time.perf_counter() - start
        inner = zarr.open_array(store.layout.array(sha256) / "v", mode="r")
        times = interleaved(
            raw=lambda: np.fromfile(folder / "raw.bin").reshape(values.shape),
            store=lambda: store.open_dataset(sha256).v.values,
            zarr=lambda: inner[:],
            opening=lambda: store.open_dataset(sha256),
        )
        assert np.array_equal(store.open_dataset(sha256).v.values, values)
    mega = values.nbytes / 1e6
    print(f"\nread {mega:.0f} MB, against np.fromfile ({times['raw'] * 1e3:.1f} ms)")
    row("  the store: open, check manifest and crc32c, read", times["store"] / times["raw"], 2.0,
        times["store"])  # fmt: skip
    row("  zarr itself, same files", times["zarr"] / times["raw"], None, times["zarr"])
    row("  opening alone", times["opening"] / times["raw"], None, times["opening"])
    print(f"  writing: {mega / written:.0f} MB/s with hash and fsync")


def listing(folder: Path, scale: float) -> None:
    """Listing 10 000 samples and 100 000 measurements, in place of bare sqlite3."""
    samples, each = max(1, int(10_000 * scale)), 10
    rows = [
        (f"m-{s}-{m}", f"s-{s}", ("xrd", "eels")[m % 2], '{"cycle":5}', f"file-{m}.xy")
        for s in range(samples)
        for m in range(each)
    ]
    study = folder / "listing"
    with Store.create(study, "benchmark") as store:
        store.append([("sample", {"id": f"s-{s}", "title": f"Sample {s}"}) for s in range(samples)])
        records = [
            (
                "measurement",
                {"id": i, "sample": s, "modality": m, "state": {"cycle": 5}, "name": n,
                 "summary": {"variables": {"intensity": {"dims": ["x"], "shape": [1000]}}}},
            )
            for i, s, m, _, n in rows
        ]  # fmt: skip
        start = time.perf_counter()
        for first in range(0, len(records), 10_000):
            store.append(records[first : first + 10_000])
        appended = time.perf_counter() - start
        start = time.perf_counter()
        store.index.refresh()
        built = time.perf_counter() - start
    del records
    gc.collect()
    bare = sqlite3.connect(folder / "bare.sqlite")
    bare.execute("CREATE TABLE s (id TEXT PRIMARY KEY, title TEXT, parent TEXT, control TEXT)")
    bare.execute("CREATE TABLE m (id TEXT PRIMARY KEY, sample TEXT, mod TEXT, state TEXT, n TEXT)")
    bare.executemany(
        "INSERT INTO s VALUES (?, ?, NULL, NULL)",
        [(f"s-{s}", f"Sample {s}") for s in range(samples)],
    )
    bare.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?)", rows)
    bare.commit()

    def plain(db: sqlite3.Connection) -> object:
        first = db.execute("SELECT * FROM s ORDER BY rowid").fetchall()
        return first, db.execute("SELECT * FROM m ORDER BY rowid").fetchall()

    def plain_cold() -> object:
        db = sqlite3.connect(folder / "bare.sqlite")
        try:
            return plain(db)
        finally:
            db.close()

    def cold() -> object:
        with Store.open(study) as opened:
            return opened.index.samples(), opened.index.measurements()

    with Store.open(study) as store:
        times = interleaved(
            bare=lambda: plain(bare),
            store=lambda: (store.index.samples(), store.index.measurements()),
            bare_cold=plain_cold,
            cold=cold,
        )
        assert len(store.index.measurements()) == len(rows)
        size = store.layout.index.stat().st_size / 1e6
    bare.close()
    print(f"\nlist {samples} samples and {len(rows)} measurements, against bare sqlite3")
    row("  the index of an open study", times["store"] / times["bare"], 2.0, times["store"])
    row("  open the study, check the index's bytes, list", times["cold"] / times["bare_cold"], 2.0,
        times["cold"])  # fmt: skip
    count = samples + len(rows)
    print(
        f"  journal: {len(rows) / appended:.0f} records/s in batches; index built in {built:.2f} s "
        f"({count / built:.0f} records/s), {size:.0f} MB"
    )


def verifying(folder: Path, scale: float) -> None:
    """Verifying a study, in place of hashing the same bytes."""
    study = folder / "verifying"
    rng = np.random.default_rng(2)
    with Store.create(study, "benchmark") as store:
        for i in range(40):
            source = folder / "source.bin"
            source.write_bytes(rng.bytes(max(1, int(5e6 * scale))))
            file = store.put_file(source)
            store.append([("measurement", {"id": f"m-{i}", "files": [file.to_dict()]})])
        data = xr.Dataset({"v": ("x", rng.random(max(1, int(12_500_000 * scale))))})
        store.append([("finding", {"id": "f", "array": store.put_dataset(data)})])
        paths = [p for p in study.rglob("*") if p.is_file()]

        def plain() -> int:
            total = 0
            for path in paths:
                with path.open("rb") as file:
                    hashlib.file_digest(file, "sha256")
                    total += os.fstat(file.fileno()).st_size
            return total

        times = interleaved(plain=plain, verify=store.verify)
        report = store.verify()
        assert report.problems == []
    print(f"\nverify {report.bytes / 1e6:.0f} MB, against SHA-256 of the same files")
    row("  verify", times["verify"] / times["plain"], 1.5, times["verify"])
    print(f"  {report.bytes / times['verify'] / 1e9:.2f} GB/s")


def registering(folder: Path) -> None:
    """One durable record at a time."""
    with Store.create(folder / "registering", "benchmark") as store:
        source = folder / "small.xy"
        times = []
        for i in range(200):
            source.write_bytes(f"{i}".encode() * 2000)
            start = time.perf_counter()
            file = store.put_file(source)
            store.append_unless(
                lambda index, sha256=file.sha256: bool(index.using(f"raw:{sha256}")),
                [("measurement", {"id": f"m-{i}", "files": [file.to_dict()]})],
            )
            times.append(time.perf_counter() - start)
    print(f"\nregister one small file, durably: {statistics.median(times) * 1e3:.2f} ms")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the full size")
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reading(folder, scale)
        listing(folder, scale)
        verifying(folder, scale)
        registering(folder)


if __name__ == "__main__":
    main()
