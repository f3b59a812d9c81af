"""Profiles along one line: together, apart, too short, or not on one line at all."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from plain_findings import plain_finding
from scipy.ndimage import gaussian_filter1d

from consilience.compare.context import ComparisonContext
from consilience.compare.maps.profiles import Profile, compare
from consilience.kinds import CORE_KINDS
from consilience.model import Finding, Sample, Verdict

Array = NDArray[np.float64]
N = 64


def line(start: float = 0.0, end: float = N - 1.0, y: float = 0.0, **more: Any) -> dict[str, Any]:
    ends = [[start, y], [end, y]]
    return {"shape": "line", "coordinates": ends, "unit": "nm", "frame": "scan 1", **more}


def smooth(seed: int, width: float = 2.0, points: int = N) -> Array:
    wide = np.random.default_rng(seed).normal(size=points + 8 * int(width + 1))
    made = gaussian_filter1d(wide, width)[4 * int(width + 1) :][:points]
    return np.asarray(made / made.std(), dtype=np.float64)


def profile(
    values: Array, std: float | None = 0.1, step: float = 1.0, unit: str = "nm", at: Any = None
) -> xr.Dataset:
    places = step * np.arange(values.size) if at is None else at
    data = xr.Dataset(
        {"value": ("distance", values, {"units": "count"})},
        {"distance": ("distance", places, {"units": unit})},
    )
    if std is not None:
        data["value_std"] = ("distance", np.full(values.size, std), {"units": "count"})
    return data


def finding(number: int, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "kind": "line_profile",
        "subject": {"element": "Pt"},
        "region": line(),
        "array": f"array-{number}",
        "evidence": {"variable": "value", "variable_std": "value_std"},
        "measurements": [f"m-{number}"],
    }
    return plain_finding(technique="x", **{**content, **more})


def judged(one: xr.Dataset, other: xr.Dataset, **more: Any) -> Verdict | None:
    """Compare two profiles; `more` is of the second finding, ``first`` of the first."""
    pair = finding(1, **more.pop("first", {})), finding(2, **more)
    arrays = {"array-1": one, "array-2": other}
    context = ComparisonContext(
        samples={"chip": Sample(id="chip"), "lamella": Sample(id="lamella", parent="chip")},
        kinds={k.name: k for k in CORE_KINDS},
        modalities={pair[0].id: "edx", pair[1].id: "eels"},
        open_array=arrays.__getitem__,
    )
    return compare(*pair, context)


def said(one: xr.Dataset, other: xr.Dataset, **more: Any) -> Verdict:
    verdict = judged(one, other, **more)
    assert verdict is not None
    return verdict


def test_profiles_of_one_thing_go_together() -> None:
    truth, rng = smooth(1), np.random.default_rng(2)
    one, other = (truth + rng.normal(0.0, 0.5, N) for _ in range(2))
    found = said(profile(one, 0.5), profile(7.0 * other, 3.5))
    assert found.verdict == "consistent"
    assert found.comparison == "core.profiles"
    assert found.numbers["correlation"] == pytest.approx(np.corrcoef(one, other)[0, 1])
    # Spearman's correction, with the variance of the noise that is stated
    shares = [1.0 - 0.25 / np.var(v, ddof=1) for v in (one, other)]
    expected = np.corrcoef(one, other)[0, 1] / np.sqrt(shares[0] * shares[1])
    assert found.numbers["without_noise"] == pytest.approx(min(expected, 1.0))
    assert set(found.numbers) == {"correlation", "without_noise", "smallest_seen", "points"}
    assert "the profiles go together, which does not make them equal" in found.reason


def test_profiles_that_exclude_each_other_disagree() -> None:
    truth = smooth(5)
    assert said(profile(truth), profile(-truth)).verdict == "disagree"
    phase = said(profile(truth), profile(-truth), subject={"formula": "LiPt"})
    assert phase.verdict == "undecided"
    assert phase.settle == "profiles of the other phases of that element"
    assert said(profile(truth), profile(truth), subject={"formula": "LiPt"}).verdict == "consistent"
    assert judged(profile(truth), profile(truth), subject={"formula": "LiF"}) is None


def test_unrelated_profiles_are_undecided() -> None:
    found = said(profile(smooth(3)), profile(smooth(4)))
    assert found.verdict == "undecided"
    assert "would have been seen" in found.reason


def test_counts_of_whatever_there_is_are_no_subject() -> None:
    counts = {"label": "all counts"}
    same = profile(smooth(1))
    assert judged(same, same, subject=counts, first={"subject": counts}) is None


@pytest.mark.parametrize("backwards", [False, True])
def test_a_line_may_begin_elsewhere_have_other_steps_and_run_back(backwards: bool) -> None:
    """Points of the second lie at 10, 12, ... 50 nm of the first, whichever end they start at."""
    truth = smooth(6, 3.0)
    values, ends = truth[10:51:2], (10.0, 50.0)
    if backwards:
        values, ends = values[::-1], ends[::-1]
    found = said(profile(truth), profile(values, step=0.002, unit="um"), region=line(*ends))
    assert found.verdict == "consistent"
    assert found.numbers["points"] == 21
    assert found.numbers["correlation"] == pytest.approx(1.0)
    assert "interpolated to the points of the coarser one" in found.reason


def test_points_between_points_are_interpolated_with_their_errors() -> None:
    """As numpy does; the errors are those of repeats."""
    values, at = smooth(2), np.sort(np.random.default_rng(3).uniform(0.0, 60.0, N))
    points = np.array([at[0] - 1.0, at[0], 20.0, 33.3, at[-1], at[-1] + 1.0])
    found = Profile(values, np.full(N, 0.5), at).on(points)
    inside = slice(1, 5)
    assert found.values[inside] == pytest.approx(np.interp(points[inside], at, values))
    assert np.isnan(found.values[[0, -1]]).all()
    noise = np.random.default_rng(4).normal(0.0, 0.5, (4000, N))
    repeats = np.array([np.interp(points[inside], at, values + n) for n in noise]).std(axis=0)
    assert found.std is not None
    assert found.std[inside] == pytest.approx(repeats, rel=0.04)
    unknown = said(profile(values), profile(values, None))
    assert unknown.numbers["without_noise"] is None


def test_uneven_points_are_brought_to_even_ones_and_gaps_stay_gaps() -> None:
    truth = smooth(8, 3.0)
    at = np.sort(np.random.default_rng(1).choice(np.arange(N), 32, replace=False)).astype(float)
    found = said(profile(truth), profile(np.interp(at, np.arange(N), truth), at=at))
    assert found.verdict == "consistent"
    gap = truth.copy()
    gap[20:24] = np.nan
    assert said(profile(gap), profile(truth)).numbers["points"] == N - 4
    half = said(profile(gap), profile(truth[::2], step=2.0))
    assert half.numbers["points"] == N // 2 - 2  # a gap beside a point is none at the point


def test_a_profile_read_from_the_wrong_end_is_told() -> None:
    truth = smooth(9, 2.0)
    found = said(profile(truth), profile(truth[::-1]))
    assert found.verdict == "undecided"
    assert "read from its other end" in found.reason
    assert found.numbers["better"]["correlation"] == pytest.approx(1.0)


@pytest.mark.parametrize("values", [np.linspace(0.0, 1.0, N), (np.arange(N) > 30.0) * 1.0])
def test_a_rise_or_a_step_alone_is_too_little_to_go_by(values: Array) -> None:
    """That one edge lies where another does is one coincidence, whatever r is."""
    noise = np.random.default_rng(1).normal(0.0, 0.02, (2, N))
    found = said(profile(values + noise[0]), profile(values + noise[1]))
    assert found.verdict == "undecided"
    assert "independent points, and 4 are needed" in found.reason
    assert found.settle == "profiles with more structure or more points"


@pytest.mark.parametrize("points", [4, 7])
def test_few_points_are_undecided(points: int) -> None:
    truth = smooth(1)
    found = said(profile(truth), profile(truth[:points]), region=line(0.0, points - 1.0))
    assert found.verdict == "undecided"
    assert f"{points} points in common, and 8 are needed" in found.reason


WHOLE = {"shape": "whole", "unit": "nm", "frame": "scan 1"}
AXIS = {"variable": "value", "variable_std": "value_std", "axis": "z"}
PLANE = xr.Dataset(
    {"value": (("y", "x"), np.zeros((4, 4)))}, {"y": ("y", np.arange(4.0)), "x": np.arange(4.0)}
)


def test_profiles_along_one_axis_of_one_region_need_no_line() -> None:
    truth = profile(smooth(1))
    first = {"region": WHOLE, "evidence": AXIS}
    assert said(truth, truth, **first, first=first).verdict == "consistent"


@pytest.mark.parametrize(
    ("other", "more", "reason"),
    [
        (profile(smooth(1)), {"region": None}, "no frame is stated"),
        (profile(smooth(1)), {"region": line(frame="")}, "no frame is stated"),
        (profile(smooth(1)), {"region": line(frame="scan 2")}, "'scan 1', the other in 'scan 2'"),
        (profile(smooth(1), unit="deg"), {}, "positions in nm and deg are not one length"),
        (profile(smooth(1)), {"region": line(y=5.0)}, "lie up to 5 nm apart"),
        (profile(smooth(1)), {"region": line(100.0, 163.0)}, "no stretch in common"),
        (profile(smooth(1)), {"region": line(5.0, 5.0)}, "a line without two ends"),
        (profile(smooth(1)), {"region": WHOLE}, "a line without two ends"),
        (profile(smooth(1)), {"sample": "lamella"}, "lines on different pieces"),
        (profile(smooth(1)), {"evidence": {}}, "names no profile that could be opened"),
        (profile(smooth(1)), {"evidence": {"variable": "Pt"}}, "hold no profile 'Pt'"),
        (profile(np.ones(N)), {}, "a profile has one value everywhere"),
        (profile(smooth(1)[:1]), {}, "its axes have no positions"),
        (PLANE, {}, "a map, and no profile"),
    ],
)
def test_profiles_that_cannot_be_compared_say_why(
    other: xr.Dataset, more: dict[str, Any], reason: str
) -> None:
    found = said(profile(smooth(1)), other, **more)
    assert found.verdict == "not_comparable"
    assert re.search(reason, found.reason)


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({"region": WHOLE}, {"region": WHOLE}, "along which axis"),
        (
            {"region": WHOLE, "evidence": AXIS},
            {"region": WHOLE, "evidence": {**AXIS, "axis": "x"}},
            r"different axes \(x and z\)",
        ),
        (
            {"region": WHOLE, "evidence": AXIS},
            {"region": {**WHOLE, "shape": "sphere"}, "evidence": AXIS},
            "different parts of the sample",
        ),
    ],
)
def test_axes_that_are_not_one_line_say_so(
    one: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    found = said(profile(smooth(1)), profile(smooth(1)), **other, first=one)
    assert found.verdict == "not_comparable"
    assert re.search(reason, found.reason)


@pytest.mark.parametrize(("points", "width"), [(16, 0.01), (16, 1.0), (40, 4.0), (100, 4.0)])
def test_chance_is_called_what_it_is(
    points: int, width: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of unrelated profiles some 5 % pass for more."""
    monkeypatch.setattr("consilience.compare.maps.correlation.SURROGATES", 99)
    region = line(0.0, points - 1.0)
    taken = []
    for i in range(150):
        pair = [profile(smooth(seed + i, width, points)) for seed in (1000, 2000)]
        taken.append(said(*pair, region=region, first={"region": region}).verdict != "undecided")
    assert np.mean(taken) < 0.11  # 5 % and three deviations of so many trials
