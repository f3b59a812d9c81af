"""Entering what happened: children by a step, bounds, marks before and after the cut, the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consilience.cli.app import app
from consilience.errors import BadInputError
from consilience.study import Study
from consilience.study.building import build
from consilience.study.study_file import read_study_file

CUT = {"shape": "box", "coordinates": [[10, 4], [22, 9]], "unit": "um", "frame": "chip map"}
LIFT: dict[str, Any] = {
    "start": "2026-03-01T10:00+00:00",
    "end": "2026-03-01T11:00+00:00",
    "conditions": {"ion": "Xe+", "temperature": "90 K"},
}


@pytest.fixture
def study(tmp_path: Path) -> Any:
    with Study.create(tmp_path / "study") as made:
        made.add_sample("chip", materials=["Li metal"])
        yield made


def pattern(folder: Path, number: int) -> Path:
    path = folder / f"{number}.xy"
    path.write_text("".join(f"{10 + i * 0.1} {100 + i + number}\n" for i in range(50)))
    return path


def add(study: Study, folder: Path, number: int, sample: str, start: str | None) -> str:
    options = {"axis": "two_theta", "unit": "deg", "wavelength": "0.7 angstrom"}
    options["intensity_unit"] = "count"
    (added,) = study.add(pattern(folder, number), sample, options=options, start=start)
    return added.id


def derive(study: Study, **more: Any) -> Any:
    fields = {"cut": CUT, "remains": "chip with a trench", "step": LIFT, **more}
    return study.derive("lamella", "chip", "lift_out", **fields)


def test_a_child_and_its_step_are_one_append(study: Study) -> None:
    before = study.head[0]
    sample, step = derive(study)
    assert (sample.new, step.new) == (True, True)
    assert study.head[0] == before + 2
    child = study.sample("lamella")
    assert child.parent == "chip"
    assert child.cut is not None
    assert child.cut.frame == "chip map"
    made = study.step(step.id)
    assert (made.sample, made.derives, made.remains) == ("chip", "lamella", "chip with a trench")
    assert made.conditions["ion"] == "Xe"
    assert [a.new for a in derive(study)] == [False, False]
    assert study.head[0] == before + 2


def test_nothing_is_registered_of_a_child_that_cannot_be(study: Study) -> None:
    before = study.head[0]
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("cannot make sample", {"by": "store"}),
        ("nearly 'temperature'", {"step": {"conditions": {"temprature": "90 K"}}}),
        ("2026-04-03 or 2026-03-04", {"step": {"start": "03.04.2026", "time_zone": "UTC"}}),
        ("there is no sample 'wafer'", {"parent": "wafer"}),
        ("is no element symbol", {"elements": ["Xx"]}),
    ]
    for words, fields in wrong:
        given: dict[str, Any] = {"parent": "chip", "by": "lift_out", **fields}
        with pytest.raises(Exception, match=words):
            study.derive("lamella", **given)
    assert study.head[0] == before
    assert "lamella" not in study.samples()


def test_a_child_is_made_once(study: Study) -> None:
    (_, step) = derive(study)
    with pytest.raises(BadInputError, match=f"already made by step {step.id}"):
        study.derive("lamella", "chip", "mill", cut=CUT)
    with pytest.raises(BadInputError, match="already registered with another cut"):
        derive(study, cut={**CUT, "frame": "other map"})
    study.retract(step.id, "wrong day")
    assert [a.new for a in derive(study)] == [False, True]


def test_a_step_may_derive_a_sample_that_is_registered(study: Study) -> None:
    with pytest.raises(BadInputError, match="'lamella', which is not a sample of this study"):
        study.add_step({"type": "lift_out", "sample": "chip", "derives": "lamella"})
    study.add_sample("lamella", parent="chip")
    study.add_step({"type": "lift_out", "sample": "chip", "derives": "lamella"})
    study.add_sample("stranger")
    with pytest.raises(BadInputError, match="'stranger', which has parent None"):
        study.add_step({"type": "lift_out", "sample": "chip", "derives": "stranger"})


def test_a_parents_measurements_are_marked_before_or_after_the_cut(
    study: Study, tmp_path: Path
) -> None:
    derive(study)
    study.derive("needle", "lamella", "mill")
    early = add(study, tmp_path, 1, "chip", "2026-03-01T09:00+00:00")
    late = add(study, tmp_path, 2, "chip", "2026-03-01T12:00+00:00")
    undated = add(study, tmp_path, 3, "chip", None)
    inside = add(study, tmp_path, 4, "lamella", "2026-03-01T13:00+00:00")
    sides = {i: study.show(i)["cuts"][0]["side"] for i in (early, late, undated)}
    assert sides == {early: "before", late: "after", undated: "unknown"}
    assert {c["child"] for c in study.show(early)["cuts"]} == {"lamella", "needle"}
    assert study.show(inside)["cuts"][0]["side"] == "unknown"
    parents = study.show("needle")["parents_measurements"]
    assert {(m["measurement"], m["side"]) for m in parents} == {
        (early, "before"),
        (late, "after"),
        (undated, "unknown"),
        (inside, "unknown"),
    }
    done = CliRunner().invoke(app, ["-C", str(study.path), "measurements"])
    assert "before lamella, needle" in done.output
    listed = CliRunner().invoke(app, ["-C", str(study.path), "measurements", "--json"])
    assert json.loads(listed.output)[0]["cuts"][0]["side"] == "before"


def test_the_command_line_derives_and_shows_contradictions(tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["-C", str(tmp_path / "s"), *words])
        assert done.exit_code == code, done.output
        return done.output

    run("init")
    run("sample", "add", "chip", "--material", "Li metal")
    said = "sample derive lamella --from chip --by lift_out --start 2026-03-01T10:00+00:00".split()
    made = run(*said, "--cut", "box 10,4 22,9 um", "--frame", "chip map", "--remains", "a trench")
    assert "sample lamella registered" in made
    assert "not said, so unknown: temperature" in made
    assert "--frame" in run(*said, "--cut", "box 10,4 22,9 um", code=2)
    asked = run("step", "add", "store", "--sample", "lamella", "--sequence", "1")
    assert "not said, so unknown: atmosphere, o2, h2o, duration" in asked
    ambiguous = run("step", "add", "store", "--sample", "chip", "--start", "03.04.2026", code=2)
    assert "2026-04-03 or 2026-03-04" in ambiguous
    near = ["step", "add", "store", "--sample", "chip", "--condition", "presure=1 mbar"]
    assert "write 'pressure'" in run(*near, code=2)
    run("step", "add", "store", "--sample", "lamella", "--start", "2026-03-01T08:00+00:00")
    assert "before the sample was made by lift out" in run("steps")


FILE = """
[study]
name = "chain"

[[sample]]
id = "needle"
parent = "chip"

[[sample]]
id = "chip"
materials = ["Li metal"]

[[step]]
sample = "chip"
type = "store"
sequence = 1
conditions = { atmosphere = "Ar", o2 = "< 0.1 ppm", duration = "2 d" }

[[step]]
sample = "chip"
type = "lift_out"
sequence = 2
derives = "needle"
remains = "nothing"
"""


def test_a_study_file_says_derives_remains_and_materials(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(FILE)
    plan = read_study_file(tmp_path / "study.toml")
    with Study.create(tmp_path / "made") as study:
        assert build(study, plan, tmp_path).new == 4
        assert build(study, plan, tmp_path).new == 0
        store, cut = study.steps("chip")
        assert store.conditions["o2"] == "< 0.1 ppm"
        assert (cut.derives, cut.remains, cut.sequence) == ("needle", "nothing", 2)
        assert study.sample("chip").materials == ["Li metal"]
        assert study.custody().contradictions == ()


@pytest.mark.parametrize(
    ("exposure", "words"),
    [
        ('{ particle = "proton" }', "use one of: electron, photon, ion"),
        ('{ particle = "electron", fluence = 40 }', "without a unit"),
        ('{ particle = "electron", fluence = "40 K" }', "measures something else"),
        ('{ particle = "electron", energy = "-1 keV" }', "is negative"),
    ],
)
def test_an_exposure_that_cannot_be_is_refused(exposure: str, words: str, tmp_path: Path) -> None:
    table = f'[[measurement]]\nfile = "a"\nsample = "chip"\nexposures = [{exposure}]\n'
    (tmp_path / "study.toml").write_text(f'[study]\nname = "x"\n{table}')
    with pytest.raises(BadInputError) as caught:
        read_study_file(tmp_path / "study.toml")
    assert words in f"{caught.value.what} {caught.value.fix}"


def test_exposures_are_written_with_units(tmp_path: Path) -> None:
    table = """
[study]
name = "x"
[[measurement]]
file = "a"
sample = "chip"
exposures = [
  { particle = "electron", fluence = "40 e/Å^2", energy = "300 keV", temperature = "-190 degC" },
  { particle = "photon", fluence = "1e6 ph/um^2" },
]
"""
    (tmp_path / "study.toml").write_text(table, encoding="utf-8")
    electrons, photons = read_study_file(tmp_path / "study.toml").measurement[0].exposures
    assert electrons.fluence is not None
    assert (electrons.fluence.value, electrons.fluence.unit) == (40.0, "1/angstrom^2")
    assert electrons.temperature is not None
    assert electrons.temperature.value == pytest.approx(83.15)
    assert (electrons.source, electrons.fluence_rate) == ("user", None)
    assert photons.fluence is not None
    assert photons.fluence.unit == "1/um^2"
