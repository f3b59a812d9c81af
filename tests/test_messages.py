"""Messages of commands: the option is named, an example fits, contradictions are said at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience.cli.app import app
from consilience.declarations import Analysis
from consilience.errors import BadInputError
from consilience.quantities import parse_quantity
from consilience.study import Study


def run(study: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["-C", str(study), *words])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (("--rate", "abc"), "--rate: 'abc' is not", "write for example --rate 100, in e/Å²/s"),
        (
            ("--rate", "100", "--temperature", "90"),
            "--temperature: '90' is not",
            'write for example --temperature "-170 degC"',
        ),
        (
            ("--rate", "100", "--energy", "300"),
            "--energy: '300' is not",
            'write for example --energy "300 keV"',
        ),
    ],
)
def test_plan_names_the_option(tmp_path: Path, words: tuple[str, ...], what: str, fix: str) -> None:
    code, text = run(tmp_path, "dose", "plan", "--phase", "LiF", *words)
    assert code == 2
    assert what in text
    assert fix in text


def test_stem_names_the_option(tmp_path: Path) -> None:
    code, text = run(tmp_path, "dose", "stem", "--current", "17", "--dwell", "0.05 s")
    assert code == 2
    assert "--current: '17' is not a quantity with a unit" in text
    assert 'write for example --current "17 pA"' in text


@pytest.mark.parametrize(
    "text", ["90 to 100 K", "90-100 K", "90 K – 100 K", "between 90 and 100 K"]
)
def test_a_range_gets_a_hint(text: str) -> None:
    with pytest.raises(BadInputError, match="is a range, not one quantity") as caught:
        parse_quantity(text, "K")
    assert "'< 100 K'" in caught.value.fix


@pytest.mark.parametrize("text", ["90±2 K", "90 +/- 2 K", "90 K ± 2 K"])
def test_a_deviation_gets_a_hint(text: str) -> None:
    with pytest.raises(BadInputError, match="is a number with a deviation") as caught:
        parse_quantity(text, "K")
    assert "std_stat = 2" in caught.value.fix


def test_a_contradiction_is_said_when_its_step_is_added(tmp_path: Path) -> None:
    study = tmp_path / "s"
    run(tmp_path, "init", str(study))
    run(study, "sample", "add", "chip")
    code, text = run(
        study, "step", "add", "store", "--sample", "chip", "--condition", "duration=5 h",
        "--start", "2026-03-02T12:00:00+00:00", "--end", "2026-03-02T13:00:00+00:00",
    )  # fmt: skip
    assert code == 0
    assert "  contradiction: " in text
    assert "    fix: " in text
    code, text = run(study, "step", "add", "store", "--sample", "chip")
    assert (code, "contradiction" in text) == (0, False)


def test_a_wrong_unit_of_a_column_names_the_column(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("t,T\n0,90\n1,91\n2,92\n")
    with Study.create(tmp_path / "s", "log") as study:
        study.add_sample("chip")
        step = study.add_step({"sample": "chip", "type": "store"})[0].id
        mapping = {
            "gap": "10 s",
            "time": {"column": "t", "unit": "s", "start": "2026-03-02T12:00:00+00:00"},
            "columns": {"temperature": {"column": "T", "unit": "mbar"}},
        }
        with pytest.raises(BadInputError) as caught:
            study.add_series(log, step, mapping)
    assert "column 'temperature' (T) of 'log.csv' is in 'mbar'" in caught.value.what
    assert "[columns.temperature] unit = 'K'" in caught.value.fix


def test_steps_are_listed_in_order(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", "order") as study:
        study.add_sample("chip")
        for kind, start in (("store", "2026-03-03"), ("freeze", "2026-03-01"), ("warm", None)):
            time = None if start is None else f"{start}T12:00:00+00:00"
            study.add_step({"sample": "chip", "type": kind, "start": time, "title": f"the {kind}"})
    _, text = run(tmp_path / "s", "steps")
    places = [text.index(f"the {kind}") for kind in ("freeze", "store", "warm")]
    assert places == sorted(places)


def test_analyse_says_why_nothing_was_analysed(tmp_path: Path) -> None:
    pattern = tmp_path / "pattern.xy"
    pattern.write_text("\n".join(f"{10 + n * 0.02:.2f} {100 + n % 7}" for n in range(400)))
    with Study.create(tmp_path / "s", "xrd") as study:
        study.add_sample("chip")
        options = {"axis": "two_theta", "unit": "deg", "wavelength": "0.15406 nm"}
        study.add(pattern, "chip", options=options)
        other = next(a.key for a in study.registry.all(Analysis) if a.modality != "xrd")
        summary = study.analyse([other])
    assert summary.runs == 0
    (line,) = summary.unused
    assert line.startswith("no analysis took pattern.xy (xrd): name it with --analysis: ")
    assert "xrd." in line
