"""The fit of references: amounts, limits and reasons on spectra made of plain curves."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from consilience_eels.findings.fingerprints_input import estimate_gain, gain_of_bins
from consilience_eels.fingerprint.design import BARN, Design, ModelError, build_design
from consilience_eels.fingerprint.fit import fit_spectrum
from consilience_eels.fingerprint.limits import (
    CALIBRATION,
    Z95,
    detection_limit,
    null_of,
    significance,
)
from consilience_eels.fingerprint.observability import Answer, Question, answer
from consilience_eels.fingerprint.references import Edge, Reference
from consilience_eels.fingerprint.regions import alike, inner
from consilience_eels.fingerprint.rivals import Exchange, told_apart
from consilience_eels.fingerprint.stretches import LowLoss, Stretch, cut_stretch
from consilience_eels.spectra import LossAxis

Array = NDArray[np.float64]
ENERGY = np.arange(200.0, 401.0, 2.0)
EXACT = ModelError(form=0.0, scale=0.0, shift=0.0, background=0.0, valence=0.0, tail=0.0)


def edge(name: str, onset: float, shell: str = "K") -> Reference:
    """1e4 barn/eV at the onset, falling as the cube of the energy."""
    grid = np.arange(150.0, 450.0, 0.5)
    curve = np.where(grid >= onset, 1e4 * (grid / onset) ** -3.0, 0.0)
    return Reference(name, "C", grid, curve, (Edge("C", shell, onset),), "model", "test")


def problem(
    amounts: dict[str, float],
    references: list[Reference],
    beam: float = 1e9,
    error: ModelError = EXACT,
    seed: int | None = 0,
) -> Design:
    """Counts of known amounts over E⁻⁴, with Poisson's noise."""
    empty = (Stretch("core", ENERGY, 2.0, np.zeros(ENERGY.size)),)
    low = LowLoss(np.array([0.0]), np.array([beam]))
    first = build_design(empty, references, low, error)
    expected = 1e-4 * beam * (ENERGY / 280.0) ** -4.0
    for name, amount in amounts.items():
        expected = expected + amount * first.columns[:, first.species.index(name)]
    counts = expected if seed is None else np.random.default_rng(seed).poisson(expected)
    stretch = Stretch("core", ENERGY, 2.0, np.asarray(counts, dtype=np.float64))
    return build_design((stretch,), references, low, error)


A, B, C = edge("A", 260.0), edge("B", 300.0), edge("C", 302.0)


def test_columns_are_cross_section_times_beam_times_width() -> None:
    design = problem({}, [A])
    at = int(np.argmin(np.abs(ENERGY - 340.0)))
    expected = 1e9 * 2.0 * BARN * A.at(np.array([340.0]))[0]
    assert design.columns[at, 0] == pytest.approx(expected, rel=1e-3)


def test_amounts_come_back_with_their_counting_errors() -> None:
    pulls = []
    for seed in range(60):
        fit = fit_spectrum(problem({"A": 30.0, "B": 5.0}, [A, B], seed=seed))
        pulls.append((fit.free - [30.0, 5.0]) / fit.std_stat)
    found = np.array(pulls)
    assert np.abs(found.mean(axis=0)).max() < 4.0 / np.sqrt(60)
    assert np.abs(found.std(axis=0) - 1.0).max() < 0.35


def test_amount_at_zero_is_not_negative_and_keeps_its_error() -> None:
    fit = fit_spectrum(problem({"A": 30.0}, [A, B], seed=3))
    assert fit.amounts[1] >= 0.0
    assert fit.std_stat[1] > 0.0


def test_limit_is_found_nineteen_times_in_twenty_and_nothing_is_found_once() -> None:
    """Currie: α = β = 0.05, in the units of a test whose errors are widened by the calibration."""
    design = problem({"A": 30.0}, [A, B], seed=None)
    fit = fit_spectrum(design)
    null = null_of(design, ["B"], design.counts, fit.amounts, fit.heights)
    limit = detection_limit(null, {"B": 1.0}, z=2.0 * Z95 / CALIBRATION)
    found, false = 0, 0
    trials = 150
    for seed in range(trials):
        for planted in (0.0, limit):
            one = problem({"A": 30.0, "B": planted}, [A, B], seed=seed)
            own = fit_spectrum(one)
            z, _ = significance(one, ["B"], one.counts, own.amounts, own.heights)
            seen = z * CALIBRATION > Z95
            found += seen and planted > 0
            false += seen and planted == 0
    assert found > 0.95 * trials - 3.0 * np.sqrt(0.05 * 0.95 * trials)
    assert false < 0.05 * trials + 3.0 * np.sqrt(0.05 * 0.95 * trials)


def test_limit_falls_as_the_root_of_the_dose_until_references_are_the_limit() -> None:
    def limit(beam: float, error: ModelError) -> float:
        design = problem({"B": 30.0}, [B, C], beam, error, seed=None)
        fit = fit_spectrum(design)
        null = null_of(design, ["C"], design.counts, fit.amounts, fit.heights)
        return detection_limit(null, {"C": 1.0})

    assert limit(1e9, EXACT) / limit(1e11, EXACT) == pytest.approx(10.0, rel=0.1)
    assert limit(1e11, ModelError()) > 0.5 * limit(1e9, ModelError())


def ask(design: Design, name: str, asked: float) -> tuple[str, str]:
    fit = fit_spectrum(design)
    null = null_of(design, [name], design.counts, fit.amounts, fit.heights)
    references = {r.name: r for r in (A, B, C)}
    question = Question(name, (name,), {name: 1.0}, asked, "as asked")
    said = answer(
        question, design, design.counts, fit.amounts, fit.heights, references, null, per=100.0
    )
    return said.status, said.reason or ""


def test_three_answers_of_one_question() -> None:
    references = [A, B]
    assert ask(problem({"A": 30.0, "B": 20.0}, references), "B", 10.0)[0] == "present"
    assert ask(problem({"A": 30.0}, references), "B", 10.0)[0] == "absent_below_limit"
    status, reason = ask(problem({"A": 30.0}, references, beam=1e5), "B", 1.0)
    assert status == "not_observable"
    assert "too few electrons" in reason


def test_neighbour_is_named_where_it_hides_the_edge() -> None:
    status, reason = ask(problem({"B": 50.0}, [B, C], 1e11, ModelError()), "C", 2.0)
    assert status == "not_observable"
    assert "C K of B lies 2 eV from C K at 302 eV" in reason.replace("C K at 300 eV", "C K")


@pytest.mark.parametrize(("growth", "status"), [(4.3, "not_observable"), (40.0, "present")])
def test_phase_that_another_can_replace_is_not_called_present(growth: float, status: str) -> None:
    question = Question("LiF", ("LiF",), {"LiF": 1.0}, 1.0, "10 % of the volume")
    said = Answer(question, "present", 20.0, 0.1, None, (), {})
    swap = Exchange(("Li", "F in any bond"), growth, ("near-edge structure",), "")
    found = told_apart(said, [swap])
    assert found.status == status
    if status == "not_observable":
        assert found.reason == (
            "LiF cannot be told from Li + F in any bond: in its place χ² is higher by 4.3 only; "
            "near-edge structure could decide"
        )
    assert told_apart(said, []) == said


def test_edge_outside_the_range_is_not_observable() -> None:
    far = edge("A", 430.0)
    design = problem({"B": 10.0}, [far, B])
    fit = fit_spectrum(design)
    null = null_of(design, ["A"], design.counts, fit.amounts, fit.heights)
    question = Question("A", ("A",), {"A": 1.0}, 1.0, "as asked")
    said = answer(
        question, design, design.counts, fit.amounts, fit.heights, {"A": far, "B": B}, null
    )
    assert said.status == "not_observable"
    assert said.reason == "no edge of A lies in the range that was fitted (C K at 430 eV)"


def test_single_losses_are_undone_exactly() -> None:
    """I₀ exp(S) of a line at 20 eV: the line comes back, its multiples do not."""
    energy = np.arange(0.0, 80.0, 0.5)
    counts = np.zeros(energy.size)
    for n, share in enumerate((1.0, 0.5, 0.125, 0.5**3 / 6)):
        counts[int(40 * n)] = 1e6 * share
    at, single = LowLoss(energy, counts).single_losses(75.0)
    found = {float(e): float(s) for e, s in zip(at, single, strict=True) if abs(s) > 1e-9}
    assert found == pytest.approx({20.0: 1.0})  # 0.5 in bins of 0.5 eV


def test_stretch_takes_whole_channels() -> None:
    axis = LossAxis.of(np.arange(0.0, 100.0, 0.2))
    spectrum = np.arange(500.0)
    stretch = cut_stretch(axis, spectrum, 45.0, 95.0, 0.5)
    assert (stretch.each, stretch.first) == (2, 225)
    assert stretch.width == pytest.approx(0.4)
    assert stretch.counts[0] == 225.0 + 226.0


def test_pixels_with_like_spectra_are_grouped_and_interfaces_left_out() -> None:
    random = np.random.default_rng(2)
    curve = np.exp(-np.arange(40) / 10.0) * 1000.0
    other = curve * np.where(np.arange(40) > 20, 3.0, 1.0)
    left = np.arange(10) < 4
    cube = random.poisson(np.where(left[None, :, None], curve, other) * np.ones((5, 10, 1)))
    labels = alike(cube.reshape(50, 40).astype(float)).reshape(5, 10)
    assert (labels == np.where(left, 0, 1)).all()
    assert inner(labels)[0].tolist() == [True] * 3 + [False] * 2 + [True] * 5


def test_a_gain_is_that_of_the_bins_that_are_fitted() -> None:
    """Of a camera that spreads electrons over channels, single channels would say too little."""
    chance = np.random.default_rng(3)
    energy = 45.0 + 0.1 * np.arange(2000)
    mean = 4e4 * (energy / 45.0) ** -2.0
    plain = chance.poisson(mean).astype(np.float64)
    spread = np.convolve(plain, [0.1, 0.2, 0.4, 0.2, 0.1], mode="same")[2:-2]
    axis, inner = LossAxis.of(energy), LossAxis.of(energy[2:-2])
    alone, of_bins = estimate_gain(inner, spread), gain_of_bins(inner, spread, 0.5)
    assert alone is not None
    assert of_bins is not None
    assert alone < 0.3
    assert 0.45 < of_bins < 1.2
    assert gain_of_bins(axis, plain, 0.5) == pytest.approx(1.0, abs=0.15)
