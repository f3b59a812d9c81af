"""The analyses of momentum on good and on bad input, and what their views draw."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
from compton_profiles_made import CONTEXT, NMC, SETTING, expected, measurement, uneven_edges

from consilience.errors import BadInputError
from consilience.view import Figure, Table, Text
from consilience_compton.drawing.momentum import momentum_view, regions_view
from consilience_compton.drawing.momentum_maps import changes_view
from consilience_compton.findings.changes_run import run_changes
from consilience_compton.findings.momentum_params import (
    ChangeParams,
    MomentumParams,
    PixelBox,
    RegionParams,
)
from consilience_compton.findings.momentum_run import run_momentum
from consilience_compton.findings.regions_run import run_regions
from consilience_compton.model.profiles import ratio_of_windows
from consilience_compton.momentum.kinematics import Geometry

EDGES = uneven_edges(70.0, 115.0, 0.1)
GEOMETRY = Geometry(115.0, 90.0, 60.0, 250.0, 8, 8)


def counts_of(total: float = 2e4, seed: int = 1, shift: float = 0.0) -> np.ndarray:
    mean = expected(GEOMETRY, EDGES - shift, total=total)
    return np.random.default_rng(seed).poisson(mean).astype(np.uint32)


def run(counts: np.ndarray, edges: Any = EDGES, **params: Any) -> Any:
    return run_momentum([measurement(counts, edges, **SETTING)], MomentumParams(**params), CONTEXT)


def drawn(findings: Any, analysis: str, measurements: list[Any], arrays: Any, view: Any) -> Any:
    """What a view makes of findings as the study would keep them."""
    kept = [
        SimpleNamespace(
            **{k: getattr(f, k) for k in ("kind", "value", "std_stat", "std_sys")},
            status=f.status, reason=f.reason,
            evidence=f.evidence, array=f.array, region=f.region, subject=f.subject,
            state=f.state or {}, sentence=f.evidence.get("sentence"),
            measurements=f.measurements or [m.id for m in measurements],
            source=SimpleNamespace(analysis=analysis),
        )
        for f in findings
    ]  # fmt: skip
    return view(measurements, kept, SimpleNamespace(open_array=lambda name: arrays[name]))


def test_a_cube_gives_ratio_errors_map_and_what_stands_beside():
    out = run(counts_of(), scattering_angle_std=0.1, boxes=[PixelBox(name="left", columns=(0, 3))])
    whole, box = out.findings
    model = ratio_of_windows(NMC, fwhm=0.9047)
    assert abs(whole.value - model) < 5.0 * whole.std_stat + 1e-3
    evidence = whole.evidence
    assert evidence["peak_predicted_keV"] == pytest.approx(93.874, abs=1e-3)
    assert abs(evidence["peak_deviation_keV"]) < 5.0 * evidence["peak_deviation_std_keV"]
    assert evidence["resolution_au"] == pytest.approx(0.905, abs=1e-3)
    assert max(evidence["formula_less_exact_kinematics_au"]) == pytest.approx(0.016, abs=1e-3)
    known = [p for p in evidence["std_sys_parts"].values() if p is not None]
    assert whole.std_sys == pytest.approx(np.sqrt(np.sum(np.square(known))))
    assert evidence["std_sys_parts"]["multiple_scattering"] is None
    assert any("more than once" in text for text in whole.assumptions)
    slope, std = evidence["emr_per_degree"]
    assert abs(slope) < 4.0 * std + 1e-3
    assert box.region.label == "left"
    assert box.region.coordinates == [[0.0, 0.0], [7.0, 3.0]]
    assert whole.std_stat < box.std_stat < 2.0 * whole.std_stat
    data = out.arrays["map"]
    assert data["emr"].shape == (8, 8)
    assert np.nanmean(data["emr_of_pixels"]) == pytest.approx(whole.value, rel=0.01)
    assert not [n for n in out.notices if n.severity != "info"]


def test_a_dead_row_is_left_out_and_said():
    counts = counts_of()
    counts[3] = 0
    out = run(counts)
    (finding,) = out.findings
    assert finding.evidence["dead_rows"] == [3]
    assert finding.evidence["pixels_left_out"] == 8
    assert "among them all of row 3" in out.notices[-1].message
    assert np.isnan(out.arrays["map"]["emr"].values[3]).all()
    assert finding.value == pytest.approx(run(counts_of()).findings[0].value, abs=0.01)


def test_marked_pixels_are_left_out():
    counts = counts_of()
    good = np.ones((8, 8), dtype=bool)
    good[2, 5] = False
    counts[2, 5] = 10_000
    out = run_momentum(
        [measurement(counts, EDGES, good=good, **SETTING)], MomentumParams(), CONTEXT
    )
    assert out.findings[0].evidence["pixels"] == 63


def test_a_peak_that_is_not_where_it_should_be_is_noticed():
    shifted = counts_of(shift=0.3)
    out = run(shifted)
    notice = next(n for n in out.notices if n.code == "compton-peak-away")
    assert "from the 93.874 keV" in notice.message
    assert "as an angle that is -" in notice.message
    part = out.findings[0].evidence["std_sys_parts"]["energy_offset"]
    assert part > 0.02
    there = run(shifted, centre="found")
    assert not [n for n in there.notices if n.code == "compton-peak-away"]
    assert there.findings[0].value == pytest.approx(run(counts_of()).findings[0].value, abs=0.01)
    assert there.findings[0].evidence["std_sys_parts"]["energy_offset"] < 0.1 * part


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"edges": None}, "the energy axis of these spectra is in channels"),
        ({"edges": EDGES - 40.0}, "no Compton peak in range: it is expected at 93.87 keV"),
        ({"counts": np.zeros((8, 8, EDGES.size - 1))}, "no spectrum holds a count in the windows"),
        ({"counts": np.full((8, 8, EDGES.size - 1), 5)}, "no Compton peak within 8 atomic units"),
        ({"params": {"low": ((-0.01, 0.01),), "high": ((1.0, 5.0),)}}, "narrower than a bin"),
        ({"params": {"low": ((-1.0, 2.0),)}}, "overlap"),
    ],
)
def test_bad_input_is_not_observable_with_the_reason(change, said):
    counts = change.get("counts", counts_of())
    out = run(counts, change.get("edges", EDGES), **change.get("params", {}))
    (finding,) = out.findings
    assert finding.status == "not_observable"
    assert said in finding.reason
    assert out.notices[0].fix


def test_without_energy_or_angle_it_says_what_to_give():
    bare = measurement(counts_of(), EDGES)
    out = run_momentum([bare], MomentumParams(), CONTEXT)
    assert "incident_energy and scattering_angle not known" in out.findings[0].reason
    given = MomentumParams(incident_energy=115.0, scattering_angle=90.0)
    told = run_momentum([bare], given, CONTEXT)
    assert told.findings[0].value is not None
    assert told.notices[0].code == "one-angle-for-all"


def test_a_window_without_counts_is_no_ratio():
    """A detector that counts nothing at high momentum."""
    place = 0.5 * (EDGES[1:] + EDGES[:-1])
    only = np.where(abs(place - 93.87) < 0.5, 4, 0) * np.ones((8, 8, 1), dtype=int)
    (finding,) = run(only).findings
    assert finding.status == "not_observable"
    assert "0 of high momentum" in finding.reason


def test_a_list_of_spectra_shares_its_systematic_errors():
    flat = Geometry(115.0, 90.0)
    mean = np.array([expected(flat, EDGES, f, 1e6)[0, 0] for f in (NMC, "Li")])
    counts = np.random.default_rng(2).poisson(mean)
    listed = measurement(counts, EDGES, ("state",), **SETTING)
    out = run_momentum([listed], MomentumParams(scattering_angle_std=0.2), CONTEXT)
    assert [f.subject.label for f in out.findings] == ["state 1", "state 2"]
    joint = out.arrays["covariance"]
    assert joint["statistical"].values[0, 1] == 0.0
    angle = joint["systematic_scattering_angle"].values
    assert angle[0, 1] ** 2 == pytest.approx(angle[0, 0] * angle[1, 1])
    one = measurement(counts[0], EDGES, (), **SETTING)
    single = run_momentum([one], MomentumParams(), CONTEXT)
    assert single.findings[0].value == pytest.approx(out.findings[0].value)


def test_changes_find_what_was_planted_and_nothing_else():
    mean = expected(GEOMETRY, EDGES, total=3e5)
    other = mean.copy()
    other[:, :4] = 0.9 * mean[:, :4] + 0.1 * expected(GEOMETRY, EDGES, "Li", 3e5)[:, :4]
    random = np.random.default_rng(8)
    maps = [
        measurement(random.poisson(m), EDGES, name=n, state={"cycle": i}, **SETTING)
        for i, (n, m) in enumerate((("a", mean), ("b", mean), ("c", other)))
    ]
    out = run_changes(maps, ChangeParams(along="cycle"), CONTEXT)
    same, changed = out.findings
    assert abs(same.value) < 4.0 * same.std_stat
    assert same.evidence["p_uniform"] > 0.001
    assert changed.evidence["p_uniform"] < 1e-6
    assert changed.evidence["beyond_5_percent_family"] > 10
    assert changed.measurements == ["m-a", "m-c"]
    with pytest.raises(BadInputError, match="along 'rate'"):
        run_changes(maps, ChangeParams(along="rate"), CONTEXT)
    assert not run_changes(maps[:1], ChangeParams(), CONTEXT).findings
    blocks = drawn(out.findings, "compton.changes", maps, out.arrays, changes_view)
    figures = [b for b in blocks if isinstance(b, Figure)]
    assert len(figures) == 2
    for one in figures:
        one.draw(matplotlib.figure.Figure())
        assert "SIMULATED" in one.title
    assert any("not by the same everywhere" in b.text for b in blocks if isinstance(b, Text))


def test_drift_between_states_is_carried():
    maps = [
        measurement(counts_of(3e4, i, shift=s), EDGES, name=str(i), state={"cycle": i}, **SETTING)
        for i, s in enumerate((0.0, 0.15))
    ]
    (finding,) = run_changes(maps, ChangeParams(), CONTEXT).findings
    assert finding.evidence["peak_moved_keV"] == pytest.approx(0.15, abs=0.02)
    assert finding.std_sys > finding.std_stat
    (there,) = run_changes(maps, ChangeParams(centre="found"), CONTEXT).findings
    assert abs(there.value) < abs(finding.value)


def test_views_draw_profiles_budget_and_maps():
    cube = measurement(counts_of(), EDGES, **SETTING)
    out = run_momentum([cube], MomentumParams(), CONTEXT)
    blocks = drawn(out.findings, "compton.momentum", [cube], out.arrays, momentum_view)
    figures = [b for b in blocks if isinstance(b, Figure)]
    assert [f.raster for f in figures] == [False, True]
    for one in figures:
        one.draw(matplotlib.figure.Figure())
        assert "SIMULATED" in one.title
    tables = [b for b in blocks if isinstance(b, Table)]
    assert tables[0].headings[1] == "EMR"
    names = {row[0]: row[1] for row in tables[1].rows}
    assert names["multiple scattering"] is None
    refused = run(counts_of(), EDGES - 40.0)
    (text,) = drawn(refused.findings, "compton.momentum", [cube], {}, momentum_view)
    assert "no Compton peak in range" in text.text


def test_view_of_regions():
    spectra = [expected(GEOMETRY, EDGES, f, 1e5) for f in ("Li", NMC)]
    lithium, cathode = spectra
    solid = 0.2 * lithium
    random = np.random.default_rng(3)
    parts = (cathode + solid + 0.62 * lithium, solid + 0.88 * lithium, lithium)
    regions = [
        measurement(random.poisson(m), EDGES, name=str(i), state={"region": i + 1}, **SETTING)
        for i, m in enumerate(parts)
    ]
    out = run_regions(regions, RegionParams(alpha=0.88, beta=0.62), CONTEXT)
    blocks = drawn(out.findings, "compton.regions", regions, out.arrays, regions_view)
    figures = [b for b in blocks if isinstance(b, Figure)]
    assert len(figures) == 2
    for one in figures:
        one.draw(matplotlib.figure.Figure())
    assert any("α = 0.88, β = 0.62" in b.text for b in blocks if isinstance(b, Text))
