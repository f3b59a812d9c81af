"""The Finding is what docs/vocabulary.md says it is, and keeps unknowns unknown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from consilience.model.finding import Finding, FindingDraft, Subject

DOC = Path(__file__).parents[2] / "docs" / "vocabulary.md"


def documented() -> dict[str, Any]:
    block = re.search(r"```json finding\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return json.loads(block.group(1))  # type: ignore[no-any-return]


def test_documented_finding_validates_and_has_all_fields() -> None:
    example = documented()
    finding = Finding.model_validate(example)
    assert list(example) == list(Finding.model_fields)
    assert json.loads(finding.model_dump_json()) == example


def test_field_table_is_complete() -> None:
    table = DOC.read_text(encoding="utf-8").split("Field by field:")[1]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = set(re.findall(r"`([a-z_]+)`", " ".join(first_cells)))
    assert named == set(Finding.model_fields)


def test_same_content_same_id_and_any_change_another() -> None:
    example = documented()
    first = Finding.identified(example)
    assert Finding.identified(example).id == first.id
    for name, other in [("value", 1.0), ("std_stat", 0.1), ("sample", "chip-4"), ("limit", 0.2)]:
        assert Finding.identified({**example, name: other, "unit": "1"}).id != first.id


def test_unknown_sigma_stays_unknown() -> None:
    draft = FindingDraft(kind="thickness", value=12.0, unit="nm", method="by hand")
    assert draft.std_stat is None
    assert draft.std_sys is None
    assert draft.std is None


def test_total_std_adds_in_quadrature_only_when_both_known() -> None:
    base: dict[str, Any] = {"kind": "thickness", "value": 12.0, "unit": "nm", "method": "by hand"}
    assert FindingDraft(**base, std_stat=3.0, std_sys=4.0).std == pytest.approx(5.0)
    assert FindingDraft(**base, std_stat=3.0).std is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": 1.0}, "a value needs a unit"),
        ({"std_stat": -1.0, "value": 1.0, "unit": "nm"}, "greater than or equal to 0"),
        ({"value": float("nan"), "unit": "nm"}, "finite"),
        ({"status": "not_observable"}, "reason"),
        ({"status": "absent_below_limit"}, "limit"),
        ({"interval": {"low": 2.0, "high": 1.0, "level": 0.95}}, "low"),
    ],
)
def test_bad_finding_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FindingDraft(kind="thickness", method="by hand", **fields)


def test_entered_finding_needs_a_citation() -> None:
    example = documented()
    example["source"]["citation"] = None
    with pytest.raises(ValueError, match="citation"):
        Finding.model_validate(example)


def test_subject_says_element_or_formula() -> None:
    assert Subject(element="Li").label == "Li"
    assert Subject(formula="LiF", space_group=225).label == "LiF"
    with pytest.raises(ValueError, match="element"):
        Subject(element="Xx")
    with pytest.raises(ValueError, match="either"):
        Subject(element="Li", formula="LiF")


def test_a_finding_without_a_number_speaks_in_its_sentence() -> None:
    from consilience.cli.looking import _finding_row
    from consilience.report.rows import statement

    empty = dict.fromkeys(set(Finding.model_fields) - {"id"})
    said = "no deviation seen (p = 0.72)"
    finding = Finding.identified(
        {
            **empty,
            "kind": "homogeneity",
            "subject": {"element": "Si"},
            "sample": "needle",
            "state": {},
            "rivals": [],
            "evidence": {"sentence": said},
            "assumptions": [],
            "method": "frequency distribution",
            "origin": "measured",
            "measurements": [],
            "source": {"plugin": "apt", "version": "0", "analysis": "apt.homogeneity"},
        }
    )
    assert finding.sentence == said
    assert statement(finding, set()) == said
    assert _finding_row(finding, None, {})[6] == said
