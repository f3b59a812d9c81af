"""Region subtraction: equations 2 and 3, α and β, covariance between results."""

from __future__ import annotations

import numpy as np
import pytest
from compton_profiles_made import CONTEXT, NMC, SETTING, expected, measurement, uneven_edges

from consilience.errors import BadInputError
from consilience_compton.findings.momentum_params import RegionParams
from consilience_compton.findings.regions_input import region_number
from consilience_compton.findings.regions_run import run_regions
from consilience_compton.model.profiles import ratio_of_windows
from consilience_compton.momentum.kinematics import Geometry, momentum_slope
from consilience_compton.momentum.regions import (
    Fractions,
    fractions_of_layers,
    given,
    subtract,
    weights_of,
)

PEO = "C2H4O"
EDGES = uneven_edges(70.0, 115.0, 0.1)
GEOMETRY = Geometry(115.0, 90.0, 60.0, 250.0, 4, 4)
FWHM = 0.8 * float(momentum_slope(93.87, 115.0, 90.0))
LAYERS = {"beam": 250.0, "cathode": 65.0, "electrolyte": 30.0}
FORMULAS = {"cathode_formula": NMC, "electrolyte_formula": PEO, "background": "linear"}


def means(alpha: float, beta: float, total: float = 2e5) -> list[np.ndarray]:
    lithium = expected(GEOMETRY, EDGES, "Li", total)
    solid = expected(GEOMETRY, EDGES, PEO, 0.3 * total)
    cathode = expected(GEOMETRY, EDGES, NMC, 0.9 * total)
    under = 20.0 * np.diff(EDGES)
    parts = (cathode + solid + beta * lithium, solid + alpha * lithium, lithium)
    return [part + under for part in parts]


def measured(spectra: list[np.ndarray], seed: int = 1, **state: object) -> list[object]:
    random = np.random.default_rng(seed)
    return [
        measurement(
            random.poisson(m),
            EDGES,
            name=f"r{i + 1}-{state}",
            state={"region": i + 1, **state},
            **SETTING,
        )
        for i, m in enumerate(spectra)
    ]


def test_published_layers_give_the_computed_fractions():
    found = fractions_of_layers(250.0, 65.0, 30.0, electrolyte_std=1.5, cathode_std=1.5)
    assert (found.alpha, found.beta) == pytest.approx((0.88, 0.62))
    # the electrolyte moves both alike: it drops out of α − β
    assert found.causes["electrolyte_thickness"] == pytest.approx((-0.006, -0.006))
    assert found.covariance[0, 1] > 0.0


@pytest.mark.parametrize(
    ("alpha", "beta", "said"),
    [(1.2, 0.6, "α = 1.2 is no share"), (0.9, -0.1, "β = -0.1 is no share")],
)
def test_impossible_fractions_are_refused(alpha, beta, said):
    with pytest.raises(BadInputError, match=said):
        Fractions(alpha, beta)
    out = run_regions(measured(means(0.88, 0.62)), RegionParams(alpha=alpha, beta=beta), CONTEXT)
    assert [f.status for f in out.findings] == ["not_observable"]
    assert said in str(out.findings[0].reason)


def test_layers_higher_than_the_beam_are_refused():
    with pytest.raises(BadInputError, match="are higher than the beam"):
        fractions_of_layers(80.0, 65.0, 30.0)
    with pytest.raises(BadInputError, match="beam: 0 µm is not above 0"):
        fractions_of_layers(0.0, 65.0, 30.0)


def test_equations_and_their_covariance():
    """Against draws of everything that is uncertain."""
    random = np.random.default_rng(3)
    regions = np.array([[900.0, 400.0], [700.0, 300.0], [650.0, 200.0]])
    known = given(0.88, 0.62, 0.02, 0.03, 0.5)
    values, statistical, moved = subtract(regions, regions, known)
    r1, r2, r3 = regions
    assert values[1] == pytest.approx(r2 - 0.88 * r3)
    assert values[0] == pytest.approx(r1 - values[1] - 0.62 * r3)
    assert weights_of(known)[0] == pytest.approx([1.0, -1.0, 0.26])
    draws = 200_000
    ab = random.multivariate_normal([0.88, 0.62], known.covariance, draws)
    first = random.normal(regions[:, 0], np.sqrt(regions[:, 0]), (draws, 3))
    solid = first[:, 1] - ab[:, 0] * first[:, 2]
    cathode = first[:, 0] - solid - ab[:, 1] * first[:, 2]
    expect = np.cov(np.array([cathode, solid, first[:, 2]]))
    total = statistical[:, :, 0] + sum(np.outer(m[:, 0], m[:, 0]) for m in moved.values())
    assert total == pytest.approx(expect, rel=0.03, abs=15.0)


def test_full_covariance_within_a_region_is_kept():
    matrix = np.array([[4.0, 1.0], [1.0, 9.0]])
    _, statistical, _ = subtract(np.ones((3, 2)), np.array([matrix] * 3), given(0.5, 0.25))
    weights = weights_of(given(0.5, 0.25))
    assert statistical[0, 1] == pytest.approx((weights[0] @ weights[1]) * matrix)


def test_planted_components_are_found():
    out = run_regions(
        measured(means(0.88, 0.62)),
        RegionParams(**LAYERS, **FORMULAS, cathode_std=1.5, electrolyte_std=1.5, wanted=0.2),
        CONTEXT,
    )
    labels = [f.subject.label for f in out.findings]
    assert labels == ["cathode", "electrolyte", "anode"]
    for finding, formula in zip(out.findings, (NMC, PEO, "Li"), strict=True):
        model = ratio_of_windows(formula, fwhm=FWHM)
        assert abs(finding.value - model) < 4.0 * finding.std_stat + 2e-3 * model
        assert finding.covariance is not None
    cathode = out.findings[0].evidence
    assert cathode["std_sys_parts"]["cathode_thickness"] > 0.0
    assert cathode["std_sys_parts"]["electrolyte_thickness"] == pytest.approx(0.0, abs=1e-9)
    assert cathode["exposures_from"] == "not stated: taken as equal"
    joint = out.arrays["covariance"]
    stat = joint["statistical"].values
    assert np.sqrt(np.diag(stat)) == pytest.approx([f.std_stat for f in out.findings], rel=1e-6)
    assert stat[0, 1] < 0.0, "what the electrolyte gets the cathode loses"
    assert "emr_cathode" in out.arrays["regions"]


def test_wrong_alpha_moves_the_cathode_as_stated():
    params = {**FORMULAS, "beta": 0.62, "alpha_std": 0.006, "beta_std": 0.0}
    out = run_regions(measured(means(0.88, 0.62)), RegionParams(alpha=0.88, **params), CONTEXT)
    off = run_regions(measured(means(0.88, 0.62)), RegionParams(alpha=0.886, **params), CONTEXT)
    moved = off.findings[0].value - out.findings[0].value
    part = out.findings[0].evidence["std_sys_parts"]["alpha"]
    assert part == pytest.approx(abs(moved), rel=0.05)
    assert part > 0.003


def test_an_error_that_leaves_nothing_of_a_part_is_carried_in_proportion():
    """α off by half leaves a negative electrolyte; its error is a large one, not none."""
    regions = measured(means(0.88, 0.62))
    known = {**FORMULAS, "alpha": 0.88, "beta": 0.62, "beta_std": 0.01}
    parts = [
        run_regions(regions, RegionParams(**known, alpha_std=std), CONTEXT)
        .findings[1]
        .evidence["std_sys_parts"]["alpha"]
        for std in (0.005, 0.5)
    ]
    assert parts[1] == pytest.approx(100.0 * parts[0], rel=0.5)


def test_fractions_against_the_layers_are_said():
    right = RegionParams(alpha=0.88, beta=0.62, alpha_std=0.01, beta_std=0.01, **LAYERS)
    codes = [n.code for n in run_regions(measured(means(0.88, 0.62)), right, CONTEXT).notices]
    assert "fractions-against-layers" not in codes
    wrong = right.model_copy(update={"alpha": 0.78})
    out = run_regions(measured(means(0.88, 0.62)), wrong, CONTEXT)
    (notice,) = [n for n in out.notices if n.code == "fractions-against-layers"]
    assert notice.message.startswith("alpha = 0.78 is stated, the heights give 0.88")
    assert "beta" not in notice.message


def test_covariance_of_results_is_that_of_repeats():
    """Spread and correlation of 60 simulated cells, counting alone."""
    flat = Geometry(115.0, 90.0)
    lithium, solid, cathode = (expected(flat, EDGES, f, 5e5)[0, 0] for f in ("Li", PEO, NMC))
    spectra = np.array([cathode + solid + 0.62 * lithium, solid + 0.88 * lithium, lithium])
    random = np.random.default_rng(11)
    params = RegionParams(alpha=0.88, beta=0.62, **FORMULAS, escape="ignore")
    values, stat = [], []
    for _ in range(60):
        cell = measurement(random.poisson(spectra), EDGES, ("region",), **SETTING)
        out = run_regions([cell], params, CONTEXT)
        values.append([f.value for f in out.findings])
        stat.append(out.arrays["covariance"]["statistical"].values)
    stated = np.mean(stat, axis=0)
    seen = np.cov(np.array(values).T)
    assert np.sqrt(np.diag(seen) / np.diag(stated)) == pytest.approx(1.0, abs=0.3)
    scale = np.sqrt(np.outer(np.diag(stated), np.diag(stated)))
    assert seen / scale == pytest.approx(stated / scale, abs=0.4)


def test_exposures_are_divided_out():
    spectra = means(0.88, 0.62)
    spectra[2] = 2.0 * spectra[2]
    regions = measured(spectra)
    for one, time in zip(regions, (100.0, 100.0, 200.0), strict=True):
        one.metadata["live_time"] = {"value": time, "unit": "s"}
    out = run_regions(regions, RegionParams(**LAYERS, **FORMULAS, exposure_std=0.002), CONTEXT)
    assert out.findings[0].evidence["exposures"] == [1.0, 1.0, 2.0]
    assert out.findings[0].value == pytest.approx(ratio_of_windows(NMC, fwhm=FWHM), rel=0.02)
    assert out.findings[0].evidence["std_sys_parts"]["exposure_3"] > 0.0


def test_regions_of_one_measurement():
    """A list of three spectra, and rows of one detector."""
    flat = Geometry(115.0, 90.0)
    one = [expected(flat, EDGES, f, 1e6)[0, 0] for f in ("Li", PEO, NMC)]
    sums = np.array([one[2] + one[1] + 0.62 * one[0], one[1] + 0.88 * one[0], one[0]])
    counts = np.random.default_rng(2).poisson(sums)
    listed = measurement(counts, EDGES, ("region",), **SETTING)
    out = run_regions([listed], RegionParams(**LAYERS), CONTEXT)
    assert out.findings[0].value == pytest.approx(ratio_of_windows(NMC, fwhm=FWHM), rel=0.02)
    pixels = np.concatenate(
        [np.repeat(m[None, None], n, 0) for m, n in zip(sums, (2, 3, 1), strict=True)]
    )
    image = np.random.default_rng(3).poisson(np.repeat(pixels, 2, axis=1))
    setting = {k: v for k, v in SETTING.items() if k != "distance"}
    rows = measurement(image, EDGES, **setting)
    params = RegionParams(**LAYERS, region_rows=((0, 1), (2, 4), (5, 5)))
    out = run_regions([rows], params, CONTEXT)
    assert out.findings[0].value == pytest.approx(ratio_of_windows(NMC, fwhm=FWHM), rel=0.02)


def test_states_are_kept_apart_and_missing_regions_said():
    full = measured(means(0.88, 0.62), 1, state="pristine")
    part = measured(means(0.88, 0.62), 2, state="charged")[:2]
    out = run_regions([*full, *part], RegionParams(**LAYERS), CONTEXT)
    assert [f.status for f in out.findings] == [None, None, None, "not_observable"]
    assert "region 3 was not measured" in str(out.findings[3].reason)
    assert out.findings[0].state == {"state": "pristine"}
    twice = run_regions([*full, full[0]], RegionParams(**LAYERS), CONTEXT)
    assert "are both region 1 of one state" in twice.notices[0].message


def test_without_fractions_it_says_what_is_missing_and_without_regions_nothing():
    out = run_regions(measured(means(0.88, 0.62)), RegionParams(), CONTEXT)
    assert "α and β are not known" in str(out.findings[0].reason)
    lone = measurement(means(0.88, 0.62)[0], EDGES, **SETTING)
    assert not run_regions([lone], RegionParams(), CONTEXT).findings


def test_names_of_regions():
    assert [region_number(v) for v in (1, "R2", "region 3", 2.0, "region-1")] == [1, 2, 3, 2, 1]
    assert [region_number(v) for v in ("anode", "", 4, None)] == [None] * 4
