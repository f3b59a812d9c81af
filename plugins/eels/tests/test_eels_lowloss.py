"""Deconvolution, splicing and mean free paths: exSpy's numbers, with errors and refusals."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from eels_models import ENERGY_LOSS, low_loss
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.library import fourier_ratio
from consilience_eels.lowloss.deconvolution import single_scattering, without_plural_scattering
from consilience_eels.lowloss.mean_free_path import Optics, mean_free_path_of, optics_of
from consilience_eels.lowloss.splice import splice
from consilience_eels.lowloss.zero_loss import NoZeroLossError
from consilience_eels.spectra import LossAxis

AXIS = LossAxis.of(ENERGY_LOSS)


@pytest.fixture(scope="module")
def hs() -> Any:
    from consilience_eels.library import hyperspy

    return hyperspy()


def signal_of(hs: Any, axis: LossAxis, values: NDArray[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal = hs.signals.Signal1D(np.asarray(values, dtype=float).copy())
        signal.set_signal_type("EELS")
    own = signal.axes_manager[-1]
    own.offset, own.scale, own.units, own.is_binned = float(axis.energy[0]), axis.step, "eV", True
    return signal


# -- Fourier-log ----------------------------------------------------------------------------------


def test_fourier_log_is_that_of_exspy(hs: Any) -> None:
    spectra = np.stack([low_loss(t) for t in (0.3, 0.8, 1.5)])
    found = single_scattering(AXIS, spectra, 8.0)
    signal = signal_of(hs, AXIS, spectra)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = signal.fourier_log_deconvolution(signal.isig[: AXIS.index(8.0)]).data
    np.testing.assert_allclose(found.intensity, theirs, atol=1e-6 * np.abs(theirs).max())
    assert found.std is None


@pytest.mark.parametrize("truth", [0.3, 0.8, 1.5])
def test_single_scattering_is_what_was_put_in(truth: float) -> None:
    found = single_scattering(AXIS, low_loss(truth, electrons=1e6), 8.0)
    assert found.t_over_lambda == pytest.approx(truth, rel=0.01)
    sigma = math.hypot(0.4, 1.8)
    window = np.abs(ENERGY_LOSS - 22.0) < 1.0
    single = np.exp(-((ENERGY_LOSS - 22.0) ** 2) / (2 * sigma**2))
    single *= 1e6 * math.exp(-truth) * truth / single.sum()
    np.testing.assert_allclose(found.intensity[window], single[window], rtol=0.02)
    double = found.intensity[np.abs(ENERGY_LOSS - 44.0) < 4.0]
    assert np.abs(double).max() < 0.01 * single.max(), "two losses in a row are gone"


def test_error_of_the_single_scattering_is_its_scatter() -> None:
    random = np.random.default_rng(3)
    clean = low_loss(0.8, electrons=1e6)
    gain = 2.0
    many = np.stack([gain * random.poisson(clean / gain) for _ in range(60)])
    found = single_scattering(AXIS, many, 8.0).intensity
    said = single_scattering(AXIS, many[0], 8.0, counts_per_electron=gain).std
    assert said is not None
    window = (ENERGY_LOSS > 15.0) & (ENERGY_LOSS < 60.0)
    ratio = said[window] / found[:, window].std(axis=0)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.2), "48 copies, channels correlated"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e, v: (e[110:], v[110:]), "out-of-range"),
        (lambda e, v: (e[97:], v[97:]), "cut"),
        (lambda e, v: (e[85:], v[85:]), "cut"),
        (lambda e, v: (e, np.minimum(v, 0.5 * v.max())), "saturated"),
        (lambda e, v: (e, np.full_like(v, 300.0)), "none"),
    ],
)
def test_deconvolution_is_refused_without_a_whole_zero_loss(change: Any, code: str) -> None:
    energy, values = change(ENERGY_LOSS, low_loss(0.5))
    axis = LossAxis.of(energy)
    with pytest.raises(NoZeroLossError) as caught:
        single_scattering(axis, values, 8.0)
    assert caught.value.code == code
    core = LossAxis.of(250.0 + AXIS.step * np.arange(500))
    with pytest.raises(NoZeroLossError) as caught:
        without_plural_scattering(core, np.ones(500), axis, values, 8.0)
    assert caught.value.code == code


# -- Fourier-ratio --------------------------------------------------------------------------------


def blurred(core: NDArray[np.float64], low: NDArray[np.float64]) -> NDArray[np.float64]:
    """A core loss after the scattering of a low loss, counts kept."""
    zero = int(np.argmax(low))
    return np.convolve(core, low / low.sum())[zero : zero + core.size]


def edge(axis: LossAxis, onset: float) -> NDArray[np.float64]:
    safe = np.clip(axis.energy, 1.0, None)
    return np.where(axis.energy > onset, 1e4 * (safe / onset) ** -3.0, 0.0)


def test_fourier_ratio_is_that_of_exspy_and_takes_plural_scattering_out(hs: Any) -> None:
    core_axis = LossAxis.of(250.0 + AXIS.step * np.arange(1500))
    low = low_loss(1.0, electrons=1e6)
    single = edge(core_axis, 350.0)
    core = blurred(single, low)
    found = without_plural_scattering(core_axis, core, AXIS, low, 8.0)
    signal = signal_of(hs, core_axis, core)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = signal.fourier_ratio_deconvolution(
            signal_of(hs, AXIS, low), fwhm=0.9419, threshold=8.0, extrapolate_lowloss=False
        ).data
        mine = fourier_ratio(core_axis, core, AXIS, low, 0.9419, 8.0)
    theirs = theirs * AXIS.step  # their Gaussian sums to 1/step, so counts were not kept
    np.testing.assert_allclose(mine, theirs, atol=1e-6 * np.abs(theirs).max())
    after = (core_axis.energy > 372.0) & (core_axis.energy < 500.0)
    elastic = low[: AXIS.index(8.0)].sum() / low.sum()
    np.testing.assert_allclose(found.intensity[after], elastic * single[after], rtol=0.03)
    assert np.abs(core[after] / (elastic * single[after]) - 1.0).max() > 0.3, "else none was there"
    assert found.t_over_lambda is None


def test_fourier_ratio_needs_one_dispersion_and_one_scan() -> None:
    core_axis = LossAxis.of(250.0 + 0.5 * np.arange(500))
    with pytest.raises(BadInputError, match=r"channels of 0\.5 and 0\.2 eV"):
        without_plural_scattering(core_axis, np.ones(500), AXIS, low_loss(0.5), 8.0)
    core_axis = LossAxis.of(250.0 + 0.2 * np.arange(500))
    with pytest.raises(BadInputError, match=r"pixels \(3,\) and \(\)"):
        without_plural_scattering(core_axis, np.ones((3, 500)), AXIS, low_loss(0.5), 8.0)


def test_error_of_the_fourier_ratio_is_no_smaller_than_its_scatter() -> None:
    random = np.random.default_rng(4)
    core_axis = LossAxis.of(250.0 + AXIS.step * np.arange(1500))
    low = low_loss(0.6, electrons=1e6)
    background = 3e11 * core_axis.energy**-3.0
    core = blurred(edge(core_axis, 350.0), low)
    nets = random.poisson(core + background, (60, core.size)) - background
    lows = random.poisson(low, (60, low.size))
    found = without_plural_scattering(core_axis, nets, AXIS, lows, 8.0).intensity
    said = without_plural_scattering(
        core_axis, nets[0], AXIS, lows[0], 8.0, counts_per_electron=1.0, background=background
    ).std
    assert said is not None
    window = (core_axis.energy > 372.0) & (core_axis.energy < 500.0)
    ratio = said[window] / found[:, window].std(axis=0)
    assert 0.9 < np.median(ratio) < 1.5, "copies of a noisy low loss have its noise twice"


# -- splice ---------------------------------------------------------------------------------------


def two(random: np.random.Generator, step: float = 0.2) -> tuple[LossAxis, Any, LossAxis, Any]:
    """One falling curve seen twice: 1 unit of exposure below, 20 above."""
    core_axis = LossAxis.of(200.0 + 0.5 * step + step * np.arange(round(300 / step)))
    low = random.poisson(
        2e8 * np.clip(AXIS.energy, 20.0, None) ** -2.5 * AXIS.step, (50, AXIS.size)
    )
    core = random.poisson(20 * 2e8 * core_axis.energy**-2.5 * step, (50, core_axis.size))
    return AXIS, low, core_axis, core


@pytest.mark.parametrize("step", [0.2, 0.5, 0.13])
def test_splice_finds_the_scale_with_an_error_that_holds(step: float) -> None:
    random = np.random.default_rng(5)
    low_axis, low, core_axis, core = two(random, step)
    done = splice(low_axis, low, core_axis, core, (1.0, 1.0))
    assert done.scale_std is not None
    pull = (done.scale - 1 / 20) / done.scale_std
    assert abs(pull.mean()) < 4 / np.sqrt(50)
    assert pull.std() == pytest.approx(1.0, abs=0.4)
    assert done.chi2_reduced is not None
    assert 0.5 < done.chi2_reduced < 1.6
    assert done.slope_std is not None
    assert abs(done.slope) < 4 * done.slope_std
    assert done.axis.step == pytest.approx(step)
    assert done.axis.energy[-1] == pytest.approx(core_axis.energy[-1])
    head = done.axis.energy < done.seam
    expected = 2e8 * np.clip(done.axis.energy, 20.0, None) ** -2.5 * step
    smooth = done.axis.energy > 60.0
    np.testing.assert_allclose(
        done.spectra.sum(axis=0)[smooth & head].sum(), 50 * expected[smooth & head].sum(), rtol=0.01
    )
    np.testing.assert_allclose(
        done.spectra.sum(axis=0)[~head].sum(), 50 * expected[~head].sum(), rtol=0.01
    )


def test_splice_of_spectra_that_are_not_one_is_seen() -> None:
    random = np.random.default_rng(6)
    low_axis, low, core_axis, core = two(random)
    bent = core * (1.0 + 0.3 * (core_axis.energy - 200.0) / 80.0)
    done = splice(low_axis, low, core_axis, bent, (1.0, 1.0))
    assert done.slope_std is not None
    assert done.slope < -5 * done.slope_std
    assert splice(low_axis, low, core_axis, core).scale_std is None


def test_splice_without_overlap_is_refused() -> None:
    core_axis = LossAxis.of(300.0 + 0.2 * np.arange(500))
    with pytest.raises(BadInputError, match="share fewer than 8 channels"):
        splice(AXIS, low_loss(0.5), core_axis, np.ones(500))
    core_axis = LossAxis.of(200.0 + 0.2 * np.arange(1000))
    with pytest.raises(BadInputError, match="the overlap holds no counts"):
        splice(AXIS, low_loss(0.5), core_axis, np.zeros(1000))
    with pytest.raises(BadInputError, match="pixels"):
        splice(AXIS, np.ones((2, AXIS.size)), core_axis, np.ones((3, 1000)))


# -- nanometres -----------------------------------------------------------------------------------


@pytest.mark.parametrize("optics", [Optics(300.0, 40.5, 156.5), Optics(200.0, 5.0, 10.0)])
def test_thickness_is_that_of_exspy(hs: Any, optics: Optics) -> None:
    signal = signal_of(hs, AXIS, low_loss(0.7))
    signal.set_microscope_parameters(
        beam_energy=optics.beam_energy,
        convergence_angle=optics.convergence,
        collection_angle=optics.collection,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = float(signal.estimate_thickness(threshold=8.0, density=2.64).data[0])
        relative = float(signal.estimate_thickness(threshold=8.0).data[0])
    path = mean_free_path_of(2.64, optics)
    assert relative * path.effective == pytest.approx(theirs, rel=1e-9)
    assert path.beyond_measured is (optics.collection > 20)
    assert path.relative_std == 0.2


def test_angles_come_from_the_user_or_the_file_or_are_missing() -> None:
    file = {"beam_energy": {"value": 300.0, "unit": "keV"}}
    assert optics_of(file) == ["the convergence angle", "the collection angle"]
    assert optics_of(file, convergence=10.0, collection=20.0) == Optics(300.0, 10.0, 20.0)
    file["convergence_angle"] = {"value": 4.0, "unit": "mrad"}
    file["collection_angle"] = {"value": 5.0, "unit": "mrad"}
    assert optics_of(file, beam_energy=80.0) == Optics(80.0, 4.0, 5.0)


@pytest.mark.parametrize("what", ["splice", "single"])
def test_images_take_no_more_than_two_and_a_half_times_themselves(what: str) -> None:
    import tracemalloc

    random = np.random.default_rng(7)
    low = random.poisson(low_loss(0.8) + 5.0, (48, 48, AXIS.size)).astype(np.float32)
    core_axis = LossAxis.of(200.0 + 0.2 * np.arange(1500))
    core = np.ones((48, 48, 1500), np.float32)
    single_scattering(AXIS, low[0, 0], 8.0)  # imports
    tracemalloc.start()
    if what == "splice":
        done = splice(AXIS, low, core_axis, core, window=(205.0, 250.0)).spectra
        held = low.nbytes + core.nbytes
    else:
        done = single_scattering(AXIS, low, 8.0).intensity
        held = low.nbytes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.dtype == np.float32
    # what is held already counts as one
    assert 1.0 + peak / held < 2.5
