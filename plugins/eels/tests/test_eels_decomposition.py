"""Components are found, held against references with a score, and never named as them."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience import Study
from consilience.errors import BadInputError
from consilience_eels.decomposition.components import find_components, match_components
from consilience_eels.fingerprint.references import Reference
from consilience_eels.simulation.interphase import InterphaseParams, simulate_interphase

ENERGY = np.arange(50.0, 110.0, 0.5)


def bump(at: float, width: float = 3.0) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((ENERGY - at) / width) ** 2))


def reference(name: str, at: float) -> Reference:
    return Reference(name, "Li", ENERGY, bump(at), (), "measured", "test", absolute=False)


def two_phases(seed: int = 1) -> np.ndarray:
    """A map whose left half has a peak at 62 eV and whose right half has one at 85 eV."""
    below = 3000.0 * (ENERGY / 50.0) ** -3.0
    left = (np.arange(12) < 6).astype(float)[None, :, None] * np.ones((8, 1, 1))
    expected = below + left * 900.0 * bump(62.0) + (1.0 - left) * 900.0 * bump(85.0)
    return np.asarray(np.random.default_rng(seed).poisson(expected), dtype=float)


@pytest.mark.parametrize("method", ["ORNMF", "PCA", "ICA"])
def test_components_are_of_the_shape_of_the_map(method: str) -> None:
    found = find_components(two_phases(), ENERGY, 2, method)  # type: ignore[arg-type]
    assert found.factors.shape == (2, ENERGY.size)
    assert found.loadings.shape == (2, 8, 12)
    again = find_components(two_phases(), ENERGY, 2, method)  # type: ignore[arg-type]
    assert np.allclose(found.factors, again.factors)


def test_non_negative_components_are_like_what_was_planted() -> None:
    found = find_components(two_phases(), ENERGY, 2, "ORNMF")
    assert (found.factors >= 0).all()
    references = [reference("A", 62.0), reference("B", 85.0), reference("C", 74.0)]
    best = {own[0].reference for own in match_components(found, references)}
    scores = [own[0].score for own in match_components(found, references)]
    assert best == {"A", "B"}
    assert min(scores) > 0.7


def test_a_smooth_curve_is_like_nothing() -> None:
    found = find_components(two_phases(), ENERGY, 1, "PCA")
    flat = Reference("flat", "Li", ENERGY, np.ones(ENERGY.size), (), "measured", "", absolute=False)
    assert match_components(found, [flat]) == [[]]


@pytest.mark.parametrize(
    ("cube", "count", "words"),
    [
        (two_phases(), 96, "96 components of 96 pixels"),
        (two_phases() - 1e4, 2, "values are negative"),
        (np.zeros((4, 4, ENERGY.size)), 2, "holds no counts"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(cube: np.ndarray, count: int, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        find_components(cube, ENERGY, count, "ORNMF")


def test_analysis_scores_and_does_not_name(tmp_path: Path) -> None:
    params = InterphaseParams(pixels=(3, 44), edx_channels=0, core_channels=0, low_dispersion=0.1)
    (low, image) = simulate_interphase(params, 3, tmp_path)
    del image
    with Study.create(tmp_path / "study", "components") as study:
        study.add_sample("lamella")
        study.add(low, "lamella")
        summary = study.analyse(["eels.components"], params={"components": 4, "window": [48, 105]})
        assert summary.failures == []
        (found,) = summary.findings
        assert (found.kind, found.subject, found.status) == ("homogeneity", None, None)
        assert "most like" in (found.sentence or "")
        listed = found.evidence["components"]
        assert isinstance(listed, list)
        assert len(listed) == 4
        assert all(r.live for r in found.rivals)
        assert "LiF" in str(listed)
