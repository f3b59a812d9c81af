"""From raw frames to spectra: hits, shared hits, dead pixels, and the order of tables."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience.view import Text
from consilience_compton.drawing.spectra import spectra_view
from consilience_compton.files.frames import read_hexitec
from consilience_compton.files.hits import Binning, count_hits
from consilience_compton.files.tables import table_image

WIDE = Binning(np.arange(11) * 100.0, 50.0, 1)


def frames(*hits: tuple[int, int, int, int], shape: tuple[int, int, int]) -> np.ndarray:
    made = np.zeros(shape, dtype=np.uint16)
    for frame, row, column, value in hits:
        made[frame, row, column] = value
    return made


def test_single_and_shared_hits_are_counted_apart() -> None:
    made = frames(
        (0, 1, 1, 310),
        (0, 1, 2, 120),  # touches the first
        (0, 5, 5, 720),  # alone
        (0, 6, 7, 40),  # below threshold: no company
        (1, 1, 1, 310),  # alone in its frame
        (1, 7, 7, 5000),  # beyond the last bin
        shape=(2, 8, 8),
    )
    single, shared, said = count_hits([made], (8, 8), WIDE, None)
    assert single.sum() == 2
    assert single[5, 5, 7] == 1
    assert single[1, 1, 3] == 1
    assert shared[1, 1, 3] == 1
    assert shared[1, 2, 1] == 1
    assert said == {"hits": 5, "shared_hits": 2, "beyond_last_bin": 1}


def test_reach_of_neighbours() -> None:
    made = frames((0, 1, 1, 300), (0, 1, 3, 300), (0, 6, 6, 300), shape=(1, 8, 8))
    assert count_hits([made], (8, 8), WIDE, None)[2]["shared_hits"] == 0
    assert count_hits([made], (8, 8), Binning(WIDE.edges, 50.0, 2), None)[2]["shared_hits"] == 2
    assert count_hits([made], (8, 8), Binning(WIDE.edges, 50.0, 0), None)[2]["shared_hits"] == 0


def test_charge_is_not_shared_between_modules() -> None:
    made = frames((0, 10, 79, 300), (0, 10, 80, 300), shape=(1, 80, 160))
    assert count_hits([made], (80, 160), WIDE, None)[2]["shared_hits"] == 0


def test_blocks_add_up() -> None:
    made = np.random.default_rng(1).integers(0, 1200, (6, 8, 8)).astype(np.uint16)
    whole = count_hits([made], (8, 8), WIDE, None)
    parts = count_hits([made[:2], made[2:3], made[3:]], (8, 8), WIDE, None)
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])
    assert whole[2] == parts[2]
    assert whole[0].sum() + whole[1].sum() + whole[2]["beyond_last_bin"] == whole[2]["hits"]


def test_each_pixel_has_its_own_energy_and_dead_ones_have_no_hits() -> None:
    gain = np.array([[1.0, 2.0], [0.0, 0.5]])
    intercept = np.array([[0.0, -30.0], [900.0, 100.0]])
    made = np.full((1, 2, 2), 200, dtype=np.uint16)
    lonely = Binning(WIDE.edges, 50.0, 0)
    single, _, said = count_hits([made], (2, 2), lonely, (gain, intercept))
    # 200, 2·200 − 30, dead, 0.5·200 + 100
    assert np.argwhere(single).tolist() == [[0, 0, 2], [0, 1, 3], [1, 1, 2]]
    assert said["hits"] == 3


def test_order_of_tables() -> None:
    table = np.arange(2 * 6400, dtype=np.float64)
    image = table_image(table, 80, 160, "image")
    assert image[1, 0] == 160
    modules = table_image(table, 80, 160, "modules")
    assert modules[1, 0] == 80
    assert modules[0, 80] == 6400
    assert np.array_equal(np.sort(modules, axis=None), table)


@pytest.fixture
def h5(tmp_path: Path) -> Path:
    chance = np.random.default_rng(2)
    made = np.where(chance.random((20, 80, 80)) < 0.002, 4000, 5).astype(np.uint16)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw_frames"] = made
    return path


def test_the_reader_makes_spectra_when_asked(h5: Path, tmp_path: Path) -> None:
    assert len(read_hexitec(h5, {}, {})) == 1
    tables = {}
    for role, value in (("gain", "0.0288"), ("intercept", "1.57")):
        tables[role] = tmp_path / f"{role}.txt"
        tables[role].write_text("0\n" + f"{value}\n" * 6399, encoding="ascii")
    options = {"bin_width": 0.25, "threshold": "5"}
    raw, spectra = read_hexitec(h5, options, tables)
    assert raw.name == "frames"
    data = spectra.data
    assert data is not None
    assert data["counts"].shape == (80, 80, 800)
    both = data["counts"].sum("energy") + data["shared_counts"].sum("energy")
    assert int(both.sum()) == spectra.metadata["hits"]
    # 0.0288 · 4000 + 1.57 keV
    filled = data["energy"].values[np.flatnonzero(data["counts"].sum(("row", "column")).values)]
    assert filled == pytest.approx([116.875])
    assert int(data["good"].values[0, 0]) == 0
    assert int(both[0, 0]) == 0


def test_frames_without_a_hit_are_said_to_hold_none(h5: Path) -> None:
    """A threshold above all values: the section of the report says so instead of failing."""
    _, spectra = read_hexitec(h5, {"bin_width": 100, "threshold": 5000}, {})
    assert spectra.metadata["hits"] == 0
    record = SimpleNamespace(title="quiet", origin="measured")
    quiet: Any = SimpleNamespace(data=spectra.data, record=record, has=lambda name: True)
    (text,) = spectra_view([quiet], [], None)  # type: ignore[arg-type]
    assert isinstance(text, Text)
    assert text.text == "quiet: no spectrum holds a count."


def test_without_tables_the_bins_are_adu(h5: Path) -> None:
    _, spectra = read_hexitec(h5, {"bin_width": 100, "threshold": 100}, {})
    assert spectra.data is not None
    assert spectra.data["counts"].dims == ("row", "column", "channel")
    assert spectra.metadata["bin_unit"] == "adu"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"bin_width": 10}, "need a width of bins and a threshold"),
        ({"threshold": 10}, "need a width of bins and a threshold"),
        ({"bin_width": 10, "threshold": 1, "neighbours": 1.5}, "make no spectrum"),
        ({"bin_width": 10, "threshold": 1, "bin_end": 11}, "make no spectrum"),
        ({"bin_width": 0.01, "threshold": 1}, "more than can be held"),
        ({"bin_width": "wide", "threshold": 1}, "is not a number"),
        ({"table_order": "spiral"}, "none of image, modules"),
        ({"colour": 1}, "knows no 'colour'"),
    ],
)
def test_senseless_options(h5: Path, options: dict[str, object], what: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_hexitec(h5, options, {})
    assert what in caught.value.what


@pytest.mark.data
def test_injected_charge_reaches_neighbours(shared_data: Path) -> None:
    path = shared_data / "hexitec" / "160_160_vcaled_30_frames.h5"
    _, spectra = read_hexitec(path, {"bin_width": 50, "threshold": 300}, {})
    # counted with h5py alone: values above 300, and those with another of them around
    assert spectra.metadata["hits"] == 10448
    assert spectra.metadata["shared_hits"] == 4964
    assert spectra.metadata["beyond_last_bin"] == 0
    with h5py.File(path) as file:
        hit = file["raw_frames"][()] > 300
    assert hit.sum() == 10448
    alone = 0
    for frame, row, column in np.argwhere(hit):
        top, left = row // 80 * 80, column // 80 * 80
        module = hit[frame, top : top + 80, left : left + 80]
        r, c = row - top, column - left
        alone += module[max(0, r - 1) : r + 2, max(0, c - 1) : c + 2].sum() == 1
    assert alone == 10448 - 4964
