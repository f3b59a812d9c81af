"""Roughness of surfaces whose roughness is known, by formula and by theory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consilience_compton.simulation.rough import rough_heights
from consilience_compton.surface.blocks import (
    block_covariance,
    block_side,
    deviation_field,
    ratio_influence,
)
from consilience_compton.surface.correlation import autocorrelation
from consilience_compton.surface.form import remove_form
from consilience_compton.surface.roughness import areal, gaussian_roughness, profiles

STEP = (3.25, 2.5)


def wave(
    rows: int = 120, columns: int = 200, amplitude: float = 4.0, waves: int = 10
) -> np.ndarray:
    """A wave along the columns; whole waves, so that its means are those of the formula."""
    x = np.arange(columns) / columns
    return np.tile(amplitude * np.sin(2.0 * np.pi * waves * x + 0.1), (rows, 1))


def test_a_sine_has_the_roughness_of_the_formula() -> None:
    heights = wave()
    about = areal(heights)
    assert about.s_q == pytest.approx(4.0 / math.sqrt(2.0), rel=1e-12)
    assert about.s_a == pytest.approx(8.0 / math.pi, rel=5e-3)  # 20 points for each wave
    assert about.kurtosis == pytest.approx(1.5, rel=1e-9)
    assert about.skewness == pytest.approx(0.0, abs=1e-9)
    assert profiles(heights, 1).r_a == pytest.approx(about.s_a, rel=1e-12)
    assert profiles(heights, 0).r_a == pytest.approx(0.0, abs=1e-12), "across it there is no wave"


def test_areal_and_profile_quantities_differ_where_waves_run_across() -> None:
    heights = wave() + wave(200, 120, 3.0, 5).T[:120, :200]
    assert areal(heights).s_q == pytest.approx(math.sqrt(8.0 + 4.5), rel=5e-3)
    assert profiles(heights, 1).r_q == pytest.approx(4.0 / math.sqrt(2.0), rel=1e-9)
    assert areal(heights).s_q > 1.1 * profiles(heights, 1).r_q


@pytest.mark.parametrize(("degree", "tilt", "bow"), [(1, 0.04, 0.0), (2, 0.04, 2e-4)])
def test_tilt_and_curvature_are_taken_off_and_stated(degree: int, tilt: float, bow: float) -> None:
    rough = rough_heights((140, 180), STEP[0], 5.0, 12.0, 3)
    y, x = np.mgrid[:140, :180] * np.array(STEP)[:, None, None]
    form = tilt * x - 0.5 * tilt * y + 0.5 * bow * (x - x.mean()) ** 2
    found = remove_form(rough + form + 77.0, STEP, degree)
    plain = remove_form(rough, STEP, degree)
    np.testing.assert_allclose(found.residual, plain.residual, atol=1e-9)
    own = plain.tilt
    assert found.tilt[0] - own[0] == pytest.approx(-0.5 * tilt, abs=1e-9)
    assert found.tilt[1] - own[1] == pytest.approx(tilt, abs=1e-9)
    assert found.curvature[1] - plain.curvature[1] == pytest.approx(bow, abs=1e-12)
    assert found.terms == {1: 3, 2: 6}[degree]


def test_the_form_goes_through_what_is_there() -> None:
    rough = wave()
    holed = rough.copy()
    holed[20:40, 30:90] = np.nan
    y, x = np.mgrid[:120, :200]
    found = remove_form(holed + 0.3 * x + 0.1 * y, (1.0, 1.0), 1)
    assert np.isnan(found.residual[30, 50])
    np.testing.assert_allclose(
        found.surface, remove_form(holed, (1.0, 1.0), 1).surface + 0.3 * x + 0.1 * y, atol=1e-9
    )
    few = np.full((10, 10), np.nan)
    few[0, :3] = 1.0
    with pytest.raises(ValueError, match="3 heights cannot fix a form of 6 terms"):
        remove_form(few, (1.0, 1.0), 2)


def test_the_gaussian_filter_passes_half_at_its_cutoff() -> None:
    heights = wave(waves=10)  # a wavelength of 20 points
    rows = slice(40, 80)
    inner = slice(60, 140)
    for longest in (20.0, 40.0):
        left = gaussian_roughness(heights, (1.0, 1.0), longest)[rows, inner]
        share = left.std() / heights[rows, inner].std()
        passed = 1.0 - math.exp(-math.pi * (math.sqrt(math.log(2) / math.pi) * longest / 20.0) ** 2)
        assert share == pytest.approx(passed, rel=2e-3)
    assert gaussian_roughness(heights, (1.0, 1.0), None, 20.0)[rows, inner].std() == pytest.approx(
        0.5 * heights[rows, inner].std(), rel=2e-3
    )


def test_correlation_length_of_a_known_surface() -> None:
    found = [
        autocorrelation(rough_heights((200, 220), 1.0, 1.0, 9.0, seed), (1.0, 1.0))
        for seed in range(8)
    ]
    longest = [c.longest for c in found]
    assert None not in longest
    middle = np.mean([0.5 * (c.s_al + c.longest) for c in found if c.s_al and c.longest])
    assert middle == pytest.approx(9.0, rel=0.06)
    # exp(-2 r²/2s²) integrates to πs²
    scale = 9.0 / math.sqrt(2.0 * math.log(5.0))
    assert np.mean([c.area for c in found]) == pytest.approx(math.pi * scale**2, rel=0.2)


def test_unequal_steps_are_lengths_not_points() -> None:
    """The same surface, every other column left out: the lengths stay, the texture is round."""
    heights = rough_heights((200, 400), 1.0, 1.0, 12.0, 5)
    fine = autocorrelation(heights, (1.0, 1.0))
    thinned = autocorrelation(heights[:, ::2], (1.0, 2.0))
    assert fine.s_al is not None
    assert thinned.s_al == pytest.approx(fine.s_al, rel=0.03)
    stretched = autocorrelation(np.repeat(heights[:, ::2], 2, axis=0), (1.0, 1.0))
    assert stretched.s_tr is not None
    assert stretched.s_tr == pytest.approx(0.25, rel=0.25), "twice as long one way, half the other"


def test_white_noise_is_all_nugget_and_flat_has_no_correlation() -> None:
    noise = np.random.default_rng(1).normal(size=(100, 100))
    assert autocorrelation(noise, (1.0, 1.0)).nugget == pytest.approx(1.0, abs=0.05)
    smooth = rough_heights((100, 100), 1.0, 1.0, 12.0, 2)
    assert autocorrelation(smooth, (1.0, 1.0)).nugget < 0.01
    with pytest.raises(ValueError, match="all alike"):
        autocorrelation(np.zeros((20, 20)), (1.0, 1.0))


@pytest.mark.parametrize("spectrum", ["gaussian", "power_law", "moss"])
def test_simulated_surfaces_have_the_roughness_they_were_asked_for(spectrum: str) -> None:
    found = [
        float(np.mean(np.abs(rough_heights((120, 120), 1.0, 3.0, 6.0, s, spectrum))))  # type: ignore[arg-type]
        for s in range(40)
    ]
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - 3.0) < 4.0 * error + 0.03


def test_block_bootstrap_is_right_about_gaussian_surfaces() -> None:
    """Var(S_a) = ∫cov(|z₁|,|z₂|)/A, and cov = (2/π)(√(1−ρ²) + ρ asin ρ − 1) s²."""
    n, length = 256, 8.0
    scale = length / math.sqrt(2.0 * math.log(5.0))
    r = np.linspace(0.0, 12.0 * scale, 4000)
    rho = np.exp(-(r**2) / (2.0 * scale**2))
    cov = (2.0 / math.pi) * (np.sqrt(1.0 - rho**2) + rho * np.arcsin(rho) - 1.0)
    s_q = math.sqrt(math.pi / 2.0)
    theory = math.sqrt(s_q**2 * np.trapezoid(cov * 2.0 * math.pi * r, r) / n**2)
    stated = []
    for seed in range(10):
        heights = rough_heights((n, n), 1.0, 1.0, length, seed)
        found = autocorrelation(heights, (1.0, 1.0))
        influence = ratio_influence(np.abs(heights), np.ones_like(heights))[1]
        std = block_covariance([influence], block_side((n, n), (1.0, 1.0), found.longest)).std()
        assert std is not None
        stated.append(std)
    assert np.mean(stated) == pytest.approx(theory, rel=0.08)


def test_too_small_a_map_has_no_statistical_error() -> None:
    heights = rough_heights((40, 40), 1.0, 1.0, 12.0, 1)
    influence = ratio_influence(np.abs(heights), np.ones_like(heights))[1]
    spread = block_covariance([influence], block_side((40, 40), (1.0, 1.0), 12.0))
    assert spread.covariance is None
    assert spread.std() is None


def test_the_mean_line_is_part_of_the_error_of_skewed_heights() -> None:
    """Hills on a plain: most heights lie below the mean, which moves with the hills."""
    chance = np.random.default_rng(8)
    made = chance.exponential(1.0, (3000, 20, 20))
    about = made - made.mean(axis=(1, 2), keepdims=True)
    seen = np.abs(about).mean(axis=(1, 2)).std()
    one = np.ones((20, 20))
    field = np.array([deviation_field(z, one).std() / 20.0 for z in about[:200]])
    plain = np.array([np.abs(z).std() / 20.0 for z in about[:200]])
    assert field.mean() == pytest.approx(seen, rel=0.05)
    assert plain.mean() < 0.9 * seen, "what |z| alone says is too small"
    lines = deviation_field(about[0] - about[0].mean(axis=1, keepdims=True), one, 1)
    assert lines.shape == (20, 20)
    symmetric = np.tile([1.0, -1.0], (4, 5))
    np.testing.assert_array_equal(deviation_field(symmetric, np.ones((4, 10))), 1.0)
