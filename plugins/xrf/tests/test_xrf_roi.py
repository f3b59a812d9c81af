"""Windows about lines: what they count, what they keep and take, and how they are told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from xrf_fits import ENERGY, GEOMETRY, RESPONSE, context, expected, families, measurement

from consilience.view import Figure, ViewContext
from consilience_xrf.drawing.roi_view import roi_view
from consilience_xrf.findings.roi_params import RoiParams
from consilience_xrf.findings.roi_run import run_roi
from consilience_xrf.fitting.roi import Roi, roi_sums, roi_window

LIGHT = {"Fe_K": 300.0, "elastic": 80.0, "compton": 150.0}


def window(name: str) -> Roi:
    (family,) = families(name)
    made = roi_window(family, ENERGY, RESPONSE)
    assert isinstance(made, Roi)
    return made


def test_a_straight_background_is_taken_off_and_the_line_is_kept() -> None:
    roi = window("Fe_K")
    assert roi.weights @ (50.0 - 3.0 * ENERGY) == pytest.approx(0.0, abs=1e-9)
    kept = roi.taken(roi.family, ENERGY, RESPONSE, GEOMETRY)
    # 98 % of a Gaussian less what its flanks leave beside the window, and none of the 12 % of Kβ
    assert 0.88 * 0.90 < kept < 0.88 * 0.98
    net = roi_sums(expected({"Fe_K": 5e4}, 0.0), [roi]).net[0]
    assert net == pytest.approx(kept * 5e4, rel=1e-9)


def test_errors_are_those_of_counting_and_limits_are_missed_in_a_twentieth() -> None:
    chance = np.random.default_rng(5)
    roi = window("Ni_K")
    kept = roi.taken(roi.family, ENERGY, RESPONSE, GEOMETRY)
    mean = expected(LIGHT, 20.0)
    nothing = roi_sums(chance.poisson(mean, (3000, ENERGY.size)).astype(float), [roi])
    bent = float(roi.weights @ mean)  # a falling background is no straight line
    pull = (nothing.net[0] - bent) / nothing.std[0]
    assert abs(pull.mean()) < 4.0 / np.sqrt(3000)
    assert pull.std() == pytest.approx(1.0, abs=0.05)
    limit = float(np.median(nothing.limit))
    there = expected({**LIGHT, "Ni_K": (limit - bent) / kept}, 20.0)
    seen = roi_sums(chance.poisson(there, (3000, ENERGY.size)).astype(float), [roi])
    critical = 0.5 * (seen.limit[0] - 1.645**2)
    assert (seen.net[0] < critical).mean() == pytest.approx(0.05, abs=0.02)


def test_what_a_window_takes_of_others_is_told_and_is_what_it_takes() -> None:
    # manganese Kβ, 6.49 keV, lies in the window of iron Kα, 6.40 keV
    counts = np.random.default_rng(6).poisson(expected({"Mn_K": 6e4})).astype(float)
    output = run_roi([measurement(counts)], RoiParams(elements=("Fe", "Mn", "Cu")), context())
    found = {f.subject.label: f for f in output.findings if f.subject}
    assert set(found) == {"Fe_K", "Mn_K", "Cu_K"}
    iron = found["Fe_K"]
    taken: Any = iron.evidence["takes_of_others"]
    share = taken["Mn_K"]
    assert share > 0.05
    assert iron.value == pytest.approx(share * 6e4, abs=5.0 * iron.std_stat)  # type: ignore[operator]
    assert [r.subject.label for r in iron.rivals] == ["Mn_K"]
    assert iron.status is None, "a quick look says of no element that it is there"
    assert iron.std_sys is None, "what nobody named is not known"
    assert not found["Cu_K"].rivals
    assert abs(found["Cu_K"].value) < 4.0 * found["Cu_K"].std_stat  # type: ignore[operator,arg-type]


def test_what_has_no_window_gets_a_notice() -> None:
    counts = np.random.default_rng(7).poisson(expected(LIGHT, 20.0)).astype(float)

    def said(made: Any, **params: Any) -> str:
        output = run_roi([made], RoiParams(**params), context())
        assert not output.findings
        (notice,) = output.notices
        return notice.message

    assert "no element was named" in said(measurement(counts))
    assert "excite no line of it" in said(measurement(counts), elements=("Mo_K",))
    assert "emits no X-ray" in said(measurement(counts), elements=("Li",))
    assert "no energy axis" in said(measurement(counts, None), elements=("Fe",))
    assert "ends below 0 keV" in said(measurement(counts, ENERGY - 50.0), elements=("Fe",))
    assert "no spectrum can be fitted: of 1, 1 without counts" in said(
        measurement(np.zeros(720)), elements=("Fe",)
    )
    assert "'Xx' is no element" in said(measurement(counts), elements=("Xx",))
    short = measurement(counts[:322], ENERGY[:322])
    assert "no room for a background" in said(short, elements=("Fe",))
    coarse = measurement(counts.reshape(-1, 8).sum(axis=1), ENERGY.reshape(-1, 8).mean(axis=1))
    assert "channels are too wide" in said(coarse, elements=("Fe",), noise=0.05)


def test_a_scan_gives_maps_and_pictures() -> None:
    share = np.linspace(0.2, 1.8, 12).reshape(3, 4)
    mean = expected(LIGHT, 3.0) + share[..., None] * expected({"Cu_K": 400.0}, 0.0)
    cube = np.random.default_rng(8).poisson(mean).astype(float)
    cube[1, 2] = 0.0
    scan = measurement(cube, dims=("y", "x", "channel"))
    scan.data = scan.data.assign_coords(
        x=("x", np.arange(4.0), {"units": "um"}), y=("y", np.arange(3.0), {"units": "um"})
    )
    output = run_roi([scan], RoiParams(), context("Fe", "Cu"))
    maps = output.arrays["windows"]
    copper = next(f for f in output.findings if f.subject and f.subject.element == "Cu")
    kept: Any = copper.evidence["share_of_own_counts"]
    away = (maps["Cu_K"].values - kept * 400.0 * share) / maps["Cu_K_std"].values
    assert np.isnan(away[1, 2])
    assert np.nanmax(np.abs(away)) < 4.0
    assert float(np.nansum(maps["Cu_K"].values)) == pytest.approx(copper.value, rel=1e-9)
    assert maps["Cu_K"].attrs["line"] == "K"
    source = SimpleNamespace(analysis="xrf.roi")
    findings: Any = [
        SimpleNamespace(**{**dict(f), "measurements": ["m-1"], "source": source})
        for f in output.findings
    ]
    blocks = roi_view([scan], findings, ViewContext(lambda name: output.arrays[name]))
    spectrum, grid = blocks
    assert isinstance(spectrum, Figure)
    assert isinstance(grid, Figure)
    picture = MatplotlibFigure()
    spectrum.draw(picture)
    assert {t.get_text() for t in picture.axes[0].texts} == {"Fe K", "Cu K"}
    grid.draw(MatplotlibFigure())
    assert [row[0] for row in spectrum.table.rows] == ["Fe K", "Cu K"]
