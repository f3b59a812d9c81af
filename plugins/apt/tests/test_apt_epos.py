"""What read_epos makes of sound and damaged files, and of voltages in V and kV."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from apt_files import epos_ions, ifes, write_epos

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_apt.files.layout import UNITS
from consilience_apt.files.lazy import open_ions
from consilience_apt.files.probe import EPOS_RECORD, probe_epos
from consilience_apt.files.reading import read_epos
from consilience_apt.files.stream import source_of


def read(path: Path, **options: object) -> Signal:
    return read_epos(path, options, {})[0]


@pytest.fixture
def epos(tmp_path: Path) -> Path:
    return write_epos(tmp_path / "a.epos", epos_ions())


def test_order_of_the_record_is_that_of_an_outside_reader(epos: Path, tmp_path: Path) -> None:
    signal = read(epos)
    assert signal.lazy is not None
    ours = open_ions(epos, {}, signal.lazy)
    calls = {
        "get_mass_to_charge_state_ratio": "mass_to_charge",
        "get_raw_time_of_flight": "time_of_flight",
        "get_number_of_pulses": "pulses_since",
        "get_ions_per_pulse": "ions_per_pulse",
    }
    pairs = {
        "get_reconstructed_positions": ("x", "y", "z"),
        "get_hit_positions": ("detector_x", "detector_y"),
    }
    theirs = ifes(
        tmp_path, "epos.epos_reader", "ReadEposFileFormat", epos, *calls, *pairs,
        "get_standing_voltage", "get_pulse_voltage",
    )  # fmt: skip
    for call, name in calls.items():
        np.testing.assert_array_equal(ours[name].values, theirs[call])
    for call, names in pairs.items():
        for i, name in enumerate(names):
            np.testing.assert_array_equal(ours[name].values, theirs[call][:, i])
    # that reader takes every file to be in kV; this one is in V
    np.testing.assert_allclose(ours["voltage"].values, theirs["get_standing_voltage"] / 1e3)
    assert not theirs["get_pulse_voltage"].any()
    assert not ours["pulse_voltage"].values.any()


def test_what_is_known_of_the_run(epos: Path) -> None:
    signal = read(epos)
    ions = epos_ions()
    assert signal.notices == []
    assert signal.origin == "measured"
    assert signal.metadata["ions"] == 60
    assert signal.metadata["ions_in_multiple_hits"] == 30
    assert signal.metadata["pulses"] == ions["since"].sum()
    assert signal.metadata["voltage_high"] == {"value": 5000.0, "unit": "V"}
    assert signal.summary is not None
    assert signal.summary.variables["pulses_since"].dtype == "uint32"


def test_kilovolt_is_made_volt_and_said(tmp_path: Path) -> None:
    ions = epos_ions()
    ions["dc"] /= 1000.0
    path = write_epos(tmp_path / "kv.epos", ions)
    signal = read(path)
    assert [n.code for n in signal.notices] == ["voltage-in-kilovolt"]
    assert signal.metadata["voltage_high"]["value"] == pytest.approx(5000.0)
    assert signal.lazy is not None
    assert open_ions(path, {}, signal.lazy)["voltage"].values[-1] == pytest.approx(5000.0)
    assert read(path, voltage_unit="V").metadata["voltage_high"]["value"] == pytest.approx(5.0)
    with pytest.raises(BadInputError, match="voltage_unit='MV' is none of V, kV"):
        read(path, voltage_unit="MV")


def test_a_voltage_that_no_needle_has_is_noticed(tmp_path: Path) -> None:
    ions = epos_ions()
    ions["dc"] = 50.0
    assert [n.code for n in read(write_epos(tmp_path / "v.epos", ions)).notices] == [
        "voltage-unit-unknown"
    ]


def test_pulses_that_lost_ions_are_noticed(tmp_path: Path) -> None:
    whole = epos_ions(200)
    assert read(write_epos(tmp_path / "whole.epos", whole)).notices == []
    notices = read(write_epos(tmp_path / "cropped.epos", np.delete(whole, [1, 40]))).notices
    assert [n.code for n in notices] == ["broken-pulses"]
    assert "at 2 places" in notices[0].message


def test_pulses_are_followed_over_the_end_of_a_block(tmp_path: Path) -> None:
    ions = epos_ions(70_001)  # one block is 65536
    ions["hits"][-1], ions["since"][-1] = 1, 5
    signal = read(write_epos(tmp_path / "long.epos", ions))
    assert signal.notices == []
    assert signal.metadata["ions_in_multiple_hits"] == 35_000


def test_a_cut_file(epos: Path) -> None:
    epos.write_bytes(epos.read_bytes()[:-10])
    with pytest.raises(BadFileError, match="after 59 whole ions 34 bytes are left") as caught:
        read(epos)
    assert caught.value.offset == 59 * EPOS_RECORD
    signal = read(epos, salvage=True)
    assert signal.metadata["ions"] == 59
    assert [n.code for n in signal.notices] == ["salvaged"]


def test_little_endian_is_named(tmp_path: Path) -> None:
    path = tmp_path / "turned.epos"
    path.write_bytes(epos_ions(200).byteswap().tobytes())
    assert probe_epos(probe_file(path)) is Claim.MAYBE
    with pytest.raises(BadFileError, match=r"little-endian.*\.epos is big-endian"):
        read(path)


def test_all_nan(tmp_path: Path) -> None:
    ions = epos_ions()
    for name in ("x", "y", "z", "m"):
        ions[name] = np.nan
    with pytest.raises(BadFileError, match="60 of 60 records are implausible"):
        read(write_epos(tmp_path / "nan.epos", ions))


def test_a_column_that_is_not_finite_is_left_out(tmp_path: Path) -> None:
    ions = epos_ions()
    ions["tof"][3] = np.inf
    path = write_epos(tmp_path / "tof.epos", ions)
    signal = read(path)
    assert [n.code for n in signal.notices] == ["column-left-out"]
    assert "time_of_flight is NaN or infinite for 1 of 60 ions" in signal.notices[0].message
    assert signal.lazy is not None
    data = open_ions(path, {}, signal.lazy)
    assert "time_of_flight" not in data
    np.testing.assert_array_equal(data["mass_to_charge"].values, ions["m"])


def test_simulated_says_so_and_the_mark_is_no_ion(tmp_path: Path) -> None:
    signal = read(write_epos(tmp_path / "s.epos", epos_ions(), simulated=True))
    assert signal.origin == "simulated"
    assert signal.metadata["ions"] == 60
    assert signal.notices == []


def test_columns_keep_their_order_through_the_journal(epos: Path) -> None:
    lazy = json.loads(json.dumps(read(epos).lazy, sort_keys=True))
    assert source_of(open_ions(epos, {}, lazy)).columns == tuple(UNITS)


def test_blocks_hold_all_columns_as_float32(epos: Path) -> None:
    signal = read(epos)
    assert signal.lazy is not None
    source = source_of(open_ions(epos, {}, signal.lazy))
    ions = epos_ions()
    names = ("mass_to_charge", "ions_per_pulse", "voltage")
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for _, block in source.blocks(names, 5, 55, size=7):
        for name in names:
            assert block[name].dtype == np.float32
            found[name].append(block[name].copy())
    for name, column in zip(names, ("m", "hits", "dc"), strict=True):
        np.testing.assert_array_equal(np.concatenate(found[name]), ions[column][5:55])
    with pytest.raises(BadInputError, match="these ions have no colour, only x, y, z"):
        next(iter(source.blocks(["colour"])))
