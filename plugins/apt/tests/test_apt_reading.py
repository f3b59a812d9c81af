"""What read_pos makes of sound, cut, turned and senseless files."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_apt.files.layout import FileSource
from consilience_apt.files.lazy import open_ions
from consilience_apt.files.probe import RECORD, SIMULATED, probe_pos
from consilience_apt.files.reading import pos_layout, read_pos
from consilience_apt.simulation import Layer, NeedleParams, simulate_needle

IONS = np.array([[1, 2, -3, 14], [4, 5, -6, 28], [-7, 8, -9, 1]], dtype=">f4")


def written(path: Path, ions: np.ndarray, extra: bytes = b"") -> Path:
    path.write_bytes(ions.tobytes() + extra)
    return path


def read(path: Path, **options: object) -> Signal:
    return read_pos(path, options, {})[0]


@pytest.fixture
def pos(tmp_path: Path) -> Path:
    return tmp_path / "a.pos"


@pytest.mark.data
def test_real_needle_as_its_readme_says(shared_data: Path) -> None:
    path = shared_data / "apt" / "Si.pos"
    assert probe_pos(probe_file(path)) is Claim.YES
    signal = read(path)
    assert signal.origin == "measured"
    assert signal.notices == []
    assert signal.metadata["ions"] == 945211
    for name, length in (("x", 40.13995), ("y", 39.14021), ("z", 75.06062)):
        assert signal.metadata[f"extent_{name}"]["value"] == pytest.approx(length, abs=5e-5)
    assert signal.metadata["mass_to_charge_high"]["value"] == pytest.approx(378.30, abs=0.005)
    assert signal.lazy is not None
    data = open_ions(path, {}, signal.lazy)
    mass = data["mass_to_charge"].values
    counts, edges = np.histogram(mass, np.arange(0.5, 100.0, 0.1))
    assert edges[counts.argmax()] == pytest.approx(14.0, abs=0.11), "main peak: Si2+"
    whole = np.fromfile(path, ">f4").reshape(-1, 4)
    np.testing.assert_array_equal(data["z"][::100003].values, whole[::100003, 2])


@pytest.mark.data
@pytest.mark.parametrize("other", ["Si.RRNG", "Si.RNG"])
def test_range_files_are_not_claimed(shared_data: Path, other: str) -> None:
    assert probe_pos(probe_file(shared_data / "apt" / other)) is Claim.NO


def test_every_way_of_indexing_gives_the_same_ions(tmp_path: Path) -> None:
    (path,) = simulate_needle(NeedleParams(ions=700), 3, tmp_path)
    signal = read(path)
    assert signal.lazy == pos_layout(700, RECORD).to_json()
    data = open_ions(path, {}, signal.lazy)
    plain = np.frombuffer(path.read_bytes()[RECORD:], ">f4").reshape(-1, 4)
    for column, name in enumerate(("x", "y", "z", "mass_to_charge")):
        array = data[name]
        for key in (
            slice(None),
            slice(10, 20),
            slice(3, 690, 7),
            slice(None, None, -1),
            slice(600, 5, -11),
            slice(5, 5),
            -1,
            [3, 1, 699, 1],
            plain[:, 3] > 50,
        ):
            np.testing.assert_array_equal(array[key].values, plain[key, column])


def test_blocks_reuse_their_buffers_and_cover_all(pos: Path) -> None:
    ions = np.arange(40, dtype=">f4").reshape(10, 4)
    written(pos, ions)
    seen = []
    places = set()
    for first, block in FileSource(pos, pos_layout(10)).blocks(["z", "x"], 2, 9, size=3):
        assert list(block) == ["z", "x"]
        assert block["z"].dtype == np.float32
        assert block["z"].flags.c_contiguous
        seen.append((first, block["z"].copy()))
        places.add(block["z"].__array_interface__["data"][0])
    assert [first for first, _ in seen] == [2, 5, 8]
    np.testing.assert_array_equal(np.concatenate([b for _, b in seen]), ions[2:9, 2])
    assert len(places) == 1


def test_memory_stays_bounded_whatever_the_size(pos: Path) -> None:
    ions = np.tile(IONS, (400_000, 1))  # 19 MB
    written(pos, ions)
    del ions
    read(pos)
    tracemalloc.start()
    try:
        read(pos)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6, f"{peak / 1e6:.1f} MB"


def test_a_cut_file_is_refused_with_the_count_and_the_way_out(pos: Path) -> None:
    written(pos, IONS, b"1234567")
    with pytest.raises(BadFileError) as caught:
        read(pos)
    assert "after 3 whole ions 7 bytes are left" in caught.value.what
    assert "--option salvage=true" in caught.value.fix
    assert caught.value.offset == 48
    signal = read(pos, salvage="true")
    assert signal.metadata["ions"] == 3
    assert "7 bytes of the next were dropped" in signal.notices[0].message


def test_little_endian_is_named(pos: Path) -> None:
    written(pos, np.tile(IONS, (50, 1)).astype("<f4"))
    assert probe_pos(probe_file(pos)) is Claim.MAYBE
    with pytest.raises(BadFileError, match=r"is little-endian: read so, 150 ions are plausible"):
        read(pos)


def test_nan_is_refused_with_its_place(pos: Path) -> None:
    ions = np.tile(IONS, (10, 1))
    ions[17, 1] = np.nan
    written(pos, ions)
    with pytest.raises(
        BadFileError, match=r"1 of 30 ions are NaN or infinite \(y\), first ion 17"
    ) as e:
        read(pos)
    assert e.value.offset == 17 * RECORD


def test_nonsense_is_no_list_of_ions(pos: Path) -> None:
    pos.write_bytes(b"the quick brown fox jumps over the lazy dog....." * 20)
    with pytest.raises(BadFileError, match="is no list of ions: 60 of 60 records"):
        read(pos)


@pytest.mark.parametrize(
    ("row", "code"),
    [([9e3, 0, 0, 5], "implausible-ions"), ([0, 0, 0, -5], "negative-mass")],
)
def test_odd_ions_are_noticed_and_kept(pos: Path, row: list[float], code: str) -> None:
    ions = np.tile(IONS, (10, 1))
    ions[20] = row
    signal = read(written(pos, ions))
    assert [n.code for n in signal.notices] == [code]
    assert signal.metadata["ions"] == 30


@pytest.mark.parametrize("data", [b"", b"short", SIMULATED])
def test_no_ion(pos: Path, data: bytes) -> None:
    pos.write_bytes(data)
    with pytest.raises(BadFileError, match=r"holds no ion|is cut: after 0 whole ions"):
        read(pos)


def test_one_ion_is_noticed(pos: Path) -> None:
    assert [n.code for n in read(written(pos, IONS[:1])).notices] == ["one-ion"]


def test_a_file_that_shrank_after_registration_is_no_crash(pos: Path) -> None:
    written(pos, IONS)
    lazy = read(pos).lazy
    assert lazy is not None
    data = open_ions(pos, {}, lazy)
    written(pos, IONS[:1])
    with pytest.raises(BadFileError, match="ends at byte 16, 48 were expected"):
        data["x"].load()


def test_senseless_salvage(pos: Path) -> None:
    with pytest.raises(BadInputError, match="salvage='perhaps' is neither true nor false"):
        read(written(pos, IONS), salvage="perhaps")


def test_simulated_shares_are_those_asked_for(tmp_path: Path) -> None:
    layers = (Layer(name="all", thickness=50.0, top={"Si++": 3.0, "Cr+": 1.0}),)
    params = NeedleParams(ions=20_000, background=0.0, layers=layers)
    (path,) = simulate_needle(params, 5, tmp_path)
    signal = read(path)
    assert signal.origin == "simulated"
    assert signal.lazy is not None
    mass = open_ions(path, {}, signal.lazy)["mass_to_charge"].values
    assert np.mean(mass < 40) == pytest.approx(0.75, abs=0.015)
