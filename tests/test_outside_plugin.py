"""examples/outside_plugin: technique, comparison, rule and section from outside the tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "outside_plugin"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("outside-plugin")]

STUDY = """
import json, sys
from pathlib import Path
from consilience import Study
from consilience.declarations import Simulator
from consilience_xrd.simulation.powder import SimulationParams, run

folder = Path(sys.argv[1])
with Study.create(folder / "study") as study:
    simulate = study.registry.get(Simulator, "raman_bands.spectrum")
    study.add_sample("foil", elements=["Li", "F", "C", "O", "Ca"])
    for seed, heights in ((1, {"Li2CO3": 400.0}), (2, {"calcite": 400.0, "Li2C2": 100.0})):
        (made,) = simulate.run.load()(simulate.params.load()(heights=heights), seed, folder)
        study.add(made.rename(folder / f"spot-{seed}.raman"), "foil", state={"spot": seed})
    powder = SimulationParams.model_validate(
        {"weights": {"LiF": 0.5, "Li2CO3": 0.5}, "counts": 12000.0, "points": 1500}
    )
    study.add(run(powder, 4, folder)[0], "foil", state={"spot": 1})
    summary = study.analyse(["raman_bands.phases", "xrd.phases"])
    assert not summary.failures, summary.failures
    page = study.report(folder / "report.html").read_text(encoding="utf-8")
    by_id = {f.id: f.source.analysis for f in study.findings()}
    print(json.dumps({
        "verdicts": [
            [v.comparison, v.subject.label if v.subject else "", v.verdict, v.reason,
             sorted(by_id[i] for i in v.findings), [c.rule for c in v.caveats]]
            for v in study.compare()
        ],
        "phases": [
            [f.state["spot"], f.subject.label, f.status, f.reason,
             [r.subject.label for r in f.rivals if r.live]]
            for f in study.findings("phase") if f.source.plugin == "raman_bands"
        ],
        "caveats": sorted({c.rule for c in study.caveats()}),
        "origins": sorted({f.origin for f in study.findings()}),
        "page": [text in page for text in sys.argv[2:]],
    }))
"""


def run(site: Path, *command: str | Path, cwd: Path) -> str:
    path = os.pathsep.join([str(site), str(ROOT / "core"), str(ROOT / "plugins" / "xrd")])
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path, "CONSILIENCE_MUTANTS": "10"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed a copy of the plugin."""
    folder = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(PLUGIN, folder / "source")
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = ["--no-build-isolation", "--no-index", "--target", str(folder / "site")]
    run(folder, *pip, *target, source, cwd=folder)
    return folder / "site"


@pytest.fixture(scope="module")
def told(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("study")
    (folder / "build.py").write_text(STUDY, encoding="utf-8")
    sections = ("Section by plugin raman_bands", "SIMULATED Raman spectrum", "ruled out here")
    lines = run(site, "build.py", folder, *sections, cwd=folder).splitlines()
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def test_phases_come_with_limits_rivals_and_what_no_band_can_say(told: dict[str, Any]) -> None:
    said = {(spot, label): (status, rivals) for spot, label, status, _, rivals in told["phases"]}
    assert said[1, "Li2CO3"] == ("present", [])  # calcite lacks its lattice mode
    assert said[1, "calcite"][0] is None
    assert said[2, "calcite"][0] == "present"
    assert "Li2CO3" in said[2, "calcite"][1]  # its one band is there, too
    assert said[1, "Li2C2"][0] == "absent_below_limit"
    assert said[2, "Li2C2"][0] == "present"
    assert said[1, "natrite"][0] is None  # the wing of a band that lies beyond its tolerance
    assert {said[1, label][0] for label in ("LiF", "Li", "Pt")} == {"not_observable"}
    assert told["origins"] == ["simulated"]


def test_its_verdicts_stand_beside_those_of_the_core(told: dict[str, Any]) -> None:
    both = ["raman_bands.phases", "xrd.phases"]
    found = [v for v in told["verdicts"] if v[4] == both]
    own = [v for v in found if v[0] == "raman_bands.band_and_phase" and v[1] == "Li2CO3"]
    answers = {answer for _, _, answer, _, _, _ in own}
    assert "consistent" in answers
    assert any("the band at 109" in v[3] and "finds Li2CO3" in v[3] for v in own)
    core = [v for v in found if v[0] == "core.presence"]
    assert "agree" in {v[2] for v in core if v[1] == "Li2CO3"}
    assert any(v[1] == "LiF" and v[2] == "not_comparable" and "rock salt" in v[3] for v in core)


def test_its_rule_and_its_section_are_in_the_report(told: dict[str, Any]) -> None:
    assert "raman_bands.laser-heating" in told["caveats"]
    assert told["page"] == [True, True, True]


def test_it_keeps_the_contract_of_its_host(site: Path) -> None:
    said = run(
        site,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"),
        cwd=site.parent / "source",
    )
    assert "passed" in said
    assert "skipped" not in said


def test_nothing_in_the_tree_knows_of_it() -> None:
    for folder in ("core", "plugins"):
        for file in (ROOT / folder).rglob("*.py"):
            assert "raman_bands" not in file.read_text(encoding="utf-8"), file
