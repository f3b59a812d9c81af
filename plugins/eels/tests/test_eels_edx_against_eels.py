"""X-rays against energy losses of one scan: both compositions are compared at once."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience import Study
from consilience_eels.drawing.views_edx_maps import composition_blocks
from consilience_eels.physics.xray import Detector, emission_cross_section
from consilience_eels.simulation.interphase import InterphaseParams, Layer, simulate_interphase
from consilience_eels.simulation.interphase_edx import families

PARAMS = InterphaseParams(
    layers=(Layer(name="carbonate", materials={"Li2CO3": 1.0}, thickness=100.0),),
    pixels=(4, 4),
    step=10.0,
    lamella=50.0,
    lamella_end=50.0,
    roughness=0.0,
    edx_channels=400,
    low_channels=64,
    current=100.0,
    frames=100,
)


def cross_sections() -> dict[str, float]:
    """What the simulated detector counts for each atom and electron, barn."""
    found = {}
    for element in ("C", "O"):
        (lines,) = families(element, PARAMS.beam_energy)
        seen = float(Detector().efficiency(np.array(lines.energies))[0])
        sigma = emission_cross_section(element, "K", PARAMS.beam_energy) * lines.shares[0]
        found[lines.names[0]] = sigma * seen * PARAMS.edx_solid_angle / (4.0 * math.pi)
    return found


def xray_params(barn: dict[str, float]) -> dict[str, Any]:
    return {
        "method": "cross_section",
        "cross_sections": barn,
        "cross_section_std": {line: 0.03 * value for line, value in barn.items()},
        "absorption": True,
        "take_off_angle": PARAMS.take_off,
        "live_time_of": "pixel",
        "live_time_std": 0.01,
        "beam_current_std": 0.001,
        "detector_window": "windowless",
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("carbonate")
    made = simulate_interphase(PARAMS, 3, folder)
    return [path for path in made if path.stem.endswith(("_core", "_edx"))]


def compared(files: list[Path], folder: Path, barn: dict[str, float]) -> tuple[Any, list[Any]]:
    with Study.create(folder / "study") as study:
        study.add_sample("lamella", elements=["Li", "C", "O"])
        for path in files:
            study.add(path, "lamella")
        study.analyse(["eels.quantification"], params=xray_params(barn))
        study.analyse(["eels.edges"], params={"elements": ["C", "O"], "cross_section_std": 0.05})
        findings = list(study.findings("composition"))
        verdicts = [v for v in study.compare() if "at.% of C, O alone" in v.reason]
        (mass,) = study.findings("mass_thickness")
        (measurement,) = [m for m in study.measurements() if m.modality == "edx"]
        context: Any = type("C", (), {"open_array": staticmethod(study.store.open_dataset)})
        own = [f for f in findings if measurement.id in f.measurements]
        blocks = composition_blocks(measurement, own, context)
    (verdict,) = verdicts
    return (verdict, mass, blocks), findings


def test_both_say_the_same_of_a_carbonate(files: list[Path], tmp_path: Path) -> None:
    (verdict, mass, blocks), findings = compared(files, tmp_path, cross_sections())
    assert verdict.verdict in ("agree", "undecided")
    assert "eels on lamella" in verdict.reason
    assert "edx on lamella" in verdict.reason
    carbon = [f for f in findings if f.subject.element == "C"]
    assert {len(f.measurements) for f in carbon} == {1}
    for found in carbon:
        # lithium counts for neither: one carbon beside three oxygens
        assert found.value == pytest.approx(0.25, abs=2.5 * found.std)
    # of 2.11 g/cm³ and 50 nm all but lithium, which sends out no X-rays
    expected = 2.11e3 * 50e-9 * (1.0 - 2 * 6.941 / 73.89)
    assert mass.value == pytest.approx(expected, abs=2 * mass.std)
    table, figure = blocks
    assert [row[0] for row in table.rows] == ["C", "O"]
    assert table.title.startswith("SIMULATED")
    assert "SIMULATED" in figure.caption
    assert "40 × 40 nm" in figure.caption


def test_a_wrong_factor_is_found_out(files: list[Path], tmp_path: Path) -> None:
    barn = cross_sections()
    barn["C_Ka"] /= 4.0
    (verdict, _, _), _ = compared(files, tmp_path, barn)
    assert verdict.verdict == "disagree"
