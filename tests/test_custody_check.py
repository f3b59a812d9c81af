"""`custody check` speaks without findings and without protocols; `build` and report count it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience.cli.app import app
from consilience.model.verdict import Caveat
from consilience.rules import trust_words
from consilience.study import Study


def run(study: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["-C", str(study), *words])
    return done.exit_code, done.output


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """A frozen sample that warmed in its suitcase, measured, nothing found yet."""
    folder = tmp_path / "s"
    with Study.create(folder, "leak") as study:
        study.add_sample("chip")
        for number, (kind, conditions) in enumerate(
            (
                ("freeze", {"method": "plunge", "liquid": "LiPF6 in EC/DMC"}),
                (
                    "transfer",
                    {
                        "carrier": "suitcase",
                        "temperature": "200 K",
                        "pressure": "1 Pa",
                        "duration": "1 h",
                    },
                ),
                ("measure", {"modality": "eels", "temperature": "90 K"}),
            ),
            start=1,
        ):
            study.add_step(
                {"sample": "chip", "type": kind, "sequence": number, "conditions": conditions}
            )
    return folder


def test_rules_speak_of_a_measurement_without_findings(leaking: Path) -> None:
    code, text = run(leaking, "custody", "check")
    assert code == 9
    assert "chip, eels (eels): " in text
    assert "doubt custody.frozen-warmed: frozen liquid was warmer than 136 K" in text
    assert "doubt custody.frozen-vacuum-lost: the pressure reached" in text
    assert "to clear it: keep it colder than 136 K" in text
    assert "rules ask what a finding is about" in text
    code, listed = run(leaking, "custody", "check", "--json")
    (measurement,) = json.loads(listed)["measurements"]
    assert code == 9
    assert {"custody.frozen-warmed"} <= {r["rule"] for r in measurement["rules"]}
    assert "eels.lif-dose-warm" in measurement["waiting"]


def test_a_contradiction_is_said_beside_the_measurement(leaking: Path) -> None:
    with Study.open(leaking) as study:
        study.add_sample("dry")
        study.add_step(
            {
                "sample": "dry",
                "type": "store",
                "start": "2026-03-02T12:00:00+00:00",
                "end": "2026-03-02T13:00:00+00:00",
                "conditions": {"duration": "5 h", "atmosphere": "Ar"},
            }
        )
        study.add_step(
            {
                "sample": "dry",
                "type": "measure",
                "start": "2026-03-02T14:00:00+00:00",
                "conditions": {"modality": "xrd"},
            }
        )
    code, text = run(leaking, "custody", "check")
    assert code == 9
    assert "contradiction 1: " in text
    assert "dry, xrd (xrd): 1 contradiction" in text
    assert "contradicted: see 1 above" in text


def test_nothing_against_a_measurement_is_exit_code_0(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", "fine") as study:
        study.add_sample("powder")
        study.add_step({"sample": "powder", "type": "measure", "conditions": {"modality": "xrd"}})
    code, text = run(tmp_path / "s", "custody", "check")
    assert (code, "powder, xrd (xrd): no contradiction, no rule fires" in text) == (0, True)


def test_the_report_says_it_too(leaking: Path) -> None:
    with Study.open(leaking) as study:
        page = study.report(leaking / "report.html").read_text(encoding="utf-8")
        assert study.trust() == "1 measurement is doubted before anything was found"
    assert "1 measurement that no finding rests on is doubted because of what happened" in page
    assert "Caveats on measurements that no finding rests on" in page


def test_what_can_be_trusted_is_counted() -> None:
    def caveat(finding: str, effect: str) -> Caveat:
        return Caveat.model_validate(
            {
                "finding": finding,
                "rule": "study.x",
                "effect": effect,
                "message": "m",
                "citation": "c",
            }
        )

    found = [caveat("a", "doubt"), caveat("b", "doubt"), caveat("b", "veto"), caveat("c", "note")]
    assert trust_words(found, 2) == (
        "1 finding is doubted, 1 left out; 2 contradictions are in what is recorded"
    )
    assert trust_words(found[3:], 0) == ""
