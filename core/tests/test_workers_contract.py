"""What a reader returns is checked at the border, and all faults are named at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from consilience.declarations import Check, Modality, Reader, Ref
from consilience.errors import BadFileError, BadInputError, ConsilienceError, PluginError
from consilience.workers import Limits, ReadJob, ReadOutcome, WorkerPool
from consilience.workers.messages import PathNames

sys.path.insert(0, str(Path(__file__).parent / "worker_fakes"))

from fake_worker_jobs import digest, make_job


@pytest.fixture(scope="module")
def pool():
    with WorkerPool() as pool:
        yield pool


def test_a_good_file(pool, tmp_path) -> None:
    import xarray as xr

    (tmp_path / "geometry.poni").write_text("distance")
    job = make_job(
        tmp_path / "in",
        "good 4 9",
        options={"operator": "<b>Zoë</b>"},
        companions={"geometry": str(tmp_path / "geometry.poni")},
        check=("check_total", "check_broken", "check_wrong"),
    )
    outcome = pool.read(job)
    (signal,) = outcome.signals
    assert signal.summary.variables["intensity"].unit == "counts"
    assert signal.summary.variables["intensity"].shape == [2]
    assert signal.summary.coordinates["q"].unit == "1/angstrom"
    assert signal.metadata == {"operator": "<b>Zoë</b>", "from": "scan.dat"}
    staging = Path(job.staging)
    assert json.loads((staging / signal.raw_metadata).read_bytes()) == {
        "path": "scan.dat",
        "gain": 2.0,
        "offset": "NaN",
        "bytes": "\\xff",
        "roles": {"geometry": "distance"},
    }
    assert json.loads((staging / "signals.json").read_bytes()) == [signal.to_json()]
    data = xr.open_zarr(staging / signal.array, consolidated=False).load()
    assert data["intensity"].values.tolist() == [4.0, 9.0]
    assert data["intensity_std"].values.tolist() == [2.0, 3.0]
    assert data["intensity"].attrs["units"] == "counts"
    assert [(n.code, n.message) for n in signal.notices] == [
        ("noted", "read scan.dat"),
        ("total", "the sum is 13"),
        ("check-failed", "check 'fake.check_broken' failed: KeyError: 'monitor'"),
        (
            "check-failed",
            (
                "check 'fake.check_wrong' failed: TypeError: it returned 'fine', "
                "expected a list of Notice"
            ),
        ),
    ]
    assert ReadOutcome.model_validate_json(outcome.model_dump_json()) == outcome


def test_the_same_file_gives_the_same_bytes_in_another_place_and_process(pool, tmp_path) -> None:
    first, second = make_job(tmp_path / "a", "warn"), make_job(tmp_path / "b" / "c", "warn")
    pool.read(first)
    with WorkerPool() as other:
        other.read(second)
        third = make_job(tmp_path / "d", "warn")
        other.read(third)
    assert digest(first) == digest(second) == digest(third)


@pytest.mark.parametrize(
    ("word", "kind", "what"),
    [
        ("type", PluginError, "item 1 of the list is a str, expected a Signal"),
        ("nothing", BadFileError, "read: returned no signal"),
        ("nan", BadFileError, "signal 'scan', 'q': 1 of 3 values are not finite, first nan at p"),
        ("inf", BadFileError, "'q': 1 of 3 values are not finite, first inf at point 2"),
        ("hole", BadFileError, "'intensity': 1 of 3 values are not finite, first nan at point 1"),
        (
            "unordered",
            BadFileError,
            "'q': is not strictly monotonic: point 2 is 2.0 after 3.0 at point 1",
        ),
        ("labels", BadFileError, "'line': names 'Ka' twice, at point 0 and at point 2"),
        ("complex", PluginError, "'q': has dtype complex128, expected real numbers or text"),
        ("unit", PluginError, "'q': has unit 'degree', the modality allows 1/angstrom, 1/nm"),
        ("unit", PluginError, "'intensity': has unit 'furlong', the modality allows counts"),
        ("unit_type", PluginError, "'intensity': attrs['units'] is an int, expected a text"),
        ("no_unit", PluginError, "'intensity': has no attrs['units'] (the modality allows counts)"),
        ("extra", PluginError, "'monitor': has no attrs['units'] ('1' for a plain number)"),
        ("std", PluginError, "'intensity': ancillary_variables names 'sigma', which is not there"),
        ("std", PluginError, "'intensity_std': has unit '1', the modality allows counts"),
        ("std", PluginError, "['q'] [3] '1', its variable ['q'] [3] 'counts'"),
        ("std", PluginError, "attrs['ancillary_variables'] does not name 'intensity_std'"),
        ("std", PluginError, "'intensity_std': 1 of 3 standard deviations are negative"),
        ("std_negative", BadFileError, "1 of 3 standard deviations are negative"),
        ("modality", PluginError, "modality 'xrd' is not one that the reader may return (fake)"),
        ("modality", PluginError, "signal 'scan': the name is used twice"),
        ("object", PluginError, "'thing': has dtype object"),
        ("empty", BadFileError, "'q': is empty, shape (0,)"),
        ("absurd", BadFileError, "'map': claims an absurd shape (2097152, 1048576)"),
        ("lazy_absurd", BadFileError, "'intensity': claims an absurd shape (2097152, 1048576)"),
        ("metadata_nan", PluginError, "metadata: has no JSON form: $.energy: nan"),
        ("metadata_object", PluginError, "raw_metadata.a[0] is an object, which has no JSON form"),
        ("links", BadFileError, "linked: '../../etc/passwd' leaves the file's folder"),
        ("links_windows", BadFileError, "linked: 'C:\\\\frames\\\\1.tif' leaves the file's folder"),
        ("links_windows", BadFileError, "linked: '..\\\\2.tif' leaves the file's folder"),
        ("scale", PluginError, "'scale_factor'"),
        ("lazy", PluginError, "signal 'scan' is lazy, but the reader declares no 'open'"),
        ("raise", BadFileError, "cannot read 'scan.dat': ValueError: could not convert string to"),
        ("scratch", BadFileError, "ValueError: cannot unpack into <scratch>/x or <scratch>"),
        ("raise_path", BadFileError, "OSError: scan.dat and other.bin are odd"),
        (
            "raise_unprintable",
            BadFileError,
            "Nasty: its message cannot be shown: RuntimeError",
        ),
        ("recursion", BadFileError, "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_what_is_wrong_is_said(word, kind, what, pool, tmp_path) -> None:
    with pytest.raises(ConsilienceError) as caught:
        pool.read(make_job(tmp_path, word))
    error = caught.value
    assert type(error) is kind
    assert what in error.what
    assert "\n" not in error.what
    assert "fake.dat" in error.what
    assert error.path == "scan.dat"
    assert error.fix
    assert str(tmp_path) not in f"{error}{error.detail}"
    assert len(pool._all) == 1, "an error is no reason for a new worker"


def test_a_dictionary_is_no_list(pool, tmp_path) -> None:
    with pytest.raises(PluginError, match="read: returned a dict, expected a list of Signal"):
        pool.read(make_job(tmp_path, "good", read="fake_worker_readers:read_bare"))


def test_the_readers_own_words_stay(pool, tmp_path) -> None:
    with pytest.raises(BadFileError) as caught:
        pool.read(make_job(tmp_path / "a", "refuse"))
    assert str(caught.value) == (
        "scan.dat: row 3 is cut off\n  fix: look at scan.dat\n  at:  scan.dat, line 3"
    )
    assert "in do_refuse" in caught.value.detail
    with pytest.raises(BadFileError, match="not mine"):
        pool.read(make_job(tmp_path / "b", "refuse_own"))


def test_a_traceback_is_kept_for_debug(pool, tmp_path) -> None:
    with pytest.raises(BadFileError) as caught:
        pool.read(make_job(tmp_path, "raise"))
    assert "in do_raise" in caught.value.detail
    assert caught.value.to_dict()["detail"] == caught.value.detail
    assert "Traceback" not in str(caught.value)


def test_what_is_missing_on_purpose_is_kept(pool, tmp_path) -> None:
    (signal,) = pool.read(make_job(tmp_path, "masked")).signals
    assert signal.summary.variables["intensity"].shape == [3]


def test_what_libraries_say_is_kept_once_each(pool, tmp_path) -> None:
    (signal,) = pool.read(make_job(tmp_path, "warn")).signals
    said = [n for n in signal.notices if n.code == "library-warning"]
    assert [(n.message, n.where, n.severity) for n in said] == [
        (
            "UserWarning: the header of scan.dat is odd (said 3 times)",
            "fake_worker_readers.py",
            "warning",
        ),
        ("DeprecationWarning: use the new way", "fake_worker_readers.py", "info"),
        ("WARNING: gain of scan.dat unknown", "some.library", "warning"),
    ]


def test_lazy_signals_are_opened_once_to_see_that_they_hold(pool, tmp_path) -> None:
    opener = {"open": "fake_worker_readers:open_lazy"}
    (signal,) = pool.read(make_job(tmp_path / "a", "lazy", **opener)).signals
    assert signal.array is None
    assert signal.lazy == {"start": 5}
    assert signal.summary.variables["intensity"].shape == [3]
    with pytest.raises(PluginError, match="not what its summary promises"):
        pool.read(make_job(tmp_path / "b", "lazy_wrong", **opener))
    for name, kind, what in [
        ("open_bad_axis", BadFileError, "opened lazily, 'q': is not strictly monotonic"),
        ("open_list", PluginError, "open returned a list, expected an xarray.Dataset"),
    ]:
        job = make_job(tmp_path / name, "lazy", open=f"fake_worker_readers:{name}")
        with pytest.raises(kind, match=what):
            pool.read(job)


def test_the_values_of_lazy_variables_are_left_in_the_raw_file(pool, tmp_path) -> None:
    opener = {"open": "fake_worker_readers:open_bad_values"}
    (signal,) = pool.read(make_job(tmp_path, "lazy", **opener)).signals
    assert signal.array is None


def test_a_description_beyond_all_bounds_is_refused(tmp_path) -> None:
    with WorkerPool(Limits(reply=1 << 20)) as pool:
        with pytest.raises(PluginError, match=r"in 2 MB of JSON, more than the 1 MB allowed"):
            pool.read(make_job(tmp_path / "a", "big_reply"))
        pool.read(make_job(tmp_path / "b", "good"))


def test_a_worker_imports_only_what_is_named(pool, tmp_path) -> None:
    with WorkerPool() as fresh:
        (signal,) = fresh.read(make_job(tmp_path, "modules")).signals
    assert signal.metadata == {"loaded": []}


def test_the_parents_side_imports_no_numpy() -> None:
    code = (
        "import sys, consilience.workers; "
        "print(sorted({'numpy', 'xarray', 'zarr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_job_is_made_of_declarations_and_is_json(tmp_path) -> None:
    reader = Reader("fake.dat", ("fake",), ("*.dat",), Ref("a:probe"), Ref("a.b:read"))
    modalities = [
        Modality("fake", "Fake", {"q": ("1/angstrom",)}, {"intensity": ("counts",)}),
        Modality("xrd", "not its own", {}, {}),
    ]
    checks = [Check("x.b", "fake", Ref("c:b"), "b"), Check("x.a", "xrd", Ref("c:a"), "a")]
    job = ReadJob.of(
        reader, tmp_path / "f.dat", tmp_path, modalities=modalities, checks=checks,
        companions={"g": tmp_path / "g"}, options={"n": 1}, names={str(tmp_path): "data"},
    )  # fmt: skip
    assert ReadJob.model_validate_json(job.model_dump_json()) == job
    assert list(job.modalities) == ["fake"]
    assert [c.key for c in job.checks] == ["x.b"]
    assert job.shown == "data/f.dat"
    with pytest.raises(ValueError, match="pattern"):
        ReadJob.model_validate({**job.to_json(), "read": "os.system('x')"})


def test_scratch_paths_give_way_to_the_users_names() -> None:
    names = PathNames({"/s/1": "", "/s/1/f.dat": "My file.dat", "/s/1/sub": "elsewhere"})
    assert names.text("/s/1/f.dat, /s/1/sub/x, /s/1/y and /s/1") == (
        "My file.dat, elsewhere/x, y and ."
    )
    assert names.json({"/s/1/a": ["/s/1/b", 1, None]}) == {"a": ["b", 1, None]}


def test_limits_are_read_as_they_are_written_in_messages() -> None:
    limits = Limits().updated("memory=8GB", "time=300", "output=1.5 MB", "file_size=1000")
    assert (limits.memory, limits.time) == (8 << 30, 300.0)
    assert (limits.output, limits.file_size) == (3 << 19, 1000)
    for text, message in [
        ("speed=1", "there is no limit 'speed'"),
        ("time=soon", "'soon' is not a time"),
        ("memory=lots", "'lots' is not a size"),
        ("time=0", "limit time is 0.0"),
    ]:
        with pytest.raises(BadInputError, match=message):
            Limits().updated(text)
