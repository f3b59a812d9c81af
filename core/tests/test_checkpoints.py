"""Work that is stopped goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.checkpoints import Checkpoints, in_blocks


def squares(done: list[int]):
    def compute(i: int) -> dict[str, np.ndarray]:
        done.append(i)
        return {"square": np.array([i * i]), "name": np.array([f"block {i}"])}

    return compute


def test_stopped_and_taken_up_again(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, {"of": "m-1"})

    def stop(done: int, total: int, what: str) -> None:
        assert total == 5
        if done == 3:
            raise KeyboardInterrupt

    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        list(in_blocks(5, squares(done), kept, progress=stop))
    assert done == [0, 1, 2]
    got = list(in_blocks(5, squares(done), Checkpoints(tmp_path, {"of": "m-1"})))
    assert done == [0, 1, 2, 3, 4]
    assert [int(b["square"][0]) for b in got] == [0, 1, 4, 9, 16]
    assert got[1]["name"][0] == "block 1"


def test_other_work_has_other_blocks(tmp_path: Path) -> None:
    done: list[int] = []
    list(in_blocks(2, squares(done), Checkpoints(tmp_path, {"of": "m-1", "p": 0.01})))
    list(in_blocks(2, squares(done), Checkpoints(tmp_path, {"of": "m-1", "p": 0.02})))
    list(in_blocks(2, squares(done), Checkpoints(tmp_path, {"p": 0.01, "of": "m-1"})))
    assert done == [0, 1, 0, 1]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_block_is_computed_again(tmp_path: Path, damage: str) -> None:
    kept = Checkpoints(tmp_path, {})
    kept.save("block-0", {"square": np.arange(100)})
    path = kept.folder / "block-0.npz"
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[300] ^= 0xFF
    path.write_bytes(b"" if damage == "empty" else raw[:200] if damage == "cut" else raw)
    assert kept.load("block-0") is None


def test_failed_writes_leave_nothing(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, {})
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        kept.save("block-0", {"bad": np.array([object()])})
    assert list(kept.folder.iterdir()) == []


def test_nothing_kept_without_a_place_and_discarded_on_request(tmp_path: Path) -> None:
    done: list[int] = []
    list(in_blocks(1, squares(done), None))
    kept = Checkpoints(tmp_path, {})
    list(in_blocks(1, squares(done), kept))
    kept.discard()
    assert kept.load("block-0") is None
    kept.discard()


def test_progress_counts_within_a_larger_whole() -> None:
    told: list[tuple[int, int, str]] = []
    list(
        in_blocks(
            2, squares([]), None, progress=lambda *e: told.append(e), what="b", first=3, total=9
        )
    )
    assert told == [(3, 9, "b"), (4, 9, "b"), (5, 9, "b")]
