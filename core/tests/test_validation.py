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
    given = {"name": "a", "modality": "xrf", "data": data, **more}
    signal = Signal(**given)  # type: ignore[arg-type]
    return [str(p) for p in signal_problems([signal], ("xrf",), KNOWN)]


def validate(signals: object) -> None:
    validate_signals(signals, ("xrf",), KNOWN, reader="xrf.h5", shown="My scan.h5")


def test_valid_signal_has_no_problem() -> None:
    validate([Signal("a", "xrf", spectrum())])


def test_all_problems_of_all_signals_at_once() -> None:
    first, second = spectrum(), spectrum()
    del first["counts"].attrs["units"]
    first["energy"] = ("energy", [1.0, np.nan, 3.0], {"units": "eV"})
    second["counts_std"][1] = -1.0
    with pytest.raises(PluginError) as caught:
        validate([Signal("a", "xrf", first), Signal("b", "eds", second)])
    text = caught.value.what
    assert "'a', 'counts': has no attrs['units']" in text
    assert "'a', 'energy': has unit 'eV', the modality allows keV" in text
    assert "'a', 'energy': 1 of 3 values are not finite, first nan at point 1" in text
    assert "modality 'eds' is not one that the reader may return (xrf)" in text
    assert "'b', 'counts_std': 1 of 3 standard deviations are negative" in text
    assert "author" in caught.value.fix


def test_faults_of_content_alone_blame_the_file() -> None:
    data = spectrum()
    data["counts"][2] = np.nan
    with pytest.raises(BadFileError, match=r"'counts': 1 of 3 values are not finite"):
        validate([Signal("a", "xrf", data)])


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
        (lambda d: d.assign({7: ("energy", [1, 2, 3], {"units": "1"})}), "7: is an int, no name"),
        (lambda d: d.assign({"a/b": ("energy", [1, 2, 3], {"units": "1"})}), "can be stored"),
        (lambda d: d.assign(counts=d.counts * 1j), "has dtype complex128"),
        (
            lambda d: d.drop_vars("energy").assign(energy=("x", [1.0], {"units": "eV"})),
            "'energy': has unit 'eV', the modality allows keV",
        ),
    ],
)
def test_each_fault_is_named(change: object, said: str) -> None:
    assert any(said in text for text in texts(change(spectrum())))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"metadata": {"voltage": float("inf")}}, "metadata: has no JSON form"),
        ({"raw_metadata": {"voltage": np.float64(3)}, "start": "11.12.20"}, "not ISO 8601"),
        ({"notices": ["text"]}, "notices: holds a str, expected a list of Notice"),
        ({"notices": None}, "notices: is None, expected a list of Notice"),
        ({"metadata": [1]}, "metadata: is a list, expected a dict"),
        ({"linked": [3]}, "linked: holds an int, expected a list of str"),
        ({"linked": ["C:\\up.h5"]}, "leaves the file's folder"),
        ({"modality": ["xrf"]}, "modality ['xrf'] is not one that the reader may return"),
        ({"name": ["a"]}, "one printable line"),
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


def lazy_signal(data: xr.Dataset) -> Signal:
    return Signal("a", "xrf", lazy={}, summary=summarise(data))


def test_lazy_signal_is_opened_once_compared_and_closed() -> None:
    closed: list[bool] = []

    def opener(signal: Signal) -> xr.Dataset:
        data = spectrum()
        data.set_close(lambda: closed.append(True))
        return data

    assert signal_problems([lazy_signal(spectrum())], ("xrf",), KNOWN, opener) == []
    (problem,) = signal_problems(
        [lazy_signal(spectrum().isel(energy=slice(2)))], ("xrf",), KNOWN, opener
    )
    assert "counts(3,) float64 in count" in problem.what
    assert problem.what.endswith("not what its summary promises")
    assert closed == [True, True]
    faulty = lazy_signal(spectrum().drop_vars("counts"))
    assert signal_problems([faulty], ("xrf",), KNOWN, opener)
    assert closed == [True, True], "what is wrong already is not opened"


def test_values_of_lazy_variables_are_looked_at_only_on_demand() -> None:
    data = spectrum()
    data["counts"][1] = np.nan
    signals = [lazy_signal(data)]
    assert signal_problems(signals, ("xrf",), KNOWN, lambda s: data) == []
    (problem,) = signal_problems(signals, ("xrf",), KNOWN, lambda s: data, lazy_values=True)
    assert str(problem).startswith("signal 'a', opened lazily, 'counts': 1 of 3 values")


def test_a_summary_of_another_type() -> None:
    signal = Signal("a", "xrf", lazy={}, summary={"counts": 3})  # type: ignore[arg-type]
    assert [str(p) for p in signal_problems([signal], ("xrf",), KNOWN)] == [
        "signal 'a': summary is a dict, expected a DataSummary"
    ]


def test_the_error_names_reader_and_file() -> None:
    data = spectrum()
    data["energy"] = ("energy", [1.0, 3.0, 2.0], {"units": "keV"})
    with pytest.raises(BadFileError) as bad:
        validate([Signal("a", "xrf", data)])
    assert bad.value.what == (
        "what reader 'xrf.h5' found in 'My scan.h5' cannot be used: signal 'a', 'energy': "
        "is not strictly monotonic: point 2 is 2.0 after 3.0 at point 1"
    )
    assert bad.value.path == "My scan.h5"
    with pytest.raises(PluginError, match=r"reader 'xrf.h5' broke its contract with 'My scan.h5'"):
        validate([Signal("a", "xrf", data, start="soon")])


def test_a_deviation_of_a_coordinate_fits_it() -> None:
    data = spectrum()
    data["energy"].attrs["ancillary_variables"] = "energy_std"
    good = data.assign_coords(energy_std=("energy", [0.1, 0.1, 0.1], {"units": "keV"}))
    assert texts(good) == []
    scalar = data.assign_coords(energy_std=((), 0.1, {"units": "keV"}))
    assert texts(scalar) == [
        "signal 'a', 'energy_std': has [] [] 'keV', its variable ['energy'] [3] 'keV'"
    ]


def test_an_axis_that_falls_is_sound_and_one_with_a_hole_is_told_once() -> None:
    falling = spectrum().isel(energy=slice(None, None, -1))
    assert texts(falling) == []
    falling["energy"] = ("energy", [3.0, 2.0, np.nan], {"units": "keV"})
    assert texts(falling) == [
        "signal 'a', 'energy': 1 of 3 values are not finite, first nan at point 2"
    ]


def test_a_list_in_a_tuple_and_items_of_other_types() -> None:
    assert str(signal_problems((1,), ("xrf",), KNOWN)[0]) == (
        "read: returned a tuple, expected a list of Signal"
    )
    broken = Signal("b", "xrf", spectrum(), start="soon")
    assert [str(p) for p in signal_problems([1, broken], ("xrf",), KNOWN)] == [
        "read: item 0 of the list is an int, expected a Signal",
        "signal 'b', start: 'soon' is not ISO 8601",
    ]


def test_large_arrays_are_looked_at_in_blocks_and_the_place_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("consilience.datasets.BLOCK", 10)
    values = np.zeros((7, 5))
    values[6, 3] = np.nan
    data = xr.Dataset({"counts": (("y", "x"), values, {"units": "count"})})
    assert "first nan at (6, 3)" in texts(data)[0]


def test_summary_reads_units_shapes_and_dtypes() -> None:
    summary = summarise(spectrum())
    assert summary.variables["counts"].unit == "count"
    assert summary.coordinates["energy"].shape == [3]
