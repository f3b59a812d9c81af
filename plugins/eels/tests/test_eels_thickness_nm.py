"""t/λ of regions, of pixels that drift, and in nanometres."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, ENERGY_LOSS, low_loss, measurement

from consilience.analysis import AnalysisOutput
from consilience.errors import BadInputError
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.findings.thickness_run import ThicknessParams, run_thickness
from consilience_eels.lowloss.thickness import log_ratio

ANGLES = {"beam_energy": 300.0, "convergence_angle": 40.5, "collection_angle": 156.5}


def run(data: Any, **params: Any) -> AnalysisOutput:
    return run_thickness([data], ThicknessParams(**params), CONTEXT)


def wedge(random: np.random.Generator) -> np.ndarray:
    """3 × 6 pixels, t/λ from 0.3 to 1.3 along x, 2 nm apart."""
    rows = [random.poisson(low_loss(0.3 + 0.2 * i), (3, ENERGY_LOSS.size)) for i in range(6)]
    return np.stack(rows, axis=1).astype(np.float32)


def test_nanometres_are_those_of_exspy() -> None:
    data = measurement(low_loss(0.7), ENERGY_LOSS, "eels")
    relative, thickness = run(data, threshold=8.0, density=2.64, material="LiF", **ANGLES).findings
    signal = to_hyperspy(data)
    signal.set_microscope_parameters(**ANGLES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = float(signal.estimate_thickness(threshold=8.0, density=2.64).data[0])
    assert thickness.kind == "thickness"
    assert thickness.unit == "nm"
    assert thickness.value == pytest.approx(theirs, rel=1e-6)
    assert relative.value is not None
    assert thickness.std_sys is not None
    assert thickness.std_sys > 0.2 * theirs
    assert thickness.evidence["std_sys_parts"]["mean_free_path"] == pytest.approx(0.2 * theirs)
    assert thickness.std_stat is None
    assert any("extrapolated" in text for text in thickness.assumptions)
    assert any("LiF" in text for text in thickness.assumptions)


def test_angles_of_the_file_serve_and_missing_ones_are_named() -> None:
    data = measurement(
        low_loss(0.7),
        ENERGY_LOSS,
        "eels",
        beam_energy={"value": 200.0, "unit": "keV"},
        convergence_angle={"value": 8.0, "unit": "mrad"},
    )
    _, refused = run(data, threshold=8.0, density=2.64).findings
    assert refused.status == "not_observable"
    assert refused.value is None
    assert (refused.reason or "").startswith("the collection angle: neither the file nor the user")
    _, thickness = run(data, threshold=8.0, density=2.64, collection_angle=12.0).findings
    assert thickness.evidence["beam_energy_keV"] == 200.0
    assert not any("extrapolated" in text for text in thickness.assumptions)


def test_regions_say_their_own_thickness() -> None:
    data = measurement(wedge(np.random.default_rng(1)), ENERGY_LOSS, "eels")
    boxes = [{"name": "thin", "x": [0, 2]}, {"name": "corner", "x": [8, 10], "y": [0, 3]}]
    output = run(data, threshold=8.0, counts_per_electron=1.0, regions=boxes, density=2.0, **ANGLES)
    whole, _, thin, thin_nm, corner, _ = output.findings
    assert whole.region is not None
    assert whole.region.shape == "whole"
    assert whole.region.coordinates == [[0.0, 0.0], [10.0, 4.0]]
    assert whole.value == pytest.approx(0.8, abs=0.01)
    assert thin.region is not None
    assert thin.region.label == "thin"
    assert thin.region.coordinates == [[0.0, 0.0], [2.0, 4.0]]
    assert thin.value == pytest.approx(0.4, abs=0.01)
    assert corner.value == pytest.approx(1.2, abs=0.01)
    assert corner.evidence["pixels"] == 4
    assert thin.std_stat is not None
    assert corner.std_stat is not None
    assert 0 < thin.std_stat < corner.std_stat
    assert thin_nm.region == thin.region
    assert corner.evidence["spread_of_pixels"] == pytest.approx(0.1, abs=0.02)


def test_a_region_without_pixels_is_refused() -> None:
    data = measurement(wedge(np.random.default_rng(1)), ENERGY_LOSS, "eels")
    with pytest.raises(BadInputError, match="no pixel lies in region 'far'"):
        run(data, threshold=8.0, regions=[{"name": "far", "x": [50, 60]}])
    single = measurement(low_loss(0.5), ENERGY_LOSS, "eels")
    with pytest.raises(BadInputError, match="is a box in x, which the data do not have"):
        run(single, threshold=8.0, regions=[{"name": "far", "x": [50, 60]}])
    with pytest.raises(ValueError, match="is backwards"):
        ThicknessParams.model_validate({"regions": [{"name": "a", "x": [2, 1]}]})


def test_aligned_pixels_have_each_their_threshold() -> None:
    random = np.random.default_rng(2)
    moved = np.stack(
        [np.roll(random.poisson(low_loss(0.8)), k) for k in (-15, -5, 0, 5, 15)]
    ).astype(np.uint32)
    data = measurement(moved, ENERGY_LOSS, "eels")
    plain = run(data, threshold=3.0)
    aligned = run(data, threshold=3.0, align=True)
    assert "zero-loss-drift" in {n.code for n in plain.notices}
    assert not {n.code for n in aligned.notices} & {"zero-loss-drift", "zero-loss-offset"}
    found = aligned.arrays["map"]["t_over_lambda"].values
    assert found == pytest.approx(np.full(5, 0.8), abs=0.02)
    assert np.abs(plain.arrays["map"]["t_over_lambda"].values - 0.8).max() > 0.1
    assert aligned.findings[0].evidence["aligned"] is True


def test_one_threshold_for_each_pixel_is_as_exspy_has_it() -> None:
    cube = wedge(np.random.default_rng(3))
    thresholds = np.random.default_rng(4).uniform(3.0, 12.0, (3, 6))
    mine = log_ratio(ENERGY_LOSS, cube, thresholds).t_over_lambda
    signal = to_hyperspy(measurement(cube, ENERGY_LOSS, "eels"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limits = signal.estimate_elastic_scattering_threshold()
        limits.data[...] = thresholds
        theirs = signal.estimate_thickness(threshold=limits).data
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


def test_map_of_one_pixel_is_a_map() -> None:
    values = np.random.default_rng(5).poisson(low_loss(0.6))[None, None, :]
    output = run(measurement(values, ENERGY_LOSS, "eels"), threshold=8.0, counts_per_electron=1.0)
    assert output.findings[0].value == pytest.approx(0.6, abs=0.02)
    assert output.arrays["map"]["t_over_lambda"].shape == (1, 1)
