"""Compositions: the same as exSpy's, with errors that hold; presence; lithium never."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, ENERGY, measurement, x_rays
from pydantic import ValidationError

from consilience.analysis import AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.sample import Sample
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.findings.quantify_run import QuantificationParams, run_quantification
from consilience_eels.library import atomic_weight, line_windows
from consilience_eels.xray.amounts import Recipe
from consilience_eels.xray.errors import Uncertain, parts_of
from consilience_eels.xray.quantify import line_counts, window_weights

K = {"Fe_Ka": 1.450226, "Pt_La": 5.075602}
REPEATS = 40


def run(data: Any, context: Any = CONTEXT, **params: Any) -> AnalysisOutput:
    return run_quantification([data], QuantificationParams(**params), context)


def real(shared_data: Path, name: str) -> Any:
    signal = read_microscope(shared_data / "eels_edx" / name, {}, {})[-1]
    return SimpleNamespace(
        data=signal.data,
        modality="edx",
        metadata=signal.metadata,
        record=SimpleNamespace(name=signal.name),
    )


def of(output: AnalysisOutput, kind: str) -> dict[str, Any]:
    return {f.subject.element: f for f in output.findings if f.kind == kind and f.subject}


@pytest.mark.data
def test_fept_is_that_of_exspy_with_errors(shared_data: Path) -> None:
    data = real(shared_data, "EDS_TEM_FePt_nanoparticles.hspy")
    signal = to_hyperspy(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signal.set_lines(["Fe_Ka", "Pt_La"])
        windows = signal.estimate_background_windows(line_width=[5.0, 2.0])
        sums = signal.get_lines_intensity(background_windows=windows)
        theirs = {
            units: [
                float(one.data[0]) / 100
                for one in signal.quantification(
                    sums, "CL", list(K.values()), composition_units=units, show_progressbar=False
                )
            ]
            for units in ("atomic", "weight")
        }
    output = run(data, k_factors=K, line_width=(5.0, 2.0))
    found = of(output, "composition")
    assert list(found) == ["Fe", "Pt"]
    mine = [found[e].value for e in found]
    assert mine == pytest.approx(theirs["atomic"], abs=1e-6)
    assert mine == pytest.approx([0.1541, 0.8459], abs=5e-5)
    by_weight = [found[e].evidence["weight_percent"] / 100 for e in found]
    assert by_weight == pytest.approx(theirs["weight"], abs=1e-6)
    assert by_weight == pytest.approx([0.0496, 0.9504], abs=5e-5)
    assert [found[e].evidence["net_counts"] for e in found] == [2754.0, 15090.0]
    assert found["Fe"].std_stat == pytest.approx(0.00342, abs=1e-5)
    assert found["Fe"].std_sys is None, "no error of the k-factors is stated"
    assert found["Fe"].evidence["std_sys_background"] > 0
    joint = output.arrays["covariance"]["statistical"].values
    # two fractions that sum to one move against each other exactly
    assert joint[0, 1] == pytest.approx(-joint[0, 0])
    assert [found[e].covariance.index for e in found] == [0, 1]
    stated = of(
        run(data, k_factors=K, k_std={"Fe_Ka": 0.0, "Pt_La": 0.25}, line_width=(5.0, 2.0)),
        "composition",
    )["Fe"]
    # only the ratio counts: x (1 - x) times its relative error
    k_part = 0.154093 * 0.845907 * 0.25 / 5.075602
    background = found["Fe"].evidence["std_sys_background"]
    cut = stated.evidence["std_sys_parts"]["windows"]
    assert 0 < cut < 0.001, "windows of whole channels cut off nearly the same share of each line"
    assert stated.std_sys == pytest.approx(np.sqrt(k_part**2 + background**2 + cut**2), rel=1e-4)


@pytest.mark.data
@pytest.mark.parametrize("widths", [(2.0, 2.0), (5.0, 2.0), (3.3, 1.1)])
def test_windows_are_those_of_exspy(shared_data: Path, widths: tuple[float, float]) -> None:
    for name, lines in (
        ("EDS_TEM_FePt_nanoparticles.hspy", ["Fe_Ka", "Pt_La", "Pt_Ma"]),
        ("test_TEM.bcf", ["Cu_Ka", "O_Ka", "Ti_Ka", "Pd_La"]),
    ):
        data = real(shared_data, name)
        signal = to_hyperspy(data)
        if signal.axes_manager.navigation_dimension:
            signal = signal.sum(axis=signal.axes_manager.navigation_axes)
        placed = line_windows(signal, lines, widths, 1.0, 2.0)
        weights = window_weights(data.data["energy"].values, placed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signal.set_lines(lines)
            theirs = signal.get_lines_intensity(
                xray_lines=lines,
                background_windows=signal.estimate_background_windows(
                    line_width=list(widths), xray_lines=lines
                ),
            )
        counts = np.asarray(signal.data, dtype=float).ravel()
        nets = [float(one.data.ravel()[0]) for one in theirs]
        assert weights @ counts == pytest.approx(nets, abs=1e-6)


@pytest.mark.data
def test_lines_on_lines_are_not_observable(shared_data: Path) -> None:
    """P K on Pt M, O K on Ti L; and lithium always."""
    battery = SimpleNamespace(sample=Sample(id="s", elements=["Li", "P", "C"]))
    fept = real(shared_data, "EDS_TEM_FePt_nanoparticles.hspy")
    found = of(run(fept, battery, k_factors=K, line_width=(5.0, 2.0)), "element")
    assert {e: f.status for e, f in found.items()} == {
        "Li": "not_observable",
        "C": "not_observable",
        "P": "not_observable",
        "Fe": "present",
        "Pt": "present",
        "Cu": "present",
        "Si": "present",
    }
    assert found["Cu"].evidence["artefact"] == "copper of the grid or holder"
    assert [r.subject.label for r in found["Cu"].rivals if r.live] == [
        "copper of the grid or holder, not of the specimen"
    ]
    assert "0.054 keV" in found["Li"].reason
    assert "Pt_Ma at 2.050 keV" in found["P"].reason
    assert [r.subject.element for r in found["P"].rivals] == ["Pt"]
    assert "is not inside the spectrum" in found["C"].reason
    titania = of(run(real(shared_data, "test_TEM.bcf")), "element")
    assert titania["Ti"].status == "present"
    assert titania["O"].status == "not_observable"
    assert "Ti_La" in titania["O"].reason


@pytest.mark.data
def test_few_counts_are_judged_exactly(shared_data: Path) -> None:
    """3 counts of Cu beside an empty background may be chance; 28 of Ca are not."""
    found = of(run(real(shared_data, "Test_SI_16x16_215_kx.emd")), "element")
    assert found["Cu"].status == "absent_below_limit"
    assert 9.0 < found["Cu"].limit < 15.0
    assert found["Ca"].status == "present"
    assert "detector's noise" in found["C"].reason


@pytest.mark.parametrize("other", [False, True], ids=["own model", "other model"])
def test_pulls(other: bool) -> None:
    random = np.random.default_rng(11)
    iron, platinum = 3000.0, 15000.0
    amounts = {
        e: K[line] * n / atomic_weight(e)
        for e, line, n in (("Fe", "Fe_Ka", iron), ("Pt", "Pt_La", platinum))
    }
    truth = amounts["Fe"] / sum(amounts.values())
    expected = x_rays(iron, platinum, 60.0, other=other)
    pulls, within = [], 0
    for _ in range(REPEATS):
        data = measurement(random.poisson(expected), ENERGY, "edx")
        found = of(run(data, k_factors=K, k_std={"Fe_Ka": 0.0, "Pt_La": 0.0}), "composition")["Fe"]
        pulls.append((found.value - truth) / found.std_stat)
        within += abs(found.value - truth) < 2 * found.std
    assert np.std(pulls) == pytest.approx(1.0, abs=4 / np.sqrt(2 * REPEATS))
    assert within >= 0.9 * REPEATS
    if not other:
        assert abs(np.mean(pulls)) < 4 / np.sqrt(REPEATS)


def test_limit_and_level_hold_where_there_is_little() -> None:
    """Nothing there: found in at most 5 %; as much as the limit: missed in at most 5 %."""
    random = np.random.default_rng(3)
    weights = np.zeros((1, 60))
    weights[0, 20:40] = 1.0
    weights[0, :10] = weights[0, 50:] = -1.0
    for background in (0.02, 0.3, 4.0):
        flat = np.full(60, background)
        false = sum(line_counts(weights, random.poisson(flat))[0].present for _ in range(1000))
        assert false <= 0.06 * 1000
        # the limit of a typical blank
        limits = [line_counts(weights, random.poisson(flat))[0].detection for _ in range(101)]
        planted = flat.copy()
        planted[20:40] += float(np.median(limits)) / 20
        missed = sum(
            not line_counts(weights, random.poisson(planted))[0].present for _ in range(1000)
        )
        assert missed <= 0.065 * 1000


def test_lines_that_share_a_background_hang_together() -> None:
    weights = np.array([[1.0, 0.0, 0.0, -1.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0]])
    counts = np.array([500.0, 400.0, 300.0, 100.0])
    nets = weights @ counts
    recipe = Recipe("cliff_lorimer", np.ones(3), np.ones(3))
    joint = (weights * counts) @ weights.T
    parts = parts_of(nets, joint, np.zeros(3), recipe, Uncertain())
    random = np.random.default_rng(2)
    draws = random.poisson(counts, size=(200_000, 4)) @ weights.T
    draws = draws / draws.sum(axis=1, keepdims=True)
    stated = parts.atomic["statistical"]
    assert stated is not None
    assert stated == pytest.approx(np.cov(draws.T), rel=0.05, abs=2e-6)
    assert parts.atomic["systematic_factors"] is None, "no error of the factors is stated"
    assert parts.std_sys(0) is None
    np.testing.assert_allclose(stated.sum(axis=0), 0.0, atol=1e-15)


def test_what_is_said_without_k_factors_or_elements() -> None:
    data = measurement(x_rays(500.0, 500.0, 5.0).round(), ENERGY, "edx")
    silent = run(data)
    assert not silent.findings
    assert "no element is named" in silent.notices[0].message
    output = run(data, elements=("Fe", "Pt"))
    assert {f.kind for f in output.findings} == {"element"}
    assert "no k-factors are given" in output.notices[0].message


def test_parameters_that_make_no_sense_are_refused() -> None:
    for wrong in (
        {"k_factors": {"Iron": 1.0}},
        {"k_factors": {"Fe_Ka": -1.0}},
        {"k_std": {"Fe_Ka": 0.1}},
        {"k_factors": {"Fe_Ka": 1.0, "Fe_Kb": 1.0}},
    ):
        with pytest.raises(ValidationError):
            QuantificationParams.model_validate(wrong)
    data = measurement(x_rays(500.0, 500.0, 5.0).round(), ENERGY, "edx")
    with pytest.raises(BadInputError, match="'Fe_Kz9' is no line of Fe"):
        run(data, lines=("Fe_Kz9",))


@pytest.mark.parametrize(("beside", "ratio"), [(80, 2.0), (640, 0.93), (3000, 1.0), (30000, 2.0)])
def test_a_line_at_its_limit_is_missed_in_a_twentieth(beside: int, ratio: float) -> None:
    """Of few counts and of many: the test of two counts asks for more than Currie's level does."""
    weights = np.array([[1.0, -ratio]])
    limit = line_counts(weights, np.array([ratio * beside, beside]))[0].detection
    chance = np.random.default_rng(12)
    off, on = chance.poisson(beside, 4000), chance.poisson(ratio * beside + limit, 4000)
    found = [line_counts(weights, np.array(two))[0].present for two in zip(on, off, strict=True)]
    assert 1.0 - np.mean(found) == pytest.approx(0.05, abs=0.012)
    plain = 2.71 + 3.29 * np.sqrt(ratio * beside * (1.0 + ratio))
    assert plain < limit < 1.3 * plain
