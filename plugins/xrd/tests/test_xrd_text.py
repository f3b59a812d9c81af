"""Axes and text patterns: what is said is taken, what is not said is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.errors import BadFileError, BadInputError
from consilience_xrd import axes
from consilience_xrd.files.text import read_text_pattern


def test_axes_agree_with_published_figures() -> None:
    assert axes.energy_to_wavelength(18.0) == pytest.approx(0.68880, abs=5e-6)
    assert axes.wavelength_to_energy(0.688801) == pytest.approx(18.0, abs=1e-4)
    # Pt 111, a 3.9231
    q = axes.d_to_q(3.9231 / np.sqrt(3))
    assert q == pytest.approx(2.7740, abs=5e-5)
    assert axes.two_theta_to_q(axes.q_to_two_theta(q, 0.6888), 0.6888) == pytest.approx(q)
    step = 1e-6
    slope = (axes.two_theta_to_q(30 + step, 1.5406) - axes.two_theta_to_q(30 - step, 1.5406)) / (
        2 * step
    )
    assert axes.q_derivative(30.0, 1.5406) == pytest.approx(slope, rel=1e-6)
    # the displaced pattern: 0.18 deg are 0.0125 1/angstrom near 2theta 30 deg
    assert 0.18 * axes.q_derivative(30.0, 1.5406) == pytest.approx(0.0125, abs=3e-4)


def test_quantities_need_units() -> None:
    assert axes.parse_wavelength("0.15406 nm") == pytest.approx(1.5406)
    assert axes.parse_energy("18000 eV") == pytest.approx(18.0)
    with pytest.raises(BadInputError, match="has no unit"):
        axes.parse_wavelength("1.54")
    with pytest.raises(BadInputError, match="cannot be read"):
        axes.parse_energy("18 parsec")
    with pytest.raises(BadInputError, match="wavelength is not known"):
        axes.two_theta_to_q(30.0, None)  # type: ignore[arg-type]


def write(tmp_path: Path, text: str, name: str = "a.xy") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "axis", "first"),
    [
        ("# axis: q, unit: 1/angstrom\n1 2\n2 3\n", "q", 1.0),
        ("# q (1/A)\n1 2\n2 3\n", "q", 1.0),
        ("# q_nm^-1 I\n10 2\n20 3\n", "q", 1.0),
        ("2theta;I\n1;2\n2;3\n", "two_theta", 1.0),
        ("2Theta (deg),counts\n1,2\n2,3\n", "two_theta", 1.0),
        ("# 2th_deg I\n1\t2\n2\t3\n", "two_theta", 1.0),
    ],
)
def test_the_file_says_its_axis(tmp_path: Path, text: str, axis: str, first: float) -> None:
    pattern = read_text_pattern(write(tmp_path, text))
    assert pattern.axis == axis
    assert pattern.x[0] == pytest.approx(first)
    assert pattern.sigma is None
    assert pattern.intensity_unit == "arbitrary"
    assert any("standard deviation is unknown" in w for w in pattern.warnings)


def test_the_user_says_what_the_file_does_not(tmp_path: Path) -> None:
    path = write(tmp_path, "1 2 5\n2 3 5\n3 4 5\n")
    with pytest.raises(BadInputError, match="does not say what its first column is") as caught:
        read_text_pattern(path)
    assert "--option axis=two_theta" in caught.value.fix
    with pytest.raises(BadInputError, match="unit of q is not said") as caught:
        read_text_pattern(path, {"axis": "q"})
    assert "--option unit=1/angstrom" in caught.value.fix
    pattern = read_text_pattern(path, {"axis": "q", "unit": "1/nm"})
    assert pattern.x == pytest.approx([0.1, 0.2, 0.3])
    assert list(pattern.extra) == ["column_3"]
    assert any("kept as column_3" in w for w in pattern.warnings)
    named = read_text_pattern(
        path,
        {
            "columns": "two_theta,intensity,smoothed",
            "intensity_unit": "count",
            "wavelength": "1.5406 angstrom",
            "ka2": "1.5444 angstrom, 0.5",
        },
    )
    assert list(named.extra) == ["smoothed"]
    assert named.source is not None
    assert named.source.doublet
    with pytest.raises(BadInputError, match="makes no sense"):
        read_text_pattern(path, {"axis": "q", "unit": "deg"})
    with pytest.raises(BadInputError, match="Unknown option"):
        read_text_pattern(path, {"axes": "q"})


def test_third_column_of_xye_is_sigma(tmp_path: Path) -> None:
    pattern = read_text_pattern(write(tmp_path, "# 2theta\n1 2 0.5\n2 3 0\n3 4 1\n", "a.xye"))
    assert pattern.sigma is not None
    assert pattern.sigma[0] == 0.5
    assert np.isnan(pattern.sigma[1])
    assert any("1 standard deviation(s) are 0" in w for w in pattern.warnings)


def test_wavelengths_that_disagree_are_pointed_out(tmp_path: Path) -> None:
    path = write(tmp_path, "# wavelength: 0.5 angstrom\n# 2theta\n1 2\n2 3\n")
    assert read_text_pattern(path).source.wavelength == 0.5  # type: ignore[union-attr]
    pattern = read_text_pattern(path, {"wavelength": "1.5406 angstrom"})
    assert any("file states a wavelength of 0.5" in w for w in pattern.warnings)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "is empty", None),
        ("# 2theta\n", "no lines of numbers", 1),
        ("# 2theta\n1 2\n2 3\n3\n", "cut off", 4),
        ("# 2theta\n1 2\n2 abc\n3 4\n", "Not a number: 'abc'", 3),
        ("# 2theta\n1 2\n1 3\n", "not increasing: point 2 is 1 after 1", 3),
        ("# 2theta\n1 2\n2 nan\n", "intensity is not a finite number", 3),
        ("# 2theta\n1 2\n", "has 1 point", 2),
        ("1,5 2,5\n1,6 2,5\n", "1.5 with a decimal comma or the two numbers 1 and 5", 1),
        ("# 2theta\n190 2\n200 3\n", "beyond 0 to 180", 2),
    ],
)
def test_bad_text_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str, line: int | None
) -> None:
    with pytest.raises(BadFileError) as caught:
        read_text_pattern(write(tmp_path, text))
    assert message in caught.value.what
    assert caught.value.line == line
    assert caught.value.fix


def test_byte_offset_points_to_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "# 2theta\n1 2\n2 abc\n3 4\n")
    with pytest.raises(BadFileError) as caught:
        read_text_pattern(path)
    assert caught.value.offset is not None
    assert path.read_bytes()[caught.value.offset :].startswith(b"2 abc")


def test_simulated_origin_is_honoured(tmp_path: Path) -> None:
    assert read_text_pattern(
        write(tmp_path, "# origin: simulated\n# 2theta\n1 2\n2 3\n")
    ).origin == ("simulated")


def test_an_axis_that_contradicts_the_header_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xy"
    rows = "\n".join(f"{10 + i / 10:.1f} {100 + i}" for i in range(40))
    path.write_text(f"# 2th_deg I\n{rows}\n", encoding="utf-8")
    told = {"axis": "q", "unit": "1/angstrom"}
    assert any("one of them is wrong" in w for w in read_text_pattern(path, told).warnings)
    quiet = read_text_pattern(path, {"axis": "two_theta", "wavelength": "1.5406 angstrom"})
    assert not any("one of them is wrong" in w for w in quiet.warnings)
