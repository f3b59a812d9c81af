"""examples/xcsct: the published tables as data, every derived figure, and the model beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consilience import Study
from consilience.model.finding import Finding
from consilience.study.building import build_study

EXAMPLE = Path(__file__).parents[1] / "examples" / "xcsct" / "study.toml"
ENDS = ("end of charge, 4.3 V", "end of discharge, 3 V")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, str]]:
    folder = tmp_path_factory.mktemp("xcsct")
    summary, out, page = build_study(EXAMPLE, out=folder / "study", report=folder / "report.html")
    assert not [failure for run in summary.analyses for failure in run.failures]
    with Study.open(out) as study:
        yield study, page.read_text(encoding="utf-8")


def one(study: Study, kind: str, sample: str, label: str, **state: str) -> Finding:
    found = [
        f
        for f in study.findings()
        if f.kind == kind
        and f.sample == sample
        and f.subject is not None
        and f.subject.label == label
        and f.source.analysis == "compton.series"
        and all(f.state.get(key.removesuffix("_")) == value for key, value in state.items())
    ]
    (finding,) = found
    return finding


def test_the_changes_that_the_text_prints(built: tuple[Study, str]) -> None:
    study, _ = built
    for first, second, printed in (("pristine", ENDS[0], 0.061), (*ENDS, 0.134)):
        found = one(
            study,
            "relative_change",
            "cell at 0.1 C",
            "roughness of the anode",
            from_=first,
            to=second,
        )
        assert found.value == pytest.approx(printed, abs=0.0005)
        # the paper has no errors: only the rounding is known
        assert found.std_stat is None
        assert found.std_sys == pytest.approx(0.0008, abs=0.0001)
        assert found.origin == "entered"


def test_the_slope_of_x_on_emr(built: tuple[Study, str]) -> None:
    study, _ = built
    line = one(study, "lithium_calibration", "cell at 0.1 C", "cathode")
    assert line.value == pytest.approx(0.837, abs=0.001)
    told: Any = line.evidence
    assert told["intercept"] == pytest.approx(-0.002, abs=0.001)
    assert told["free_atom_emr_without_lithium"] == pytest.approx(0.94, abs=0.01)
    assert told["covariance"][0][1] < 0.0
    assert len(told["residuals"]) == 5
    assert "the calibration is empirical" in " ".join(line.assumptions)
    assert line.array is not None


def test_each_x_carries_its_rivals_and_what_moves_it(built: tuple[Study, str]) -> None:
    study, _ = built
    found = one(study, "li_content", "cell at 0.1 C", "cathode", state=ENDS[0])
    assert found.value == 0.26
    assert len(found.rivals) == 3
    moved: Any = found.evidence["moves_x"]
    assert abs(1.5 * moved["geometry_1_um"]) == pytest.approx(0.06, abs=0.005)
    assert abs(moved["energy_88_eV"]) == pytest.approx(0.09, abs=0.005)
    assert abs(moved["angle_1_deg"]) > 0.75
    assert found.evidence["free_atom_emr"] == pytest.approx(0.952, abs=0.005)


def test_associations_say_how_little_five_states_can(built: tuple[Study, str]) -> None:
    study, _ = built
    for label, rho in (("anode", 0.6), ("cathode", -0.6)):
        found = one(study, "rank_association", "cell at 0.1 C", f"EMR and roughness of the {label}")
        assert found.value == pytest.approx(rho)
        assert found.evidence["p"] == pytest.approx(0.35)
        assert found.evidence["least_p"] == pytest.approx(0.0167, abs=0.0001)
        assert any("confounded" in said for said in found.assumptions)


def test_roughness_is_areal_and_below_a_voxel(built: tuple[Study, str]) -> None:
    study, _ = built
    found = one(study, "areal_roughness", "cell at 0.1 C", "cathode", state="pristine")
    said = " ".join(found.assumptions)
    assert "S_a by ISO 25178" in said
    assert "less than a voxel of 3.25 µm" in said
    anode = one(study, "areal_roughness", "cell at 0.1 C", "anode", state="pristine")
    assert "less than a voxel" not in " ".join(anode.assumptions)


def test_the_report_prints_formulas_beside_figures(built: tuple[Study, str]) -> None:
    _, page = built
    for text in (
        "1 − 0.26/0.66",
        "a factor of 2.1",
        "5.38 / 5.07 − 1",
        "171 mAh/g × 96.93 g/mol / F",
        "0.618",
        "x = 0.837 EMR − 0.002",
        "free atoms of LixNi0.6Mn0.2Co0.2O2",
        "from 1.28 to 1.73 it cannot go",
        "what is due to the rate and what to the cell",
        "Entered from the cited source, not measured here",
    ):
        assert text in page, text
    assert "could not be made" not in page


PRINTED = {
    "more lithium taken out of the cathode at 0.1 C than at 1 C": "disagree",
    "roughness of the anode in plating at 0.1 C": "agree",
    "roughness of the anode in stripping at 0.1 C": "agree",
    "anode rougher in stripping than in plating, 0.1 C": "agree",
    "anode rougher in stripping than in plating, 1 C": "disagree",
    "cathode rougher in stripping than in plating, 0.1 C": "agree",
    "cathode rougher in stripping than in plating, 1 C": "disagree",
    "roughness of the anode over that of the cathode, most": "consistent",
    "roughness of the anode over that of the cathode, least": "agree",
    "lithium taken out, by EMR and by charge": "undecided",
    "share of one electron in LiNi0.6Mn0.2Co0.2O2": "disagree",
    "electrons of LiNi0.6Mn0.2Co0.2O2": "undecided",
    "Compton peak": "agree",
    "x at the end of charge at 1 C by the line of 0.1 C": "consistent",
    "EMR and roughness of the anode go together at 0.1 C": "undecided",
}


def test_each_figure_of_the_text_has_its_verdict(built: tuple[Study, str]) -> None:
    study, _ = built
    found = {v.subject.label: v for v in study.compare() if v.kind == "stated_figure" and v.subject}
    assert {label: v.verdict for label, v in found.items()} == PRINTED
    taken = found["more lithium taken out of the cathode at 0.1 C than at 1 C"]
    assert taken.numbers["computed"] == pytest.approx(114.3, abs=0.05)
    assert "100 × (1 − 0.26/0.66) is 60.61 %" in taken.reason
    assert taken.reason.endswith("that is what the text says")
    electrons = found["share of one electron in LiNi0.6Mn0.2Co0.2O2"]
    assert electrons.numbers["computed"] == pytest.approx(100 / 46.2)
    assert "is 6.494 %: the three electrons of a lithium atom" in electrons.reason
    rough = found["anode rougher in stripping than in plating, 1 C"]
    assert rough.numbers["computed"] == pytest.approx(1.75 - 11.45, abs=0.01)
    charge = found["lithium taken out, by EMR and by charge"]
    assert charge.numbers["computed"] == pytest.approx(0.618, abs=0.0005)
    assert charge.difference == pytest.approx(0.75 - 0.618, abs=0.001)
    ranks = found["EMR and roughness of the anode go together at 0.1 C"]
    assert ranks.numbers["computed"] == pytest.approx(0.35)
