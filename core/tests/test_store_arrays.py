"""Arrays: what goes in comes out, the same data give the same hash, damage is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from consilience.errors import BadFileError, BadInputError, NotFoundError, VerifyError
from consilience.store import Store, write_dataset
from consilience.store.arrays import CHUNK_BYTES
from consilience.store.zarr_reading import ZarrArray


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "study", "test")


def dataset() -> xr.Dataset:
    rng = np.random.default_rng(5)
    intensity = rng.random((40, 50))
    intensity[3, 4] = np.nan
    return xr.Dataset(
        {
            "intensity": (
                ("y", "x"), intensity, {"units": "counts", "ancillary_variables": "intensity_std"},
            ),
            "intensity_std": (("y", "x"), np.sqrt(intensity), {"units": "counts"}),
            "counts": ("x", np.arange(50, dtype="uint16"), {"units": "1"}),
            "live": ((), 3.5, {"units": "s"}),
            "good": ("x", np.arange(50) % 3 == 0),
            "wave": ("x", np.exp(1j * np.arange(50)).astype("complex64"), {"units": "1"}),
            "when": ("y", np.array(["2024-01-01T12:00"] * 40, "M8[ns]") + np.arange(40)),
            "took": ("y", np.arange(40).astype("m8[ns]")),
            "label": ("y", np.array([f"Zeile {i} µ" for i in range(40)])),
            "none": ("empty", np.zeros(0)),
        },
        coords={
            "x": ("x", np.linspace(0, 1, 50), {"units": "1/angstrom"}),
            "temperature": ("y", np.linspace(280, 300, 40), {"units": "K"}),
        },
        attrs={"title": "é", "list": [1, 2.5], "nothing": None},
    )  # fmt: skip


def same(found: xr.Dataset, expected: xr.Dataset) -> None:
    xr.testing.assert_identical(found.load().drop_vars("label"), expected.drop_vars("label"))
    assert list(found.label.values) == list(expected.label.values)
    for name in set(expected.variables) - {"label"}:
        assert found[name].dtype == expected[name].dtype, name


@pytest.mark.parametrize("lazy", [True, False])
def test_round_trip(store: Store, lazy: bool) -> None:
    sha256 = store.put_dataset(dataset())
    found = store.open_dataset(sha256, lazy=lazy)
    assert found.intensity.variable._in_memory is not lazy
    same(found, dataset())
    assert found.intensity.attrs["units"] == "counts"
    assert store.verify().clean
    assert list(store.layout.tmp.iterdir()) == []


def test_opening_reads_no_values(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = store.put_dataset(dataset())

    read: list[str] = []
    real = ZarrArray._read

    def watch(self: ZarrArray, key: tuple[object, ...]) -> object:
        read.append(self.folder.name)
        return real(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(ZarrArray, "_read", watch)
        data = store.open_dataset(sha256)
        assert data.intensity.shape == (40, 50)
        assert set(read) <= {"x", "when"}  # an axis becomes an index; a date tells its epoch
        data.intensity[2:4].load()
        assert read[-1] == "intensity"


def test_the_same_data_give_the_same_hash(store: Store, tmp_path: Path) -> None:
    first = store.put_dataset(dataset())
    assert store.put_dataset(dataset().copy(deep=True)) == first
    assert Store.create(tmp_path / "other", "other").put_dataset(dataset()) == first
    backwards = dataset()[list(reversed(list(dataset().data_vars)))]
    assert store.put_dataset(backwards) == first
    again = store.put_dataset(store.open_dataset(first))
    assert store.put_dataset(store.open_dataset(again)) == again
    changed = dataset()
    changed.intensity.attrs["units"] = "1"
    assert store.put_dataset(changed) != first


def test_chunks_are_contiguous_blocks(store: Store) -> None:
    data = xr.Dataset(
        {
            "a": (("i", "j", "k"), np.arange(3 * 700 * 501, dtype="f8").reshape(3, 700, 501)),
            "b": (("j", "k"), np.arange(700 * 501, dtype="f4").reshape(700, 501).T.copy().T),
            "c": ("m", np.arange(1_000_003, dtype="i4")),
        }
    )
    sha256 = store.put_dataset(data)
    found = store.open_dataset(sha256)
    xr.testing.assert_identical(found.load(), data)
    lazy = store.open_dataset(sha256)
    for key in [
        {"i": 1}, {"i": slice(None, None, -1)}, {"j": slice(3, 650, 7), "k": [1, 5, 4]},
        {"i": [2, 0], "k": 500}, {"m": slice(-5, None)},
    ]:  # fmt: skip
        usable = {k: v for k, v in key.items() if k in lazy.dims}
        xr.testing.assert_identical(lazy.isel(usable).load(), data.isel(usable))
    points = {"j": xr.DataArray([1, 699], dims="p"), "k": xr.DataArray([0, 500], dims="p")}
    xr.testing.assert_identical(lazy.a.isel(points).load(), data.a.isel(points))
    chunks = [p for p in store.layout.array(sha256).rglob("c/**/*") if p.is_file()]
    assert max(p.stat().st_size for p in chunks) <= CHUNK_BYTES + 4


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    hnp.arrays(
        st.sampled_from(["f4", "f8", "i1", "u2", "i8", "?", "c16", ">f8", ">i2"]).map(np.dtype),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    )
)
def test_any_numbers_come_back(store: Store, values: np.ndarray) -> None:
    dims = [f"d{i}" for i in range(values.ndim)]
    sha256 = store.put_dataset(xr.Dataset({"v": (dims, values, {"units": "seconds"})}))
    found = store.open_dataset(sha256).v
    assert found.dtype == values.dtype.newbyteorder("=")
    assert found.values.tobytes() == values.astype(values.dtype.newbyteorder("=")).tobytes()
    assert found.attrs == {"units": "seconds"}


@pytest.mark.parametrize("key", ["scale_factor", "_FillValue", "add_offset", "missing_value"])
def test_attributes_that_would_change_data_are_refused(store: Store, key: str) -> None:
    data = xr.Dataset({"v": ("x", [1.0, 2.0], {key: 2.0})})
    with pytest.raises(BadInputError, match=f"has the attribute {key!r}, which"):
        store.put_dataset(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (xr.Dataset({"v": ("x", np.array([1, {}], dtype=object))}), "cannot be stored"),
        (xr.Dataset({"v": ("x", np.zeros(2, dtype="V4"))}), "is of type |V4"),
        (xr.Dataset({"manifest.json": ("x", [1])}), "under the name 'manifest.json'"),
        (xr.Dataset({"a/b": ("x", [1])}), "under the name 'a/b'"),
        (xr.Dataset({"v": ("x", [1], {"a": object()})}), "cannot be stored"),
    ],
)
def test_what_cannot_be_stored_is_refused(store: Store, data: xr.Dataset, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        store.put_dataset(data)
    assert message in caught.value.what
    assert list(store.layout.tmp.iterdir()) == []
    assert list(store.layout.arrays.iterdir()) == []


def test_adopt_what_a_worker_wrote(store: Store) -> None:
    with store.staging() as staging:
        write_dataset(dataset(), staging / "out")
        sha256 = store.adopt(staging / "out")
        assert not (staging / "out").exists()
    assert sha256 == store.put_dataset(dataset())
    with store.staging() as staging:
        write_dataset(dataset(), staging / "out")
        assert store.adopt(staging / "out") == sha256
        assert list(staging.iterdir()) == []


def test_adopt_refuses_arrays_without_checksum(store: Store) -> None:
    with store.staging() as staging:
        xr.Dataset({"v": ("x", [1.0])}).to_zarr(
            staging / "plain", zarr_format=3, consolidated=False,
            encoding={"v": {"compressors": []}},
        )  # fmt: skip
        with pytest.raises(BadFileError, match="does not describe a zarr v3 array with a checksum"):
            store.adopt(staging / "plain")
        (staging / "nothing").mkdir()
        with pytest.raises(BadFileError, match=r"is not zarr v3: it has no zarr\.json"):
            store.adopt(staging / "nothing")
        write_dataset(dataset(), staging / "linked")
        (staging / "linked" / "x" / "passwd").symlink_to("/etc/passwd")
        with pytest.raises(BadFileError, match="neither a file nor a folder"):
            store.adopt(staging / "linked")


def chunk_of(store: Store, sha256: str, name: str) -> Path:
    return next(p for p in (store.layout.array(sha256) / name / "c").rglob("*") if p.is_file())


@pytest.mark.parametrize("select", [{}, {"y": 3}, {"y": [1, 2]}])
def test_a_flipped_bit_is_noticed_when_read(store: Store, select: dict[str, object]) -> None:
    sha256 = store.put_dataset(dataset())
    chunk = chunk_of(store, sha256, "intensity")
    chunk.chmod(0o644)
    data = bytearray(chunk.read_bytes())
    data[777] ^= 4
    chunk.write_bytes(data)
    found = store.open_dataset(sha256)
    with pytest.raises(VerifyError, match="'intensity' is damaged: a chunk does not match"):
        found.intensity.isel(select).load()
    assert found.counts.load().size == 50
    assert store.arrays.verify_array(sha256) == [("changed", chunk)]


def test_lost_and_edited_files_are_noticed_on_opening(store: Store) -> None:
    sha256 = store.put_dataset(dataset())
    folder = store.layout.array(sha256)
    description = folder / "intensity" / "zarr.json"
    text = description.read_text()
    description.chmod(0o644)
    description.write_text(text.replace('"counts"', '"kounts"'))
    with pytest.raises(VerifyError, match=r"'intensity/zarr\.json' of array \w+ has changed"):
        store.open_dataset(sha256)
    description.write_text(text)
    chunk = chunk_of(store, sha256, "intensity")
    kept = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(VerifyError, match="is lost"):
        store.open_dataset(sha256)
    chunk.write_bytes(kept)
    (folder / "intensity" / "c" / "9").mkdir()
    (folder / "intensity" / "c" / "9" / "9").write_bytes(b"new")
    assert store.arrays.verify_array(sha256) == [("extra", folder / "intensity/c/9/9")]
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(VerifyError, match="has changed: it does not match its hash"):
        store.open_dataset(sha256)
    (folder / "manifest.json").unlink()
    with pytest.raises(VerifyError, match=r"The manifest of array \w+ is lost"):
        store.open_dataset(sha256)
    with pytest.raises(NotFoundError, match="The store has no array 000"):
        store.open_dataset("0" * 64)
    # Storing the same data again mends it.
    assert store.put_dataset(dataset()) == sha256
    same(store.open_dataset(sha256), dataset())


def test_manifest_lists_every_file(store: Store) -> None:
    sha256 = store.put_dataset(dataset())
    folder = store.layout.array(sha256)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {item["path"] for item in manifest["files"]} == files - {"manifest.json"}
