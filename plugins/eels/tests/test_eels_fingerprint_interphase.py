"""The simulated interphase of a platinum anode: what is found, what is absent, what is hidden."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from consilience import Study
from consilience.model.finding import Finding
from consilience_eels.simulation.interphase import (
    InterphaseParams,
    make_interphase,
    simulate_interphase,
    truth_of,
)

REGIONS = {
    "Cr": [8.0, 32.0, 0.0, 100.0],
    "SEI": [56.0, 80.0, 0.0, 100.0],
    "Pt": [104.0, 128.0, 0.0, 100.0],
}
ASKED = {"phases": ["LiF", "Li2CO3", "Li2O"], "elements": ["Li"], "regions": REGIONS}


def interphase(
    salt: dict[str, float], film: str = "Pt", model: str = "first", damage: bool = False
) -> InterphaseParams:
    """Cap, interphase and film, 48 nm each, 60 nm thick; 2e8 electrons for each pixel."""
    return InterphaseParams.model_validate(
        {
            "layers": [
                {"name": "Cr", "materials": {"Cr": 1.0}, "thickness": 48.0},
                {"name": "SEI", "materials": salt, "thickness": 48.0},
                {"name": "Pt", "materials": {film: 1.0}, "thickness": 48.0},
            ],
            "pixels": (2, 18),
            "step": 8.0,
            "model": model,
            "damage": damage,
            "edx_channels": 0,
        }
    )


Said = dict[tuple[str, str], Finding]


def analysed(params: InterphaseParams, folder: Path, dose: str | None = None) -> tuple[Study, Said]:
    files = simulate_interphase(params, 11, folder)
    study = Study.create(folder / "study", "interphase")
    study.add_sample("lamella")
    for file in files:
        study.add(file, "lamella")
    if dose is not None:
        study.add_step(
            {
                "sample": "lamella",
                "type": "measure",
                "sequence": 1,
                "conditions": {
                    "modality": "eels",
                    "fluence": dose,
                    "energy": "300 keV",
                    "temperature": "100 K",
                },
            }
        )
    summary = study.analyse(["eels.fingerprints"], params=ASKED)
    assert summary.failures == []
    return study, {
        (f.region.label, f.subject.label): f for f in summary.findings if f.region and f.subject
    }


@pytest.fixture(scope="module")
def lithium_fluoride(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Said]:
    return analysed(interphase({"LiF": 1.0}), tmp_path_factory.mktemp("lif"))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Study, Said]]:
    def build(*args: object, dose: str | None = None, **kwargs: object) -> tuple[Study, Said]:
        return analysed(interphase(*args, **kwargs), tmp_path_factory.mktemp("made"), dose)  # type: ignore[arg-type]

    return build


def test_fluoride_is_found_between_chromium_and_platinum_only(
    lithium_fluoride: tuple[Study, Said],
) -> None:
    said = lithium_fluoride[1]
    found = said["SEI", "LiF"]
    assert found.status == "present"
    assert found.origin == "simulated"
    assert found.value is not None
    assert found.std is not None
    assert abs(found.value - 1.0) < 3.0 * found.std
    for region in ("Cr", "Pt"):
        assert said[region, "LiF"].status in ("absent_below_limit", "not_observable")


def test_carbonate_and_oxide_are_absent_below_a_stated_limit(
    lithium_fluoride: tuple[Study, Said],
) -> None:
    for phase in ("Li2CO3", "Li2O"):
        found = lithium_fluoride[1]["SEI", phase]
        assert found.status == "absent_below_limit"
        assert found.unit == "1"
        assert found.limit is not None
        assert 1e-4 < found.limit < 0.05


def test_lithium_under_platinum_is_not_observable_and_the_edge_is_named(
    lithium_fluoride: tuple[Study, Said],
) -> None:
    found = lithium_fluoride[1]["Pt", "Li"]
    assert found.status == "not_observable"
    assert found.value is None
    assert found.limit is None
    assert found.reason is not None
    assert "the stoichiometry of LiPt, 1 Li for each Pt" in found.reason
    assert "Pt O23 at 52 eV lies 3 eV from Li K at 55 eV" in found.reason
    causes = found.evidence["causes"]
    assert isinstance(causes, list)
    assert isinstance(causes[0], dict)
    without = causes[0]["limit"]
    limit = found.evidence["limit_fraction"]
    assert isinstance(limit, float)
    assert isinstance(without, float)
    assert without < 0.2 * limit  # platinum, not counting, is what hides it


def test_rivals_stand_beside_the_label(lithium_fluoride: tuple[Study, Said]) -> None:
    rivals = {r.subject.label: r for r in lithium_fluoride[1]["SEI", "LiF"].rivals}
    assert {"Cr", "Pt", "Xe", "LiPF6", "LixPFy, LixPOyFz"} <= rivals.keys()
    assert rivals["LixPFy, LixPOyFz"].live  # no reference of it was fitted
    assert not rivals["Xe"].live
    assert "P L2,3 at 132 eV" in rivals["LiPF6"].decided_by


def test_the_map_holds_the_thickness_of_the_fluoride_and_nothing_beyond(
    lithium_fluoride: tuple[Study, Said],
) -> None:
    study, said = lithium_fluoride
    array = said["SEI", "LiF"].array
    assert array is not None
    data = study.store.open_dataset(array)
    truth = truth_of(make_interphase(interphase({"LiF": 1.0}), 11), 11)
    columns = truth["layers"][1]["columns"]
    nm = data["LiF"].values
    assert np.abs(nm[:, columns] / 60.0 - 1.0).max() < 0.25
    film = truth["layers"][2]["columns"]
    assert (nm[:, film] < data["LiF_limit"].values[:, film]).mean() > 0.9
    assert data["LiF"].attrs["units"] == "nm"


def test_relative_thickness_is_recovered(lithium_fluoride: tuple[Study, Said]) -> None:
    study = lithium_fluoride[0]
    summary = study.analyse(["eels.thickness"], params={"counts_per_electron": 1.0})
    assert summary.failures == []
    (found,) = [f for f in summary.findings if f.kind == "t_over_lambda"]
    assert found.array is not None
    seen = study.store.open_dataset(found.array)["t_over_lambda"].values
    truth = np.array(truth_of(make_interphase(interphase({"LiF": 1.0}), 11), 11)["t_over_lambda"])
    # the spectrum ends at 110 eV: what lost more is not counted, most in platinum
    assert found.std_sys is not None
    assert np.corrcoef(seen.ravel(), truth.ravel())[0, 1] > 0.95
    assert abs(seen.mean() - truth.mean()) < 3.0 * found.std_sys


def test_with_carbonate_planted_the_answer_turns(make: Callable[..., tuple[Study, Said]]) -> None:
    said = make({"Li2CO3": 1.0})[1]
    assert said["SEI", "Li2CO3"].status == "present"
    assert said["SEI", "LiF"].status == "absent_below_limit"
    assert said["Pt", "Li"].status == "not_observable"


def test_another_forward_model_and_an_alloy(make: Callable[..., tuple[Study, Said]]) -> None:
    said = make({"LiF": 1.0}, film="LiPt", model="second")[1]
    assert said["SEI", "LiF"].status == "present"
    assert said["SEI", "Li2CO3"].status == "absent_below_limit"
    assert said["Pt", "Li"].status == "not_observable"  # it is there, and cannot be seen


def test_after_an_overdose_oxide_is_found_and_doubted(
    make: Callable[..., tuple[Study, Said]],
) -> None:
    params = interphase({"LiF": 1.0}, damage=True)
    study, said = make({"LiF": 1.0}, damage=True, dose=f"{params.dose:.0f} 1/angstrom^2")
    found = said["SEI", "Li2O"]
    assert found.status == "present"
    caveats = [c for c in study.caveats([found]) if c.rule == "eels.li2o-product-cold"]
    assert [c.effect for c in caveats] == ["doubt"]
    fresh, clean = make({"LiF": 0.5, "Li2O": 0.5}, dose="500 1/angstrom^2")
    assert clean["SEI", "Li2O"].status == "present"
    assert not [c for c in fresh.caveats([clean["SEI", "Li2O"]]) if "li2o-product" in c.rule]


def test_a_fluoride_says_how_much_of_the_fluorine_it_holds_and_its_rival_what_it_needs(
    lithium_fluoride: tuple[Study, Said],
) -> None:
    found = lithium_fluoride[1]["SEI", "LiF"]
    held = found.evidence["share_of"]
    assert isinstance(held, dict)
    assert set(held) == {"F", "Li"}
    assert 0.5 < held["F"] < 1.0
    for label in ("LiPF6", "LixPFy, LixPOyFz"):
        (rival,) = [r for r in found.rivals if r.subject.label == label and r.needs]
        (need,) = rival.needs
        assert (need.element, need.per, need.at_least) == ("P", "F", 1 / 6)
    absent = lithium_fluoride[1]["SEI", "Li2CO3"]
    assert "share_of" not in absent.evidence
