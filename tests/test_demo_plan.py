"""The plan of the demonstration: entries, seeds, names of files, what was planted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from consilience.demo import STUDIES, copy_study_file, read_plan, simulate_plan
from consilience.errors import NotFoundError
from consilience.model.canonical import canonical_json
from consilience.study.study_file import read_study_file

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", STUDIES)
def test_every_file_that_a_study_names_is_one_that_its_plan_makes(
    name: str, tmp_path: Path
) -> None:
    plan = read_plan(name, small=True)
    entries = {e["name"] for part in ("simulation", "log", "shipped") for e in plan[part]}
    file = read_study_file(copy_study_file(name, tmp_path))
    named = {Path(m.file).parts[0] for m in file.measurement}
    named |= {Path(s.file).stem for s in file.series}
    assert named == entries
    seeds = [run["seed"] for run in plan["simulation"]]
    assert len(set(seeds)) == len(seeds)


def test_chosen_entries_are_simulated_with_chosen_seeds(tmp_path: Path) -> None:
    plan = read_plan("ptanode", small=True)
    first = simulate_plan(plan, tmp_path / "a", only=["xrd-blank", "suitcase-a"])
    assert set(first) == {"xrd-blank", "suitcase-a"}
    (one,) = first["xrd-blank"]
    assert one == tmp_path / "a" / "xrd-blank" / "xrd-blank.xye"
    truth = tmp_path / "truth.json"
    again = simulate_plan(
        plan, tmp_path / "a", only=["xrd-blank"], seeds={"xrd-blank": 7}, truth=truth
    )
    other = simulate_plan(plan, tmp_path / "b", only=["xrd-blank"])
    (new,), (same) = again["xrd-blank"], other["xrd-blank"][0]
    assert new == one
    assert "seed: 7" in new.read_text(encoding="utf-8")
    assert "seed: 108" in same.read_text(encoding="utf-8")
    told = json.loads(truth.read_bytes())
    assert truth.read_bytes() == canonical_json(told)
    assert told["simulation"][0]["seed"] == 7
    assert told["simulation"][0]["planted"][0]["origin"] == "simulated"
    assert sorted(p.name for p in one.parent.iterdir()) == ["xrd-blank.xye"]


def test_small_changes_parameters_and_leaves_the_rest() -> None:
    whole, small = (read_plan("ptanode", small=s) for s in (False, True))
    runs = {run["name"]: run for run in whole["simulation"]}
    less = {run["name"]: run for run in small["simulation"]}
    assert set(runs) == set(less)
    assert less["xrd-before"]["params"]["points"] < runs["xrd-before"]["params"]["points"]
    assert less["xrd-before"]["params"]["phases"] == runs["xrd-before"]["params"]["phases"]
    assert "small" not in less["xrd-before"]


def test_unknown_studies_and_entries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no demonstration 'nothing'"):
        read_plan("nothing")
    with pytest.raises(NotFoundError, match="no entry 'nothing'"):
        simulate_plan(read_plan("xcsct"), tmp_path, only=["nothing"])


def test_what_is_published_stands_there_as_in_the_example() -> None:
    ours, theirs = (
        tomllib.loads((ROOT / path / "study.toml").read_text(encoding="utf-8"))
        for path in ("core/consilience/demo/xcsct", "examples/xcsct")
    )
    for part in ("table", "finding"):
        assert ours[part] == theirs[part]
    said = [
        [
            (c["title"], c.get("value"), c.get("formula"), c["quote"], c["citation"])
            for c in one["claim"]
        ]
        for one in (ours, theirs)
    ]
    assert said[0] == said[1]
