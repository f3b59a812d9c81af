"""What findings probed, in words and lengths: beam, step, depth, volume and region side by side."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from consilience.report.probed import probed, probed_by, sizes_table
from consilience.report.subject_drawing import _decades
from consilience.sizes import BEAM, SIZES, STEP


@pytest.fixture
def made(report_samples: ModuleType) -> Any:
    def finding(lateral: str = "", probe: dict[str, Any] | None = None, **more: Any) -> Any:
        told = {"evidence": {SIZES: {"lateral": lateral}}} if lateral else {}
        pt = report_samples.Subject(element="Pt")
        return report_samples.finding(
            "element", pt, "chip", [], status="present", probe=probe, **told, **more
        )

    return finding


WHOLE = {"shape": "whole", "coordinates": [[0, 0], [3, 2]], "unit": "um", "frame": "m"}
NM = {"value": 50.0, "unit": "nm"}


def test_a_beam_is_no_step_and_a_region_stands_beside_both(made: Any) -> None:
    beam = probed(made(BEAM, {"lateral": NM}, region=WHOLE))
    assert beam.words == "beam 50 nm, region of 3 µm"
    assert (beam.lateral, beam.region) == (pytest.approx(50e-9), pytest.approx(3e-6))
    assert beam.lengths == pytest.approx([50e-9, 3e-6])
    assert probed(made(STEP, {"lateral": NM})).words == "step 50 nm"
    assert probed(made("", {"lateral": NM})).words == "lateral 50 nm"


def test_a_needle_has_depth_and_volume(made: Any) -> None:
    size = {"depth": NM, "lateral": NM, "volume": {"value": 64000.0, "unit": "nm^3"}}
    found = probed(made("", size))
    assert found.words == "depth 50 nm, lateral 50 nm, volume 64000 nm³"
    assert found.volume == pytest.approx(40e-9)


def test_a_line_of_several_values_says_what_they_have_in_common(made: Any) -> None:
    one, other = (made(STEP, {"lateral": NM, "depth": d}, region=WHOLE) for d in (NM, None))
    assert probed_by([one, one]) == probed(one)
    both = probed_by([one, other])
    assert (both.lateral, both.depth) == (pytest.approx(50e-9), None)
    assert both.words == "differs from value to value"
    near, far = (
        made(STEP, {"lateral": {"value": v, "unit": "nm"}}, region=WHOLE) for v in (52.0, 60.0)
    )
    assert probed_by([one, near]).lateral == pytest.approx(50e-9)
    assert probed_by([one, far]).lateral is None


def test_each_technique_says_how_large_what_it_looked_at_was(made: Any) -> None:
    size = {"lateral": NM, "depth": NM, "volume": {"value": 8000.0, "unit": "nm^3"}}
    found = [
        made(STEP, {"lateral": NM}, region=WHOLE),
        made(STEP, {"lateral": {"value": 2.0, "unit": "um"}}),
        made(BEAM, {"lateral": {"value": 1.0, "unit": "nm"}}),
        made(""),
        made("", size),
        made("", None, region={"shape": "whole", "frame": "m"}),
    ]
    techniques = dict(zip((f.id for f in found), ["xrf"] * 4 + ["apt", "eels"], strict=True))
    table = sizes_table(found, techniques)
    assert table is not None
    assert [list(row) for row in table.rows] == [
        ["apt", "lateral 50 nm", "not stated", "50 nm", "20 nm", "none"],
        ["eels", *["not stated"] * 4, "1 of 1"],
        ["xrf", "beam 1 nm; step 50 nm to 2 µm", "3 µm", "not stated", "not stated", "1 of 4"],
    ]
    assert sizes_table(found[3:4], techniques) is None


@pytest.mark.parametrize(
    ("lengths", "shown"),
    [
        ([], (-10, 0)),
        ([8e-9, 184e-9], (-10, -4)),
        ([3e-8], (-10, -4)),
        ([2e-3, 0.5], (-6, 0)),
        ([1e-12, 5.0], (-10, 0)),
        ([4e-7, 6e-6], (-9, -3)),
    ],
)
def test_the_axis_of_lengths_has_the_decades_that_it_takes(
    lengths: list[float], shown: tuple[int, int]
) -> None:
    low, high = _decades(lengths)
    assert (low, high) == shown
    assert high - low >= 6
