"""The picture of a chain names its limits and marks air; many chains fold; template errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import FileSystemLoader

from consilience.errors import ConsilienceError
from consilience.model import Quantity, Sample, Step
from consilience.report import ReportContent, build, render
from consilience.report.chain_columns import Threshold
from consilience.report.chains import chain_figures
from consilience.view import Figure


def chain(sample: str) -> list[Step]:
    def step(number: int, kind: str, **conditions: object) -> Step:
        return Step.model_validate(
            {"id": f"st-{sample}-{number}", "sample": sample, "type": kind, "sequence": number,
             "conditions": conditions}
        )  # fmt: skip

    kelvin = Quantity(value=90.0, unit="K").to_json()
    return [step(1, "freeze", temperature=kelvin), step(2, "expose"), step(3, "store")]


def texts(figure: Figure) -> dict[str, str]:
    """Return what is written in a figure, with its colour."""
    from matplotlib.figure import Figure as Drawn
    from matplotlib.text import Text

    drawn = Drawn(figsize=figure.size)
    figure.draw(drawn)
    found = drawn.findobj(Text)
    return {t.get_text(): str(t.get_color()) for t in found if isinstance(t, Text)}


def test_limits_have_their_rules_names_and_air_is_red() -> None:
    limits = [
        Threshold("temperature", 136.0, "custody.frozen-warmed", since_freeze=True),
        Threshold("temperature", 136.0, "study.ours", since_freeze=True),
        Threshold("temperature", 200.0, "study.others", samples=frozenset({"b"})),
    ]
    (figure,) = chain_figures([Sample(id="a")], chain("a"), thresholds=limits)
    said = texts(figure)
    assert said["custody.frozen-warmed, study.ours"] == "#b3261e"
    assert "study.others" not in said
    assert said["expose"] == "#b3261e"
    assert said["freeze"] == "black"
    assert "A red head: in air." in figure.caption


def test_all_but_the_first_six_chains_are_folded() -> None:
    names = [f"s{i}" for i in range(8)]
    content = ReportContent(
        study="many",
        samples=[Sample(id=n) for n in names],
        steps=[s for n in names for s in chain(n)],
    )
    page = render(content)
    before, _, after = page.partition("<summary>2 more chains</summary>")
    assert "Chain of s5" in before
    assert "Chain of s6" not in before
    assert "Chain of s7" in after
    few = render(ReportContent(study="one", samples=[Sample(id="a")], steps=chain("a")))
    assert "more chains" not in few


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("fine\n{{ page.nothing_of_the_kind }}", "UndefinedError: "),
        ("fine\n{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("fine\n{% if %}", "TemplateSyntaxError: "),
    ],
)
def test_an_error_in_a_template_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, template: str, said: str
) -> None:
    (tmp_path / "report.html.j2").write_text(template)
    made = build._environment

    def other() -> object:
        environment = made()
        environment.loader = FileSystemLoader(tmp_path)
        return environment

    monkeypatch.setattr(build, "_environment", other)
    with pytest.raises(ConsilienceError, match=r"the report's template report\.html\.j2") as caught:
        render(ReportContent(study="x"))
    assert said in caught.value.what
    assert "nothing in the study is lost" in caught.value.fix
    assert caught.value.place == "report.html.j2, line 2"
