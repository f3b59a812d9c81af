"""Ions in blocks from memory, from a data set and from a file; ranges beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apt_files import points

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience_apt.files.lazy import open_ions
from consilience_apt.files.reading import read_pos
from consilience_apt.files.stream import IonSource, array_source, source_of
from consilience_apt.ranges import RangeTable

RRNG = """[Ions]
Number=3
Ion1=Si
Ion2=Fe
Ion3=C
[Ranges]
Number=5
Range1=13.9 14.1 Vol:0.02003 Si:1
Range2=27.9 28.1 Vol:0.02003 Si:1
Range3=55.8 56.1 Fe:1
Range4=40.0 40.1 Si:1
Range5=70.0 71.0 Name:59
"""


def columns(source: IonSource, names: tuple[str, ...], size: int = 7) -> np.ndarray:
    found = [
        np.stack([block[name] for name in names], axis=1)
        for _, block in source.blocks(names, size=size)
    ]
    return np.concatenate(found)


def pos(tmp_path: Path, ions: np.ndarray) -> Path:
    path = tmp_path / "a.pos"
    path.write_bytes(ions.astype(">f4").tobytes())
    return path


def with_ranges(tmp_path: Path, text: str = RRNG, **options: object) -> Signal:
    ranges = tmp_path / "a.rrng"
    ranges.write_text(text, encoding="utf-8")
    return read_pos(pos(tmp_path, points()), options, {"ranges": ranges})[0]


def test_memory_data_set_and_file_give_the_same_blocks(tmp_path: Path) -> None:
    ions = points()
    names = ("x", "y", "z", "mass_to_charge")
    memory = array_source(*ions.T)
    data = xr.Dataset({name: ("ion", ions[:, i].astype(float)) for i, name in enumerate(names)})
    path = pos(tmp_path, ions)
    (signal,) = read_pos(path, {}, {})
    assert signal.lazy is not None
    for source in (memory, source_of(data), source_of(open_ions(path, {}, signal.lazy))):
        assert source.ions == 40
        assert source.columns == names
        np.testing.assert_array_equal(columns(source, names), ions)
        np.testing.assert_array_equal(columns(source, ("z",), size=1000), ions[:, 2:3])
        first, block = list(source.blocks(["y"], 12, 15, size=2))[-1]
        assert (first, block["y"].tolist()) == (14, ions[14:15, 1].tolist())
        assert not list(source.blocks(["y"], 40))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"different shapes: x \(3,\), y \(3,\), z \(2,\)"):
        array_source([1, 2, 3], [1, 2, 3], [1, 2], [1, 2, 3])


def test_what_is_no_list_of_ions() -> None:
    with pytest.raises(BadInputError, match="mass_to_charge over ion is missing"):
        source_of(xr.Dataset({"counts": ("energy", np.arange(3))}))


def test_ranges_are_kept_with_the_ions_and_counted(tmp_path: Path) -> None:
    signal = with_ranges(tmp_path)
    table = RangeTable.from_json(signal.metadata["ranges"])
    assert [one.ion.name if one.ion else None for one in table.ranges] == [
        "Si++", "Si+", "Si", "Fe+", None,
    ]  # fmt: skip
    assert signal.metadata["ions_in_ranges"] == 40
    said = {notice.code: notice.message for notice in signal.notices}
    assert list(said) == ["empty-ranges", "unidentified-ranges", "charge-unknown"]
    assert said["empty-ranges"].startswith("3 of 5 ranges hold no ion of this file: 40 to 40.1 Da")
    assert "70 to 71 Da, 59 (line 12)" in said["unidentified-ranges"]
    assert "no isotope of Si of charge 1 to 4 lies in it" in said["charge-unknown"]


def test_overlapping_ranges_refuse_the_ions_or_are_joined(tmp_path: Path) -> None:
    text = RRNG.replace("27.9 28.1", "14.05 28.1")
    with pytest.raises(BadFileError, match=r"overlap: 14.05 to 28.1 Da, Si \(line 9\)"):
        with_ranges(tmp_path, text)
    signal = with_ranges(tmp_path, text, join_ranges="true")
    assert "ranges-joined" in {notice.code for notice in signal.notices}


def test_another_companion_is_refused(tmp_path: Path) -> None:
    path = pos(tmp_path, points())
    with pytest.raises(BadInputError, match="takes no companion 'geometry'"):
        read_pos(path, {}, {"geometry": path})


@pytest.mark.data
def test_silicon_tip_as_published(shared_data: Path) -> None:
    """APAV's reference values (data README): ranged ions, ionic and decomposed composition."""
    folder = shared_data / "apt"
    (signal,) = read_pos(folder / "Si.pos", {}, {"ranges": folder / "Si.RRNG"})
    assert signal.notices == []
    assert signal.metadata["ions_in_ranges"] == 877010
    table = RangeTable.from_json(signal.metadata["ranges"])
    assert signal.lazy is not None
    counts = np.zeros(len(table.ions) + 1, np.int64)
    for _, block in source_of(open_ions(folder / "Si.pos", {}, signal.lazy)).blocks(
        ["mass_to_charge"]
    ):
        species = table.species[table.labels(block["mass_to_charge"])]
        counts += np.bincount(species, minlength=counts.size)
    ionic = dict(
        zip((ion.formula for ion in table.ions), 100 * counts[1:] / counts[1:].sum(), strict=True)
    )
    assert ionic == pytest.approx(
        {
            "Si": 89.5173, "Cr2O": 9.7673, "CrO": 0.1917, "O": 0.1545, "Cr": 0.1376,
            "C": 0.0805, "Cu": 0.0779, "CrO2": 0.0732,
        },
        abs=5e-5,
    )  # fmt: skip
    atoms = counts[1:] @ table.stoichiometry
    assert dict(zip(table.elements, 100 * atoms / atoms.sum(), strict=True)) == pytest.approx(
        {"Si": 74.677, "Cr": 16.632, "O": 8.559, "C": 0.067, "Cu": 0.065}, abs=6e-4
    )
