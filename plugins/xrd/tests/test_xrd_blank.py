"""A blank under a pattern and under a map: taken away by a parameter, and what that is worth."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.study import Study
from consilience_xrd.identification.halo import halo_share
from consilience_xrd.lines.blank import less_blank
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.maps.common import with_baselines
from consilience_xrd.maps.fitting import FitSettings, fit_block
from consilience_xrd.maps.lines import MapLine, windows_of
from consilience_xrd.maps.scan import Block
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.simulation.maps import MapParams, run

pytestmark = pytest.mark.filterwarnings("ignore")
Q = np.linspace(1.0, 4.0, 1200)
LINES = ((1.49, 6.0), (2.66, 20.0), (3.05, 12.0))


def liquid(q: np.ndarray) -> np.ndarray:
    """Two humps, one of them little wider than what a baseline follows, beneath a line."""
    return 300 * np.exp(-0.5 * ((q - 1.42) / 0.05) ** 2) + 150 * np.exp(
        -0.5 * ((q - 3.1) / 0.3) ** 2
    )


def pattern(seed: int, share: float, lines: bool = True) -> Pattern:
    truth = 30 + share * liquid(Q)
    for center, area in LINES if lines else ():
        truth = truth + area * pseudo_voigt(Q, center, 0.015, 0.4)
    counts = np.random.default_rng(seed).poisson(truth).astype(float)
    return Pattern("q", Q, counts, None, "count", Source(0.6888), origin="simulated")


def test_a_hump_is_no_peak_and_no_glass_once_the_blank_is_taken_away() -> None:
    sample, blank = pattern(1, 0.7), pattern(2, 1.0, lines=False)
    before = fit_peaks(sample)
    less, after = less_blank(sample, blank, fit_peaks, "wet.xy")
    assert [round(p.center, 2) for p in after.peaks] == [q for q, _ in LINES]
    assert halo_share(less, after) < 0.3 * halo_share(sample, before)
    scale = float(less.extra["blank"].max() / (30 + liquid(Q)).max())
    assert scale == pytest.approx(0.7, abs=0.03)
    assert "wet.xy times 0." in less.warnings[-1]
    assert np.allclose(less.extra["blank"] + less.intensity, sample.intensity)


def test_errors_of_areas_hold_the_noise_of_the_blank() -> None:
    """Pulls of the areas, 30 draws of sample and blank."""
    pulls = []
    for seed in range(30):
        sample, blank = pattern(100 + seed, 1.0), pattern(900 + seed, 1.0, lines=False)
        _, after = less_blank(sample, blank, fit_peaks, "b")
        for center, area in LINES:
            (peak,) = [p for p in after.peaks if abs(p.center - center) < 0.01]
            assert peak.area_std is not None
            pulls.append((peak.area - area) / peak.area_std)
    assert abs(np.mean(pulls)) < 0.35
    assert 0.75 < np.std(pulls) < 1.2


def test_areas_of_a_map_on_halos_of_many_heights_are_unbiased() -> None:
    lines = [MapLine(1.49, 0.015, 0.4, "mean")]
    windows = windows_of(lines, Q)
    share = np.linspace(0.0, 2.0, 400)[:, None]
    counts = np.random.default_rng(3).poisson(30 + share * liquid(Q)).astype(float)
    block = Block(counts, np.ones((1, len(Q))), None)
    clear = np.abs(Q - 1.49) > 0.06
    plain = fit_block(block, Q, lines, windows, FitSettings(lam=1e6))
    less = fit_block(
        block, Q, lines, windows, FitSettings(lam=1e6, halo=liquid(Q) + 0.0, clear=clear)
    )
    pulls = (less["area"] / less["null_std"])[0]
    assert np.polyfit(share[:, 0], less["blank_scale"], 1)[0] == pytest.approx(1, abs=0.02)
    assert abs(pulls[200:].mean()) < 0.25
    assert abs((plain["area"] / plain["null_std"])[0][200:].mean()) > 0.5


def test_a_user_names_a_blank_for_phases_and_for_maps(tmp_path: Path) -> None:
    small = {"rows": 5, "columns": 8, "points": 500}
    made = MapParams(**small, phases={"Pt": 500, "LiF": 300}, places={"Pt": "left"}, halo=60)
    (scan, *_) = run(made, 3, tmp_path)
    (tmp_path / "dry").mkdir()
    bare = MapParams(**small, phases={}, places={}, strained=None, halo=60)
    (wet, *_) = run(bare, 4, tmp_path / "dry")
    with h5py.File(wet) as file:
        q, counts = file["entry/data/q"][()], file["entry/data/intensity"][()].sum(axis=(0, 1))
    blank = tmp_path / "wet.xy"
    rows = [f"{a:.6f} {b:g}" for a, b in zip(q, counts, strict=True)]
    blank.write_text("# q 1/angstrom, counts\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with Study.create(tmp_path / "study", "blank") as study:
        study.add_sample("S1", elements=["Pt", "Li", "F"])
        study.add(scan, "S1")
        study.add_reference(blank)
        said = {"phases": ["Pt", "LiF"], "blank": "wet.xy"}
        for analysis in ("xrd.maps", "xrd.phases"):
            assert not study.analyse([analysis], params=said).failures
        found = [f for f in study.findings() if f.source.analysis == "xrd.maps"]
        maps = study.store.open_dataset(next(f.array for f in found if f.array)).load()
        # the blank is the sum over 40 points
        assert 40 * float(maps["blank_scale"].mean()) == pytest.approx(1, abs=0.15)
        assert {f.subject.label for f in found if f.status == "present"} == {"Pt", "LiF"}
        whole = next(f for f in study.findings() if f.source.analysis == "xrd.phases")
        assert "blank" in study.store.open_dataset(whole.array)
        failed = study.analyse(["xrd.maps"], params={"phases": ["Pt"], "blank": "no.xy"})
        assert "No reference file" in str(failed.failures)


def test_without_a_blank_a_halo_is_an_error_of_areas() -> None:
    """A weak line on a halo and one on a plain: the baseline's choice moves the first."""
    lines = [MapLine(1.49, 0.015, 0.4, "mean"), MapLine(2.66, 0.015, 0.4, "mean")]
    truth = 30 + liquid(Q) + sum(2 * pseudo_voigt(Q, v.center, v.fwhm, v.eta) for v in lines)
    counts = np.random.default_rng(5).poisson(np.tile(truth, (60, 1))).astype(float)
    block = Block(counts, np.ones((1, len(Q))), None)
    windows = windows_of(lines, Q)
    plain = FitSettings(lam=1e5)
    on_halo, beside = with_baselines(block, Q, lines, windows, plain)
    assert on_halo.base_sys is not None
    assert beside.base_sys is not None
    assert on_halo.base_sys > 2 * beside.base_sys
    clear = (np.abs(Q - 1.49) > 0.06) & (np.abs(Q - 2.66) > 0.06)
    less, _ = with_baselines(
        block, Q, lines, windows, FitSettings(lam=1e5, halo=liquid(Q), clear=clear)
    )
    assert less.base_sys is not None
    assert less.base_sys < 0.7 * on_halo.base_sys
