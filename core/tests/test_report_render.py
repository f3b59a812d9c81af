"""The page says what the content says, whatever the content is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from consilience.declarations import PluginInfo, Ref, View
from consilience.errors import BadInputError
from consilience.hookspecs import API_VERSION, hookimpl
from consilience.model import Sample, Step
from consilience.registry import Candidate, Registry
from consilience.report import ReportContent, Section, collect_sections, render
from consilience.view import Figure, Table, Text, ViewContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

TAGS = set(
    "html head meta title style body a div nav h1 h2 h3 h4 h5 ul li main header section p span "
    "b br table caption thead tbody tr th td figure img figcaption details summary code "
    "footer".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name href class id aria-label aria-labelledby aria-hidden "
    "tabindex role scope src width height alt open data-label".split()
)
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page the way a browser tokenises it, and keeps what matters here."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(sorted(attrs))) for tag, attrs in self.tags]


@cache
def rich_page(samples: ModuleType) -> Page:
    return Page(render(samples.rich()))


@pytest.fixture
def page(report_samples: ModuleType) -> Page:
    return rich_page(report_samples)


def check_safe(page: Page) -> None:
    assert page.comments == []
    for tag, attrs in page.tags:
        assert tag in TAGS, f"<{tag}> is not allowed"
        for name, value in attrs.items():
            assert name in ATTRIBUTES, f"{name}= on <{tag}> is not allowed"
            if name == "href":
                assert re.fullmatch(r"#[a-z0-9-]+", value or ""), value
            if name == "src":
                assert re.match(
                    r"data:image/(png|webp|svg\+xml);base64,[A-Za-z0-9+/=]+$", value or ""
                )
            if name == "id":
                assert re.fullmatch(r"[a-z0-9-]+", value or ""), value
    styles = [tag for tag, _ in page.tags if tag == "style"]
    assert len(styles) == 1


def test_rich_page_is_safe_and_has_every_section(page: Page) -> None:
    check_safe(page)
    headings = [(tag, attrs) for tag, attrs in page.tags if re.fullmatch(r"h[1-6]", tag)]
    ids = [attrs["id"] for tag, attrs in headings if tag == "h2" and "id" in attrs]
    wanted = "verdicts subjects quantities samples timeline measurements findings study notices"
    full = wanted.replace("study", "study measurements-full")
    assert ids == [*full.split(), "methods", "limits"]
    assert sum(tag == "h1" for tag, _ in headings) == 1


def test_anchors_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {str(attrs["href"])[1:] for tag, attrs in page.tags if tag == "a"}
    assert links <= set(ids)


@pytest.mark.parametrize("number", range(19))
def test_hostile_text_changes_no_markup(report_samples: ModuleType, number: int) -> None:
    payload = report_samples.PAYLOADS[number]
    text = render(report_samples.poisoned(report_samples.rich(), payload))
    text.encode("utf-8")
    hostile = Page(text)
    check_safe(hostile)
    harmless = Page(render(report_samples.poisoned(report_samples.rich(), "harmless")))
    assert [tag for tag, _ in hostile.tags].count("a") >= 10
    assert {tag for tag, _ in hostile.tags} == {tag for tag, _ in harmless.tags}
    for char in "\x00\x1b\x7f\x9b\u202e\u2066\u200b\ufeff\u2028":
        assert char not in text
    if payload.isascii() and payload.isprintable():
        words = " ".join(payload.split())
        assert f"Platinum anode, fabricated for a test{words}" in hostile.text


def test_every_payload_is_tested(report_samples: ModuleType) -> None:
    assert len(report_samples.PAYLOADS) == 19


def test_policy_allows_nothing_but_this_page(page: Page) -> None:
    policies = [
        a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    policy = str(policies[0])
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_same_content_same_bytes_in_any_order(report_samples: ModuleType) -> None:
    content = report_samples.rich()
    again = report_samples.rich()
    shuffled = replace(
        again,
        samples=list(reversed(again.samples)),
        measurements=list(reversed(again.measurements)),
        findings=list(reversed(again.findings)),
        verdicts=list(reversed(again.verdicts)),
        plugins=list(reversed(again.plugins)),
        modalities=list(reversed(again.modalities)),
    )
    assert render(content) == render(shuffled)


def test_no_clock_unless_given(report_samples: ModuleType) -> None:
    content = report_samples.rich()
    assert "2031-01-01" not in render(content)
    assert "at 2031-01-01T00:00Z" in Page(
        render(replace(content, generated_at="2031-01-01T00:00Z"))
    ).text.replace(" at  ", " at ")


def test_verdict_first_and_worst_first(page: Page) -> None:
    assert (
        "1 of 6 comparisons disagrees; 1 cannot be made; 2 undecided; 1 consistent; 1 agrees."
        in page.text
    )
    answers = re.findall(
        r"([✗?—≈✓]) (disagree|undecided|not comparable|consistent|agree) (?:LiPt|Li|LiF|thickness)",
        page.text,
    )
    assert [word for _, word in answers] == [
        "disagree",
        "undecided",
        "undecided",
        "not comparable",
        "consistent",
        "agree",
    ]


def test_unknown_is_said(page: Page) -> None:
    assert not re.search(r"\b(None|nan|NaN|Undefined)\b", page.text)
    assert "dose unknown" in page.text
    assert "± unknown (sys)" in page.text
    assert "started unknown" in page.text
    assert "volume unknown" in page.text


def test_simulated_and_entered_are_said(report_samples: ModuleType, page: Page) -> None:
    assert "Of 5 measurements, 4 simulated and 1 entered." in page.text
    many = Page(render(report_samples.many(3)))
    assert "All 3 measurements are simulated: no instrument recorded anything" in many.text
    content = report_samples.rich()
    measured = replace(
        content,
        measurements=[m.model_copy(update={"origin": "measured"}) for m in content.measurements],
    )
    assert "All 5 measurements are measured" in Page(render(measured)).text


def test_failures_are_visible_with_their_fix(page: Page) -> None:
    assert "Plugin ptycho did not load." in page.text
    assert "install a newer release of the plugin" in page.text
    assert "View apt.cloud of plugin apt failed" in page.text
    assert "1 plugin did not load and 1 section could not be made" in page.text
    assert (
        "could not be drawn: RuntimeError: cannot reshape array of size 7 into shape (2,3)."
        in page.text
    )
    assert "Report it to the author of plugin eels, view eels.spectrum" in page.text


def test_faults_of_the_data_are_in_the_banner_and_on_the_card(page: Page) -> None:
    assert "1 measurement with a fault, data that contradict themselves: pt_map.h5." in page.text
    assert "the monochromator says 17.0." in page.text


def test_notices_come_after_the_verdicts_each_once(report_samples: ModuleType, page: Page) -> None:
    assert "1 warning about the study as a whole: see “Noticed on the way”." in page.text
    content = report_samples.rich()
    twice = Page(render(replace(content, notices=[*content.notices, *content.notices])))
    assert twice.text.count("differ by an unknown offset") == 1
    assert "clock , 2 times" in twice.text


def test_rivals_stand_beside_the_label(page: Page) -> None:
    assert "Rival: Li2CO3 . 110 at 1.5095 Å⁻¹ is nearer than LiPt 0001 at 1.4868 ." in page.text
    assert "Could be decided by: line 002 of Li2CO3; O K edge in EELS" in page.text


def test_rivals_of_all_are_told_once_and_named_beside_each(report_samples: ModuleType) -> None:
    rival = {"subject": {"label": "lateral flow"}, "explains": ["less mass"], "decided_by": ["SEM"]}
    alike = [
        report_samples.finding(
            "thickness", None, "chip", [], value=float(i), unit="nm", rivals=[rival]
        )
        for i in range(1, 4)
    ]
    text = Page(render(ReportContent(study="Rivals", findings=alike))).text
    assert text.count("Could be decided by: SEM") == 1
    assert text.count("Rivals, as said above: lateral flow") == 3
    two = Page(render(ReportContent(study="Rivals", findings=alike[:2]))).text
    assert two.count("Could be decided by: SEM") == 2


def test_methods_once_with_parameters_and_the_way_to_verify(page: Page) -> None:
    assert page.text.count("k = 3 ; tolerance = 0.01 Å⁻¹") == 3  # apt, eels and xrd
    assert re.search(r"consilience verify --head [0-9a-f]{64}", page.text)


def test_limits_name_what_cannot_be_seen(page: Page) -> None:
    limits = page.text.split("What this report cannot say")[-1]
    assert "X-ray fluorescence does not see lithium" in limits
    assert "Not observable, which is not the same as absent: Li in lamella-3a" in limits
    assert "The dose is unknown for 4 of 5 measurements" in limits
    assert "No step is recorded for needle-3a2 and raw-electrolyte" in limits


def test_doubt_stands_at_finding_and_verdict_with_rule_and_numbers(page: Page) -> None:
    assert page.text.count("Doubted. LiF was given 21 000 e⁻/Å²") == 2
    assert "1 finding is doubted because of dose (rule core.dose-lif-cold)." in page.text


def test_empty_content_is_a_page_too() -> None:
    page = Page(render(ReportContent(study="nothing yet")))
    check_safe(page)
    assert "Nothing was compared: there are no findings." in page.text
    assert "The journal's head hash is unknown" in page.text


def test_odd_lineage_does_not_break_the_tree() -> None:
    samples = [
        Sample(id="a", parent="b"),
        Sample(id="b", parent="a"),
        Sample(id="c", parent="gone"),
        Sample(id="d", control_of="a"),
        *(Sample(id=f"n{i}", parent=f"n{i - 1}" if i else None) for i in range(300)),
    ]
    page = Page(render(ReportContent(study="x", samples=samples)))
    assert "cut from gone (not in this study)" in page.text
    assert "The first 400 of" not in page.text


def test_odd_dates_do_not_break_the_timeline() -> None:
    steps = [
        Step(sample="a", type="store", start="0001-01-01T00:00Z", end="9999-12-31T23:59Z"),
        Step(sample="a", type="mill", start="2025-03-05T10:00Z", end="2025-03-05T09:00Z"),
        Step(sample="a", type="coat", start="11.12.20"),
    ]
    page = Page(render(ReportContent(study="x", samples=[Sample(id="a")], steps=steps)))
    assert "ends before it starts" in page.text
    assert "11.12.20 (no date between 1900 and 2200)" in page.text
    assert page.text.count("could not be drawn") == 0


def bad_draw(figure: MatplotlibFigure) -> None:
    raise ZeroDivisionError


BAD_BLOCKS = (
    ("<b>html</b>", "returned a str, expected Figure, Cloud, Table or Text"),
    (None, "returned a NoneType, expected Figure, Cloud, Table or Text"),
    (Table(("a", "b"), [(1,)]), "row 0 has 1 cells for 2 headings"),
    (Figure("f", "", "", bad_draw, Table((), ())), "ZeroDivisionError: no message"),
    (
        Figure("f", "", "", lambda f: None, Table((), ()), size=(float("nan"), 1)),
        "expected two finite numbers",
    ),
)


@pytest.mark.parametrize(("block", "said"), BAD_BLOCKS, ids=range(len(BAD_BLOCKS)))
def test_bad_block_becomes_a_note_and_the_rest_stands(block: object, said: str) -> None:
    section = Section("S", [block, Text("still here")], "bad", "bad.view")  # type: ignore[list-item]
    page = Page(render(ReportContent(study="x", sections=[section])))
    assert said in page.text
    assert "plugin bad" in page.text
    assert "still here" in page.text


def test_huge_figures_and_tables_are_cut_and_say_so() -> None:
    figure = Figure(
        "f", "", "a", lambda f: None, Table(("n",), [(i,) for i in range(5000)]), size=(1e9, 1e9)
    )
    table = Table(("n",), [(i,) for i in range(5000)])
    text = render(ReportContent(study="x", sections=[Section("S", [figure, table], "p")]))
    assert "400 of 5000 rows are shown, evenly spaced." in text
    assert "The first 1000 of 5000 rows are shown." in text
    assert 'width="960" height="902"' in text


def build_good(measurements: object, findings: object, context: object) -> list[Text]:
    return [Text("a good section")]


def build_bad(measurements: object, findings: object, context: object) -> list[Text]:
    raise KeyError("counts")


def build_worse(measurements: object, findings: object, context: object) -> Iterator[Text]:
    yield Text("half a section")
    raise BadInputError("no counts in <this>", fix="measure longer")


def test_views_are_called_in_isolation() -> None:
    here = __name__

    class Plugin:
        @staticmethod
        @hookimpl
        def plugin_info() -> PluginInfo:
            return PluginInfo("fake", "1", API_VERSION, "for a test", "BSD-3-Clause")

        @staticmethod
        @hookimpl
        def register_views() -> list[View]:
            return [
                View("fake.a", "Bad", Ref(f"{here}:build_bad")),
                View("fake.b", "Good", Ref(f"{here}:build_good")),
                View("fake.c", "Worse", Ref(f"{here}:build_worse")),
                View("fake.d", "Missing", Ref("no.such.module:build")),
            ]

    registry = Registry()
    assert registry.load(Candidate("fake", lambda: Plugin)), registry.failed
    sections, failed = collect_sections(registry, [], [], ViewContext(lambda name: None))  # type: ignore[arg-type,return-value]
    assert [s.title for s in sections] == ["Good"]
    assert [(f.view, f.reason) for f in failed][:2] == [
        ("fake.a", "KeyError: 'counts'"),
        ("fake.c", "no counts in <this>"),
    ]
    assert failed[1].fix == "measure longer"
    assert "no module named 'no'" in failed[2].reason


def test_users_own_matplotlib_settings_change_nothing(report_samples: ModuleType) -> None:
    import matplotlib as mpl

    content = replace(report_samples.many(2), findings=[], verdicts=[])
    first = render(content)
    with mpl.rc_context({"font.size": 22, "axes.grid": True, "svg.fonttype": "none"}):
        assert render(content) == first
        assert mpl.rcParams["font.size"] == 22


@pytest.mark.slow
def test_five_hundred_measurements_fit_into_ten_megabytes(report_samples: ModuleType) -> None:
    text = render(report_samples.many(500))
    assert len(text.encode("utf-8")) < 10_000_000
    page = Page(text)
    assert sum(tag == "img" for tag, _ in page.tags) >= 500
    assert page.text.count("could not be drawn") == 0
