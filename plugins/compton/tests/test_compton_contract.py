"""The Compton plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from consilience.testing import PluginContract, SampleFile
from consilience_compton.files.binned import write_binned
from consilience_compton.files.hxt_layout import write_hxt


def small_files(folder: Path) -> list[SampleFile]:
    """A file for each reader that no simulator writes by default."""
    counts = np.random.default_rng(5).poisson(3.0, (3, 4, 60))
    bins = np.arange(60) * 2.0
    prefix = "simulated;bins=keV;E1=115;angle=90;dist=130;pitch=250;dir=+column"
    said = {"origin": "simulated", "incident_energy": 115.0, "scattering_angle": 90.0}
    row = [0x100, *[0x3F, 0x3FFF] * 4, *[1000] * 80]
    packets = [
        0xFE6B,
        0,
        0,
        7,
        *(w + (r if i == 0 else 0) for r in range(80) for i, w in enumerate(row)),
        0xFADE,
    ]
    np.array(packets, dtype="<u4").tofile(folder / "packets.dat")
    np.array([1000, *range(1, 6401)], dtype="<u4").tofile(folder / "offsets.dat")
    return [
        SampleFile(write_hxt(folder / "a.hxt", counts, bins, prefix=prefix), "compton.hxt"),
        SampleFile(write_binned(folder / "b.h5", counts, bins, attributes=said), "compton.spectra"),
        SampleFile(folder / "packets.dat", "compton.packets"),
        SampleFile(folder / "offsets.dat", "compton.offsets"),
    ]


class TestContract(PluginContract):
    plugin = "compton"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        samples = super().sample_files(tmp_path)
        frames = next(s for s in samples if s.reader == "compton.hexitec")
        companions = {}
        for role, value in (("gain", "0.0288"), ("intercept", "1.57")):
            companions[role] = tmp_path / f"{role}.txt"
            companions[role].write_text(f"{value}\n" * 6400, encoding="ascii")
        tables = SampleFile(frames.path, "compton.hexitec", {}, companions)
        return [*samples, tables, *small_files(tmp_path)]
