"""examples/sianode: its published chain, and what of it nobody wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consilience.study import Study
from consilience.study.building import build_study

EXAMPLE = Path(__file__).parents[1] / "examples" / "sianode" / "study.toml"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    folder = tmp_path_factory.mktemp("sianode")
    summary, out, page = build_study(EXAMPLE, out=folder / "study")
    assert not summary.unexpected
    assert page.stat().st_size > 50_000
    with Study.open(out) as study:
        yield study


def test_two_contents_of_one_volume_have_not_the_errors_of_its_counts(study: Study) -> None:
    (verdict,) = [v for v in study.compare() if v.kind == "stated_figure"]
    assert verdict.verdict == "disagree"
    assert verdict.numbers["computed"] == 8e6
    assert "is 8 × 10⁶" in verdict.reason
    assert "is 1.727 × 10⁶" in verdict.reason


def test_the_cold_branch_was_plunged_so_nothing_is_said_of_slow_freezing(study: Study) -> None:
    wanted = {
        f.id
        for f in study.findings()
        if f.sample == "needle, cold branch" and f.subject is not None and f.subject.label == "P"
    }
    found = {c.rule for c in study.caveats() if c.finding in wanted}
    held = {h.sample: h.result for h in study.check("sianode")}
    assert found == {"custody.frozen-warmed"}
    assert held["needle, cold branch"] != "broken"


def test_methods_say_what_the_papers_leave_out(study: Study) -> None:
    text = study.methods()
    assert "plunging" in text
    assert "not recorded" in text
    assert "1-methyl-2-pyrrolidone" in text
