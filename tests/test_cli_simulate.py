"""Simulated files from the command line: they say so, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from consilience import Study
from consilience.cli.app import app
from consilience.declarations import Simulator
from consilience.registry import Registry

SMALL = ["--param", "setting.grid.rows=3", "--param", "setting.grid.columns=4"]


def simulate(*words: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *words])


def test_without_a_key_every_simulator_is_listed_with_what_it_writes() -> None:
    done = simulate()
    assert done.exit_code == 0
    for one in Registry.discover().all(Simulator):
        assert any(
            line.startswith(f"{one.key} ") and line.endswith(one.title)
            for line in done.stdout.splitlines()
        ), one.key


def test_files_are_written_say_so_and_keep_the_other_defaults_of_a_part(tmp_path: Path) -> None:
    out = tmp_path / "made"
    done = simulate("xrf.scan", "--out", str(out), "--seed", "5", *SMALL)
    assert done.exit_code == 0, done.output
    assert "what was planted: " in done.stdout
    cube, truth = out / "simulated-xrf-5.nxs", out / "simulated-xrf-5.truth.json"
    assert sorted(p.name for p in out.iterdir()) == [
        "simulated-xrf-5-maps.nxs",
        cube.name,
        truth.name,
    ]
    assert '"step": 0.4' in truth.read_text(encoding="utf-8")  # of a scan, not of any grid
    with Study.create(tmp_path / "study") as study:
        study.add_sample("film")
        study.add(cube, "film")
        (measurement,) = study.measurements()
        assert measurement.record.origin == "simulated"
        assert measurement.record.summary.variables["counts"].shape[:2] == [3, 4]


def test_one_seed_one_file_and_none_is_overwritten(tmp_path: Path) -> None:
    for seed, folder in (("5", "a"), ("5", "b"), ("6", "c")):
        assert simulate("xrf.lines", "--out", str(tmp_path / folder), "--seed", seed).exit_code == 0
    first, again, other = ((tmp_path / n / "simulated.mca").read_bytes() for n in "abc")
    assert first == again != other
    (tmp_path / "a" / "notes.txt").write_text("mine")
    done = simulate("xrf.lines", "--out", str(tmp_path / "a"), "--seed", "6")
    assert done.exit_code == 7
    assert "simulated.mca is there already, and nothing is overwritten" in done.output
    assert (tmp_path / "a" / "simulated.mca").read_bytes() == first
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["notes.txt", "simulated.mca"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["xrf.scam", "--out", "x"], 3, "did you mean 'xrf.scan'?"),
        (["xrf.scan"], 2, "write consilience simulate xrf.scan --out FOLDER"),
        (["xrf.scan", "--out", "x", "--param", "nonsense=1"], 2, "plugins parameters xrf.scan"),
        (["xrf.scan", "--out", "x", "--seed", "-1"], 2, "the seed -1 is negative"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = simulate(*words)
    assert done.exit_code == code
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = simulate("xrf.lines", "--out", str(tmp_path / "file"))
    assert done.exit_code == 8
    assert "no files can be written there" in done.output
