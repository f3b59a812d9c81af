"""The demonstration: built from nothing, says that it is simulated, finds its planted fault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.demo import STUDIES, run_demo
from consilience.errors import BadInputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "made"
    pages = run_demo(folder, small=True)
    assert pages == [folder / study / "report.html" for study in STUDIES]
    return folder


def test_everything_says_that_it_is_simulated(demo: Path) -> None:
    with Study.open(demo / "ptanode" / "study") as study:
        assert {m.record.origin for m in study.measurements()} == {"simulated"}
        assert {f.origin for f in study.findings()} == {"simulated"}
        assert {s.origin for s in study.steps()} == {"simulated"}
        assert {m.modality for m in study.measurements()} == {
            "apt",
            "compton",
            "eels",
            "xrd",
            "xrf",
        }
        assert study.verify().ok
    text = (demo / "ptanode" / "report.html").read_text(encoding="utf-8")
    assert "All 9 measurements are simulated" in text


def test_the_powder_with_the_wrong_label_is_found_and_the_right_one_agrees(demo: Path) -> None:
    with Study.open(demo / "ptanode" / "study") as study:
        verdicts = [v for v in study.compare() if v.kind == "phase"]
    said = {(v.samples[0], v.subject.label): v.verdict for v in verdicts if v.subject}
    assert said["powder B", "Li2CO3"] == "disagree"
    assert said["powder B", "Pt"] != "agree"
    assert said["powder B", "LiF"] == "agree"
    assert said["powder A", "LiF"] in ("agree", "consistent")
    assert said["powder A", "Li2CO3"] in ("agree", "consistent")


def test_a_measurement_after_cycling_is_not_held_against_what_was_put_in(demo: Path) -> None:
    with Study.open(demo / "ptanode" / "study") as study:
        chip = [v for v in study.compare() if v.samples == ["chip"]]
    assert any("chip was cycled after it was prepared" in v.reason for v in chip)


def test_a_demonstration_never_overwrites(demo: Path) -> None:
    with pytest.raises(BadInputError, match="is not empty"):
        run_demo(demo)
    result = CliRunner().invoke(app, ["demo", "--out", str(demo)])
    assert result.exit_code == 2
    assert "never overwrites" in result.output


def test_json_of_the_command_line_has_the_documented_fields(demo: Path) -> None:
    import json

    from consilience.model import Finding

    run = CliRunner()
    study = ["-C", str(demo / "ptanode" / "study"), "--progress", "none"]
    findings = json.loads(run.invoke(app, [*study, "findings", "--json"]).stdout)
    assert all(list(f) == list(Finding.model_fields) for f in findings)
    verdicts = json.loads(run.invoke(app, [*study, "compare", "--json"]).stdout)
    promised = "id kind subject samples findings verdict reason difference std statistic p_value "
    promised += "margin smallest_detectable"
    assert all(set(promised.split()) <= set(v) for v in verdicts)
    kinds = {"agree", "consistent", "disagree", "undecided", "not_comparable"}
    assert {v["verdict"] for v in verdicts} <= kinds


def test_the_report_is_quiet_alone_accessible_and_printable(demo: Path, chromium: Browser) -> None:
    from axe_playwright_python.sync_playwright import Axe

    requests: list[str] = []
    messages: list[str] = []
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.on("request", lambda r: None if r.url.startswith("data:") else requests.append(r.url))
    page.on("console", lambda m: messages.append(m.text))
    page.on("pageerror", lambda e: messages.append(str(e)))
    page.goto((demo / "ptanode" / "report.html").as_uri(), wait_until="load")
    assert len(requests) == 1
    assert messages == []
    assert [v["id"] for v in Axe().run(page).response["violations"]] == []
    assert len(page.pdf()) > 50_000
    page.close()
