"""The demonstration, small: built from nothing, says what is simulated, tells its story."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.demo import STUDIES, run_demo
from consilience.errors import BadInputError
from consilience.model import Finding, Verdict
from consilience.study.building import build
from consilience.study.study_file import read_study_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "made"
    pages = run_demo(folder, small=True)
    assert pages == [folder / study / "report.html" for study in STUDIES]
    return folder


@pytest.fixture(scope="module")
def findings(demo: Path) -> list[Finding]:
    with Study.open(demo / "ptanode" / "study") as study:
        return study.findings()


@pytest.fixture(scope="module")
def verdicts(demo: Path) -> list[Verdict]:
    with Study.open(demo / "ptanode" / "study") as study:
        return study.compare()


def test_all_but_one_spectrum_is_simulated_and_says_so(demo: Path, findings: list[Finding]) -> None:
    origins = defaultdict(set)
    with Study.open(demo / "ptanode" / "study") as study:
        for measurement in study.measurements():
            origins[measurement.record.origin].add(measurement.sample)
        assert {s.origin for s in study.steps()} == {"simulated"}
        assert study.verify().ok
    assert origins["measured"] == {"FePt nanoparticles"}
    assert origins["entered"] == {"published"}
    said = {f.origin for f in findings if f.sample not in ("FePt nanoparticles", "published")}
    assert said == {"simulated"}


def test_no_verdict_rests_on_measured_and_simulated_together(
    findings: list[Finding], verdicts: list[Verdict]
) -> None:
    origin = {f.id: f.origin for f in findings}
    for verdict in verdicts:
        if len({origin[i] for i in verdict.findings}) > 1:
            assert verdict.verdict == "not_comparable", verdict.reason


def test_diffraction_tells_what_was_planted_in_each_state(findings: list[Finding]) -> None:
    present = defaultdict(set)
    for f in findings:
        if f.source.analysis == "xrd.phases" and f.sample == "chip" and f.status == "present":
            present[f.state["cycle"], f.state["bias"]].add(f.subject and f.subject.label)
    assert present[0, "before"] == {"Pt"}
    assert present[1, "lithiated"] >= {"Li2Pt", "Li2CO3"}
    assert present[1, "delithiated"] == {"LiPt", "Li2CO3"}
    assert present[20, "delithiated"] == {"LiPt", "LiF"}
    # LiPt is there after 50 cycles too, but its lines have left where its cell has them
    assert present[50, "delithiated"] == {"LiF"}


def test_the_shrinking_cell_is_followed_with_its_rival(findings: list[Finding]) -> None:
    c = {
        f.state["cycle"]: f.value
        for f in findings
        if f.kind == "cell_length" and f.subject and f.subject.label == "c of LiPt, 0001 followed"
    }
    assert c[50] == pytest.approx(4.226 * (1 - 0.0132), abs=0.004)


def test_region_2_is_consistent_with_lipt_and_names_the_systematic_error(
    findings: list[Finding], verdicts: list[Verdict]
) -> None:
    by_id = {f.id: f for f in findings}
    (found,) = [
        v
        for v in verdicts
        if v.subject
        and v.subject.label == "LiPt"
        and v.verdict == "consistent"
        and any(r and r.label == "region 2" for r in (by_id[i].region for i in v.findings))
    ]
    assert "cannot prove it" in found.reason
    assert "detection efficiency, field-dependent loss" in found.reason
    li = next(
        f
        for f in findings
        if f.kind == "composition" and f.region and f.region.label == "region 2" and f.subject
        if f.subject.element == "Li"
    )
    assert li.value == pytest.approx(0.485, abs=0.02)
    assert li.std_sys
    assert li.std_sys > 2 * (li.std_stat or 0)


def test_line_compound_against_solid_solution_stands_as_a_conflict(
    verdicts: list[Verdict],
) -> None:
    (found,) = [
        v
        for v in verdicts
        if v.kind == "phase" and v.samples == ["published"] and v.verdict == "disagree"
    ]
    assert "a line compound (" in found.reason
    assert "Li 2 to 80 at.%" in found.reason


def test_lithium_in_platinum_is_not_observable_by_electrons(findings: list[Finding]) -> None:
    (found,) = [
        f
        for f in findings
        if f.sample == "lamella A" and f.region and f.region.label == "LiPt" and f.subject
        if f.source.analysis == "eels.fingerprints" and f.subject.element == "Li"
    ]
    assert found.status == "not_observable"
    assert "Pt O23" in str(found.reason)


def test_lithium_fluoride_is_found_by_all_and_doubted_where_the_beam_was_too_much(
    demo: Path, findings: list[Finding]
) -> None:
    of = {
        f.sample: f
        for f in findings
        if f.kind == "phase" and f.subject and f.subject.label == "LiF" and f.status == "present"
    }
    assert {"chip", "lamella A", "interphase A"} <= set(of)
    (fluorine,) = [
        f
        for f in findings
        if f.sample == "interphase A" and f.source.analysis == "eels.quantification" and f.subject
        if f.subject.element == "F"
    ]
    assert fluorine.status == "present"
    with Study.open(demo / "ptanode" / "study") as study:
        samples = {f.id: f.sample for f in findings}
        rules = defaultdict(set)
        for caveat in study.caveats():
            if caveat.effect == "doubt":
                rules[samples[caveat.finding]].add(caveat.rule)
    assert "custody.frozen-warmed" in rules["lamella B"]
    assert {r for r in rules["lamella B"] if r.startswith("eels.li2o-product")}
    assert "custody.frozen-warmed" not in rules["lamella A"]


def test_too_little_phosphorus_for_the_salt_leaves_lithium_fluoride_without_a_rival(
    findings: list[Finding], verdicts: list[Verdict]
) -> None:
    origin = {f.id: f for f in findings}
    (found,) = [
        v
        for v in verdicts
        if v.comparison == "core.elements_of_phase" and v.samples == ["interphase A"]
    ]
    assert found.verdict == "consistent"
    assert "edx on interphase A finds F there" in found.reason
    assert "on interphase A the rival LixPFy, LixPOyFz is ruled out" in found.reason
    (ruling,) = found.numbers["ruled_out"]
    assert ruling["at_most"] < ruling["share_held"] / 6
    said = [origin[i] for i in ruling["findings"]]
    assert [(f.sample, f.subject and f.subject.element) for f in said] == [
        ("interphase A", "P"),
        ("interphase A", "F"),
    ]
    # platinum hides phosphorus in the whole lamella, so that the rival stays there
    kept = [v for v in verdicts if v.kind == "phase" and "lamella A" in v.samples]
    assert any("allow LixPFy, LixPOyFz instead" in v.reason for v in kept)


def test_platinum_moves_to_the_rim_by_what_was_planted(demo: Path, findings: list[Finding]) -> None:
    truth = json.loads((demo / "truth" / "ptanode.json").read_text(encoding="utf-8"))
    (maps,) = [s for s in truth["simulation"] if s["name"] == "xrf-maps"]
    planted = {s["state"]["label"]: s["film"] for s in maps["planted"][0]["states"]}
    for kind in ("rim_share", "void_fraction"):
        found = next(f for f in findings if f.kind == kind and f.state.get("cycle") == 50)
        assert found.std
        assert found.value == pytest.approx(planted["cycle 50"][kind], abs=3 * found.std)


def test_the_powder_with_the_wrong_label_is_found_and_the_right_one_agrees(
    verdicts: list[Verdict],
) -> None:
    said = {
        (v.samples[0], v.subject.label): v.verdict
        for v in verdicts
        if v.kind == "phase" and v.subject and v.samples[0].startswith("powder")
    }
    assert said["powder B", "Li2CO3"] == "disagree"
    assert said["powder B", "Pt"] != "agree"
    assert said["powder B", "LiF"] == "agree"
    assert said["powder A", "LiF"] in ("agree", "consistent")
    assert said["powder A", "Li2CO3"] in ("agree", "consistent")


def test_the_truth_is_told_to_nobody_and_without_it_all_verdicts_are_the_same(
    demo: Path, tmp_path: Path
) -> None:
    assert not list((demo / "xcsct" / "data").rglob("*truth*"))
    assert not list((demo / "ptanode" / "data").rglob("*truth*"))
    with Study.open(demo / "xcsct" / "study") as study:
        before = {v.id: v.verdict for v in study.compare()}
    home = shutil.copytree(
        demo / "xcsct", tmp_path / "xcsct", ignore=shutil.ignore_patterns("study")
    )
    with Study.create(home / "study") as study:
        build(study, read_study_file(home / "study.toml"), home / "data")
        assert {v.id: v.verdict for v in study.compare()} == before


def test_lithium_comes_out_as_planted_at_both_rates(demo: Path) -> None:
    with Study.open(demo / "xcsct" / "study") as study:
        found = study.findings("li_content")
    for cell, planted in (
        ("simulated cell at 0.1 C", {"pristine": 1.01, "end of charge": 0.26}),
        ("simulated cell at 1 C", {"end of charge": 0.66, "end of discharge": 0.91}),
    ):
        for state, x in planted.items():
            one = next(f for f in found if f.sample == cell and f.state.get("charge") == state)
            assert one.std
            assert one.value == pytest.approx(x, abs=3 * one.std)
            assert one.std < 0.2


def test_a_demonstration_never_overwrites(demo: Path) -> None:
    with pytest.raises(BadInputError, match="is not empty"):
        run_demo(demo)
    result = CliRunner().invoke(app, ["demo", "--out", str(demo)])
    assert result.exit_code == 2
    assert "never overwrites" in result.output


def test_json_of_the_command_line_has_the_documented_fields(demo: Path) -> None:
    run = CliRunner()
    study = ["-C", str(demo / "xcsct" / "study"), "--progress", "none"]
    findings = json.loads(run.invoke(app, [*study, "findings", "--json"]).stdout)
    assert all(list(f) == list(Finding.model_fields) for f in findings)
    verdicts = json.loads(run.invoke(app, [*study, "compare", "--json"]).stdout)
    promised = "id kind subject samples findings verdict reason difference std statistic p_value "
    promised += "margin smallest_detectable"
    assert all(set(promised.split()) <= set(v) for v in verdicts)
    kinds = {"agree", "consistent", "disagree", "undecided", "not_comparable"}
    assert {v["verdict"] for v in verdicts} <= kinds


@pytest.mark.parametrize("name", STUDIES)
def test_the_report_is_quiet_alone_accessible_and_printable(
    demo: Path, chromium: Browser, name: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    report = demo / name / "report.html"
    assert report.stat().st_size < 10e6
    requests: list[str] = []
    messages: list[str] = []
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.on("request", lambda r: None if r.url.startswith("data:") else requests.append(r.url))
    page.on("console", lambda m: messages.append(m.text))
    page.on("pageerror", lambda e: messages.append(str(e)))
    page.goto(report.as_uri(), wait_until="load")
    assert len(requests) == 1
    assert messages == []
    # both are made by one template: each test is for one of them, because it takes its time
    if name == "ptanode":
        assert [v["id"] for v in Axe().run(page).response["violations"]] == []
    else:
        assert len(page.pdf()) > 50_000
    page.close()
