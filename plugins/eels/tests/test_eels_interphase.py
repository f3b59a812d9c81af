"""The simulated interphase without noise against exSpy's reading of it; its files; its damage."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.library import edge_cross_section
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.materials import material_of
from consilience_eels.physics.mean_free_path import mean_free_path
from consilience_eels.simulation.damage import critical_dose, damaged
from consilience_eels.simulation.interphase import (
    DETECTOR,
    InterphaseParams,
    Layer,
    make_interphase,
    simulate_interphase,
    truth_of,
)
from consilience_eels.simulation.interphase_edx import line_counts
from consilience_eels.simulation.interphase_scene import build_scene

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SMALL = {"pixels": (2, 16), "step": 12.0, "low_channels": 600, "low_dispersion": 0.2}


def one_layer(material: str, **changes: Any) -> InterphaseParams:
    """A slab of one material, a few pixels of it, without noise."""
    given: dict[str, Any] = {
        "layers": (Layer(name="all", materials={material: 1.0}, thickness=8.0),),
        "pixels": (1, 2),
        "noise": False,
        "low_channels": 64,
        "core_channels": 0,
        "edx_channels": 0,
        **changes,
    }
    return InterphaseParams(**given)


def signal_of(values: Any, offset: float, step: float, kind: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy

        make = {"EELS": exspy.signals.EELSSpectrum, "EDS_TEM": exspy.signals.EDSTEMSpectrum}
        made = make[kind](np.asarray(values, dtype=np.float64))
        axis = made.axes_manager.signal_axes[0]
        axis.offset, axis.scale = offset, step
        axis.units = "eV" if kind == "EELS" else "keV"
    return made


@pytest.mark.parametrize(
    ("material", "nm"), [("Si", 60.0), ("LiF", 60.0), ("Pt", 40.0), ("Cr", 150.0)]
)
def test_exspy_finds_the_planted_thickness_without_noise(material: str, nm: float) -> None:
    params = one_layer(
        material, lamella=nm, lamella_end=nm, low_channels=8000, low_dispersion=0.25, resolution=0.8
    )
    made = make_interphase(params, 0)
    spectrum = signal_of(made.low[0, 0], params.low_offset, params.low_dispersion, "EELS")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(spectrum.estimate_thickness(threshold=2.0).data.ravel()[0])
    beam = Beam(params.beam_energy, params.convergence, params.collection)
    planted = nm / mean_free_path(material_of(material).density, beam)
    # 2 eV on either side of the zero loss hold few losses, and few lie beyond 1985 eV
    assert found == pytest.approx(planted, rel=0.02)
    assert float(made.low[0, 0].sum()) == pytest.approx(params.electrons, rel=0.01)


@pytest.mark.parametrize(("material", "edge", "atom"), [("Li2O", "O_K", "O"), ("LiF", "F_K", "F")])
def test_exspys_background_and_cross_section_find_the_planted_atoms(
    material: str, edge: str, atom: str
) -> None:
    nm = 10.0
    params = one_layer(
        material,
        lamella=nm,
        lamella_end=nm,
        beam_energy=200.0,
        convergence=10.0,
        collection=20.0,
        core_channels=1500,
        core_dispersion=0.5,
        core_offset=300.0,
    )
    made = make_interphase(params, 0)
    core = signal_of(made.core[0, 0], params.core_offset, params.core_dispersion, "EELS")
    onset = {"O": 530.0, "F": 684.0}[atom]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = core.remove_background((onset - 60.0, onset - 5.0), fast=True)
    use = (made.core_energy >= onset) & (made.core_energy < onset + 100.0)
    net = float(clean.data[use].sum())
    sigma = edge_cross_section(
        edge, 200.0, 10.0, 20.0, float(made.core_energy[use][0]), 0.5, int(use.sum())
    )
    solid = material_of(material)
    atoms = solid.units_per_nm3 * solid.atoms[atom] * nm
    assert net / (params.electrons * sigma * 1e-10) == pytest.approx(atoms, rel=0.12)


def test_exspy_counts_the_planted_x_rays_without_noise() -> None:
    params = one_layer("SiN", edx_channels=1400, lamella=100.0, lamella_end=100.0)
    made = make_interphase(params, 0)
    planted = line_counts(made.scene, params, DETECTOR)
    spectrum = signal_of(made.edx[0, 0], 0.0, params.edx_dispersion, "EDS_TEM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spectrum.set_microscope_parameters(beam_energy=300.0, energy_resolution_MnKa=130.0)
        spectrum.set_lines(["Si_Ka"])
        (silicon,) = spectrum.get_lines_intensity(
            background_windows=spectrum.estimate_background_windows(line_width=[5.0, 5.0]),
            integration_windows=4.0,
        )
    expected = float((planted["Si_Ka"] + planted["Si_Kb"])[0, 0])
    assert float(silicon.data[0]) == pytest.approx(expected, rel=0.03)
    free = line_counts(made.scene, params.model_copy(update={"absorption": False}), DETECTOR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from exspy import material

        taken = [float(material.mass_absorption_coefficient(one, 0.3924)) for one in ("Si", "N")]
    chi = (0.6006 * taken[0] + 0.3994 * taken[1]) * 3.17 * 100e-7 / np.sin(np.radians(22.0))
    leaves = float(planted["N_Ka"][0, 0] / free["N_Ka"][0, 0])
    assert leaves == pytest.approx((1.0 - np.exp(-chi)) / chi, rel=0.08)
    ratio = free["N_Ka"][0, 0] / free["Si_Ka"][0, 0]
    thick = params.model_copy(update={"absorption": False, "lamella": 200.0, "lamella_end": 200.0})
    twice = line_counts(build_scene(thick, 0), thick, DETECTOR)
    assert twice["N_Ka"][0, 0] / twice["Si_Ka"][0, 0] == pytest.approx(ratio)
    assert twice["Si_Ka"][0, 0] == pytest.approx(2.0 * free["Si_Ka"][0, 0])


def test_the_files_say_that_they_are_simulated_and_are_read(tmp_path: Path) -> None:
    params = InterphaseParams(**SMALL, truth=True, image_frames=3, drift=1.0, core_channels=256)
    paths = simulate_interphase(params, 5, tmp_path)
    kinds = []
    for path in paths:
        for signal in read_microscope(path, {}, {}):
            kinds.append(signal.modality)
            assert signal.origin == "simulated"
            assert signal.exposures == []
            assert to_hyperspy(signal).data.shape[-1] > 1
            if signal.modality == "eels":
                assert signal.metadata["collection_angle"]["value"] == 156.5
                assert signal.metadata["frames"]["value"] == 40
    assert kinds == ["eels", "eels", "edx", "stem", "stem"]
    assert [path.name for path in paths if "truth" in path.name] == []
    truth = json.loads((tmp_path / "simulated_interphase-truth.json").read_text("utf-8"))
    assert truth["origin"] == "simulated"
    assert [layer["name"] for layer in truth["layers"]] == ["Cr", "SEI", "Pt", "SiN", "Si"]
    again = tmp_path / "again"
    again.mkdir()
    for path, twin in zip(paths, simulate_interphase(params, 5, again), strict=True):
        assert path.read_bytes() == twin.read_bytes()


def test_counts_scatter_as_the_model_says() -> None:
    # few electrons, far from the zero loss: that it wanders in the second model adds nothing
    params = one_layer(
        "Si", noise=True, pixels=(1, 600), current=0.1, counts_per_electron=4.0, core_channels=100
    )
    for model, low, high in (("first", 3.8, 4.2), ("second", 4.9, 5.5)):
        core = make_interphase(params.model_copy(update={"model": model}), 3).core[0]
        factor = core.astype(np.float64).var(axis=0) / core.mean(axis=0, dtype=np.float64)
        assert low < np.median(factor) < high, model
    grid = {"low_channels": 100, "low_offset": -30.0, "low_dispersion": 0.5}
    read = params.model_copy(update={**grid, "readout": 20.0})
    before = make_interphase(read, 3).low[0, :, :20]
    assert before.std() == pytest.approx(20.0 * np.sqrt(40.0), rel=0.05)


def test_the_second_model_is_another_one() -> None:
    made = [
        make_interphase(InterphaseParams(**SMALL, noise=False, model=model), 1)
        for model in ("first", "second")
    ]
    column = truth_of(made[0], 1)["layers"][1]["columns"][0]
    first, second = (one.low[0, column] for one in made)
    use = (made[0].low_energy > 40.0) & (made[0].low_energy < 90.0)
    apart = abs(second[use] / first[use] - 1.0)
    assert 0.02 < apart.max() < 0.5
    assert made[0].low_energy[first.argmax()] == pytest.approx(0.0, abs=0.11)
    tops = made[1].low_energy[made[1].low.argmax(axis=-1)]
    assert np.ptp(tops) > 0.0


def test_the_double_peak_stands_between_chromium_and_platinum_only() -> None:
    made = make_interphase(InterphaseParams(**SMALL, noise=False), 1)
    truth = truth_of(made, 1)

    def at(e: float) -> int:
        return int(np.abs(made.low_energy - e).argmin())

    for layer in truth["layers"]:
        for column in layer["columns"]:
            spectrum = made.low[0, column]
            dip = spectrum[at(66.0)] / (0.5 * (spectrum[at(62.2)] + spectrum[at(69.8)]))
            assert (dip < 0.9) == (layer["name"] == "SEI")
    sei = truth["layers"][1]
    assert set(sei["materials_nm"]) >= {"LiF"}
    assert sei["materials_nm"]["LiF"] == pytest.approx(60.0, rel=1e-3)
    assert truth["boundaries_nm"][0] == pytest.approx(32.0 - 6.0)


def test_implants_and_stray_x_rays_are_planted() -> None:
    params = InterphaseParams(
        **SMALL, noise=False, implanted={"Xe": 0.02}, stray={"Cu": 50.0}, core_channels=1500
    )
    clean = params.model_copy(update={"implanted": {}, "stray": {}})
    made, other = make_interphase(params, 1), make_interphase(clean, 1)
    counts = line_counts(made.scene, params, DETECTOR)
    assert counts["Cu_Ka"].min() == pytest.approx(50.0)
    assert "Cu_Ka" not in line_counts(other.scene, clean, DETECTOR)
    atoms = made.scene.atoms()
    share = atoms["Xe"] / (sum(atoms.values()) - atoms["Xe"])
    assert share == pytest.approx(0.02)
    onset = made.core_energy > 680.0
    assert (made.core[..., onset] > other.core[..., onset]).mean() > 0.95


def test_the_dose_turns_the_salts_into_oxide() -> None:
    params = InterphaseParams(**SMALL, damage=True, temperature=100.0, current=1.0)
    scene, whole = (
        build_scene(params, 0),
        build_scene(params.model_copy(update={"damage": False}), 0),
    )
    share = damaged("LiF", params.dose, 100.0)
    assert share == pytest.approx(1.0 - np.exp(-params.dose / 10000.0))
    assert scene.atoms()["Li"] == pytest.approx(whole.atoms()["Li"])
    assert scene.atoms()["F"].sum() == pytest.approx((1.0 - share) * whole.atoms()["F"].sum())
    assert scene.atoms()["O"].sum() == pytest.approx(0.5 * share * whole.atoms()["Li"].sum())
    assert (critical_dose("LiF", 293.0), critical_dose("Li2CO3", 293.0)) == (200.0, 100.0)
    assert critical_dose("Pt", 100.0) is None
    assert damaged("Pt", 1e9, 300.0) == 0.0


def test_drift_blurs_what_was_not_corrected() -> None:
    params = InterphaseParams(**SMALL, drift=6.0, corrected=False, core_channels=0)
    sharp = build_scene(params.model_copy(update={"corrected": True}), 7)
    blurred = build_scene(params, 7)
    assert np.ptp(blurred.shifts[:, 1]) > 10.0
    index = sharp.materials.index("LiF")
    mixed = [
        int(((one.nm[0, :, index] > 1.0) & (one.nm[0, :, index] < 59.0)).sum())
        for one in (sharp, blurred)
    ]
    assert mixed[1] > mixed[0]


def test_fractions_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="of layer 'SEI' do not sum to 1"):
        Layer(name="SEI", materials={"LiF": 0.5, "Li2O": 0.4}, thickness=10.0)
