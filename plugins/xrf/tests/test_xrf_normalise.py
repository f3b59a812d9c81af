"""Maps by what each point got, and by one number for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.element_maps import ElementMap, MapSet, map_sets
from consilience_xrf.amounts.normalise import (
    common_basis,
    corrected,
    exposure_of,
    greatest,
    joint_covariance,
    percentile,
    rate_exposure,
)

Array = NDArray[np.float64]


def one_map(values: Array, std: Array | None = None) -> ElementMap:
    return ElementMap("Pt", "La", values, std, "count", "counting")


def one_set(values: Array, units: dict[str, str], **point: Array) -> MapSet:
    std = np.sqrt(np.clip(values, 1.0, None))
    ny, nx = values.shape
    return MapSet(
        {"Pt_La": one_map(values, std)}, np.arange(nx, dtype=float), np.arange(ny, dtype=float),
        "um", dict(point), units,
    )  # fmt: skip


def test_monitor_and_dead_time_are_divided_out() -> None:
    chance = np.random.default_rng(1)
    monitor = chance.uniform(0.5, 1.5, (4, 5)) * 1e6
    live, real = np.full((4, 5), 0.08), np.full((4, 5), 0.1)
    truth = 300.0
    made = one_set(
        truth * monitor / 1e6 * live / real,
        {"monitor": "count", "live_time": "s", "real_time": "s"},
        monitor=monitor, live_time=live, real_time=real,
    )  # fmt: skip
    basis = common_basis([made], ("monitor", "live_time", "real_time"))
    exposure = exposure_of(made, basis)
    assert exposure.by == ("monitor", "live over real time")
    got = corrected(made.maps["Pt_La"], exposure, 1e6)
    assert got.values == pytest.approx(np.full((4, 5), truth), rel=1e-12)
    scale = 1e6 / monitor / 0.8
    expected = np.hypot(np.sqrt(made.maps["Pt_La"].values) * scale, truth / np.sqrt(monitor))
    assert got.std == pytest.approx(expected, rel=1e-9)


def test_a_rate_of_a_monitor_needs_the_dwell_time_and_counts_do_not() -> None:
    values = np.full((2, 2), 100.0)
    amps, dwell = np.full((2, 2), 1e-9), np.array([[1.0, 1.0], [2.0, 2.0]])
    rate = one_set(values, {"monitor": "A", "dwell": "s"}, monitor=amps, dwell=dwell)
    exposure = exposure_of(rate, ("monitor", "dwell"))
    assert (exposure.unit, exposure.by) == ("A s", ("monitor", "dwell"))
    assert exposure.amount == pytest.approx(amps * dwell)
    assert exposure.relative_std is None  # a current says nothing of its noise
    summed = one_set(values, {"monitor": "count", "dwell": "s"}, monitor=1e9 * amps, dwell=dwell)
    assert exposure_of(summed, ("monitor", "dwell")).amount == pytest.approx(1e9 * amps)
    assert exposure_of(summed, ()).unit == "1"


def test_maps_in_counts_per_second_are_divided_by_no_time_again() -> None:
    """Two scans of one film: in the second each point took twice as long, with half of the beam."""
    time = np.full((2, 3), 0.5)
    beam = np.array([[1.0, 1.1, 0.9], [1.0, 1.2, 0.8]]) * 1e6
    film = 400.0

    def scan(seconds: Array, flux: Array) -> MapSet:
        made = one_set(
            film * flux / 1e6, {"monitor": "count", "live_time": "s", "real_time": "s"},
            monitor=flux * seconds, live_time=0.9 * seconds, real_time=seconds,
        )  # fmt: skip
        return replace(made, maps={"Pt_La": replace(made.maps["Pt_La"], unit="count/s")})

    basis = ("monitor", "live_time", "real_time")
    for one in (scan(time, beam), scan(2.0 * time, 0.5 * beam)):
        exposure = rate_exposure(one, basis, exposure_of(one, basis))
        assert exposure is not None
        assert (exposure.unit, exposure.by) == ("count/s", ("monitor over real_time",))
        got = corrected(one.maps["Pt_La"], exposure, 1e6)
        assert got.values == pytest.approx(np.full((2, 3), film), rel=1e-12)
        alone = rate_exposure(one, ("live_time",), exposure_of(one, ("live_time",)))
        assert alone is not None
        assert alone.amount == pytest.approx(np.ones((2, 3)))
    timeless = one_set(np.ones((2, 3)), {"monitor": "count"}, monitor=beam)
    assert rate_exposure(timeless, ("monitor",), exposure_of(timeless, ("monitor",))) is None


def test_only_what_all_scans_have_is_divided_by() -> None:
    values = np.full((2, 2), 9.0)
    one = one_set(values, {"monitor": "count", "dwell": "s"}, monitor=values, dwell=values)
    two = one_set(values, {"monitor": "A", "dwell": "s"}, monitor=values, dwell=values)
    assert common_basis([one, two], ("monitor", "dwell")) == ("dwell",)
    dark = one_set(values, {"monitor": "count"}, monitor=np.zeros((2, 2)))
    with pytest.raises(BadInputError, match="no point has a monitor above 0"):
        exposure_of(dark, ("monitor",))


def test_points_without_live_time_have_no_value() -> None:
    live = np.array([[0.1, 0.0], [0.1, 0.1]])
    made = one_set(
        np.full((2, 2), 9.0), {"live_time": "s", "real_time": "s"},
        live_time=live, real_time=np.full((2, 2), 0.1),
    )  # fmt: skip
    got = corrected(made.maps["Pt_La"], exposure_of(made, ("live_time", "real_time")), 0.1)
    assert np.isnan(got.values[0, 1])
    assert np.isfinite(got.values).sum() == 3


def test_error_and_bias_of_the_greatest_point_are_those_of_repeats() -> None:
    """The greatest of many noisy points lies above the truth by about what is stated."""
    chance = np.random.default_rng(7)
    truth = np.full((30, 30), 400.0)
    tops: list[float] = []
    lifted: list[float] = []
    stated: list[float] = []
    for _ in range(40):
        counts = chance.poisson(truth).astype(float)
        found = greatest([one_map(counts, np.sqrt(counts))])
        tops.append(found.value)
        assert found.std is not None
        assert found.bias is not None
        lifted.append(found.bias)
        stated.append(found.std)
    excess = float(np.mean(tops)) - 400.0
    assert float(np.mean(lifted)) == pytest.approx(excess, rel=0.25)
    assert float(np.mean(stated)) == pytest.approx(float(np.std(tops)), rel=0.35)
    clear = truth.copy()
    clear[3, 4] = 4000.0
    alone = greatest([one_map(truth, np.sqrt(truth)), one_map(clear, np.sqrt(clear))])
    assert alone.where == (1, 3, 4)
    assert alone.std == pytest.approx(np.sqrt(4000.0), rel=0.1)
    assert alone.bias == pytest.approx(0.0, abs=10.0)


def test_a_hot_point_does_not_move_the_percentile() -> None:
    values = np.linspace(0.0, 100.0, 1000).reshape(20, 50)
    hot = values.copy()
    hot[0, 0] = 1e5
    before, after = (percentile([one_map(v, np.ones_like(v))], 99.5) for v in (values, hot))
    assert after.value == pytest.approx(before.value, rel=2e-3)
    assert before.value == pytest.approx(99.6, abs=0.2)
    assert greatest([one_map(hot)]).std is None
    with pytest.raises(BadInputError, match="no point of Pt_La is above 0"):
        greatest([one_map(np.zeros((3, 3)))])


def test_one_normaliser_correlates_all_maps() -> None:
    """Covariance against repeats in which the shared number wobbles."""
    chance = np.random.default_rng(3)
    means, own, shared = np.array([0.5, 0.8]), np.array([0.01, 0.02]), 0.05
    drawn = (means + own * chance.standard_normal((40_000, 2))) / (
        1.0 + shared * chance.standard_normal((40_000, 1))
    )
    expected = np.cov(drawn.T)
    assert joint_covariance(means, own, shared) == pytest.approx(expected, rel=0.05)
    ratio = drawn[:, 1] / drawn[:, 0]
    assert ratio.std() == pytest.approx(1.6 * np.hypot(0.02, 0.025), rel=0.05)


def test_maps_of_a_data_set_with_frames_errors_and_gaps() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    seen = np.ones((3, 4))
    seen[0, 0] = 0.0
    data = xr.Dataset(
        {
            "a": (("theta", "y", "x"), values, {"units": "count", "element": "Pt", "line": "La"}),
            "b": (("theta", "y", "x"), values, {"units": "ug/cm^2", "element": "Fe", "line": "K"}),
            "b_std": (("theta", "y", "x"), 0.1 * values, {"units": "ug/cm^2"}),
            "measured": (("y", "x"), seen, {"units": "1"}),
            "dwell": (("theta",), [0.1, 0.2], {"units": "s"}),
            "monitor": (("y",), [5.0, 6.0, 7.0], {"units": "count"}),
        },
        {
            "theta": ("theta", [0.0, 30.0], {"units": "deg"}),
            "x": ("x", np.arange(4.0), {"units": "um"}),
            "y": ("y", np.arange(3.0), {"units": "um"}),
        },
    )
    first, second = map_sets(data)
    assert (first.label, second.label) == ("theta 0", "theta 30")
    assert list(first.maps) == ["Pt_La", "Fe_K"]
    assert np.isnan(first.maps["Pt_La"].values[0, 0])
    assert first.maps["Pt_La"].std_from == "counting"
    assert second.maps["Pt_La"].std == pytest.approx(np.sqrt(np.where(seen, values[1], np.nan)),
                                                     nan_ok=True)  # fmt: skip
    assert second.maps["Fe_K"].std_from == "file"
    assert second.point["dwell"] == pytest.approx(np.full((3, 4), 0.2))
    assert second.point["monitor"][:, 1].tolist() == [5.0, 6.0, 7.0], "one value for each row"
    assert map_sets(data, counting=False)[0].maps["Pt_La"].std is None
    with pytest.raises(BadInputError, match="no variable is the map of an element"):
        map_sets(data[["measured"]])
