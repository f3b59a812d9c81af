"""Edges to fractions: exSpy's cross sections, covariances, and which windows are chosen."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings

import numpy as np
import pytest

from consilience_eels.edges.intensity import edge_counts
from consilience_eels.edges.ratio import atomic_fractions, fraction_maps
from consilience_eels.edges.windows import neighbours, plan_edges
from consilience_eels.library import edge_cross_section, edges_of
from consilience_eels.spectra import LossAxis

TABLES = {e: edges_of(e) for e in ("Li", "C", "N", "O", "F", "Ti", "Cr", "Mn", "Si", "Pt", "Xe")}


def test_cross_sections_are_those_of_a_model_of_exspy() -> None:
    """Noiseless edges made by exSpy's own model are measured by windows, to 2 %."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        from exspy.components import EELSCLEdge

        energy = 350.0 + 0.5 * np.arange(1000)
        signal = exspy.signals.EELSSpectrum(np.ones(1000))
        signal.axes_manager[-1].scale, signal.axes_manager[-1].offset = 0.5, 350.0
        signal.set_microscope_parameters(200.0, 21.0, 62.0)
        signal.add_elements(["N", "O"])
        model = signal.create_model(auto_add_edges=True, GOS="hydrogenic", auto_background=False)
        nitrogen, oxygen = model["N_K"], model["O_K"]
        shapes = [c.function(energy) for c in (nitrogen, oxygen)]
        alone = EELSCLEdge("O_K", GOS="hydrogenic")
        alone.set_microscope_parameters(200.0, 21.0, 62.0, 0.5)
    window = LossAxis.of(energy).window(532.0, 582.0)
    own = edge_cross_section("O_K", 200.0, 21.0, 62.0, 532.0, 0.5, 100)
    assert own == pytest.approx(0.5 * shapes[1][window].sum(), rel=1e-9)
    assert own == pytest.approx(0.5 * alone.function(energy)[window].sum(), rel=1e-9)
    planted = np.array([0.3, 0.7])
    spectrum = 1e14 * energy**-3.2 + 100.0 * planted @ np.array(shapes)
    axis = LossAxis.of(energy)
    windows = [((360.0, 396.0), (401.0, 451.0)), ((480.0, 527.0), (532.0, 582.0))]
    net = np.array([edge_counts(axis, spectrum[None], *pair).net[0] for pair in windows])
    sigma = np.array([edge_cross_section("N_K", 200.0, 21.0, 62.0, 401.0, 0.5, 100), own])
    found = atomic_fractions(net, sigma, np.eye(2), np.zeros(2), np.full(2, 0.1)).values
    assert found == pytest.approx(planted, abs=0.02)


def test_no_cross_section_of_an_m_shell() -> None:
    with pytest.raises(ValueError, match="K or L shells"):
        edge_cross_section("Pt_M5", 300.0, 21.0, 62.0, 2122.0, 1.0, 50)


def test_covariance_of_fractions_is_that_of_many_repeats() -> None:
    chance = np.random.default_rng(1)
    net, sigma = np.array([5e4, 2e4, 9e4]), np.array([3000.0, 1500.0, 900.0])
    counting = np.array([[9e5, 1e5, 0.0], [1e5, 4e5, -5e4], [0.0, -5e4, 2e6]])
    form, relative = np.array([300.0, 500.0, 900.0]), np.array([0.02, 0.03, 0.01])
    found = atomic_fractions(net, sigma, counting, form, relative)
    assert found.values.sum() == pytest.approx(1.0)
    for part, nets, sigmas in (
        (found.counting, chance.multivariate_normal(net, counting, 40_000), sigma),
        (found.background, net + form * chance.normal(size=(40_000, 3)), sigma),
        (found.cross_section, net, sigma * np.exp(relative * chance.normal(size=(40_000, 3)))),
    ):
        atoms = nets / sigmas
        many = np.cov((atoms / atoms.sum(axis=1, keepdims=True)).T)
        assert part == pytest.approx(many, abs=0.04 * many.max())
        assert part.sum(axis=1) == pytest.approx(0.0, abs=1e-12), "fractions sum to 1"


def test_maps_of_fractions_agree_and_know_where_there_is_nothing() -> None:
    net, std = np.array([[5e4, 10.0], [2e4, 5.0]]), np.array([[400.0, 90.0], [300.0, 80.0]])
    sigma = np.array([3000.0, 1500.0])
    values, spread = fraction_maps(net, std, sigma)
    whole = atomic_fractions(net[:, 0], sigma, np.diag(std[:, 0] ** 2), np.zeros(2), np.zeros(2))
    assert values[:, 0] == pytest.approx(whole.values)
    assert spread[:, 0] ** 2 == pytest.approx(np.diag(whole.counting))
    assert np.isnan(values[:, 1]).all()
    assert np.isnan(spread[:, 1]).all()


def test_windows_of_oxygen_and_manganese() -> None:
    axis = LossAxis.of(360.0 + 0.2 * np.arange(2048))
    oxygen, manganese, carbon = plan_edges(["O", "Mn", "C"], TABLES, axis)
    assert (oxygen.edge, oxygen.inside) == ("O_K", (532.0, 582.0))
    assert oxygen.before == pytest.approx((0.83 * 532.0, 0.98 * 532.0))
    assert (manganese.edge, manganese.inside) == ("Mn_L3", (640.0, 690.0))
    assert manganese.before is not None
    assert manganese.before[0] >= 562.0, "not in the fine structure of O K"
    assert carbon.edge is None
    assert carbon.reason == "C_K at 284 eV: outside the axis, 359.9 to 769.5 eV"


def test_an_edge_that_another_leaves_no_room_for() -> None:
    axis = LossAxis.of(0.5 * np.arange(2000))
    lithium, chromium = plan_edges(["Li", "Cr"], TABLES, axis, lowest=30.0)
    assert lithium.edge is None
    assert lithium.reason is not None
    assert "before it for a background, after the edge at 43 eV" in lithium.reason
    assert chromium.edge == "Cr_L3", "the family that lies in reach is taken"
    (given,) = plan_edges(["Li"], TABLES, axis, {"Li_K": (40.0, 53.0, 55.0, 60.0)})
    assert (given.before, given.inside) == ((40.0, 53.0), (55.0, 60.0))


def test_what_else_begins_there() -> None:
    axis = LossAxis.of(500.0 + 0.5 * np.arange(1000))
    (fluorine,) = plan_edges(["F"], TABLES, axis)
    found = {(edge, where) for _, edge, _, where in neighbours(fluorine, TABLES)}
    assert ("Xe_M4", "at the onset") in found
    assert ("Mn_L3", "before it") in found
    assert not plan_edges(["Pt"], {"Pt": {}}, axis)[0].edge
