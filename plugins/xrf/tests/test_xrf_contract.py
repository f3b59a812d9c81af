"""The XRF plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

from consilience.testing import PluginContract, SampleFile


class TestContract(PluginContract):
    plugin = "xrf"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        plain = tmp_path / "plain.mca"
        counts = "\n".join(str(i % 7) for i in range(128))
        plain.write_text(f"# Origin: simulated\n{counts}\n", encoding="ascii")
        return [
            *super().sample_files(tmp_path),
            SampleFile(plain, "xrf.mca"),
            SampleFile(plain, "xrf.mca", {"zero": "-0.5", "gain": "0.005"}),
        ]
