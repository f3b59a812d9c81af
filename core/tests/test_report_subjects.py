"""A strip for each element and phase: who says what, with limits, errors and what was probed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from consilience.report.drawing import draw
from consilience.report.probed import probed
from consilience.report.subjects import MOST_LINES, subject_strips
from consilience.report.words import banner, without_rules
from consilience.view import Figure, Text


@pytest.fixture
def lithium(report_samples: ModuleType) -> list[Any]:
    subject = report_samples.Subject(element="Li")
    make = report_samples.finding
    return [
        make(
            "composition", subject, "needle", [], value=0.48, unit="1", std_stat=0.01, std_sys=0.02,
            probe={
                "depth": {"value": 20.0, "unit": "nm"},
                "lateral": {"value": 0.05, "unit": "um"},
                "volume": {"value": 1e-3, "unit": "um**3"},
            },
        ),
        make(
            "composition", subject, "lamella", [], status="absent_below_limit", limit=0.2, unit="1"
        ),
        make("element", subject, "chip", [], status="not_observable", reason="no X-rays of Li"),
    ]  # fmt: skip


def strips(found: list[Any], **more: Any) -> list[Any]:
    names = ("apt", "eels", "xrf")
    return subject_strips(
        found,
        more.pop("verdicts", []),
        {"composition": "composition", "element": "element"},
        {f.id: names[i % 3] for i, f in enumerate(found)},
        more.pop("caveats", []),
        {"element"},
        **more,
    )


def test_a_strip_shows_values_limits_and_what_cannot_be_seen(lithium: list[Any]) -> None:
    (figure,) = strips(lithium)
    assert isinstance(figure, Figure)
    assert figure.title == "Li, element"
    rows = {
        str(row[0]).partition(",")[0]: dict(zip(figure.table.headings, row, strict=True))
        for row in figure.table.rows
    }
    assert rows["apt"]["technique"] == "apt, simulated"
    assert rows["apt"]["probed"] == "depth 20 nm, lateral 0.05 µm, volume 0.001 µm³"
    assert rows["eels"]["says"] == "absent below 0.2"
    assert rows["xrf"]["says"] == "not observable: no X-rays of Li"
    assert rows["xrf"]["probed"] == "not stated"
    picture = draw(figure.draw, figure.size, budget=10**7)
    assert picture.uri.startswith("data:image/svg")
    assert picture.notes == ()


def texts(figure: Figure) -> list[str]:
    """Return all that is written in the drawn figure."""
    import matplotlib.figure
    from matplotlib.text import Text as Written

    drawn = matplotlib.figure.Figure(figsize=figure.size)
    figure.draw(drawn)
    return [t.get_text() for t in drawn.findobj(Written) if t.get_text()]


def test_what_a_rule_doubts_or_leaves_out_is_marked(
    lithium: list[Any], report_samples: ModuleType
) -> None:
    def caveat(finding: Any, effect: str) -> Any:
        return report_samples.Caveat(
            finding=finding.id, rule="x.dose", effect=effect, message="m", citation="c"
        )

    (plain,) = strips(lithium)
    assert not {"⚠", "✗"} & set(texts(plain))
    marked = [caveat(lithium[0], "doubt"), caveat(lithium[1], "veto"), caveat(lithium[1], "doubt")]
    (figure,) = strips(lithium, caveats=marked)
    assert [t for t in texts(figure) if t in "⚠✗"] == ["⚠", "✗"]
    assert figure.table.headings[5] == "rules"
    assert [row[5] for row in figure.table.rows] == ["doubted", "left out", ""]
    assert "rules" not in plain.table.headings


def test_one_technique_alone_has_no_strip_and_more_than_fit_are_named(
    lithium: list[Any], report_samples: ModuleType
) -> None:
    assert strips(lithium[:1]) == []
    lithia = report_samples.Subject(formula="Li2O", space_group=225)
    more = [
        report_samples.finding("element", lithia, place, [], status="present")
        for place in ("chip", "lamella", "needle")
    ]
    figure, text = strips([*lithium, *more], most=1)
    assert isinstance(text, Text)
    assert "Li2O" in text.text + figure.title


def test_the_lines_of_one_sample_follow_its_states(report_samples: ModuleType) -> None:
    subject = report_samples.Subject(formula="LiF", space_group=225)
    states: list[dict[str, Any]] = [
        {"bias": "lithiated", "cycle": 10},
        {"bias": "before", "cycle": 0},
        {"bias": "lithiated", "cycle": 2},
    ]
    found = [
        report_samples.finding(
            "composition", subject, "chip", [], value=0.1 * i, unit="1", std_stat=0.01, std_sys=0.02
        ).model_copy(update={"state": values})
        for i, values in enumerate(states)
    ]
    names = {f.id: "xrd" for f in found}
    other = report_samples.finding("element", subject, "chip", [], status="present")
    (figure,) = subject_strips(
        [*found, other], [], {}, {**names, other.id: "eels"}, [], {"element"}
    )
    cycles = [t.rpartition(" ")[2] for t in texts(figure) if "cycle" in t]
    assert cycles == ["0", "2", "10"]
    rows = [str(row[1]) for row in figure.table.rows if "cycle" in str(row[1])]
    assert [r.rpartition(" ")[2] for r in rows] == ["0", "2", "10"]


def test_a_state_of_all_is_said_once(lithium: list[Any]) -> None:
    common = {"bias": "delithiated", "cycle": 20}
    (alike,) = strips([one.model_copy(update={"state": common}) for one in lithium])
    assert not any("cycle" in text for text in texts(alike))
    assert "Where a state is stated, it is bias: delithiated, cycle: 20." in alike.caption
    assert all("cycle: 20" in str(row[1]) for row in alike.table.rows)
    states = [{**common, "cycle": i} for i in range(len(lithium))]
    (apart,) = strips(
        [one.model_copy(update={"state": s}) for one, s in zip(lithium, states, strict=True)]
    )
    assert sum("cycle" in text for text in texts(apart)) == len(lithium)
    assert "Where a state" not in apart.caption


def test_hundreds_of_values_are_dots_on_a_line_each(report_samples: ModuleType) -> None:
    subject = report_samples.Subject(element="Pt")
    found = [
        report_samples.finding(
            "composition", subject, f"chip-{i % 4}", [], value=0.5 + i * 1e-4, unit="1",
            std_stat=0.01, std_sys=0.02,
        )
        for i in range(300)
    ]  # fmt: skip
    (figure,) = strips(found)
    assert len(figure.table.rows) == 300
    assert figure.size[1] < 9.4
    labels = [t for t in texts(figure) if t.endswith(" values")]
    assert 0 < len(labels) <= MOST_LINES
    assert "apt · chip-0 · 25 values" in labels
    found = [f.model_copy(update={"sample": f"piece {i}"}) for i, f in enumerate(found)]
    (figure,) = strips(found)
    assert sorted(t for t in texts(figure) if "samples" in t) == [
        f"{name} · 100 samples · 100 values" for name in ("apt", "eels", "xrf")
    ]


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ({"shape": "box", "coordinates": [[0, 0], [3, 2]], "unit": "um", "frame": "m"}, 3e-6),
        ({"shape": "whole", "frame": "m"}, None),
        ({"shape": "box", "coordinates": [[0], [3]], "unit": "keV", "frame": "m"}, None),
    ],
)
def test_a_region_says_how_far_it_reaches(
    report_samples: ModuleType, region: dict[str, Any], said: float | None
) -> None:
    found = report_samples.finding(
        "element", report_samples.Subject(element="Pt"), "chip", [], status="present", region=region
    )
    assert probed(found).lateral is None
    assert probed(found).region == (None if said is None else pytest.approx(said))
    assert (probed(found).words == "not stated") == (said is None)


def test_the_first_lines_say_what_rules_changed_and_why(report_samples: ModuleType) -> None:
    one, other = (
        report_samples.finding("size", None, "chip", [], value=v, unit="nm") for v in (1.0, 2.0)
    )
    doubts = [
        report_samples.Caveat(finding=f.id, rule=r, effect="doubt", message="m", citation="c")
        for f, r in ((one, "eels.lif-dose-cold"), (other, "custody.frozen-warmed"))
    ]
    judged = report_samples.verdict(
        "size", None, [one, other], "undecided", "a reason", numbers={"without_rules": "agree"}
    )
    content = report_samples.ReportContent(
        study="s", findings=[one, other], verdicts=[judged], caveats=doubts
    )
    lines = banner(content).lines
    assert (
        "2 findings are doubted: 1 because of dose (rule eels.lif-dose-cold); 1 because of what "
        "happened to the sample (rule custody.frozen-warmed)." in lines
    )
    assert any("of 1 verdict that they change, 1 would agree" in line for line in lines)
    word = without_rules(judged)
    assert word is not None
    assert word.word == "agree"
