"""The atom-probe plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

from consilience.testing import PluginContract, SampleFile


class TestContract(PluginContract):
    plugin = "apt"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        (whole,) = super().sample_files(tmp_path)
        cut = tmp_path / "cut.pos"
        cut.write_bytes(whole.path.read_bytes()[:-5])
        return [whole, SampleFile(cut, "apt.pos", {"salvage": True})]
