"""What tests share: all plugins found once, and makers of test objects, imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from consilience.registry import Registry

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Return the plugins that are installed."""
    return Registry.discover()
