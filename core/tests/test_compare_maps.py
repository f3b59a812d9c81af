"""Maps of one area: together, apart, or no more than two smooth maps do by chance."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from plain_findings import plain_finding
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr

from consilience.compare.context import ComparisonContext
from consilience.compare.maps.correlation import correlate, reliability
from consilience.compare.maps.maps import compare
from consilience.compare.multiplicity import kept
from consilience.kinds import CORE_KINDS
from consilience.model import Finding, Sample, Verdict

Array = NDArray[np.float64]
SHAPE = (24, 36)
BOX = {"shape": "box", "coordinates": [[0, 0], [35, 23]], "unit": "um", "frame": "scan (x, y)"}


def smooth(seed: int, width: float = 2.0) -> Array:
    """A random field with neighbours alike, without ends that meet."""
    wide = np.random.default_rng(seed).normal(size=(SHAPE[0] + 32, SHAPE[1] + 32))
    field = gaussian_filter(wide, width)[16:-16, 16:-16]
    return np.asarray(field / field.std(), dtype=np.float64)


def as_map(values: Array, std: float | None = 0.1, step: float = 1.0, unit: str = "um") -> Any:
    y, x = (np.arange(n) * step for n in values.shape)
    data = xr.Dataset(
        {"amount": (("y", "x"), values, {"units": "count"})},
        {"y": ("y", y, {"units": unit}), "x": ("x", x, {"units": unit})},
    )
    if std is not None:
        data["amount_std"] = (("y", "x"), np.full(values.shape, std), {"units": "count"})
    return data


def finding(number: int, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "kind": "element_map",
        "subject": {"element": "Pt"},
        "region": BOX,
        "array": f"array-{number}",
        "evidence": {"variable": "amount", "variable_std": "amount_std"},
        "measurements": [f"m-{number}"],
    }
    return plain_finding(technique="x", **{**content, **more})


def judged(one: Any, other: Any, **more: Any) -> Verdict | None:
    first, second = finding(1), finding(2, **more)
    arrays = {"array-1": one, "array-2": other}
    context = ComparisonContext(
        samples={"chip": Sample(id="chip"), "lamella": Sample(id="lamella", parent="chip")},
        kinds={k.name: k for k in CORE_KINDS},
        modalities={first.id: "xrf", second.id: "edx"},
        open_array=arrays.__getitem__,
    )
    return compare(first, second, context)


def test_maps_of_one_thing_go_together() -> None:
    truth = smooth(1)
    noise = np.random.default_rng(2).normal(0.0, 0.5, (2, *SHAPE))
    found = judged(as_map(truth + noise[0], 0.5), as_map(7.0 * (truth + noise[1]), 3.5))
    assert found is not None
    assert found.verdict == "consistent"
    assert found.numbers["correlation"] == pytest.approx(0.8, abs=0.05)
    assert found.numbers["without_noise"] == pytest.approx(1.0, abs=0.04)
    assert "which does not make them equal" in found.reason


def test_positions_in_other_units_of_length_are_the_same_positions() -> None:
    truth = smooth(1)
    found = judged(as_map(truth), as_map(truth, step=1000.0, unit="nm"))
    assert found is not None
    assert found.verdict == "consistent"
    assert found.numbers["points"] == truth.size
    micron_for_nanometre = judged(as_map(truth), as_map(truth, step=1000.0, unit="um"))
    assert micron_for_nanometre is not None
    assert micron_for_nanometre.verdict == "undecided"


def test_smooth_maps_that_have_nothing_to_do_with_each_other_are_undecided() -> None:
    found = judged(as_map(smooth(13, 5.0)), as_map(smooth(14, 5.0)))
    assert found is not None
    assert found.verdict == "undecided"
    assert "would have been seen" in found.reason


def test_maps_of_one_thing_that_exclude_each_other_disagree() -> None:
    truth = smooth(5)
    found = judged(as_map(truth), as_map(-truth))
    assert found is not None
    assert found.verdict == "disagree"


def test_an_element_that_is_low_where_its_phase_is_asks_for_other_phases() -> None:
    truth = smooth(5)
    found = judged(as_map(truth), as_map(-truth), kind="phase_map", subject={"formula": "LiPt"})
    assert found is not None
    assert found.verdict == "undecided"
    assert found.settle == "maps of the other phases of that element"


def test_a_phase_without_the_element_is_another_matter() -> None:
    same = as_map(smooth(5))
    assert judged(same, same, kind="phase_map", subject={"formula": "LiF"}) is None


def test_a_coarser_grid_is_interpolated_and_said() -> None:
    truth = smooth(6, 3.0)
    found = judged(as_map(truth), as_map(truth[::2, ::2], step=2.0))
    assert found is not None
    assert found.verdict == "consistent"
    assert "interpolated to the points of the first" in found.reason


@pytest.mark.parametrize(
    ("other", "more", "said"),
    [
        (as_map(smooth(1), unit="deg"), {}, r"is in frame 'scan \(x, y\)' \(um\), .* \(deg\)"),
        (as_map(smooth(1)), {"region": {**BOX, "frame": "lamella"}}, "is not known"),
        (as_map(smooth(1)), {"sample": "lamella"}, "mapped different pieces"),
        (as_map(smooth(1)), {"evidence": {}}, "names no map that could be opened"),
        (as_map(smooth(1)), {"evidence": {"variable": "Pt"}}, "hold no map 'Pt'"),
        (as_map(np.ones(SHAPE)), {}, "one value everywhere"),
        (as_map(np.full(SHAPE, np.nan)), {}, "0 points in common"),
        (as_map(smooth(1)).drop_vars("x"), {}, "its axes have no positions"),
    ],
)
def test_maps_that_cannot_be_compared_say_why(other: Any, more: dict[str, Any], said: str) -> None:
    found = judged(as_map(smooth(1)), other, **more)
    assert found is not None
    assert found.verdict == "not_comparable"
    assert re.search(said, found.reason)


@pytest.mark.parametrize("width", [0.01, 2.0, 6.0])
def test_chance_is_called_what_it_is_whatever_the_smoothness(
    width: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of unrelated maps some 5 % have p below 0.05; points taken as independent: most of them."""
    monkeypatch.setattr("consilience.compare.maps.correlation.SURROGATES", 99)
    p = [
        correlate(smooth(1000 + i, width), smooth(2000 + i, width), seed=i).p_value
        for i in range(150)
    ]
    assert np.mean(np.array(p) <= 0.05) < 0.11  # 5 % and three deviations of so many trials


def test_a_correlation_beyond_all_surrogates_has_the_p_of_independent_points() -> None:
    """White noise has as many independent points as points: scipy's p; smooth maps have fewer."""
    rng = np.random.default_rng(8)
    one, rest = rng.normal(size=(2, *SHAPE))
    other = 0.15 * one + rest
    found = correlate(one, other)
    outside = pearsonr(one.ravel(), other.ravel())
    assert found.value == pytest.approx(outside.statistic)
    assert found.beyond
    assert outside.pvalue == pytest.approx(7.7e-5, rel=0.01)
    # the spread of r is known to a few percent, so far a tail to a factor of a few
    assert np.log(found.p_value) == pytest.approx(np.log(outside.pvalue), abs=2.0)
    smooth_ones = correlate(smooth(5, 4.0), -smooth(5, 4.0))
    assert smooth_ones.p_value == 1e-6
    assert correlate(one, one).p_value == 1e-6
    assert not correlate(one, rest).beyond


def test_maps_that_exclude_each_other_stand_among_many_comparisons() -> None:
    """By surrogates alone p would be 0.001 at the least, which no study of 51 tests keeps."""
    truth = smooth(5)
    found = judged(as_map(truth), as_map(-truth))
    assert found is not None
    assert found.p_value is not None
    assert kept([found.p_value], 500) == [True]
    assert "none of which goes so far" in found.reason


def test_reliability_is_the_share_that_is_not_noise() -> None:
    values = np.random.default_rng(1).normal(0.0, 1.0, 20_000)
    noisy = values + np.random.default_rng(2).normal(0.0, 0.5, 20_000)
    share = reliability(noisy, np.full(20_000, 0.5))
    assert share == pytest.approx(1.0 / 1.25, abs=0.01)
    assert reliability(noisy, None) is None
