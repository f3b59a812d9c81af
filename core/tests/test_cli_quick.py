"""From a file to a report in one command, stopped and taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience.cli.app import app

HEAD = """# origin: simulated
# axis: q, unit: 1/angstrom
# wavelength: 0.6888 angstrom
# intensity_unit: count
# q intensity
"""


@pytest.fixture
def pattern(tmp_path: Path) -> Path:
    rows = [f"{1 + i / 100:.3f} {100 + (900 if i == 70 else 400 if abs(i - 70) == 1 else 0)}"
            for i in range(200)]  # fmt: skip
    path = tmp_path / "scan.xy"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def test_file_to_report_in_one_command(pattern: Path) -> None:
    pytest.importorskip("consilience_xrd")
    command = ["quick", str(pattern), "--analysis", "xrd.peaks"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "1 run(s)" in first.output
    study = pattern.with_name("scan-study")
    assert (study / "report.html").is_file()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0, again.output
    assert "already registered" in again.output
    assert "0 run(s), 0 finding(s), 1 done before" in again.output


def test_a_bad_parameter_is_said(pattern: Path) -> None:
    pytest.importorskip("consilience_xrd")
    got = CliRunner().invoke(
        app, ["quick", str(pattern), "--analysis", "xrd.peaks", "--param", "nonsense=1"]
    )
    assert got.exit_code != 0
    assert "parameters of 'xrd.peaks'" in got.output
