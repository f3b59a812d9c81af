"""The EELS plugin keeps the contract."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from eels_files import write_frames, write_pair, write_patterns

from consilience.testing import PluginContract, SampleFile

PARAMS: dict[str, Mapping[str, object]] = {
    "eels.quantification": {
        "k_factors": {"Fe_Ka": 1.450226, "Pt_La": 5.075602},
        "line_width": (5.0, 2.0),
    },
    "eels.fourier_ratio": {
        "low": "pair low",
        "core": "pair core",
        "background": (230.0, 275.0),
        "threshold": 8.0,
    },
    "eels.splice": {"low": "pair low", "core": "pair core"},
}


@pytest.mark.xdist_group("eels-contract")  # one process runs each analysis once
class TestContract(PluginContract):
    plugin = "eels"
    claims = ("dm3", "hdf5", "zip")

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        folder = tmp_path / "more"
        folder.mkdir()
        more = [*write_frames(folder), *write_pair(folder)]
        made = super().sample_files(tmp_path)
        patterns = SampleFile(write_patterns(folder), "eels.diffraction")
        return [*made, patterns, *(SampleFile(path, "eels.microscope") for path in more)]

    def analysis_params(self, key: str) -> Mapping[str, object]:
        return PARAMS.get(key, {})
