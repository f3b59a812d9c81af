"""Zero loss, spikes and drift: equal to HyperSpy's where it computes the same; errors that hold."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from consilience.errors import BadInputError
from consilience_eels.alignment.frames import NoStructureError, measure_shifts, sum_frames
from consilience_eels.alignment.spikes import noise_threshold, remove_spikes, steepest
from consilience_eels.alignment.zero_loss import crop_of, measure_zero_loss, shift_spectra
from consilience_eels.lowloss.zero_loss import find_zero_loss
from consilience_eels.spectra import LossAxis


@pytest.fixture(scope="module")
def hs() -> Any:
    from consilience_eels.library import hyperspy

    return hyperspy()


def signal_of(hs: Any, axis: LossAxis, values: NDArray[Any]) -> Any:
    signal = hs.signals.Signal1D(values.copy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.set_signal_type("EELS")
    own = signal.axes_manager[-1]
    own.offset, own.scale, own.units, own.is_binned = axis.energy[0], axis.step, "eV", True
    return signal


def peaks(
    axis: LossAxis, at: NDArray[np.float64], electrons: float, fwhm: float, *, other: bool = False
) -> NDArray[np.float64]:
    """Expected counts: a Gaussian and a plasmon, or an asymmetric peak with tails."""
    sigma = fwhm / 2.3548
    u = (axis.energy - at[:, None]) / sigma
    shape = np.exp(-0.5 * u**2)
    if other:  # tails that a field emitter leaves on the side of losses, and a spectrometer on both
        shape = (
            shape
            + 0.05 / (1.0 + u**2)
            + 0.4 * np.clip(u, 0.0, None) * np.exp(-np.clip(u, 0.0, None))
        )
    plasmon = 0.3 * np.exp(-0.5 * ((axis.energy - at[:, None] - 18.0) / 2.5) ** 2) * sigma / 2.5
    return electrons * (shape + plasmon) * axis.step / (sigma * 2.5066)


# -- zero loss ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "fwhm", "electrons"), [(0.03, 1.0, 2e4), (0.2, 0.8, 2e3), (0.25, 0.8, 2e5)]
)
def test_position_and_width_of_each_pixel_with_errors_that_hold(
    step: float, fwhm: float, electrons: float
) -> None:
    random = np.random.default_rng(3)
    axis = LossAxis.of(-12.0 + step * np.arange(round(50 / step)))
    truth = random.uniform(-0.5, 0.5, 1000)
    gain = 3.0
    counts = gain * random.poisson(peaks(axis, truth, electrons, fwhm))
    whole = find_zero_loss(axis.energy, counts.sum(axis=0))
    found = measure_zero_loss(axis, counts, whole, gain)
    pull = (found.position - truth) / found.position_std
    assert abs(pull.mean()) < 4 / np.sqrt(1000)
    assert pull.std() == pytest.approx(1.0, abs=4 / np.sqrt(2000))
    widths = (found.fwhm - fwhm) / found.fwhm_std
    assert abs(widths.mean()) < 0.3
    assert 0.75 < widths.std() < 1.1
    assert whole.fwhm > 1.05 * np.median(found.fwhm), "drift widens the peak of the sum"


def test_width_of_another_peak_is_that_of_its_curve() -> None:
    axis = LossAxis.of(-12.0 + 0.05 * np.arange(1000))
    clean = peaks(axis, np.zeros(1), 1e6, 1.0, other=True)
    fine = LossAxis.of(-2.0 + 0.001 * np.arange(4000))
    curve = peaks(fine, np.zeros(1), 1e6, 1.0, other=True)[0]
    above = fine.energy[curve > 0.5 * curve.max()]
    found = measure_zero_loss(axis, clean, find_zero_loss(axis.energy, clean[0]))
    assert found.fwhm[0] == pytest.approx(above[-1] - above[0], rel=0.01)


def test_a_saturated_and_an_empty_pixel_say_nothing() -> None:
    random = np.random.default_rng(1)
    axis = LossAxis.of(-12.0 + 0.2 * np.arange(400))
    counts = random.poisson(peaks(axis, np.zeros(3), 1e5, 0.8)).astype(np.uint16)
    counts[1] = np.minimum(counts[1], 9000)
    counts[2] = random.poisson(2.0, 400)
    found = measure_zero_loss(axis, counts, find_zero_loss(axis.energy, counts[0]))
    assert np.isfinite(found.position).tolist() == [True, False, False]
    assert np.isnan(found.fwhm_std[1:]).all()


def test_shifted_spectra_are_those_of_hyperspy(hs: Any) -> None:
    random = np.random.default_rng(2)
    axis = LossAxis.of(-12.0 + 0.2 * np.arange(400))
    values = random.poisson(peaks(axis, random.uniform(-1, 1, 12), 1e4, 0.8)).astype(float)
    values = values.reshape(3, 4, -1)
    for shifts in (
        random.uniform(-1.3, 1.9, (3, 4)),
        random.uniform(0.1, 1.9, (3, 4)),
        -random.uniform(0.1, 1.9, (3, 4)),
    ):
        signal = signal_of(hs, axis, values)
        signal.shift1D(shifts, crop=True, show_progressbar=False)
        mine = shift_spectra(axis, values, shifts)
        np.testing.assert_allclose(mine, signal.data, rtol=1e-6, atol=1e-6)
        kept = crop_of(axis, shifts)
        assert signal.axes_manager[-1].offset == pytest.approx(axis.energy[kept.start])


def test_aligned_image_has_its_zero_losses_at_zero(hs: Any) -> None:
    random = np.random.default_rng(4)
    axis = LossAxis.of(-12.0 + 0.1 * np.arange(800))
    truth = random.uniform(-0.7, 0.7, 40)
    counts = random.poisson(peaks(axis, truth, 1e5, 0.8))
    found = measure_zero_loss(axis, counts, find_zero_loss(axis.energy, counts.sum(axis=0)))
    moved = shift_spectra(axis, counts, -found.position)
    kept = LossAxis.of(axis.energy[crop_of(axis, -found.position)])
    again = measure_zero_loss(kept, moved, find_zero_loss(kept.energy, moved.sum(axis=0)))
    assert np.abs(again.position).max() < 0.02
    signal = signal_of(hs, axis, counts.astype(float))
    signal.align_zero_loss_peak(print_stats=False, show_progressbar=False)
    theirs = signal.sum(axis=0).estimate_peak_width(window=4.0, show_progressbar=False)
    mine = find_zero_loss(kept.energy, moved.sum(axis=0)).fwhm
    assert mine <= float(theirs.data[0]) + 0.02, "no wider than after HyperSpy's alignment"


def test_shifts_as_long_as_the_axis_are_refused() -> None:
    axis = LossAxis.of(np.arange(10.0))
    with pytest.raises(BadInputError, match="leave no channel that every spectrum has"):
        shift_spectra(axis, np.ones((2, 10)), np.array([-5.0, 5.0]))


# -- spikes ---------------------------------------------------------------------------------------


def spiky(random: np.random.Generator) -> tuple[LossAxis, NDArray[np.float64], set[int]]:
    axis = LossAxis.of(300.0 + 0.5 * np.arange(600))
    clean = 4e8 * axis.energy**-2.2 + np.where(axis.energy > 455, 100.0, 0.0)
    values = random.poisson(np.tile(clean, (30, 1))).astype(float)
    rows = {3, 7, 8, 21}
    for row, channel in ((3, 200), (3, 420), (7, 2), (8, 598), (21, 310)):
        values[row, channel] += 9000.0
    return axis, values, rows


def test_spikes_are_removed_as_hyperspy_removes_them(hs: Any) -> None:
    axis, values, rows = spiky(np.random.default_rng(5))
    threshold = noise_threshold(axis, values)
    before = values.copy()
    mended, spikes = remove_spikes(axis, values, threshold)
    assert set(mended) == rows
    assert len(spikes) == 5
    assert (values == before).all()
    signal = signal_of(hs, axis, values)
    signal.set_signal_type("")  # exSpy's own tool always adds noise
    signal.spikes_removal_tool(interactive=False, threshold=threshold, add_noise=False)
    mine = values.copy()
    for row, spectrum in mended.items():
        mine[row] = spectrum
    np.testing.assert_allclose(mine, signal.data, rtol=1e-6)


def test_threshold_is_above_noise_and_edges_and_below_spikes() -> None:
    random = np.random.default_rng(6)
    axis, values, rows = spiky(random)
    threshold = noise_threshold(axis, values)
    rises = steepest(axis, values)
    assert {int(row) for row in np.flatnonzero(rises > threshold)} == rows
    for _ in range(20):
        _, clean, _ = spiky(random)
        clean = np.delete(clean, sorted(rows), axis=0)
        assert not remove_spikes(axis, clean, noise_threshold(axis, clean))[1]
    assert remove_spikes(axis, values[3], noise_threshold(axis, values[3]))[1], "one spectrum"


# -- frames ---------------------------------------------------------------------------------------


def drifting(
    random: np.random.Generator, count: int = 8, counts: float = 300.0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    base = ndimage.gaussian_filter(random.normal(size=(120, 120)), 2.5)
    base = (base - base.min()) / np.ptp(base)
    shift = np.cumsum(random.normal(0.0, 0.7, (count, 2)), axis=0)
    shift -= shift[0]
    frames = [
        counts * np.clip(ndimage.shift(base, s, order=3, mode="nearest")[25:-25, 20:-20], 0, None)
        for s in shift
    ]
    return random.poisson(np.stack(frames) + 5.0), shift


def test_drift_of_each_frame_with_an_error_that_holds() -> None:
    random = np.random.default_rng(7)
    pulls: list[float] = []
    for _ in range(25):
        frames, truth = drifting(random)
        found = measure_shifts(frames)
        assert (found.std[0] == 0).all()
        pulls += ((found.shift - truth)[1:] / found.std[1:]).ravel().tolist()
        assert np.abs(found.shift - truth).max() < 0.4
    assert abs(np.mean(pulls)) < 0.2
    assert 0.65 < np.std(pulls) < 1.15


def test_sum_of_frames_keeps_counts_and_says_how_noise_is_shared() -> None:
    random = np.random.default_rng(8)
    frames = random.poisson(400.0, (6, 200, 180))
    shift = np.array([[0, 0], [0.5, 0.5], [1.2, -0.4], [2.0, 0.3], [1.5, 1.5], [0.2, -1.0]])
    done = sum_frames(frames, shift)
    assert done.total.mean() == pytest.approx(6 * 400.0, rel=2e-3)
    assert done.total.shape == (done.rows.stop - done.rows.start, done.columns.stop - 1)
    assert done.total.var() == pytest.approx(done.noise_factor * 2400.0, rel=0.05)
    beside = np.mean((done.total - 2400)[:, 1:] * (done.total - 2400)[:, :-1])
    below = np.mean((done.total - 2400)[1:] * (done.total - 2400)[:-1])
    assert (beside + below) / 2 / done.total.var() == pytest.approx(
        done.neighbour_correlation, abs=0.03
    )
    whole = sum_frames(frames, shift, subpixel=False)
    assert whole.noise_factor == pytest.approx(1.0)
    assert whole.total.var() == pytest.approx(2400.0, rel=0.05)


def test_sum_puts_a_moved_picture_back() -> None:
    base = ndimage.gaussian_filter(np.random.default_rng(9).normal(size=(60, 60)), 2.0)
    shift = np.array([[0.0, 0.0], [3.0, -2.0], [-1.0, 4.0]])
    frames = np.stack([np.roll(base, s.astype(int), axis=(0, 1)) for s in shift])
    done = sum_frames(np.repeat(frames[..., None], 3, axis=-1), shift)
    np.testing.assert_allclose(done.total[..., 1], 3 * base[done.rows, done.columns], rtol=1e-5)


def test_frames_without_structure_are_refused() -> None:
    random = np.random.default_rng(10)
    for _ in range(10):
        with pytest.raises(
            NoStructureError, match=r"noise\s+alone may reach|contradict each other"
        ):
            measure_shifts(random.poisson(30.0, (6, 64, 64)))
    with pytest.raises(NoStructureError, match="the same in every pixel"):
        measure_shifts(np.ones((3, 16, 16)))
    with pytest.raises(BadInputError, match="two or more of at least 8 x 8"):
        measure_shifts(np.ones((3, 1, 1)))
    frames, _ = drifting(random, 2)
    with pytest.raises(BadInputError, match="drifted so far"):
        sum_frames(frames, np.array([[0.0, 0.0], [90.0, 0.0]]))
