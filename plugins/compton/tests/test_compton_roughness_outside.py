"""The same height map by another program: surfalize, which this file alone imports."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from consilience_compton.simulation.rough import rough_heights
from consilience_compton.surface.correlation import autocorrelation
from consilience_compton.surface.form import remove_form
from consilience_compton.surface.roughness import areal, profiles

surfalize = pytest.importorskip("surfalize", reason="surfalize is of the test extra")
STEP = (3.25, 3.25)


@pytest.fixture(scope="module")
def heights() -> np.ndarray:
    y, x = np.mgrid[:150, :190]
    return (
        rough_heights((150, 190), 3.0, 4.0, 15.0, 11, "moss") + 0.05 * x - 0.02 * y + 1e-3 * x * y
    )


@pytest.mark.parametrize("degree", [1, 2])
def test_areal_parameters_are_equal(heights: np.ndarray, degree: int) -> None:
    other = surfalize.Surface(heights, STEP[1], STEP[0]).detrend_polynomial(degree=degree)
    own = remove_form(heights, STEP, degree).residual
    np.testing.assert_allclose(own, other.data - other.data.mean(), atol=1e-8)
    found = areal(own)
    for name, value in (
        ("Sa", found.s_a),
        ("Sq", found.s_q),
        ("Sz", found.s_z),
        ("Ssk", found.skewness),
        ("Sku", found.kurtosis),
    ):
        assert value == pytest.approx(getattr(other, name)(), rel=1e-9), name


def test_profile_roughness_is_equal(heights: np.ndarray) -> None:
    level = remove_form(heights, STEP, 2).residual
    found = profiles(level, 1).each
    for row in (0, 40, 149):
        profile = surfalize.profile.Profile(level[row], STEP[1])
        assert found[row] == pytest.approx(profile.Ra(), rel=1e-9)


def test_autocorrelation_length_is_equal_within_a_point(heights: np.ndarray) -> None:
    level = remove_form(heights, STEP, 2).residual
    own = autocorrelation(level, STEP).s_al
    other = surfalize.Surface(level, STEP[1], STEP[0]).Sal()
    # the other program takes the first whole point beyond the decay
    assert own == pytest.approx(other, abs=max(STEP))
