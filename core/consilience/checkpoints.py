"""Work in blocks that can be stopped and taken up again: finished blocks are kept in the cache.

For analyses that take minutes.  A block is written to a temporary file and renamed, so that
whatever stops the program leaves whole blocks only; one that cannot be read is computed again.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.model.canonical import canonical_json
from consilience.progress import Progress, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Checkpoints", "in_blocks"]

Arrays = Mapping[str, "NDArray[Any]"]


class Checkpoints:
    """Blocks of one piece of work.

    Parameters
    ----------
    cache : Path
        ``AnalysisContext.cache``.
    identity : mapping
        JSON of all that the blocks depend on: measurement, parameters, version.  Other work has
        other blocks; wall-clock time and paths do not belong in it.
    """

    def __init__(self, cache: Path, identity: Mapping[str, Any]) -> None:
        key = hashlib.sha256(canonical_json(dict(identity))).hexdigest()
        self.folder = cache / f"blocks-{key[:32]}"

    def load(self, name: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of a block; None where it is not there or damaged."""
        import numpy as np

        try:
            with (
                (self.folder / f"{name}.npz").open("rb") as file,
                np.load(file, allow_pickle=False) as stored,
            ):
                return {key: stored[key] for key in stored.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep a block; numbers and text only."""
        import numpy as np

        from consilience.store.durable import mapped_os_errors
        from consilience.store.temporary import temporary_path

        with mapped_os_errors("keep a finished block", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = temporary_path(self.folder)
            try:
                with temporary.open("wb") as file:
                    np.savez(file, allow_pickle=False, **dict(arrays))
                temporary.replace(self.folder / f"{name}.npz")
            finally:
                temporary.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove all blocks of this work."""
        shutil.rmtree(self.folder, ignore_errors=True)


def in_blocks(
    count: int,
    compute: Callable[[int], Arrays],
    checkpoints: Checkpoints | None,
    *,
    name: str = "block",
    progress: Progress = no_progress,
    what: str = "",
    first: int = 0,
    total: int | None = None,
) -> Iterator[Arrays]:
    """Compute blocks 0 to count - 1, or take those that an earlier run finished.

    Parameters
    ----------
    compute : callable
        ``compute(i)`` gives the arrays of block i.
    checkpoints : Checkpoints or None
        None: nothing is kept.
    progress, what : callable, str
        Told ``first + i`` of `total` (else `count`) before and after each block.
    """
    whole = count if total is None else total
    for i in range(count):
        progress(first + i, whole, what)
        arrays: Arrays | None = None
        if checkpoints is not None:
            arrays = checkpoints.load(f"{name}-{i}")
        if arrays is None:
            arrays = compute(i)
            if checkpoints is not None:
                checkpoints.save(f"{name}-{i}", arrays)
        yield arrays
    progress(first + count, whole, what)
