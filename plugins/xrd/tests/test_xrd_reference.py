"""Reference lines against published tables, and CIFs that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consilience.errors import BadFileError, BadInputError, NotFoundError
from consilience_xrd.references.phases import library, library_phase, phase_from_cif
from consilience_xrd.references.reference import (
    compute_pattern,
    forbidden_lines,
    is_allowed,
    line_q,
    reference_pattern,
)

pytestmark = pytest.mark.filterwarnings("ignore")

# q [1/angstrom] and relative intensity, worked out apart from this program
TABLE = {
    "Pt": {"111": (2.7740, 100), "200": (3.2032, 51), "220": (4.5300, 37)},
    "LiF": {"111": (2.7029, 72), "200": (3.1211, 100), "220": (4.4139, 56)},
    "LiPt": {
        "0001": (1.4868, 91),
        "10-10": (2.6595, 68),
        "0002": (2.9736, 18),
        "10-11": (3.0469, 100),
        "10-12": (3.9894, 45),
    },
    "Li": {"110": (2.5316, 100), "200": (3.5802, 20), "211": (4.3848, 42)},
    "Li2O": {"111": (2.3561, 100), "220": (3.8475, 79), "311": (4.5116, 26)},
    "Li2CO3": {
        "110": (1.5095, 67),
        "111": (2.0733, 22),
        "20-2": (2.1531, 75),
        "002": (2.2335, 100),
        "020": (2.5250, 17),
        "31-1": (2.5856, 42),
        "021": (2.7610, 17),
    },
}


@pytest.mark.parametrize("key", sorted(TABLE))
def test_lines_agree_with_the_table(key: str) -> None:
    lines = {
        line.label: line for line in compute_pattern(library()[key], 0.68880, (0.5, 4.8)).lines
    }
    for label, (q, intensity) in TABLE[key].items():
        assert lines[label].q == pytest.approx(q, abs=2e-4), label
        assert lines[label].intensity == pytest.approx(intensity, abs=2.5), label


def test_library_entries_are_what_they_say() -> None:
    from pymatgen.core.composition import Composition
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    assert len(library()) >= 21
    for phase in library().values():
        structure = phase.structure()
        stated = Composition(phase.formula).fractional_composition
        assert structure.composition.fractional_composition.almost_equals(stated), phase.key
        assert SpacegroupAnalyzer(structure, 0.01).get_space_group_number() == phase.space_group
        assert phase.citation
        assert phase.checked
        assert all(0 < s < 0.02 for s in phase.cell_std)


def test_ceria_at_the_calibrants_wavelength() -> None:
    pattern = compute_pattern(library()["CeO2"], 0.4066, (1.0, 6.0))
    expected = [7.462, 8.618, 12.199, 14.315, 14.955, 17.285]
    assert [line.two_theta for line in pattern.lines[:6]] == pytest.approx(expected, abs=2e-3)


def test_forbidden_reflections() -> None:
    li = library()["Li"]
    assert is_allowed(li, (1, 1, 0))
    assert not is_allowed(li, (1, 1, 1))
    assert line_q(li, (1, 1, 1)) == pytest.approx(3.1005, abs=1e-4)
    assert "111" in {line.label for line in forbidden_lines(li, 4.8)}
    assert "110" not in {line.label for line in forbidden_lines(li, 4.8)}
    # diamond: 200 is forbidden by the lattice, 222 by the special position
    assert not is_allowed(library()["Si"], (2, 2, 2))


def test_cache_is_keyed_by_content_and_mended(tmp_path: Path) -> None:
    phase = library()["Pt"]
    first = reference_pattern(phase, 0.7, (1.0, 5.0), tmp_path)
    (file,) = tmp_path.iterdir()
    stored = json.loads(file.read_text())
    stored["body"]["lines"][0]["q"] = 9.9
    file.write_text(json.dumps(stored))
    assert reference_pattern(phase, 0.7, (1.0, 5.0), tmp_path) == first
    file.write_text("{")
    assert reference_pattern(phase, 0.7, (1.0, 5.0), tmp_path) == first
    reference_pattern(phase, 0.8, (1.0, 5.0), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_bad_requests() -> None:
    with pytest.raises(BadInputError, match="No line can lie between"):
        compute_pattern(library()["Pt"], 5.0, (3.0, 5.0))
    with pytest.raises(NotFoundError, match="no phase 'Unobtainium'"):
        library_phase("Unobtainium")
    with pytest.raises(NotFoundError, match="formula of ZrO2-monoclinic, ZrO2-tetragonal"):
        library_phase("ZrO2")


CIF = """data_x
_space_group_IT_number 225
_symmetry_space_group_name_H-M 'F m -3 m'
_cell_length_a 4.0263(2)
_cell_length_b 4.0263(2)
_cell_length_c 4.0263(2)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_cell_measurement_temperature 293
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0 0 0 1
F1 F 0.5 0.5 0.5 1
"""


def test_cif_is_read_with_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "LiF.cif"
    path.write_text(CIF)
    phase = phase_from_cif(path)
    stored = phase_from_cif(path, name="the user's name.cif")
    assert stored.key == "the user's name"
    assert "the user's name.cif" in stored.citation
    assert phase.identity == "LiF#225"
    assert phase.temperature == 293
    assert phase.cell_std[0] == 0.0005
    assert "assumed" in phase.cell_std_source
    lines = compute_pattern(phase, 0.6888, (1, 4)).lines
    assert lines[0].q == pytest.approx(2.7029, abs=2e-4)


def test_a_cif_with_shared_sites_is_taken_and_said(tmp_path: Path) -> None:
    shared = CIF.replace("Li1 Li 0 0 0 1", "Li1 Li 0 0 0 0.7\nNa1 Na 0 0 0 0.3")
    path = tmp_path / "mixed.cif"
    path.write_text(shared)
    phase = phase_from_cif(path)
    assert phase.formula in ("Li0.7Na0.3F", "Na0.3Li0.7F")
    assert "shared by several elements" in phase.checked
    pure = tmp_path / "LiF.cif"
    pure.write_text(CIF)
    weak = {line.label: line.intensity for line in compute_pattern(phase, 0.6888, (1, 5)).lines}
    strong = {
        line.label: line.intensity
        for line in compute_pattern(phase_from_cif(pure), 0.6888, (1, 5)).lines
    }
    # the difference of the two scattering powers, which 111 shows, gets smaller
    assert weak["111"] < 0.7 * strong["111"]
    assert is_allowed(phase, (1, 1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: "", "no data_ block"),
        (lambda t: t.replace("F1 F 0.5 0.5 0.5 1", "F1 F 0.5 0.5 0.5 0.6"), "partly occupied"),
        (lambda t: t.replace("0 0 0 1", "0 0 0 0.5"), "vacancies that a powder pattern"),
        (
            lambda t: "\n".join(
                s for s in t.splitlines() if "space_group" not in s and "symmetry" not in s
            ),
            "states no symmetry",
        ),
        (lambda t: t[: t.index("_atom_site_fract_x")], "cannot be read|no atoms"),
        (
            lambda t: t.replace("_cell_length_a 4.0263(2)", "_cell_length_a banana"),
            "cannot be read",
        ),
    ],
)
def test_unusable_cifs_say_why(tmp_path: Path, change, message: str) -> None:
    path = tmp_path / "x.cif"
    path.write_text(change(CIF))
    with pytest.raises(BadFileError, match=message):
        phase_from_cif(path)
