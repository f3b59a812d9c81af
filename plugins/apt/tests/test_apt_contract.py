"""The atom-probe plugin keeps the contract."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from apt_files import epos_ions, points, write_apt, write_ato, write_epos

from consilience.testing import PluginContract, SampleFile
from consilience_apt.simulation import Layer, NeedleParams, simulate_needle

RRNG = "[Ions]\nNumber=1\nIon1=Si\n[Ranges]\nNumber=1\nRange1=13.9 14.1 Vol:0.02003 Si:1\n"


def write_hdf5(path: Path) -> Path:
    """NXapm that says it is simulated."""
    ions = points()
    with h5py.File(path, "w") as file:
        group = file.create_group("entry1/atom_probe")
        xyz = group.create_dataset("reconstruction/reconstructed_positions", data=ions[:, :3])
        mass = group.create_dataset("mass_to_charge_conversion/mass_to_charge", data=ions[:, 3])
        xyz.attrs["units"], mass.attrs["units"] = "nm", "Da"
        file["entry1"].attrs.update({"NX_class": "NXentry", "origin": "simulated"})
        file["entry1/definition"] = "NXapm"
    return path


def simulate_layers(folder: Path) -> SampleFile:
    """A small needle with ranges, in which every analysis has something to say."""
    folder.mkdir()
    alloy = {"Li+": 0.5, "Pt++": 0.5}
    params = NeedleParams(
        ions=5000,
        radius=8.0,
        background=0.01,
        layers=(
            Layer(name="cap", thickness=8.0, top={"Cr+": 1.0}),
            Layer(name="alloy", thickness=20.0, top=alloy),
        ),
        files=("epos", "rrng"),
    )
    epos, ranges = simulate_needle(params, 3, folder)
    return SampleFile(epos, "apt.epos", companions={"ranges": ranges})


@pytest.mark.xdist_group("apt-contract")  # one process runs each analysis once
class TestContract(PluginContract):
    plugin = "apt"

    def sample_files(self, tmp_path: Path) -> list[SampleFile]:
        made = super().sample_files(tmp_path)
        whole = next(sample for sample in made if sample.reader == "apt.pos")
        cut = tmp_path / "cut.pos"
        cut.write_bytes(whole.path.read_bytes()[:-5])
        ranges = tmp_path / "ranges.rrng"
        ranges.write_text(RRNG, encoding="utf-8")
        companions = {"ranges": ranges}
        ions = points(60)
        kilovolt = epos_ions()
        kilovolt["dc"] /= np.float32(1000.0)
        return [
            *made,
            simulate_layers(tmp_path / "layers"),
            SampleFile(cut, "apt.pos", {"salvage": True}, companions),
            SampleFile(
                write_epos(tmp_path / "a.epos", kilovolt, simulated=True),
                "apt.epos",
                companions=companions,
            ),
            SampleFile(write_hdf5(tmp_path / "a.h5"), "apt.hdf5", companions=companions),
            # these two formats have no place for a word
            SampleFile(write_apt(tmp_path / "a.apt", ions), "apt.apt", says_simulated=False),
            SampleFile(write_ato(tmp_path / "a.ato", 3, ions), "apt.ato", says_simulated=False),
        ]
