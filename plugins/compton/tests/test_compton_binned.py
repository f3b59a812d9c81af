"""What read_binned makes of files in the form of the acquisition software, sound and damaged."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_compton.files.binned import open_binned, read_binned, write_binned
from consilience_compton.files.probe import probe_binned, probe_hexitec
from consilience_compton.spectra import energy_edges_of

COUNTS = np.random.default_rng(1).poisson(4.0, (3, 4, 50))
BINS = np.arange(50) * 0.25
SAID = {"origin": "simulated", "incident_energy": 115.0, "angle_direction": "-row"}


def read(path: Path, **options: object) -> Signal:
    return read_binned(path, options, {})[0]


def codes(signal: Signal) -> list[str]:
    return [n.code for n in signal.notices]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_binned(tmp_path / "a.h5", COUNTS, BINS, attributes={}, unit=None)


def test_simulated_file_states_beam_and_unit(tmp_path: Path) -> None:
    path = write_binned(tmp_path / "s.h5", COUNTS, BINS, attributes=SAID)
    assert probe_binned(probe_file(path)) is Claim.YES
    assert probe_hexitec(probe_file(path)) is Claim.NO
    signal = read(path)
    assert codes(signal) == []
    assert signal.origin == "simulated"
    assert signal.metadata["incident_energy"] == {"value": 115.0, "unit": "keV"}
    assert signal.metadata["angle_direction"] == "-row"
    with open_binned(path, {}, signal.lazy or {}) as data:
        assert data["counts"].dims == ("row", "column", "energy")
        assert np.array_equal(data["counts"][::-1, 1:3].values, COUNTS[::-1, 1:3])
        assert np.allclose(energy_edges_of(data), np.arange(51) * 0.25)
    assert read(path, incident_energy=116).metadata["incident_energy"] == {
        "value": 116.0,
        "unit": "keV",
    }


def test_without_unit_the_axis_is_channels(plain: Path) -> None:
    assert codes(read(plain)) == ["no-bin-unit"]
    assert read(plain, bin_unit="keV").summary is not None


def test_frames_beside_spectra_do_not_tie(plain: Path) -> None:
    with h5py.File(plain, "a") as file:
        file["raw_frames"] = np.zeros((1, 3, 4), dtype=np.uint16)
    assert probe_hexitec(probe_file(plain)) is Claim.MAYBE
    assert probe_binned(probe_file(plain)) is Claim.YES
    assert "frames-too" in codes(read(plain))


def test_several_parts_are_asked_for(plain: Path) -> None:
    with h5py.File(plain, "a") as file:
        del file["pixel_spectra"], file["summed_spectra"]
        file["pixel_spectra"] = np.stack([COUNTS, 2 * COUNTS]).astype(np.float32)
        both = np.stack([COUNTS, 2 * COUNTS]).sum(axis=(1, 2))
        file["summed_spectra"] = both.astype(np.uint64)
    with pytest.raises(BadInputError, match="comes in 2 parts"):
        read(plain)
    signal = read(plain, part=1, bin_unit="keV")
    assert codes(signal) == []
    with open_binned(plain, {}, signal.lazy or {}) as data:
        assert np.array_equal(data["counts"].values, 2 * COUNTS)
    with pytest.raises(BadInputError, match="part='2' is none of 0 to 1"):
        read(plain, part=2)


def test_a_sum_that_differs_is_said(plain: Path) -> None:
    with h5py.File(plain, "a") as file:
        file["summed_spectra"][...] += np.uint64(1)
    signal = read(plain, bin_unit="keV")
    assert codes(signal) == ["sum-differs"]
    assert f"holds {COUNTS.sum() + 50} counts" in signal.notices[0].message


def test_bins_that_do_not_begin_at_zero(tmp_path: Path) -> None:
    path = write_binned(tmp_path / "b.h5", COUNTS, BINS + 20, attributes={})
    assert codes(read(path)) == ["bins-not-from-zero"]


def damaged(path: Path, how: str) -> None:
    with h5py.File(path, "a") as file:
        if how == "none":
            del file["pixel_spectra"]
        elif how == "no-bins":
            del file["spectra_bins"]
        elif how == "link":
            del file["pixel_spectra"]
            file["pixel_spectra"] = h5py.ExternalLink("other.h5", "/pixel_spectra")
        elif how == "list":
            del file["pixel_spectra"]
            file["pixel_spectra"] = COUNTS.reshape(12, 50).astype(np.float32)
        elif how == "text":
            del file["pixel_spectra"]
            file["pixel_spectra"] = np.full((1, 3, 4, 50), b"x")
        elif how == "bins":
            del file["spectra_bins"]
            file["spectra_bins"] = BINS[:-1][None]
        elif how == "zeros":
            file["spectra_bins"][0, 40:] = 0.0
        elif how == "negative":
            file["pixel_spectra"][0, 2, 3, 4] = -1
        elif how == "group":
            del file["pixel_spectra"]
            file.create_group("pixel_spectra")
        elif how == "unit":
            file["spectra_bins"].attrs["units"] = "eV"
        elif how == "absurd":
            del file["pixel_spectra"]
            file.create_dataset("pixel_spectra", (1, 4000, 4000, 50), "f4", chunks=True)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("none", "has no data set 'pixel_spectra'"),
        ("no-bins", "has no data set 'spectra_bins'"),
        ("link", "is a ExternalLink"),
        ("list", "has shape (12, 50)"),
        ("text", "expected numbers"),
        ("bins", "has shape (49,) for spectra of 50 bins"),
        ("zeros", "do not rise (at bin 40)"),
        ("negative", "row 2, column 3, bin 4 are -1"),
        ("group", "is a group"),
        ("unit", "says it is in 'eV'"),
        ("absurd", "claims 3200000000 bytes"),
    ],
)
def test_damage_is_named(plain: Path, how: str, what: str) -> None:
    damaged(plain, how)
    with pytest.raises(BadFileError) as caught:
        read(plain)
    assert what in caught.value.what
    assert caught.value.fix


def test_a_cut_file_is_refused(plain: Path) -> None:
    raw = plain.read_bytes()
    plain.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(BadFileError, match="cannot be opened as HDF5"):
        read(plain)
