"""Kinematics and the angle of each pixel."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.constants

from consilience.errors import BadInputError
from consilience_compton.momentum.kinematics import (
    ELECTRON_REST_ENERGY,
    MOMENTUM_UNIT,
    Geometry,
    approximation_error,
    compton_energy,
    energy_of_momentum,
    momentum,
    momentum_exact,
    momentum_slope,
)

ANGLES = np.array([5.0, 60.0, 90.0, 150.0, 180.0])[:, None]
P = np.linspace(-20.0, 20.0, 201)


def test_constants_are_those_of_scipy():
    rest = scipy.constants.value("electron mass energy equivalent in MeV") * 1e3
    assert rest == pytest.approx(ELECTRON_REST_ENERGY, rel=1e-8)
    assert 1.0 / scipy.constants.fine_structure == pytest.approx(MOMENTUM_UNIT, rel=1e-8)


def test_figures_of_the_published_experiment():
    assert compton_energy(115.0, 90.0) == pytest.approx(93.87, abs=0.005)
    assert momentum_slope(93.87, 115.0, 90.0) == pytest.approx(1.131, abs=5e-4)
    assert 0.8 * momentum_slope(93.87, 115.0, 90.0) == pytest.approx(0.905, abs=5e-4)
    change = compton_energy(115.0, 90.5) - compton_energy(115.0, 89.5)
    assert change == pytest.approx(-0.300, abs=2e-3)  # keV per degree
    window = energy_of_momentum([-5.0, 5.0], 115.0, 90.0)
    assert window == pytest.approx([89.5, 98.4], abs=0.05)


def test_slope_is_the_derivative():
    numeric = (momentum(95.001, 115.0, 80.0) - momentum(94.999, 115.0, 80.0)) / 2e-3
    assert momentum_slope(95.0, 115.0, 80.0) == pytest.approx(numeric, rel=1e-7)


def test_momentum_and_back():
    there = momentum(energy_of_momentum(P, 115.0, ANGLES), 115.0, ANGLES)
    assert np.abs(there - P).max() < 1e-12
    for across in (0.0, 3.0, 30.0):
        energy = energy_of_momentum(P, 115.0, ANGLES, across)
        assert np.abs(momentum_exact(energy, 115.0, ANGLES, across) - P).max() < 1e-12


def test_exact_kinematics_conserve_energy_and_momentum():
    """Four-vectors worked out in full for one collision in space."""
    mc2, first, theta = ELECTRON_REST_ENERGY, 115.0, np.radians(75.0)
    p_z, p_t = 4.0, 2.5
    second = float(energy_of_momentum(p_z, first, 75.0, p_t))
    k1 = first * np.array([0.0, 0.0, 1.0])
    k2 = second * np.array([np.sin(theta), 0.0, np.cos(theta)])
    along = (k2 - k1) / np.linalg.norm(k2 - k1)  # the sign of the field
    p = mc2 / MOMENTUM_UNIT * (p_z * along + p_t * np.array([0.0, 1.0, 0.0]))
    before = first + np.sqrt(mc2**2 + p @ p)
    after_p = p + k1 - k2
    after = second + np.sqrt(mc2**2 + after_p @ after_p)
    assert before == pytest.approx(after, abs=1e-10)


def test_error_of_the_published_formula():
    """The formula leaves out (γ − 1)(E₁ − E₂)/q, which grows with the square of p."""
    energy = energy_of_momentum([0.0, 1.0, 5.0], 115.0, 90.0, 0.0)
    error = approximation_error(energy, 115.0, 90.0)
    gamma = np.sqrt(1.0 + (np.array([0.0, 1.0, 5.0]) / MOMENTUM_UNIT) ** 2)
    q = np.hypot(115.0, energy)
    assert error == pytest.approx((gamma - 1.0) * (115.0 - energy) / q * MOMENTUM_UNIT, abs=1e-13)
    assert error[2] == pytest.approx(0.010, abs=0.001)
    assert error[0] == pytest.approx(0.0, abs=1e-13)


def test_each_pixel_sees_its_own_angle():
    geometry = Geometry(115.0, 90.0, distance=50.0, pitch=250.0, rows=80, columns=80)
    angles = geometry.angles()
    assert angles.shape == (80, 80)
    u = (np.arange(80) - 39.5) * 0.25
    at_row_39 = np.degrees(np.arccos(-u / np.sqrt(50.0**2 + u**2 + 0.125**2)))
    assert angles[39] == pytest.approx(at_row_39, abs=1e-9)
    assert angles[:, 0].max() - angles[:, 0].min() > 0.1  # the cone bends
    turned = Geometry(115.0, 90.0, 50.0, 250.0, 80, 80, direction="-row").angles()
    assert turned == pytest.approx(angles.T[::-1], abs=1e-9)


def test_width_of_angles_within_a_pixel():
    geometry = Geometry(115.0, 60.0, 50.0, 250.0, 3, 3, aperture=0.2)
    width = geometry.angle_widths()
    assert width is not None
    expected = np.hypot(0.25 / np.sqrt(12.0), 0.05) / 50.0
    assert width[1, 1] == pytest.approx(np.degrees(expected), rel=1e-12)
    fine = Geometry(115.0, 60.0, 50.0, 0.25, 1, 2, centre=(0.0, -40000.0)).angles()
    step = (fine[0, 1] - fine[0, 0]) / 2.5e-4 * 0.25 / np.sqrt(12.0)
    far = Geometry(115.0, 60.0, 50.0, 250.0, 1, 1, centre=(0.0, -40.0)).angle_widths()
    assert far is not None
    assert far[0, 0] == pytest.approx(step, rel=1e-3)


def test_unknown_distance_gives_the_centres_angle_to_all():
    geometry = Geometry(115.0, 90.0, rows=2, columns=3)
    assert not geometry.spread_known
    assert (geometry.angles() == 90.0).all()
    assert geometry.angle_widths() is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"incident_energy": -1.0}, "incident energy -1 keV is not above 0"),
        ({"angle": 0.0}, "scattering angle 0° is not between"),
        ({"distance": 0.0}, "distance 0 is not above 0"),
        ({"angle_std": -0.1}, "angle_std -0.1 is negative"),
        ({"rows": 0}, "a detector of 0 x 1 pixels has none"),
    ],
)
def test_impossible_geometry_is_refused(change, said):
    with pytest.raises(BadInputError, match=said):
        Geometry(**{"incident_energy": 115.0, "angle": 90.0, **change})
