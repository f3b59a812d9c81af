"""Files of microscopes: what is read, what goes to HyperSpy and back, what is refused."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import choose_reader
from consilience.registry import Registry
from consilience_eels.files.bridge import from_hyperspy, to_hyperspy
from consilience_eels.files.checks import check_edx, check_spectrum
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.files.reading import read_msa
from consilience_eels.files.units import known_unit
from consilience_eels.simulation.particle import EdxParams, simulate_edx

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REAL = {
    "EDS_TEM_FePt_nanoparticles.hspy": ["edx"],
    "EELS_SI.dm4": ["eels"],
    "EELS_STO.dm3": ["eels"],
    "Test_SI_16x16_215_kx.emd": ["edx"] * 4 + ["stem"] * 5 + ["edx"],
    "example_velox_EELS_EDS.emd": ["edx"] * 6 + ["stem"] * 8 + ["eels"] * 3 + ["edx"],
    "test_TEM.bcf": ["stem", "edx"],
}


@pytest.fixture(scope="module")
def hs() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hyperspy.api as api
    return api


def loaded(hs: Any, path: Path) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hs.load(str(path))
    return found if isinstance(found, list) else [found]


def plain(tree: dict[str, Any]) -> dict[str, Any]:
    """Metadata without what is only about the run."""
    general = dict(tree.get("General", {}))
    general.pop("FileIO", None)
    if "original_filename" in general:
        general["original_filename"] = Path(general["original_filename"]).name
    return {**tree, "General": general}


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple | np.ndarray):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) or (left != left and right != right)


def the_same_signal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    assert one.data.dtype == other.data.dtype
    np.testing.assert_array_equal(one.data, other.data)
    for mine, theirs in zip(one.axes_manager._axes, other.axes_manager._axes, strict=True):
        assert mine.get_axis_dictionary() == theirs.get_axis_dictionary()
        np.testing.assert_array_equal(mine.axis, theirs.axis)
    assert plain(one.metadata.as_dictionary()) == plain(other.metadata.as_dictionary())
    assert same(one.original_metadata.as_dictionary(), other.original_metadata.as_dictionary())


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_files_go_to_hyperspy_and_back_without_loss(
    shared_data: Path, hs: Any, name: str
) -> None:
    path = shared_data / "eels_edx" / name
    assert choose_reader(Registry.discover(), path).key == "eels.microscope"
    signals = read_microscope(path, {}, {})
    assert [s.modality for s in signals] == REAL[name]
    for signal, original in zip(signals, loaded(hs, path), strict=True):
        back = to_hyperspy(signal)
        the_same_signal(back, original)
        again = from_hyperspy(back, name=signal.name)
        assert again.data is not None
        assert signal.data is not None
        assert again.data.identical(signal.data)


@pytest.mark.data
def test_dm4_spectrum_image_as_its_readme_says(shared_data: Path) -> None:
    (signal,) = read_microscope(shared_data / "eels_edx" / "EELS_SI.dm4", {}, {})
    assert signal.data is not None
    counts = signal.data["counts"]
    assert counts.dims == ("y", "x", "energy_loss")
    assert counts.shape == (2, 2, 2048)
    assert signal.data["energy_loss"].values[[0, -1]].tolist() == [300.0, 2347.0]
    assert float(np.diff(signal.data["x"].values)[0]) == pytest.approx(1.992, abs=1e-3)
    assert signal.data["x"].attrs["units"] == "nm"
    for name, value, unit in (
        ("beam_energy", 200.0, "keV"),
        ("convergence_angle", 21.0, "mrad"),
        ("collection_angle", 62.0, "mrad"),
    ):
        assert signal.metadata[name] == {"value": value, "unit": unit}
    assert "beam_current" not in signal.metadata, "the file says 0"
    assert "recorded-as-zero" in {n.code for n in signal.notices}
    (exposure,) = signal.exposures
    assert exposure.fluence is None
    assert exposure.duration is not None
    assert exposure.duration.value == pytest.approx(4 * 0.0199501, rel=1e-5)
    assert isinstance(signal.raw_metadata, dict)
    assert "ImageList" in signal.raw_metadata["original_metadata"]


@pytest.mark.data
def test_velox_lengths_are_all_in_nm_and_the_screen_current_is_no_dose(shared_data: Path) -> None:
    signals = read_microscope(shared_data / "eels_edx" / "example_velox_EELS_EDS.emd", {}, {})
    steps = {
        round(float(np.diff(s.data["x"].values)[0]), 3)
        for s in signals
        if s.data is not None and "x" in s.data and s.data["x"].attrs["units"] == "nm"
    }
    assert steps == {158.658}, "the file has both nm and um"
    assert "screen_current" in signals[-1].metadata
    assert all(e.fluence is None for s in signals for e in s.exposures)


@pytest.mark.data
def test_no_beam_is_noticed_where_there_was_none_and_nowhere_else(shared_data: Path) -> None:
    silent = set()
    for path in sorted((shared_data / "eels_edx").iterdir()):
        read = read_msa if path.suffix == ".msa" else read_microscope
        for signal in read(path, {}, {}):
            check = {"eels": check_spectrum, "edx": check_edx}.get(signal.modality)
            if check and "no-beam" in {n.code for n in check(signal)}:
                silent.add((path.name, signal.name))
    assert len(silent) == 10
    assert {name for name, _ in silent} == {"example_velox_EELS_EDS.emd"}


@pytest.mark.data
def test_msa_becomes_a_signal_of_exspy(shared_data: Path) -> None:
    (signal,) = read_msa(shared_data / "eels_edx" / "lowloss_spectrum.msa", {}, {})
    spectrum = to_hyperspy(signal)
    assert type(spectrum).__name__ == "EELSSpectrum"
    axis = spectrum.axes_manager.signal_axes[0]
    assert (axis.scale, axis.offset, axis.units) == (pytest.approx(0.2), -40.0, "eV")
    assert axis.is_binned


def test_fluence_follows_from_current_dwell_and_step(tmp_path: Path) -> None:
    path, _ = simulate_edx(EdxParams(), 1, tmp_path)
    (signal,) = read_microscope(path, {}, {})
    assert signal.exposures == [], "nothing was irradiated"
    spectrum = to_hyperspy(signal)
    spectrum.metadata.General.notes = ""
    (exposure,) = from_hyperspy(spectrum).exposures
    assert exposure.fluence is not None
    # 0.1 nA for 0.5 s on (20 angstrom)^2
    assert exposure.fluence.value == pytest.approx(0.1e-9 * 0.5 / 1.602176634e-19 / 400.0)
    assert exposure.source == "derived"
    assert "N/s²" in exposure.formula
    assert exposure.duration is not None
    assert exposure.duration.value == 8.0
    shared = from_hyperspy(spectrum, same_as="HAADF").exposures[0]
    assert shared.fluence is None
    assert "HAADF" in shared.formula


def test_a_part_of_a_measurement_keeps_its_axes(hs: Any) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    spectrum = hs.signals.Signal1D(values)
    spectrum.set_signal_type("EELS")
    axes = spectrum.axes_manager
    axes[-1].units, axes[-1].offset, axes[-1].scale = "keV", 0.1, 0.001
    axes[0].units, axes[0].scale = "um", 0.25
    signal = from_hyperspy(spectrum)
    assert signal.data is not None
    assert signal.data["energy_loss"].values == pytest.approx([100.0, 101.0, 102.0, 103.0])
    assert signal.data["x"].values == pytest.approx([0.0, 250.0, 500.0])
    assert signal.data["y"].attrs["units"] == "1"
    cut = Signal("cut", "eels", signal.data.isel(x=slice(1, 3)))
    back = to_hyperspy(cut)
    assert back.axes_manager[0].axis == pytest.approx([250.0, 500.0])
    assert back.axes_manager[-1].units == "eV"
    np.testing.assert_array_equal(back.data, values[:, 1:])


def test_axis_in_channels_is_refused_and_the_user_can_say(hs: Any, tmp_path: Path) -> None:
    spectrum = hs.signals.Signal1D(np.arange(50.0))
    spectrum.set_signal_type("EELS")
    path = tmp_path / "channels.hspy"
    spectrum.save(path)
    with pytest.raises(BadFileError, match="neither eV nor keV"):
        read_microscope(path, {}, {})
    (signal,) = read_microscope(path, {"energy_unit": "eV"}, {})
    assert signal.data is not None
    assert signal.data["energy_loss"].attrs["units"] == "eV"


def test_spectrum_without_a_type_needs_the_user(hs: Any, tmp_path: Path) -> None:
    spectrum = hs.signals.Signal1D(np.arange(50))
    spectrum.axes_manager[-1].units = "keV"
    path = tmp_path / "untyped.hspy"
    spectrum.save(path)
    with pytest.raises(BadFileError, match="holds nothing that can be taken"):
        read_microscope(path, {}, {})
    (signal,) = read_microscope(path, {"signal": "EDX"}, {})
    assert signal.modality == "edx"
    with pytest.raises(BadInputError, match="none of EELS, EDX"):
        read_microscope(path, {"signal": "banana"}, {})


def test_complex_image_is_refused_by_name(hs: Any) -> None:
    image = hs.signals.Signal2D(np.ones((4, 4), dtype=complex))
    image.metadata.General.title = "FFT"
    image.metadata.Signal.signal_type = ""
    with pytest.raises(BadFileError, match="'FFT' holds complex128"):
        from_hyperspy(image, modality="stem")


@pytest.mark.parametrize("unit", ["", None, "furlong", "px"])
def test_unknown_units_stay_unknown(unit: str | None) -> None:
    assert known_unit(unit) is None


# -- files that would do harm -------------------------------------------------------------------


def sound(tmp_path: Path) -> Path:
    return simulate_edx(EdxParams(pixels=2), 1, tmp_path)[0]


def test_axis_as_expression_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    path = sound(tmp_path)
    with h5py.File(path, "r+") as file:
        group = next(iter(file["Experiments"].values()))
        group["axis-0"].attrs["expression"] = "__import__('os').system('touch harm')"
    with pytest.raises(BadFileError, match="as an expression, which would be run as code"):
        read_microscope(path, {}, {})


def test_links_out_of_the_file_are_refused(tmp_path: Path) -> None:
    path = sound(tmp_path)
    with h5py.File(path, "r+") as file:
        group = next(iter(file["Experiments"].values()))
        group["other"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(BadFileError, match="links are not followed"):
        read_microscope(path, {}, {})


def test_data_in_another_file_are_refused(tmp_path: Path) -> None:
    path = sound(tmp_path)
    with h5py.File(path, "r+") as file:
        group = next(iter(file["Experiments"].values()))
        del group["data"]
        group.create_dataset(
            "data", (2, 2, 640), "u1", external=[("secret.bin", 0, h5py.h5f.UNLIMITED)]
        )
    with pytest.raises(BadFileError, match="keeps the data of"):
        read_microscope(path, {}, {})


def test_zipped_store_with_a_codec_that_unpickles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "harm.zspy"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/.zarray", '{"filters": [{"id": "pickle"}], "dtype": "|O"}')
    with pytest.raises(BadFileError, match="codec 'pickle', which runs code"):
        read_microscope(path, {}, {})


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zipped_store_is_read(tmp_path: Path) -> None:
    """Written by hand: RosettaSciIO's own writer of zspy does not work with zarr 3."""
    import zarr

    path = tmp_path / "map.zspy"
    values = np.arange(80, dtype=np.uint16).reshape(2, 40)
    store = zarr.storage.ZipStore(path, mode="w")
    root = zarr.open_group(store=store, mode="w", zarr_format=2)
    root.attrs["file_format"], root.attrs["file_format_version"] = "ZSpy", "3.3"
    group = root.require_group("Experiments").require_group("map")
    group.create_array("data", shape=values.shape, dtype=values.dtype)[:] = values
    common = {"_type": "UniformDataAxis", "offset": 0.0, "scale": 1.0}
    x = {"name": "x", "units": "nm", "size": 2, "navigate": True, "is_binned": False}
    energy = {"name": "E", "units": "eV", "size": 40, "navigate": False, "is_binned": True}
    for i, axis in enumerate((x, energy)):
        group.require_group(f"axis-{i}").attrs.update({**common, **axis})
    metadata = group.require_group("metadata")
    metadata.require_group("General").attrs.update({"title": "map", "notes": "origin: simulated"})
    metadata.require_group("Signal").attrs.update({"signal_type": "EELS"})
    for name in ("original_metadata", "learning_results", "attributes"):
        group.require_group(name)
    group["attributes"].attrs.update({"_lazy": False, "ragged": False})
    store.close()
    (signal,) = read_microscope(path, {}, {})
    assert signal.data is not None
    assert (signal.modality, signal.origin) == ("eels", "simulated")
    np.testing.assert_array_equal(signal.data["intensity"].values, values)


@pytest.mark.data
@pytest.mark.parametrize("name", [n for n in REAL if not n.startswith("example")])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(
    shared_data: Path, tmp_path: Path, name: str, part: float
) -> None:
    from consilience import Study

    raw = (shared_data / "eels_edx" / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(raw[: int(part * len(raw))])
    with Study.create(tmp_path / "study") as study:
        study.add_sample("cut")
        with pytest.raises(BadFileError) as caught:
            study.add(path, "cut")
        assert name in caught.value.what
        assert study.measurement_records() == []
