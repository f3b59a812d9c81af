"""The report in Chromium: quiet, alone, harmless, accessible, printable.

axe-core (MPL-2.0, through axe-playwright-python, MIT) is used as a test dependency only; nothing of
it is shipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from consilience.report import render
from consilience.report.printing import printed_of
from consilience.report.rows import worst_first

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@pytest.fixture
def visit(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    opened: list[Opened] = []

    def go(text: str, width: int = 1280) -> Opened:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": 900})
        one = Opened(page)
        opened.append(one)
        page.on(
            "request", lambda r: None if r.url.startswith("data:") else one.requests.append(r.url)
        )
        page.on("console", lambda m: one.messages.append(m.text))
        page.on("pageerror", lambda e: one.messages.append(str(e)))
        page.on("dialog", lambda d: one.messages.append(d.message))
        page.goto(path.as_uri(), wait_until="load")
        return one

    yield go
    for one in opened:
        one.page.close()


def violations(page: Page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['html'][:120]}" for v in found for n in v["nodes"]]


@pytest.mark.parametrize("width", [1280, 420])
def test_page_is_quiet_alone_and_accessible(visit, report_samples: ModuleType, width: int) -> None:
    opened = visit(render(report_samples.rich()), width)
    page = opened.page
    assert opened.messages == []
    assert len(opened.requests) == 1
    assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0
    assert page.evaluate("document.images.length") >= 6
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.banner')).borderLeftStyle")
        == "solid"
    )
    assert violations(page) == []


def test_folded_page_is_accessible(visit, report_samples: ModuleType) -> None:
    opened = visit(render(report_samples.many(24, per=3)))
    assert opened.page.locator("details.card[open]").count() == 0
    assert violations(opened.page) == []
    assert opened.messages == []


def test_keyboard_reaches_the_skip_link_and_it_works(visit, report_samples: ModuleType) -> None:
    page = visit(render(report_samples.rich())).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#verdicts")


def test_hostile_text_does_not_run(visit, report_samples: ModuleType) -> None:
    content = report_samples.rich()
    for i in range(0, len(report_samples.PAYLOADS), 4):
        payload = " ".join(report_samples.PAYLOADS[i : i + 4])
        opened = visit(render(report_samples.poisoned(content, payload)))
        opened.page.mouse.move(400, 300)
        opened.page.wait_for_timeout(50)
        assert opened.page.title().startswith("Platinum anode, fabricated for a test")
        assert opened.messages == []
        assert len(opened.requests) == 1
        assert (
            opened.page.evaluate(
                "document.querySelectorAll('script, iframe, svg, base, form').length"
            )
            == 0
        )
        assert (
            opened.page.evaluate("getComputedStyle(document.querySelector('main')).display")
            == "block"
        )
        opened.page.close()


@pytest.mark.parametrize("width", [1280, 420])
def test_long_words_wrap(visit, report_samples: ModuleType, width: int) -> None:
    page = visit(render(report_samples.poisoned(report_samples.rich(), "W" * 300)), width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_policy_stops_a_script_and_a_style_that_got_in(visit, report_samples: ModuleType) -> None:
    text = render(report_samples.many(1)).replace(
        "<main>",
        "<main><script>document.title='PWNED'</script><img src='https://example.invalid/x.png'>",
    )
    opened = visit(text)
    assert "PWNED" not in opened.page.title()
    assert any("Content Security Policy" in message for message in opened.messages)


def test_prints_with_folded_parts_and_numbers_its_pages(
    visit, report_samples: ModuleType, tmp_path: Path
) -> None:
    page = visit(render(report_samples.rich())).page
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false })")
    page.emulate_media(media="print")
    hidden = page.evaluate(
        "[...document.querySelectorAll('details .hash')]"
        ".filter(e => !e.getClientRects().length).length"
    )
    assert hidden == 0
    assert page.locator("nav").is_hidden()
    data = page.pdf(prefer_css_page_size=True, print_background=True)
    assert data.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    assert 8 <= pages <= 24
    boxes = {
        tuple(float(x) for x in m.split()) for m in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", data)
    }
    (box,) = boxes
    assert box == pytest.approx((0, 0, 595, 842), abs=1)  # A4 in points


def test_a_large_study_prints_its_verdicts_and_counts_the_rest(
    visit, report_samples: ModuleType
) -> None:
    content = report_samples.many(40, per=2)
    printed = printed_of(content.findings, content.measurements, worst_first(content.verdicts))
    assert 0 < len(printed.findings) < len(content.findings) == 80
    page = visit(render(content)).page
    page.emulate_media(media="print")

    def shown(selector: str) -> int:
        found: int = page.evaluate(
            "s => [...document.querySelectorAll(s)].filter(e => e.getClientRects().length).length",
            selector,
        )
        return found

    assert shown("table.verdicts tbody tr") == len(content.verdicts)
    assert shown(".finding") == len(printed.findings)
    assert shown(".finding details") == len(printed.evidence)
    assert shown(".measured img") == len(printed.measurements)
    said = page.locator("main").inner_text()
    assert f"Of 80 findings {len(printed.findings)} are printed" in said
    assert f"{len(printed.measurements)} of 40 measurements are printed with pictures" in said
    left = re.findall(r"Findings that are not printed: (.*)", said)
    counted = sum(int(n) for n in re.findall(r"×(\d+)", " ".join(left)))
    assert counted == 80 - len(printed.findings)
    assert shown("details.card.listed summary h3") == 40 - len(printed.measurements)
    # on the screen everything is there
    page.emulate_media(media="screen")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert shown(".finding") == 80
    assert shown(".measured img") == 40
