"""Readers that do, in a worker, whatever the file tells them to."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from consilience.errors import BadFileError
from consilience.model.measurement import Notice, Signal


def mark(path):
    """Text in the command line of a process that the file has made a reader leave behind."""
    return f"left behind by {path}"


def good(path, options, companions):
    y = np.array([float(t) for t in path.read_text().split()[1:]] or [4.0, 9.0, 16.0])
    data = xr.Dataset(
        {
            "intensity": ("q", y, {"units": "counts", "ancillary_variables": "intensity_std"}),
            "intensity_std": ("q", np.sqrt(y), {"units": "counts"}),
        },
        coords={"q": ("q", np.arange(y.size) + 1.0, {"units": "1/angstrom"})},
    )
    return Signal(
        "scan",
        "fake",
        data,
        metadata={"operator": options.get("operator", "unknown"), "from": str(path)},
        raw_metadata={
            "path": str(path),
            "gain": np.float32(2.0),
            "offset": float("nan"),
            "bytes": b"\xff",
            "roles": {role: p.read_text() for role, p in companions.items()},
        },
        notices=[Notice(code="noted", message=f"read {path}")],
    )


def read(path, options, companions):
    """Do what the first word of the file says."""
    word = path.read_text().split()[0]
    result = globals()[f"do_{word}"](path, good(path, options, companions))
    return result if isinstance(result, list) else [result]


def read_bare(path, options, companions):
    return {"not": "a list"}


def linked(path):
    if path.read_text().startswith("hang"):
        while True:
            pass
    return path.read_text().split("\n")


def do_good(path, signal):
    return signal


def do_segv(path, signal):
    ctypes.string_at(0)


def do_abort(path, signal):
    os.abort()


def do_exit(path, signal):
    os._exit(3)


def do_sysexit(path, signal):
    sys.exit(2)


def do_loop(path, signal):
    while True:
        pass


def do_loop_in_c(path, signal):
    # holds the GIL for ever: no thread of this process runs again
    ctypes.PyDLL(None).pause()


def do_spin(path, signal):
    threads = [threading.Thread(target=do_loop, args=(path, signal)) for _ in range(2)]
    for thread in threads:
        thread.start()
    do_loop(path, signal)


def do_memory(path, signal):
    return np.ones(1 << 30)


def do_memory_bit_by_bit(path, signal):
    kept = []
    while True:
        kept.append(bytearray(1 << 24))


def do_memory_shared(path, signal):
    block = mmap.mmap(-1, 1 << 30)
    for i in range(0, 1 << 30, 1 << 26):
        block[i : i + (1 << 26)] = bytes(1 << 26)
    time.sleep(60)


def do_flood(path, signal):
    while True:
        print("x" * 10_000)


def do_chat(path, signal):
    print(f"reading {path}")
    os.write(2, b"\xfe" * 300_000 + b"the end of a long story\n")
    subprocess.run(["echo", "said by a child process"], check=True)
    return signal


def do_protocol(path, signal):
    for fd in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(fd, b"\0\0\0\0\0\0\0\x02{}")
    time.sleep(60)


def do_close(path, signal):
    os.closerange(3, 64)
    time.sleep(60)


def do_sleeper(path, signal):
    """Leave a process in the group."""
    subprocess.Popen([sys.executable, "-c", f"import time; {mark(path)!r}; time.sleep(300)"])
    return signal


def do_orphan(path, signal):
    """Leave a daemon: own session, no living ancestor but init or the worker."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            code = f"import time; {mark(path)!r}; time.sleep(300)"
            os.execv(sys.executable, [sys.executable, "-c", code])
        os._exit(0)
    os.wait()
    return signal


def do_orphan_exit(path, signal):
    do_orphan(path, signal)
    time.sleep(0.2)
    os._exit(1)


def do_fork(path, signal):
    """Both copies come back."""
    os.fork()
    return signal


def do_type(path, signal):
    return [signal, "scan"]


def do_nothing(path, signal):
    return []


def do_nan(path, signal):
    return changed(signal, q=[1.0, float("nan"), 3.0])


def do_inf(path, signal):
    return changed(signal, q=[1.0, 2.0, float("inf")])


def do_unordered(path, signal):
    return changed(signal, q=[1.0, 3.0, 2.0])


def changed(signal, q):
    return replace(signal, data=signal.data.assign_coords(q=("q", q, {"units": "1/angstrom"})))


def do_unit(path, signal):
    signal.data["intensity"].attrs["units"] = "furlong"
    signal.data["q"].attrs["units"] = "degree"
    return signal


def do_no_unit(path, signal):
    del signal.data["intensity"].attrs["units"]
    return signal


def do_extra(path, signal):
    signal.data["monitor"] = ("q", np.ones(3))
    return signal


def do_unit_type(path, signal):
    signal.data["intensity"].attrs["units"] = 1
    return signal


def do_complex(path, signal):
    return replace(
        signal, data=signal.data.assign_coords(q=("q", [1j, 2j, 3j], {"units": "1/angstrom"}))
    )


def do_labels(path, signal):
    return replace(
        signal,
        data=signal.data.rename(q="line").assign_coords(
            line=("line", ["Ka", "Kb", "Ka"], {"units": "1"})
        ),
    )


def do_absurd(path, signal):
    """Three bytes that claim to be four tebibytes."""
    signal.data["map"] = (
        ("y", "x"),
        np.broadcast_to(np.float32(1.0), (1 << 21, 1 << 20)),
        {"units": "1"},
    )
    return signal


def do_masked(path, signal):
    signal.data["intensity"][1] = np.nan
    signal.data["intensity"].attrs["missing"] = "dead pixel"
    return signal


def do_hole(path, signal):
    signal.data["intensity"][1] = np.nan
    return signal


def do_std_negative(path, signal):
    signal.data["intensity_std"][1] = -1.0
    return signal


def do_std(path, signal):
    signal.data["intensity"].attrs["ancillary_variables"] = "sigma"
    signal.data["intensity_std"].attrs["units"] = "1"
    signal.data["intensity_std"][1] = -1.0
    return signal


def do_modality(path, signal):
    return [replace(signal, modality="xrd"), signal, signal]


def do_object(path, signal):
    signal.data["thing"] = ("q", np.array([{}, 1, None], dtype=object))
    return signal


def do_empty(path, signal):
    return replace(signal, data=signal.data.isel(q=slice(0, 0)))


def do_metadata_nan(path, signal):
    return replace(signal, metadata={"energy": float("nan")})


def do_metadata_object(path, signal):
    return replace(signal, raw_metadata={"a": [object()]})


def do_links(path, signal):
    return replace(signal, linked=["frames/1.tif", "../../etc/passwd"])


def do_links_windows(path, signal):
    return replace(signal, linked=["C:\\frames\\1.tif", "..\\2.tif"])


def do_scale(path, signal):
    signal.data["intensity"].attrs["scale_factor"] = 2.0
    return signal


def do_raise(path, signal):
    raise ValueError("could not convert\nstring to float: 'abc'")


def do_raise_path(path, signal):
    raise OSError(f"{path} and {path.parent / 'other.bin'} are odd")


def do_raise_unprintable(path, signal):
    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    raise Nasty


def do_recursion(path, signal):
    return do_recursion(path, signal)


def do_refuse(path, signal):
    raise BadFileError(f"{path}: row 3 is cut off", fix=f"look at {path}", line=3)


def do_refuse_own(path, signal):
    class OwnError(BadFileError):
        """As a plugin may define."""

    raise OwnError("not mine", fix="none")


def do_big_file(path, signal):
    Path("big").write_bytes(bytes(3 << 20))


def do_big_reply(path, signal):
    return replace(signal, metadata={"text": "x" * (2 << 20)})


def do_warn(path, signal):
    for _ in range(3):
        warnings.warn(f"the header of {path} is odd", UserWarning, stacklevel=1)
    warnings.warn("use the new way", DeprecationWarning, stacklevel=1)
    logging.getLogger("some.library").warning("gain of %s unknown", path)
    logging.getLogger("some.library").info("not for the user")
    import fake_worker_noisy  # noqa: F401

    return signal


def do_scratch(path, signal):
    raise ValueError(f"cannot unpack into {tempfile.gettempdir()}/x or {Path.cwd()}")


def do_modules(path, signal):
    heavy = {"consilience.registry", "pluggy", "hyperspy", "pymatgen", "matplotlib", "typer"}
    return replace(signal, metadata={"loaded": sorted(heavy & set(sys.modules))})


def do_leak_state(path, signal):
    os.chdir("/")
    os.environ["LANG"] = "nonsense"
    sys.stdout = None
    return signal


def do_lazy(path, signal):
    from consilience.validation import summarise

    return Signal("scan", "fake", lazy={"start": 5}, summary=summarise(open_lazy(path, {}, {})))


def do_lazy_wrong(path, signal):
    from consilience.validation import summarise

    data = open_lazy(path, {}, {}).isel(q=slice(0, 2))
    return Signal("scan", "fake", lazy={"start": 5}, summary=summarise(data))


def do_lazy_absurd(path, signal):
    """A damaged header: the raw file must not even be opened."""
    from consilience.model.measurement import DataSummary, VariableSummary

    item = VariableSummary(dims=["y", "x"], shape=[1 << 21, 1 << 20], unit="counts", dtype="<f4")
    summary = DataSummary(variables={"intensity": item}, coordinates={})
    return Signal("scan", "fake", lazy={"start": 5}, summary=summary)


def open_bad_axis(path, companions, lazy):
    return changed(good(path, {}, companions), q=[1.0, 3.0, 2.0]).data


def open_bad_values(path, companions, lazy):
    """Only the worker that reads all of a raw file could see it."""
    return do_hole(path, good(path, {}, companions)).data


def open_list(path, companions, lazy):
    return [1, 2]


def open_lazy(path, companions, lazy):
    return good(path, {}, companions).data


def check_total(signal):
    total = float(signal.data["intensity"].sum())
    return [Notice(code="total", message=f"the sum is {total:g}", severity="info")]


def check_broken(signal):
    raise KeyError("monitor")


def check_wrong(signal):
    return "fine"
