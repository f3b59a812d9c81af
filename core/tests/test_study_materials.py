"""Words for materials: those that no rule knows get a notice with the known ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience.errors import BadInputError
from consilience.model.sample import Sample
from consilience.rules.scope import is_one_of, materials_of
from consilience.study import Study
from consilience.study.exposure_entry import exposure_from


@pytest.mark.parametrize(
    "word",
    [
        "NMC",
        "NMC 811",
        "nmc-532",
        "NMC622",
        "NMC111",
        "NCM811",
        "LiNi0.8Mn0.1Co0.1O2",
        "LiNi0.33Mn0.33Co0.33O2",
        "Li0.4Ni0.6Mn0.2Co0.2O2",
        "Li(Ni0.5Mn0.3Co0.2)O2",
    ],
)
def test_layered_nmc_by_word_or_formula(word: str) -> None:
    samples = {"s": Sample(id="s", materials=[word])}
    assert is_one_of(materials_of("s", samples, ()), ["NMC"])


@pytest.mark.parametrize(
    "word", ["LiMn1.5Ni0.5O4", "LiNiO2", "LiNi0.8Co0.15Al0.05O2", "NMC8110", "LiFePO4", "NiMnCoO"]
)
def test_what_is_no_layered_nmc(word: str) -> None:
    samples = {"s": Sample(id="s", materials=[word])}
    assert not is_one_of(materials_of("s", samples, ()), ["NMC"])


def test_a_word_that_no_rule_knows_gets_a_notice_with_the_known_words(tmp_path: Path) -> None:
    with Study.create(tmp_path / "study", "words") as study:
        added = study.add_sample("a", materials=["Li metall", "Gen-2", "LiNi0.8Mn0.1Co0.1O2"])
        (notice,) = added.notices
        assert notice.message == "no rule knows the material 'Li metall'"
        assert "Li metal, " in notice.fix
        assert "NMC532" in notice.fix
        assert study.add_sample("b", materials=["lithium metal"]).notices == []
        assert study.add_sample("c").notices == []
        (child, _) = study.derive("d", "a", "lift_out", materials=["unobtainium"])
        assert [n.message for n in child.notices] == ["no rule knows the material 'unobtainium'"]


def test_a_voltage_stated_as_the_energy_of_an_exposure_is_refused_with_what_to_write() -> None:
    with pytest.raises(BadInputError, match="energy '300 kV' is a voltage") as error:
        exposure_from({"particle": "electron", "energy": "300 kV"})
    assert error.value.fix == "write energy = '300 keV', which is what 300 kV gives an electron"
    with pytest.raises(BadInputError, match="kV measures something else"):
        exposure_from({"particle": "photon", "energy": "20 kV"})
