"""A simulated series of 50 cycles through a study: files, findings, rivals, report."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from consilience import Study
from consilience.errors import BadFileError
from consilience.model.finding import Finding
from consilience_xrf.findings.change_params import ChangeParams
from consilience_xrf.findings.change_run import run_change
from consilience_xrf.findings.change_witness import read_image
from consilience_xrf.simulation.maps import FIFTY_CYCLES, SeriesParams, run_series
from consilience_xrf.simulation.scene import Film, FilmState, Grid, mass_map
from consilience_xrf.simulation.states import Setting

STATES = tuple(FIFTY_CYCLES[i] for i in (0, 1, 2, 6))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[str, object]]:
    folder = tmp_path_factory.mktemp("change")
    *files, told = run_series(SeriesParams(states=STATES), 4, folder)
    study = Study.create(folder / "study")
    study.add_sample("anode", elements=["Pt"])
    # registered in another order than they were measured in
    for path, state in list(zip(files, STATES, strict=True))[::-1]:
        study.add(path, "anode", state={"cycle": state.cycle, "bias": state.bias})
    summary = study.analyse(["xrf.change"], params={"rim_width": 0.5, "reference": "before"})
    assert not summary.failures
    return study, json.loads(told.read_text(encoding="utf-8"))


def of(study: Study, kind: str, cycle: float, label: str = "") -> Finding:
    found = [
        f
        for f in study.findings(kind)
        if f.state.get("cycle") == cycle and label in (f.subject.label if f.subject else "")
    ]
    assert found, kind
    return found[0]


def truth_of(told: dict[str, Any], state: int) -> dict[str, float]:
    film: dict[str, float] = told["states"][state]["film"]
    return film


def test_planted_numbers_come_out_within_their_errors(
    series: tuple[Study, dict[str, object]],
) -> None:
    study, told = series
    truth = truth_of(told, 3)
    for kind, label, name in (
        ("void_fraction", "", "void_fraction"),
        ("edge_to_centre", "", "edge_to_centre"),
        ("rim_share", "", "rim_share"),
        ("spread", "", "spread"),
    ):
        one = of(study, kind, 50.0, label)
        assert one.origin == "simulated"
        assert one.std is not None
        assert one.value == pytest.approx(truth[name], abs=2.5 * one.std), kind
    none = of(study, "void_fraction", 1.0)
    assert truth_of(told, 1)["void_fraction"] == 0.0
    assert (none.value, none.status) == (0.0, "absent_below_limit")
    assert none.limit == pytest.approx(3 * float(none.std_stat or 0))
    assert 0.001 < float(none.limit or 0) < 0.02
    lies = of(study, "map_shift", 50.0, "along y")
    assert lies.value == pytest.approx(-0.3, abs=2.5 * float(lies.std or 0))


def test_only_the_state_that_changed_is_told(series: tuple[Study, dict[str, object]]) -> None:
    study, _ = series
    whole = study.findings("redistribution")[0]
    assert whole.evidence["changed"] == ["delithiated, cycle 50"]
    assert "share of matter in the rim +" in str(whole.sentence)
    assert of(study, "spatial_change", 50.0).value == pytest.approx(0.5, abs=0.2)
    same = [f for f in study.findings("spatial_change") if f.state["cycle"] == 1.0]
    assert {f.value for f in same} == {0.0}
    assert all(f.std_stat is not None and f.std_stat > 0 for f in same)


def test_a_ratio_comes_with_the_rivals_of_density(series: tuple[Study, dict[str, object]]) -> None:
    study, _ = series
    ratio = next(
        f
        for f in study.findings("intensity_ratio")
        if f.evidence["ratio"] == "delithiated, cycle 1 over lithiated, cycle 1"
    )
    # 12 um of liquid against 2 um: 1 % by the simulator's own attenuation
    assert ratio.value == pytest.approx(1.010, abs=0.006)
    assert ratio.std_sys is None
    assert ratio.evidence["std_sys_parts"]["beam"] is None  # type: ignore[index]
    rivals = {r.subject.label: r for r in ratio.rivals}
    assert not rivals["density along the beam"].live
    assert "attenuated over 3.6 um in Pt" in rivals["density along the beam"].missing[0]
    assert not rivals["matter flowed sideways"].live
    assert rivals["thickness of the electrolyte"].live
    thick = float(rivals["thickness of the electrolyte"].explains[0].split()[0])
    assert thick == pytest.approx(10.0, abs=6.0)


def test_the_report_shows_it(series: tuple[Study, dict[str, object]], tmp_path: Path) -> None:
    study, _ = series
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "where they differ" in page
    assert "SIMULATED" in page
    assert "What would explain the ratio" in page


def test_scans_of_other_shape_are_left_out_or_refused(tmp_path: Path) -> None:
    whole = Setting(others=())
    small = Setting(others=(), grid=Grid(rows=12, columns=16, step=0.4))
    states = (FilmState(label="before"),)
    with Study.create(tmp_path / "study") as study:
        study.add_sample("anode")
        for i, setting in enumerate((whole, small)):
            path = run_series(SeriesParams(setting=setting, states=states), i, tmp_path)[0]
            study.add(path, "anode", state={"cycle": float(i)})
        summary = study.analyse(["xrf.change"])
        assert not summary.failures
        assert not study.findings("spatial_change")
        refused = study.analyse(["xrf.change"], params={"states": ["0.0", "1.0"]})
        assert "maps of different shape are compared" in str(refused.failures)


def test_an_image_of_the_same_voids_agrees_and_of_others_does_not(
    series: tuple[Study, dict[str, object]], tmp_path: Path
) -> None:
    study, _ = series
    found: dict[str, Finding] = {}
    image_grid = Grid(rows=140, columns=190, step=0.04)
    for seed, name in ((4, "same"), (90, "others")):
        state = STATES[3].model_copy(update={"shift": (-0.2, 0.25)})
        mass = mass_map(Film(), state, image_grid, seed)
        grey = 200.0 - 120.0 * (mass > 60.0) + np.random.default_rng(1).normal(0, 8, mass.shape)
        Image.fromarray(grey[::-1].clip(0, 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
        study.add_reference(tmp_path / f"{name}.png")
        summary = study.analyse(
            ["xrf.change"],
            params={"rim_width": 0.5, "witness": f"{name}.png", "witness_step": 0.04},
        )
        assert not summary.failures
        found[name] = study.findings("void_agreement")[-1]
    same, others = found["same"], found["others"]
    assert same.value > 0.6 > 0.4 > others.value  # type: ignore[operator]
    assert same.evidence["p_by_chance"] < 0.01  # type: ignore[operator]
    assert same.evidence["film_is_dark_in_image"] is True
    off = same.evidence["image_lies_off_um"]
    assert off == pytest.approx([0.1, -0.09], abs=0.06)
    assert same.interval is not None
    broken = tmp_path / "broken.png"
    broken.write_bytes((tmp_path / "same.png").read_bytes()[:60])
    with pytest.raises(BadFileError, match="no image that can be read"):
        read_image(broken)
    huge = tmp_path / "huge.png"
    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    huge.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )
    with pytest.raises(BadFileError, match="no image that can be read"):
        read_image(huge)
    refused = study.analyse(["xrf.change"], params={"witness": "missing.png", "witness_step": 1.0})
    assert "0 references have that name" in str(refused.failures)


def test_where_nothing_tells_how_a_scan_lies_the_errors_are_unknown() -> None:
    y, x = np.mgrid[:24, :30]
    chance = np.random.default_rng(3)
    scans: list[Any] = []
    for cycle, middle in enumerate((14.5, 14.5, 23.5)):
        film = 400.0 * ((np.abs(y - 11.5) < 8) & (np.abs(x - middle) < 10))
        counts = chance.poisson(film + 4.0).astype(float)
        about = {"units": "count", "element": "Pt", "line": "La"}
        axes = {n: (n, 0.2 * np.arange(k), {"units": "um"}) for n, k in (("y", 24), ("x", 30))}
        data = xr.Dataset({"Pt": (("y", "x"), counts, about)}, axes)
        name = f"cycle {cycle}"
        record = SimpleNamespace(state={"cycle": float(cycle)}, file_name=name, title=name,
                                 name=name, start=None)  # fmt: skip
        scans.append(SimpleNamespace(id=f"m-{cycle}", data=data, metadata={}, record=record))
    context: Any = SimpleNamespace(progress=lambda *_: None, references=())
    output = run_change(scans, ChangeParams(beam_std=0.01), context)
    assert [n.code for n in output.notices] == ["shift-unknown"], "farther than is believed"
    for kind in ("rim_share", "intensity_ratio"):
        lies, lost = (
            next(f for f in output.findings if f.kind == kind and (f.state or {})["cycle"] == c)
            for c in (1.0, 2.0)
        )
        assert lies.std_sys is not None, kind
        assert lost.std_sys is None, kind
        assert lost.evidence["std_sys_parts"]["alignment"] is None  # type: ignore[index]
