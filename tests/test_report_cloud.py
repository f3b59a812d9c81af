"""Clouds of points in Chromium: they turn, are cut and print still, and nothing foreign runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from consilience.report import Section, render
from consilience.report.blocks import ShownCloud, ShownFault, show
from consilience.report.clouds import pack
from consilience.view import CLOUD_POINTS, Cloud, CloudGroup, Table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")
HOSTILE = "</script><script>document.title='PWNED'</script>\"'&"


def cloud(count: int = 400, label: str = "Li") -> Cloud:
    chance = np.random.default_rng(2)
    lithium = chance.normal(0.0, 5.0, (count, 3)) * (1.0, 1.0, 3.0)
    platinum = chance.normal(0.0, 5.0, (count, 3)) * (1.0, 1.0, 3.0) + (0.0, 0.0, 20.0)
    return Cloud(
        title="Needle",
        caption="Simulated ions.",
        alt="A needle of two elements.",
        groups=[CloudGroup(label, lithium, size=3.0), CloudGroup("Pt", platinum, "#d55e00")],
        unit="nm",
        table=Table(("element", "points"), [(label, count), ("Pt", count)]),
    )


def page_with(report_samples: ModuleType, block: Cloud) -> str:
    content = replace(
        report_samples.many(1), sections=[Section("Ions", [block], "apt", "apt.ions")]
    )
    return render(content)


@pytest.fixture
def opened(
    chromium: Browser, tmp_path: Path, report_samples: ModuleType
) -> Iterator[tuple[Page, list[str]]]:
    path = tmp_path / "report.html"
    path.write_text(page_with(report_samples, cloud(label=HOSTILE)), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text))
    page.on("pageerror", lambda e: messages.append(str(e)))
    page.goto(path.as_uri(), wait_until="load")
    yield page, messages
    page.close()


def coloured(page: Page) -> int:
    return page.evaluate(
        """() => { const c = document.querySelector('.cloud .turn > canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
        for (let i = 0; i < d.length; i += 4) n += d[i] + d[i + 1] + d[i + 2] < 750; return n; }"""
    )


def picture(page: Page) -> str:
    return page.evaluate("document.querySelector('.cloud .turn > canvas').toDataURL()")


def test_it_is_drawn_and_turned_and_says_nothing_on_the_console(opened) -> None:
    page, messages = opened
    assert messages == []
    assert "PWNED" not in page.title()
    assert coloured(page) > 500
    before = picture(page)
    page.locator(".cloud .turn > canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert picture(page) != before


def test_a_group_can_be_switched_off_and_a_slice_taken(opened) -> None:
    page, _ = opened
    everything = coloured(page)
    page.locator(".cloud input[type=checkbox]").first.uncheck()
    page.wait_for_timeout(100)
    one_group = coloured(page)
    assert 0 < one_group < everything
    page.evaluate(
        """() => {
        const r = [...document.querySelectorAll('.cloud label input[type=range]')].at(-1);
        r.value = 0.3; r.dispatchEvent(new Event('input')); }"""
    )
    page.wait_for_timeout(100)
    assert coloured(page) < one_group


def test_paper_gets_the_still(opened) -> None:
    page, _ = opened
    assert page.locator(".cloud .picture").is_hidden()
    page.emulate_media(media="print")
    assert page.locator(".cloud .picture").is_visible()
    assert page.locator(".cloud .turn").is_hidden()


def test_it_is_accessible(opened) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found] == []


def test_no_cloud_no_script(report_samples: ModuleType) -> None:
    text = render(report_samples.many(1))
    assert "<script" not in text
    assert "script-src" not in text


def test_equal_clouds_give_equal_pages(report_samples: ModuleType) -> None:
    assert page_with(report_samples, cloud()) == page_with(report_samples, cloud())


def test_what_cannot_be_drawn_is_said_in_its_place() -> None:
    shown = show(cloud(CLOUD_POINTS), "plugin apt")
    assert isinstance(shown, ShownFault)
    assert f"a cloud has 1 to {CLOUD_POINTS} points, not {2 * CLOUD_POINTS}" in shown.text
    assert isinstance(show(cloud(), "plugin apt"), ShownCloud)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (CloudGroup("Li", np.ones((3, 2))), r"shape \(3, 2\), not \(n, 3\)"),
        (CloudGroup("Li", np.full((3, 3), np.nan)), "not finite"),
        (CloudGroup("Li", np.ones((3, 3)), "url(x)"), "no colour like"),
    ],
)
def test_bad_groups_are_refused(group: CloudGroup, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pack(replace(cloud(), groups=[group]))


def test_one_point_is_a_cloud() -> None:
    assert pack(replace(cloud(), groups=[CloudGroup("Li", np.zeros((1, 3)))])).points == "AAAAAAAA"
