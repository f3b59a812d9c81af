"""``[[association]]`` in a study's file: asked for, answered, and read in the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience import Study
from consilience.errors import ConsilienceError
from consilience.study.building import build_study

HEAD = """
[study]
name = "courses"

[[association]]
second = "mass_thickness"
expect = "same"
order = "cycle"
reason = "the paper says that both grow"

[association.first]
kind = "lattice_parameter"
subject = "LiPt"
technique = "xrd"
state = { potential = "-6 V" }

[[association]]
first = "size"
second = "strain"

[[sample]]
id = "chip"
"""
POINT = """
[[finding]]
sample = "chip"
modality = "{technique}"
kind = "{kind}"
subject = {{ {subject} }}
value = {value}
unit = "{unit}"
std_stat = {std}
std_sys = 0.0
state = {{ cycle = {cycle}, potential = "{potential}" }}
method = "made up for a test"
citation = "a test"
"""


def points() -> str:
    made = []
    for i, cycle in enumerate((1, 10, 15, 20, 50)):
        for potential in ("-6 V", "1 V"):
            xrd = {"technique": "xrd", "kind": "lattice_parameter", "unit": "angstrom"}
            xrf = {"technique": "xrf", "kind": "mass_thickness", "unit": "kg/m^2"}
            where = {"cycle": cycle, "potential": potential}
            lattice = 4.0 + 0.01 * i if potential == "-6 V" else 4.0
            made.append(
                POINT.format(value=lattice, std=0.001, subject='formula = "LiPt"', **xrd, **where)
            )
            made.append(
                POINT.format(
                    value=1.0 - 0.1 * i, std=0.01, subject='element = "Pt"', **xrf, **where
                )
            )
    return "".join(made)


def test_a_claim_of_the_study_is_contradicted_in_the_report(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(HEAD + points(), encoding="utf-8")
    _, out, page = build_study(file, out=tmp_path / "study", report=tmp_path / "report.html")
    with Study.open(out) as study:
        request, _ = study.associations()
        name = "lattice parameter of LiPt by xrd (potential -6 V) against mass thickness"
        assert request.name == name
        asked = [v for v in study.compare() if v.comparison == "core.courses"]
        one, nothing = sorted(asked, key=lambda v: v.verdict)
        assert not study.set_association(request).new
    assert one.verdict == "disagree"
    assert nothing.verdict == "not_comparable"
    assert one.numbers["states"] == 5
    text = page.read_text(encoding="utf-8")
    assert "lattice parameter of LiPt and mass per area of Pt: course over states" in text
    assert "asked for: the paper says that both grow" in text
    assert "size against strain: course over states" in text
    assert "there is no number of kind" in text


def test_a_kind_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    with (
        Study.create(tmp_path / "study", "x") as study,
        pytest.raises(ConsilienceError, match="wool"),
    ):
        study.set_association({"first": "wool", "second": "size"})
