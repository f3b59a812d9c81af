"""The EELS plugin keeps the contract."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping

from consilience.testing import PluginContract


class TestContract(PluginContract):
    plugin = "eels"
    claims = ("dm3", "hdf5", "zip")

    def analysis_params(self, key: str) -> Mapping[str, object]:
        if key == "eels.quantification":
            return {"k_factors": {"Fe_Ka": 1.450226, "Pt_La": 5.075602}, "line_width": (5.0, 2.0)}
        return {}
