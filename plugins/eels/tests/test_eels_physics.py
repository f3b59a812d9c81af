"""Cross sections against exSpy's, xraylib's and published k-factors; sum rules."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_eels.library import edges_of, hydrogenic_k
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import (
    EDGES,
    atom_cross_section,
    edge_cross_section,
    edges_between,
    formula_cross_section,
    onset_of,
    partial_cross_section,
)
from consilience_eels.physics.low_loss import single_scattering
from consilience_eels.physics.materials import MATERIALS, material_of
from consilience_eels.physics.mean_free_path import mean_free_path
from consilience_eels.physics.near_edge import Perturbation, edge_in, material_edges
from consilience_eels.physics.oscillator import atoms_of, oscillator_strength
from consilience_eels.physics.xray import (
    BINDING,
    Detector,
    emission_cross_section,
    fluorescence_yield,
    ionisation_cross_section,
    mass_absorption,
)
from consilience_eels.simulation.interphase_edx import families

NARROW = Beam(200.0, 10.0, 20.0)
WIDE = Beam(300.0, 40.5, 156.5)


@pytest.mark.parametrize("symbol", ["Li", "C", "N", "O", "F"])
@pytest.mark.parametrize(("beam", "within"), [(NARROW, 0.08), (WIDE, 0.20)])
def test_k_edges_agree_with_exspys_hydrogenic_ones(symbol: str, beam: Beam, within: float) -> None:
    onset = onset_of(symbol, "K")
    at, value = hydrogenic_k(symbol, onset, beam.energy, min(beam.collection, 100.0))
    energy = onset + np.arange(0.5, 100.0)
    theirs = float(np.interp(energy, at, value).sum())
    assert partial_cross_section(symbol, "K", beam, 100.0) == pytest.approx(theirs, rel=within)


@pytest.mark.parametrize("beam", [NARROW, WIDE, Beam(80.0, 25.0, 8.0)])
@pytest.mark.parametrize("density", [0.534, 2.64, 7.19, 21.45])
def test_the_mean_free_path_is_exspys(beam: Beam, density: float) -> None:
    from exspy.utils.eels import iMFP_angular_correction, iMFP_Iakoubovskii

    plain = iMFP_Iakoubovskii(density, beam.energy)
    turned = plain * iMFP_angular_correction(
        density, beam.energy, beam.convergence, beam.collection
    )
    assert mean_free_path(density, beam, angles=False) == pytest.approx(plain, rel=1e-12)
    assert mean_free_path(density, beam) == pytest.approx(turned, rel=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(10.0, 20.0), (20.0, 10.0), (5.0, 5.0)])
def test_the_effective_angle_is_exspys_below_the_bethe_ridge(alpha: float, beta: float) -> None:
    from exspy._misc.eels.effective_angle import effective_angle

    beam = Beam(200.0, alpha, beta)
    for loss in (532.0, 1839.0):
        ours = 1e3 * float(beam.cutoff(np.array([loss]))[0])
        # its θ_E is E / (γ m₀ v² / 2), twice the angle that [1]_ of the module defines
        theirs = effective_angle(200.0, 0.5 * loss, alpha, beta)
        assert ours == pytest.approx(theirs, rel=2e-3)


def test_no_angle_goes_past_the_bethe_ridge() -> None:
    loss = np.array([55.0])
    assert WIDE.cutoff(loss)[0] == pytest.approx(math.sqrt(2.0 * WIDE.theta_e(loss)[0]))


@pytest.mark.parametrize(("symbol", "electrons"), [("Li", 3), ("O", 8), ("F", 9), ("Cr", 24)])
def test_oscillator_strengths_sum_to_no_more_than_the_electrons(
    symbol: str, electrons: int
) -> None:
    energy = np.geomspace(10.0, 30000.0, 20000)
    total = float(np.trapezoid(oscillator_strength(symbol, energy), energy))
    assert 0.7 * electrons < total < 1.01 * electrons  # what is missing lies below 10 eV


@pytest.mark.parametrize("symbol", sorted(EDGES))
def test_edges_and_remainder_are_the_atom(symbol: str) -> None:
    shift = max(abs(onset - rise) for onset, rise in EDGES[symbol].values())
    energy = np.array([20.0, 2.5 * max(onset for onset, _ in EDGES[symbol].values()) + 50.0])
    whole = atom_cross_section(symbol, energy, WIDE)
    assert formula_cross_section(symbol, energy, WIDE) == pytest.approx(
        whole, rel=0.01 + 4.0 * shift / float(energy[1])
    )


def test_the_onsets_are_exspys() -> None:
    for symbol in ("Li", "C", "N", "O", "F"):
        names = edges_of(symbol)
        assert abs(names[f"{symbol}_K"] - onset_of(symbol, "K")) <= 1.0


def test_fine_structure_conserves_the_strength_of_the_atom() -> None:
    for name, symbol, shell in (("LiF", "Li", "K"), ("Li2O", "O", "K"), ("Li2CO3", "C", "K")):
        material = material_of(name)
        onset = onset_of(symbol, shell)
        energy = np.arange(onset - 5.0, onset + 50.0, 0.05)
        atom = edge_cross_section(symbol, shell, energy, WIDE).sum()
        solid = edge_in(material, symbol, shell, energy, WIDE).sum()
        assert solid == pytest.approx(atom, rel=0.12)
        moved = edge_in(material, symbol, shell, energy, WIDE, Perturbation(0.5, 1.2, 0.8))
        assert moved.sum() == pytest.approx(atom, rel=0.12)
        assert abs(moved - edge_in(material, symbol, shell, energy, WIDE)).max() > 0.05 * max(moved)


def test_lif_has_its_double_peak_and_the_oxide_begins_lower() -> None:
    energy = np.arange(50.0, 80.0, 0.1)
    fluoride = edge_in(material_of("LiF"), "Li", "K", energy, WIDE)
    oxide = edge_in(material_of("Li2O"), "Li", "K", energy, WIDE)
    rising = np.diff(fluoride) > 0
    tops = energy[1:-1][rising[:-1] & ~rising[1:]]
    assert tops == pytest.approx([62.0, 69.7], abs=0.4)
    assert energy[oxide.argmax()] < 59.0
    assert material_edges(material_of("LiF"))[0][:2] == ("Li", "K")


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_single_scattering_sums_to_the_mean_free_path(name: str) -> None:
    material = MATERIALS[name]
    energy = np.concatenate([np.arange(0.05, 200.0, 0.1), np.geomspace(200.05, 19000.0, 4000)])
    loss = single_scattering(material, energy, WIDE)
    assert (loss >= 0).all()
    total = float(np.trapezoid(loss, energy))
    assert total == pytest.approx(1.0 / mean_free_path(material.density, WIDE), rel=5e-3)
    top = float(energy[loss.argmax()])
    assert top == pytest.approx(material.plasmon, rel=0.25)


def test_yields_and_absorption_agree_with_xraylib_and_exspy() -> None:
    xraylib = pytest.importorskip("xraylib")
    import periodictable

    shells = {"K": xraylib.K_SHELL, "L": xraylib.L3_SHELL}
    for symbol, bound in BINDING.items():
        z = getattr(periodictable, symbol).number
        for shell in set(bound) & {"K", "L"}:
            if shell == "L" and z < 28:
                continue  # mean yields of light L shells differ by half between tables
            theirs = xraylib.FluorYield(z, shells[shell])
            assert fluorescence_yield(symbol, shell) == pytest.approx(
                theirs, rel=0.25 if z < 10 else 0.15
            )
            edge = xraylib.EdgeEnergy(z, shells[shell])
            assert bound[shell] == pytest.approx(edge, rel=0.025)
    for symbol, kev in (("Si", 2.0), ("C", 0.68), ("Cr", 4.0), ("Pt", 6.0)):
        ours = float(mass_absorption(symbol, np.array([kev]))[0])
        theirs = xraylib.CS_Photo(getattr(periodictable, symbol).number, kev)
        assert ours == pytest.approx(theirs, rel=0.06)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from exspy import material

            chantler = float(material.mass_absorption_coefficient(symbol, kev))
        assert ours == pytest.approx(chantler, rel=0.08)


def test_the_k_factors_of_iron_and_platinum_are_the_published_ones() -> None:
    # k of the shared FePt spectrum's reference result, 200 kV: 1.450226 and 5.075602
    import periodictable

    def k(symbol: str, shell: str, line: str) -> float:
        group = next(g for g in families(symbol, 200.0) if g.shell == shell)
        index = group.names.index(line)
        seen = float(Detector().efficiency(np.array([group.energies[index]]))[0])
        sigma = emission_cross_section(symbol, shell, 200.0) * group.shares[index]
        return float(getattr(periodictable, symbol).mass) / (sigma * seen)

    silicon = k("Si", "K", "Si_Ka")
    assert k("Fe", "K", "Fe_Ka") / silicon == pytest.approx(1.450226, rel=0.10)
    assert k("Pt", "L", "Pt_La") / silicon == pytest.approx(5.075602, rel=0.10)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(BadInputError, match="no optical data of 'Qq'"):
        oscillator_strength("Qq", np.array([55.0]))
    with pytest.raises(BadInputError, match=r"'Li2\(' is no chemical formula"):
        atoms_of("Li2(")
    with pytest.raises(BadInputError, match="the edge Li L3 is not known"):
        onset_of("Li", "L3")
    with pytest.raises(BadInputError, match="no material is called 'LiCl'"):
        material_of("LiCl")
    with pytest.raises(BadInputError, match="a beam of 300 keV, 40 and 0 mrad"):
        Beam(300.0, 40.0, 0.0)
    with pytest.raises(BadInputError, match="X-rays of Li K are not modelled"):
        ionisation_cross_section("Li", "K", 300.0)
    with pytest.raises(BadInputError, match=r"do not ionise Pt L at 11\.5637 keV"):
        ionisation_cross_section("Pt", "L", 10.0)
    with pytest.raises(BadInputError, match="no cross section of O K"):
        partial_cross_section("O", "K", WIDE, 0.0)
    assert edges_between("Li2CO3", 250.0, 600.0) == [("C", "K", 284.0), ("O", "K", 532.0)]
