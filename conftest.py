"""Fixtures of the whole tree: the shared measurement files, Chromium, and what skips mean.

``CONSILIENCE_REQUIRE=data,browser`` makes a skip for want of either a failure; elsewhere skips
are counted and explained at the end of the run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
NEEDS = {
    "data": "set CONSILIENCE_DATA to the folder of the shared measurement files",
    "browser": "install Chromium and 'pip install consilience[test]'",
}
_FIXTURES = {"shared_data": "data", "chromium": "browser"}


def required(what: str) -> bool:
    """Return True where a skip for want of `what` is a failure (``CONSILIENCE_REQUIRE``)."""
    named = os.environ.get("CONSILIENCE_REQUIRE", "").split(",")
    return what in {name.strip() for name in named}


def missing(what: str, reason: str) -> None:
    """Skip the test for want of `what`, or fail it where that is required."""
    if required(what):
        pytest.fail(f"{reason} (CONSILIENCE_REQUIRE asks for {what!r}; {NEEDS[what]})")
    pytest.skip(f"needs {what}: {reason}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real files that data/README.md lists; skips without ``CONSILIENCE_DATA``."""
    given = os.environ.get("CONSILIENCE_DATA")
    if not given or not Path(given).is_dir():
        missing(
            "data", f"CONSILIENCE_DATA={given!r} is no folder with the shared measurement files"
        )
    return Path(str(given))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running Chromium; skips where there is none.

    One for each module: playwright keeps an event loop running in this thread, which tests of
    other modules may not expect.
    """
    if importlib.util.find_spec("playwright") is None:
        missing("browser", "playwright is not installed")
    program = os.environ.get("CONSILIENCE_CHROMIUM") or next(
        (found for name in BROWSERS if (found := shutil.which(name))), None
    )
    if program is None:
        missing("browser", f"none of {', '.join(BROWSERS)} is on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report_samples() -> ModuleType:
    """The fabricated report contents of core/tests/report_samples.py."""
    path = Path(__file__).parent / "core" / "tests" / "report_samples.py"
    spec = importlib.util.spec_from_file_location("report_samples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the shared files or Chromium, so that ``-m`` can choose."""
    for item in items:
        for fixture, marker in _FIXTURES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the skips, say why, and what to do about them."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        place = report.longrepr
        text = place[2] if isinstance(place, tuple) else str(place)
        reasons[text.removeprefix("Skipped: ")] += 1
    if not reasons:
        return
    terminalreporter.section(f"{sum(reasons.values())} tests were skipped")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4d}  {reason}")
    for what, how in NEEDS.items():
        if any(reason.startswith(f"needs {what}:") for reason in reasons):
            terminalreporter.line(f"      to run those that need {what}: {how}")
