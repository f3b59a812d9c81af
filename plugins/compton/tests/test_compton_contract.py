"""The Compton plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

from consilience.testing import PluginContract, SampleFile


class TestContract(PluginContract):
    plugin = "compton"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        (frames,) = super().sample_files(tmp_path)
        companions = {}
        for role, value in (("gain", "0.0288"), ("intercept", "1.57")):
            companions[role] = tmp_path / f"{role}.txt"
            companions[role].write_text(f"{value}\n" * 6400, encoding="ascii")
        return [frames, SampleFile(frames.path, "compton.hexitec", {}, companions)]
