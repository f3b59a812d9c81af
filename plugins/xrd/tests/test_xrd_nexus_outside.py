"""HDF5 that would bring in bytes from outside its folder is refused before a value is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.errors import BadFileError
from consilience_xrd.files.nexus_links import linked_files
from consilience_xrd.files.nexus_open import open_nexus
from consilience_xrd.files.reading import read_nexus

LAZY = {
    "signal": "/entry/data/data",
    "variable": "intensity",
    "unit": "count",
    "errors": None,
    "axes": [{"name": "q", "path": "/entry/data/q", "unit": "1/angstrom", "factor": 1.0}],
}


def pattern(file: h5py.File) -> h5py.Group:
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    data = entry.create_group("data")
    data.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["q"]})
    data["q"] = np.linspace(1, 3, 20)
    data["q"].attrs["units"] = "1/angstrom"
    return data


def raw(group: h5py.Group, name: str, secret: Path) -> None:
    group.create_dataset(name, (20,), "f8", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def virtual(group: h5py.Group, name: str, file: str, where: str) -> None:
    layout = h5py.VirtualLayout((20,), "f8")
    layout[:] = h5py.VirtualSource(file, where, (20,))
    group.create_virtual_dataset(name, layout)


def numbered(group: h5py.Group, name: str) -> None:
    """A virtual data set over b_0.h5, b_1.h5 and so on."""
    space = h5py.h5s.create_simple((20,), (h5py.h5s.UNLIMITED,))
    space.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), (20,), (20,))
    source = h5py.h5s.create_simple((20,))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_virtual(space, b"b_%b.h5", b"/values", source)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F64LE, space, dcpl=plist)


def by_virtual(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    raw(beside, "values", secret)
    virtual(data, "data", "b.h5", "/values")


def by_virtual_of_virtual(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    raw(beside, "hidden", secret)
    virtual(beside, "values", ".", "/hidden")
    virtual(data, "inner", "b.h5", "/values")
    virtual(data, "data", ".", "/entry/data/inner")


def by_external_link(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    raw(beside, "values", secret)
    data["data"] = h5py.ExternalLink("b.h5", "/values")


def by_soft_link(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    raw(beside.create_group("a/b"), "values", secret)
    beside["soft"] = h5py.SoftLink("/a/b/values")
    data["far"] = h5py.ExternalLink("b.h5", "/soft")
    data["data"] = h5py.SoftLink("/entry/data/far")


def by_third_file(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    with h5py.File(Path(beside.filename).with_name("c.h5"), "w") as third:
        raw(third, "values", secret)
    virtual(beside, "values", "c.h5", "/values")
    virtual(data, "data", "b.h5", "/values")


def by_number(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    del beside
    with h5py.File(Path(data.file.filename).with_name("b_0.h5"), "w") as third:
        raw(third, "values", secret)
    numbered(data, "data")


def by_axis(data: h5py.Group, beside: h5py.File, secret: Path) -> None:
    raw(beside, "values", secret)
    data["data"] = np.arange(20.0)
    del data["q"]
    virtual(data, "q", "b.h5", "/values")


CHAINS = [
    by_virtual,
    by_virtual_of_virtual,
    by_external_link,
    by_soft_link,
    by_third_file,
    by_number,
    by_axis,
]


@pytest.mark.parametrize("make", CHAINS)
@pytest.mark.parametrize("nested", [False, True])
def test_no_chain_reaches_external_raw_storage(
    tmp_path: Path, make: Callable[[h5py.Group, h5py.File, Path], None], nested: bool
) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.arange(7.0, 27.0).tobytes())
    folder = tmp_path / ("scan/deep" if nested else "scan")
    folder.mkdir(parents=True)
    path = folder / "m.nxs"
    with h5py.File(path, "w") as file, h5py.File(folder / "b.h5", "w") as beside:
        make(pattern(file), beside, secret)
    with h5py.File(path) as file:
        reached = file["entry/data/q" if make is by_axis else "entry/data/data"][0]
    assert reached == 7.0, "the file does reach outside, so there is something to refuse"
    for look in (
        linked_files,
        lambda p: read_nexus(p, {}, {}),
        lambda p: open_nexus(p, {}, LAZY),
    ):
        with pytest.raises(BadFileError, match="external raw file") as caught:
            look(path)
        assert "h5repack" in caught.value.fix


def test_a_virtual_source_of_a_linked_file_that_leaves_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file["values"] = np.arange(20.0)
    folder = tmp_path / "scan"
    folder.mkdir()
    with h5py.File(folder / "b.h5", "w") as file:
        virtual(file, "values", "../outside.h5", "/values")
    with h5py.File(folder / "m.nxs", "w") as file:
        pattern(file)["data"] = h5py.ExternalLink("b.h5", "/values")
    for look in (linked_files, lambda p: open_nexus(p, {}, LAZY)):
        with pytest.raises(BadFileError, match="outside the file's own folder"):
            look(folder / "m.nxs")


@pytest.mark.parametrize("how", ["virtual", "link"])
def test_a_source_found_in_the_working_directory_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["values"] = np.arange(20.0)
    folder = tmp_path / "scan"
    folder.mkdir()
    with h5py.File(folder / "m.nxs", "w") as file:
        data = pattern(file)
        if how == "link":
            data["data"] = h5py.ExternalLink("b.h5", "/values")
        else:
            virtual(data, "data", "b.h5", "/values")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFileError, match="not beside the file but in another folder"):
        read_nexus(folder / "m.nxs", {}, {})


def test_axes_and_errors_are_checked_when_the_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "m.nxs"
    with h5py.File(path, "w") as file:
        data = pattern(file)
        data["data"] = np.arange(20.0)
        data.create_dataset("big", (10**7, 10**7), "f8", chunks=(10, 10))
    axis = {"name": "q", "path": "/entry/data/big", "unit": "1", "factor": 1.0}
    for lazy in ({**LAZY, "axes": [axis]}, {**LAZY, "errors": "/entry/data/big"}):
        with pytest.raises(BadFileError, match="cannot be real"):
            open_nexus(path, {}, lazy)


def test_numbered_files_of_a_virtual_data_set_are_listed(tmp_path: Path) -> None:
    for i in range(2):
        with h5py.File(tmp_path / f"b_{i}.h5", "w") as file:
            file["values"] = np.arange(20.0)
    with h5py.File(tmp_path / "m.nxs", "w") as file:
        numbered(pattern(file), "data")
    assert linked_files(tmp_path / "m.nxs") == ["b_0.h5", "b_1.h5"]
