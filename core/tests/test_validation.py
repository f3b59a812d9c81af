"""What a reader returns is checked as a whole: every fault at once, each with its place."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from consilience.declarations import Modality
from consilience.errors import BadFileError, PluginError
from consilience.model.measurement import DataSummary, Signal, VariableSummary
from consilience.validation import signal_problems, summarise, validate_signals

XRF = Modality("xrf", "XRF", {"energy": ("keV",)}, {"counts": ("count",)})
KNOWN = {"xrf": XRF}


def spectrum(**attrs: str) -> xr.Dataset:
    counts = np.array([1.0, 4.0, 9.0])
    return xr.Dataset(
        {
            "counts": ("energy", counts, {"units": "count", "ancillary_variables": "counts_std"}),
            "counts_std": ("energy", np.sqrt(counts), {"units": "count"}),
        },
        {"energy": ("energy", [1.0, 2.0, 3.0], {"units": "keV"})},
    )


def texts(data: xr.Dataset, **more: object) -> list[str]:
    signal = Signal("a", "xrf", data, **more)  # type: ignore[arg-type]
    return [str(p) for p in signal_problems([signal], ("xrf",), KNOWN)]


def test_valid_signal_has_no_problem() -> None:
    validate_signals([Signal("a", "xrf", spectrum())], ("xrf",), KNOWN)


def test_all_problems_of_all_signals_at_once() -> None:
    first, second = spectrum(), spectrum()
    del first["counts"].attrs["units"]
    first["energy"] = ("energy", [1.0, np.nan, 3.0], {"units": "eV"})
    second["counts_std"][1] = -1.0
    with pytest.raises(PluginError) as caught:
        validate_signals([Signal("a", "xrf", first), Signal("b", "eds", second)], ("xrf",), KNOWN)
    text = caught.value.what
    assert "'a', 'counts': has no attrs['units']" in text
    assert "'a', 'energy': has unit 'eV', the modality allows keV" in text
    assert "'a', 'energy': 1 of 3 values are not finite, first at (1,)" in text
    assert "modality 'eds' is not among the reader's" in text
    assert "'b', 'counts_std': 1 of 3 standard deviations are negative" in text
    assert "author" in caught.value.fix


def test_faults_of_content_alone_blame_the_file() -> None:
    data = spectrum()
    data["counts"][2] = np.nan
    with pytest.raises(BadFileError, match=r"'counts': 1 of 3 values are not finite"):
        validate_signals([Signal("a", "xrf", data)], ("xrf",), KNOWN)


def test_nan_is_allowed_where_its_meaning_is_said_and_infinity_never() -> None:
    data = spectrum()
    data["counts"][2] = np.nan
    data["counts"].attrs["missing"] = "dead pixel"
    assert texts(data) == []
    data["counts"][1] = np.inf
    assert "infinite" in texts(data)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.rename(counts="other", counts_std="other_std"), "none of the variables"),
        (lambda d: d.drop_vars("counts_std"), "names 'counts_std', which is not there"),
        (lambda d: d.drop_vars("counts"), "there is no variable 'counts' beside it"),
        (lambda d: d.isel(energy=slice(0, 0)), "is empty"),
        (lambda d: d.assign(counts=d.counts.astype(object)), "has dtype object"),
        (lambda d: d.assign(counts=d.counts.assign_attrs(ancillary_variables="")), "not name"),
        (lambda d: d.assign(counts=d.counts.assign_attrs(x=float("nan"))), "no JSON form"),
        (
            lambda d: d.assign(counts_std=d.counts_std.assign_attrs(units="1")),
            "has unit '1', the modality allows count",
        ),
        (lambda d: d[[]], "holds no variable"),
    ],
)
def test_each_fault_is_named(change: object, said: str) -> None:
    assert any(said in text for text in texts(change(spectrum())))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metadata": {"voltage": float("inf")}}, "metadata: has no JSON form"),
        ({"raw_metadata": {"voltage": np.float64(3)}, "start": "11.12.20"}, "not ISO 8601"),
        ({"notices": ["text"]}, "expected a list of Notice"),
        ({"linked": ["../up.h5"]}, "leaves the file's folder"),
        ({"origin": "guessed"}, "origin"),
    ],
)
def test_what_stands_beside_the_data_is_checked(more: dict[str, object], said: str) -> None:
    assert any(said in text for text in texts(spectrum(), **more))


@pytest.mark.parametrize("answer", [None, [], {"a": 1}, [1]])
def test_answers_that_are_no_list_of_signals(answer: object) -> None:
    assert len(signal_problems(answer, ("xrf",), KNOWN)) == 1


def test_same_name_twice_and_names_of_two_lines() -> None:
    signals = [Signal("a", "xrf", spectrum()), Signal("a", "xrf", spectrum())]
    assert [str(p) for p in signal_problems(signals, ("xrf",), KNOWN)] == [
        "signal 'a': the name is used twice"
    ]
    assert "one printable line" in str(
        signal_problems([Signal("a\nb", "xrf", spectrum())], ("xrf",), KNOWN)[0]
    )


def test_lazy_signal_is_judged_by_its_summary() -> None:
    item = VariableSummary(dims=["n"], shape=[3], unit=None, dtype="float64")
    signal = Signal(
        "a", "xrf", lazy={}, summary=DataSummary(variables={"counts": item}, coordinates={})
    )
    assert ["has no attrs" in str(p) for p in signal_problems([signal], ("xrf",), KNOWN)] == [True]


def test_large_arrays_are_looked_at_in_blocks_and_the_place_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consilience.validation.BLOCK", 10)
    values = np.zeros((7, 5))
    values[6, 3] = np.nan
    data = xr.Dataset({"counts": (("y", "x"), values, {"units": "count"})})
    assert "first at (6, 3)" in texts(data)[0]


def test_summary_reads_units_shapes_and_dtypes() -> None:
    summary = summarise(spectrum())
    assert summary.variables["counts"].unit == "count"
    assert summary.coordinates["energy"].shape == [3]
