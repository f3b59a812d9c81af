"""Sizes and strains: planted ones come back, and what cannot be told is not said."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from consilience.analysis import AnalysisContext, ReferenceFile
from consilience.errors import BadInputError
from consilience.model.sample import Sample
from consilience_xrd.axes import q_derivative
from consilience_xrd.files.reading import signal_of
from consilience_xrd.findings.size import run_size
from consilience_xrd.findings.size_params import SizeParams
from consilience_xrd.lines.instrument import Breadth, fit_instrument
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.lines.size_strain import (
    LineBreadth,
    SampleBreadth,
    orders_of,
    sample_breadth,
    scherrer,
    williamson_hall,
)
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import reference_pattern

pytestmark = pytest.mark.filterwarnings("ignore")
LAM = 0.6888


def line(hkl: tuple[int, ...], q: float, breadth: float, own: float | None = 0.01) -> LineBreadth:
    return LineBreadth(hkl, q, breadth, 1e-4, 1e-4, own, 1e-4, "")


def test_calibrant_breadths_follow_caglioti() -> None:
    place = np.linspace(8.0, 60.0, 9)
    t = np.tan(np.radians(place) / 2)
    truth = np.sqrt(0.01 * t**2 - 0.002 * t + 0.003)
    rng = np.random.default_rng(2)
    found = fit_instrument(
        [
            Breadth(float(p), float(b + rng.normal(0, 2e-4)), 2e-4)
            for p, b in zip(place, truth, strict=True)
        ],
        True,
    )
    assert found.law == "caglioti"
    for p, b in zip(place, truth, strict=True):
        value, std = found.at(float(p))
        assert abs(value - b) < 4 * std
        assert 0 < std < 0.01 * b
    assert found.covers(30.0)
    assert not found.covers(70.0)
    with pytest.raises(BadInputError, match="at least two"):
        fit_instrument([Breadth(10.0, 0.1, None), Breadth(20.0, 0.1, 0.01)], True)


@pytest.mark.parametrize("planted", [0.002, 0.01, 0.05])
def test_sample_breadth_lies_between_both_subtractions(planted: float) -> None:
    for observed in (0.01 + planted, math.hypot(0.01, planted)):
        found = sample_breadth(line((1, 1, 1), 2.0, observed))
        total = math.hypot(found.std_stat, found.std_sys)
        assert abs(found.value - planted) < 2 * total
        assert found.significant == (observed - 0.01 > 3 * math.sqrt(3) * 1e-4)


def test_a_line_as_narrow_as_the_instrument_gives_a_lower_bound_only() -> None:
    found = scherrer(sample_breadth(line((1, 1, 1), 2.0, 0.0101)))
    assert found.value is None
    assert found.std_stat is None
    assert found.least > 2 * math.pi / 0.01 / 10 * 0.5
    without = scherrer(sample_breadth(line((1, 1, 1), 2.0, 0.02, None)))
    assert without.value is None
    assert without.least == pytest.approx(0.2 * math.pi / 0.02, rel=0.2)
    assert without.least < 0.2 * math.pi / 0.02


def test_scherrer_gives_the_planted_size() -> None:
    breadth = SampleBreadth(2 * math.pi / 200, 1e-4, 0.0, True, 0.04)
    assert scherrer(breadth).value == pytest.approx(20.0)
    assert scherrer(breadth, 0.9).value == pytest.approx(18.0)


def test_strain_needs_two_orders_of_one_reflection() -> None:
    lines = [line((1, 1, 1), 2.0, 0.03), line((2, 0, 0), 2.3, 0.03), line((2, 2, 2), 4.0, 0.05)]
    (group,) = orders_of(lines)
    assert [s.hkl for s in group] == [(1, 1, 1), (2, 2, 2)]
    assert orders_of(lines[:2]) == []


@pytest.mark.parametrize(("size", "strain"), [(15.0, 0.004), (1e6, 0.006), (12.0, 0.0)])
def test_planted_size_and_strain_come_back(size: float, strain: float) -> None:
    orders = [
        line((i, i, i), 2.0 * i, 0.2 * math.pi / size + 2 * strain * 2.0 * i, 1e-5)
        for i in (1, 2, 3)
    ]
    found = williamson_hall(orders)
    total = math.hypot(found.strain_std_stat, found.strain_std_sys)
    assert abs(found.strain - strain) < 2 * total + 1e-5
    assert found.significant == (strain > 0)
    assert found.strain_most > strain
    if size > 1e5:
        assert found.size.value is None
        assert found.size.least > 20
    else:
        assert found.size.value is not None
        assert found.size.std_sys is not None
        assert abs(found.size.value - size) < 2 * found.size.std_sys
    assert found.size.least < size


class Simulated:
    """A measurement of a simulated pattern, as an analysis sees it."""

    def __init__(self, pattern: Pattern) -> None:
        made = signal_of(pattern, "p")
        self.data, self.metadata = made.data, made.metadata
        self.record = type("Record", (), {"origin": "simulated", "name": "p"})()

    def has(self, *names: str) -> bool:
        return all(n in self.data for n in names)


def powder(size: float, strain: float, seed: int, eta: float = 0.9) -> Pattern:
    """Ceria at 18 keV, its lines broadened by size and strain in a Lorentzian way."""
    x = np.linspace(10.0, 36.0, 6000)
    rng = np.random.default_rng(seed)
    truth = np.full_like(x, 60.0)
    for one in reference_pattern(library_phase("CeO2"), LAM, (0.5, 7.0)).lines:
        if one.intensity < 0.5:
            continue
        own = 0.03 * (1.0 + 0.01 * one.two_theta)
        added = 0.2 * math.pi / size + 2 * strain * one.q
        breadth = own + added / float(q_derivative(one.two_theta, LAM))
        fwhm = breadth / 1.5
        truth += one.intensity * 40 * breadth * pseudo_voigt(x, one.two_theta, fwhm, eta) * 3
    return Pattern(
        "two_theta", x, rng.poisson(truth).astype(float), None, "count", Source(LAM),
        origin="simulated",
    )  # fmt: skip


def xye(pattern: Pattern, path: Path) -> ReferenceFile:
    rows = [
        f"{a:.6f} {b:.6g} {math.sqrt(max(b, 1.0)):.6g}"
        for a, b in zip(pattern.x, pattern.intensity, strict=True)
    ]
    head = ["# axis: two_theta, unit: deg", f"# wavelength: {LAM} angstrom", "# origin: simulated"]
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return ReferenceFile(path.name, path, "0" * 64)


def test_from_pattern_and_calibrant_to_findings(tmp_path: Path) -> None:
    calibrant = xye(powder(1e9, 0.0, 1), tmp_path / "calibrant.xye")
    context = AnalysisContext(Sample(id="s"), tmp_path, references=(calibrant,))
    params = SizeParams(phases=["CeO2"], calibrant="calibrant.xye", use_references=False)
    out = run_size([Simulated(powder(25.0, 0.002, 2))], params, context)  # type: ignore[list-item]
    strains = [f for f in out.findings if f.kind == "microstrain"]
    sizes = [f for f in out.findings if f.kind == "size"]
    assert strains
    for f in strains:
        assert f.value is not None
        assert f.std is not None
        assert abs(f.value - 0.002) < 3 * f.std
        assert [r.subject.label for r in f.rivals] == ["gradient of composition"]
        assert f.array in out.arrays
    for f in sizes:
        if f.value is None:
            assert f.interval is not None
            assert f.interval.low is not None
            assert f.interval.low < 25.0
        else:
            assert f.std is not None
            assert abs(f.value - 25.0) < 3 * f.std
    # the calibrant against itself: nothing is broader than the instrument
    out = run_size([Simulated(powder(1e9, 0.0, 3))], params, context)  # type: ignore[list-item]
    for f in out.findings:
        if f.kind == "size":
            assert f.value is None
            assert "larger than" in str(f.reason)
        else:
            assert f.evidence["significant"] is False


def test_without_a_calibrant_only_bounds_are_given(tmp_path: Path) -> None:
    context = AnalysisContext(Sample(id="s"), tmp_path)
    params = SizeParams(phases=["CeO2"])
    out = run_size([Simulated(powder(25.0, 0.002, 4))], params, context)  # type: ignore[list-item]
    (found,) = out.findings
    assert found.kind == "size"
    assert found.value is None
    assert found.interval is not None
    assert found.interval.high is None
    assert 3 < (found.interval.low or 0) < 25.0
    assert "no calibrant" in str(found.reason)
    with pytest.raises(BadInputError, match=r"No reference file of the study is called 'LaB6\.xy'"):
        run_size(
            [Simulated(powder(25.0, 0.0, 4))],  # type: ignore[list-item]
            SizeParams(phases=["CeO2"], calibrant="LaB6.xy"),
            context,
        )
