"""Changes, associations and the model beside a measured ratio: figures of the published tables."""

from __future__ import annotations

import math

import pytest

from consilience.compare.courses.association import spearman
from consilience.errors import BadInputError
from consilience_compton.model.beside import apart, model_line
from consilience_compton.model.calibration import Point, fit_calibration
from consilience_compton.model.cell import NMC622, molar_mass
from consilience_compton.model.profiles import composition_at, free_atom_emr
from consilience_compton.series.change import (
    capacity_to_lithium,
    extraction,
    relative_change,
)

EMR = (1.21, 1.11, 0.31, 0.69, 1.09)
X = (1.01, 0.93, 0.26, 0.57, 0.91)
ANODE = (1.28, 1.36, 1.73, 1.51, 1.41)
ROUGH = (5.07, 5.28, 5.38, 5.73, 6.10)


def test_changes_of_the_anode() -> None:
    """The text prints 6.1, 13.4, 11.5 and 1.8 % for ends of the same table."""
    fast = (3.58, 3.87, 3.99, 4.01, 4.06)
    for course, plating, stripping in ((ROUGH, 0.061, 0.134), (fast, 0.115, 0.018)):
        assert relative_change(course[0], course[2]).value == pytest.approx(plating, abs=0.0005)
        assert relative_change(course[2], course[4]).value == pytest.approx(stripping, abs=0.0005)


def test_a_change_has_the_errors_of_both_ends() -> None:
    found = relative_change(5.0, 5.5, 0.1, 0.2)
    assert found.value == pytest.approx(0.1)
    assert found.std == pytest.approx(1.1 * math.hypot(0.1 / 5.0, 0.2 / 5.5))
    assert relative_change(5.0, 5.5, None, 0.2).std is None
    with pytest.raises(BadInputError, match="no relative change from 0 to 1"):
        relative_change(0.0, 1.0)


def test_61_percent_is_what_is_left_and_the_lithium_taken_out_a_factor() -> None:
    found = extraction((1.01, 0.26), (1.01, 0.66))
    assert found.less_left == pytest.approx(0.606, abs=0.0005)
    assert (found.slow, found.fast) == pytest.approx((0.75, 0.35))
    assert found.factor == pytest.approx(2.14, abs=0.005)
    assert extraction((1.0, 0.5), (1.0, 1.0)).factor is None
    with pytest.raises(BadInputError, match="nothing is left"):
        extraction((1.0, 0.2), (1.0, 0.0))


def test_171_mah_per_gram_is_062() -> None:
    mass = molar_mass(composition_at(NMC622, 1.0))
    assert mass == pytest.approx(96.93, abs=0.02)
    assert capacity_to_lithium(171.0, mass) == pytest.approx(0.62, abs=0.005)
    with pytest.raises(BadInputError, match="capacity of -1"):
        capacity_to_lithium(-1.0, mass)


def test_ratio_and_roughness_of_five_states() -> None:
    anode = spearman(ANODE, ROUGH)
    assert (anode.rho, anode.p) == pytest.approx((0.6, 0.35))
    assert anode.least_p == pytest.approx(2 / 120)
    cathode = spearman(EMR, (2.12, 2.21, 2.25, 2.43, 2.49))
    assert (cathode.rho, cathode.p) == pytest.approx((-0.6, 0.35))


def test_what_the_model_and_the_paper_do_not_share() -> None:
    line = fit_calibration([Point(a, b) for a, b in zip(EMR, X, strict=True)])
    models, said = apart(list(zip(EMR, X, strict=True)), NMC622, 0.905, line)
    assert [m.value for m in models if m] == pytest.approx(
        [0.995, 0.99, 0.952, 0.97, 0.99], abs=0.005
    )
    text = " ".join(said)
    assert "a factor of 20.7" in text
    assert "without lithium EMR would be 0.003 by the calibration, 0.939 by the model" in text
    assert "the calibration is empirical" in text


def test_lithium_metal_has_one_ratio() -> None:
    models, said = apart([(value, None) for value in ANODE], "Li", 0.0)
    assert models[0] is not None
    assert models[0].value == pytest.approx(2.46, abs=0.01)
    assert any("Li has one EMR; from 1.28 to 1.73 it cannot go" in one for one in said)


def test_nothing_is_said_where_they_agree() -> None:
    xs = (0.3, 0.6, 1.0)
    points = [(free_atom_emr(composition_at(NMC622, x)).value, x) for x in xs]
    line = fit_calibration([Point(emr, x) for emr, x in points])
    models, said = apart(points, NMC622, 0.0, line)
    assert said == []
    assert all(models)
    models, _ = apart([(1.0, None)], NMC622, 0.0)
    assert models == [None]


def test_the_models_line() -> None:
    line = model_line(NMC622, 0.905)
    assert line.intercept + line.slope * 0.6 == pytest.approx(
        free_atom_emr(composition_at(NMC622, 0.6), 0.905).value, abs=0.001
    )
    with pytest.raises(BadInputError, match="x = -1"):
        composition_at(NMC622, -1.0)
    assert composition_at("Li", 0.3) == {"Li": 1.0}
