""".ato and .apt: equal to an outside reader where sound, refused where that reader is content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from apt_files import apt_section, ifes, points, write_apt, write_ato

from consilience.declarations import Claim
from consilience.errors import BadFileError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_apt.files.lazy import open_ions
from consilience_apt.files.probe import probe_apt, probe_ato
from consilience_apt.files.reading_apt import read_apt
from consilience_apt.files.reading_ato import read_ato

GETTERS = ("get_reconstructed_positions", "get_mass_to_charge_state_ratio")


def table(path: Path, signal: Signal) -> np.ndarray:
    assert signal.lazy is not None
    data = open_ions(path, {}, signal.lazy)
    return np.stack([data[name].values for name in ("x", "y", "z", "mass_to_charge")], axis=1)


def outside(tmp_path: Path, module: str, name: str, path: Path) -> np.ndarray:
    found = ifes(tmp_path, module, name, path, *GETTERS)
    return np.column_stack([found[GETTERS[0]], found[GETTERS[1]].reshape(-1)])


@pytest.mark.parametrize("version", [3, 5])
def test_ato_is_as_an_outside_reader_has_it(tmp_path: Path, version: int) -> None:
    ions = points()
    path = write_ato(tmp_path / "a.ato", version, ions)
    assert probe_ato(probe_file(path)) is Claim.YES
    (signal,) = read_ato(path, {}, {})
    ours = table(path, signal)
    np.testing.assert_allclose(ours, ions, rtol=2e-7, atol=2e-6)
    theirs = outside(tmp_path, "ato.ato_reader", "ReadAtoFileFormat", path)
    np.testing.assert_allclose(ours, theirs, rtol=2e-7, atol=2e-6)
    assert ("lateral-unit-disputed" in {n.code for n in signal.notices}) is (version == 5)


def test_ato_of_the_other_byte_order_is_read_by_what_is_plausible(tmp_path: Path) -> None:
    ions = points()
    path = write_ato(tmp_path / "a.ato", 3, ions, ">")
    (signal,) = read_ato(path, {}, {})
    assert [n.code for n in signal.notices] == ["big-endian"]
    np.testing.assert_allclose(table(path, signal), ions, rtol=2e-7)


def test_ato_of_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.ato"
    path.write_bytes(b"\0\0\0\0\x06\0\0\0" + bytes(200))
    assert probe_ato(probe_file(path)) is Claim.MAYBE
    with pytest.raises(BadFileError, match=r"\.ato of version 6; 3 and 5 can be read"):
        read_ato(path, {}, {})


@pytest.mark.parametrize(("version", "record"), [(3, 56), (5, 40)])
def test_a_cut_ato(tmp_path: Path, version: int, record: int) -> None:
    path = write_ato(tmp_path / "a.ato", version, points())
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(BadFileError, match=f"after 39 whole ions {record - 7} bytes are left"):
        read_ato(path, {}, {})
    (signal,) = read_ato(path, {"salvage": True}, {})
    assert signal.metadata["ions"] == 39


@pytest.mark.parametrize("data", [b"\0\0\0\0\x03", b"\0\0\0\0\x03\0\0\0"])
def test_an_ato_without_ions(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.ato"
    path.write_bytes(data)
    with pytest.raises(BadFileError, match="holds no ion"):
        read_ato(path, {}, {})


def test_apt_is_as_an_outside_reader_has_it(tmp_path: Path) -> None:
    ions = points()
    tof = np.linspace(400.0, 800.0, len(ions)).astype("<f4")
    path = write_apt(tmp_path / "a.apt", ions, apt_section("tof", "ns", tof))
    assert probe_apt(probe_file(path)) is Claim.YES
    (signal,) = read_apt(path, {}, {})
    np.testing.assert_array_equal(table(path, signal), ions)
    np.testing.assert_array_equal(
        outside(tmp_path, "apt.apt6_reader", "ReadAptFileFormat", path), ions
    )
    assert signal.lazy is not None
    np.testing.assert_array_equal(open_ions(path, {}, signal.lazy)["time_of_flight"].values, tof)
    assert isinstance(signal.raw_metadata, dict)
    assert [s["name"] for s in signal.raw_metadata["sections"]] == ["Position", "Mass", "tof"]
    assert signal.raw_metadata["file_name"] == "needle.apt"
    assert signal.raw_metadata["created"].startswith("2022-06-18")
    assert signal.notices == []


def test_apt_that_is_all_nan_is_refused_though_others_accept_it(tmp_path: Path) -> None:
    path = write_apt(tmp_path / "a.apt", np.full((30, 4), np.nan, np.float32))
    theirs = outside(tmp_path, "apt.apt6_reader", "ReadAptFileFormat", path)
    assert np.isnan(theirs).all()
    with pytest.raises(BadFileError, match="30 of 30 records are implausible"):
        read_apt(path, {}, {})


def test_a_cut_apt_counts_what_is_whole(tmp_path: Path) -> None:
    path = write_apt(tmp_path / "a.apt", points())
    path.write_bytes(path.read_bytes()[: -10 * 4 - 2])
    with pytest.raises(BadFileError, match="42 bytes are missing at the end, 29 of 40 ions"):
        read_apt(path, {}, {})
    (signal,) = read_apt(path, {"salvage": "true"}, {})
    assert "29 of 40 ions were taken" in signal.notices[0].message
    np.testing.assert_array_equal(table(path, signal), points()[:29])


def test_a_cut_apt_without_any_mass(tmp_path: Path) -> None:
    path = write_apt(tmp_path / "a.apt", points())
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(BadFileError, match="has no section 'Mass', only Position"):
        read_apt(path, {"salvage": True}, {})


def test_a_further_section_that_is_cut_is_left_out_on_salvage(tmp_path: Path) -> None:
    tof = np.linspace(400.0, 800.0, 40).astype("<f4")
    path = write_apt(tmp_path / "a.apt", points(), apt_section("tof", "ns", tof))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BadFileError, match="3 bytes are missing at the end, 40 of 40 ions"):
        read_apt(path, {}, {})
    (signal,) = read_apt(path, {"salvage": True}, {})
    assert signal.metadata["ions"] == 40
    assert signal.summary is not None
    assert "time_of_flight" not in signal.summary.variables


def _stated(path: Path) -> Path:
    return write_apt(path, points(), stated=41)


def _no_mass(path: Path) -> Path:
    return write_apt(path, points(), mass="Weight")


def _short(path: Path) -> Path:
    return write_apt(path, points(), apt_section("tof", "ns", np.ones(3, "<f4"), records=40))


def _twice(path: Path) -> Path:
    return write_apt(path, points(), apt_section("Mass", "Da", np.ones(40, "<f4")))


def _none(path: Path) -> Path:
    return write_apt(path, points(), stated=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_stated, "'Position' has 40 records, the header states 41 ions"),
        (_no_mass, "has no section 'Mass', only Position, Weight"),
        (_short, "section 'tof': 40 records of 4 bytes in 12 bytes"),
        (_twice, "has two sections 'Mass'"),
        (_none, "states 0 ions"),
    ],
)
def test_apt_that_contradicts_itself(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(BadFileError, match=message):
        read_apt(make(tmp_path / "a.apt"), {}, {})


def test_a_section_of_another_length_is_left_out_and_said(tmp_path: Path) -> None:
    path = write_apt(tmp_path / "a.apt", points(), apt_section("tof", "ns", np.ones(7, "<f4")))
    (signal,) = read_apt(path, {}, {})
    assert [n.code for n in signal.notices] == ["section-left-out"]
    assert "has 7 records, the header states 40 ions" in signal.notices[0].message
