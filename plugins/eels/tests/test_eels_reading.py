"""What read_msa makes of sound, odd and broken files."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_eels.files.checks import check_spectrum
from consilience_eels.files.probe import probe_msa
from consilience_eels.files.reading import read_msa
from consilience_eels.simulation.lowloss import LowLossParams, simulate_lowloss

NEGATIVE = 42
"""Values below zero in the shared low-loss file, counted with grep."""

HEAD = {
    "FORMAT": "EMSA/MAS Spectral Data File",
    "VERSION": "1.0",
    "TITLE": "",
    "NPOINTS": "3.",
    "NCOLUMNS": "1.",
    "XUNITS": "eV",
    "YUNITS": "Counts",
    "DATATYPE": "Y",
    "XPERCHAN": "0.5",
    "OFFSET": "100.",
    "SIGNALTYPE": "ELS",
}


def text(values: str = "1\n2\n3", drop: tuple[str, ...] = (), **more: str) -> str:
    head = {k: v for k, v in (HEAD | more).items() if k not in drop}
    lines = [f"#{k.replace('_', '-'):<12}: {v}" for k, v in head.items()]
    return "\n".join([*lines, "#SPECTRUM    : ", values, "#ENDOFDATA  : ", ""])


def read(path: Path, content: str, **options: object) -> Signal:
    path.write_text(content, encoding="latin-1")
    return read_msa(path, options, {})[0]


def codes(signal: Signal) -> list[str]:
    return [n.code for n in signal.notices]


@pytest.fixture
def msa(tmp_path: Path) -> Path:
    return tmp_path / "a.msa"


@pytest.mark.data
def test_real_core_loss_as_its_readme_says(shared_data: Path) -> None:
    path = shared_data / "eels_edx" / "coreloss_spectrum.msa"
    assert probe_msa(probe_file(path)) is Claim.YES
    (signal,) = read_msa(path, {}, {})
    assert signal.data is not None
    energy = signal.data["energy_loss"].values
    assert energy.shape == (2048,)
    assert energy[[0, -1]] == pytest.approx([360.0, 769.4])
    counts = signal.data["counts"]
    assert counts.attrs["units"] == "count"
    assert counts.values[:2].tolist() == [47179.0, 47304.0]
    around = counts.sel(energy_loss=slice(525, 550)).values
    assert around.max() > 1.05 * counts.sel(energy_loss=slice(520, 526)).mean(), "O K edge"
    assert signal.notices == []
    assert check_spectrum(signal) == []
    assert signal.start is None


@pytest.mark.data
def test_real_low_loss_and_its_offset(shared_data: Path) -> None:
    (signal,) = read_msa(shared_data / "eels_edx" / "lowloss_spectrum.msa", {}, {})
    assert signal.data is not None
    assert signal.data["energy_loss"].values[[0, -1]] == pytest.approx([-40.0, 369.4])
    negative, notice = check_spectrum(signal)
    assert notice.code == "zero-loss-offset"
    assert negative.message.startswith(f"{NEGATIVE} of 2048 values are negative")
    assert "+0.8 eV" in notice.message
    assert signal.start == "2012-09-04T23:14:00"
    assert signal.raw_metadata["header"][0].startswith("#FORMAT")
    assert len(signal.raw_metadata["header"]) == 16
    assert signal.exposures[0].energy is None, "the file does not say the voltage"


def test_what_the_microscope_said_is_kept_with_units(msa: Path) -> None:
    signal = read(
        msa,
        text(
            BEAMKV="200",
            CONVANGLE="21.",
            COLLANGLE_mR="62",
            DWELLTIME="20.",
            INTEGTIME="5",
            THICKNESS_furlong="3",
        ),
    )
    for name, value, unit in (
        ("beam_energy", 200.0, "keV"),
        ("convergence_angle", 21.0, "mrad"),
        ("collection_angle", 62.0, "mrad"),
        ("dwell_time", 20.0, "ms"),
    ):
        assert signal.metadata[name] == {"value": value, "unit": unit}
    assert "thickness" not in signal.metadata
    assert "#THICKNESS is in 'furlong'" in signal.notices[0].message
    (exposure,) = signal.exposures
    assert exposure.energy is not None
    assert (exposure.particle, exposure.energy.value) == ("electron", 200.0)
    assert exposure.fluence is None


def test_kilo_electron_volts_are_converted(msa: Path) -> None:
    data = read(msa, text(XUNITS="keV", OFFSET="0.1", XPERCHAN="0.001")).data
    assert data is not None
    assert data["energy_loss"].values == pytest.approx([100.0, 101.0, 102.0])


def test_values_that_are_no_counts(msa: Path) -> None:
    signal = read(msa, text(YUNITS="Intensity"))
    assert signal.data is not None
    assert list(signal.data) == ["intensity"]
    assert codes(signal) == ["no-counts"]


def test_unsaid_type_and_unit_come_from_the_user(msa: Path) -> None:
    unsaid = text(drop=("SIGNALTYPE", "XUNITS"))
    with pytest.raises(BadFileError, match="names no #SIGNALTYPE"):
        read(msa, unsaid)
    with pytest.raises(BadFileError, match="#XUNITS '', expected eV or keV"):
        read(msa, unsaid, signal="ELS")
    signal = read(msa, unsaid, signal="ELS", energy_unit="eV")
    assert signal.metadata["energy_axis"].endswith("unit said by the user")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text(values="1\n2"), "has 2 values and #NPOINTS 3: the file is cut"),
        (text(drop=("NPOINTS",)), "has 3 values and no #NPOINTS"),
        (text(values="1\nx\n3"), "cannot be read as EMSA/MAS: ValueError"),
        (text(values="1\nnan\n3"), "1 of 3 values are not finite, first at point 1"),
        (text(drop=("OFFSET",)), "states no energy axis: #OFFSET None"),
        (text(XPERCHAN="0"), "states no energy axis"),
        (text(XUNITS="nm"), "has #XUNITS 'nm', expected eV or keV"),
        (text(SIGNALTYPE="WDS"), "is of type 'WDS' (#SIGNALTYPE), not an energy loss"),
        (text(DATATYPE="Z"), "has #DATATYPE 'Z'"),
        (text(OFFSET="1e20"), "the step 0.5 eV is lost beside the offset"),
        (text(values="7, 1\n8, 2\n9, 3", DATATYPE="XY"), "differ from #OFFSET + n x #XPERCHAN"),
        ("1\n2\n", "does not start with '#FORMAT"),
    ],
)
def test_bad_files_are_refused_by_name(msa: Path, content: str, said: str) -> None:
    with pytest.raises(BadFileError) as caught:
        read(msa, content)
    assert said in caught.value.what
    assert caught.value.path == str(msa)
    assert caught.value.fix


def test_energies_of_xy_files_are_checked_and_taken(msa: Path) -> None:
    data = read(msa, text(values="100, 1\n100.5, 2\n101, 3", DATATYPE="XY")).data
    assert data is not None
    assert data["counts"].values.tolist() == [1.0, 2.0, 3.0]


def test_a_missing_end_mark_is_noticed(msa: Path) -> None:
    assert codes(read(msa, text().replace("#ENDOFDATA  : ", ""))) == ["no-end-mark"]


@pytest.mark.parametrize(
    ("content", "claim"),
    [
        (text(), Claim.YES),
        (text(drop=("SIGNALTYPE",)), Claim.MAYBE),
        (text(SIGNALTYPE="XRF"), Claim.NO),
        ("#FORMAT : other\n", Claim.NO),
    ],
)
def test_probe(msa: Path, content: str, claim: Claim) -> None:
    msa.write_text(content)
    assert probe_msa(probe_file(msa)) is claim


def test_what_the_library_warns_of_becomes_a_notice_in_the_worker(msa: Path) -> None:
    from consilience.workers.listening import LibraryWarnings

    with LibraryWarnings() as heard:
        signal = read(msa, text(TIME="25:61", DATE="04-SEP-2012"))
    assert signal.start == "2012-09-04"
    assert any("malformed TIME" in n.message for n in heard.notices)


def test_negative_counts_are_noticed(msa: Path) -> None:
    (notice,) = check_spectrum(read(msa, text(values="1\n-2\n3")))
    assert (notice.code, notice.message) == (
        "negative-counts",
        "1 of 3 values are negative, lowest -2",
    )


def test_zero_loss_within_a_channel_of_zero_needs_no_notice(msa: Path) -> None:
    near = read(msa, text(values="1\n2\n9", OFFSET="-0.5"))
    far = read(msa, text(values="1\n9\n2", OFFSET="-1.5", XPERCHAN="0.25", NPOINTS="3"))
    assert check_spectrum(near) == []
    assert check_spectrum(far) == [], "the axis ends before zero"


def test_simulated_thickness_is_that_asked_for(tmp_path: Path) -> None:
    params = LowLossParams(t_over_lambda=0.8, electrons=1e6, points=1024)
    (path,) = simulate_lowloss(params, 2, tmp_path)
    (signal,) = read_msa(path, {}, {})
    assert signal.origin == "simulated"
    assert signal.exposures == []
    assert signal.data is not None
    counts = signal.data["counts"]
    zero = float(counts.sel(energy_loss=slice(-5, 5)).sum())
    assert np.log(float(counts.sum()) / zero) == pytest.approx(0.8, abs=0.01)
