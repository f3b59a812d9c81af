"""The Compton plugin keeps the contract."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.model.measurement import Measurement
from consilience.registry import Registry
from consilience.testing import PluginContract, SampleFile
from consilience_compton.files.binned import write_binned


def small_files(folder: Path) -> list[SampleFile]:
    """A file for each reader that no simulator writes by default."""
    counts = np.random.default_rng(5).poisson(3.0, (3, 4, 60))
    bins = np.arange(60) * 2.0
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
        SampleFile(write_binned(folder / "b.h5", counts, bins, attributes=said), "compton.spectra"),
        # neither format has a place where it could say so
        SampleFile(folder / "packets.dat", "compton.packets", says_simulated=False),
        SampleFile(folder / "offsets.dat", "compton.offsets", says_simulated=False),
    ]


def volume_file(folder: Path) -> SampleFile:
    """A volume in HDF5, as no simulator writes it."""
    grey = np.random.default_rng(6).normal(100.0, 10.0, (6, 20, 24)).astype(np.float32)
    grey[:3] += 100.0
    with h5py.File(folder / "volume.h5", "w") as file:
        file.attrs["origin"] = "simulated"
        file.create_dataset("grey", data=grey, track_times=False)
        file["grey"].attrs["element_size_um"] = [3.25, 3.25, 3.25]
    return SampleFile(folder / "volume.h5", "compton.ct_hdf5")


MADE: list[tuple[SampleFile, bytes]] = []
"""Simulated files with their content: made once, as every test asks for them."""


@pytest.mark.xdist_group("compton-contract")  # one process runs each analysis once
class TestContract(PluginContract):
    plugin = "compton"

    def analysis_params(self, key: str) -> Mapping[str, object]:
        if key == "compton.regions":
            rows = ((0, 2), (3, 5), (6, 7))
            return {"alpha": 0.88, "beta": 0.62, "region_rows": rows}
        if key in ("compton.series", "compton.lithium"):
            points = [
                {"emr": emr, "x": emr, "emr_std": 0.01, "x_std": 0.01} for emr in (0.6, 1, 1.4)
            ]
            return {"alpha": 0.88, "beta": 0.62, "points": points}
        return super().analysis_params(key)

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        samples = self._simulated(tmp_path)
        frames = next(s for s in samples if s.reader == "compton.hexitec")
        companions = {}
        for role, value in (("gain", "0.0288"), ("intercept", "1.57")):
            companions[role] = tmp_path / f"{role}.txt"
            companions[role].write_text(f"{value}\n" * 6400, encoding="ascii")
        tables = SampleFile(frames.path, "compton.hexitec", {}, companions)
        return [*samples, tables, *small_files(tmp_path), volume_file(tmp_path)]

    def _simulated(self, tmp_path: Path) -> list[SampleFile]:
        """What simulators write: one of the five volumes; of the thirty spectra, two states."""
        if not MADE:
            made = tmp_path / "made"
            made.mkdir()
            found = super().sample_files(made)
            volumes = [s for s in found if s.reader == "compton.ct_tiff"]
            spectra = [s for s in found if s.path.name.startswith("cell-")]
            others = [s for s in found if s not in volumes and s not in spectra]
            for one in [*others, volumes[0], *spectra[:6]]:
                # the six are of one make: one of them is damaged
                kept = replace(one, damage=one not in spectra[1:])
                MADE.append((kept, one.path.read_bytes()))
            shutil.rmtree(made)
        samples = []
        for i, (one, content) in enumerate(MADE):
            path = tmp_path / f"{i}" / one.path.name
            path.parent.mkdir()
            path.write_bytes(content)
            samples.append(replace(one, path=path))
        return samples

    def _measurements(self, registry: Registry, tmp_path: Path) -> list[Measurement]:
        """As read, with a state for each of the cell's spectra: a series follows states."""
        found, number = [], 0
        for one in super()._measurements(registry, tmp_path):
            record = one.record
            if record.metadata.get("rows") == 8:  # of the cell: three regions of each step
                state = {"step": number // 3, "region": number % 3 + 1}
                record, number = record.model_copy(update={"state": state}), number + 1
            found.append(Measurement(record, lambda one=one: one.data))
        assert number == 6
        return found
