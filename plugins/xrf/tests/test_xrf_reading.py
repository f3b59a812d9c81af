"""What read_mca makes of sound, odd and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_xrf.files.checks import check_spectrum
from consilience_xrf.files.mca import read_mca
from consilience_xrf.files.probe import probe_mca
from consilience_xrf.simulation.lines import Line, LineParams, simulate_lines


def read(path: Path, text: str, **options: object) -> Signal:
    path.write_text(text, encoding="latin-1")
    return read_mca(path, options, {})[0]


@pytest.fixture
def mca(tmp_path: Path) -> Path:
    return tmp_path / "a.mca"


@pytest.mark.data
def test_real_spectrum_as_its_readme_says(shared_data: Path) -> None:
    path = shared_data / "xrf" / "XRFSpectrum.mca"
    assert probe_mca(probe_file(path)) is Claim.YES
    (signal,) = read_mca(path, {}, {})
    assert signal.data is not None
    counts = signal.data["counts"].values
    assert counts.shape == (4096,)
    assert counts.sum() == pytest.approx(5.664e7, rel=1e-4)
    assert "energy" not in signal.data.coords, "the file is not calibrated"
    assert [n.code for n in signal.notices] == ["not-calibrated"]
    assert signal.origin == "measured"
    assert len(signal.raw_metadata["comments"]) == 43
    # Co K-alpha near channel 1474, so PyMca's calibration puts it at 6.92 keV
    assert 1440 + int(counts[1440:1510].argmax()) == pytest.approx(1474, abs=4)
    (given,) = read_mca(path, {"zero": "-0.492773", "gain": "0.00502883"}, {})
    assert given.data is not None
    assert float(given.data["energy"][1474]) == pytest.approx(6.925, abs=0.01)
    assert given.notices == []


def test_standard_deviation_is_poisson_and_never_zero(mca: Path) -> None:
    data = read(mca, "0\n4\n100\n").data
    assert data is not None
    assert data["counts_std"].values.tolist() == [1.0, 2.0, 10.0]


def test_scaled_counts_have_no_standard_deviation(mca: Path) -> None:
    signal = read(mca, "0.5\n4\n")
    assert signal.data is not None
    assert "counts_std" not in signal.data
    assert signal.notices[0].message.startswith("1 of 2 values are no whole numbers")


def test_calibration_of_the_file_needs_its_unit(mca: Path) -> None:
    text = "#@CALIB 100 10 0\n1\n2\n"
    unsaid = read(mca, text)
    assert unsaid.data is not None
    assert "energy" not in unsaid.data.coords
    assert unsaid.notices[0].code == "calibration-without-unit"
    by_user = read(mca, text, energy_unit="eV")
    assert by_user.data is not None
    assert by_user.data["energy"].values.tolist() == [0.1, 0.11]
    assert by_user.data["energy"].attrs["source"].endswith("said by the user")
    by_file = read(mca, "# energy unit: keV\n#@CALIB 1 2\n1\n2\n")
    assert by_file.data is not None
    assert by_file.data["energy"].values.tolist() == [1.0, 3.0]


def test_times_are_kept_with_their_unit(mca: Path) -> None:
    assert read(mca, "#@CTIME 10 9.5 10.1\n1\n").metadata["live_time"] == {
        "value": 9.5,
        "unit": "s",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\n2 3\n", "line 2 of 'a.mca' has 2 columns, expected one count"),
        ("1\nabc\n", "line 2 of 'a.mca' has 'abc'"),
        ("1\nnan\n", "has 'nan'"),
        ("1\n1e400\n", "has '1e400'"),
        ("-1\n", "has '-1', expected one count from 0"),
        ("# nothing\n\n", "holds no counts: 1 comment lines"),
        ("#F a.spec\n#S 1 scan\n1\n", "is a SPEC file with scans (found '#F a.spec')"),
        ("1\n@A 1 2 3\\\n", "is a SPEC file with scans (found '@A 1 2 3"),
        ("# energy unit: keV\n#@CALIB 1 -2\n1\n2\n", "does not rise"),
    ],
)
def test_bad_files_name_the_line(mca: Path, text: str, said: str) -> None:
    with pytest.raises(BadFileError) as caught:
        read(mca, text)
    assert said in caught.value.what
    assert caught.value.path == str(mca)


def test_line_and_byte_of_a_bad_value(mca: Path) -> None:
    with pytest.raises(BadFileError) as caught:
        read(mca, "# a\n1\n2\nx\n")
    assert (caught.value.line, caught.value.offset) == (4, 8)


def test_zero_and_gain_belong_together(mca: Path) -> None:
    with pytest.raises(BadInputError, match="zero and gain belong together"):
        read(mca, "1\n", gain="0.01")


def test_a_cut_last_line_is_noticed(mca: Path) -> None:
    assert "no-final-newline" in [n.code for n in read(mca, "1\n2").notices]


@pytest.mark.parametrize(
    ("counts", "code"),
    [([0] * 64, "no-counts"), ([3] * 65, "odd-length"), ([3] * 63 + [9000], "overflow-channel")],
)
def test_checks_see(mca: Path, counts: list[int], code: str) -> None:
    signal = read(mca, "".join(f"{c}\n" for c in counts))
    assert [n.code for n in check_spectrum(signal)] == [code]


def test_check_has_nothing_to_say_of_a_sound_spectrum(mca: Path) -> None:
    assert check_spectrum(read(mca, "3\n" * 64)) == []


def test_simulated_line_is_where_and_as_strong_as_it_was_put(tmp_path: Path) -> None:
    params = LineParams(background=0.0, lines=(Line(energy=5.0, counts=1e6),))
    (path,) = simulate_lines(params, 1, tmp_path)
    (signal,) = read_mca(path, {}, {})
    assert signal.data is not None
    counts, energy = signal.data["counts"].values, signal.data["energy"].values
    assert signal.origin == "simulated"
    assert counts.sum() == pytest.approx(1e6, abs=5e3)
    assert np.average(energy, weights=counts) == pytest.approx(5.0, abs=1e-3)
