"""What would have been seen of a line: limits beside peaks, and where a loose cell may put one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import reference_pattern

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAM = 0.6888
X = np.linspace(6.0, 30.0, 3000)


def pattern_of(expected: NDArray[np.float64], seed: int) -> Pattern:
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Pattern("two_theta", X, counts, None, "count", Source(LAM), origin="simulated")


def lines(places: dict[float, float], width: float = 0.1) -> NDArray[np.float64]:
    out = np.full_like(X, 200.0)
    for place, area in places.items():
        out += area * pseudo_voigt(X, place, width, 0.4)
    return out


def test_a_peak_beside_it_raises_the_limit_of_a_line() -> None:
    peaks = {12.0: 300.0, 20.0: 300.0, 24.0: 300.0}
    pattern = pattern_of(lines(peaks), 1)
    probe = area_limit(pattern, fit_peaks(pattern))
    free, beside = (probe.limit(float(two_theta_to_q(place, LAM))) for place in (16.0, 20.25))
    assert free is not None
    # what the peak's own width and shape may take of a line cannot be excluded
    assert beside is None or beside > 1.5 * free


@pytest.mark.parametrize("place", [16.0, 20.6])
def test_a_line_at_its_limit_leaves_an_excess(place: float) -> None:
    """Nineteen of twenty would; fewer than sixteen of twenty refutes it by far."""
    peaks = {12.0: 300.0, 20.0: 300.0, 24.0: 300.0}
    q = float(two_theta_to_q(place, LAM))
    without = pattern_of(lines(peaks), 100)
    limit = area_limit(without, fit_peaks(without)).limit(q)
    assert limit is not None
    seen = 0
    for seed in range(20):
        pattern = pattern_of(lines(peaks) + lines({place: limit}) - 200.0, seed)
        fit = fit_peaks(pattern)
        found = any(abs(p.center - place) < 0.15 for p in fit.peaks)
        excess = area_limit(pattern, fit).excess(q, 0.005)
        seen += found or (excess is not None and excess > 3)
    assert seen >= 16


def test_a_loosely_known_cell_is_looked_for_wherever_it_may_be() -> None:
    """Peaks of silicon suggest another cell of zirconia; its line is where its source has it."""
    names = ("Si", "ZrO2-tetragonal")
    references = [reference_pattern(library_phase(name), LAM, (0.5, 5.5)) for name in names]
    expected = lines({one.two_theta: 60.0 * one.intensity for one in references[0].lines}, 0.074)
    q = two_theta_to_q(X, LAM)

    def status(planted: float, seed: int) -> tuple[str | None, float | None]:
        own = {one.two_theta: planted * one.intensity / 100 for one in references[1].lines}
        pattern = pattern_of(expected + lines(own, 0.15) - 200.0, seed)
        fit = fit_peaks(pattern)
        _, results, _ = identify_pattern(
            pattern, fit, observed_from_fit(fit, pattern), references,
            (float(q[0]), float(q[-1])), MatchSettings(),
        )  # fmt: skip
        one = next(r for r in results if r.phase == names[1])
        return one.status, one.limit

    alone, limit = status(0.0, 7)
    assert alone == "absent_below_limit"
    assert limit is not None
    pattern = pattern_of(expected, 7)
    area = limit * max(p.area for p in fit_peaks(pattern).peaks)
    said = [status(area, seed)[0] for seed in range(6)]
    assert said.count("absent_below_limit") <= 1
