"""What a simulated pattern is made of, noiseless, against numbers from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_xrd.simulation.powder import SimulationParams, Texture, noiseless, run

ONE = {"phases": {"Pt": 10000.0}, "background": 0.0, "points": 8000}


def heights(**changes: object) -> dict[str, float]:
    lines = noiseless(SimulationParams.model_validate({**ONE, **changes}))[2]
    return {line["hkl"]: line["counts"] for line in lines}


def test_a_size_broadens_as_a_voigt_does() -> None:
    from scipy.special import voigt_profile

    wide = SimulationParams.model_validate(
        {**ONE, "size": {"Pt": 8.0}, "fwhm": 0.06, "eta": 0.0, "wavelength": 0.6888}
    )
    line = noiseless(wide)[2][0]
    theta = np.radians(line["two_theta_deg"]) / 2
    # integral breadth λ/(L cos θ), a Lorentzian: its half width is the breadth over π
    gamma = np.degrees(0.6888 / (80 * np.cos(theta))) / np.pi
    x = np.linspace(-3, 3, 60001)
    profile = voigt_profile(x, 0.06 / (2 * np.sqrt(2 * np.log(2))), gamma)
    above = x[profile >= profile.max() / 2]
    assert line["fwhm_deg"] == pytest.approx(above[-1] - above[0], rel=5e-3)


def test_a_microstrain_broadens_with_the_tangent() -> None:
    lines = noiseless(
        SimulationParams.model_validate(
            {**ONE, "microstrain": {"Pt": 0.004}, "eta": 0.0, "fwhm": 1e-6}
        )
    )[2]
    tangent = np.array([np.tan(np.radians(one["two_theta_deg"]) / 2) for one in lines])
    sigma = np.array([one["fwhm_deg"] for one in lines]) / (2 * np.sqrt(2 * np.log(2)))
    assert np.degrees(2 * 0.004) * tangent == pytest.approx(sigma, rel=1e-4)


def test_widths_without_size_or_strain_are_the_instruments() -> None:
    lines = noiseless(SimulationParams.model_validate({**ONE, "fwhm": 0.1}))[2]
    assert {one["fwhm_deg"] for one in lines} == {0.1}


def test_texture_of_plates_strengthens_their_own_line() -> None:
    random = heights()
    plates = heights(texture={"Pt": {"hkl": (1, 1, 1), "r": 0.5}})
    # cubic: cos² of 111 with the normals of its own family is 1 (2 of 8) and 1/9 (6 of 8)
    expected = np.mean([(0.25 * c + (1 - c) / 0.5) ** -1.5 for c in (1, 1 / 9, 1 / 9, 1 / 9)])
    assert plates["111"] / random["111"] == pytest.approx(expected, rel=1e-6)
    # 200: cos² is 1/3 for every member
    assert plates["200"] / random["200"] == pytest.approx(
        (0.25 / 3 + (2 / 3) / 0.5) ** -1.5, rel=1e-6
    )


def test_no_texture_changes_nothing() -> None:
    assert heights(texture={"Pt": Texture(hkl=(1, 0, 0), r=1.0)}) == pytest.approx(heights())


def test_a_cell_moves_its_lines_only() -> None:
    both = {"phases": {"Pt": 100.0, "LiF": 100.0}}
    plain = noiseless(SimulationParams.model_validate(both))[2]
    moved = noiseless(SimulationParams.model_validate({**both, "cells": {"LiF": 0.01}}))[2]
    for before, after in zip(plain, moved, strict=True):
        sines = [np.sin(np.radians(o["two_theta_deg"]) / 2) for o in (before, after)]
        assert sines[0] / sines[1] == pytest.approx(1.01 if before["phase"] == "LiF" else 1)


def test_one_axis_of_a_cell_moves_the_lines_that_hang_on_it() -> None:
    def q(axes: dict[str, list[float]]) -> dict[str, float]:
        params = {"phases": {"LiPt": 1e4}, "axes": axes}
        lines = noiseless(SimulationParams.model_validate(params))[2]
        return {
            line["hkl"]: 4 * np.pi / 0.6888 * np.sin(np.radians(line["two_theta_deg"]) / 2)
            for line in lines
        }

    before, after = q({}), q({"LiPt": [0.0, 0.0, -0.0132]})
    assert after["0001"] / before["0001"] == pytest.approx(1 / (1 - 0.0132), rel=1e-9)
    assert after["10-10"] == pytest.approx(before["10-10"], rel=1e-12)
    with pytest.raises(BadInputError, match="axes is given for Pt"):
        noiseless(
            SimulationParams.model_validate({"phases": {"LiPt": 1e4}, "axes": {"Pt": [0] * 3}})
        )


def test_few_grains_spread_the_lines_about_their_mean() -> None:
    params = SimulationParams.model_validate({**ONE, "grains": 50.0})
    drawn = [
        {one["hkl"]: one["counts"] for one in noiseless(params, np.random.default_rng(s))[2]}
        for s in range(400)
    ]
    ratio = np.array([one["111"] for one in drawn]) / heights()["111"]
    grains = 50 * 8 / 24
    assert ratio.mean() == pytest.approx(1, abs=5 / np.sqrt(400 * grains))
    assert ratio.std() == pytest.approx(grains**-0.5, rel=0.15)


def test_the_beam_drifts_over_the_scan() -> None:
    flat = {"phases": {}, "background": 100.0, "background_slope": 0.0}
    _, counts, _ = noiseless(SimulationParams.model_validate({**flat, "drift": -0.2}))
    assert (counts[0], counts[-1]) == (100.0, 80.0)


def test_what_is_said_of_a_phase_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInputError, match="size is given for LiF, which is not simulated"):
        noiseless(SimulationParams.model_validate({**ONE, "size": {"LiF": 5.0}}))


def test_files_say_that_they_are_simulated(tmp_path: Path) -> None:
    data, told = run(SimulationParams.model_validate({**ONE, "grains": 20.0}), 3, tmp_path)
    assert data.read_text().startswith("# origin: simulated")
    assert json.loads(told.read_text())["origin"] == "simulated"


def test_equal_masses_scatter_as_gemmi_has_it() -> None:
    """Lines of a mix of equal masses by |F|² m LP / (V² ρ), all four from gemmi."""
    import itertools

    import gemmi

    from consilience_xrd.references.phases import library_phase

    mix = SimulationParams.model_validate(
        {"weights": {"LiF": 0.5, "Pt": 0.5}, "background": 0.0, "wavelength": 0.6888}
    )
    found = {(o["phase"], o["hkl"]): o["counts"] for o in noiseless(mix)[2]}
    strength = {}
    for key, family in (("LiF", (2, 0, 0)), ("Pt", (1, 1, 1))):
        phase = library_phase(key)
        cell = gemmi.UnitCell(*phase.cell)
        small = gemmi.SmallStructure()
        small.cell = cell
        small.spacegroup_hm = "P 1"
        mass = 0.0
        for atom in phase.structure():
            site = gemmi.SmallStructure.Site()
            site.element = gemmi.Element(str(atom.specie.symbol))
            site.fract = gemmi.Fractional(*atom.frac_coords)
            site.occ = 1.0
            small.add_site(site)
            mass += site.element.weight
        small.setup_cell_images()
        calculator = gemmi.StructureFactorCalculatorX(cell)
        theta = np.arcsin(0.6888 / (2 * cell.calculate_d(list(family))))
        lorentz = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
        members = {
            tuple(s * i for s, i in zip(signs, order, strict=True))
            for order in itertools.permutations(family)
            for signs in itertools.product((1, -1), repeat=3)
        }
        factors = [
            abs(calculator.calculate_sf_from_small_structure(small, list(m))) ** 2 for m in members
        ]
        strength[key] = sum(factors) * lorentz / (cell.volume * mass)
    ratio = found["Pt", "111"] / found["LiF", "200"]
    # the tables of form factors differ by 2 % for light atoms, squared here
    assert ratio == pytest.approx(strength["Pt"] / strength["LiF"], rel=0.05)
