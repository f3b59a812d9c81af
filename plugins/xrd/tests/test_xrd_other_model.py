"""Phases in patterns of another forward model than the fitter's: limits and false labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.phaseid import PhaseResult
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import (
    ReferencePattern,
    compute_pattern,
    reference_pattern,
)

LAM = 0.6888


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> list[ReferencePattern]:
    cache = tmp_path_factory.mktemp("references")
    return [reference_pattern(p, LAM, (0.5, 6.0), cache) for p in library().values()]


def other_forward_model(
    areas: dict[str, tuple[float, float]], seed: int, moved: bool = True, zero: float = 0.0
) -> Pattern:
    """A pattern that shares neither cells, widths nor background with the fitter.

    `areas` gives the counts under the strongest line and the width [deg] of each phase.  Cells
    are changed within their stated errors, the background drifts.
    """
    rng = np.random.default_rng([seed, 77])
    x = np.linspace(6, 30, 2000)
    t = (x - 6) / 24
    y = 200 * (1 - 0.3 * t) + 40 * np.sin(2 * np.pi * (1.2 * t + rng.uniform()))
    step = float(x[1] - x[0])
    for key, (counts, width) in areas.items():
        phase = library()[key]
        scale = 1 + (rng.normal(0, phase.cell_std[0]) if moved else 0.0)
        a, b, c, *angles = phase.cell
        cell = replace(phase, cell=(a * scale, b * scale, c * scale, *angles), content="")
        for line in compute_pattern(cell, LAM, (0.8, 4.9)).lines:
            area = counts * step * line.intensity / 100
            y = y + area * pseudo_voigt(x, line.two_theta + zero, width, 0.6)
    counts_seen = rng.poisson(np.maximum(y, 0)).astype(float)
    return Pattern("two_theta", x, counts_seen, None, "count", Source(LAM), origin="simulated")


def judged(pattern: Pattern, references: list[ReferencePattern]) -> dict[str, PhaseResult]:
    fit = fit_peaks(pattern)
    q = pattern.q()
    _, results = identify(
        observed_from_fit(fit, pattern),
        references,
        (float(q[0]), float(q[-1])),
        LAM,
        MatchSettings(),
        area_limit(pattern, fit),
    )
    return {r.phase: r for r in results}


def test_a_phase_at_its_limit_is_seldom_called_absent(references: list[ReferencePattern]) -> None:
    """At the stated limit the strongest line is found in 95 of 100 trials; 5 of 20 would refute."""
    chosen = [r for r in references if r.phase.key in ("Pt", "CeO2", "LiF")]

    def status(planted: float, seed: int) -> PhaseResult:
        areas = {"Pt": (20000.0, 0.1), **({"CeO2": (planted, 0.17)} if planted else {})}
        return judged(other_forward_model(areas, seed), chosen)["CeO2"]

    # the strongest line of CeO2 in range is its 111; limit is relative to the Pt 111 area
    limit = status(0.0, 100).limit
    assert limit is not None
    assert 0.005 < limit < 0.1
    absent = sum(status(limit * 20000.0, seed).status == "absent_below_limit" for seed in range(20))
    assert absent <= 4


def test_a_broader_phase_at_its_limit_is_not_called_absent(
    references: list[ReferencePattern],
) -> None:
    """The limit is stated for up to four times the width of the peaks; planted with three."""
    chosen = [r for r in references if r.phase.key in ("Pt", "CeO2", "LiF")]
    alone = judged(other_forward_model({"Pt": (20000.0, 0.12)}, 1), chosen)["CeO2"]
    assert alone.status == "absent_below_limit"
    assert alone.limit is not None
    assert "0.12 to 0.4" in alone.limit_widths or "median" in alone.limit_widths
    absent = 0
    for seed in range(20):
        planted = {"Pt": (20000.0, 0.12), "CeO2": (20000.0 * alone.limit, 0.36)}
        status = judged(other_forward_model(planted, seed), chosen)["CeO2"].status
        absent += status == "absent_below_limit"
    assert absent <= 2


def test_no_false_labels_with_another_forward_model(references: list[ReferencePattern]) -> None:
    rng = np.random.default_rng(23)
    false: list[str] = []
    keys = [k for k in library() if k not in ("LiPt7", "ZrO2-tetragonal")]
    right = 0
    for seed in range(6):
        chosen = [str(k) for k in rng.choice(keys, 2, replace=False)]
        put = {k: (8000.0, float(rng.uniform(0.07, 0.2))) for k in chosen}
        results = judged(other_forward_model(put, seed, zero=0.02), references)
        said = {k for k, r in results.items() if r.status == "present"}
        false += [f"{k} in {chosen}" for k in said - set(chosen)]
        right += len(said & set(chosen))
        assert not {k for k in chosen if results[k].status == "absent_below_limit"}
    assert not false
    assert right >= 7
