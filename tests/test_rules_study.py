"""Rules and protocols in a study: what it changes, what the command line says, what docs show."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from benchmarks.rules_table import PAGE, with_table
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.custody.protocols.protocol import read_protocol
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.study.building import build_study

STUDY = """
[study]
name = "lithium"

[[sample]]
id = "li"
materials = ["Li foil"]

[[step]]
sample = "li"
type = "disassemble"
start = 2026-03-01T08:00:00+00:00
end = 2026-03-01T09:00:00+00:00
conditions = { atmosphere = "Ar" }
citation = "p. 1"

[[step]]
sample = "li"
type = "store"
start = 2026-03-01T09:00:00+00:00
end = 2026-03-05T09:00:00+00:00
conditions = { atmosphere = "Ar" }
citation = "p. 1"

[[peak_list]]
sample = "li"
modality = "xrd"
axis = "q"
unit = "1/angstrom"
peaks = [{ center = 2.53, label = "Li" }]
citation = "p. 2"

"""
RULE = """
[[rule]]
id = "storage.li-two-days"
value = "5 d"
reason = "titrated: nothing lost after 5 days in our glovebox"
"""
PROTOCOL = """
[[protocol]]
name = "ours"
title = "stored shortly"
citation = "wiki"
[[protocol.step]]
title = "store"
type = ["store"]
bounds = [{ condition = "duration", op = "<=", value = "2 d" }]
"""


def run(study: Path | None, *args: str) -> tuple[int, str]:
    place = [] if study is None else ["-C", str(study)]
    done = CliRunner().invoke(app, [*place, "--progress", "none", *args])
    return done.exit_code, done.output


@pytest.fixture
def built(tmp_path: Path) -> Path:
    file = tmp_path / "study.toml"
    file.write_text(STUDY + RULE + PROTOCOL)
    return build_study(file, out=tmp_path / "made")[1]


def test_a_changed_rule_is_kept_once_and_holds(built: Path, tmp_path: Path) -> None:
    summary, _, _ = build_study(tmp_path / "study.toml", out=built)
    assert summary.new == 0
    with Study.open(built) as study:
        rule = {r.id: r for r in study.rules()}["storage.li-two-days"]
        assert rule.value == 120.0
        assert "titrated" in rule.overrides
        assert {r.id: r for r in study.rules(shipped=True)}["storage.li-two-days"].value == 48.0
        assert study.storage("Li foil", 96.0).verdict == "within"
        assert [p.name for p in study.protocols()] == ["ours"]


def test_a_later_change_replaces_the_earlier_and_both_stay_in_the_journal(built: Path) -> None:
    with Study.open(built) as study:
        assert study.set_rule("storage.li-two-days", "again", effect="off").new
        assert not study.set_rule("storage.li-two-days", "again", effect="off").new
        rule = {r.id: r for r in study.rules()}["storage.li-two-days"]
        assert (rule.effect, rule.value) == ("off", 48.0)


def test_a_wrong_change_registers_nothing(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    wrong = RULE.replace("two-days", "two-day").replace('"5 d"', '"5 K"')
    file.write_text(STUDY + RULE.replace('"5 d"', '"5 K"') + wrong)
    with pytest.raises(BadInputError) as caught:
        build_study(file, out=tmp_path / "made")
    assert "2 problem(s) in the study's rules" in caught.value.what
    assert "did you mean 'storage.li-two-days'" in caught.value.what
    with Study.open(tmp_path / "made") as study:
        assert study.rule_changes() == []


@pytest.mark.parametrize(("line", "named"), [("reason", "'reason' is missing"), ("id", "'id' is")])
def test_a_rule_without_id_or_reason_is_refused(tmp_path: Path, line: str, named: str) -> None:
    file = tmp_path / "study.toml"
    kept = [text for text in RULE.splitlines() if not text.startswith(line)]
    file.write_text(STUDY + "\n".join(kept))
    with pytest.raises(BadInputError, match=named):
        build_study(file, out=tmp_path / "made")


def test_wrong_protocols_are_all_named(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    first = PROTOCOL.replace('"2 d"', '"2 K"')
    second = PROTOCOL.replace('"duration"', '"duratio"').replace("ours", "others")
    file.write_text(STUDY + first + second)
    with pytest.raises(BadInputError) as caught:
        build_study(file, out=tmp_path / "made")
    assert "[[protocol]] number 1" in caught.value.what
    assert "[[protocol]] number 2" in caught.value.what
    assert "did you mean 'duration'" in caught.value.what


def test_the_studys_own_protocol_is_held_without_naming_it(built: Path) -> None:
    code, text = run(built, "custody", "check")
    assert code == 9
    assert "li against ours (stored shortly): broken" in text
    assert "duration <= 2 d: 4 d from start to end" in text
    _, listed = run(built, "custody", "check", "--json")
    (held,) = json.loads(listed)["protocols"]
    assert (held["result"], held["steps"][0]["result"]) == ("broken", "broken")


def test_check_without_any_protocol_says_which_there_are(tmp_path: Path) -> None:
    Study.create(tmp_path / "s", "empty").close()
    code, text = run(tmp_path / "s", "custody", "check")
    assert code == 0
    assert "no measurement yet" in text
    assert "no protocol is held against: --protocol with liguide, ptanode, sianode" in text
    code, text = run(tmp_path / "s", "custody", "check", "--protocol", "liguide")
    assert (code, "no sample has steps yet" in text) == (0, True)


def test_explain_prints_both_where_a_study_changed_a_rule(built: Path) -> None:
    code, text = run(built, "rules", "explain", "storage.li-two-days")
    assert code == 0
    assert "fires if   storage_hours > 120 h" in text
    assert "this study changed it: value 48 → 120; reason: titrated" in text
    assert "shipped    doubt: storage_hours > 48 h" in text
    assert "https://arxiv.org/abs/2412.19376" in text
    _, listed = run(built, "rules")
    assert re.search(r"storage\.li-two-days +doubt \(changed\)", listed)


def test_rules_are_listed_and_explained_without_a_study(tmp_path: Path) -> None:
    code, text = run(tmp_path, "rules", "list")
    assert code == 0
    assert "eels.lif-dose-warm" in text
    code, text = run(tmp_path, "rules", "explain", "eels.lif-dose-warn")
    assert code == 3
    assert "did you mean eels.lif-dose-warm" in text
    _, listed = run(tmp_path, "rules", "--json")
    assert all(
        rule["doi"] or rule["arxiv"] or rule["grounds"] == "logic" for rule in json.loads(listed)
    )


def test_a_rule_of_the_study_reaches_caveats_and_verdicts(built: Path) -> None:
    draft: dict[str, Any] = {"kind": "element", "subject": {"element": "Li"}, "status": "present"}
    with Study.open(built) as study:
        study.add_finding({**draft, "method": "seen"}, "li", "p. 3", "xrf")
        study.set_rule(
            "study.ours",
            "ours",
            effect="doubt",
            metric="storage_hours",
            op=">",
            value="1 d",
            words="stored {storage_hours} h",
            clear="a fresh one",
            citation="wiki",
            grounds="logic",
        )
        record = study.measurement_records()[0]
        measured = record.model_copy(update={"start": "2026-03-05T09:00:00+00:00"})
        entered = study.findings("element")[0]
        seen = entered.model_copy(update={"measurements": [record.id], "id": "f-seen"})
        custody = study.custody()
        custody.records[record.id] = measured
        from consilience.rules import caveats_for

        shipped = {r.id: r for r in study.rules(shipped=True)}
        caveats = caveats_for([seen], custody.records, study.rules(), custody, shipped)
        by_rule = {c.rule: c for c in caveats}
        assert by_rule["study.ours"].message == "stored 96 h"
        # the study allows 5 days; what the shipped rule would have said stays visible
        note = by_rule["storage.li-two-days"]
        assert note.effect == "note"
        assert "as shipped it would be a doubt" in note.message
        assert by_rule["study.ours"].evidence


def test_storage_on_the_command_line(tmp_path: Path) -> None:
    code, text = run(tmp_path, "custody", "storage", "--material", "Gen 2", "--duration", "2 d")
    assert code == 0
    assert text.startswith("Gen 2, 2 d in an argon glovebox: too long")
    assert "not published: the loss after 2 d" in text
    assert run(tmp_path, "custody", "storage", "--material", "Pt", "--duration", "2 d")[0] == 3
    assert run(tmp_path, "custody", "storage", "--material", "Li foil", "--duration", "2")[0] == 2


def test_the_table_in_the_documentation_is_what_the_program_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python -m benchmarks.rules_table"


def test_the_tables_in_the_documentation_are_rules_and_protocols(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    first, second = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (protocol,) = tomllib.loads(second)["protocol"]
    assert read_protocol(protocol, "docs").never[0].type == "expose"
    (rule,) = tomllib.loads(first)["rule"]
    with Study.create(tmp_path / "s", "docs") as study:
        study.set_rule(rule.pop("id"), **rule)
        assert study.rule_changes()[0].fields == {"at": "160 K"}
    from consilience.rules import read_rules

    written = re.search(r"^```text\n(\[\[rule\]\].*?)^```", text, re.DOTALL | re.MULTILINE)
    assert written is not None
    rules, problems = read_rules(written[1], "docs")
    assert (len(rules), problems) == (1, [])
    assert Quantity(value=rules[0].value, unit=rules[0].unit).unit == "1/angstrom^2"
