"""Maps of other programs, SPEC and .spe."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from xrf_files import spectra, write_aps, write_diamond, write_pymca, write_spe, write_spec

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.probing import probe_file
from consilience_xrf.files.aps_maps import read_aps_maps
from consilience_xrf.files.cube import open_cube
from consilience_xrf.files.nexus import read_nexus
from consilience_xrf.files.probe import probe_aps, probe_mca, probe_pymca, probe_spe, probe_spec
from consilience_xrf.files.pymca_result import read_pymca
from consilience_xrf.files.spe import read_spe
from consilience_xrf.files.spec import read_spec


def test_maps_of_diamond_with_positions_elsewhere(tmp_path: Path) -> None:
    (signal,) = read_nexus(write_diamond(tmp_path / "i14-1-xrf_windows.nxs"), {}, {})
    assert signal.modality == "xrf_map"
    assert signal.origin == "simulated"
    data = signal.data
    assert data is not None
    assert data["Pt_La"].attrs["element"] == "Pt"
    assert data["Pt_La"].attrs["line"] == "La"
    assert data["Pt_La"].attrs["units"] == "count"
    assert data["Pt_La_std"].values == pytest.approx(np.sqrt(data["Pt_La"].values))
    assert data["x"].values.tolist() == [0, 1, 2, 3]
    assert data["x"].attrs["units"] == "mm"
    assert data["measured"].values.all()
    assert [n.code for n in signal.notices] == ["maps-without-unit"]


def test_scaled_maps_and_areal_densities_get_no_poisson_errors(tmp_path: Path) -> None:
    (signal,) = read_nexus(write_diamond(tmp_path / "a.nxs", "ug/cm2"), {}, {})
    assert signal.data is not None
    assert signal.data["Fe_Ka"].attrs["units"] == "ug/cm^2"
    assert "Fe_Ka_std" not in signal.data


def test_xrf_maps_of_both_versions(tmp_path: Path) -> None:
    path = write_aps(tmp_path / "a.h5")
    assert probe_aps(probe_file(path)) is Claim.YES
    maps, cube = read_aps_maps(path, {"position_unit": "um"}, {})
    data = maps.data
    assert data is not None
    assert data["Fe_K"].attrs["units"] == "count/s"
    assert data["Pt_L"].attrs["element"] == "Pt"
    assert data["Pt_L"].values.ravel().tolist() == list(range(12, 24))
    assert "element" not in data["compton_amplitude"].attrs
    assert data["monitor"].values == pytest.approx(5e4)
    assert data["monitor"].attrs["units"] == "count"
    assert data["live_time"].values[0, 1] == 0
    assert data["x"].attrs["units"] == "um"
    said = {n.code: n.fix for n in maps.notices}
    assert said == {"other-methods": "--option method=ROI"}
    assert cube.lazy is not None
    opened = open_cube(path, {}, cube.lazy)
    assert opened["counts"].dims == ("y", "x", "channel")
    assert (opened["counts"].values == spectra((3, 4))).all()
    assert (opened["counts"][1:, 2].values == spectra((3, 4))[1:, 2]).all()
    assert opened["energy"].values[-1] == pytest.approx(12.75)
    assert {"live-time-zero", "no-incident-energy"} <= {n.code for n in cube.notices}
    roi, _ = read_aps_maps(path, {"method": "ROI"}, {})
    assert roi.data is not None
    assert roi.data["Fe_K"].values == pytest.approx(2 * data["Fe_K"].values)
    old, _ = read_aps_maps(write_aps(tmp_path / "old.h5", legacy=True), {}, {})
    assert old.data is not None
    assert old.data["Cu_K"].shape == (3, 4)


def test_xrf_maps_says_what_it_lacks(tmp_path: Path) -> None:
    path = write_aps(tmp_path / "a.h5")
    with pytest.raises(BadInputError, match="no maps of the method NNLS"):
        read_aps_maps(path, {"method": "NNLS"}, {})
    with pytest.raises(BadInputError, match="no scaler 'I5'"):
        read_aps_maps(path, {"monitor": "I5"}, {})
    with h5py.File(path, "r+") as file:
        del file["MAPS/XRF_Analyzed/Fitted/Channel_Names"]
    with pytest.raises(BadFileError, match="0 channel names stand for 5 maps"):
        read_aps_maps(path, {}, {})


def test_results_of_pymca(tmp_path: Path) -> None:
    path = write_pymca(tmp_path / "a.h5")
    assert probe_pymca(probe_file(path)) is Claim.YES
    (signal,) = read_pymca(path, {}, {})
    data = signal.data
    assert data is not None
    assert data["Pt_L"].values == pytest.approx(200.0)
    assert data["Pt_L_std"].values == pytest.approx(20.0)
    assert data["Pt_L"].attrs["std_from"] == "file"
    assert data["fe_k_fraction"].attrs["quantity"] == "mass fraction"
    assert "element" not in data["scatter_peak000"].attrs


@pytest.mark.skipif(importlib.util.find_spec("PyMca5") is None, reason="needs PyMca")
def test_what_pymca_itself_writes(tmp_path: Path) -> None:
    from PyMca5.PyMcaPhysics.xrf.XRFBatchFitOutput import OutputBuffer

    buffer = OutputBuffer(outputDir=str(tmp_path), outputRoot="made", fileEntry="scan",
                          tif=False, edf=False, csv=False, h5=True, overwrite=True)  # fmt: skip
    with buffer.saveContext():
        for group, factor in (("parameters", 100.0), ("uncertainties", 10.0)):
            made: Any = buffer.allocateMemory(
                group,
                group=group,
                shape=(2, 3, 4),
                dtype=np.float64,
                labels=["Fe_K", "Pb_L"],
                memtype="ram",
                fill_value=factor,
            )
            assert made is not None
    (path,) = tmp_path.glob("*.h5")
    assert probe_pymca(probe_file(path)) is Claim.YES
    (signal,) = read_pymca(path, {}, {})
    assert signal.data is not None
    assert signal.data["Fe_K"].values == pytest.approx(100.0)
    assert signal.data["Pb_L_std"].values == pytest.approx(10.0)


def test_a_spec_mesh_becomes_a_map(tmp_path: Path) -> None:
    path = write_spec(tmp_path / "a.spec")
    assert probe_spec(probe_file(path)) is Claim.YES
    assert probe_mca(probe_file(path)) is Claim.NO
    mesh, single = read_spec(path, {"position_unit": "mm"}, {})
    assert mesh.origin == "simulated"
    data = mesh.data
    assert data is not None
    assert (data["counts"].values == spectra((2, 3))).all()
    assert data["x"].values == pytest.approx([0, 0.5, 1.0])
    assert data["monitor"].values.tolist() == [[1000, 1001, 1002]] * 2
    assert data["dwell"].attrs["units"] == "s"
    assert {n.code for n in mesh.notices} == {"snake", "energy-without-unit"}
    assert mesh.metadata["live_time"] == {"value": 0.09, "unit": "s"}
    assert single.data is not None
    assert single.data["counts"].dims == ("channel",)
    assert "counts_std" in single.data
    known, _ = read_spec(path, {"energy_unit": "keV", "incident_energy": 11}, {})
    assert known.data is not None
    assert known.data["energy"].values[-1] == pytest.approx(12.75)
    assert "energy_check" in known.metadata


def test_a_spec_file_cut_off_is_told(tmp_path: Path) -> None:
    path = write_spec(tmp_path / "a.spec")
    text = path.read_text(encoding="ascii").split("#S 2")[0]
    path.write_text(text[: text.rindex("@A") + 300], encoding="ascii")
    with pytest.raises(BadFileError, match=r"spectrum 6 of 6 has \d+ channels, others 256"):
        read_spec(path, {}, {})
    path.write_text("#F a\n\n#S 1 ascan x 0 1 1 1\n#N 1\n#L x\n1\n2\n", encoding="ascii")
    with pytest.raises(BadFileError, match="1 scans and no spectrum"):
        read_spec(path, {}, {})


def test_a_spectrum_in_sections(tmp_path: Path) -> None:
    path = write_spe(tmp_path / "a.spe")
    assert probe_spe(probe_file(path)) is Claim.YES
    (signal,) = read_spe(path, {}, {})
    assert signal.origin == "simulated"
    assert signal.data is not None
    assert signal.data["counts"].shape == (256,)
    assert signal.data["energy"].values[1] == pytest.approx(0.05)
    assert signal.metadata["live_time"] == {"value": 90.0, "unit": "s"}
    (bare,) = read_spe(write_spe(tmp_path / "b.spe", unit=""), {}, {})
    assert bare.data is not None
    assert "energy" not in bare.data.coords
    text = path.read_text(encoding="ascii").replace("0 255", "0 300")
    path.write_text(text, encoding="ascii")
    with pytest.raises(BadFileError, match="has 256 counts for the channels 0 to 300"):
        read_spe(path, {}, {})
