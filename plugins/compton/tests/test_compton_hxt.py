"""What read_hxt makes of sound, cut and crafted files, and of its axis."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_compton.files.hxt import open_hxt, read_hxt
from consilience_compton.files.hxt_layout import HEADER, parse_header, write_hxt
from consilience_compton.files.probe import probe_hxt
from consilience_compton.spectra import energy_edges_of, pixel_scale_of

SHAPE = (3, 4, 50)
BINS = np.arange(50) * 0.25


def counts() -> np.ndarray:
    return np.random.default_rng(1).poisson(4.0, SHAPE)


@pytest.fixture
def hxt(tmp_path: Path) -> Path:
    return write_hxt(tmp_path / "a.hxt", counts(), BINS, prefix="run 7", positions=range(9))


def read(path: Path, **options: object) -> Signal:
    return read_hxt(path, options, {})[0]


def codes(signal: Signal) -> list[str]:
    return [n.code for n in signal.notices]


def test_layout_is_the_one_of_the_issue(hxt: Path) -> None:
    raw = hxt.read_bytes()
    assert raw[:8] == b"HEXITECH"
    assert struct.unpack("<Q", raw[8:16]) == (3,)
    assert struct.unpack("<9I", raw[16:52]) == tuple(range(9))
    assert struct.unpack("<i", raw[52:56]) == (5,)
    assert raw[56:156].rstrip(b"\0") == b"run 7"
    assert struct.unpack("<3I", raw[172:184]) == SHAPE
    assert np.array_equal(np.frombuffer(raw, "<f8", 50, 184), BINS)
    assert np.array_equal(np.frombuffer(raw, "<f8", 600, 584).reshape(SHAPE), counts())
    assert parse_header(hxt).prefix == "run 7"
    assert probe_hxt(probe_file(hxt)) is Claim.YES


def test_bins_without_unit_stay_channels(hxt: Path) -> None:
    signal = read(hxt)
    assert codes(signal) == ["no-bin-unit"]
    assert signal.origin == "measured"
    with open_hxt(hxt, {}, signal.lazy or {}) as data:
        assert data["counts"].dims == ("row", "column", "channel")
        assert np.array_equal(data["counts"].values, counts())
        with pytest.raises(BadInputError, match="in channels"):
            energy_edges_of(data)


def test_energies_where_the_unit_is_said(hxt: Path) -> None:
    signal = read(hxt, bin_unit="keV", incident_energy=115, scattering_angle="90")
    assert codes(signal) == []
    assert signal.metadata["incident_energy"] == {"value": 115.0, "unit": "keV"}
    with open_hxt(hxt, {}, signal.lazy or {}) as data:
        assert np.allclose(energy_edges_of(data), np.arange(51) * 0.25)
        assert np.array_equal(data["counts"][1:, ::-1].values, counts()[1:, ::-1])
        assert np.array_equal(data["counts"][2, [0, 3]].values, counts()[2, [0, 3]])


def test_bins_that_are_centres(hxt: Path) -> None:
    signal = read(hxt, bin_unit="keV", bin_marks="centre")
    with open_hxt(hxt, {}, signal.lazy or {}) as data:
        assert np.allclose(data["energy"].values, BINS)
        assert np.allclose(energy_edges_of(data), np.arange(51) * 0.25 - 0.125)


def test_a_simulated_prefix_states_bins_and_beam(tmp_path: Path) -> None:
    prefix = "simulated;bins=keV;E1=115;angle=90;dist=130;pitch=250;dir=+column"
    path = write_hxt(tmp_path / "s.hxt", counts(), BINS, prefix=prefix)
    signal = read(path)
    assert signal.origin == "simulated"
    assert signal.metadata["angle_direction"] == "+column"
    assert signal.metadata["distance"] == {"value": 130.0, "unit": "mm"}
    with open_hxt(path, {}, signal.lazy or {}) as data:
        assert "energy" in data.dims


def test_tables_give_each_pixel_its_scale(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    gain, intercept = rng.normal(0.0288, 0.0003, 6400), rng.normal(1.57, 0.4, 6400)
    gain[17] = 0.0
    tables = {"gain": tmp_path / "g.txt", "intercept": tmp_path / "i.txt"}
    for role, values in (("gain", gain), ("intercept", intercept)):
        tables[role].write_text("\n".join(map(repr, values.tolist())), encoding="ascii")
    bins = np.arange(20) * 10.0
    path = write_hxt(tmp_path / "b.hxt", np.ones((80, 80, 20)), bins)
    (signal,) = read_hxt(path, {"bin_unit": "adu"}, tables)
    assert codes(signal) == ["dead-pixels"]
    with open_hxt(path, tables, signal.lazy or {}) as data:
        scaled = pixel_scale_of(data)
        assert scaled is not None
        own = scaled[0][3, 5] * energy_edges_of(data) + scaled[1][3, 5]
        at = 3 * 80 + 5
        assert np.allclose(own, gain[at] * np.append(bins, 200.0) + intercept[at], atol=1e-12)
        assert data["good"].values[0, 17] == 0
        assert data["good"].values.sum() == 6399
    with pytest.raises(BadInputError, match="tables of gain and intercept are for bins in adu"):
        read_hxt(path, {"bin_unit": "keV"}, tables)
    with pytest.raises(BadInputError, match="only the table 'gain' was given"):
        read_hxt(path, {"bin_unit": "adu"}, {"gain": tables["gain"]})


def test_adu_taken_for_kev_are_refused(tmp_path: Path) -> None:
    path = write_hxt(tmp_path / "c.hxt", np.ones((2, 2, 800)), np.arange(800) * 10.0)
    with pytest.raises(BadInputError, match="the bins end at 8000, which cannot be keV"):
        read(path, bin_unit="keV")
    assert codes(read(path, bin_unit="adu")) == ["no-energy-scale"]


def test_a_dead_row_is_named(tmp_path: Path) -> None:
    values = counts()
    values[1] = 0
    values[0, 2] = 0
    signal = read(write_hxt(tmp_path / "d.hxt", values, BINS), bin_unit="keV")
    assert codes(signal) == ["dead-rows", "empty-pixels"]
    assert "1 row(s) of pixels without a count: 1" in signal.notices[0].message
    assert "1 more of 12 pixels" in signal.notices[1].message


def patched(path: Path, offset: int, new: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(new)] = new
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("offset", "new", "what"),
    [
        (0, b"HEXITEC!", "begins with b'HEXITEC!'"),
        (8, struct.pack("<Q", 2), "has version 2, only 3 is known"),
        (52, struct.pack("<i", -5), "prefix has -5 bytes"),
        (52, struct.pack("<i", 101), "prefix has 101 bytes, at most 100"),
        (172, struct.pack("<I", 0), "claims 0 x 4 pixels of 50 bins"),
        (172, struct.pack("<I", 0xFFFFFFFF), "claims 4294967295 x 4 pixels"),
        (180, struct.pack("<I", 1), "claims 3 x 4 pixels of 1 bins"),
        (180, struct.pack("<I", 51), "need"),
        (HEADER + 8, struct.pack("<d", 99.0), "bins of 'a.hxt' do not rise (at bin 2)"),
        (HEADER + 8 * 60, struct.pack("<d", -1.0), "which no counter gives"),
        (HEADER + 8 * 60, struct.pack("<d", float("nan")), "row 0, column 0, bin 10"),
    ],
)
def test_damage_is_named(hxt: Path, offset: int, new: bytes, what: str) -> None:
    with pytest.raises(BadFileError) as caught:
        read(patched(hxt, offset, new))
    assert what in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize("left", [0, 7, 100, HEADER, HEADER + 8, -8])
def test_cut_files_are_refused(hxt: Path, left: int) -> None:
    hxt.write_bytes(hxt.read_bytes()[:left])
    with pytest.raises(BadFileError) as caught:
        read(hxt)
    assert caught.value.path == hxt or caught.value.what


def test_empty_spectra_and_corrected_counts(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="are empty"):
        read(write_hxt(tmp_path / "e.hxt", np.zeros(SHAPE), BINS))
    assert "not-counts" in codes(read(write_hxt(tmp_path / "f.hxt", counts() * 0.5, BINS)))


@pytest.mark.parametrize(
    "options", [{"bin_unit": "eV"}, {"incident_energy": "blue"}, {"angle_direction": "up"}]
)
def test_options_that_make_no_sense(hxt: Path, options: dict[str, object]) -> None:
    with pytest.raises(BadInputError):
        read(hxt, **options)


def test_writer_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="marks"):
        write_hxt(tmp_path / "x.hxt", counts(), BINS[:-1])
    with pytest.raises(ValueError, match="prefix"):
        write_hxt(tmp_path / "x.hxt", counts(), BINS, prefix="x" * 101)
