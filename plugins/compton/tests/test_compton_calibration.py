"""The energy scale from the detector's own lines: recovered, with errors that are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from consilience.errors import BadInputError
from consilience_compton.calibration.drift import angle_slope, drift_between, peak_shift
from consilience_compton.calibration.fitting import FWHM_START, LineModel, fit_lines, free_families
from consilience_compton.calibration.lines import ELEMENTS, detector_lines
from consilience_compton.calibration.pixels import STATUS, calibrate, line_table
from consilience_compton.calibration.sums import CADMIUM, sums_of
from consilience_compton.model.cell import Cell
from consilience_compton.simulation.spectra import default_geometry, region_counts

EDGES = np.linspace(10.0, 150.0, 561)
PEAK = 93.87
STRENGTH = {"Cd": 900.0, "Te": 700.0, "W": 1500.0, "Pb": 1000.0}


def expected(
    scale: float = 1.0,
    shift: float = 0.0,
    fwhm: float = 0.8,
    times: float = 1.0,
    peak: float = PEAK,
    edges: np.ndarray = EDGES,
) -> np.ndarray:
    """Lines, a Compton peak of two Gaussians and a flat background, on a wrong axis.

    Written apart from the fit: events on a fine true axis, summed in bins.
    """
    true = scale * edges + shift
    start = np.arange(true[0] - 8.0, true[-1] + 8.0, 0.01)
    fine = start + 0.005
    density = np.full(fine.size, 20.0)
    for group in detector_lines():
        for energy, weight in zip(group.energies, group.weights, strict=True):
            sigma = fwhm / 2.3548
            shape = np.exp(-0.5 * ((fine - energy) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
            density += STRENGTH[group.element] * weight * shape
    for height, sigma in ((2000.0, 1.2), (500.0, 3.5)):
        density += height * np.exp(-0.5 * ((fine - peak) / sigma) ** 2)
    running = np.concatenate([[0.0], np.cumsum(density) * 0.01])
    return times * np.diff(np.interp(true, np.append(start, start[-1] + 0.01), running))


def cube(noiseless: np.ndarray, seed: int, shape: tuple[int, int]) -> xr.DataArray:
    chance = np.random.default_rng(seed)
    values = chance.poisson(np.broadcast_to(noiseless, (*shape, noiseless.shape[-1])))
    return xr.DataArray(values, dims=("row", "column", "energy"))


def test_means_of_the_tabulated_lines() -> None:
    mean = {group.name: group.mean for group in detector_lines()}
    assert mean["Cd Kα"] == pytest.approx(23.11, abs=0.005)
    assert mean["Te Kα"] == pytest.approx(27.38, abs=0.005)
    assert mean["Cd Kβ"] == pytest.approx(26.1, abs=0.1)
    assert mean["Te Kβ"] == pytest.approx(31.0, abs=0.15)
    for element in ELEMENTS:
        share = sum(g.weights.sum() for g in detector_lines() if g.element == element)
        assert share == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("scale", "shift", "fwhm"), [(1.0, 0.0, 0.8), (1.004, 0.6, 1.0), (0.99, -0.9, 0.7)]
)
def test_noiseless_scale_comes_back(scale: float, shift: float, fwhm: float) -> None:
    model = LineModel(EDGES, free_families(ELEMENTS), FWHM_START)
    fit = fit_lines(expected(scale, shift, fwhm)[None], model)
    moved, std = fit.at(PEAK)
    assert moved[0] == pytest.approx((scale - 1) * PEAK + shift, abs=0.002)
    assert fit.width[0] * 0.8 == pytest.approx(fwhm, abs=0.01)
    assert std[0] > 0.005


def test_errors_are_those_of_the_scatter() -> None:
    model = LineModel(EDGES, free_families(ELEMENTS), FWHM_START)
    spectra = np.random.default_rng(1).poisson(expected(1.002, 0.2), (400, 560))
    fit = fit_lines(spectra, model)
    moved, std = fit.at(PEAK)
    pull = (moved - (0.002 * PEAK + 0.2)) / std
    assert abs(pull.mean()) < 0.2
    assert pull.std() == pytest.approx(1.0, abs=0.12)


def test_a_spectrum_with_few_counts_is_not_believed_or_has_a_large_error() -> None:
    model = LineModel(EDGES, free_families(ELEMENTS), FWHM_START)
    spectra = np.random.default_rng(2).poisson(expected(times=0.003), (50, 560))
    spectra[0] = 0
    moved, std = fit_lines(spectra, model).at(PEAK)
    assert np.isnan(moved[0])
    rest = np.isfinite(moved) & (std < 0.1)
    assert rest.mean() < 0.2


def test_an_axis_without_lines_is_refused() -> None:
    edges = np.linspace(80.0, 120.0, 100)
    with pytest.raises(BadInputError, match="does not hold the detector's lines"):
        fit_lines(np.ones((1, 99)), LineModel(edges, free_families(ELEMENTS), FWHM_START))


def test_bad_pixels_are_found_and_named() -> None:
    image = np.broadcast_to(expected(), (12, 12, 560)).copy()
    image[3] = 0.0
    image[8, 8] *= 8.0
    image[9, 2] *= 0.1
    image[1, 1] = expected(fwhm=1.8)
    image[10, 10] = expected(shift=1.2)
    sums = sums_of(cube(image, 3, (12, 12)), EDGES)
    table = line_table(sums)
    assert table is not None
    found = calibrate(sums, table, PEAK, wanted=0.15)
    names = np.array(STATUS)[found.status]
    assert (names[3] == "dead").all()
    assert names[8, 8] == "hot"
    assert names[9, 2] == "insensitive"
    assert names[1, 1] == "wide"
    assert names[10, 10] == "shifted"
    assert found.good.sum() == 144 - 12 - 4
    moved, _ = found.at(PEAK)
    assert moved[10, 10] == pytest.approx(1.2, abs=0.2)
    assert np.isnan(found.scale[3]).all()


def test_few_counts_are_pooled_with_neighbours() -> None:
    sums = sums_of(cube(expected(shift=0.3, times=0.01), 4, (9, 9)), EDGES)
    table = line_table(sums)
    assert table is not None
    found = calibrate(sums, table, PEAK, wanted=0.12)
    pooled = found.pool > 1
    assert pooled.mean() > 0.7
    moved, std = found.at(PEAK)
    assert (std[found.good] <= 0.12).all()
    assert np.nanmedian(moved[found.good]) == pytest.approx(0.3, abs=0.1)


def test_narrow_bins_are_put_together() -> None:
    fine = np.linspace(10.0, 150.0, 5601)
    sums = sums_of(cube(expected(shift=0.25, edges=fine), 5, (2, 2)), fine)
    assert sums.edges.size < 1500
    table = line_table(sums)
    assert table is not None
    moved, std = table.fit.at(PEAK)
    assert moved[0] == pytest.approx(0.25, abs=4 * float(std[0]))


def test_straightness_is_what_lines_scatter_beyond_counting() -> None:
    bent = EDGES + 0.3 * ((EDGES - 50.0) / 40.0) ** 2
    edges = np.linspace(12.0, 148.0, 545)
    noiseless = expected(times=30.0, edges=bent)
    running = np.concatenate([[0.0], np.cumsum(noiseless)])
    sums = sums_of(cube(np.diff(np.interp(edges, EDGES, running)), 6, (2, 2)), edges)
    table = line_table(sums)
    straight = line_table(sums_of(cube(expected(times=30.0), 6, (2, 2)), EDGES))
    assert table is not None
    assert straight is not None
    one, other = table.straightness(PEAK), straight.straightness(PEAK)
    assert one is not None
    assert other is not None
    assert one > 5 * other
    # the true correction lies within what is said of it
    found = float(table.fit.at(PEAK)[0][0])
    assert abs(found - 0.3 * ((PEAK - 50.0) / 40.0) ** 2) < 3 * one
    of_bent, of_straight = table.of_scale(), straight.of_scale()
    assert of_bent is not None
    assert of_straight is not None
    assert min(np.array(of_bent) / of_straight) > 3.0
    # without tails, gain and offset scatter as those of a straight line through the lines
    flat = replace(table, tailed=table.fit).of_scale()
    assert flat is not None
    design = np.vander(table.energy, 2)
    matrix = np.linalg.inv(design.T @ design)
    assert flat[1] / flat[0] == pytest.approx(np.sqrt(matrix[1, 1] / matrix[0, 0]), rel=1e-9)
    two = replace(table, energy=table.energy[:2], residual=table.residual[:2])
    assert two.of_scale() is None


def test_spectra_without_lines_have_no_table() -> None:
    flat = sums_of(cube(np.full(560, 30.0), 7, (3, 3)), EDGES)
    assert line_table(flat) is None


def test_slope_of_the_peak_with_angle() -> None:
    assert angle_slope(115.0, 90.0) == pytest.approx(-0.300, abs=0.001)


@pytest.mark.parametrize("moved", [-0.3, 0.05, 0.0])
def test_a_shift_of_the_peak_comes_back_with_its_error(moved: float) -> None:
    chance = np.random.default_rng(8)
    pulls = []
    for _ in range(60):
        one = chance.poisson(expected(times=20.0)).astype(np.float64)
        two = chance.poisson(expected(times=14.0, peak=PEAK + moved)).astype(np.float64)
        found = peak_shift(one, two, EDGES, (90.0, 98.0))
        pulls.append((found.value - moved) / found.std)
    assert abs(np.mean(pulls)) < 0.6
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)


def test_lines_tell_electronics_from_angle() -> None:
    chance = np.random.default_rng(9)

    def state(**how: float) -> tuple[np.ndarray, object]:
        values = xr.DataArray(chance.poisson(expected(times=50.0, **how))[None, None])
        sums = sums_of(values, EDGES)
        return sums.spectrum, line_table(sums)

    first = state()
    turned = drift_between(first, state(peak=PEAK - 0.06), EDGES, 115.0, 90.0)  # type: ignore[arg-type]
    assert turned.angle == pytest.approx(0.2, abs=4 * float(turned.angle_std or 0))
    assert turned.lines == pytest.approx(0.0, abs=4 * float(turned.lines_std or 0))
    # the axis reads 0.2 keV too low: peak and lines are found higher together
    moved = drift_between(first, state(shift=-0.2), EDGES, 115.0, 90.0)  # type: ignore[arg-type]
    assert moved.peak.value == pytest.approx(0.2, abs=0.02)
    assert moved.lines == pytest.approx(0.2, abs=0.02)
    assert abs(moved.angle or 9.0) < 4 * float(moved.angle_std or 0)


def test_no_peak_in_range_is_refused() -> None:
    one = expected()
    with pytest.raises(BadInputError, match="no Compton peak in range"):
        peak_shift(one[:200], one[:200], EDGES[:201], (90.0, 98.0))
    with pytest.raises(BadInputError, match="fewer than 1000 counts"):
        peak_shift(one * 0.0, one, EDGES, (90.0, 98.0))


def test_escape_of_the_compton_peak_under_a_line_does_not_move_the_scale() -> None:
    """Below 87° it comes to lie under Pb Kα: without it the scale was 8 eV high there."""
    geometry = default_geometry(20, 20)
    row = region_counts(Cell(), 1, EDGES, geometry, counts=2e5)[10]  # no noise
    assert geometry.angles()[10, 0] < 85.0
    values = xr.DataArray(row[None], dims=("row", "column", "energy"))
    sums = sums_of(values, EDGES)
    table = line_table(sums)
    assert table is not None
    moved, std = calibrate(sums, table, PEAK).at(PEAK)
    assert np.abs(moved).max() < 0.0006
    assert std.max() < 0.0026
    model = LineModel(EDGES, free_families(ELEMENTS), FWHM_START)
    assert fit_lines(row[:1], model).at(PEAK)[0][0] > 0.007  # the reason, as it was


def test_what_a_photon_lies_above_the_lines_is_cut_out_of_any_bins() -> None:
    chance = np.random.default_rng(2)
    edges = np.sort(chance.uniform(5.0, 130.0, 900))
    edges[[0, -1]] = 4.0, 131.0
    level = xr.DataArray(3.0 * np.diff(edges)[None, None], dims=("row", "column", "energy"))
    sums = sums_of(level, edges)
    widths = np.diff(sums.edges)[sums.used]
    np.testing.assert_allclose(sums.escape[0, 0], 3.0 * widths)
    cut = sums_of(level[..., edges[1:] < 95.0], edges[edges < 95.0])
    above = cut.edges[:-1][cut.used] + CADMIUM > 95.0
    assert above.any()
    assert (cut.escape[0, 0][above] == 0.0).all()
