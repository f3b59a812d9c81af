"""Every number can be asked where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.errors import BadInputError, NotFoundError
from consilience.model import Finding
from consilience.study.why import Ground, why
from consilience_xrd.simulation.powder import SimulationParams, run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, Path]]:
    folder = tmp_path_factory.mktemp("why")
    params = SimulationParams.model_validate(
        {"weights": {"LiF": 0.5, "Li2CO3": 0.5}, "counts": 12000.0, "points": 1500}
    )
    data, _ = run(params, 4, folder)
    with Study.create(folder / "study") as made:
        made.add_sample("jar", elements=["Li", "F", "C", "O"])
        made.add_sample("powder", parent="jar", elements=["Li", "F", "C", "O"])
        weighed = {"mass_fraction": 0.5, "std_stat": 0.002, "std_sys": 0.005}
        made.add_step(
            {
                "type": "prepare",
                "sample": "powder",
                "origin": "simulated",
                "complete": True,
                "constituents": [
                    {"formula": "LiF", "space_group": 225, **weighed},
                    {"formula": "Li2CO3", "space_group": 15, **weighed},
                ],
            }
        )
        made.add_step(
            {
                "type": "store",
                "sample": "jar",
                "start": "2026-03-01T12:00:00+00:00",
                "title": "in the glovebox",
            }
        )
        made.add_step(
            {
                "type": "transfer",
                "sample": "powder",
                "start": "2026-03-02T09:00:00+00:00",
                "end": "2026-03-02T09:10:00+00:00",
            }
        )
        made.add(data, "powder", start="2026-03-02T12:00:00+00:00")
        made.analyse(["xrd.phases"])
        yield made, data


def of_xrd(made: Study) -> Finding:
    return next(f for f in made.findings("phase") if f.source.analysis == "xrd.phases")


def walk(ground: Ground) -> Iterator[Ground]:
    yield ground
    for other in ground.because:
        yield from walk(other)


def test_a_verdict_leads_to_the_raw_file_and_the_chain(study: tuple[Study, Path]) -> None:
    made, data = study
    verdict = next(v for v in made.compare() if v.kind == "phase" and len(v.findings) == 2)
    found = list(walk(why(made, verdict.id)))
    assert [g.what for g in found][:3] == ["verdict", "finding", "analysis"]
    files = {g.id for g in found if g.what == "file"}
    assert hashlib.sha256(data.read_bytes()).hexdigest() in files
    (sample,) = {g.text for g in found if g.what == "sample" and g.because}
    assert sample == "powder, cut from jar"
    steps = [g.text for g in found if g.what == "step"]
    assert any("store of jar: in the glovebox" in text for text in steps)


def test_all_parameters_of_the_analysis_are_there(study: tuple[Study, Path]) -> None:
    made, _ = study
    finding = of_xrd(made)
    (analysis,) = [g for g in walk(why(made, finding.id)) if g.what == "analysis"]
    assert len(analysis.facts) == len(finding.source.parameters)
    assert "k = 3.0" in analysis.facts


def test_the_beginning_of_an_id_is_enough_if_one_has_it(study: tuple[Study, Path]) -> None:
    made, _ = study
    record = made.measurement_records()[0]
    assert why(made, record.id[:9]).id == record.id
    with pytest.raises(BadInputError, match="is the beginning of"):
        why(made, "f-")
    with pytest.raises(NotFoundError, match="no verdict, finding or measurement"):
        why(made, "v-nothing")


def test_a_mass_that_was_weighed_in_is_found_again(study: tuple[Study, Path]) -> None:
    made, _ = study
    verdicts = [v for v in made.compare() if v.kind == "phase_fraction"]
    assert {v.verdict for v in verdicts} <= {"agree", "undecided"}, [v.reason for v in verdicts]
    assert verdicts


def test_a_chain_says_what_of_it_is_not_known_to_be_before(study: tuple[Study, Path]) -> None:
    made, _ = study
    (chain,) = [g for g in walk(why(made, of_xrd(made).id)) if g.what == "chain"]
    unsure = [step for step in chain.because if "before or after is not known" in step.text]
    assert [len(chain.because), len(unsure)] == [3, 2]
    assert chain.text == "3 steps before the measurement, 2 of them perhaps after it"


def test_a_margin_without_a_unit_shows_none(study: tuple[Study, Path]) -> None:
    made, _ = study
    verdict = next(v for v in made.compare() if v.kind == "phase_fraction")
    (margin,) = [fact for fact in why(made, verdict.id).facts if fact.startswith("margin")]
    assert margin.startswith("margin: 0.05 (5 wt%")


def test_the_command_prints_it(study: tuple[Study, Path]) -> None:
    made, _ = study
    finding = of_xrd(made)
    result = CliRunner().invoke(app, ["-C", str(made.path), "why", finding.id])
    assert result.exit_code == 0, result.output
    assert "SHA-256" in result.output
    assert "--full shows them" in result.output
    whole = CliRunner().invoke(app, ["-C", str(made.path), "why", finding.id, "--full"])
    assert "k = 3.0" in whole.output
    plain = CliRunner().invoke(app, ["-C", str(made.path), "why", finding.id, "--json"])
    assert json.loads(plain.output)["what"] == "finding"
