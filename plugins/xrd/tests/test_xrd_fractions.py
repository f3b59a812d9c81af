"""Absolute intensities, texture, the whole-pattern fit and mass fractions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.sample import Sample
from consilience.testing import reading, target
from consilience.testing.samples import SampleFile
from consilience_xrd.findings.analyses import run_phases
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.fractions import (
    FractionSettings,
    brindley,
    conditions_of,
    mass_fractions,
    polarisation_change,
)
from consilience_xrd.identification.halo import above_hull
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.texture import agreement_of
from consilience_xrd.identification.wholepattern import disagreements, fit_whole_pattern
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.intensity import (
    absolute_intensities,
    attenuation,
    cell_content,
    march_dollase,
)
from consilience_xrd.references.phases import library, phase_of
from consilience_xrd.references.reference import compute_pattern, line_q

pytestmark = pytest.mark.filterwarnings("ignore")

COPPER = 1.5405980


@pytest.mark.parametrize("key", ["Pt", "Li2CO3", "LiPt", "NMC622", "LaB6"])
def test_own_sums_are_those_of_the_calculator(key: str) -> None:
    reference = compute_pattern(library()[key], 0.6888, (0.5, 6.0))
    relative = np.array([line.intensity for line in reference.lines])
    mine = absolute_intensities(reference, corrected=False)
    ratio = mine / relative
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-6)


def test_density_is_that_of_the_solid() -> None:
    assert cell_content(library()["Pt"]).density == pytest.approx(21.46, abs=0.02)
    assert cell_content(library()["LiF"]).density == pytest.approx(2.64, abs=0.01)


OXIDES = [
    ("Al2O3", 167, [4.75893, 4.75893, 12.9917, 90, 90, 120],
     [["Al", 0, 0, 0.3522], ["O", 0.3063, 0, 0.25]]),
    ("ZnO", 186, [3.2499, 3.2499, 5.2065, 90, 90, 120],
     [["Zn", 1 / 3, 2 / 3, 0], ["O", 1 / 3, 2 / 3, 0.3819]]),
    ("TiO2", 136, [4.5939, 4.5939, 2.9589, 90, 90, 90],
     [["Ti", 0, 0, 0], ["O", 0.3051, 0.3051, 0]]),
]  # fmt: skip


def test_equal_masses_give_the_certified_ratios() -> None:
    """NIST SRM 674, International Tables C, table 5.2.11.1: strongest line over corundum 113."""
    per_mass = {}
    for (formula, group, cell, sites), hkl in zip(
        OXIDES, [(1, 1, 3), (1, 0, 1), (1, 1, 0)], strict=True
    ):
        phase = phase_of(
            {"key": formula, "formula": formula, "space_group": group, "cell": cell,
             "sites": sites, "citation": "textbook", "checked": "no"}
        )  # fmt: skip
        reference = compute_pattern(phase, COPPER, (1.0, 6.0))
        q = line_q(phase, hkl)
        at = int(np.argmin([abs(line.q - q) for line in reference.lines]))
        per_mass[formula] = absolute_intensities(reference, 0.5)[at] / cell_content(phase).v2_rho
    # heights of real profiles, extinction and amorphous alumina are worth ten per cent;
    # without V^2 rho both ratios would be below 0.3
    assert per_mass["ZnO"] / per_mass["Al2O3"] == pytest.approx(5.17, rel=0.12)
    assert per_mass["TiO2"] / per_mass["Al2O3"] == pytest.approx(3.39, rel=0.12)


def test_march_dollase_keeps_the_sum_and_random_is_one() -> None:
    reference = compute_pattern(library()["LiPt"], 0.6888, (0.5, 5.0))
    assert march_dollase(reference, (0, 0, 1), [1.0])[0] == pytest.approx(1.0)
    flat = march_dollase(reference, (0, 0, 1), [0.5])[0]
    by_label = dict(zip([line.label for line in reference.lines], flat, strict=True))
    # along the axis: r^-3; across it: r^1.5
    assert by_label["0001"] == pytest.approx(0.5**-3)
    assert by_label["10-10"] == pytest.approx(0.5**1.5)


def test_texture_is_found_and_told_from_scatter() -> None:
    reference = compute_pattern(library()["LiPt"], 0.6888, (0.5, 5.0))
    lines = [i for i, line in enumerate(reference.lines) if line.intensity > 8]
    relative = np.array([line.intensity for line in reference.lines])
    q = np.array([line.q for line in reference.lines])
    still = relative * np.exp(-2 * 0.6 * (q / (4 * np.pi)) ** 2)
    random = agreement_of(reference, [([i], float(still[i])) for i in lines])
    assert random is not None
    assert random.plain == pytest.approx(1, abs=1e-6)
    assert random.texture is None
    plates = still * march_dollase(reference, (0, 0, 1), [0.6])[0]
    found = agreement_of(reference, [([i], float(plates[i])) for i in lines])
    assert found is not None
    assert found.texture is not None
    assert found.texture.axis == (0, 0, 1)
    assert found.texture.r == pytest.approx(0.6, rel=0.06)
    assert found.allowed > 0.9 > found.plain
    assert agreement_of(reference, [([0], 1.0)]) is None


def test_brindley_factor() -> None:
    # Brindley's table: contrast x size 0.1 gives 0.929, -0.1 gives 1.076 or so
    assert brindley(0.0, 5.0) == 1.0
    assert brindley(200.0, 5.0) == pytest.approx(0.928, abs=0.003)
    assert brindley(-200.0, 5.0) == pytest.approx(1.078, abs=0.003)
    assert brindley(20.0, 5.0) == pytest.approx(1 - 0.75e-2, abs=1e-4)


def test_polarisation_of_a_corrected_pattern() -> None:
    reference = compute_pattern(library()["Pt"], COPPER, (2.0, 6.0))
    assert polarisation_change(reference, 1.0) == pytest.approx(1.0)
    angle = math.radians(reference.lines[0].two_theta)
    assert polarisation_change(reference, 0.0)[0] == pytest.approx(2 / (1 + math.cos(angle) ** 2))


def mixture(masses: dict[str, float], seed: int, top: float = 4e4, halo: float = 0.0) -> Pattern:
    """Counts of a powder with these masses, from absolute intensities and another background."""
    rng = np.random.default_rng(seed)
    x = np.linspace(15.0, 90.0, 7500)
    parts = {}
    for key, mass in masses.items():
        phase = library()[key]
        reference = compute_pattern(phase, COPPER, (1.0, 6.0))
        # by formula: mass per cell and volume enter on their own, not through V^2 rho
        cells = mass / cell_content(phase).mass
        absolute = absolute_intensities(reference, 0.6) * cells / cell_content(phase).volume
        y = np.zeros_like(x)
        for line, area in zip(reference.lines, absolute, strict=True):
            width = 0.08 + 0.0008 * line.two_theta
            y += area * pseudo_voigt(x, line.two_theta + 0.03, width, 0.4)
        parts[key] = y
    total = np.sum(list(parts.values()), axis=0)
    y = total * top / total.max() + 300 * np.exp(-x / 40) + 50
    y += halo * np.exp(-0.5 * ((x - 30) / 8) ** 2)
    return Pattern(
        "two_theta", x, rng.poisson(y).astype(float), None, "count", Source(COPPER),
        origin="simulated",
    )  # fmt: skip


def test_fractions_of_phases_whose_v2_rho_differ_three_hundredfold() -> None:
    put = {"LiF": 0.3, "Mn2O3": 0.7}
    ratio = cell_content(library()["Mn2O3"]).v2_rho / cell_content(library()["LiF"]).v2_rho
    assert ratio > 300
    pattern = mixture(put, 3)
    fit = fit_peaks(pattern)
    q = pattern.q()
    references = [compute_pattern(p, COPPER, (0.6, 6.5)) for p in library().values()]
    pairing, results = identify(
        observed_from_fit(fit, pattern), references, (float(q[0]), float(q[-1])), COPPER,
        MatchSettings(), area_limit(pattern, fit),
    )  # fmt: skip
    assert {r.phase for r in results if r.status == "present"} == set(put)
    everything = fit_whole_pattern(pattern, fit, pairing)
    assert everything is not None
    assert {p.phase for p in everything.phases if p.taken} == set(put)
    assert disagreements(everything, results) == {}
    whole = fit_whole_pattern(pattern, fit, pairing, list(put))
    assert whole is not None
    order = [next(r for r in references if r.phase.key == p.phase) for p in whole.phases]
    got = mass_fractions(
        order, np.array([p.scale for p in whole.phases]), whole.covariance, COPPER,
        FractionSettings(), [0.0, 0.0],
    )  # fmt: skip
    value = dict(zip(got.phases, got.value, strict=True))
    assert value["LiF"] == pytest.approx(0.3, abs=0.02)
    assert got.value.sum() == pytest.approx(1)
    if attenuation(library()["Pt"], 8.0) is not None:
        assert got.std_sys is not None
        assert got.parts["micro-absorption"][0] > 0.01


def test_a_second_opinion_disagrees_when_the_label_is_wrong() -> None:
    pattern = mixture({"LiF": 1.0, "Mn2O3": 1.0}, 4)
    fit = fit_peaks(pattern)
    q = pattern.q()
    references = [compute_pattern(library()[k], COPPER, (0.6, 6.5)) for k in ("LiF", "Mn2O3", "Si")]
    pairing, results = identify(
        observed_from_fit(fit, pattern), references, (float(q[0]), float(q[-1])), COPPER,
        MatchSettings(), area_limit(pattern, fit),
    )  # fmt: skip
    from dataclasses import replace

    wrong = [
        replace(r, status="present") if r.phase == "Si" else replace(r, status=None)
        for r in results
    ]
    whole = fit_whole_pattern(pattern, fit, pairing)
    assert whole is not None
    said = disagreements(whole, wrong)
    assert "does not need it" in said["Si"]
    assert "do not establish it" in said["LiF"]


def test_conditions_that_fail_are_named() -> None:
    conditions = conditions_of(
        FractionSettings(), ["Pt"], 0.2, 0.5, {"Pt": None}, ["LiPt7 as rival of Pt"], False
    )
    failed = {c.name: c.said for c in conditions if not c.holds}
    assert set(failed) == {
        "absolute scale", "all phases known", "no doubt of a phase", "no amorphous part",
        "random orientation",
    }  # fmt: skip
    assert "20.0%" in failed["all phases known"]
    assert "too few lines" in failed["random orientation"]


def test_a_hump_stands_above_the_hull_and_a_decay_does_not() -> None:
    x = np.linspace(0, 10, 200)
    decay = 100 * np.exp(-x / 3)
    assert above_hull(x, decay).max() < 1e-9
    hump = 30 * np.exp(-0.5 * ((x - 5) / 0.7) ** 2)
    assert above_hull(x, decay + hump).max() > 20


def analysed(sample: SampleFile, cache: Path, **params: object) -> AnalysisOutput:
    registry = target.load([target.find_target("xrd")])
    (signal,) = reading.read_sample(registry, sample)
    measurement = reading.measurement_of(registry, sample, signal)
    return run_phases(
        [measurement], PhaseParams.model_validate(params), AnalysisContext(Sample(id="s"), cache)
    )


WEIGHED = "xrd/Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml"


@pytest.mark.data
def test_the_weighed_mixture_is_what_the_balance_says(shared_data: Path, tmp_path: Path) -> None:
    output = analysed(SampleFile(shared_data / WEIGHED, "xrd.xrdml"), tmp_path)
    found = {f.subject.label: f for f in output.findings if f.kind == "phase_fraction"}
    assert set(found) == {"Li2CO3", "ZrO2 (baddeleyite)"}
    carbonate = found["Li2CO3"]
    assert carbonate.value == pytest.approx(0.9001 / 1.0001, abs=0.02)
    assert carbonate.std is not None
    assert abs(carbonate.value - 0.9) < 2 * carbonate.std
    assert carbonate.std < 0.05
    assert "amorphous" in " ".join(carbonate.assumptions)
    phase = next(f for f in output.findings if f.kind == "phase" and f.subject == carbonate.subject)
    assert phase.evidence["whole_pattern"]["taken"]
    assert phase.evidence["disagreement"] is None


@pytest.mark.data
def test_a_halo_forbids_fractions(shared_data: Path, tmp_path: Path) -> None:
    options = {
        "axis": "two_theta", "wavelength": "1.5406 angstrom", "ka2": "1.5444 angstrom, 0.5",
        "intensity_unit": "count",
    }  # fmt: skip
    output = analysed(SampleFile(shared_data / "xrd/Mn2O3+LiF.xy", "xrd.text", options), tmp_path)
    found = [f for f in output.findings if f.kind == "phase_fraction"]
    assert len(found) == 2
    assert all(f.value is None for f in found)
    assert all("no amorphous part" in (f.reason or "") for f in found)
