"""The line from ratio to lithium: published test data, errors of both variables, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_compton.model.beside import straightness
from consilience_compton.model.calibration import Point, fit_calibration
from consilience_compton.model.cell import NMC622

# Pearson's data with York's weights; results as York et al. 2004 print them
X = (0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4)
Y = (5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5)
WX = (1000.0, 1000.0, 500.0, 800.0, 200.0, 80.0, 60.0, 20.0, 1.8, 1.0)
WY = (1.0, 1.8, 4.0, 8.0, 20.0, 20.0, 70.0, 70.0, 100.0, 500.0)


def pearson() -> list[Point]:
    return [Point(x, y, wx**-0.5, wy**-0.5) for x, y, wx, wy in zip(X, Y, WX, WY, strict=True)]


def test_pearsons_data_with_yorks_weights() -> None:
    found = fit_calibration(pearson())
    assert found.intercept == pytest.approx(5.47991022, abs=1e-6)
    assert found.slope == pytest.approx(-0.480533407, abs=1e-7)
    assert found.chi2 == pytest.approx(11.8663532, abs=1e-5)
    assert found.covariance is not None
    # York et al. 2004: 0.294970 and 0.0579850; ODRPACK's are those of the linearised model
    assert math.sqrt(found.covariance[0, 0]) == pytest.approx(0.29497, rel=1e-3)
    assert math.sqrt(found.covariance[1, 1]) == pytest.approx(0.057985, rel=1e-3)
    # p = 0.157: more than the points' errors let expect, so that their scatter is the error
    student = 2.366 / 2.0  # t of 8 degrees of freedom at two standard deviations
    assert found.scale == pytest.approx(student * math.sqrt(11.8663532 / 8), rel=1e-3)
    assert found.p_value == pytest.approx(0.157, abs=0.001)


def test_the_published_pairs() -> None:
    emr = (1.21, 1.11, 0.31, 0.69, 1.09)
    x = (1.01, 0.93, 0.26, 0.57, 0.91)
    found = fit_calibration([Point(a, b) for a, b in zip(emr, x, strict=True)])
    assert found.slope == pytest.approx(0.837, abs=0.0005)
    assert found.intercept == pytest.approx(-0.002, abs=0.0005)
    assert found.from_scatter
    assert np.abs(found.residuals).max() < 0.006


def test_errors_of_both_variables_hold() -> None:
    chance = np.random.default_rng(8)
    true_ratio = np.linspace(0.95, 1.07, 6)
    pulls, content = [], []
    for _ in range(400):
        ratio = true_ratio + chance.normal(0.0, 0.004, 6)
        x = -3.0 + 4.0 * true_ratio + chance.normal(0.0, 0.02, 6)
        points = [Point(a, b, 0.004, 0.02) for a, b in zip(ratio, x, strict=True)]
        line = fit_calibration(points)
        assert line.covariance is not None
        pulls.append((line.slope - 4.0) / math.sqrt(line.covariance[1, 1]))
        seen = line.content(1.0 + chance.normal(0.0, 0.003), 0.003)
        assert seen.std_ratio is not None
        # unscaled, as the errors are right here
        assert seen.std_calibration is not None
        both = math.hypot(seen.std_ratio, seen.std_calibration / line.scale)
        content.append((seen.x - 1.0) / both)
    assert abs(np.mean(content)) < 0.2
    assert np.std(content) == pytest.approx(1.0, abs=0.12)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)


def test_an_exact_variable_is_ordinary_least_squares() -> None:
    points = [Point(e, x, None, 0.1) for e, x in ((0.0, 0.1), (1.0, 0.9), (2.0, 2.2), (3.0, 2.9))]
    found = fit_calibration(points)
    slope, intercept = np.polyfit([0, 1, 2, 3], [0.1, 0.9, 2.2, 2.9], 1)
    assert found.slope == pytest.approx(slope, rel=1e-6)
    assert found.intercept == pytest.approx(intercept, abs=1e-6)
    assert found.covariance is not None
    assert math.sqrt(found.covariance[1, 1]) == pytest.approx(0.1 / math.sqrt(5.0), rel=1e-4)


def test_points_that_scatter_as_stated_are_not_scaled_by_chance() -> None:
    exact = [Point(e, 2.0 * e, 0.01, 0.01) for e in (0.0, 1.0, 2.0, 3.0)]
    assert fit_calibration(exact).scale == 1.0
    assert fit_calibration(exact[:2]).scale == 1.0


def test_the_line_of_the_model_bends() -> None:
    points = (0.2, 0.4, 0.6, 0.8, 1.0)
    middle, end = (straightness(points, x, NMC622, 0.905) for x in (0.6, 1.0))
    assert middle == pytest.approx(0.004, abs=0.001)
    assert end < 0.0
    # a line through two near points hardly misses what lies between them
    assert abs(straightness((0.55, 0.65), 0.6, NMC622, 0.905)) < 5e-4
    assert straightness(points, 0.6, "Li", 0.905) == 0.0


def test_two_points_without_errors_have_no_error_of_the_line() -> None:
    found = fit_calibration([Point(1.0, 0.3), Point(1.1, 1.0)])
    assert found.covariance is None
    assert found.content(1.05).std_calibration is None
    assert found.content(1.05).std_ratio is None
    assert found.p_value is None


def test_beyond_the_points_is_said() -> None:
    found = fit_calibration(pearson())
    assert not found.content(3.0, 0.1).extrapolated
    assert found.content(9.0, 0.1).extrapolated


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([Point(1.0, 0.5)], "fix no line"),
        ([Point(1.0, 0.5), Point(1.0, 0.6)], "fix no line"),
        ([Point(1.0, math.nan, label="OCV"), Point(1.1, 1.0)], "point OCV of the calibration"),
        ([Point(1.0, 0.5, -0.1), Point(1.1, 1.0)], "standard deviation of -0.1"),
    ],
)
def test_refusals(points: list[Point], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        fit_calibration(points)
