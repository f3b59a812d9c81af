"""The real logs, through the mappings of examples/real, against outside readings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from consilience.series import SeriesMapping
from consilience.series.importing import Imported, import_log
from consilience.store.zarr_reading import open_zarr
from consilience.study.study_file import read_study_file

STUDY = Path(__file__).parents[1] / "examples" / "real" / "study.toml"
pytestmark = pytest.mark.data


@pytest.fixture
def read(shared_data: Path, tmp_path: Path) -> Any:
    def of(name: str) -> tuple[Imported, xr.Dataset]:
        (table,) = [s for s in read_study_file(STUDY).series if s.file.endswith(name)]
        path = shared_data / table.file
        plan = SeriesMapping.model_validate(table.mapping)
        found = import_log(path, path, plan, tmp_path / "array")
        names = [p.parent.name for p in (tmp_path / "array").glob("*/zarr.json")]
        return found, open_zarr(tmp_path / "array", names).load()

    return of


def by_rosettasciio(path: Path, folder: Path) -> dict[str, np.ndarray]:
    reader = pytest.importorskip("rsciio.protochips", reason="needs rosettasciio")
    copy = shutil.copy(path, folder / path.name)
    return {
        signal["metadata"]["General"]["title"]: np.asarray(signal["data"])
        for signal in reader.file_reader(str(copy))
    }


def test_the_gas_cell_log(read: Any, shared_data: Path, tmp_path: Path) -> None:
    found, data = read("protochips_gas_cell.csv")
    assert found.rows == 3302
    assert found.start is None
    assert "began at 2014-12-15T19:07:04.165000" in " ".join(found.problems)
    assert "gap(s)" not in " ".join(found.problems)
    assert float(data["time"][-1]) == pytest.approx(856.052)
    # the figures of the data's README: 25..35 °C, 0..738.5 Torr, vacuum tank 0.151..728.3 Torr
    assert float(data["temperature"].min()) == pytest.approx(298.15)
    assert float(data["temperature"].max()) == pytest.approx(308.15, abs=1e-3)
    assert float(data["pressure"].min()) == 0.0
    assert float(data["pressure"].max()) == pytest.approx(738.5253876 * 101325 / 760)
    assert float(data["pressure_vacuum_tank"].min()) == pytest.approx(0.151, abs=1e-3)
    assert float(data["pressure_vacuum_tank"].max()) == pytest.approx(728.3, abs=0.05)
    notes = dict(zip(data["note_time"].to_numpy(), data["note_text"].to_numpy(), strict=True))
    assert notes[619.236] == "Experiment type = Vacuum"
    outside = by_rosettasciio(shared_data / "environment_log/protochips_gas_cell.csv", tmp_path)
    # that reader leaves out the nine rows whose notes describe the log
    kelvin = outside["Holder Temperature (Degrees C)"] + 273.15
    np.testing.assert_allclose(data["temperature"][9:], kelvin, rtol=1e-12)
    pascal = outside["Holder Pressure (Torr)"] * 101325 / 760
    np.testing.assert_allclose(data["pressure"][9:], pascal, rtol=1e-11)
    tank = outside["Tank2 Pressure (Torr)"]
    np.testing.assert_array_equal(data["pressure_tank_2"][9:], tank)


def test_the_heating_log(read: Any, shared_data: Path, tmp_path: Path) -> None:
    found, data = read("protochips_thermal.csv")
    assert found.rows == 2587
    assert "began at 2014-12-03T17:15:37.192000" in " ".join(found.problems)
    assert float(data["time"][-1]) == pytest.approx(257.649)
    outside = by_rosettasciio(shared_data / "environment_log/protochips_thermal.csv", tmp_path)
    (celsius,) = outside.values()
    np.testing.assert_allclose(data["temperature"][9:], celsius + 273.15, rtol=1e-12)
    assert float(data["temperature"].max()) == pytest.approx(393.15)


def test_the_log_of_an_atom_probe_run(read: Any, shared_data: Path) -> None:
    found, data = read("AL_data_b.h5")
    assert (found.rows, found.start) == (1000, None)
    assert found.units == {"temperature": "K", "main_chamber_vacuum": "not stated"}
    assert "the log's clock has no date: it has no place in time" in found.problems
    with h5py.File(shared_data / "environment_log/AL_data_b.h5") as file:
        hours, minutes, seconds = (file[f"time/time_{k}"][:].astype(float) for k in "hms")
        clock = 3600 * hours + 60 * minutes + seconds
        np.testing.assert_array_equal(data["time"], clock - clock[0])
        np.testing.assert_array_equal(data["temperature"], file["oxcart/temperature"][:])
        vacuum = file["oxcart/main_chamber_vacuum"][:]
        np.testing.assert_array_equal(data["main_chamber_vacuum"], vacuum)
    assert float(data["time"][-1]) == 109.0
    assert float(data["temperature"].min()) == pytest.approx(35.1591, abs=1e-5)
    assert float(data["temperature"].max()) == pytest.approx(35.1665, abs=1e-5)
