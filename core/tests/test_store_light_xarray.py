"""A stored array is opened without importing every library of arrays; dask still works."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import numpy as np
import xarray as xr
from consilience.store.light_xarray import lighten
lighten()
data = xr.Dataset({"a": ("time", np.arange(5.0))}, coords={"time": np.arange(5.0)})
assert data["a"][1:3].to_numpy().tolist() == [1.0, 2.0]
loaded = {"dask.array", "sparse", "numba", "pint"} & set(sys.modules)
assert not loaded, loaded
import dask.array as da
lazy = xr.DataArray(da.arange(6, chunks=3), dims="x")
assert lazy.chunks == ((3, 3),)
assert lazy[2:5].to_numpy().tolist() == [2, 3, 4]
from xarray.namedarray import pycompat
assert pycompat.array_type("dask") == (da.Array,)
assert pycompat.mod_version("dask").major >= 2000
print("fine")
"""


def test_libraries_of_arrays_wait_until_they_are_wanted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "fine\n", done.stderr
