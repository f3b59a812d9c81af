"""Sizes of what was probed: what is stated comes through with its unit, what is not stays None."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.finding import FindingDraft, Probe
from consilience.nexus import beam_size, sample_length
from consilience.options import length_option
from consilience.sizes import (
    BEAM,
    SIZES,
    STEP,
    lateral_size,
    stated_length,
    step_of,
    whole_of,
    with_probe,
)


def scan(units: str | None = "nm", y: float = 8.0, x: float = 4.0) -> xr.DataArray:
    attrs = {} if units is None else {"units": units}
    coordinates = {"y": ("y", np.arange(3) * y, attrs), "x": ("x", 10 - np.arange(5) * x, attrs)}
    return xr.DataArray(np.zeros((3, 5)), dims=("y", "x"), coords=coordinates)


@pytest.mark.parametrize(
    "stated",
    [
        None,
        2.0,
        {"value": 2.0},
        {"value": 0.0, "unit": "um"},
        {"value": 2.0, "unit": "s"},
        {"value": 2.0, "unit": "furlongs of nothing"},
        {"value": True, "unit": "um"},
        {"value": float("nan"), "unit": "um"},
    ],
)
def test_what_is_no_length_is_unknown(stated: Any) -> None:
    assert stated_length({"beam_size": stated}, "beam_size") is None


def test_a_stated_beam_goes_before_the_step_of_a_scan() -> None:
    beam = {"beam_size": {"value": 2.0, "unit": "um"}}
    assert lateral_size(beam, scan(), ("y", "x")) == (Quantity(value=2.0, unit="um"), BEAM)
    assert lateral_size({}, scan(), ("y", "x")) == (Quantity(value=8.0, unit="nm"), STEP)
    assert lateral_size({}, scan(), ()) == (None, "")


def test_a_scan_without_positions_or_with_two_units_has_no_step() -> None:
    assert step_of(scan("1"), ("y", "x")) is None
    assert step_of(scan(None), ("y", "x")) is None
    assert step_of(scan().drop_vars("y"), ("y", "x")) is None
    mixed = scan().assign_coords(x=("x", np.arange(5.0), {"units": "um"}))
    assert step_of(mixed, ("y", "x")) is None
    assert whole_of(mixed, ("y", "x"), "map") is None
    one_row = scan().isel(y=[0])
    assert step_of(one_row, ("y", "x")) == Quantity(value=4.0, unit="nm")


def test_a_whole_says_its_extent_x_first() -> None:
    region = whole_of(scan(), ("y", "x"), "map")
    assert region is not None
    assert region.shape == "whole"
    assert region.coordinates == [[-6.0, 0.0], [10.0, 16.0]]
    assert whole_of(scan().isel(x=[0], y=[0]), ("y", "x"), "map") is None


def test_findings_keep_the_sizes_that_they_state_themselves() -> None:
    own = FindingDraft(kind="x", method="m", probe=Probe())
    other = FindingDraft(kind="x", method="m", evidence={"a": 1})
    size = Quantity(value=2.0, unit="um")
    same = with_probe([own, other])
    assert same == [own, other]
    first, second = with_probe([own, other], (size, BEAM), (None, "thickness"))
    assert first == own
    assert second.probe == Probe(lateral=size)
    assert second.evidence == {"a": 1, SIZES: {"lateral": BEAM}}


def entry_with(path: Path, **beams: tuple[Any, str | None]) -> h5py.File:
    """Write an entry with an NXbeam at each of these places."""
    file = h5py.File(path, "w")
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    for place, (extent, unit) in beams.items():
        group = entry.require_group(place)
        group.attrs["NX_class"] = f"NX{place}"
        number = len(group)
        beam = group.create_group(f"beam{number}")
        beam.attrs["NX_class"] = "NXbeam"
        beam["extent"] = extent
        if unit is not None:
            beam["extent"].attrs["units"] = unit
    return file


def test_nexus_has_the_beam_in_the_sample_or_the_instrument(tmp_path: Path) -> None:
    at_sample, before = ([[0.5, 0.3]], "um"), ([400.0, 600.0], "um")
    with entry_with(tmp_path / "a.nxs", sample=at_sample, instrument=before) as file:
        assert beam_size(file["entry"]) == {"value": 0.5, "unit": "um"}
        assert sample_length(file["entry"], "thickness") is None
        file["entry/sample/thickness"] = 25.0
        assert sample_length(file["entry"], "thickness") is None  # without a unit
        file["entry/sample/thickness"].attrs["units"] = "um"
        assert sample_length(file["entry"], "thickness") == {"value": 25.0, "unit": "um"}
    with entry_with(tmp_path / "b.nxs", instrument=before) as file:
        assert beam_size(file["entry"]) == {"value": 600.0, "unit": "um"}
        other = file["entry/instrument"].create_group("beam_at_slit")
        other.attrs["NX_class"] = "NXbeam"
        other["extent"] = [2.0, 2.0]
        other["extent"].attrs["units"] = "mm"
        assert beam_size(file["entry"]) is None  # which one is at the sample?
    with entry_with(tmp_path / "c.nxs", sample=([0.5, 0.3], None)) as file:
        assert beam_size(file["entry"]) is None


def test_an_option_is_a_length_with_its_unit() -> None:
    assert length_option({}, "beam_size") is None
    assert length_option({"beam_size": "50 nm"}, "beam_size") == {"value": 50.0, "unit": "nm"}
    for wrong in ("50", "0 nm", "-2 um", "2 s", 2.0, True, "broad"):
        with pytest.raises(BadInputError, match="is no length above 0 with its unit") as error:
            length_option({"beam_size": wrong}, "beam_size")
        assert '--option beam_size="2 um"' in str(error.value)
