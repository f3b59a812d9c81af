"""Systematic errors of peaks: from other choices and a blank, beside the statistical ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from consilience.analysis import AnalysisContext, ReferenceFile
from consilience.errors import BadInputError
from consilience.model.sample import Sample
from consilience_xrd.files.reading import signal_of
from consilience_xrd.findings.peak_params import LineParams
from consilience_xrd.findings.peaks import run_peaks
from consilience_xrd.lines.blank import fit_blank
from consilience_xrd.lines.peak import within_bounds
from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peakfit import fit_group
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import PEARSON_VII, pseudo_voigt
from consilience_xrd.lines.systematics import QUANTITIES, systematic_errors
from consilience_xrd.pattern import Pattern, Source

pytestmark = pytest.mark.filterwarnings("ignore")
X = np.linspace(4.0, 16.0, 1800)
LINES = ((6.1, 300.0), (9.3, 900.0), (13.0, 600.0))


def halo(x: np.ndarray) -> np.ndarray:
    """A liquid's: as wide as the smoothest baseline follows, and wider than a line."""
    return 400 * np.exp(-0.5 * ((x - 6.3) / 0.45) ** 2) + 60


def pattern(seed: int, share: float = 1.0, lines: bool = True, profile=pseudo_voigt) -> Pattern:
    truth = share * halo(X) + 20
    for center, area in LINES if lines else ():
        truth = truth + area * profile(X, center, 0.09, 0.5)
    counts = np.random.default_rng(seed).poisson(truth).astype(float)
    return Pattern("two_theta", X, counts, None, "count", Source(0.6888), origin="simulated")


def test_a_right_profile_moves_less_than_a_wrong_one() -> None:
    right, wrong = pattern(1), pattern(1, profile=lambda *a: PEARSON_VII.value(*a, asymmetry=0.15))
    spread = {}
    for name, one in (("right", right), ("wrong", wrong)):
        fit = fit_peaks(one)
        (index,) = [i for i, p in enumerate(fit.peaks) if abs(p.center - 9.3) < 0.05]
        spread[name] = systematic_errors(one, fit)[index]
        for quantity in QUANTITIES:
            assert getattr(spread[name], quantity) > 0
    assert spread["wrong"].center > spread["right"].center
    assert {"profile", "baseline", "window", "top"} == {
        name.split()[0] for name in spread["right"].changes
    }


def test_a_line_on_a_halo_is_known_less_well_than_one_on_a_plain() -> None:
    one = pattern(2)
    fit = fit_peaks(one)
    spread = systematic_errors(one, fit)
    relative = {
        round(peak.center, 1): sys.area / peak.area
        for peak, sys in zip(fit.peaks, spread, strict=True)
    }
    assert relative[6.1] > 2 * relative[13.0]


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_the_scale_of_a_blank_comes_back(share: float) -> None:
    sample, blank = pattern(3, share), pattern(4, 1.0, lines=False)
    found = fit_blank(sample, blank, fit_peaks(sample))
    assert abs(found.scale - share) < 4 * found.scale_std
    assert found.scale_std < 0.03 * share
    truth = share * halo(X) + 20
    assert np.max(np.abs(found.baseline - truth)[20:-20]) < 0.08 * truth.max()
    assert found.chi2_reduced == pytest.approx(1.0, abs=0.2)
    assert f"times {found.scale:.4g}" in found.sentence("blank.xy")


def test_a_blank_that_does_not_fit_is_refused() -> None:
    sample = pattern(3)
    fit = fit_peaks(sample)
    away = Pattern("two_theta", X + 40, sample.intensity, None, "count", Source(0.6888))
    with pytest.raises(BadInputError, match="points of background lie within the blank"):
        fit_blank(sample, away, fit)
    dark = Pattern("two_theta", X, 0 * X, None, "count", Source(0.6888))
    with pytest.raises(BadInputError, match="zero or below"):
        fit_blank(sample, dark, fit)


class Simulated:
    def __init__(self, made: Pattern) -> None:
        signal = signal_of(made, "p")
        self.data, self.metadata = signal.data, signal.metadata
        self.record = type("Record", (), {"origin": "simulated", "name": "p"})()

    def has(self, *names: str) -> bool:
        return all(n in self.data for n in names)


def test_findings_have_both_errors_and_the_blank_is_said(tmp_path: Path) -> None:
    path = tmp_path / "blank.xy"
    rows = [f"{a:.6f} {b:g}" for a, b in zip(X, pattern(4, 1.0, False).intensity, strict=True)]
    path.write_text("# 2theta deg, counts\n" + "\n".join(rows) + "\n", encoding="utf-8")
    reference = ReferenceFile("blank.xy", path, "0" * 64)
    context = AnalysisContext(Sample(id="s"), tmp_path, references=(reference,))
    sample = Simulated(pattern(5))
    plain = run_peaks([sample], LineParams(), context)  # type: ignore[list-item]
    out = run_peaks([sample], LineParams(blank="blank.xy"), context)  # type: ignore[list-item]
    assert len(out.findings) == len(plain.findings) == 3
    assert any(n.code == "blank" for n in out.notices)
    for finding, bare in zip(out.findings, plain.findings, strict=True):
        assert finding.std_stat is not None
        assert finding.std_sys is not None
        assert finding.std_sys > 0
        assert finding.value == bare.value
        changes = finding.evidence["systematic"]["changes"]  # type: ignore[index,call-overload]
        assert "baseline with the blank" in changes
        assert "with the blank" not in str(bare.evidence["systematic"])
        assert any("no blank is given" in a for a in bare.assumptions)
    data = out.arrays["fit"]
    assert data["other_baselines"].sizes["choice"] == 4
    assert "peak_area_std_sys" in data


def test_a_shape_on_its_bound_gives_its_error_to_the_area() -> None:
    """Weak Gaussian lines: errors of areas hold, whether or not the shape ends on its bound."""
    x = np.linspace(10.0, 11.4, 90)
    truth = 60 + 9 * pseudo_voigt(x, 10.7, 0.12, 0.15)
    rng = np.random.default_rng(8)
    pulls = {True: [], False: []}
    for _ in range(400):
        counts = rng.poisson(truth).astype(float)
        start = [Candidate(10.7, 60.0, 0.12, 9.0)]
        got = fit_group(x, counts, start, np.zeros_like(x), None, True, asymmetry=False).peaks[0]
        assert got.area_std is not None
        pulls["hit_bound" in got.flags].append((got.area - 9) / got.area_std)
    assert len(pulls[True]) > 80
    together = np.concatenate([pulls[True], pulls[False]])
    assert np.std(pulls[True]) < 1.3
    assert 0.8 < np.std(together) < 1.15


def test_bounds_change_nothing_far_from_them_and_cut_a_wide_error() -> None:
    near = np.array([[4.0, 0.3], [0.3, 0.04]])
    assert within_bounds(near, 1, 0.5) is near
    wide = np.array([[4.0, 30.0], [30.0, 400.0]])
    # a shape of which nothing is known is uniform between its bounds
    assert within_bounds(wide, 1, 0.5)[1, 1] == pytest.approx(1 / 12, rel=1e-2)
    assert within_bounds(wide, 1, 0.0)[1, 1] == pytest.approx(1 / 3, rel=1e-2)
    held = 4.0 - 30.0**2 / 400.0
    assert within_bounds(wide, 1, 0.0)[0, 0] == pytest.approx(held + (30 / 400) ** 2 / 3, rel=1e-2)
    half = np.array([[1.0, 0.0], [0.0, 0.01]])
    assert math.sqrt(within_bounds(half, 1, 0.0)[1, 1]) == pytest.approx(0.1)
