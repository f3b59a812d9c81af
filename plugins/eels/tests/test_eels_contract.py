"""The EELS plugin keeps the contract."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.testing import PluginContract


class TestContract(PluginContract):
    plugin = "eels"
