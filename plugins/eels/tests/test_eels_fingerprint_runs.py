"""The analysis of fingerprints on spectra that lack something, and with a user's references."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience import Study
from consilience_eels.fingerprint.references import model_reference
from consilience_eels.physics.beam import Beam
from consilience_eels.simulation.interphase import InterphaseParams, simulate_interphase
from consilience_eels.simulation.lowloss import LowLossParams, simulate_lowloss

BRIEF = {"phases": ["LiF"], "matrix": ["Pt", "Cr"], "elements": ["Li"]}


def interphase(folder: Path, pixels: tuple[int, int] = (1, 1), **more: object) -> list[Path]:
    layers = [{"name": "SEI", "materials": {"LiF": 1.0}, "thickness": 100.0}]
    params = {"layers": layers, "pixels": pixels, "edx_channels": 0, "low_dispersion": 0.1}
    params |= {"low_channels": 1250, "core_dispersion": 0.8, "core_channels": 800, **more}
    return simulate_interphase(InterphaseParams.model_validate(params), 4, folder)


def study_of(folder: Path, files: list[Path]) -> Study:
    study = Study.create(folder / "study", "fingerprints")
    study.add_sample("lamella")
    for file in files:
        if "image" not in file.name:
            study.add(file, "lamella")
    return study


def test_missing_angles_are_named_and_can_be_given(tmp_path: Path) -> None:
    study = study_of(tmp_path, simulate_lowloss(LowLossParams(points=1024), 1, tmp_path))
    (found,) = study.analyse(["eels.fingerprints"], params=BRIEF).findings
    assert found.status == "not_observable"
    assert found.reason is not None
    assert found.reason.startswith("convergence angle and collection angle not recorded")
    given = {**BRIEF, "convergence": 10.0, "collection": 40.0}
    summary = study.analyse(["eels.fingerprints"], params=given)
    assert summary.failures == []
    assert {f.status for f in summary.findings} <= {"absent_below_limit", "not_observable"}


def test_one_pixel_is_one_region(tmp_path: Path) -> None:
    study = study_of(tmp_path, interphase(tmp_path))
    summary = study.analyse(["eels.fingerprints"], params=BRIEF)
    assert summary.failures == []
    found = next(f for f in summary.findings if f.kind == "phase")
    assert found.status == "present"
    assert found.array is None
    assert found.region is not None
    assert found.region.shape == "whole"
    assert len(found.measurements) == 2  # low and core loss of the same place, together


def test_without_a_low_loss_nothing_is_folded_and_that_is_said(tmp_path: Path) -> None:
    files = [f for f in interphase(tmp_path) if "low" not in f.name]
    summary = study_of(tmp_path, files).analyse(["eels.fingerprints"], params=BRIEF)
    assert summary.failures == []
    found = next(f for f in summary.findings if f.kind == "phase")
    assert "no usable low loss: plural scattering was not taken into account" in found.assumptions
    lithium = next(f for f in summary.findings if f.kind == "element")
    assert lithium.status == "not_observable"
    assert "no edge of Li lies in the range that was fitted" in (lithium.reason or "")


def test_gain_is_estimated_and_said_or_given(tmp_path: Path) -> None:
    study = study_of(tmp_path, interphase(tmp_path, counts_per_electron=3.0))
    summary = study.analyse(["eels.fingerprints"], params=BRIEF)
    (notice,) = [n for n in summary.notices if n.code == "gain-estimated"]
    assert "estimated from the scatter of neighbouring channels" in notice.message
    gain = summary.findings[0].evidence["counts_per_electron"]
    assert isinstance(gain, float)
    assert gain == pytest.approx(3.0, rel=0.25)
    given = study.analyse(["eels.fingerprints"], params={**BRIEF, "counts_per_electron": 3.0})
    assert given.notices == []


def test_reference_of_the_user_takes_the_place_of_the_model(tmp_path: Path) -> None:
    study = study_of(tmp_path, interphase(tmp_path))
    model = model_reference("LiF", 40.0, 900.0, Beam(300.0, 40.5, 156.5))
    rows = [f"{e:.2f},{v:.6g}" for e, v in zip(model.energy, model.intensity, strict=True)]
    (tmp_path / "lif.csv").write_text("\n".join(rows), encoding="utf-8")
    study.add_reference(tmp_path / "lif.csv", "LiF, as measured")
    params = {**BRIEF, "references": {"LiF": "lif.csv"}}
    summary = study.analyse(["eels.fingerprints"], params=params)
    assert summary.failures == []
    found = next(f for f in summary.findings if f.kind == "phase")
    assert found.status == "present"
    assert found.evidence["reference"] == "measured: lif.csv"
    wrong = {**BRIEF, "references": {"LiF": "lithium.csv"}}
    (failure,) = study.analyse(["eels.fingerprints"], params=wrong).failures
    assert "no reference file is called 'lithium.csv' (registered: lif.csv)" in failure.what


def test_spectrum_of_something_else_is_not_explained_away(tmp_path: Path) -> None:
    layers = [{"name": "film", "materials": {"SiN": 1.0}, "thickness": 100.0}]
    study = study_of(tmp_path, interphase(tmp_path, layers=layers))
    bare = {"phases": ["LiF"], "matrix": ["Pt"], "elements": ["Li"]}
    found = next(f for f in study.analyse(["eels.fingerprints"], params=bare).findings)
    assert found.status == "not_observable"
    assert (found.reason or "").startswith("what was fitted does not describe the spectrum")
    whole = {**bare, "matrix": ["Pt", "Si3N4"]}
    found = next(f for f in study.analyse(["eels.fingerprints"], params=whole).findings)
    assert found.status == "absent_below_limit"


def test_boxes_are_checked(tmp_path: Path) -> None:
    study = study_of(tmp_path, interphase(tmp_path, pixels=(2, 4)))
    far = {**BRIEF, "regions": {"SEI": [900.0, 950.0, 0.0, 4.0]}}
    (failure,) = study.analyse(["eels.fingerprints"], params=far).failures
    assert "region 'SEI' holds no pixel" in failure.what
    whole = {**BRIEF, "regions": {"SEI": [0.0, 12.0, 0.0, 4.0]}}
    summary = study.analyse(["eels.fingerprints"], params=whole)
    found = next(f for f in summary.findings if f.kind == "phase")
    assert found.array is not None
    data = study.store.open_dataset(found.array)
    assert data["LiF"].shape == (2, 4)
    assert np.abs(data["LiF"].values / 60.0 - 1.0).max() < 0.25
    assert (data["LiF_limit"].values > data["LiF_std"].values).all()
