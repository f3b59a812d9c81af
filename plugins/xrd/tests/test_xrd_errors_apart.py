"""Statistical and systematic errors of lines and cells are kept apart, and unknown is None."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from consilience.analysis import AnalysisContext
from consilience.model.sample import Sample
from consilience_xrd.findings.analyses import run_phases
from consilience_xrd.findings.drafts import drafts_of, lattice_parameter
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import (
    MatchSettings,
    ObservedPeak,
    inflation,
    observed_from_fit,
)
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library_phase
from consilience_xrd.references.reference import reference_pattern

pytestmark = pytest.mark.filterwarnings("ignore")
LAM = 0.6888


def ceria(profile: float, extra: float | None = None):
    """Lines of CeO2 exactly where they belong, with a fit error of 0.0002 1/angstrom."""
    reference = reference_pattern(library_phase("CeO2"), LAM, (0.5, 6.0))
    rows = [
        ObservedPeak(
            line.q,
            math.hypot(0.0002, profile),
            line.intensity,
            1.0,
            0.02,
            50.0,
            (),
            0.0002,
            profile,
        )
        for line in reference.lines
        if line.intensity >= 10 and 1.0 < line.q < 4.8
    ]
    if extra is not None:
        rows.append(
            ObservedPeak(
                extra, math.hypot(0.0002, profile), 50.0, 1.0, 0.02, 50.0, (), 0.0002, profile
            )
        )
    rows.sort(key=lambda p: p.q)
    return identify(rows, [reference], (1.0, 4.8), LAM, MatchSettings())


def test_profile_error_of_a_cell_is_systematic_and_not_averaged() -> None:
    pairing, (result,) = ceria(0.001)
    cell = lattice_parameter(pairing, result)
    assert cell is not None
    value, stat, sys, lines = cell
    assert lines >= 4
    # all lines one way by 0.001 of about 3: a relative 3e-4 that more lines do not lessen
    assert sys is not None
    assert sys > value * 0.001 / 4.8
    narrow, (result,) = ceria(1e-9)
    _, narrow_stat, narrow_sys, _ = lattice_parameter(narrow, result) or (0, 0, None, 0)
    assert stat == pytest.approx(narrow_stat, rel=0.5)
    assert stat < 0.002
    # fitted together with the cell, the shift's own error is in the statistical one
    assert narrow_sys is not None
    assert narrow.shift.std is not None
    assert narrow_stat > 0.5 * value * 0.159 * narrow.shift.std / 4.8
    assert narrow_sys < 1e-3 * narrow_stat


def test_unknown_shift_leaves_the_systematic_error_unknown() -> None:
    pairing, (result,) = ceria(0.001)
    unknown = replace(pairing, shift=replace(pairing.shift, std=None, pairs=0))
    cell = lattice_parameter(unknown, result)
    assert cell is not None
    assert cell[2] is None
    draft = next(
        f for f in drafts_of(unknown, [result], None, "m", []) if f.kind == "lattice_parameter"
    )
    assert draft.std_sys is None
    assert any("shift of the lines is not" in a for a in draft.assumptions)
    two = replace(result, lines=tuple(s for s in result.lines if s.state == "found")[:2])
    assert (lattice_parameter(unknown, two) or (0, 0, 0, 0))[2] is None


def test_line_findings_have_both_parts() -> None:
    pairing, results = ceria(0.001, extra=1.35)
    (line,) = [
        f for f in drafts_of(pairing, results, None, "m", []) if f.kind == "diffraction_line"
    ]
    assert line.std_stat == pytest.approx(0.0002)
    assert line.std_sys == pytest.approx(0.001)


class Listed:
    def __init__(self, **columns: list[float]) -> None:
        self.metadata = {"axis": "q", "energy": "18 keV", "range": [1.0, 4.8]}
        units = {"units": "1/angstrom"}
        self.data = xr.Dataset(
            {name: ("peak", np.array(values), units) for name, values in columns.items()}
        )

    def has(self, *names: str) -> bool:
        return all(n in self.data for n in names)


def test_entered_lists_report_only_what_they_give(tmp_path: Path) -> None:
    context = AnalysisContext(Sample(id="s"), tmp_path)
    bare = Listed(center=[2.05, 3.60])
    for f in run_phases([bare], PhaseParams(phases=["Pt"]), context).findings:  # type: ignore[list-item]
        if f.kind == "diffraction_line":
            assert f.std_stat is None
            assert f.std_sys is None
            assert f.evidence["fwhm"] is None
            assert f.evidence["significance"] is None
            assert any("0.005 1/angstrom assumed" in a for a in f.assumptions)
            assert any("have no width" in a for a in f.assumptions)
    full = Listed(center=[2.05, 3.60], center_std=[0.001, 0.002], fwhm=[0.03, 0.04])
    lines = [
        f
        for f in run_phases([full], PhaseParams(phases=["Pt"]), context).findings  # type: ignore[list-item]
        if f.kind == "diffraction_line"
    ]
    assert [f.std_stat for f in lines] == pytest.approx([0.001, 0.002])
    assert [f.evidence["fwhm"] for f in lines] == pytest.approx([0.03, 0.04])


def test_misfit_makes_errors_of_areas_and_positions_larger() -> None:
    """A profile that is no pseudo-Voigt: both errors grow by the same factor, once."""
    x = np.linspace(10, 20, 1500)
    y = 100 + 900 * (pseudo_voigt(x, 14.95, 0.08, 0.1) + pseudo_voigt(x, 15.05, 0.05, 0.9))
    counts = np.random.default_rng(4).poisson(y * 20).astype(float)
    pattern = Pattern("two_theta", x, counts, None, "count", Source(LAM), origin="simulated")
    fit = fit_peaks(pattern)
    (seen,) = {round(inflation(p, fit.noise_known), 6) for p in fit.peaks}
    assert seen > 1
    for one, observed in zip(fit.peaks, observed_from_fit(fit, pattern, 0.0), strict=True):
        assert observed.area_std == pytest.approx((one.area_std or 0) * seen)
    # unknown noise: the fit itself has scaled by the scatter, in whatever unit
    other = Pattern("two_theta", x, counts, None, "arbitrary", Source(LAM), origin="simulated")
    big = Pattern("two_theta", x, counts * 1e3, None, "arbitrary", Source(LAM), origin="simulated")
    first = observed_from_fit(fit_peaks(other), other, 0.0)
    second = observed_from_fit(fit_peaks(big), big, 0.0)
    assert [p.std for p in second] == pytest.approx([p.std for p in first], rel=0.05)
