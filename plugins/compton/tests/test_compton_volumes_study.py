"""Volumes in a study: components, α and β, surfaces, and refusals in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from consilience.study import Study
from consilience_compton.simulation.volumes import VolumeParams, simulate_volumes
from consilience_compton.surface.components import lithium_shares, volume_fractions

ROWS = {"rows": 96, "columns": 104}


def layered(voxel: float = 5.0, rough: float = 0.0, seed: int = 0) -> np.ndarray:
    """A cell by its layers: cathode 65 µm, electrolyte 30, lithium above."""
    chance = np.random.default_rng(seed)
    z = (np.arange(100)[:, None, None] + 0.5) * voxel
    shift = rough * chance.normal(size=(1, 64, 64))
    labels = np.where(z < 65.0, 3, np.where(z < 95.0 + shift, 2, 1))
    return labels.astype(np.uint8)


REGIONS = {1: (0.0, 250.0), 2: (65.0, 315.0), 3: (100.0, 350.0)}


def test_alpha_and_beta_of_the_published_geometry() -> None:
    found = lithium_shares(layered(), [1], REGIONS, (5.0, 5.0, 5.0), 0, edge_std=1.5)
    assert found.alpha == pytest.approx(0.88, abs=1e-9)
    assert found.beta == pytest.approx(0.62, abs=1e-9)
    # a beam 1.5 um higher or lower meets 1.5/250 more or less, region 3 only where it ends
    assert found.systematic["beam edge"][0] == pytest.approx(1.5 / 250.0, rel=0.05)
    turned = lithium_shares(np.moveaxis(layered(), 0, 1), [1], REGIONS, (5.0, 5.0, 5.0), 1)
    assert (turned.alpha, turned.beta) == pytest.approx((found.alpha, found.beta))


def test_parts_of_voxels_count_as_parts() -> None:
    moved = {r: (a + 2.0, b + 2.0) for r, (a, b) in REGIONS.items()}
    found = lithium_shares(layered(), [1], moved, (5.0, 5.0, 5.0))
    assert found.alpha == pytest.approx(222.0 / 250.0)
    assert found.beta == pytest.approx(157.0 / 250.0)


def test_alpha_and_beta_scatter_together() -> None:
    """Over many cells the ratios scatter as one cell says, and both with region 3."""
    values, stated = [], []
    for seed in range(24):
        found = lithium_shares(layered(5.0, 12.0, seed), [1], REGIONS, (5.0, 5.0, 5.0))
        assert found.covariance is not None
        values.append((found.alpha, found.beta))
        stated.append(found.covariance)
    seen = np.cov(np.array(values).T)
    said = np.mean(stated, axis=0)
    assert np.sqrt(np.diag(said)) == pytest.approx(np.sqrt(np.diag(seen)), rel=0.4)
    assert said[0, 1] / np.sqrt(said[0, 0] * said[1, 1]) == pytest.approx(
        seen[0, 1] / np.sqrt(seen[0, 0] * seen[1, 1]), abs=0.15
    )


@pytest.mark.parametrize(
    ("regions", "lithium", "match"),
    [
        ({1: (0.0, 250.0), 2: (65.0, 315.0)}, [1], "regions 1, 2 and 3 are needed"),
        ({**REGIONS, 3: (400.0, 650.0)}, [1], "leaves the volume"),
        (REGIONS, [9], "region 3 holds no lithium"),
    ],
)
def test_ratios_of_nothing_are_refused(regions: Any, lithium: list[int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        lithium_shares(layered(), lithium, regions, (5.0, 5.0, 5.0))


def test_shares_of_random_voxels_have_the_binomial_error() -> None:
    chance = np.random.default_rng(3)
    labels = (chance.random((30, 90, 90)) < 0.3).astype(np.uint8)
    found = volume_fractions(labels, (1.0, 1.0, 1.0))[1]
    assert found.value == pytest.approx(0.3, abs=0.005)
    assert found.std_stat == pytest.approx((0.3 * 0.7 / labels.size) ** 0.5, rel=0.2)
    assert found.volume == found.voxels


@pytest.mark.data
def test_real_electrode(shared_data: Path) -> None:
    labels = tifffile.imread(shared_data / "xct" / "electrode.tiff")
    found = volume_fractions(labels, (1.0, 1.0, 1.0))
    assert {k: round(f.value, 4) for k, f in found.items()} == {0: 0.4499, 85: 0.4005, 170: 0.1496}
    assert all(f.std_stat is not None and 0 < f.std_stat < 0.01 for f in found.values())


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("volumes")
    paths = simulate_volumes(VolumeParams(length=12.0, **ROWS), 5, folder)  # type: ignore[arg-type]
    truth = json.loads((folder / "volumes_truth.json").read_text())
    for name in ("grey", "fine"):
        (folder / name).mkdir()
    (grey,) = simulate_volumes(
        VolumeParams(kind="grey", states=1, length=20.0, **ROWS),  # type: ignore[arg-type]
        6,
        folder / "grey",
    )
    fine = simulate_volumes(
        VolumeParams(roughness=(1.5,), states=1, length=12.0, tilt=0.0, bow=0.0, **ROWS),  # type: ignore[arg-type]
        7,
        folder / "fine",
    )[0]
    tifffile.imwrite(folder / "plain.tif", tifffile.imread(paths[0]), photometric="minisblack")
    tifffile.imwrite(
        folder / "bulk.tif",
        (np.random.default_rng(1).random((20, 40, 40)) < 0.5).astype(np.uint8),
        photometric="minisblack",
    )
    with Study.create(folder / "study", "volumes") as study:
        for name in ("anode", "grey", "fine", "plain", "bulk"):
            study.add_sample(name)
        for path in (paths[0], paths[4]):
            study.add(path, "anode", state={"charge": path.stem})
        study.add(grey, "grey")
        study.add(fine, "fine")
        study.add(folder / "plain.tif", "plain")
        study.add(folder / "bulk.tif", "bulk")
        summary = study.analyse()
        assert not summary.failures
        truth["notices"] = {n.code for n in summary.notices}
        yield study, truth


def one(study: Study, kind: str, sample: str, label: str, state: str = "") -> Any:
    (found,) = [
        f
        for f in study.findings(kind, sample)
        if f.subject is not None
        and f.subject.label == label
        and (not state or f.state.get("charge") == state)
    ]
    return found


def test_states_have_their_roughness(studied: tuple[Study, dict[str, Any]]) -> None:
    study, truth = studied
    for state in ("anode_pristine", "anode_end_of_discharge"):
        found = one(study, "areal_roughness", "anode", "S_a", state)
        known = truth[state.removeprefix("anode_")]
        assert found.origin == "simulated"
        assert abs(found.value - known["s_a_of_this_surface_um"]) < 2.0 * found.std_sys
        assert abs(found.value - known["expected_s_a_um"]) < 3.0 * found.std
        assert set(found.evidence["std_sys_parts"]) >= {"form", "voxel and noise", "segmentation"}
        assert found.covariance is not None
        assert found.array is not None
        assert not found.evidence["below_one_voxel"]
    profile = one(study, "roughness", "anode", "R_a along x", "anode_pristine")
    assert "P_a" in " ".join(profile.assumptions)


def test_pores_and_fragments_of_the_last_state(studied: tuple[Study, dict[str, Any]]) -> None:
    study, truth = studied
    last = truth["end_of_discharge"]
    fragments = one(study, "volume_fraction", "anode", "fragments", "anode_end_of_discharge")
    assert fragments.evidence["fragment_voxels"] == last["fragment_voxels"]
    pores = one(
        study, "volume_fraction", "anode", "pores below the surface", "anode_end_of_discharge"
    )
    assert pores.evidence["pore_voxels"] == last["pore_voxels"]
    none = one(study, "volume_fraction", "anode", "fragments", "anode_pristine")
    assert (none.status, none.value) == ("absent_below_limit", None)
    assert 0 < none.limit < 1e-3


def test_below_one_voxel_is_said(studied: tuple[Study, dict[str, Any]]) -> None:
    study, truth = studied
    found = one(study, "areal_roughness", "fine", "S_a")
    assert found.value < 3.25
    assert found.evidence["below_one_voxel"]
    assert found.assumptions[0].startswith("below one voxel (3.25 um)")
    assert "roughness-below-voxel" in truth["notices"]
    assert abs(found.value - 1.5) < 3.0 * found.std


def test_grey_volumes_carry_threshold_and_blur(studied: tuple[Study, dict[str, Any]]) -> None:
    study, _ = studied
    found = one(study, "areal_roughness", "grey", "S_a")
    assert abs(found.value - 5.07) < 3.0 * found.std
    parts = found.evidence["std_sys_parts"]
    assert parts["threshold"] is not None
    assert parts["blur"] is not None
    shares = one(study, "volume_fraction", "grey", "phases")
    assert shares.status == "not_observable"


def test_no_length_without_a_voxel_size(studied: tuple[Study, dict[str, Any]]) -> None:
    study, _ = studied
    for kind, label in (
        ("areal_roughness", "S_a"),
        ("roughness", "R_a along x"),
        ("correlation_length", "S_al"),
    ):
        found = one(study, kind, "plain", label)
        assert (found.value, found.std_stat, found.status) == (None, None, "not_observable")
        assert found.reason == "the size of a voxel is not known"
    same = one(study, "areal_roughness", "anode", "S_a", "anode_pristine")
    in_voxels = one(study, "areal_roughness", "plain", "S_a").evidence["value_in_voxels"]
    assert in_voxels * 3.25 == pytest.approx(same.value, rel=1e-6)


def test_a_bulk_has_no_surface(studied: tuple[Study, dict[str, Any]]) -> None:
    study, truth = studied
    found = one(study, "areal_roughness", "bulk", "S_a")
    assert found.status == "not_observable"
    assert "no interface crosses the volume" in found.reason
    assert "no-interface" in truth["notices"]


def test_alpha_and_beta_as_findings(tmp_path: Path) -> None:
    path = tmp_path / "cell.tif"
    tifffile.imwrite(
        path,
        layered(5.0, 8.0, 1),
        imagej=True,
        resolution=(0.2, 0.2),
        metadata={"axes": "ZYX", "spacing": 5.0, "unit": "um", "origin": "simulated"},
    )
    with Study.create(tmp_path / "study", "cell") as study:
        study.add_sample("cell")
        study.add(path, "cell")
        study.analyse(
            ["compton.components"],
            params={
                "names": {"1": "Li", "2": "electrolyte", "3": "cathode"},
                "lithium": [1],
                "regions": {"1": [0, 250], "2": [65, 315], "3": [100, 350]},
                "edge_std": 1.5,
                "boxes": [{"z": [0, 60], "name": "cathode"}],
            },
        )
        alpha, beta = (one(study, "volume_ratio", "cell", n) for n in ("alpha", "beta"))
        assert alpha.value == pytest.approx(0.88, abs=0.01)
        assert beta.value == pytest.approx(0.62, abs=0.01)
        assert alpha.covariance.array == beta.covariance.array
        joint = study.store.open_dataset(alpha.covariance.array)
        assert joint["statistical"].values[0, 0] == pytest.approx(alpha.std_stat**2)
        in_box = [f for f in study.findings("volume_fraction", "cell") if f.region is not None]
        assert [(f.subject.label, f.value) for f in in_box if f.subject] == [("cathode", 1.0)]
        summary = study.analyse(["compton.components"], params={"lithium": [1]})
        assert {n.code for n in summary.notices} == {"no-ratio"}
