"""Fixtures of the whole tree: the shared measurement files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def required(what: str) -> bool:
    """Return True where a skip for want of `what` is a failure (``CONSILIENCE_REQUIRE``)."""
    return what in os.environ.get("CONSILIENCE_REQUIRE", "").split(",")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real files that data/README.md lists; skips without ``CONSILIENCE_DATA``."""
    given = os.environ.get("CONSILIENCE_DATA")
    if given and Path(given).is_dir():
        return Path(given)
    reason = f"CONSILIENCE_DATA={given!r} is no folder with the shared measurement files"
    if required("data"):
        pytest.fail(reason)
    pytest.skip(reason)
