"""Packets and offsets of the single-module read-out: the real files, and what can go wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.probing import probe_file
from consilience_compton.files.packets import read_offsets, read_packets, table_of_offsets
from consilience_compton.files.probe import probe_offsets, probe_packets

PLACES = [*range(14, 20), *range(14), *range(34, 40), *range(20, 34)]
PLACES += [c + 40 for c in PLACES]


def frame(sample: np.ndarray, flags: np.ndarray, *, raw: bool = True, ticks: int = 7) -> list[int]:
    """Words of one frame, written from the description of the layout."""
    words = [0xFE6B, ticks >> 32, (ticks >> 16) & 0xFFFF, ticks & 0xFFFF]
    for row in range(80):
        words.append(row | (0x100 if raw else 0) | (row % 16) << 10)
        bits = [int(flags[row, c]) for c in PLACES]
        for group in range(4):
            for low, n in ((0, 6), (6, 14)):
                part = bits[20 * group + low : 20 * group + low + n]
                words.append(sum(b << i for i, b in enumerate(part)))
        words += [int(v) for v in sample[row, flags[row]]]
    return [*words, 0xFADE]


SAMPLE = np.arange(6400).reshape(80, 80) + 900
ALL = np.ones((80, 80), dtype=bool)


def write(path: Path, words: list[int]) -> Path:
    np.array(words, dtype="<u4").tofile(path)
    return path


@pytest.mark.data
def test_real_packets_as_their_readme_says(shared_data: Path) -> None:
    path = shared_data / "hexitec" / "Science_Output-RawMode-nohits.dat"
    assert probe_packets(probe_file(path)) is Claim.YES
    assert probe_offsets(probe_file(path)) is Claim.NO
    (signal,) = read_packets(path, {}, {})
    assert signal.data is not None
    frames = signal.data["raw_frames"].values
    assert frames.shape == (29, 80, 80)
    assert [n.code for n in signal.notices] == ["cut-frame"]
    # counted in the words themselves: no word lies between 700 and 888
    assert (int(frames.min()), int(frames.max())) == (888, 1112)
    assert frames.mean() == pytest.approx(1005.005, abs=0.001)
    assert (np.diff(signal.data["ticks"].values) > 0).all()


@pytest.mark.data
def test_real_table_of_offsets(shared_data: Path) -> None:
    path = shared_data / "hexitec" / "HEXITEC_CalTable_80x80.dat"
    assert probe_offsets(probe_file(path)) is Claim.MAYBE
    assert probe_packets(probe_file(path)) is Claim.NO
    (signal,) = read_offsets(path, {}, {})
    assert signal.metadata["common_offset"] == {"value": 1016, "unit": "adu"}
    assert signal.data is not None
    table = signal.data["offset"].values
    assert (table.min(), table.max()) == (0, 185)
    assert table.mean() == pytest.approx(84.20, abs=0.01)
    words = np.fromfile(path, "<i4")
    # row 3, group 7: columns 7, 27, 47, 67
    assert table[3, [7, 27, 47, 67]].tolist() == words[1 + 240 + 28 : 1 + 240 + 32].tolist()


def test_full_frames_come_back(tmp_path: Path) -> None:
    words = frame(SAMPLE, ALL) + frame(SAMPLE + 1, ALL, ticks=(3 << 32) + 5)
    (signal,) = read_packets(write(tmp_path / "a.dat", words), {}, {})
    assert signal.data is not None
    assert np.array_equal(signal.data["raw_frames"].values, [SAMPLE, SAMPLE + 1])
    assert signal.data["ticks"].values.tolist() == [7, (3 << 32) + 5]
    assert signal.notices == []


def test_flags_say_which_columns_were_sent(tmp_path: Path) -> None:
    flags = np.random.default_rng(3).random((80, 80)) < 0.1
    (signal,) = read_packets(write(tmp_path / "a.dat", frame(SAMPLE, flags)), {}, {})
    assert signal.data is not None
    assert np.array_equal(signal.data["raw_frames"].values[0], np.where(flags, SAMPLE, 0))
    assert [n.code for n in signal.notices] == ["samples-not-sent"]


def test_rows_without_pedestal_need_the_table(tmp_path: Path) -> None:
    flags = np.random.default_rng(4).random((80, 80)) < 0.1
    path = write(tmp_path / "a.dat", frame(SAMPLE, flags, raw=False))
    with pytest.raises(BadInputError, match="were sent without their pedestal"):
        read_packets(path, {}, {})
    values = np.arange(6400) % 150
    table = write(tmp_path / "t.dat", [1000, *values.tolist()])
    common, offsets = table_of_offsets(table)
    (signal,) = read_packets(path, {}, {"offsets": table})
    assert signal.data is not None
    expected = np.where(flags, SAMPLE + common + offsets, 0)
    assert np.array_equal(signal.data["raw_frames"].values[0], expected)
    raw = write(tmp_path / "b.dat", frame(SAMPLE, ALL))
    (signal,) = read_packets(raw, {}, {"offsets": table})
    assert [n.code for n in signal.notices] == ["offsets-not-needed"]


@pytest.mark.parametrize(
    ("at", "word", "what"),
    [
        (0, 0xFE6A, "does not begin with a frame"),
        (4, 0x101, "has row 1 where row 0 should come"),
        (4 + 89, 0x103, "has row 3 where row 1"),
        (7124, 0xFFFF, "has word 0xffff where a frame should end"),
    ],
)
def test_damage_is_named(tmp_path: Path, at: int, word: int, what: str) -> None:
    words = frame(SAMPLE, ALL)
    words[at] = word
    with pytest.raises(BadFileError) as caught:
        read_packets(write(tmp_path / "a.dat", words), {}, {})
    assert what in caught.value.what
    assert caught.value.offset is not None


def test_a_file_cut_in_its_first_frame(tmp_path: Path) -> None:
    for n in (0, 3, 700, 6000):
        with pytest.raises(BadFileError):
            read_packets(write(tmp_path / "a.dat", frame(SAMPLE, ALL)[:n]), {}, {})


def test_tables_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"has 400 bytes, a table .* has 25604"):
        read_offsets(write(tmp_path / "a.dat", [1] * 100), {}, {})
    with pytest.raises(BadFileError, match="holds 70000 at value 5"):
        read_offsets(write(tmp_path / "a.dat", [1] * 5 + [70000] + [1] * 6395), {}, {})
    with pytest.raises(BadInputError, match="takes no 'x'"):
        read_offsets(tmp_path / "a.dat", {"x": 1}, {})
    with pytest.raises(BadInputError, match="knows no 'gain'"):
        read_packets(tmp_path / "a.dat", {}, {"gain": tmp_path})
