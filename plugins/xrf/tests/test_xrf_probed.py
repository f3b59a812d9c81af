"""What fluorescence looked at: beam and step from files and options, unknown where none says it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from xrf_files import write_cube
from xrf_fits import ENERGY, expected

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Signal
from consilience.model.sample import Sample
from consilience.sizes import BEAM, SIZES, STEP
from consilience_xrf.files.cube import open_cube
from consilience_xrf.files.mca import read_mca
from consilience_xrf.files.nexus import read_nexus
from consilience_xrf.findings.amount_params import MapsParams
from consilience_xrf.findings.change_params import ChangeParams
from consilience_xrf.findings.change_run import run_change
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import run_elements
from consilience_xrf.findings.maps_run import run_maps

CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"), progress=lambda *_: None)


def cube(path: Path, *, unit: str | None = "mm", beam: list[float] | None = None) -> Path:
    """A scan of 3 x 4 points, 2 and 1.5 um apart; with an NXbeam if asked."""
    places = {"y": 2e-3 * np.arange(3), "x": 1.5e-3 * np.arange(4)}
    mean = expected({"Fe_K": 4e3, "elastic": 3e3, "compton": 4e3}, 40.0)
    counts = np.random.default_rng(5).poisson(mean, (3, 4, mean.size))
    write_cube(path, counts, ["y", "x", "energy"], places, unit=unit, energy=ENERGY, beam=13.5)
    if beam is not None:
        with h5py.File(path, "a") as file:
            group = file["entry1/fluo_entry/instrument"].create_group("beam")
            group.attrs["NX_class"] = "NXbeam"
            group["extent"] = beam
            group["extent"].attrs["units"] = "um"
    return path


def read(path: Path, **options: object) -> Signal:
    (signal,) = read_nexus(path, options, {})
    return signal


def elements_of(path: Path, **options: object) -> list[FindingDraft]:
    signal = read(path, **options)
    assert signal.lazy is not None
    record = SimpleNamespace(state={}, file_name=path.name, title=path.name, name=path.name)
    with open_cube(path, {}, signal.lazy) as data:
        one: Any = SimpleNamespace(id="m", data=data, metadata=signal.metadata, record=record)
        params = ElementsParams(elements=("Fe",), search=False, calibrate=False, maps=False)
        return run_elements([one], params, CONTEXT).findings


def test_elements_of_a_scan_say_its_step_and_how_far_it_reaches(tmp_path: Path) -> None:
    found = elements_of(cube(tmp_path / "scan.nxs"))
    assert {f.kind for f in found} == {"element", "line_intensity"}
    for one in found:
        assert one.probe is not None
        assert one.probe.lateral is not None
        assert one.probe.lateral.unit == "mm"
        assert one.probe.lateral.value == pytest.approx(2e-3)
        assert one.probe.depth is None, "it hangs on what the sample is made of"
        assert one.evidence[SIZES] == {"lateral": STEP}
        assert one.region is not None
        assert one.region.shape == "whole"
        assert np.ptp(np.array(one.region.coordinates), axis=0) == pytest.approx([4.5e-3, 4e-3])


def test_a_beam_comes_from_the_file_or_the_option(tmp_path: Path) -> None:
    stated = cube(tmp_path / "beam.nxs", beam=[0.5, 0.3])
    assert read(stated).metadata["beam_size"] == {"value": 0.5, "unit": "um"}
    (first, *_) = elements_of(stated, beam_size="50 nm")
    assert first.probe is not None
    assert first.probe.lateral == Quantity(value=50.0, unit="nm")
    assert first.evidence[SIZES] == {"lateral": BEAM}
    assert "beam_size" not in read(cube(tmp_path / "none.nxs")).metadata
    with pytest.raises(BadInputError, match="beam_size='broad' is no length"):
        read(stated, beam_size="broad")


def test_positions_without_a_unit_and_single_spectra_say_nothing(tmp_path: Path) -> None:
    for one in elements_of(cube(tmp_path / "plain.nxs", unit=None)):
        assert one.probe is None
        assert SIZES not in one.evidence
    file = tmp_path / "one.mca"
    file.write_text("\n".join(str(n) for n in range(256)), encoding="utf-8")
    (plain,) = read_mca(file, {"zero": "0", "gain": "0.05"}, {})
    assert "beam_size" not in plain.metadata
    (told,) = read_mca(file, {"zero": "0", "gain": "0.05", "beam_size": "1 mm"}, {})
    assert told.metadata["beam_size"] == {"value": 1.0, "unit": "mm"}


def film(name: str, seed: int, metadata: dict[str, Any]) -> Any:
    """A square of platinum on 24 x 24 points."""
    truth = np.full((24, 24), 3.0)
    truth[6:18, 6:18] = 900.0
    counts = np.random.default_rng(seed).poisson(truth).astype(float)
    attrs = {"units": "count", "element": "Pt", "line": "La"}
    places = {d: (d, 0.5 * np.arange(24), {"units": "um"}) for d in ("y", "x")}
    data = xr.Dataset({"Pt": (("y", "x"), counts, attrs)}, places)
    record = SimpleNamespace(
        state={"bias": name}, file_name=name, title=name, name=name, start=None
    )
    return SimpleNamespace(id=f"m-{name}", data=data, metadata=metadata, record=record)


def test_changes_and_maps_of_scans_say_what_a_point_shows() -> None:
    beam = {"beam_size": {"value": 0.2, "unit": "um"}}
    same = [film("lithiated", 1, beam), film("delithiated", 2, beam)]
    for one in run_change(same, ChangeParams(), CONTEXT).findings:
        assert one.probe is not None
        assert one.probe.lateral == Quantity(value=0.2, unit="um")
    other = [film("lithiated", 1, beam), film("delithiated", 2, {})]
    assert {f.probe for f in run_change(other, ChangeParams(), CONTEXT).findings} == {None}
    first, second = run_maps(other, MapsParams(), CONTEXT).findings
    assert (first.evidence[SIZES], second.evidence[SIZES]) == ({"lateral": BEAM}, {"lateral": STEP})
    assert second.probe is not None
    assert second.probe.lateral == Quantity(value=0.5, unit="um")
