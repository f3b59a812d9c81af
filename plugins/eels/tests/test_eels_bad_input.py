"""Input that is odd or broken: each is an answer, a notice or a refusal that says what to do."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience import Study
from consilience.declarations import Claim
from consilience.errors import AmbiguousReaderError, BadFileError
from consilience.model.measurement import Notice
from consilience.probing import probe_file
from consilience_eels.files.bridge import from_hyperspy, to_hyperspy
from consilience_eels.files.checks import check_edx, check_spectrum
from consilience_eels.files.instrument import temperature_of
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.files.probe import probe_msa
from consilience_eels.files.reading import read_msa
from consilience_eels.library import write_hspy

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HEAD = {
    "FORMAT": "EMSA/MAS Spectral Data File",
    "VERSION": "1.0",
    "TITLE": "spot 1",
    "NPOINTS": "400.",
    "NCOLUMNS": "1.",
    "XUNITS": "eV",
    "YUNITS": "Counts",
    "DATATYPE": "Y",
    "XPERCHAN": "10.",
    "OFFSET": "-100.",
    "SIGNALTYPE": "EDS",
    "BEAMKV   -kV": "200.",
    "ELEVANGLE-dg": "22.",
    "LIVETIME  -s": "30.",
    "REALTIME  -s": "40.",
    "SOLIDANGL-sR": "0.7",
}


def msa(path: Path, **more: str) -> Path:
    head = {k: v for k, v in (HEAD | more).items() if v}
    counts = np.random.default_rng(1).poisson(5.0, 400)
    lines = [f"#{k:<12}: {v}" for k, v in head.items()]
    path.write_text("\n".join([*lines, "#SPECTRUM    : ", *map(str, counts), "#ENDOFDATA  : ", ""]))
    return path


# -- X-rays in EMSA text --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["EDS", "edx"])
def test_x_rays_in_msa_are_read_in_kev(tmp_path: Path, kind: str) -> None:
    path = msa(tmp_path / "a.msa", SIGNALTYPE=kind)
    assert probe_msa(probe_file(path)) is Claim.YES
    (signal,) = read_msa(path, {}, {})
    assert signal.modality == "edx"
    assert signal.data is not None
    energy = signal.data["energy"]
    assert energy.attrs["units"] == "keV"
    assert energy.values[[0, -1]] == pytest.approx([-0.1, 3.89])
    for name, value, unit in (
        ("elevation_angle", 22.0, "degree"),
        ("live_time", 30.0, "s"),
        ("solid_angle", 0.7, "sr"),
        ("dispersion", 0.01, "keV"),
    ):
        assert signal.metadata[name] == {"value": pytest.approx(value), "unit": unit}
    assert signal.exposures[0].duration is not None
    assert signal.exposures[0].duration.value == 40.0
    assert "no-beam" not in {n.code for n in check_edx(signal)}
    spectrum = to_hyperspy(signal)
    assert type(spectrum).__name__ == "EDSTEMSpectrum"
    assert spectrum.axes_manager[-1].scale == pytest.approx(0.01)
    assert spectrum.axes_manager[-1].units == "keV"


def test_type_of_msa_can_be_said_where_the_file_does_not(tmp_path: Path) -> None:
    path = msa(tmp_path / "a.msa", SIGNALTYPE="", XUNITS="keV", XPERCHAN="0.01", OFFSET="0.")
    assert probe_msa(probe_file(path)) is Claim.MAYBE
    with pytest.raises(BadFileError, match="names no #SIGNALTYPE") as caught:
        read_msa(path, {}, {})
    assert "signal=EDS" in (caught.value.fix or "")
    (signal,) = read_msa(path, {"signal": "EDS"}, {})
    assert signal.modality == "edx"
    assert signal.data is not None
    assert float(signal.data["energy"][-1]) == pytest.approx(3.99)
    with pytest.raises(BadFileError, match=r"of type 'WDS' .*no X-rays \(EDS\)"):
        read_msa(msa(tmp_path / "b.msa", SIGNALTYPE="WDS"), {}, {})


# -- folders --------------------------------------------------------------------------------------


def test_folder_of_a_zarr_store_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "map.zspy"
    folder.mkdir()
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    with Study.create(tmp_path / "study") as study:
        study.add_sample("lamella")
        with pytest.raises(AmbiguousReaderError, match="is a folder"):
            study.add(folder, "lamella")
        assert study.measurement_records() == []


# -- odd shapes and values ------------------------------------------------------------------------


def hspy(path: Path, values: np.ndarray, units: str = "eV", offset: float = -20.0) -> Path:
    axes: list[dict[str, Any]] = [
        {"name": n, "size": s, "navigate": True, "offset": 0.0, "scale": 1.0, "units": "nm"}
        for n, s in zip("yx", values.shape[:-1], strict=False)
    ]
    axes.append(
        {
            "name": "E",
            "size": values.shape[-1],
            "navigate": False,
            "offset": offset,
            "scale": 0.2,
            "units": units,
            "is_binned": True,
        }
    )
    metadata = {
        "General": {"title": "low"},
        "Signal": {"signal_type": "EELS", "quantity": "Electrons (Counts)"},
    }
    write_hspy(path, values, axes, metadata)
    return path


def zero_loss(*pixels: int) -> np.ndarray:
    energy = -20.0 + 0.2 * np.arange(1000)
    expected = 4e4 * np.exp(-0.5 * (energy / 0.4) ** 2)
    expected += 3e3 * np.exp(-0.5 * ((energy - 20) / 3) ** 2)
    return np.random.default_rng(2).poisson(expected, (*pixels, 1000)).astype(np.float32)


def test_one_pixel_image_is_a_map_of_one_pixel(tmp_path: Path) -> None:
    path = hspy(tmp_path / "one.hspy", zero_loss(1, 1))
    with Study.create(tmp_path / "study") as study:
        study.add_sample("lamella")
        study.add(path, "lamella")
        (measurement,) = study.measurements()
        assert dict(measurement.data.sizes) == {"y": 1, "x": 1, "energy_loss": 1000}
        study.analyse(["eels.thickness"], params={"threshold": 8.0})
        study.analyse(["eels.zero_loss", "eels.frames"])
        (found,) = study.findings("t_over_lambda")
        assert found.value == pytest.approx(np.log(1 + 3e3 * 3 / (4e4 * 0.4)), abs=0.02)
        assert study.findings("energy_resolution")[0].value == pytest.approx(0.942, rel=0.03)


def test_axis_in_channels_is_refused(tmp_path: Path) -> None:
    path = hspy(tmp_path / "channels.hspy", zero_loss(2), units="channels")
    with pytest.raises(BadFileError, match="energy axis is in 'channels', neither eV nor keV"):
        read_microscope(path, {}, {})


def test_negative_counts_and_no_peak_are_noticed(tmp_path: Path) -> None:
    values = zero_loss(2)
    values[1, 900] = -30.0
    (signal,) = read_microscope(hspy(tmp_path / "a.hspy", values), {}, {})
    assert [n.code for n in check_spectrum(signal)] == ["negative-counts"]
    flat = np.random.default_rng(3).poisson(30.0, (2, 1000)).astype(np.float32)
    (signal,) = read_microscope(hspy(tmp_path / "b.hspy", flat), {}, {})
    assert [n.code for n in check_spectrum(signal)] == ["no-beam"]


def test_zero_loss_at_the_ceiling_of_the_camera_is_noticed(tmp_path: Path) -> None:
    values = np.minimum(2 * zero_loss(2), 65535).astype(np.uint16)
    (signal,) = read_microscope(hspy(tmp_path / "a.hspy", values), {}, {})
    (notice,) = check_spectrum(signal)
    assert notice.code == "zero-loss-saturated"
    assert "2 of 2 spectra" in notice.message


# -- what the microscope says ---------------------------------------------------------------------


def test_dispersion_is_said_of_spectra(tmp_path: Path) -> None:
    (signal,) = read_microscope(hspy(tmp_path / "a.hspy", zero_loss(2)), {}, {})
    assert signal.metadata["dispersion"] == {"value": pytest.approx(0.2), "unit": "eV"}


@pytest.mark.parametrize(
    ("tree", "kelvin"),
    [
        ({"Stage": {"Temperature (K)": 95.5}}, 95.5),
        ({"Stage": {"temperature_K": "95.5"}}, 95.5),
        ({"Holder": {"Temperature": "-178 °C"}}, 95.15),
        ({"CryoHolder": {"Temp": "95K"}}, 95.0),
        ({"Specimen": {"Temperature": "20.5 deg C"}}, 293.65),
        ({"Stage": {"Temperature": "-178 °C"}, "Holder": {"Temperature [K]": 95.15}}, 95.15),
        ({"Camera": {"Temperature (K)": 250.0}}, None),
        ({"Stage": {"Temperature": 95.0}}, None),
        ({"Stage": {"Temperature (K)": 0.0}}, None),
        ({"Stage": {"Temperature (K)": 95.0}, "Sample": {"Temperature (K)": 293.0}}, None),
    ],
)
def test_temperature_is_taken_where_its_unit_is_said(tree: Any, kelvin: float | None) -> None:
    notices: list[Notice] = []
    found = temperature_of(tree, notices)
    if kelvin is None:
        assert found is None
    else:
        assert found == {"value": pytest.approx(kelvin), "unit": "K"}
        assert not notices
    if tree == {"Stage": {"Temperature": 95.0}}:
        assert notices[0].code == "temperature-without-unit"
    if len(tree) == 2 and kelvin is None:
        assert notices[0].code == "temperatures-differ"


def test_temperature_reaches_the_exposure(tmp_path: Path) -> None:
    (signal,) = read_microscope(hspy(tmp_path / "a.hspy", zero_loss(2)), {}, {})
    spectrum = to_hyperspy(signal)
    spectrum.original_metadata.set_item("Stage.Temperature", "-170 °C")
    (exposure,) = from_hyperspy(spectrum).exposures
    assert exposure.temperature is not None
    assert exposure.temperature.value == pytest.approx(103.15)
    assert exposure.temperature.unit == "K"


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "is not a number"), (0.0, "is zero")])
def test_a_spectrum_of_nothing_says_so(value: float, said: str) -> None:
    import xarray as xr

    from consilience.model.measurement import Signal
    from consilience_eels.files.checks import check_spectrum
    from consilience_eels.lowloss.zero_loss import NoZeroLossError, find_zero_loss

    energy = np.arange(-20.0, 100.0, 0.2)
    counts = np.full(energy.size, value)
    data = xr.Dataset({"counts": ("energy_loss", counts)}, {"energy_loss": energy})
    (notice,) = check_spectrum(Signal("signal", "eels", data))
    assert notice.code == "no-beam"
    assert notice.message.startswith(f"every value of the spectrum {said}")
    with pytest.raises(NoZeroLossError, match="within 10 eV of 0"):
        find_zero_loss(energy, counts)


def test_a_plasmon_is_not_called_a_shifted_zero_loss() -> None:
    import xarray as xr

    from consilience.model.measurement import Signal
    from consilience_eels.files.checks import check_spectrum

    energy = np.arange(-20.0, 100.0, 0.2)
    counts = 50.0 + 2000.0 * np.exp(-(((energy - 20.0) / 8.0) ** 2))
    data = xr.Dataset({"counts": ("energy_loss", counts)}, {"energy_loss": energy})
    (notice,) = check_spectrum(Signal("signal", "eels", data))
    assert notice.message == (
        "the highest point lies at +20 eV, not at 0: the zero loss was not recorded, or all "
        "energies are off by as much"
    )
    assert notice.fix.endswith("if that is the zero loss")


def test_the_gain_of_no_usable_row_is_not_told() -> None:
    import xarray as xr

    from consilience_eels.edges.gain import estimate_gain
    from consilience_eels.spectra import LossAxis

    energy = np.arange(100.0, 200.0, 0.5)
    axis = LossAxis.of(
        xr.Dataset(
            {"counts": ("energy_loss", energy)},
            {"energy_loss": ("energy_loss", energy, {"units": "eV"})},
        )
    )
    assert estimate_gain(np.full((1, energy.size), -5.0), axis, [slice(20, 60)]) is None
