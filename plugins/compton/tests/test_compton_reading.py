"""What read_hexitec makes of sound, odd and hostile files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_compton.files.frames import read_hexitec
from consilience_compton.files.lazy import open_hexitec
from consilience_compton.files.probe import probe_hexitec
from consilience_compton.simulation.frames import FrameParams, simulate_frames


def read(path: Path, **companions: Path) -> Signal:
    return read_hexitec(path, {}, companions)[0]


def codes(signal: Signal) -> list[str]:
    return [n.code for n in signal.notices]


@pytest.fixture
def h5(tmp_path: Path) -> Path:
    return tmp_path / "a.h5"


def write(path: Path, frames: np.ndarray, **more: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("raw_frames", data=frames, **more)
    return path


FRAMES = np.arange(3 * 80 * 80, dtype=np.uint16).reshape(3, 80, 80)


@pytest.mark.data
def test_real_frames_as_their_readme_says(shared_data: Path) -> None:
    path = shared_data / "hexitec" / "160_160_vcaled_30_frames.h5"
    assert probe_hexitec(probe_file(path)) is Claim.YES
    signal = read(path)
    assert signal.summary is not None
    assert signal.summary.variables["raw_frames"].shape == [30, 160, 160]
    assert signal.summary.variables["raw_frames"].dtype == "uint16"
    assert signal.metadata["highest"] == {"value": 4832, "unit": "adu"}
    assert signal.metadata["modules"] == 4
    assert codes(signal)[0] == "no-unit"
    assert signal.origin == "measured"
    with open_hexitec(path, {}, signal.lazy or {}) as data:
        hits = (data["raw_frames"] > 300).sum(("row", "column")).values
    assert hits[1::3].min() > 900, "every third frame has pulses"
    assert max(hits[0::3].max(), hits[2::3].max()) < 20


@pytest.mark.data
@pytest.mark.parametrize("role", ["gain", "intercept"])
def test_tables_of_twelve_modules_do_not_fit_four(shared_data: Path, role: str) -> None:
    folder = shared_data / "hexitec"
    with pytest.raises(BadFileError) as caught:
        read(folder / "160_160_vcaled_30_frames.h5", **{role: folder / f"{role}_epac1005.txt"})
    assert "has 76800 values (12 modules of 80 x 80), the frames have 25600 pixels (4 modules)" in (
        caught.value.what
    )


@pytest.mark.data
def test_real_tables_fit_twelve_modules(shared_data: Path, tmp_path: Path) -> None:
    (path,) = simulate_frames(FrameParams(frames=1, modules_down=4, modules_across=3), 1, tmp_path)
    companions = {r: shared_data / "hexitec" / f"{r}_epac1005.txt" for r in ("gain", "intercept")}
    signal = read(path, **companions)
    assert {"dead-pixels", "table-order"} <= set(codes(signal))
    with open_hexitec(path, companions, signal.lazy or {}) as data:
        gain, intercept = data["gain"].values, data["intercept"].values
    assert gain.shape == (12, 80, 80)
    assert np.median(gain) == pytest.approx(0.028801, abs=1e-6)
    assert np.median(intercept) == pytest.approx(1.574, abs=1e-3)
    assert (gain == 0).sum() == 10


@pytest.mark.data
@pytest.mark.parametrize(
    "other", ["xct/k11-18014/k11-18014-imaging.h5", "environment_log/AL_data_b.h5"]
)
def test_other_hdf5_is_not_claimed(shared_data: Path, other: str) -> None:
    assert probe_hexitec(probe_file(shared_data / other)) is Claim.NO


def test_every_way_of_indexing_gives_the_same_values(h5: Path) -> None:
    write(h5, FRAMES, chunks=(1, 40, 80), compression="gzip")
    with open_hexitec(h5, {}, {}) as data:
        frames = data["raw_frames"]
        for key in (
            (slice(None),),
            (1,),
            (slice(None, None, -1), 3),
            (slice(2, 0, -1), slice(70, 5, -9), slice(0, 80, 7)),
            ([2, 0, 2],),
            (slice(None), slice(None), [5, 3, -1]),
            (slice(3, 3),),
        ):
            np.testing.assert_array_equal(frames[key].values, FRAMES[key])


def test_only_what_is_asked_for_is_read(h5: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(h5, FRAMES)
    asked = []
    original = h5py.Dataset.__getitem__

    def watched(self: h5py.Dataset, key: object) -> object:
        asked.append(key)
        return original(self, key)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    with open_hexitec(h5, {}, {}) as data:
        assert asked == []
        data["raw_frames"][1, 2:4].load()
    assert asked == [(1, slice(2, 4, 1), slice(0, 80, 1))]


def external(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["raw_frames"] = h5py.ExternalLink("other.h5", "/a")


def soft(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["raw_frames"] = h5py.SoftLink("/a")


def raw_storage(path: Path) -> None:
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(12800))
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "raw_frames", (1, 80, 80), "u2", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        )


def virtual(path: Path) -> None:
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((1, 80, 80), "u2")
        layout[0] = h5py.VirtualSource("other.h5", "/a", (80, 80))
        file.create_virtual_dataset("raw_frames", layout)


def absurd(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("raw_frames", (10**6, 800, 800), "u2", chunks=(1, 80, 80))


def group(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("raw_frames")


def nothing(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["other"] = 1


def floats(path: Path) -> None:
    write(path, FRAMES.astype("f8"))


def empty(path: Path) -> None:
    write(path, FRAMES[:0])


def kilo(path: Path) -> None:
    write(path, FRAMES)
    with h5py.File(path, "a") as file:
        file["raw_frames"].attrs["units"] = "keV"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (external, "is a ExternalLink, which may lead out of the file"),
        (soft, "is a SoftLink"),
        (raw_storage, "keeps its values in other files"),
        (virtual, "keeps its values in other files"),
        (absurd, "claims 1280000000000 bytes in a file of"),
        (group, "is a group"),
        (nothing, "has no data set 'raw_frames', only ['other']"),
        (floats, "has shape (3, 80, 80) and type float64"),
        (empty, "is empty, shape (0, 80, 80)"),
        (kilo, "is in 'keV', expected adu"),
    ],
)
def test_hostile_and_other_files(h5: Path, make: Callable[[Path], None], said: str) -> None:
    make(h5)
    with pytest.raises(BadFileError) as caught:
        read(h5)
    assert said in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize("make", [external, soft, raw_storage, virtual, absurd])
def test_opening_looks_again(h5: Path, make: Callable[[Path], None]) -> None:
    make(h5)
    with pytest.raises(BadFileError, match=r"raw_frames"):
        open_hexitec(h5, {}, {})
    h5.unlink()


def test_a_virtual_chain_to_raw_storage_is_refused(h5: Path) -> None:
    raw_storage(h5.with_name("b.h5"))
    with h5py.File(h5, "w") as file:
        layout = h5py.VirtualLayout((1, 80, 80), "u2")
        layout[:] = h5py.VirtualSource("b.h5", "/raw_frames", (1, 80, 80))
        file.create_virtual_dataset("raw_frames", layout)
    for look in (read, lambda path: open_hexitec(path, {}, {})):
        with pytest.raises(BadFileError, match="keeps its values in other files"):
            look(h5)


@pytest.mark.parametrize("said", ["Simulated", b"simulated", np.array([b"SIMULATED"])])
@pytest.mark.parametrize("place", ["/", "raw_frames"])
def test_simulated_frames_say_so_in_any_case(h5: Path, said: object, place: str) -> None:
    write(h5, FRAMES)
    assert read(h5).origin == "measured"
    with h5py.File(h5, "a") as file:
        file[place].attrs["origin"] = said
    assert read(h5).origin == "simulated"


def test_a_cut_file(h5: Path) -> None:
    write(h5, FRAMES)
    h5.write_bytes(h5.read_bytes()[:20000])
    with pytest.raises(BadFileError, match=r"cannot be opened as HDF5: .*truncated file"):
        read(h5)


def test_chunks_never_written_are_a_fault(h5: Path) -> None:
    with h5py.File(h5, "w") as file:
        dataset = file.create_dataset("raw_frames", (3, 80, 80), "u2", chunks=(1, 80, 80))
        dataset[0] = 7
    signal = read(h5)
    assert codes(signal) == ["no-unit", "missing-chunks", "empty-frames"]
    assert "12800 of 38400 bytes were written" in signal.notices[1].message


def test_saturation_and_cropped_frames_are_noticed(h5: Path) -> None:
    frames = np.full((1, 80, 81), 65535, dtype=np.uint16)
    assert codes(read(write(h5, frames))) == ["no-unit", "saturated", "not-whole-modules"]


def test_a_stated_unit_needs_no_notice(h5: Path) -> None:
    write(h5, FRAMES + 1)
    with h5py.File(h5, "a") as file:
        file["raw_frames"].attrs["units"] = "ADU"
    assert codes(read(h5)) == []


def test_tables_that_are_no_numbers(h5: Path, tmp_path: Path) -> None:
    write(h5, FRAMES)
    table = tmp_path / "gain.txt"
    table.write_text("0.03\nabc\n")
    with pytest.raises(BadFileError, match=r"gain table 'gain\.txt' is not a list of numbers"):
        read(h5, gain=table)
    table.write_text("nan\n" * 6400)
    with pytest.raises(BadFileError, match="holds NaN or infinity, first at value 0"):
        read(h5, gain=table)


def test_unknown_companions_are_refused(h5: Path) -> None:
    with pytest.raises(BadInputError, match="knows no 'mask'"):
        read(write(h5, FRAMES), mask=h5)
