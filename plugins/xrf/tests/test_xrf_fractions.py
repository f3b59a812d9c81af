"""Mass fractions by an internal standard: PyMca's figures of the measured standard come back."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import Angles, Material
from consilience_xrf.amounts.density import Bench
from consilience_xrf.amounts.fractions import mass_fractions

WATER = Material({"H2O": 1.0}, 1.0)
GRAZING = Bench(17.5, Angles(0.1, 90.0))


def test_counts_made_by_hand_come_back() -> None:
    """Two elements in a thin matrix, where only cross sections and the detector matter."""
    counts = {"Co_K": (1e5, 300.0), "Fe_K": (2e4, 200.0)}
    found = mass_fractions(counts, "Co_K", 5e-4, GRAZING, WATER, 1e-9, 1e-5)
    assert found["Co_K"].value == 5e-4
    assert found["Co_K"].std_sys == 1e-5
    iron = found["Fe_K"]
    assert iron.std_stat == pytest.approx(iron.value * math.hypot(0.01, 0.003))
    assert iron.std_sys is not None
    assert iron.std_sys > 0.02 * iron.value
    unsure = mass_fractions(counts, "Co_K", 5e-4, GRAZING, WATER, 1e-9)
    assert unsure["Fe_K"].std_sys is None
    double = mass_fractions({**counts, "Fe_K": (4e4, 200.0)}, "Co_K", 5e-4, GRAZING, WATER, 1e-9)
    assert double["Fe_K"].value == pytest.approx(2.0 * iron.value)
    with pytest.raises(BadInputError, match="the reference 'Ni_K' has no counts among Co_K, Fe_K"):
        mass_fractions(counts, "Ni_K", 5e-4, GRAZING, WATER, 1e-9)


@pytest.mark.data
@pytest.mark.filterwarnings("ignore::DeprecationWarning:PyMca5.*")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:fisx.*")
def test_fractions_of_the_standard_are_those_of_pymca(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cobalt at 500 ppm; the others as PyMca has them from the same counts and its own tables."""
    pytest.importorskip("PyMca5", reason="PyMca is the peer")
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "benchmarks"))
    peer: Any = importlib.import_module("xrf_fit")
    result, theirs = peer.pymca_fit(
        np.loadtxt(shared_data / "xrf" / "XRFSpectrum.mca", comments="#")
    )
    areas = {
        name.replace(" ", "_"): (float(result[name]["fitarea"]), float(result[name]["sigmaarea"]))
        for name in result["groups"]
    }
    ours = mass_fractions(areas, "Co_K", peer.COBALT, *peer.our_sample(), 5e-6)
    assert ours["Co_K"].value == pytest.approx(5e-4, abs=1e-7)
    assert theirs["Co K"] == pytest.approx(5e-4, abs=1e-7)
    for name in areas:
        found, other = ours[name], theirs[name.replace("_", " ")]
        if name.endswith("K"):
            assert found.value == pytest.approx(other, rel=0.005), name
        if name in ("Pb_L", "Tl_L"):
            assert found.value == pytest.approx(other, rel=0.02), name
        # soft L and M lines differ by the tables of yields, and the stated error covers that
        assert found.std_sys is not None
        assert abs(found.value - other) < 1.5 * found.std_sys, name
