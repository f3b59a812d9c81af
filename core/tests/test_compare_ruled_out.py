"""A rival that cannot be without an element is out where another technique does not find it."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from consilience.compare import compare_findings
from consilience.model import Caveat, Finding, Homogeneity, Rival, Sample, Source, Subject
from consilience.registry import Registry

SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample(id="lamella", parent="chip"),
    "place": Sample(id="place", parent="lamella"),
}
REGISTRY = Registry()
SALT: dict[str, Any] = {
    "subject": {"label": "LixPFy"},
    "decided_by": ["P L2,3"],
    "needs": [{"element": "P", "per": "F", "at_least": 1 / 6, "citation": "handbook"}],
}
TECHNIQUES = {"m-eels": "eels", "m-xrd": "xrd", "m-edx": "edx", "m-apt": "apt"}


@pytest.fixture(scope="module", autouse=True)
def _core_only() -> None:
    from consilience import builtin
    from consilience.registry import Candidate

    assert REGISTRY.load(Candidate("core", lambda: builtin)) or "core" in REGISTRY.plugins


def said(kind: str, subject: dict[str, Any], technique: str, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "sample": "place",
        "region": None,
        "state": {"cycle": 20},
        "value": None,
        "unit": "1",
        "std_stat": None,
        "std_sys": None,
        "interval": None,
        "covariance": None,
        "array": None,
        "probe": None,
        "status": "present",
        "limit": None,
        "reason": None,
        "rivals": [],
        "unassigned": None,
        "evidence": {},
        "assumptions": [],
        "method": "test",
        "origin": "measured",
        "measurements": [f"m-{technique}"],
        "source": Source(plugin=technique, version="0", analysis=technique).to_json(),
    }
    return Finding.identified({**content, **more})


def fluoride(**more: Any) -> Finding:
    content = more or {"rivals": [SALT], "evidence": {"share_of": {"F": 1.0}}}
    return said("phase", {"formula": "LiF"}, "eels", **content)


def edx(per: float | None = 0.02, **more: Any) -> list[Finding]:
    """Fluorine, and phosphorus below a limit that the run turns into one for each fluorine."""
    ratio = {} if per is None else {"evidence": {"limit_per": {"F": per}}}
    absent = {"status": "absent_below_limit", "limit": 20.0, "unit": "count", **ratio}
    return [
        said("element", {"element": "F"}, "edx", **more),
        said("element", {"element": "P"}, "edx", **absent, **more),
    ]


def judge(*findings: Finding, **more: Any) -> dict[str, Any]:
    """Return verdicts on the presence of the phase, by answer."""
    modalities = {f.id: TECHNIQUES[f.measurements[0]] for f in findings}
    made = compare_findings(REGISTRY, SAMPLES, list(findings), modalities, **more)
    return {v.comparison: v for v in made if v.kind == "phase"}


def two(*others: Finding, **more: Any) -> Any:
    """Return the verdict on the fluoride by diffraction and electrons beside what others say."""
    xrd = said("phase", {"formula": "LiF"}, "xrd")
    eels = more.pop("eels", None) or fluoride()
    return judge(eels, xrd, *others, **more)["core.presence"]


def test_without_a_word_of_phosphorus_the_rival_stays() -> None:
    answer = two()
    assert answer.verdict == "consistent"
    assert "but the data allow LixPFy instead" in answer.reason
    assert answer.settle == "P L2,3"


def test_too_little_phosphorus_for_the_fluorine_rules_the_salt_out() -> None:
    evidence = edx(0.02)
    answer = two(*evidence)
    assert answer.verdict == "agree"
    assert answer.reason == (
        "eels on place and xrd on place both find LiF; on place the rival LixPFy is ruled out: "
        "edx on place has at most 1 P for 50 F, where this rival needs at least 1 P for 6 F "
        "(handbook)"
    )
    assert answer.settle == ""
    assert answer.numbers["ruled_out"][0]["findings"] == [evidence[1].id, evidence[0].id]


@pytest.mark.parametrize(("limit", "verdict"), [(0.16, "agree"), (0.17, "consistent")])
def test_the_limit_must_be_below_what_the_stoichiometry_asks(limit: float, verdict: str) -> None:
    assert two(*edx(limit)).verdict == verdict


def test_a_limit_in_counts_alone_rules_nothing_out() -> None:
    assert two(*edx(None)).verdict == "consistent"


def test_a_rival_without_a_stated_ratio_stays() -> None:
    vague = {**SALT, "needs": []}
    eels = fluoride(rivals=[vague], evidence={"share_of": {"F": 1.0}})
    assert two(*edx(), eels=eels).verdict == "consistent"


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1.0, "agree"), (0.2, "agree"), (0.1, "consistent"), (None, "consistent")],
)
def test_a_phase_that_holds_little_of_the_fluorine_needs_little_phosphorus_in_its_place(
    share: float | None, verdict: str
) -> None:
    held = {} if share is None else {"share_of": {"F": share}}
    answer = two(*edx(0.02), eels=fluoride(rivals=[SALT], evidence=held))
    assert answer.verdict == verdict
    if share == 0.2:
        assert "in whose place it would be, holds 20 % or more of the F" in answer.reason


@pytest.mark.parametrize("effect", ["doubt", "veto"])
@pytest.mark.parametrize("which", [0, 1])
def test_doubted_or_vetoed_evidence_rules_nothing_out(
    effect: Literal["doubt", "veto"], which: int
) -> None:
    evidence = edx()
    caveat = Caveat(
        finding=evidence[which].id, rule="r", effect=effect, message="warm", citation="x"
    )
    assert two(*evidence, caveats=[caveat]).verdict == "consistent"
    noted = caveat.model_copy(update={"effect": "note"})
    assert two(*evidence, caveats=[noted]).verdict == "agree"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"sample": "lamella"},
        {"state": {"cycle": 50}},
        {"state": {}},
        {"region": {"shape": "box", "coordinates": [[0.0, 0.0], [1.0, 1.0]], "frame": "map"}},
    ],
)
def test_evidence_from_another_volume_or_state_only_says_so(elsewhere: dict[str, Any]) -> None:
    answer = two(*edx(0.02, **elsewhere))
    assert answer.verdict == "consistent"
    assert "but the data allow LixPFy instead" in answer.reason
    assert "that is another volume or state and does not rule it out" in answer.reason
    assert "ruled_out" not in answer.numbers


def test_simulated_evidence_says_nothing_of_a_measured_rival() -> None:
    answer = two(*edx(0.02, origin="simulated"))
    assert answer.verdict == "consistent"
    assert "ruled out" not in answer.reason


def test_a_technique_does_not_rule_out_its_own_rival() -> None:
    own = [
        said("element", {"element": "F"}, "eels", measurements=["m-eels"]),
        said(
            "element",
            {"element": "P"},
            "eels",
            status="absent_below_limit",
            limit=0.01,
            evidence={"limit_per": {"F": 0.02}},
        ),
    ]
    assert two(*own).verdict == "consistent"


def test_an_element_that_one_technique_finds_is_not_ruled_out_by_another() -> None:
    seen = said("element", {"element": "P"}, "apt")
    assert two(*edx(), seen).verdict == "consistent"
    fraction = {"status": None, "value": 0.05, "std_stat": 0.01, "std_sys": 0.0}
    assert two(*edx(), said("composition", {"element": "P"}, "apt", **fraction)).verdict == (
        "consistent"
    )


def composition(std_sys: float | None = 0.01) -> list[Finding]:
    """Atom probe: 24 at.% F, phosphorus below 0.8 at.%."""
    number = {"status": None, "value": 0.24, "std_stat": 0.01, "std_sys": std_sys}
    none = {"status": "absent_below_limit", "limit": 0.008, "value": 0.001}
    stds = {"std_stat": 0.002, "std_sys": None if std_sys is None else 0.0}
    return [
        said("composition", {"element": "F"}, "apt", **number),
        said("composition", {"element": "P"}, "apt", **none, **stds),
    ]


def test_a_limit_of_an_atomic_fraction_is_a_ratio_where_its_errors_are_known() -> None:
    answer = two(*composition())
    assert answer.verdict == "agree"
    assert "(P below 0.8 at.% beside 24 at.% F)" in answer.reason
    least = 0.24 - 1.6448536 * (0.01**2 + 0.01**2) ** 0.5
    assert answer.numbers["ruled_out"][0]["at_most"] == pytest.approx(0.008 / least, rel=1e-6)
    assert two(*composition(None)).verdict == "consistent"


def test_the_range_of_a_formula_gives_its_least_ratios_and_none_without_one() -> None:
    eels = fluoride(rivals=[{"subject": {"formula": "LiPF6"}}], evidence={"share_of": {"F": 1.0}})
    assert two(*edx(), eels=eels).verdict == "consistent"
    line = {"LiPF6": Homogeneity(line_compound=True, citation="crystal structure")}
    answer = two(*edx(), eels=eels, homogeneity=line)
    assert answer.verdict == "agree"
    assert "needs at least 1 P for 6 F (crystal structure)" in answer.reason


def test_a_rival_that_is_out_does_not_excuse_a_composition() -> None:
    fractions = [
        said(
            "composition",
            {"element": e},
            "apt",
            status=None,
            value=x,
            std_stat=0.01,
            std_sys=0.0,
        )
        for e, x in (("Li", 0.2), ("F", 0.8))
    ]
    line = {"LiF": Homogeneity(line_compound=True, citation="rock salt")}
    open_ = judge(fluoride(), *fractions, homogeneity=line)["core.stoichiometry"]
    assert open_.verdict == "undecided"
    answer = judge(fluoride(), *fractions, *edx(), homogeneity=line)["core.stoichiometry"]
    assert answer.verdict == "disagree"
    assert "the rival LixPFy is ruled out: edx on place has at most 1 P for 50 F" in answer.reason


def test_where_one_rival_is_out_the_reason_says_whose_data_allow_the_other() -> None:
    xrd = said("phase", {"formula": "LiF"}, "xrd", rivals=[{"subject": {"formula": "Li2CO3"}}])
    answer = judge(fluoride(), xrd, *edx())["core.presence"]
    assert answer.verdict == "consistent"
    assert "the rival LixPFy is ruled out" in answer.reason
    assert answer.reason.endswith("but the data of xrd on place allow Li2CO3 instead")


def test_needs_do_not_change_the_ids_of_rivals_that_state_none() -> None:
    plain = Rival(subject=Subject(formula="Li2O"), decided_by=["O K"])
    assert "needs" not in plain.to_json()
    assert Rival.model_validate(SALT).to_json()["needs"] == SALT["needs"]
    assert "needs" not in fluoride(rivals=[plain]).to_json()["rivals"][0]


@pytest.mark.parametrize(
    ("need", "text"),
    [
        ({"element": "P", "per": "P"}, "a ratio of P to itself says nothing"),
        ({"element": "Q", "per": "F"}, "'Q' is no element symbol"),
    ],
)
def test_a_need_is_of_two_elements(need: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Rival.model_validate(
            {**SALT, "needs": [{**need, "at_least": 0.2, "citation": "a handbook"}]}
        )
