"""Peaks of no element, scatter of another shape and χ²: told apart."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from consilience.model import Notice
from consilience_xrf.findings.left_over import left_over, scatter_from
from consilience_xrf.fitting.design import build_design
from consilience_xrf.fitting.search import Search
from consilience_xrf.lines.elements import family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

GEOMETRY = Geometry(18.0, 150.0)
ENERGY = 0.5 + 0.01 * np.arange(1900)


def fit(chi2: float, geometry: Geometry = GEOMETRY) -> Any:
    """A fit whose spectrum has a fifth more of iron and of the Compton peak than the model."""
    iron = family("Fe", "K", 18.0)
    assert iron is not None
    design = build_design(ENERGY, [iron], Response(), geometry)
    amounts = np.full(len(design.names), 1e5)
    more = [0.2 * (name in ("Fe_K", "compton")) for name in design.names]
    mean = design.matrix @ (amounts * (1.0 + np.array(more)))
    model = design.matrix @ amounts
    return SimpleNamespace(design=design, chi2=np.array(chi2), mean=mean, model=model)


def told(chi2: float, *peaks: tuple[float, float]) -> dict[str, Notice]:
    notices = left_over("scan", fit(chi2), Search((), peaks, False), GEOMETRY)
    return {n.code: n for n in notices}


def test_what_is_left_of_scatter_is_no_unknown_element() -> None:
    compton = GEOMETRY.compton_energy()
    assert compton == pytest.approx(16.89, abs=0.01)
    said = told(1.2, (16.83, 24.0), (14.67, 11.0), (9.1, 8.0), (18.4, 6.0))
    assert set(said) == {"peaks-unexplained", "scatter-misfit"}
    assert said["peaks-unexplained"].message == (
        "scan: no element explains the peaks at 9.10 keV (8σ)"
    )
    assert "left over: 16.83 keV (24σ), 14.67 keV (11σ), 18.40 keV (6σ)" in (
        said["scatter-misfit"].message
    )
    assert "'misfit'" in str(said["scatter-misfit"].fix)


def test_a_large_chi_square_says_where_it_comes_from() -> None:
    (notice,) = told(158.2).values()
    assert notice.code == "fit-beyond-counting"
    shown = re.search(r"χ² is 158, (\d+) % of it where photons are scattered", notice.message)
    assert shown is not None
    assert 40 < int(shown[1]) < 60  # as many counts, as far off
    assert not told(2.9)


def test_without_the_beam_no_peak_is_called_scatter() -> None:
    unknown = Geometry(None)
    assert scatter_from(fit(1.0, unknown)) is None
    (notice,) = left_over("scan", fit(1.0, unknown), Search((), ((16.83, 24.0),), False), unknown)
    assert notice.code == "peaks-unexplained"
