"""t/λ: the same as exSpy's, with errors that hold, refused where there is no zero loss."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, ENERGY_LOSS, low_loss, measurement

from consilience.analysis import AnalysisOutput
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.files.reading import read_msa
from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness
from consilience_eels.lowloss.thickness import counting_std, log_ratio
from consilience_eels.lowloss.zero_loss import NoZeroLossError, find_zero_loss

REPEATS = 200


def run(data: Any, **params: Any) -> AnalysisOutput:
    return run_thickness([data], ThicknessParams(**params), CONTEXT)


def real(shared_data: Path, name: str) -> Any:
    (signal,) = read_msa(shared_data / "eels_edx" / name, {}, {})
    assert signal.data is not None
    data = measurement(signal.data["counts"].values, signal.data["energy_loss"].values, "eels")
    data.data = signal.data
    return data


@pytest.mark.data
def test_real_low_loss_is_that_of_exspy(shared_data: Path) -> None:
    data = real(shared_data, "lowloss_spectrum.msa")
    signal = to_hyperspy(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        automatic = signal.estimate_elastic_scattering_threshold()
        theirs = [
            float(signal.estimate_thickness(threshold=threshold).data[0])
            for threshold in (automatic, 5.0)
        ]
    mine = [run(data).findings[0], run(data, threshold=5.0).findings[0]]
    assert [f.value for f in mine] == pytest.approx(theirs, abs=1e-6)
    assert [f.value for f in mine] == pytest.approx([0.472, 0.503], abs=5e-4)
    assert mine[0].evidence["threshold_eV"] == pytest.approx(9.8)
    assert mine[0].std_stat is None, "counts for one electron are not known"
    assert run(data, counts_per_electron=2.0).findings[0].std_stat == pytest.approx(0.0011, rel=0.1)
    parts = mine[0].evidence["std_sys_parts"]
    assert parts["threshold"] == pytest.approx(0.0197, abs=2e-4)
    assert mine[0].std_sys == pytest.approx(np.sqrt(sum(p**2 for p in parts.values())))
    low, high = mine[0].evidence["t_over_lambda_of_thresholds"]
    assert low < 0.472 < 0.503 < high, "the two thresholds of the README are within the range"


@pytest.mark.data
def test_real_core_loss_has_no_thickness_and_is_no_failure(shared_data: Path) -> None:
    output = run(real(shared_data, "coreloss_spectrum.msa"))
    assert not output.findings
    assert "does not hold the zero-loss peak" in output.notices[0].message


def test_counting_error_is_the_textbook_one() -> None:
    ratio = log_ratio(np.array([0.0, 1.0, 2.0, 3.0]), np.array([900.0, 0.0, 300.0, 300.0]), 2.0)
    assert float(ratio.t_over_lambda) == pytest.approx(np.log(1500 / 900))
    assert float(counting_std(ratio, 3.0)) ** 2 == pytest.approx(3.0 * (1 / 900 - 1 / 1500))


@pytest.mark.parametrize("gain", [1.0, 7.0])
def test_pulls_of_the_own_model(gain: float) -> None:
    random = np.random.default_rng(5)
    truth = 0.8
    pulls = []
    for _ in range(REPEATS):
        counts = gain * random.poisson(low_loss(truth, electrons=2e4))
        (found,) = run(
            measurement(counts, ENERGY_LOSS, "eels"), threshold=8.0, counts_per_electron=gain
        ).findings
        assert found.value is not None
        assert found.std_stat is not None
        pulls.append((found.value - truth) / found.std_stat)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(REPEATS)
    assert np.std(pulls) == pytest.approx(1.0, abs=4 / np.sqrt(2 * REPEATS))


def test_pulls_and_coverage_of_another_model() -> None:
    """Tails, an asymmetric plasmon, read-out noise: the counting error holds about the value
    without noise, the whole error about the truth."""
    random = np.random.default_rng(6)
    truth, gain, readout = 0.8, 4.0, 6.0
    clean = low_loss(truth, electrons=1e5, other=True)
    expected = float(log_ratio(ENERGY_LOSS, clean, 8.0).t_over_lambda)
    pulls, within = [], 0
    for _ in range(REPEATS):
        counts = gain * random.poisson(clean) + random.normal(0.0, readout, clean.size)
        (found,) = run(
            measurement(counts, ENERGY_LOSS, "eels"), threshold=8.0, counts_per_electron=gain
        ).findings
        assert found.value is not None
        assert found.std is not None
        assert found.std_stat is not None
        pulls.append((found.value - expected) / found.std_stat)
        within += abs(found.value - truth) < 2 * found.std
    assert abs(expected - truth) > 2 * found.std_stat, "else the other model is not another"
    assert abs(np.mean(pulls)) < 4 / np.sqrt(REPEATS)
    assert np.std(pulls) == pytest.approx(1.0, abs=4 / np.sqrt(2 * REPEATS) + 0.05)
    assert within >= 0.95 * REPEATS


def test_map_gives_each_pixel_and_leaves_the_saturated_one_out() -> None:
    random = np.random.default_rng(1)
    cube = np.stack(
        [[random.poisson(low_loss(t)) for t in (0.3, 0.6)], [random.poisson(low_loss(1.2))] * 2]
    ).astype(np.uint32)
    cube[1, 1] = np.minimum(cube[1, 1], 5000)
    output = run(measurement(cube, ENERGY_LOSS, "eels"), threshold=8.0, counts_per_electron=1.0)
    found = output.arrays["map"]["t_over_lambda"].values
    assert found[0] == pytest.approx([0.3, 0.6], abs=0.02)
    assert found[1, 0] == pytest.approx(1.2, abs=0.02)
    assert np.isnan(found[1, 1])
    (finding,) = output.findings
    assert finding.value == pytest.approx(np.nanmean(found))
    assert finding.evidence["pixels_left_out"] == 1
    assert "1 of 4 pixels are saturated" in output.notices[-1].message
    std = output.arrays["map"]["t_over_lambda_std"].values
    assert finding.std_stat == pytest.approx(np.sqrt(np.nansum(std**2)) / 3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e, v: (e[110:], v[110:]), "out-of-range"),
        (lambda e, v: (e[97:], v[97:]), "cut"),
        (lambda e, v: (e, np.minimum(v, 0.5 * v.max())), "saturated"),
        (lambda e, v: (e, np.full_like(v, 300.0)), "none"),
        (lambda e, v: (e, v * 0), "none"),
    ],
)
def test_refused_without_a_whole_zero_loss(change: Any, code: str) -> None:
    energy, values = change(ENERGY_LOSS, low_loss(0.5))
    with pytest.raises(NoZeroLossError) as caught:
        find_zero_loss(energy, values)
    assert caught.value.code == code
    output = run(measurement(values, energy, "eels"))
    if code == "out-of-range":
        assert not output.findings
    else:
        assert output.findings[0].status == "not_observable"
        assert output.findings[0].value is None
        assert output.findings[0].reason == caught.value.reason


def test_threshold_within_the_peak_is_no_threshold() -> None:
    data = measurement(low_loss(0.5), ENERGY_LOSS, "eels")
    (finding,) = run(data, threshold=0.1).findings
    assert finding.status == "not_observable"
    assert "lies in the zero-loss peak" in (finding.reason or "")


def test_ceiling_of_the_type_counts_as_saturated() -> None:
    values = np.minimum(low_loss(0.5, electrons=1e7), 2**16 - 1).astype(np.uint16)
    with pytest.raises(NoZeroLossError, match="saturated"):
        find_zero_loss(ENERGY_LOSS, values)


def test_end_of_the_axis_that_cannot_be_told_leaves_the_error_open() -> None:
    values = low_loss(0.5)
    values[-500:] += np.linspace(0.0, 400.0, 500)
    (finding,) = run(measurement(values, ENERGY_LOSS, "eels"), threshold=8.0).findings
    assert finding.value is not None
    assert finding.std_sys is None
    assert any("beyond the end of the axis" in text for text in finding.assumptions)


@pytest.mark.parametrize(("clip", "said"), [(1.0, False), (0.9, False), (0.75, True), (0.5, True)])
def test_a_top_that_was_clipped_and_then_scaled_is_noticed(clip: float, said: bool) -> None:
    import xarray as xr

    from consilience.model.measurement import Signal
    from consilience_eels.files.checks import check_spectrum

    energy = np.arange(-5.0, 40.0, 0.1)
    peak = 60_000 * np.exp(-0.5 * (energy / 0.45) ** 2) + 200 * np.exp(
        -0.5 * ((energy - 20) / 4) ** 2
    )
    counts = np.random.default_rng(2).poisson(1.3 * np.minimum(peak, clip * 60_000) + 5.0) - 2.5
    data = xr.Dataset({"counts": ("energy_loss", counts)}, {"energy_loss": energy})
    codes = {n.code for n in check_spectrum(Signal("low loss", "eels", data))}
    assert ("zero-loss-flat" in codes) == said
