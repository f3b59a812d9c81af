"""What an X-ray measurement says: by each method, with absorption, artefacts, and in maps."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, ENERGY, measurement, x_rays
from pydantic import ValidationError

from consilience.analysis import AnalysisOutput
from consilience.model.sample import Sample
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.findings.quantify_run import QuantificationParams, run_quantification
from consilience_eels.library import atomic_weight

K = {"Fe_Ka": 1.450226, "Pt_La": 5.075602}
ZETA = {"Fe_Ka": 850.0, "Pt_La": 2975.0}
BEAM = {
    "beam_energy": {"value": 200.0, "unit": "keV"},
    "energy_resolution_mn_ka": {"value": 130.0, "unit": "eV"},
}


def run(data: Any, context: Any = CONTEXT, **params: Any) -> AnalysisOutput:
    return run_quantification([data], QuantificationParams(**params), context)


def of(output: AnalysisOutput, kind: str) -> dict[str, Any]:
    return {f.subject.element: f for f in output.findings if f.kind == kind and f.subject}


def spectrum(iron: float = 30_000.0, platinum: float = 150_000.0, **more: Any) -> Any:
    counts = np.random.default_rng(5).poisson(x_rays(iron, platinum, 60.0))
    return measurement(counts, ENERGY, "edx", **{**BEAM, **more})


def line(at: float, counts: float) -> Any:
    sigma = 1e-3 * np.sqrt(130.0**2 + 2.5e3 * (at - 5.8987)) / 2.3548
    shape = np.exp(-((ENERGY - at) ** 2) / (2 * sigma**2))
    return counts * shape / shape.sum()


def test_zeta_factors_are_refused_without_current_or_live_time() -> None:
    for given, said in (
        ({}, "no measured beam current"),
        ({"beam_current": 0.5}, "no live time"),
        ({"live_time": 10.0}, "no measured beam current"),
    ):
        output = run(spectrum(), method="zeta", zeta_factors=ZETA, **given)
        found = of(output, "composition")
        assert {f.status for f in found.values()} == {"not_observable"}
        assert said in found["Fe"].reason
        assert "Cliff–Lorimer needs neither" in found["Fe"].reason
        assert not [f for f in output.findings if f.kind == "mass_thickness"]
        assert of(output, "element")["Fe"].status == "present", "presence needs no electrons"
    stated = spectrum(
        beam_current={"value": 0.5, "unit": "nA"}, live_time={"value": 9, "unit": "s"}
    )
    assert of(run(stated, method="zeta", zeta_factors=ZETA), "composition")["Fe"].value is not None


def test_a_map_does_not_say_whose_live_time_it_is() -> None:
    cube = np.random.default_rng(1).poisson(np.tile(x_rays(300.0, 900.0, 1.0), (2, 3, 1)))
    given = {"beam_current": {"value": 0.5, "unit": "nA"}, "live_time": {"value": 2, "unit": "s"}}
    data = measurement(cube, ENERGY, "edx", **BEAM, **given)
    refused = of(run(data, method="zeta", zeta_factors=ZETA), "composition")
    assert "whether it is that of a pixel" in refused["Fe"].reason
    masses = []
    for whose in ("pixel", "whole"):
        output = run(data, method="zeta", zeta_factors=ZETA, live_time_of=whose)
        (mass,) = [f for f in output.findings if f.kind == "mass_thickness"]
        masses.append(mass.value)
    assert masses[1] == pytest.approx(6 * masses[0])


def test_zeta_and_cross_sections_say_mass_and_thickness() -> None:
    electrons = {"beam_current": 0.5, "beam_current_std": 0.01, "live_time": 100.0}
    electrons |= {"live_time_std": 0.5}
    output = run(
        spectrum(),
        method="zeta",
        zeta_factors=ZETA,
        zeta_std={n: 0.03 * z for n, z in ZETA.items()},
        density=15.0,
        density_std=0.5,
        take_off_angle=22.0,
        **electrons,
    )
    (mass,) = [f for f in output.findings if f.kind == "mass_thickness"]
    fe, pt = (of(output, "composition")[e] for e in ("Fe", "Pt"))
    through = 0.5e-9 * 100.0 / 1.602176634e-19
    nets = [f.evidence["net_counts"] for f in (fe, pt)]
    assert mass.value == pytest.approx((nets[0] * 850 + nets[1] * 2975) / through, rel=1e-9)
    assert mass.unit == "kg/m^2"
    parts = mass.evidence["std_sys_parts"]
    assert parts["electrons"] == pytest.approx(mass.value * np.hypot(0.02, 0.005), rel=1e-6)
    # 1.9 % of a Gaussian lie beyond a full width on either side
    assert 0.01 * mass.value < parts["windows"] < 0.03 * mass.value
    assert parts["absorption_neglected"] > 0
    (thick,) = [f for f in output.findings if f.kind == "thickness"]
    assert thick.value == pytest.approx(mass.value / 15.0e3 * 1e9)
    assert thick.std_sys > mass.std_sys / 15.0e3 * 1e9
    barn = {n: atomic_weight(n[:2]) / (z * 0.0602214076) for n, z in ZETA.items()}
    other = run(spectrum(), method="cross_section", cross_sections=barn, **electrons)
    assert of(other, "composition")["Fe"].value == pytest.approx(fe.value, abs=1e-9)
    unknown = next(f for f in other.findings if f.kind == "mass_thickness")
    assert unknown.std_sys is None, "no error of the cross-sections is stated"


def test_absorption_is_corrected_where_it_can_be() -> None:
    counts = x_rays(30_000.0, 150_000.0, 60.0) + line(0.5249, 20_000.0)
    data = measurement(counts.round(), ENERGY, "edx", **BEAM)
    factors = {**K, "O_Ka": 1.0}
    slab = {"k_factors": factors, "k_std": dict.fromkeys(factors, 0.0), "thickness": 50.0}
    slab |= {"thickness_std": 5.0, "density": 12.0, "density_std": 0.5}
    missing = run(data, absorption=True, **slab)
    assert "the take-off angle is not known" in of(missing, "composition")["O"].reason
    missing = run(data, absorption=True, take_off_angle=22.0, k_factors=factors)
    assert "thickness and density are not known" in of(missing, "composition")["O"].reason
    thin = of(run(data, take_off_angle=22.0, **slab), "composition")["O"]
    thick = of(run(data, take_off_angle=22.0, absorption=True, **slab), "composition")["O"]
    assert thick.value > thin.value + 0.02
    assert thick.evidence["absorption_correction"] > 1.2
    # what is left out is in the error
    left = thin.evidence["std_sys_parts"]["absorption_neglected"]
    assert left == pytest.approx(thick.value - thin.value, rel=1e-6)
    path = thick.evidence["std_sys_parts"]["absorption_path"]
    relative = np.hypot(np.hypot(0.1, 0.5 / 12.0), np.radians(2.0) / np.tan(np.radians(22.0)))
    doubled = of(
        run(data, take_off_angle=22.0, absorption=True, **{**slab, "thickness": 50.0 * 1.01}),
        "composition",
    )["O"]
    assert path == pytest.approx((doubled.value - thick.value) / 0.01 * relative, rel=0.02)


def test_artefacts_are_named_and_left_out() -> None:
    counts = x_rays(30_000.0, 150_000.0, 60.0) + line(8.0478, 9000.0) + line(5.4147, 8000.0)
    counts = counts + line(2.9577, 600.0)
    data = measurement(np.random.default_rng(2).poisson(counts), ENERGY, "edx", **BEAM)
    output = run(data, k_factors={**K, "Cr_Ka": 1.2}, artefacts={"Cr": "the cap of chromium"})
    assert set(of(output, "composition")) == {"Fe", "Pt"}
    found = of(output, "element")
    origins = {e: f.evidence["artefact"] for e, f in found.items() if "artefact" in f.evidence}
    assert origins == {
        "Ar": "argon of the ion mill",
        "Cr": "the cap of chromium",
        "Cu": "copper of the grid or holder",
    }
    assert all(any(r.live for r in found[e].rivals) for e in origins)
    (said,) = [n.message for n in output.notices if "not of the specimen" in n.message]
    assert "Cr_Ka (the cap of chromium)" in said
    own = SimpleNamespace(sample=Sample(id="s", elements=["Fe", "Pt", "Cr", "Cu"]))
    asked = run(data, own, k_factors={**K, "Cr_Ka": 1.2})
    assert set(of(asked, "composition")) == {"Fe", "Pt", "Cr"}
    assert "artefact" not in of(asked, "element")["Cu"].evidence
    unasked = of(run(data, k_factors=K, look_for_artefacts=False), "element")
    assert set(unasked) == {"Fe", "Pt"}


def test_nothing_is_named_an_artefact_where_there_is_none() -> None:
    found = of(run(spectrum(), k_factors=K), "element")
    assert set(found) == {"Fe", "Pt"}, "gallium's window holds the flank of platinum"


def test_escape_peaks_are_rivals() -> None:
    """An escape peak of iron, 6.40 − 1.74 keV, lies on lanthanum's L."""
    counts = x_rays(200_000.0, 10_000.0, 60.0) + line(6.4039 - 1.740, 600.0)
    data = measurement(counts.round(), ENERGY, "edx", **BEAM)
    found = of(run(data, elements=("Fe", "Pt", "La"), lines=("La_La",)), "element")
    (rival,) = [r for r in found["La"].rivals if "escape" in r.subject.label]
    assert rival.subject.label == "escape peak of Fe_Ka"
    assert rival.live


def test_light_elements_by_detector() -> None:
    data = spectrum()
    for window, said in (
        ("unknown", "not known"),
        ("beryllium", "a window of beryllium holds back"),
    ):
        found = of(run(data, elements=("B", "F", "Li"), detector_window=window), "element")
        assert found["B"].status == "not_observable"
        assert said in found["B"].reason or "not inside the spectrum" in found["B"].reason
        assert (found["F"].status == "not_observable") == (window == "beryllium")
        assert found["Li"].status == "not_observable"


def test_lines_in_the_background_are_in_the_error() -> None:
    """Iron's Kβ in a background window that is moved onto it."""
    counts = x_rays(30_000.0, 150_000.0, 60.0) + line(7.058, 30_000.0 * 0.13)
    data = measurement(counts.round(), ENERGY, "edx", **BEAM)
    usual = of(run(data, k_factors=K), "composition")["Fe"]
    moved = of(run(data, k_factors=K, line_width=(2.0, 4.0)), "composition")["Fe"]
    lost = moved.evidence["lines_in_the_background"]["Fe_Kb"]
    assert lost == pytest.approx(
        usual.evidence["net_counts"] - moved.evidence["net_counts"], rel=0.3
    )
    assert moved.evidence["std_sys_parts"]["background"] > usual.std_stat
    assert "Fe_Kb" not in usual.evidence["lines_in_the_background"]


def test_a_map_of_pixels_is_that_of_exspy() -> None:
    random = np.random.default_rng(4)
    share = np.linspace(0.2, 1.0, 12).reshape(3, 4)
    cube = random.poisson(share[:, :, None] * x_rays(4000.0, 9000.0, 3.0))
    data = measurement(cube, ENERGY, "edx", **BEAM)
    output = run(data, k_factors=K, map_binning="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = to_hyperspy(data)
        signal.set_microscope_parameters(beam_energy=200.0, energy_resolution_MnKa=130.0)
        signal.set_lines(list(K))
        sums = signal.get_lines_intensity(background_windows=signal.estimate_background_windows())
        theirs = {
            units: signal.quantification(
                sums, "CL", list(K.values()), composition_units=units, navigation_mask=None
            )
            for units in ("atomic", "weight")
        }
    for i, element in enumerate(("Fe", "Pt")):
        found = of(output, "composition")[element]
        made = output.arrays[found.array]
        for name in ("atomic", "weight"):
            np.testing.assert_allclose(
                made[f"{name}_fraction"].values, theirs[name][i].data / 100.0, rtol=0, atol=1e-6
            )
        assert made["net_counts"].values == pytest.approx(sums[i].data, abs=1e-6)


def test_cells_reach_the_wanted_error_and_vacuum_has_no_value() -> None:
    random = np.random.default_rng(6)
    y, x = np.mgrid[:16, :16]
    share = np.where(x < 10, 0.02 + 0.5 * (y / 15.0) ** 2, 0.0)
    truth = K["Fe_Ka"] * 1000.0 / 55.845
    truth /= truth + K["Pt_La"] * 1500.0 / 195.08
    cube = random.poisson(share[:, :, None] * x_rays(1000.0, 1500.0, 0.5) + 1e-4)
    data = measurement(cube, ENERGY, "edx", **BEAM)
    for binning in ("quadtree", "blocks"):
        output = run(data, k_factors=K, map_binning=binning, map_error=0.03)
        found = of(output, "composition")["Fe"]
        made = output.arrays[found.array]
        value, std = made["atomic_fraction"].values, made["atomic_fraction_std"].values
        assert np.isnan(value[:, 13:]).all(), "nothing is there"
        good = np.isfinite(value)
        assert good[:, :8].mean() > 0.9
        assert np.median(std[good]) <= 0.03
        assert found.evidence["map"]["binning"] == binning
        sides = found.evidence["map"]["cell_sides_pixels"]
        assert (len(sides) > 2) == (binning == "quadtree")
        cells, first = np.unique(made["cell"].values[good], return_index=True)
        pulls = ((value[good] - truth) / std[good])[first]
        assert cells.size > 3
        assert np.abs(pulls).max() < 4.0
        joint = output.arrays[of(output, "composition")["Fe"].array]["cell_covariance"].values
        cell = int(made["cell"].values[good][0])
        assert joint[cell, 0, 0] == pytest.approx(std[good][0] ** 2)
        assert joint[cell, 0, 1] == pytest.approx(-joint[cell, 0, 0])
    assert any("quad-tree" in a for a in run(data, k_factors=K).findings[0].assumptions)


def test_a_cap_has_no_composition_of_traces() -> None:
    alloy, cap = x_rays(2000.0, 4000.0, 3.0), x_rays(20.0, 10.0, 3.0) + line(5.4147, 5000.0)
    mean = np.where((np.arange(8) < 4)[None, :, None], cap, alloy) * np.ones((4, 1, 1))
    data = measurement(np.random.default_rng(8).poisson(mean), ENERGY, "edx", **BEAM)
    output = run(data, k_factors=K, artefacts={"Cr": "the cap"}, map_binning="none")
    value = output.arrays[of(output, "composition")["Fe"].array]["atomic_fraction"].values
    assert np.isnan(value[:, :4]).all()
    assert np.isfinite(value[:, 4:]).all()


def test_parameters_that_contradict_one_another_are_refused() -> None:
    for wrong in (
        {"method": "zeta", "k_factors": K},
        {"zeta_std": {"Fe_Ka": 1.0}},
        {"density": "elements", "density_std": 1.0},
        {"take_off_angle": 0.0},
    ):
        with pytest.raises(ValidationError):
            QuantificationParams.model_validate(wrong)
