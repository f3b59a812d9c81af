"""The fit equals PyMca's on the measured standard, with the configuration that both are given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience_xrf.fitting.design import build_design
from consilience_xrf.fitting.linear import Solver
from consilience_xrf.fitting.maps import chosen_families, fit_maps

pytestmark = [
    pytest.mark.data,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:PyMca5.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:fisx.*"),
]


@pytest.fixture(scope="module")
def bench() -> Any:
    pytest.importorskip("PyMca5")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    try:
        import xrf_fit
    finally:
        sys.path.pop(0)
    return xrf_fit


@pytest.fixture(scope="module")
def both(bench: Any, shared_data: Path) -> Any:
    counts = np.loadtxt(shared_data / "xrf" / "XRFSpectrum.mca", comments="#")
    result, fractions = bench.pymca_fit(counts)
    return counts, result, fractions


def test_pymca_itself_gives_the_published_cobalt(both: Any) -> None:
    _, _, fractions = both
    assert fractions["Co K"] == pytest.approx(5e-4, abs=1e-7)


def test_counts_are_equal_on_one_background(bench: Any, both: Any) -> None:
    counts, result, fractions = both
    geometry, response = bench.our_setup()
    energy = bench.ZERO + bench.GAIN * np.arange(counts.size)
    used = slice(bench.FIRST, bench.LAST + 1)
    names = [name.replace(" ", "_") for name in result["groups"]]
    families, why = chosen_families(names, energy[used], bench.INCIDENT)
    assert not why
    design = build_design(energy[used], families, response, geometry, scatter=False)
    under = np.asarray(result["continuum"], dtype=float)
    fit = Solver(design.matrix, counts[used], under).fit(counts[used][None], under[None])
    cobalt = float(fit.free[0, design.names.index("Co_K")]) / result["Co K"]["fitarea"]
    for i, name in enumerate(design.names):
        group = result[name.replace("_", " ")]
        ours, std = float(fit.free[0, i]), float(fit.std[0, i])
        assert std == pytest.approx(group["sigmaarea"], rel=0.1), name
        if name.endswith("_K") and name not in ("Ar_K", "As_K"):
            # weights by observed counts take about one count off each channel: 0.2 %
            assert ours == pytest.approx(group["fitarea"], rel=0.005), name
            # of PyMca's fundamental parameters only the counts are replaced, cobalt as reference
            fraction = fractions[name.replace("_", " ")] * ours / group["fitarea"] / cobalt
            assert fraction == pytest.approx(fractions[name.replace("_", " ")], rel=0.005)
    # As K-alpha and Pb L-alpha lie on each other: their sum does not depend on tabulated ratios
    sums = [
        (float(fit.free[0, design.names.index(n)]), result[n.replace("_", " ")]["fitarea"])
        for n in ("As_K", "Pb_L")
    ]
    assert sum(o for o, _ in sums) == pytest.approx(sum(p for _, p in sums), rel=0.01)
    assert fit.chi2[0] == pytest.approx(result["chisq"], rel=0.1)


def test_our_background_gives_the_same_within_two_percent(bench: Any, both: Any) -> None:
    counts, result, _ = both
    geometry, response = bench.our_setup()
    energy = bench.ZERO + bench.GAIN * np.arange(counts.size)
    names = [name.replace(" ", "_") for name in result["groups"]]
    fit = fit_maps(
        counts, energy, names, response=response, geometry=geometry,
        low=float(energy[bench.FIRST]), high=float(energy[bench.LAST]),
    )  # fmt: skip
    for name in "V Cr Mn Fe Co Ni Cu Zn Se".split():
        area = result[f"{name} K"]["fitarea"]
        assert float(fit.free[fit.of(f"{name}_K")]) == pytest.approx(area, rel=0.02), name
    assert fit.chi2 < result["chisq"]
