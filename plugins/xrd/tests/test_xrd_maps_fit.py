"""The fits of a map: unbiased at nothing, honest at the limit, the same by counts or by errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from consilience.errors import BadInputError
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.maps.common import with_common_fractions, with_shares
from consilience_xrd.maps.fitting import FitSettings, fit_block
from consilience_xrd.maps.lines import MapLine, windows_of
from consilience_xrd.maps.phases import PhaseLines, phase_map
from consilience_xrd.maps.regions import alike
from consilience_xrd.maps.scan import Block, pattern_scan

Q = np.linspace(2.0, 3.5, 400)
STEP = Q[1] - Q[0]
LINE = MapLine(2.774, 0.02, 0.4, "mean")
SETTINGS = FitSettings(lam=1e5)


def patterns(areas: np.ndarray, seed: int = 1, level: float = 40.0) -> Block:
    shape = pseudo_voigt(Q, LINE.center, LINE.fwhm, LINE.eta)
    expected = level * (1 - 0.1 * (Q - 2)) + areas[:, None] * shape
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Block(counts, np.ones((1, len(Q))), None)


def fitted(block: Block) -> dict[str, np.ndarray]:
    return fit_block(block, Q, [LINE], windows_of([LINE], Q), SETTINGS)


def test_where_nothing_is_the_area_scatters_around_zero() -> None:
    got = fitted(patterns(np.zeros(1500)))
    pull = (got["area"] / got["null_std"])[0]
    assert abs(pull.mean()) < 0.15  # the baseline is bent towards what little there is
    assert pull.std() == pytest.approx(1, abs=4 / np.sqrt(3000))
    assert np.isnan(got["center"]).all()
    assert np.all(got["flags"] == 1)


def test_a_line_at_its_limit_is_missed_in_at_most_one_of_twenty() -> None:
    phase = PhaseLines("Pt", (0,), (), (0,), {0: "111"})
    block = patterns(np.zeros(200))
    (line,) = with_shares(block, Q, [LINE], windows_of([LINE], Q), SETTINGS)
    assert 0.5 < line.share < 1.02
    assert line.own_noise > STEP
    none = phase_map(phase, fitted(block), 3.0, line.own_noise, line.share)
    limit = float(np.median(none.limit))
    found = phase_map(phase, fitted(patterns(np.full(1500, limit), 2)), 3.0, line.own_noise)
    missed = 1500 - int(found.detected.sum())
    assert missed <= 75 + 2.3 * np.sqrt(1500 * 0.05 * 0.95)
    # and the limit is not simply very large
    weaker = phase_map(phase, fitted(patterns(np.full(500, 0.5 * limit), 3)), 3.0, line.own_noise)
    assert weaker.detected.mean() < 0.6


def test_strong_lines_have_place_width_and_errors() -> None:
    areas = np.full(600, 8.0)
    block = patterns(areas, 5)
    got = fitted(block)
    assert np.mean(got["flags"] == 0) > 0.97
    good = got["flags"][0] == 0
    for name, truth in (("area", 8.0), ("center", 2.774), ("fwhm", 0.02)):
        pull = ((got[name] - truth) / got[f"{name}_std"])[0, good]
        # arPLS takes a little of the tails
        assert abs(pull.mean()) < 0.5, name
        assert pull.std() == pytest.approx(1, abs=0.12), name


def test_errors_stated_instead_of_counts_give_the_same() -> None:
    block = patterns(np.full(50, 8.0), 6)
    expected = fitted(block)
    sigma = np.sqrt(np.maximum(block.intensity, 1.0))
    got = fitted(Block(block.intensity, None, sigma))
    off = (got["center"] - expected["center"]) / expected["center_std"]
    assert np.nanmax(np.abs(off)) < 1
    assert np.nanmedian(got["area_std"] / expected["area_std"]) == pytest.approx(1, abs=0.1)
    unknown = fitted(Block(block.intensity, None, None))
    assert np.nanmedian(unknown["null_std"] / expected["null_std"]) == pytest.approx(1, abs=0.2)


def test_points_without_data_are_left_out() -> None:
    block = patterns(np.full(20, 8.0), 7)
    gain = np.ones(block.intensity.shape)
    gain[:, 190:200] = 0  # a gap in the detector, filled with nonsense
    values = block.intensity.copy()
    values[:, 190:200] = values[:, [189]]
    got = fitted(Block(values, gain, None))
    assert np.isfinite(got["area"]).all()
    values[5] = 0
    got = fitted(Block(values, gain, None))
    assert got["flags"][0, 5] == 16
    assert np.isnan(got["area"][0, 5])


def test_a_line_in_a_gap_of_every_point_keeps_the_share_it_had() -> None:
    block = patterns(np.full(20, 8.0), 7)
    gain = np.ones((1, len(Q)))
    gain[:, np.abs(Q - 3.2) < 0.15] = 0
    lines = [LINE, MapLine(3.2, 0.02, 0.4, "mean")]
    seen, hidden = with_shares(
        Block(block.intensity, gain, None), Q, lines, windows_of(lines, Q), SETTINGS
    )
    assert 0.5 < seen.share < 1.02
    assert hidden.share == lines[1].share
    assert hidden.own_noise == 0


def test_the_fraction_of_single_points_is_found() -> None:
    chance = np.random.default_rng(8)
    places = 2.774 + chance.uniform(-0.01, 0.01, 150)
    expected = np.array([400 + 400.0 * pseudo_voigt(Q, c, 0.02, 0.8) for c in places])
    block = Block(chance.poisson(expected).astype(float), np.ones((1, len(Q))), None)
    start = [MapLine(2.774, 0.026, 0.1, "mean")]
    (line,) = with_common_fractions(block, Q, start, windows_of(start, Q), SETTINGS)
    assert line.eta == pytest.approx(0.8, abs=0.12)
    assert line.area_sys is not None
    assert 0.02 < line.area_sys < 0.2


def test_groups_of_points_and_none_in_noise() -> None:
    chance = np.random.default_rng(9)
    area = chance.normal(0, 1, (3, 300))
    labels, fall = alike(area, np.ones_like(area), 6)
    assert labels.max() == 1
    area[0, :100] += 30
    area[1, 100:150] += 25
    labels, fall = alike(area, np.ones_like(area), 6)
    assert labels.max() == 3
    assert fall < 0.3
    assert len({int(labels[0]), int(labels[120]), int(labels[290])}) == 3
    area[:, 7] = np.nan
    assert alike(area, np.ones_like(area), 6)[0][7] == 0


def scan_of(dims: tuple[str, ...], shape: tuple[int, ...]) -> xr.Dataset:
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    data = xr.Dataset({"intensity": (dims, values, {"units": "count"})})
    return data.assign_coords(q=("q", np.linspace(1, 3, shape[-1]), {"units": "1/angstrom"}))


def test_scans_of_one_two_and_three_directions() -> None:
    line = pattern_scan(scan_of(("x", "q"), (4, 30)), {})
    assert line.shape == (1, 4)
    turned = pattern_scan(scan_of(("theta", "y", "x", "q"), (1, 3, 4, 30)), {})
    assert turned.shape == (3, 4)
    assert turned.read(0).intensity[5, 0] == 150
    with pytest.raises(BadInputError, match=r"3 directions \(theta, y, x\)"):
        pattern_scan(scan_of(("theta", "y", "x", "q"), (2, 3, 4, 30)), {})


def test_range_of_q() -> None:
    clipped = pattern_scan(scan_of(("y", "x", "q"), (2, 2, 100)), {}, 1.5, 2.5)
    assert clipped.q[0] >= 1.5
    assert clipped.q[-1] <= 2.5
    assert clipped.read(0).intensity.shape == (4, len(clipped.q))
    with pytest.raises(BadInputError, match=r"points of q are left between 2\.99 and 3"):
        pattern_scan(scan_of(("y", "x", "q"), (2, 2, 100)), {}, 2.99)


def test_a_line_that_stands_out_nowhere_has_an_area_of_unknown_shape() -> None:
    block = patterns(np.zeros(100))
    (line,) = with_common_fractions(block, Q, [LINE], windows_of([LINE], Q), SETTINGS)
    assert line.eta == LINE.eta
    assert line.area_sys is not None
    # a Lorentzian in a window of eight widths has a fifth and more of its area in the tails
    assert 0.05 < line.area_sys < 0.4
