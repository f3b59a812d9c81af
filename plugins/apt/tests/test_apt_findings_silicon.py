"""The published silicon tip as findings: reference composition, and the label fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from apt_measurements import context, measured, of

from consilience.analysis import AnalysisOutput, ReferenceFile
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_apt.analyses import run_composition, run_spectrum
from consilience_apt.params import CompositionParams, SpectrumParams

pytestmark = pytest.mark.data

# APAV 1.4.0 RangedMassSpectrum, from the README of the data
IONIC = {"Si": 89.5173, "Cr2O": 9.7673, "CrO": 0.1917, "O": 0.1545, "Cr": 0.1376,
         "C": 0.0805, "Cu": 0.0779, "CrO2": 0.0732}  # fmt: skip
ATOMIC = {"Si": 74.677, "Cr": 16.632, "O": 8.559, "C": 0.067, "Cu": 0.065}


@pytest.fixture(scope="module")
def tip(shared_data: Path) -> Measurement:
    folder = shared_data / "apt"
    return measured(folder / "Si.pos", "apt.pos", {"ranges": folder / "Si.RRNG"})


@pytest.fixture(scope="module")
def spectrum(tip: Measurement, tmp_path_factory: pytest.TempPathFactory) -> AnalysisOutput:
    params = SpectrumParams(most_atoms=1, elements=["Si", "Cr", "Cu", "C", "O", "H", "N", "F", "P"])
    return run_spectrum([tip], params, context(tmp_path_factory.mktemp("cache"), ["Li", "N"]))


@pytest.fixture(scope="module")
def composition(tip: Measurement, tmp_path_factory: pytest.TempPathFactory) -> AnalysisOutput:
    return run_composition([tip], CompositionParams(), context(tmp_path_factory.mktemp("cache")))


def test_reference_composition_as_counted(composition: AnalysisOutput) -> None:
    raw = {
        draft.subject.element: 100 * draft.evidence["raw"]["value"]
        for draft in of(composition, "composition")
        if draft.subject is not None and draft.value is not None
    }
    assert raw == pytest.approx(ATOMIC, abs=5.1e-4)


def test_reference_ions_without_background(tip: Measurement, tmp_path: Path) -> None:
    params = CompositionParams(background="none", overlaps=False)
    found = run_composition([tip], params, context(tmp_path))
    ionic = {
        draft.subject.formula: 100 * draft.value
        for draft in of(found, "ionic_fraction")
        if draft.subject is not None and draft.value is not None
    }
    assert ionic == pytest.approx(IONIC, abs=5.1e-5)
    atomic = {
        draft.subject.element: 100 * draft.value
        for draft in of(found, "composition")
        if draft.subject is not None and draft.value is not None
    }
    assert atomic == pytest.approx(ATOMIC, abs=5.1e-4)


def test_errors_stay_apart_and_unknown_stays_unknown(composition: AnalysisOutput) -> None:
    for draft in of(composition, "composition"):
        assert draft.std_sys is None
        assert draft.region is not None
        assert draft.region.shape == "whole"
    (silicon,) = of(composition, "composition", "Si")
    assert silicon.std_stat == pytest.approx(0.00067, rel=0.1)
    assert silicon.evidence["std_sys_at_least"] > 0
    assert any("detection efficiency" in text for text in silicon.assumptions)


def test_stated_effects_make_the_systematic_error_known(tip: Measurement, tmp_path: Path) -> None:
    params = CompositionParams(efficiency_std=0.02, field_loss_std=0.03)
    found = run_composition([tip], params, context(tmp_path))
    (silicon,) = of(found, "composition", "Si")
    # a .pos cannot say which ions came together
    assert silicon.std_sys is None
    assert any("multiple hits" in text for text in silicon.assumptions)
    assert silicon.evidence["std_sys_at_least"] > 0.005


def test_one_covariance_for_all_elements(composition: AnalysisOutput) -> None:
    drafts = [d for d in of(composition, "composition") if d.covariance is not None]
    assert {d.covariance.array for d in drafts} == {"covariance of the whole"}  # type: ignore[union-attr]
    matrix = composition.arrays["covariance of the whole"]["statistical"].values
    for d in drafts:
        assert d.covariance is not None
        index = d.covariance.index
        assert d.std_stat == pytest.approx(np.sqrt(matrix[index, index]))
    # fractions that add up to one: what one gains the others lose
    assert matrix.sum() == pytest.approx(0.0, abs=1e-12)


def test_chromium_oxide_is_doubted_and_nickel_named(
    spectrum: AnalysisOutput, composition: AnalysisOutput
) -> None:
    faults = [n for n in spectrum.notices if n.code == "label-contradicted"]
    assert any("57.819 to 61.159 Da, Cr2O" in n.message and "Ni+" in n.message for n in faults)
    for kind, output in (("element", spectrum), ("composition", composition)):
        for element in ("Cr", "O"):
            (draft,) = of(output, kind, element)
            nickel = [r for r in draft.rivals if r.subject.element == "Ni"]
            assert nickel
            assert nickel[0].live
            assert any("57.819" in text for text in nickel[0].explains)
        (nickel_itself,) = of(output, kind, "Ni")
        labels = {r.subject.label for r in nickel_itself.rivals if not r.live}
        assert "Cr2O++" in labels
    (found,) = of(spectrum, "element", "Ni")
    assert found.status == "present"
    (amount,) = of(composition, "composition", "Ni")
    assert amount.value is None
    assert amount.interval is not None
    assert amount.interval.high is not None
    assert amount.interval.high > 0.09
    assert "no range is labelled Ni" in (amount.reason or "")


def test_bounds_go_over_both_readings(composition: AnalysisOutput) -> None:
    (chromium,) = of(composition, "composition", "Cr")
    assert chromium.interval is not None
    # as labelled 16.4 at.%; if the range holds nickel, next to nothing
    assert chromium.interval.low == pytest.approx(0.0, abs=0.03)
    assert chromium.interval.high == pytest.approx(0.165, abs=0.002)
    (silicon,) = of(composition, "composition", "Si")
    rivals = {r.subject.label for r in silicon.rivals if r.live}
    assert {"CO+", "N2+"} <= rivals


def test_what_cannot_be_seen_is_said(spectrum: AnalysisOutput) -> None:
    (nitrogen,) = of(spectrum, "element", "N")
    assert nitrogen.status == "not_observable"
    assert "Si++" in (nitrogen.reason or "")
    (lithium,) = of(spectrum, "element", "Li")
    assert lithium.status == "absent_below_limit"
    assert lithium.limit is not None
    assert 0 < lithium.limit < 1e-3
    assert any("not seen is not absent" in text for text in lithium.assumptions)


def test_resolution_and_peaks(spectrum: AnalysisOutput) -> None:
    (resolution,) = of(spectrum, "mass_resolution")
    assert resolution.value == pytest.approx(815, rel=0.1)
    (found,) = of(spectrum, "mass_spectrum")
    assert found.evidence["ions"] == 945_211
    assert found.evidence["ranged"] == 877_010
    assert int(spectrum.arrays["spectrum"]["counts"].sum()) <= 945_211


def test_a_reference_file_can_replace_the_companion(
    tip: Measurement, shared_data: Path, tmp_path: Path
) -> None:
    reference = ReferenceFile("Si.RNG", shared_data / "apt" / "Si.RNG", "0" * 64)
    params = CompositionParams(ranges="Si.RNG", background="none", overlaps=False)
    found = run_composition([tip], params, context(tmp_path, references=[reference]))
    (silicon,) = of(found, "composition", "Si")
    assert silicon.value == pytest.approx(0.74677, abs=5e-6)
    assert "ranges: reference file Si.RNG" in silicon.assumptions
    with pytest.raises(BadInputError, match=r"no reference file 'other\.rrng' is registered"):
        run_composition([tip], CompositionParams(ranges="other.rrng"), context(tmp_path))
