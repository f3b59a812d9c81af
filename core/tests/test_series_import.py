"""Logs into the store: in pieces, with what is no evidence marked, from CSV."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience import Study
from consilience.errors import BadFileError, BadInputError
from consilience.model.canonical import content_id
from consilience.series import FLAGS, SeriesMapping
from consilience.series.importing import Imported, import_log
from consilience.store import Store
from consilience.store.zarr_reading import open_zarr

WORD = {word: flag for flag, word in FLAGS.items()}
MAPPING: dict[str, Any] = {
    "gap": "60 s",
    "time": {"column": "t", "unit": "s", "start": "2026-03-01T10:00:00+00:00"},
    "columns": {"temperature": {"column": "T", "unit": "K"}},
}


def mapping(**changes: Any) -> dict[str, Any]:
    """The mapping with tables merged: ``time={…}``, ``temperature={…}``."""
    made = {**MAPPING, "time": {**MAPPING["time"]}, "columns": {**MAPPING["columns"]}}
    for key, value in changes.items():
        if key == "time":
            made["time"] = value
        elif key in ("temperature", "pressure", "o2"):
            made["columns"][key] = {**made["columns"].get(key, {}), **value}
        else:
            made[key] = value
    return made


def read(
    text: str | bytes, plan: dict[str, Any], **sizes: int
) -> tuple[Imported, xr.Dataset, list[str]]:
    """Import a log; return what was found, the data, and the flags of its column as words."""
    with tempfile.TemporaryDirectory() as name:
        path, folder = Path(name) / "log.csv", Path(name) / "array"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        found = import_log(path, path, SeriesMapping.model_validate(plan), folder, **sizes)
        names = [p.parent.name for p in folder.glob("*/zarr.json")]
        data = open_zarr(folder, sorted(names)).load()
    column = next(iter(found.units))
    return found, data, [FLAGS[int(f)] for f in data[f"{column}_flag"].to_numpy()]


def rows(*lines: Any, header: str = "t,T") -> str:
    return "\n".join([header, *(",".join(str(c) for c in line) for line in lines)]) + "\n"


# --- what is no evidence -----------------------------------------------------------------------


def test_a_stuck_sensor_is_unknown_from_the_moment_it_stops() -> None:
    readings = [90, 91, 92, 92, 92, 92, 93]
    text = rows(*((i * 10, v) for i, v in enumerate(readings)))
    found, data, flags = read(text, mapping(temperature={"stuck": "20 s"}))
    assert flags == ["good", "good", "good", "stuck", "stuck", "stuck", "good"]
    np.testing.assert_array_equal(
        data["temperature"], [90, 91, 92, math.nan, math.nan, math.nan, 93]
    )
    (problem,) = found.problems
    assert problem == (
        "temperature: did not move for longer than 20 s 1 time(s), 30 s in all: counted as unknown "
        "from where it stopped"
    )
    _, _, flags = read(text, mapping(temperature={"stuck": "30 s"}))
    assert set(flags) == {"good"}


def test_a_pause_in_the_log_does_not_free_a_stuck_sensor() -> None:
    text = rows((0, 91), (10, 92), (20, ""), (500, 92), (510, 93))
    _, _, flags = read(text, mapping(temperature={"stuck": "60 s"}))
    assert flags == ["good", "good", "missing", "stuck", "good"]


@pytest.mark.parametrize(
    ("name", "unit", "bad", "least"),
    [
        ("temperature", "K", -1, "≤ 0 K"),
        ("temperature", "K", 0, "≤ 0 K"),
        ("temperature", "degC", -280, "≤ 0 K"),
        ("pressure", "mbar", -1e-9, "< 0 Pa"),
        ("o2", "ppm", -1, "< 0 ppm or > 1e+06 ppm"),
        ("o2", "percent", 101, "< 0 percent or > 100 percent"),
        ("temperature", "K", "inf", "≤ 0 K"),
    ],
)
def test_a_reading_that_cannot_be_is_unknown(name: str, unit: str, bad: Any, least: str) -> None:
    plan = {**MAPPING, "columns": {name: {"column": "T", "unit": unit}}}
    found, data, flags = read(rows((0, 50), (1, bad), (2, 50)), plan)
    assert flags == ["good", "impossible", "good"]
    assert math.isnan(data[name][1])
    assert found.problems == [f"{name}: 1 of 3 readings cannot be ({least}): counted as unknown"]


def test_what_the_sensor_cannot_show_is_unknown() -> None:
    found, _, flags = read(
        rows((0, 90), (1, 850), (2, 90)), mapping(temperature={"valid": ["-270 degC", "400 K"]})
    )
    assert flags == ["good", "out_of_range", "good"]
    assert (
        "1 of 3 readings lie outside 3.15 to 400 K, what the sensor can show" in found.problems[0]
    )


def test_texts_and_a_status_beside_them_refuse_readings() -> None:
    text = rows((0, 90, "ok"), (1, "OVER", "ok"), (2, 92, "warn"), (3, "", "ok"), header="t,T,s")
    plan = mapping(temperature={"missing": ["OVER"], "status": {"column": "s", "good": ["ok"]}})
    found, data, flags = read(text, plan)
    assert flags == ["good", "refused", "refused", "missing"]
    assert data["temperature"][0] == 90.0
    assert "2 of 4 readings do not count, by their text or status" in " ".join(found.problems)


def test_a_text_that_nobody_announced_is_an_error_with_its_line() -> None:
    with pytest.raises(BadFileError, match="'OVER' in column 'T' is not a number") as caught:
        read(rows((0, 90), (1, "OVER")), MAPPING)
    assert caught.value.line == 3
    with pytest.raises(BadFileError, match="'HIGH' in column 'T' is not a number"):
        read(rows((0, 90), (1, "HIGH")), mapping(temperature={"missing": ["OVER"]}))


# --- units -------------------------------------------------------------------------------------


def test_units_from_a_row_below_the_header() -> None:
    text = rows(("s", "(degC)"), (0, -183.15))
    plan = mapping(units_row=True)
    plan["columns"] = {"temperature": {"column": "T"}}
    found, data, _ = read(text, plan)
    assert found.units == {"temperature": "K"}
    assert float(data["temperature"][0]) == pytest.approx(90.0)


def test_units_time_and_start_from_notes() -> None:
    text = rows(
        (0, "Units = Degrees C", 25), (0, "Time units = Milliseconds", 25),
        (0, "Date = 2014.12.15", 25), (2000, "valve opened", 26), header="t,Notes,T",
    )  # fmt: skip
    plan = {
        "gap": "60 s",
        "notes": "Notes",
        "time": {
            "column": "t",
            "unit_note": "Time units",
            "start_notes": ["Date"],
            "start_format": "%Y.%m.%d",
            "time_zone": "+01:00",
        },
        "columns": {"temperature": {"column": "T", "unit_note": "Units"}},
    }
    found, data, _ = read(text, plan)
    assert found.start == "2014-12-15T00:00:00+01:00"
    np.testing.assert_allclose(data["time"], [0, 0, 0, 2.0])
    np.testing.assert_allclose(data["temperature"], [298.15, 298.15, 298.15, 299.15])
    assert str(data["note_text"].to_numpy()[3]) == "valve opened"
    assert float(data["note_time"][3]) == 2.0
    plan["time"]["time_zone"] = "unknown"
    found, _, _ = read(text, plan)
    assert found.start is None
    assert "time zone is not known" in found.problems[0]


@pytest.mark.parametrize(
    ("unit", "says"),
    [("mbar", "states 'Torr' for 'pressure', the mapping 'mbar'"), (None, None), ("torr", None)],
)
def test_a_unit_that_the_file_contradicts_is_refused(unit: str | None, says: str | None) -> None:
    plan = {**MAPPING, "units_row": True, "columns": {"pressure": {"column": "p", "unit": unit}}}
    text = rows(("s", "Torr"), (0, 760), header="t,p")
    if says is None:
        _, data, _ = read(text, plan)
        assert float(data["pressure"][0]) == pytest.approx(101325.0)
        return
    with pytest.raises(BadInputError, match=says):
        read(text, plan)


def test_a_unit_nobody_knows_or_states_is_refused() -> None:
    plan = {**MAPPING, "units_row": True, "columns": {"pressure": {"column": "p"}}}
    text = rows(("s", "hecto"), (0, 1), header="t,p")
    with pytest.raises(BadInputError, match="states the unit 'hecto', which is not known"):
        read(text, plan)
    _, data, _ = read(text, {**plan, "unit_words": {"hecto": "hPa"}})
    assert float(data["pressure"][0]) == 100.0
    with pytest.raises(BadInputError, match="is stated neither by the mapping nor by"):
        read(text, {**plan, "units_row": False})


def test_billionths_become_millionths() -> None:
    plan = {**MAPPING, "columns": {"o2": {"column": "T", "unit": "ppb"}}}
    found, data, _ = read(rows((0, 50)), plan)
    assert found.units == {"o2": "ppm"}
    assert float(data["o2"][0]) == pytest.approx(0.05)


# --- clocks ------------------------------------------------------------------------------------

CLOCK = {"hour": "h", "minute": "m", "second": "s", "date": "2026-03-01", "time_zone": "UTC"}


def test_a_clock_of_hours_passes_midnight() -> None:
    text = rows((23, 59, 50, 1), (0, 0, 10, 2), (23, 0, 0, 3), (0, 0, 0, 4), header="h,m,s,T")
    found, data, _ = read(text, mapping(time=CLOCK))
    assert found.start == "2026-03-01T23:59:50+00:00"
    np.testing.assert_allclose(data["time"], [0, 20, 82810, 86410])
    unknown, _, _ = read(text, mapping(time={**CLOCK, "date": "unknown"}))
    assert unknown.start is None
    assert "no date: it has no place in time" in " ".join(unknown.problems)


def test_a_clock_that_goes_back_within_the_day_is_refused() -> None:
    text = rows((10, 0, 0, 1), (9, 59, 59, 2), header="h,m,s,T")
    with pytest.raises(BadFileError, match=r"time goes back from 0 s to -1 s at row 2"):
        read(text, mapping(time=CLOCK))
    with pytest.raises(BadFileError, match=r"10:61:0 at row 1 is no time of day"):
        read(rows((10, 61, 0, 1), header="h,m,s,T"), mapping(time=CLOCK))


def test_a_night_in_which_the_clocks_were_changed_is_refused() -> None:
    text = rows((22, 0, 0, 1), (5, 0, 0, 2), header="h,m,s,T")
    zone = {**CLOCK, "date": "2026-10-24", "time_zone": "Europe/London"}
    with pytest.raises(BadInputError, match="clocks in Europe/London were changed") as caught:
        read(text, mapping(time=zone))
    assert "the offset that the logger's clock kept" in caught.value.fix
    found, _, _ = read(text, mapping(time={**zone, "time_zone": "+01:00"}))
    assert found.start == "2026-10-24T22:00:00+01:00"


@pytest.mark.parametrize(
    ("times", "zone", "says"),
    [
        (["2026-10-25T01:30:00"], "Europe/London", "change of the clocks"),
        (["2026-10-25T00:30:00", "2026-10-25T01:30:00"], "Europe/London", "row 2.*change of the"),
        (["2026-03-29T01:30:00"], "Europe/London", "change of the clocks"),
        (["2026-03-01T10:00:00"], None, "no time zone"),
        (["03/04/2026 10:00"], "UTC", "ambiguous: 2026-04-03 or 2026-03-04"),
        (["2026-03-01T10:00:00", "soon"], "UTC", "row 2: 'soon' is not a date and time"),
        (["2026-03-01T10:00:00Z", "2026-03-01T11:00:00"], None, "row 2.*no time zone"),
    ],
)
def test_a_time_that_can_be_read_in_two_ways_is_refused(
    times: list[str], zone: str | None, says: str
) -> None:
    text = rows(*((t, 90) for t in times))
    with pytest.raises(BadInputError, match=says):
        read(text, mapping(time={"column": "t", "time_zone": zone}))


@pytest.mark.parametrize(
    ("times", "more"),
    [
        (["2026-03-01T10:00:00", "2026-03-01 10:00:30.5"], {"time_zone": "Europe/Berlin"}),
        (["2026-03-01T10:00:00+01:00", "2026-03-01T09:00:30.5Z"], {}),
        (["2026-03-01T10:00:00+01:00", "2026-03-01T10:00:30.5"], {"time_zone": "+01:00"}),
        (["01.03.2026 10:00:00.0", "01.03.2026 10:00:30.5"],
         {"time_zone": "+01:00", "format": "%d.%m.%Y %H:%M:%S.%f"}),
    ],
)  # fmt: skip
def test_absolute_times_in_any_form(times: list[str], more: dict[str, Any]) -> None:
    plan = mapping(time={"column": "t", "clock_offset": "-2 s", **more})
    found, data, _ = read(rows(*((t, 90) for t in times)), plan)
    assert found.start == "2026-03-01T09:59:58+01:00"
    np.testing.assert_allclose(data["time"], [0, 30.5])


def test_date_and_time_in_two_columns() -> None:
    text = rows(("2026-03-01", "10:00:00", 90), ("2026-03-02", "10:00:00", 90), header="d,t,T")
    _, data, _ = read(text, mapping(time={"column": "t", "date_column": "d", "time_zone": "UTC"}))
    np.testing.assert_allclose(data["time"], [0, 86400])


def test_a_row_without_a_time_is_refused() -> None:
    with pytest.raises(BadFileError, match="row 2 has no time"):
        read(rows((0, 90), ("", 91)), MAPPING)


# --- forms of the file -------------------------------------------------------------------------


def test_semicolons_decimal_commas_a_byte_order_mark_and_cells_too_many() -> None:
    text = "\ufefft;T\r\n0;90,5;;\r\n\r\n;\r\n1; 91,5 ;x\r\n2\r\n"
    _, data, flags = read(text, mapping(delimiter=";", decimal=","))
    np.testing.assert_allclose(data["temperature"], [90.5, 91.5, math.nan])
    assert flags == ["good", "good", "missing"]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadInputError, match="is not text in utf-8"):
        read(b"t,T\n0,90\n1,\xff\xfe\n", MAPPING)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"time": {"unit": "s"}}, "name the 'column' of the time"),
        ({"time": {"hour": "h", "minute": "m", "second": "s"}}, "has no date: say date"),
        ({"time": {"column": "t", "hour": "h"}}, "either a 'column' or"),
        ({"temperature": {"unit_note": "Units"}}, "say which column they stand in"),
        ({"temperature": {"valid": ["1 K"]}}, "list of two"),
        ({"decimal": ","}, "cannot be the same character"),
    ],
)
def test_an_incomplete_mapping_is_refused(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(rows((0, 90)))
    with Study.create(tmp_path / "study", "m") as study:
        study.add_sample("chip")
        (step,) = study.add_step({"sample": "chip", "type": "transfer"})
        with pytest.raises(BadInputError, match=says):
            study.add_series(log, step.id, mapping(**changes))
        assert study.series() == []


def test_the_id_of_a_series_is_what_it_was_before_the_mapping_grew() -> None:
    plan = SeriesMapping.model_validate(MAPPING)
    before = {
        "delimiter": ",",
        "encoding": "utf-8",
        "skip_rows": 0,
        "gap": "60 s",
        "time": {
            "column": "t",
            "unit": "s",
            "start": "2026-03-01T10:00:00+00:00",
            "time_zone": None,
            "clock_offset": "0 s",
        },
        "columns": {"temperature": {"column": "T", "unit": "K"}},
    }
    assert plan.to_json() == before
    grown = SeriesMapping.model_validate(mapping(temperature={"stuck": "1 h"}))
    assert content_id("se", grown.to_json()) != content_id("se", before)


# --- pieces ------------------------------------------------------------------------------------


@st.composite
def texts(draw: Any) -> str:
    pauses = draw(st.lists(st.sampled_from([0, 1, 5, 70]), min_size=1, max_size=40))
    cells = st.sampled_from(["90", "90", "90", "91", "", "-5", "500", "OVER"])
    notes = st.sampled_from(["", "", "look"])
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["t", "T", "n"])
    for time in np.cumsum(pauses):
        writer.writerow([int(time), draw(cells), draw(notes)])
    return out.getvalue()


@settings(max_examples=25, deadline=None)
@given(texts(), st.integers(1, 9), st.integers(1, 9))
def test_nothing_depends_on_the_size_of_the_pieces(text: str, piece: int, block: int) -> None:
    plan = mapping(
        notes="n",
        temperature={"stuck": "4 s", "valid": ["50 K", "400 K"], "missing": ["OVER"]},
    )
    whole, expected, _ = read(text, plan)
    found, data, _ = read(text, plan, piece_rows=piece, block_rows=block)
    assert found == whole
    xr.testing.assert_identical(data, expected)


def test_a_log_of_many_blocks_is_stored_with_checksums_and_verified(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    time = np.arange(1000)
    log.write_text(
        rows(*((t, 90 + t % 3, "start" if t == 5 else "") for t in time), header="t,T,n")
    )
    plan = SeriesMapping.model_validate(mapping(notes="n"))
    with Store.create(tmp_path / "s", "test") as store:
        with store.staging() as staging:
            import_log(log, log, plan, staging / "a", piece_rows=70, block_rows=64)
            array = store.adopt(staging / "a")
        assert store.verify().ok
        data = store.open_dataset(array)
        np.testing.assert_array_equal(data["time"], time)
        np.testing.assert_array_equal(data["temperature"], 90 + time % 3)
        np.testing.assert_array_equal(data["temperature"][100:300], 90 + time[100:300] % 3)
        assert data["note_text"].to_numpy().tolist() == ["start"]
        assert data["temperature"].attrs["units"] == "K"
        chunk = next((store.layout.array(array) / "temperature").rglob("c/3"))
        chunk.chmod(0o644)
        chunk.write_bytes(b"x" + chunk.read_bytes()[1:])
        assert [what for what, _ in store.arrays.verify_array(array)] == ["changed"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([90.0, 91.0, math.nan]), min_size=1, max_size=40),
    st.integers(0, 12),
    st.integers(1, 6),
)
def test_what_is_stuck_is_what_a_reading_by_reading_look_finds(
    readings: list[float], limit: int, piece: int
) -> None:
    from consilience.series.checking import ColumnChecker
    from consilience.series.mapping import SensorColumn

    flags = ["good" if v == v else "missing" for v in readings]
    start = None
    for i, value in enumerate([*readings, -1.0]):
        if value != value:
            continue
        if start is not None and value == readings[start]:
            last = i
            continue
        if start is not None and last - start > limit:
            flags[start + 1 : last + 1] = [
                "stuck" if f == "good" else f for f in flags[start + 1 : last + 1]
            ]
        start = last = i
    column = SensorColumn(column="T", unit="K", stuck=f"{limit} s")
    checker = ColumnChecker(Path("log"), "temperature", column, None, {})
    found: list[int] = []
    for at in range(0, len(readings), piece):
        raw = np.array(readings[at : at + piece])
        _, marks, patch = checker.check(at + np.arange(len(raw), dtype=float), raw, None, at)
        if patch is not None:
            for i in range(*patch):
                found[i] = WORD["stuck"] if found[i] == WORD["good"] else found[i]
        found += marks.tolist()
    assert [FLAGS[f] for f in found] == flags


@pytest.mark.parametrize("piece", [1, 7, 149, 150, 1000])
def test_equal_readings_are_counted_across_pieces(piece: int) -> None:
    text = rows((0, 1), *((i + 1, 90) for i in range(150)), (151, 2), (152, 2), (153, ""))
    found, _, flags = read(text, mapping(), piece_rows=piece, block_rows=50)
    assert "temperature: the same reading 150 times in a row; is it stuck?" in found.problems
    assert flags == ["good"] * 153 + ["missing"]
    assert found.suspect == ["temperature"]
    limited, _, _ = read(text, mapping(temperature={"stuck": "30 min"}))
    assert limited.suspect == [], "the limit says how long is long"
