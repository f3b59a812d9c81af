"""Patterns over states: order, tracks, cells and changes, against outside numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience import Study
from consilience.errors import BadInputError
from consilience_xrd.identification.matching import ObservedPeak
from consilience_xrd.references.phases import library_phase
from consilience_xrd.series.cells import cell_lengths, relative_change
from consilience_xrd.series.change import constant, trend
from consilience_xrd.series.states import order_states
from consilience_xrd.series.tracks import follow
from consilience_xrd.simulation.series import SeriesSimulation, run


def peak(q: float, std: float = 1e-4) -> ObservedPeak:
    return ObservedPeak(q, std, 1.0, None, 0.02, 50.0, (), std, None)


def test_a_number_orders_the_states_and_text_labels_them() -> None:
    states = [{"cycle": 20, "bias": "on"}, {"cycle": 1, "bias": "on"}, {"cycle": 5, "bias": "off"}]
    axis = order_states(states, [None] * 3, ["c", "a", "b"])
    assert (axis.name, axis.values, axis.order) == ("cycle", (1.0, 5.0, 20.0), (1, 2, 0))
    assert axis.labels == ("bias on, cycle 1", "bias off, cycle 5", "bias on, cycle 20")


def test_times_order_what_no_number_does() -> None:
    starts = ["2026-03-01T12:00:00+00:00", "2026-03-01T09:30:00+00:00"]
    axis = order_states([{"bias": "on"}, {"bias": "off"}], starts, ["a", "b"])
    assert (axis.name, axis.unit, axis.values) == ("time", "h", (0.0, 2.5))


def test_without_either_the_order_of_registration_is_taken_and_said() -> None:
    axis = order_states([{"bias": "on"}, {"bias": "off"}], [None, None], ["a", "b"])
    assert not axis.numeric
    assert axis.labels == ("bias on", "bias off")
    assert "order of registration" in axis.notes[0]


def test_a_variable_that_is_no_number_everywhere_is_refused() -> None:
    with pytest.raises(BadInputError, match="'cycle' is no number in every state: one has 'last'"):
        order_states([{"cycle": 1}, {"cycle": "last"}], [None, None], ["a", "b"], "cycle")
    with pytest.raises(BadInputError, match="different units: V, mV"):
        order_states(
            [{"potential": {"value": 1, "unit": "V"}}, {"potential": {"value": 9, "unit": "mV"}}],
            [None, None],
            ["a", "b"],
            "potential",
        )
    with pytest.raises(BadInputError, match="1 of 2 measurements have no start time"):
        order_states([{}, {}], ["2026-03-01T12:00:00+00:00", None], ["a", "b"], "time")


def test_a_line_that_moves_goes_on_and_one_that_ends_is_not_taken_over() -> None:
    states = [[2.00, 2.05], [2.02, 2.05], [2.04, 2.05], [2.06]]
    tracks = follow([[peak(q) for q in s] for s in states], [1, 2, 3, 4], gate=0.03)
    assert [t.peaks for t in tracks] == [[0, 0, 0, 0], [1, 1, 1, None]]
    assert tracks[0].doubtful[-1] is False


def test_a_line_not_found_in_between_is_found_again() -> None:
    tracks = follow([[peak(2.0)], [], [peak(2.001)]], [1, 2, 3])
    assert [t.peaks for t in tracks] == [[0, None, 0]]


def test_a_peak_beyond_the_gate_is_another_line() -> None:
    tracks = follow([[peak(2.0)], [peak(2.1)]], [1, 2], gate=0.01)
    assert [t.states for t in tracks] == [[0], [1]]


def test_two_lines_in_reach_of_one_peak_are_doubtful() -> None:
    tracks = follow([[peak(2.00), peak(2.02)], [peak(2.011)]], [1, 2], gate=0.02)
    assert sum(any(t.doubtful) for t in tracks) == 1


@pytest.mark.parametrize(
    ("key", "hkl", "names"),
    [
        ("Pt", [(1, 1, 1), (2, 0, 0)], {"a"}),
        ("LiPt", [(0, 0, 1), (1, 0, 0)], {"a", "c"}),
        ("LiPt", [(0, 0, 0, 1)], {"c"}),
        ("LiPt", [(1, 0, 1)], set()),
        ("Li2CO3", [(0, 2, 0)], {"b"}),
        ("Li2CO3", [(1, 1, 0)], set()),
    ],
)
def test_lengths_are_those_of_the_lattice(
    key: str, hkl: list[tuple[int, ...]], names: set[str]
) -> None:
    from pymatgen.core.lattice import Lattice

    phase = library_phase(key)
    lattice = Lattice.from_parameters(*phase.cell)
    q = [2 * np.pi / lattice.d_hkl((h[0], h[1], h[-1])) for h in hkl]
    found = cell_lengths(phase.space_group, hkl, q, [1e-4] * len(q))
    assert {one.name for one in found} == names
    for one in found:
        assert one.value == pytest.approx(phase.cell["abc".index(one.name)], rel=1e-9)


def test_errors_of_lengths_are_those_of_repeats() -> None:
    rng = np.random.default_rng(3)
    phase, hkl, std = library_phase("LiPt"), [(0, 0, 1), (1, 0, 0), (1, 0, 1)], 2e-3
    from pymatgen.core.lattice import Lattice

    lattice = Lattice.from_parameters(*phase.cell)
    q = np.array([2 * np.pi / lattice.d_hkl(h) for h in hkl])
    drawn = [
        {
            one.name: one
            for one in cell_lengths(
                phase.space_group, hkl, list(q + rng.normal(0, std, 3)), [std] * 3
            )
        }
        for _ in range(2000)
    ]
    for name, true in (("a", phase.cell[0]), ("c", phase.cell[2])):
        pulls = [(d[name].value - true) / float(d[name].std or 0) for d in drawn]
        assert abs(np.mean(pulls)) < 0.1
        assert np.std(pulls) == pytest.approx(1, abs=0.07)


def test_the_published_shift_of_lipt() -> None:
    first = cell_lengths(187, [(0, 0, 0, 1)], [1.490], [None])[0].value
    last = cell_lengths(187, [(0, 0, 0, 1)], [1.510], [None])[0].value
    assert (round(first, 3), round(last, 3)) == (4.217, 4.161)
    change, std = relative_change(first, None, last, None)
    assert round(100 * change, 2) == -1.32
    assert std is None


def test_trend_equals_weighted_least_squares_and_kendall_of_scipy() -> None:
    from scipy.optimize import curve_fit
    from scipy.stats import kendalltau

    x, y, s = [1.0, 2.0, 4.0, 8.0], [1.0, 1.2, 1.1, 1.9], [0.1, 0.2, 0.1, 0.3]
    found = trend(x, y, s)
    assert found is not None
    best, cov = curve_fit(lambda t, a, b: a * t + b, x, y, sigma=s, absolute_sigma=True)
    assert found.slope == pytest.approx(best[0], rel=1e-6)
    assert found.slope_std == pytest.approx(cov[0, 0] ** 0.5, rel=1e-6)
    assert found.p == kendalltau(x, y).pvalue
    assert found.least_p == pytest.approx(2 / 24)
    assert trend(x[:2], y[:2], s[:2]) is None


def test_constancy_is_chi_square_about_the_weighted_mean() -> None:
    assert constant([1.0, 3.0], [1.0, 1.0]) == (2.0, 1)
    assert constant([1.0, 3.0], [1.0, None]) is None


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("series")
    params = SeriesSimulation(points=1500)
    *files, _ = run(params, 4, folder)
    study = Study.create(folder / "study")
    study.add_sample("anode", elements=["Pt", "Li", "F"])
    # registered in another order than they were measured in
    for path, cycle in list(zip(files, params.cycles, strict=True))[::-1]:
        study.add(path, "anode", state={"cycle": cycle})
    summary = study.analyse(["xrd.series"], params={"gate": 0.02, "follow": ["LiPt 0001"]})
    assert not summary.failures
    return study


def test_planted_changes_come_out_within_their_errors(series: Study) -> None:
    found = {f.subject.label: f for f in series.findings("strain") if f.subject}
    lengths = found["c of LiPt, 0001 followed"]
    assert lengths.value == pytest.approx(-0.0132, abs=4 * float(lengths.std_stat or 0))
    for label, planted in (("line at 2.660 Å⁻¹", 0.0), ("line at 4.460 Å⁻¹", -0.0132)):
        one = found[label]
        assert one.value == pytest.approx(planted, abs=4 * float(one.std_stat or 0))
    rivals = [r.subject.label for r in lengths.rivals]
    assert "another composition of the phase" in rivals


def test_phases_come_and_go(series: Study) -> None:
    history = {f.subject.label: f.evidence for f in series.findings("phase_history") if f.subject}
    assert history["LiPt"]["values"] == [1.0, 10.0, 20.0, 35.0, 50.0]
    assert history["LiPt"]["status"][0] == "present"
    assert str(history["Pt"]["sentence"]).startswith("present at cycle 1")
    assert history["Pt"]["status"][-1] != "present"


def test_simulated_series_say_so(series: Study) -> None:
    assert {f.origin for f in series.findings("strain")} == {"simulated"}


def test_one_state_is_no_series(tmp_path: Path) -> None:
    *files, _ = run(SeriesSimulation(cycles=[1.0], phases=[]), 1, tmp_path)
    with Study.create(tmp_path / "study") as study:
        study.add_sample("anode")
        study.add(files[0], "anode", state={"cycle": 1})
        summary = study.analyse(["xrd.series"])
    assert not summary.findings
    assert "needs two states or more; here is 1" in " ".join(n.message for n in summary.notices)


def test_a_line_that_no_phase_has_is_refused(tmp_path: Path) -> None:
    with Study.create(tmp_path / "study") as study:
        study.add_sample("anode")
        for title in ("one", "two"):
            study.add_peak_list(
                sample="anode", modality="xrd", axis="q", unit="1/angstrom", title=title,
                citation="entered", state={"cycling": title}, peaks=[{"center": 1.49}],
            )  # fmt: skip
        summary = study.analyse(["xrd.series"], params={"follow": ["LiPt 777"]})
    (failure,) = summary.failures
    assert "no line 'LiPt 777' among the references" in str(failure)
