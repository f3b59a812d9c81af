"""What a refusal says of a file or parameter: the reason, whose it is, where it belongs."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.errors import AmbiguousReaderError, BadInputError
from consilience.probing import choose_reader
from consilience.registry import Registry
from consilience.simulating import simulate_files

pytest.importorskip("consilience_xrf")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = Study.create(tmp_path / "study")
    made.add_sample("film", elements=["Fe"])
    return made


def test_readers_that_decline_are_heard_without_being_named(study: Study, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mca"
    bad.write_text("#@CALIB 0 0.01 0\n12\nnot a count\n14\n")
    with pytest.raises(AmbiguousReaderError) as caught:
        study.add(bad, "film")
    assert "bad.mca' is not what its name says: xrf.mca: " in caught.value.what
    assert "xrf.spec: " in caught.value.what
    assert "to hear why" not in caught.value.fix
    assert not study.measurements()


def test_a_generic_hdf5_is_told_what_readers_of_hdf5_there_are(tmp_path: Path) -> None:
    path = tmp_path / "any.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(5.0)
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(Registry.discover(), path)
    assert caught.value.what == "'any.h5' holds nothing that a reader of such names knows"
    assert "apt.hdf5 (reconstructed ions in HDF5 (PyCCAPT, NXapm))" in caught.value.fix
    assert "xrf.nexus (NeXus: scans of spectra" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "role"), [("gain_1.txt", "gain"), ("my-intercept.txt", "intercept")]
)
def test_a_table_is_told_with_which_role_it_goes(name: str, role: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("0.01 0.01\n")
    with pytest.raises(AmbiguousReaderError) as caught:
        choose_reader(Registry.discover(), tmp_path / name)
    assert caught.value.fix.startswith(
        f"give it beside the file it belongs to, as --with {role}=FILE; "
    )


def test_a_parameter_without_an_analysis_is_told_whose_it_is(tmp_path: Path) -> None:
    made = simulate_files(Registry.discover(), "xrf.lines", tmp_path / "made", seed=1)
    command = ["quick", str(made.files[0]), "--elements", "Fe", "--param"]
    done = CliRunner().invoke(app, [*command, "incident_energy=17"])
    assert done.exit_code == 2
    assert "would run: 'incident_energy' is taken by " in done.output
    assert "fix: name one of them: --analysis xrf.elements" in done.output
    done = CliRunner().invoke(app, [*command, "nonsense=17"])
    assert "'nonsense' is taken by nothing that can read these measurements" in done.output


def test_spectra_that_are_not_numbers_are_no_matter_of_the_shutter() -> None:
    import xarray as xr

    from consilience_xrf.files.look import look_at
    from consilience_xrf.fitting.unusable import no_spectrum

    counts = np.full((4, 5, 64), np.nan)
    (fault,) = look_at(xr.DataArray(counts, dims=("y", "x", "channel"))).notices
    assert fault.message == f"none of {counts.size} values is a number"
    assert "NaN" in str(fault.fix)
    assert isinstance(error := no_spectrum(counts), BadInputError)
    assert error.what == "no spectrum can be fitted: of 20, 20 with values that are not finite"
    counts[:] = 0.0
    counts[0, 0, 0] = -1.0
    mixed = no_spectrum(counts)
    assert mixed.what.endswith("1 with counts below zero, 19 without counts")
    assert mixed.fix == "check the shutter and the file"
