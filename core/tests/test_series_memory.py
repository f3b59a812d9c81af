"""A log of any length is imported in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

CHILD = """
import json, sys
from pathlib import Path
import h5py, pandas, xarray, zarr
from consilience.quantities import parse_quantity
from consilience.series.importing import import_log
from consilience.series.mapping import SeriesMapping

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024

xarray.Dataset({"warm": ("up", [parse_quantity("1 mbar", "Pa").value])})
path, plan = Path(sys.argv[1]), SeriesMapping.model_validate(json.loads(sys.argv[2]))
before = peak()
found = import_log(path, path, plan, path.with_name(path.name + "-array"))
print(json.dumps({"rows": found.rows, "peak": peak() - before, "problems": found.problems}))
"""
ROWS = {"csv": (400_000, 1_600_000), "h5": (1_200_000, 3_600_000)}
COLUMNS = {"temperature": "K", "pressure": "Pa", "o2": "ppm", "h2o": "ppm"}


def imported(path: Path, plan: dict[str, Any]) -> dict[str, Any]:
    out = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), json.dumps(plan)],
        check=True, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(out.stdout)
    return found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("form", ["csv", "h5"])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, form: str) -> None:
    prefix = "/" if form == "h5" else ""
    plan = {
        "gap": "1 s",
        "time": {"column": f"{prefix}t", "unit": "s"},
        "columns": {
            name: {"column": prefix + name, "unit": unit, "stuck": "1 h"}
            for name, unit in COLUMNS.items()
        },
    }
    found = {}
    few, many = ROWS[form]
    for rows in (few, many):
        path = tmp_path / f"{rows}.{form}"
        if form == "csv":
            path.write_text(f"t,{','.join(COLUMNS)}\n" + "5.0,90.25,1.5e-7,0.125,0.5\n" * rows)
        else:
            with h5py.File(path, "w") as file:
                for name in ("t", *COLUMNS):
                    file.create_dataset(name, data=np.full(rows, 5.0), chunks=(65536,))
        found[rows] = imported(path, plan)
        assert found[rows]["rows"] == rows
    grown = (many - few) * 8 * (1 + len(COLUMNS)) / 1e6
    assert grown > 45.0  # MB, were the log held
    assert found[many]["peak"] < found[few]["peak"] + 12.0
    assert found[many]["peak"] < 100.0
