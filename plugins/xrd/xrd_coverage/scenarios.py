"""What is repeated: each scenario simulates one pattern and returns several quantities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.findings.drafts import lattice_parameter
from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, inflation, observed_from_fit
from consilience_xrd.lines.peaks import PeakFit, fit_peaks
from consilience_xrd.lines.systematics import PeakSystematics, systematic_errors
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import ReferencePattern, reference_pattern
from xrd_coverage.forward import Line, Truth, simulate
from xrd_coverage.judging import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.profiles import Components

__all__ = ["SCENARIOS", "Scenario"]

QUANTITIES = ("centre", "area", "FWHM")
_FIELDS = {"centre": "center", "area": "area", "FWHM": "fwhm"}
SYNCHROTRON = Source(0.6888)
COPPER = Source(1.540598, 1.544426, 0.5)
DOUBLET: Components = ((1.0, 2 / 3), (1.544426 / 1.540598, 1 / 3))


@dataclass(frozen=True)
class Scenario:
    """One kind of pattern and the quantities that are read from it."""

    name: str
    quantities: tuple[str, ...]
    run: Callable[[str, int], dict[str, Outcome]]


def _pattern(
    x: NDArray[np.float64], counts: NDArray[np.float64], source: Source = SYNCHROTRON
) -> Pattern:
    return Pattern("two_theta", x, counts, None, "count", source, origin="simulated")


def _lone(model: str, seed: int) -> dict[str, Outcome]:
    """A strong line among others, anywhere on the grid."""
    rng = np.random.default_rng((seed, 1))
    x = np.linspace(14.0, 20.0, 900)
    line = _line(rng, 17.0 + rng.uniform(-0.3, 0.3), 3000.0, 20_000.0)
    others = [
        Line(15.3, line.fwhm, line.eta, 0.5 * line.area),
        Line(18.6, line.fwhm, line.eta, 0.4 * line.area),
    ]
    return _measured(x, [line, *others], rng.uniform(50, 300), model, rng)


def _weak(model: str, seed: int) -> dict[str, Outcome]:
    """A line of some twenty standard deviations above the background."""
    rng = np.random.default_rng((seed, 2))
    x = np.linspace(14.0, 20.0, 900)
    line = _line(rng, 17.0 + rng.uniform(-0.3, 0.3), 60.0, 200.0)
    others = [Line(15.3, line.fwhm, line.eta, 8 * line.area)]
    return _measured(x, [line, *others], rng.uniform(50, 150), model, rng)


def _pair(model: str, seed: int) -> dict[str, Outcome]:
    """The weaker of two lines that overlap."""
    rng = np.random.default_rng((seed, 3))
    x = np.linspace(14.0, 20.0, 900)
    line = _line(rng, 17.0 + rng.uniform(-0.3, 0.3), 1500.0, 6000.0)
    apart = rng.uniform(1.6, 2.8) * line.fwhm
    others = [Line(line.center + apart, line.fwhm, line.eta, rng.uniform(1.0, 3.0) * line.area)]
    return _measured(x, [line, *others], rng.uniform(50, 300), model, rng)


def _doublet(model: str, seed: int) -> dict[str, Outcome]:
    """Kα₁ and Kα₂ of copper, resolved in part."""
    rng = np.random.default_rng((seed, 4))
    x = np.linspace(40.0, 60.0, 1000)
    line = _line(rng, 50.0 + rng.uniform(-1.0, 1.0), 3000.0, 15_000.0)
    others = [Line(43.0, line.fwhm, line.eta, 0.7 * line.area)]
    return _measured(x, [line, *others], rng.uniform(50, 300), model, rng, COPPER)


def _line(rng: np.random.Generator, center: float, least: float, most: float) -> Line:
    """A line of 10 to 18 points across at a step of 0.0067 deg, counts at its top as drawn."""
    fwhm = rng.uniform(0.07, 0.12) if center < 30 else rng.uniform(0.15, 0.25)
    top = np.exp(rng.uniform(np.log(least), np.log(most)))
    return Line(center, fwhm, rng.uniform(0.2, 0.8), top * fwhm * 1.25)


def _measured(
    x: NDArray[np.float64],
    lines: list[Line],
    background: float,
    model: str,
    rng: np.random.Generator,
    source: Source = SYNCHROTRON,
) -> dict[str, Outcome]:
    """Centre, area and width of the first of `lines`, as a user gets them."""
    components = DOUBLET if source.doublet else ((1.0, 1.0),)
    counts, truth = simulate(x, lines, background, model, rng, components)
    pattern = _pattern(x, counts, source)
    fit = fit_peaks(pattern)
    systematics = systematic_errors(pattern, fit) if model == "second" else None
    return _compared(fit, systematics, truth[0], lines[0].fwhm)


def _compared(
    fit: PeakFit, systematics: tuple[PeakSystematics, ...] | None, truth: Truth, width: float
) -> dict[str, Outcome]:
    near = [i for i, p in enumerate(fit.peaks) if abs(p.center - truth.center) < 0.5 * width]
    if len(near) != 1:
        reason = "not found" if not near else "split in two"
        return {name: Outcome(reason=reason) for name in QUANTITIES}
    peak = fit.peaks[near[0]]
    factor = inflation(peak, fit.noise_known)
    out: dict[str, Outcome] = {}
    for name, attribute in _FIELDS.items():
        std = getattr(peak, f"{attribute}_std")
        if std is None:
            out[name] = Outcome(reason="at a bound")
            continue
        sys = 0.0 if systematics is None else getattr(systematics[near[0]], attribute)
        error = getattr(peak, attribute) - getattr(truth, attribute)
        out[name] = Outcome(error, std * factor, sys)
    return out


@lru_cache(maxsize=1)
def _ceria() -> ReferencePattern:
    return reference_pattern(library_phase("CeO2"), SYNCHROTRON.wavelength, (0.5, 6.0))


def _cell(model: str, seed: int) -> dict[str, Outcome]:
    """Lattice parameter of ceria whose cell differs from the library's and whose axis is off."""
    rng = np.random.default_rng((seed, 5))
    x = np.linspace(10.0, 28.0, 2400)
    reference = _ceria()
    scale = 1 + rng.normal(0, 2e-4)
    zero = rng.normal(0, 0.02)
    eta = rng.uniform(0.2, 0.8)
    top = np.exp(rng.uniform(np.log(500.0), np.log(5000.0)))
    lines = []
    for line in reference.lines:
        if line.intensity < 0.5:
            continue
        sine = np.sin(np.radians(line.two_theta) / 2) / scale
        place = 2 * np.degrees(np.arcsin(sine)) + zero
        fwhm = 0.07 + 0.002 * (place - 10)
        # few grains and texture change intensities by some percent
        share = line.intensity / 100 * (1.0 if model == "first" else rng.gamma(50, 0.02))
        lines.append(Line(place, fwhm, eta, top * share * fwhm * 1.25))
    lines = [s for s in lines if x[0] - 1 < s.center < x[-1] + 1]
    counts, _ = simulate(x, lines, rng.uniform(50, 150), model, rng)
    pattern = _pattern(x, counts)
    fit = fit_peaks(pattern)
    low, high = two_theta_to_q(x[[0, -1]], SYNCHROTRON.wavelength)
    pairing, results = identify(
        observed_from_fit(fit, pattern, 0.05),
        [reference],
        (float(low), float(high)),
        SYNCHROTRON.wavelength,
        MatchSettings(),
        area_limit(pattern, fit),
    )
    found = lattice_parameter(pairing, results[0])
    if found is None:
        return {"a": Outcome(reason="fewer than two lines")}
    value, stat, sys, _ = found
    if sys is None:
        return {"a": Outcome(reason="systematic error unknown")}
    truth = library_phase("CeO2").cell[0] * scale
    return {"a": Outcome(value - truth, stat, sys)}


SCENARIOS = (
    Scenario("strong line", QUANTITIES, _lone),
    Scenario("weak line", QUANTITIES, _weak),
    Scenario("overlapping line", QUANTITIES, _pair),
    Scenario("Kα doublet", QUANTITIES, _doublet),
    Scenario("lattice parameter", ("a",), _cell),
)
