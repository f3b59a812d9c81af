"""Energies by the detector's own lines within the analysis of momentum, and axes in channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compton_profiles_made import CONTEXT, SETTING, measurement

from consilience_compton.findings.calibration_params import CalibrationParams
from consilience_compton.findings.calibration_run import run_calibration
from consilience_compton.findings.changes_run import run_changes
from consilience_compton.findings.momentum_params import ChangeParams, MomentumParams
from consilience_compton.findings.momentum_run import run_momentum
from consilience_compton.model.cell import Cell
from consilience_compton.momentum.kinematics import Geometry
from consilience_compton.simulation.forward import expected_counts
from consilience_compton.simulation.spectra import even_edges

SIDE = 3
EDGES = even_edges()
GEOMETRY = Geometry(115.0, 90.0, 60.0, 250.0, SIDE, SIDE)


@pytest.fixture(scope="module")
def spectra() -> tuple[np.ndarray, np.ndarray]:
    """Counts on the stated axis, right and with gains and offsets of each pixel's own."""
    layers = Cell().layers(3)
    angles = GEOMETRY.angles()
    scale = 4e4 / sum(layer.electrons for layer in layers)
    chance = np.random.default_rng(4)
    gain = 1.004 + chance.normal(0.0, 0.002, angles.shape)
    right = expected_counts(layers, EDGES, 115.0, angles, scale=scale)
    wrong = np.array(
        [
            expected_counts(layers, a * EDGES + 0.1, 115.0, np.array([t]), scale=scale)[0]
            for a, t in zip(gain.ravel(), angles.ravel(), strict=True)
        ]
    ).reshape(right.shape)
    return chance.poisson(right), chance.poisson(wrong)


def ratio(counts: np.ndarray, edges: np.ndarray | None = EDGES, **params: Any) -> Any:
    return run_momentum([measurement(counts, edges, **SETTING)], MomentumParams(**params), CONTEXT)


def test_pixels_with_a_wrong_axis_give_the_right_ratio(spectra: Any) -> None:
    right, wrong = spectra
    (plain,) = ratio(right).findings
    (stated,) = ratio(wrong).findings
    (lines,) = ratio(wrong, energy_scale="lines").findings
    assert abs(stated.value - plain.value) > 0.1
    assert abs(lines.value - plain.value) < 4.0 * 2**0.5 * plain.std_stat
    assert abs(lines.evidence["peak_deviation_keV"]) < 0.03 < 0.4
    assert abs(stated.evidence["peak_deviation_keV"]) > 0.3
    assert any("by the detector's own lines" in text for text in lines.assumptions)
    assert 0.0 < lines.evidence["std_sys_parts"]["energy_offset"] < 0.05
    assert not any("stands for the error" in text for text in lines.assumptions)


def test_an_axis_in_channels_needs_a_gain_to_begin_with(spectra: Any) -> None:
    right, _ = spectra
    refused = ratio(right, None, energy_scale="lines")
    assert refused.findings[0].status == "not_observable"
    assert "no nominal gain is known" in str(refused.findings[0].reason)
    assert "nominal_gain" in refused.notices[0].fix
    (plain,) = ratio(right).findings
    (found,) = ratio(
        right, None, energy_scale="lines", nominal_gain=0.251, nominal_offset=9.9
    ).findings
    assert abs(found.value - plain.value) < 3.0 * plain.std_stat
    asked = ChangeParams(energy_scale="lines", nominal_gain=0.25, nominal_offset=10.0)
    states = [measurement(right, None, name=n, state={"charge": n}, **SETTING) for n in "ab"]
    (change,) = run_changes(states, asked, CONTEXT).findings
    assert change.value == pytest.approx(0.0, abs=1e-9)


def test_a_scale_that_the_file_brings_is_not_corrected_once_more(spectra: Any) -> None:
    """What is found is relative to the common axis, with or without scales of the file's own."""
    plain = measurement(spectra[1], EDGES, **SETTING)
    scaled = measurement(spectra[1], EDGES, **SETTING)
    scaled.data["energy_scale"] = (("row", "column"), np.full((SIDE, SIDE), 1.004))
    scaled.data["energy_shift"] = (("row", "column"), np.full((SIDE, SIDE), 0.1))
    one, other = (run_calibration([m], CalibrationParams(), CONTEXT) for m in (plain, scaled))
    assert one.findings[0].value == other.findings[0].value
    assert [n.code for n in one.notices] == []
    (notice,) = other.notices
    assert "relative to the common axis" in notice.message


def test_sums_have_no_scale_of_each_pixel(spectra: Any) -> None:
    out = run_momentum(
        [measurement(spectra[0].sum((0, 1)), EDGES, (), **SETTING)],
        MomentumParams(energy_scale="lines"),
        CONTEXT,
    )
    assert out.findings[0].status == "not_observable"
    assert "these are no pixels" in str(out.findings[0].reason)
