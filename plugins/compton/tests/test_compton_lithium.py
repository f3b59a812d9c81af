"""From simulated regions to x: planted lithium comes back, with errors, model and refusals."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from compton_coverage.cells import CONTEXT, as_measurement, expected, measured_state
from consilience.errors import BadInputError
from consilience_compton.findings.lithium_run import run_lithium
from consilience_compton.findings.lithium_states import states_of_spectra
from consilience_compton.findings.series_params import LithiumParams, PointParams, SeriesParams
from consilience_compton.findings.series_run import run_series
from consilience_compton.model.sensitivity import sensitivity

KNOWN = LithiumParams(alpha=0.88, beta=0.62, beam=250.0)


@lru_cache(maxsize=4)
def points(model: str) -> tuple[PointParams, ...]:
    found = []
    for x in (0.2, 0.6, 1.0):
        (state,), _ = states_of_spectra(measured_state(model, x, None), KNOWN)
        std = float(state.evaluated.result.std_stat)
        found.append(PointParams(emr=state.value or 0.0, x=x, emr_std=std, x_std=0.01))
    return tuple(found)


@pytest.mark.parametrize("model", ["first", "second"])
def test_planted_lithium_comes_back(model: str) -> None:
    chance = np.random.default_rng(11)
    regions: list[Any] = []
    planted = {"pristine": 1.0, "charged": 0.26, "discharged": 0.9}
    for name, x in planted.items():
        regions += measured_state(model, x, chance, state=name)
    params = KNOWN.model_copy(update={"points": points(model), "same_setup": True})
    out = run_lithium(regions, params, CONTEXT)
    found = [f for f in out.findings if f.kind == "li_content"]
    assert [f.state for f in found] == [{"state": name} for name in planted]
    for finding, x in zip(found, planted.values(), strict=True):
        assert finding.value is not None
        assert finding.std is not None
        assert abs(finding.value - x) < 3.0 * finding.std
        assert 0.015 < finding.std < 0.06
        assert finding.std_sys is not None
        assert finding.rivals
        told: Any = finding.evidence
        assert "calibration" in told["std_sys_parts"]
        assert "resolution" not in told["std_sys_parts"]
        # moved in the analysis of these spectra, as in the free-atom model of the cell
        own, free = told["moved_by_analysis"], told["moves_x"]
        assert abs(own["energy_88_eV"]) == pytest.approx(abs(free["energy_88_eV"]), rel=0.4)
        assert abs(own["geometry_1_um"]) == pytest.approx(abs(free["geometry_1_um"]), rel=0.3)
        assert abs(own["angle_1_deg"]) > 0.7
    # all states share the calibration: their errors go together
    joint = out.arrays["lithium"]
    matrix: Any = sum(joint[name].values for name in joint if joint[name].ndim == 2)
    assert np.all(np.linalg.eigvalsh(matrix) > 0.0)
    assert matrix[0, 2] > 0.0
    np.testing.assert_allclose(np.sqrt(np.diag(matrix)), [f.std or 0.0 for f in found], rtol=1e-6)
    json.dumps([f.to_json() for f in out.findings])


def test_a_calibration_elsewhere_counts_all_that_it_does_not_share() -> None:
    regions = measured_state("first", 0.6, np.random.default_rng(3))
    here, elsewhere = (
        run_lithium(
            regions,
            KNOWN.model_copy(update={"points": points("first"), "same_setup": same}),
            CONTEXT,
        ).findings[0]
        for same in (True, False)
    )
    assert here.value == elsewhere.value
    assert here.std_sys is not None
    assert elsewhere.std_sys is not None
    assert elsewhere.std_sys > 5.0 * here.std_sys
    parts: Any = elsewhere.evidence["std_sys_parts"]
    assert "background" in parts


def test_without_a_calibration_x_is_not_observable() -> None:
    out = run_lithium(measured_state("first", 0.6, np.random.default_rng(3)), KNOWN, CONTEXT)
    (finding,) = out.findings
    assert finding.status == "not_observable"
    assert finding.value is None
    assert "no calibration of lithium" in (finding.reason or "")
    told: Any = finding.evidence
    assert told["net_counts_for_wanted_x"] == pytest.approx(1.3e6, rel=0.1)
    assert told["emr"] == pytest.approx(0.961, abs=0.01)


def test_beyond_the_calibration_is_said() -> None:
    regions = measured_state("first", 1.2, None)
    params = KNOWN.model_copy(update={"points": points("first"), "same_setup": True})
    out = run_lithium(regions, params, CONTEXT)
    assert any("x is extrapolated" in said for said in out.findings[0].assumptions)
    (notice,) = [n for n in out.notices if n.code == "lithium-extrapolated"]
    known = [one.emr for one in params.points]
    assert notice.message.startswith("x of 1 of 1 states is extrapolated: their ratios, ")
    assert notice.message.endswith(f"points, {min(known):.3f} to {max(known):.3f}")
    inside = run_lithium(measured_state("first", 0.6, None), params, CONTEXT)
    assert not [n for n in inside.notices if n.code == "lithium-extrapolated"]


def test_the_sensitivities_are_those_of_a_simulated_cell() -> None:
    """1 um less lithium in region 1 than told, on spectra: the model's Δx without spectra."""
    clean = expected("first", 0.6)
    moved = clean.counts.copy()
    moved[0] -= 1.0 / 250.0 * clean.counts[2]
    params = KNOWN.model_copy(update={"points": points("first"), "same_setup": True})
    values = []
    for counts in (clean.counts, moved):
        regions = [
            as_measurement(counts[n], clean.edges, clean.geometry, region=n + 1) for n in range(3)
        ]
        values.append(run_lithium(regions, params, CONTEXT).findings[0].value or 0.0)
    given = sensitivity()
    assert values[1] - values[0] == pytest.approx(given.by_geometry(1.0), rel=0.15)


def test_a_series_of_spectra_says_changes() -> None:
    chance = np.random.default_rng(2)
    regions: list[Any] = []
    for name, x in (("a", 1.0), ("b", 0.3)):
        regions += measured_state("first", x, chance, state=name)
    params = SeriesParams(alpha=0.88, beta=0.62, points=points("first"))
    out = run_series(regions, params, CONTEXT)
    labels = {f.subject.label for f in out.findings if f.subject}
    assert labels == {"EMR of the cathode", "lithium content x of the cathode", "EMR of the anode"}
    emr = next(f for f in out.findings if f.subject and f.subject.label == "EMR of the cathode")
    assert emr.value == pytest.approx(-0.038, abs=0.008)
    assert emr.std_stat is not None
    # the systematic error of each EMR is 3 %; most of it is common to both states
    assert emr.std_sys is not None
    assert emr.std_sys < 0.005
    data = out.arrays["course of the cathode, spectra"]
    assert [str(v) for v in data["label"].values] == ["a", "b"]


def test_what_states_share_moves_them_together() -> None:
    """Thicknesses are those of one cell, where the sheets meet it is found anew in each state."""
    regions: list[Any] = []
    for name, x in (("a", 1.0), ("b", 0.3)):
        regions += measured_state("first", x, None, state=name)
    layers: dict[str, Any] = {"beam": 250.0, "cathode": 65.0, "electrolyte": 30.0}
    params = SeriesParams(**layers, cathode_std=2.0, aligned_std=1.0, points=points("first"))
    joint = run_lithium(regions, params, CONTEXT).arrays["lithium"]
    thickness, edges, line = (
        joint[f"systematic_{name}"].values
        for name in ("cathode_thickness", "alignment_1", "calibration")
    )
    assert thickness[0, 1] == pytest.approx(np.sqrt(thickness[0, 0] * thickness[1, 1]))
    assert edges[0, 0] > 0.0
    assert edges[0, 1] == 0.0
    same = params.model_copy(update={"same_setup": True})
    left = run_lithium(regions, same, CONTEXT).arrays["lithium"]
    assert "systematic_cathode_thickness" not in left, "it is in the line already"
    assert "systematic_alignment_1" in left
    # the change of x has the line's error of both states as its covariance says
    calibration_only = same.model_copy(update={"aligned_std": 0.0, "energy_offset_std": 0.0})
    out = run_series(regions, calibration_only, CONTEXT)
    change = next(f for f in out.findings if f.subject and f.subject.label.startswith("lithium"))
    first, second = joint["x"].values
    by_ends = np.array([-second / first**2, 1.0 / first])
    both = line + joint["systematic_straightness"].values
    assert change.std_sys == pytest.approx(np.sqrt(by_ends @ both @ by_ends), rel=0.02)


def test_one_state_or_no_geometry_make_no_series() -> None:
    one = measured_state("first", 0.6, None, state="a")
    out = run_series(one, SeriesParams(), CONTEXT)
    assert [n.code for n in out.notices] == ["no-series"]
    two = [*one, *measured_state("first", 0.9, None, state="b")]
    out = run_series(two, SeriesParams(), CONTEXT)
    assert "state-left-out" in {n.code for n in out.notices}
    (unknown,) = [n for n in out.notices if "α and β are not known" in n.message]
    assert "compton.lithium and compton.series takes its own" in str(unknown.fix)


def test_bad_calibrations_and_states() -> None:
    regions = measured_state("first", 0.6, None)
    bad = KNOWN.model_copy(update={"points": points("first")[:1]})
    with pytest.raises(BadInputError, match="fix no line"):
        run_lithium(regions, bad, CONTEXT)
    out = run_lithium(regions[:2], KNOWN, CONTEXT)
    assert not out.findings
    assert any("region 3 was not measured" in n.message for n in out.notices)
