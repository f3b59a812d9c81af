"""Range files: the shared ones against an outside reader, and every fault with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from consilience.errors import BadFileError
from consilience_apt.files.range_files import read_range_file, read_ranges
from consilience_apt.ranges import RangeTable, assign_charges

RRNG = """# by hand
[Ions]
Number=3
Ion1=Al
Ion2=H
Ion3=O

[Ranges]
Number = 5
Range1 = 13.3629 13.8335 vol:0.01661 Al:1 Color:33FFFF
Range2=26.7840 27.2700 Vol:0.01661 Al:1 Color:33FFFF
Range3=28.9310 29.1160 Vol:0.00000 Al:1 H:2
Range4=106.1250 213.4110 Vol:0.00000 Name: Noise Color:0000FF
Range5=42.8160 43.3110 Vol:0.04543 Al:1 O:1 Name: AlOLikely Color:00FFFF
"""
RNG = """2 3
Fe
Fe 1.00 0.00 1.00
O
O 0.00 0.80 1.00
----------------- Fe O
. 53.6940 54.4660 1 0
. 15.9730 16.4960 0 1
. 71.5600 72.6640 1 1

--- polyatomic extension
1 1
FeO
FeO 0.00 1.00 0.00
----------------- FeO
. 71.5600 72.6640 1
"""
ENV = """# Rev 2.0 : Environment file for 3D Atom Probe
Rev_2.0
# Number of elements / Number of mass ranges
3	4
# List of Element and Color components ( Red / Green / Blue )
O	0.0	1.0	0.0
ErO2	1.0	0.0	0.0
Hyd	0.0	0.0	0.0
# Definition of  Mass ranges / Atomic volumes / Increment for concentration
O	15,880	16,840	20,000	1,000
ErO2	98.800	101.360	11.660	1.000
ErO2	101.350	102.360	11.660	1.000
Hyd	0.930	3.180	11.660	1.000
# Atom probe definition
# Flight length (m)
0.100500
"""


def written(tmp_path: Path, text: str, name: str = "a.rrng") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadFileError) as caught:
        read_ranges(written(tmp_path, text))
    return caught.value.what


def plain(table: RangeTable) -> list[tuple[float, float, str]]:
    return [(r.low, r.high, r.ion.formula if r.ion else "") for r in table.ranges]


def test_rrng(tmp_path: Path) -> None:
    table, file = read_range_file(written(tmp_path, RRNG.replace("\n", "\r\n")))
    assert plain(table) == [
        (13.3629, 13.8335, "Al"),
        (26.784, 27.27, "Al"),
        (28.931, 29.116, "AlH2"),
        (42.816, 43.311, "AlO"),
        (106.125, 213.411, ""),
    ]
    first, third, last = table.ranges[0], table.ranges[2], table.ranges[4]
    assert (first.volume, first.colour, first.line) == (0.01661, "#33ffff", 10)
    assert third.volume is None, "0 is how the format writes that it is not known"
    assert last.label == "Noise"
    assert [n.code for n in file.notices()] == ["unidentified-ranges"]
    assert "106.125 to 213.411 Da, Noise (line 13)" in file.notices()[0].message


def test_rng_and_its_extension(tmp_path: Path) -> None:
    table = read_ranges(written(tmp_path, RNG, "a.rng"))
    assert plain(table) == [
        (15.973, 16.496, "O"),
        (53.694, 54.466, "Fe"),
        (71.56, 72.664, "FeO"),
    ]
    assert [one.colour for one in table.ranges] == ["#00ccff", "#ff00ff", "#00ff00"]


def test_env_with_commas_and_a_join_on_request(tmp_path: Path) -> None:
    path = written(tmp_path, ENV, "a.env")
    with pytest.raises(BadFileError, match=r"overlap: 101.35 to 102.36 Da, ErO2") as caught:
        read_ranges(path)
    assert caught.value.line == 12
    assert "--option join_ranges=true" in caught.value.fix
    table, file = read_range_file(path, join=True)
    assert plain(table) == [(0.93, 3.18, ""), (15.88, 16.84, "O"), (98.8, 102.36, "ErO2")]
    assert table.ranges[1].volume == pytest.approx(0.02), "the format gives cubic angstrom"
    assert [n.code for n in file.notices()] == ["unidentified-ranges", "ranges-joined"]


def test_ranges_of_different_ions_are_never_joined(tmp_path: Path) -> None:
    text = RRNG.replace("Range2=26.7840", "Range2=26.0 ").replace("13.8335", "26.5")
    text = text.replace("Range2=26.0  27.2700 Vol:0.01661 Al:1", "Range2=26.0 27.27 O:1")
    with pytest.raises(BadFileError, match=r"overlap: 26 to 27.27 Da, O") as caught:
        read_ranges(written(tmp_path, text), join=True)
    assert caught.value.line == 11


def test_all_faults_of_a_rrng_at_once(tmp_path: Path) -> None:
    text = RRNG.replace("Number=3", "Number=4").replace("13.8335", "12.8335")
    text = text.replace("27.2700", "nan").replace("H:2", "Hx:2").replace("O:1 Name", "O:0 Name")
    said = faults(tmp_path, text + "Range6=5.0\nRange7=7 8 Fe\nnonsense\n")
    assert "has 9 faults" in said
    for part in (
        "line 3: Number=4 in [Ions], but 3 follow",
        "line 9: Number=5 in [Ranges], but 7 follow",
        "reversed: 13.3629 to 12.8335 Da, Al (line 10)",
        "an edge is not finite: 26.784 to nan Da, Al (line 11)",
        "line 12: Range3 names 'Hx', which is no element",
        "line 14: Range5 has '0' atoms of O",
        "line 15: Range6 has no two edges: '5.0'",
        "line 16: Range7 has 'Fe', which is no NAME:VALUE",
        "line 17: 'nonsense' is no field of [Ions] or [Ranges]",
    ):
        assert part in said
    assert said.index("line 3") < said.index("line 9") < said.index("line 17")


def test_all_faults_of_a_rng_at_once(tmp_path: Path) -> None:
    text = RNG.replace("2 3", "2 4", 1).replace("54.4660 1 0", "54.4660 1")
    text = text.replace("16.4960 0 1", "16.4960 0 -1").replace("71.5600 72.6640 1\n", "71.0 72 1\n")
    said = faults(tmp_path, text)
    for part in (
        "line 1: 4 ranges are stated, but 3 follow",
        "line 7: '. 53.6940 54.4660 1' is not two edges and 2 numbers of atoms",
        "line 8: '. 15.9730 16.4960 0 -1': a number of atoms is none",
        "line 16: 71 to 72 Da is not among the ranges above",
    ):
        assert part in said


def test_a_rng_whose_extension_contradicts_it(tmp_path: Path) -> None:
    said = faults(tmp_path, RNG.replace("FeO", "Fe2O"))
    assert "line 16: 71.56 to 72.664 Da is Fe2O here, FeO above" in said


def test_a_label_of_no_element_in_a_molecule(tmp_path: Path) -> None:
    text = RNG.replace("O\nO 0.00", "unknown\nunknown 0.00").replace("- Fe O", "- Fe unknown")
    assert "line 9: 'unknown' is no element, but is part of a molecule here" in faults(
        tmp_path, text
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3\t4", "2\t4", "line 4: 2 elements are stated, but 3 follow"),
        ("3\t4", "3\t5", "line 4: 5 ranges are stated, but 4 follow"),
        ("3\t4", "", "the number of elements and of mass ranges is not stated"),
        ("98.800", "x", "line 11: 'ErO2 x 101.360 11.660 1.000' is no label"),
    ],
)
def test_faults_of_an_env(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in faults(tmp_path, ENV.replace(old, new).replace("101.350", "101.370"))


@pytest.mark.parametrize("text", ["", "x y z\n", "3.14 15\n"])
def test_what_is_no_range_file(tmp_path: Path, text: str) -> None:
    assert "is no range file" in faults(tmp_path, text)


def test_bytes_are_no_range_file(tmp_path: Path) -> None:
    path = tmp_path / "a.rng"
    path.write_bytes(b"2 3\n\0\0\0")
    with pytest.raises(BadFileError, match="it is not text"):
        read_ranges(path)


def test_no_range_at_all(tmp_path: Path) -> None:
    assert "there is no range" in faults(tmp_path, "[Ions]\nNumber=0\n[Ranges]\nNumber=0\n")


def test_a_repeated_number_is_said_and_harmless(tmp_path: Path) -> None:
    _, file = read_range_file(written(tmp_path, RRNG.replace("Range3", "Range2")))
    assert [n.code for n in file.notices()] == ["unidentified-ranges", "range-file-odd"]
    assert "line 12: Range2 stands in line 11 already" in file.notices()[1].message


@pytest.mark.data
def test_both_range_files_of_the_silicon_tip_are_equal(shared_data: Path) -> None:
    old, new = (read_ranges(shared_data / "apt" / name) for name in ("Si.RNG", "Si.RRNG"))
    assert old == new
    assert len(new) == 25
    assert {ion.formula for ion in new.ions} == {
        "Si", "Cr", "Cu", "C", "O", "CrO", "CrO2", "Cr2O",
    }  # fmt: skip
    table, said = assign_charges(new)
    assert said == []
    assert [one.ion.name for one in table.ranges[:3] if one.ion] == ["C++", "C+", "Si++"]


_IFES = """
import importlib, json, sys
module, name, path = sys.argv[1:4]
reader = getattr(importlib.import_module("ifes_apt_tc_data_modeling." + module), name)(path)
found = getattr(reader, module.split(".")[0])["molecular_ions"]
print(json.dumps([
    [sorted(int(h) % 256 for h in ion.nuclide_hash if h), low, high]
    for ion in found for low, high in ion.ranges.magnitude.tolist()
]))
"""


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "ions", "ranges"),
    [
        ("Si.RRNG", 8, 25),
        ("Si.RNG", 8, 25),
        ("R31_06365-v02.rrng", 27, 72),
        ("SeHoKim_R5076_44076_v02.rng", 37, 138),
    ],
)
def test_shared_files_are_as_an_outside_reader_has_them(
    shared_data: Path, tmp_path: Path, name: str, ions: int, ranges: int
) -> None:
    from periodictable import elements

    path = shared_data / "apt" / name
    table = read_ranges(path)
    assert (len(table.ions), len(table)) == (ions, ranges)
    kind = path.suffix[1:].lower()
    ran = subprocess.run(
        [
            sys.executable, "-c", _IFES, f"{kind}.{kind}_reader",
            f"Read{kind.capitalize()}FileFormat", str(path),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No module named 'ifes_apt_tc_data_modeling'" in ran.stderr:
        pytest.skip("ifes-apt-tc-data-modeling is not installed")
    assert ran.returncode == 0, ran.stderr
    ours = [
        [
            sorted(elements.symbol(s).number for s, n in r.ion.elements for _ in range(n)),
            r.low,
            r.high,
        ]
        for r in table.ranges
        if r.ion
    ]
    assert ours == sorted(json.loads(ran.stdout), key=lambda row: row[1])
