"""Rings in a study: compared with X-rays of the same phase, and drawn."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from consilience import Study
from consilience.view import Figure, Text
from consilience_eels.drawing.views_rings import rings_view, series_view
from consilience_eels.simulation.lattice import LatticeParams, simulate_lattice

pytestmark = pytest.mark.filterwarnings("ignore")
PATTERN = {"what": "pattern", "pixels": 128, "k_step": 0.2, "scan": (1, 2), "grains": 0}


def lamella(tmp_path: Path, **changes: Any) -> list[Path]:
    tmp_path.mkdir(exist_ok=True)
    return simulate_lattice(LatticeParams(**{**PATTERN, **changes}), 1, tmp_path)


def test_electron_diffraction_and_x_rays_agree_on_the_cell_of_one_phase(tmp_path: Path) -> None:
    powder = pytest.importorskip("consilience_xrd.simulation.powder")
    made = powder.SimulationParams(phases={"LiF": 20000.0}, two_theta_max=40.0)
    with Study.create(tmp_path / "study") as study:
        study.add_sample("a", elements=["Li", "F"])
        for file in [*lamella(tmp_path / "e"), *powder.run(made, 1, tmp_path)[:1]]:
            study.add(file, "a")
        study.analyse(["eels.image_rings"], params={"phases": ["LiF"], "calibration": 0.0003})
        study.analyse(["xrd.phases"])
        assert len(study.findings("lattice_parameter")) == 2
        verdicts = [v for v in study.compare() if v.kind == "lattice_parameter"]
    assert [v.verdict for v in verdicts] == ["agree"]


def test_rings_and_series_are_drawn(tmp_path: Path) -> None:
    doses = (0.0, 400.0, 800.0)
    files = lamella(tmp_path / "e", doses=doses, swelling=1e-5)
    with Study.create(tmp_path / "study") as study:
        study.add_sample("a", elements=["Li", "F"])
        for file, dose in zip(files, doses, strict=True):
            study.add(file, "a", state={"dose": dose})
        study.analyse(["eels.image_rings", "eels.image_ring_series"])
        findings = study.findings()
        measurements = study.measurements()
        context: Any = SimpleNamespace(open_array=study.store.open_dataset)
        blocks = [
            *rings_view(measurements, findings, context),
            *series_view(measurements, findings, context),
        ]
        figures = [block for block in blocks if isinstance(block, Figure)]
        assert len(figures) == 4
        for block in figures:
            figure = MatplotlibFigure(figsize=block.size)
            block.draw(figure)
            assert figure.axes
            assert block.title.startswith("SIMULATED ")
            assert block.table.rows
        assert not [block for block in blocks if isinstance(block, Text)]
    first = figures[0].table.rows[0]
    assert first[1] == pytest.approx(2.3246, rel=5e-3)
    slopes = [float(str(row[1])) for row in figures[-1].table.rows]
    assert slopes[0] == pytest.approx(2.32e-5, rel=0.2)
