"""Numbers on different volumes: what a map of the larger one says of the variation between."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from plain_findings import plain_finding
from scipy.ndimage import gaussian_filter

from consilience.compare import compare_findings
from consilience.compare.volumes.heterogeneity import block_means, variance_between
from consilience.model import Caveat, Finding, Margin, Sample, Source, Verdict
from consilience.registry import Registry

Array = NDArray[np.float64]
CUT = {"shape": "box", "coordinates": [[0, 0], [4, 4]], "unit": "um", "frame": "map"}
SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample.model_validate({"id": "lamella", "parent": "chip", "cut": CUT}),
    "second": Sample.model_validate({"id": "second", "parent": "chip", "cut": CUT}),
    "needle": Sample(id="needle", parent="lamella"),
}
MARGIN = {"mass_thickness": Margin(value=0.5, unit="kg/m^2", reason="a test")}


def field(seed: int, width: float, shape: tuple[int, int] = (40, 60)) -> Array:
    """A random field of variance 1."""
    wide = np.random.default_rng(seed).normal(size=(shape[0] + 40, shape[1] + 40))
    if not width:
        return np.asarray(wide[20:-20, 20:-20], dtype=np.float64)
    smooth = gaussian_filter(wide, width)[20:-20, 20:-20]
    return np.asarray(smooth * 2.0 * width * math.sqrt(math.pi), dtype=np.float64)


def finding(sample: str, technique: str, value: float | None, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "kind": "mass_thickness",
        "subject": {"element": "Pt"},
        "sample": sample,
        "value": value,
        "unit": None if value is None else "kg/m^2",
        "std_stat": None if value is None else 0.02,
        "std_sys": None if value is None else 0.02,
        "measurements": [f"m-{sample}-{technique}"],
    }
    return plain_finding(technique=technique, **{**content, **more})


NAMED = {"array": "map", "evidence": {"variable": "pt", "variable_std": "pt_std"}}


def as_map(values: Array, unit: str = "kg/m^2", std: float | None = 0.05) -> xr.Dataset:
    y, x = (np.arange(n, dtype=np.float64) for n in values.shape)
    data = xr.Dataset(
        {"pt": (("y", "x"), values, {"units": unit})},
        {"y": ("y", y, {"units": "um"}), "x": ("x", x, {"units": "um"})},
    )
    if std is not None:
        data["pt_std"] = (("y", "x"), np.full(values.shape, std), {"units": unit})
    return data


def judged(
    registry: Registry, findings: list[Finding], data: xr.Dataset | None = None, **more: Any
) -> Verdict:
    techniques = {f.id: f.source.plugin for f in findings}
    shown = as_map(10.0 + 0.1 * field(1, 2.0)) if data is None else data
    found = compare_findings(
        registry,
        SAMPLES,
        findings,
        techniques,
        margins=MARGIN,
        open_array={"map": shown}.__getitem__,
        **more,
    )
    (one,) = [v for v in found if v.comparison == "core.scalar"]
    return one


def test_blocks_have_the_variance_that_theory_gives() -> None:
    """White noise: 1/n of the points in a block.  A smooth field: that of its covariance."""
    white = np.mean(
        [variance_between(*block_means(field(i, 0.0), None, (1, 1), (4, 5))).variance
         for i in range(20)]
    )  # fmt: skip
    assert white == pytest.approx(1 / 20, rel=0.06)
    width, side = 2.0, 4
    lag = np.abs(np.subtract.outer(np.arange(side), np.arange(side)))
    along = np.exp(-(lag**2) / (4 * width**2)).mean()  # covariance of a Gaussian-filtered field
    smooth = np.mean(
        [variance_between(*block_means(field(i, width), None, (1, 1), (side, side))).variance
         for i in range(20)]
    )  # fmt: skip
    assert smooth == pytest.approx(along**2, rel=0.1)


def test_noise_is_taken_off_and_the_error_is_as_large_as_the_spread() -> None:
    made, stated = [], []
    for seed in range(200):
        noise = 0.8 * np.random.default_rng(900 + seed).normal(size=(40, 60))
        values = field(seed, 2.0) + noise
        found = variance_between(*block_means(values, np.full((40, 60), 0.8), (1, 1), (4, 4)))
        made.append(found.variance)
        stated.append(found.variance_std)
    truth = (np.exp(-(np.subtract.outer(range(4), range(4)) ** 2) / 16.0).mean()) ** 2
    assert np.mean(made) == pytest.approx(truth, rel=0.05)
    assert np.mean(stated) == pytest.approx(float(np.std(made)), rel=0.2)
    alone = [
        variance_between(
            *block_means(
                np.random.default_rng(s).normal(size=(40, 60)), np.ones((40, 60)), (1, 1), (2, 2)
            )
        ).variance
        for s in range(50)
    ]
    assert abs(np.mean(alone)) < 0.004


def test_a_map_of_the_number_lets_different_volumes_be_compared(registry: Registry) -> None:
    whole = finding("chip", "xrf", 10.0, **NAMED)
    one = judged(registry, [whole, finding("lamella", "edx", 10.1)])
    assert one.verdict == "agree"
    part = one.numbers["heterogeneity"]
    assert part["map"] == whole.id
    assert one.std == pytest.approx(math.hypot(0.04, part["std"]), rel=1e-6)
    assert part["std"] > part["volumes"][0]["std"]  # with its own error
    assert "lamella: 4 um" in one.reason
    assert "of the error is that variation" in one.reason
    far = judged(registry, [whole, finding("lamella", "edx", 11.0)])
    assert far.verdict == "disagree"
    rough = as_map(10.0 + field(1, 2.0))
    assert judged(registry, [whole, finding("lamella", "edx", 11.0)], rough).verdict == "undecided"


def test_units_are_converted_and_maps_in_proportion_are_said_to_be(registry: Registry) -> None:
    direct = judged(
        registry,
        [finding("chip", "xrf", 10.0, **NAMED), finding("lamella", "edx", 10.1)],
        as_map((10.0 + 0.1 * field(1, 2.0)) * 1e5, "ug/cm^2", 0.05e5),
    )
    assert direct.numbers["heterogeneity"]["volumes"][0]["std"] == pytest.approx(0.08, abs=0.02)
    counts = finding("chip", "xrf", None, kind="element_map", **NAMED)
    number = finding("chip", "xrd", 10.0)
    through = judged(
        registry,
        [counts, number, finding("lamella", "edx", 10.1)],
        as_map((10.0 + 0.1 * field(1, 2.0)) * 7.0, "count", 0.35),
    )
    assert "taken in proportion" in through.reason
    assert through.numbers["heterogeneity"]["std"] == pytest.approx(
        direct.numbers["heterogeneity"]["std"], rel=0.02
    )


def test_two_pieces_of_one_sample_both_vary(registry: Registry) -> None:
    counts = finding("chip", "xrf", None, kind="element_map", **NAMED)
    pieces = [finding("lamella", "edx", 10.0), finding("second", "xrf", 10.1)]
    one = judged(registry, [counts, *pieces])
    assert len(one.numbers["heterogeneity"]["volumes"]) == 2


@pytest.mark.parametrize(
    ("change", "size", "says"),
    [
        ({"kind": "thickness"}, {}, "no map or profile of the mass per area of Pt on chip"),
        ({"subject": {"element": "Li"}}, {}, "no map or profile of the mass per area of Pt"),
        ({"evidence": {"variable": "none"}}, {}, "its data hold no map 'none'"),
        ({}, {"coordinates": [[0, 0], [0.2, 0.2]]}, "a volume of 0.2 is finer than it shows"),
        ({}, {"coordinates": [[0, 0], [30, 30]]}, "it has room for 2 volumes of that size"),
        ({"state": {"cycle": 5}}, {}, "no map or profile"),
        ({"origin": "simulated"}, {}, "no map or profile"),
    ],
)
def test_what_says_nothing_of_the_number(
    registry: Registry, change: dict[str, Any], size: dict[str, Any], says: str
) -> None:
    shown = finding("chip", "xrf", None, **{"kind": "element_map", **NAMED, **change})
    number = finding("chip", "xrd", 10.0, state={"cycle": 1})
    piece = finding("lamella", "edx", 10.1, region={**CUT, **size} if size else None)
    one = judged(registry, [shown, number, piece])
    assert one.verdict == "not_comparable"
    assert "how much the value varies between them is unknown" in one.reason
    assert says in one.reason


def test_a_part_of_a_map_varies_even_if_it_names_the_map(registry: Registry) -> None:
    """Numbers of boxes and of the whole share one array; only what is as large as it is all."""
    corners = {"shape": "box", "unit": "um", "frame": "map"}
    part = {**corners, "coordinates": [[3, 3], [8, 8]]}
    piece = finding("lamella", "edx", 10.1)
    both = judged(registry, [finding("chip", "xrf", 10.0, region=part, **NAMED), piece])
    sizes = {v["of"] for v in both.numbers["heterogeneity"]["volumes"]}
    assert sizes == {"xrf on chip: 5 um", "edx on lamella: 4 um"}
    for all_of_it in (
        {**corners, "coordinates": [[0, 0], [59, 39]]},
        {"shape": "whole", "coordinates": [[0, 0], [59, 39]], "unit": "um", "frame": "map"},
    ):
        point = {"lateral": {"value": 1.0, "unit": "um"}}
        number = finding("chip", "xrf", 10.0, region=all_of_it, probe=point, **NAMED)
        one = judged(registry, [number, piece])
        assert len(one.numbers["heterogeneity"]["volumes"]) == 1
    shown = finding("chip", "xrf", None, kind="element_map", **NAMED)
    spot = finding("chip", "xrd", 10.0, probe={"lateral": {"value": 2.0, "unit": "um"}})
    assert len(judged(registry, [shown, spot, piece]).numbers["heterogeneity"]["volumes"]) == 2


def test_a_mean_is_as_large_as_its_area_and_not_as_its_beam(registry: Registry) -> None:
    boxed = finding(
        "chip", "xrf", None, kind="element_map", **NAMED,
        region={"shape": "box", "coordinates": [[0, 0], [59, 39]], "unit": "um", "frame": "m"},
    )  # fmt: skip
    point = {"lateral": {"value": 1.0, "unit": "um"}}
    area = {"shape": "whole", "coordinates": [[0, 0], [6, 4]], "unit": "um", "frame": "other"}
    mean = finding("chip", "eels", 10.0, region=area, probe=point)
    one = judged(registry, [boxed, mean, finding("lamella", "edx", 10.1)])
    sizes = {v["of"] for v in one.numbers["heterogeneity"]["volumes"]}
    assert sizes == {"eels on chip: 6 × 4 um", "edx on lamella: 4 um"}
    silent = finding("chip", "eels", 10.0, region={"shape": "whole", "frame": "other"}, probe=point)
    unknown = judged(registry, [boxed, silent, finding("lamella", "edx", 10.1)])
    assert "the size of the volume of eels on chip is not known" in unknown.reason


def test_a_map_of_relative_thickness_says_how_much_the_thickness_varies(
    registry: Registry,
) -> None:
    shown = finding("chip", "eels", 0.5, kind="t_over_lambda", subject=None, unit="1", **NAMED)
    about = {"kind": "thickness", "subject": None, "unit": "nm"}
    whole = finding("chip", "apt", 50.0, array="map", **about)
    piece = finding("lamella", "edx", 50.5, **about)
    data = as_map(0.5 + 0.005 * field(1, 2.0), "1", 0.001)
    one = judged(registry, [shown, whole, piece], data)
    assert "taken in proportion" in one.reason
    assert one.numbers["heterogeneity"]["std"] == pytest.approx(0.4, rel=0.3)


def test_an_unknown_size_and_a_doubted_map_say_nothing(registry: Registry) -> None:
    whole = finding("chip", "xrf", 10.0, **NAMED)
    one = judged(registry, [whole, finding("needle", "apt", 10.1)])
    assert "the size of the volume of apt on needle is not known" in one.reason
    sized = finding("needle", "apt", 10.1, probe={"volume": {"value": 64.0, "unit": "um^3"}})
    assert judged(registry, [whole, sized]).verdict == "agree"
    shown = finding("chip", "xrf", None, kind="element_map", **NAMED)
    doubt = Caveat(finding=shown.id, rule="r", effect="doubt", message="drift", citation="x")
    number = finding("chip", "xrd", 10.0)
    doubted = judged(registry, [shown, number, sized], caveats=[doubt])
    assert "no map or profile of the mass per area of Pt on chip" in doubted.reason


def test_a_profile_is_a_map_of_one_row(registry: Registry) -> None:
    x = np.arange(60.0)
    data = xr.Dataset(
        {"pt": ("x", 10.0 + 0.1 * field(3, 2.0)[0], {"units": "kg/m^2"})},
        {"x": ("x", x, {"units": "um"})},
    )
    whole = finding("chip", "xrf", 10.0, array="map", evidence={"variable": "pt"})
    one = judged(registry, [whole, finding("lamella", "edx", 10.1)], data)
    assert one.verdict in ("agree", "undecided")
    assert "the noise of the points is not taken off" in one.reason


@pytest.mark.parametrize(("off", "answer"), [(0.5, "agree"), (0.5, "disagree"), (0.0, "disagree")])
def test_answers_at_the_margin_come_at_the_level(
    registry: Registry, off: float, answer: str
) -> None:
    """The lamella is a random place of the map; 0.5 is the margin."""
    chance = np.random.default_rng([17, int(10 * off)])
    wrong = 0
    for seed in range(200):
        truth = 10.0 + 0.1 * field(seed, 2.0, (24, 40))
        seen = truth + 0.05 * chance.normal(size=truth.shape)
        y, x = chance.integers(0, 20), chance.integers(0, 36)
        value = float(truth[y : y + 4, x : x + 4].mean() + off + 0.028 * chance.normal())
        mean = float(truth.mean() + 0.028 * chance.normal())
        findings = [finding("chip", "xrf", mean, **NAMED), finding("lamella", "edx", value)]
        wrong += judged(registry, findings, as_map(seen)).verdict == answer
    assert wrong <= 20  # 5 % and three standard deviations of the count


def fractions(sample: str, technique: str, pt: float, **more: Any) -> list[Finding]:
    made = []
    for element, value in (("Li", 1.0 - pt), ("Pt", pt)):
        fields = {"kind": "composition", "subject": {"element": element}, "unit": "1"}
        if "array" in more:
            more["evidence"] = {"variable": element, "variable_std": f"{element}_std"}
        spread = {"std_stat": 0.002, "std_sys": 0.002}
        made.append(finding(sample, technique, value, **{**fields, **spread, **more}))
    return made


def pair_of_maps(values: Array, std: float = 0.01) -> xr.Dataset:
    data = as_map(values, "1", std).rename({"pt": "Pt", "pt_std": "Pt_std"})
    return data.assign(Li=(data.Pt.dims, 1.0 - values, {"units": "1"}), Li_std=data.Pt_std)


def composed(registry: Registry, findings: list[Finding], data: xr.Dataset) -> Verdict:
    found = compare_findings(
        registry,
        SAMPLES,
        findings,
        {f.id: f.source.plugin for f in findings},
        open_array={"map": data}.__getitem__,
    )
    (one,) = [v for v in found if v.comparison == "core.composition"]
    return one


def test_compositions_of_a_whole_and_a_piece_are_compared_by_maps(registry: Registry) -> None:
    """The margin is 5 at.%."""
    whole = fractions("chip", "edx", 0.5, array="map")
    smooth = pair_of_maps(0.5 + 0.01 * field(1, 2.0))
    one = composed(registry, [*whole, *fractions("lamella", "apt", 0.51)], smooth)
    assert one.verdict == "agree"
    said = one.numbers["heterogeneity"]
    assert set(said["maps"]) == {f.id for f in whole}
    assert said["std"]["Pt"] == pytest.approx(0.0082, abs=0.002)
    assert "different places: the maps of edx on chip vary by" in one.reason
    far = composed(registry, [*whole, *fractions("lamella", "apt", 0.6)], smooth)
    assert far.verdict == "disagree"
    rough = pair_of_maps(0.5 + 0.1 * field(1, 2.0))
    open_ = composed(registry, [*whole, *fractions("lamella", "apt", 0.6)], rough)
    assert open_.verdict == "undecided"


def test_a_map_of_one_of_two_elements_says_nothing_of_both(registry: Registry) -> None:
    li, pt = fractions("chip", "edx", 0.5, array="map")
    bare = pt.model_copy(update={"evidence": {}})
    data = pair_of_maps(0.5 + 0.01 * field(1, 2.0))
    one = composed(registry, [li, bare, *fractions("lamella", "apt", 0.51)], data)
    assert one.verdict == "not_comparable"
    assert "no maps of the fractions of Li, Pt on chip by one run" in one.reason


def test_regions_of_one_sample_are_different_volumes(registry: Registry) -> None:
    """Two boxes, and a box and the whole; what was weighed in is mixed all through."""
    box = {"shape": "box", "coordinates": [[10, 10], [14, 14]], "unit": "um", "frame": "map"}
    other = {**box, "coordinates": [[20, 20], [24, 24]]}
    shown = finding("chip", "xrf", None, kind="element_map", **NAMED)
    pair = [finding("chip", "xrd", 10.0, region=box), finding("chip", "edx", 10.1, region=other)]
    without = judged(registry, pair)
    assert without.verdict == "not_comparable"
    assert "speak of two regions" in without.reason
    with_map = judged(registry, [shown, *pair])
    assert with_map.verdict == "agree"
    assert len(with_map.numbers["heterogeneity"]["volumes"]) == 2
    part = judged(registry, [pair[0], finding("chip", "edx", 10.1)])
    assert "speak of a region and the whole" in part.reason or "a region of it" in part.reason
    put_in = Source(plugin="core", version="0", analysis="step.prepare", citation="a book")
    weighed = finding("chip", "weighed", 10.1, source=put_in.to_json())
    assert judged(registry, [pair[0], weighed]).verdict == "agree"
