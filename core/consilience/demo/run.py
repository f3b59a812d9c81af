"""Simulate the files of the demonstration, then build its studies like anybody's.

``simulations.toml`` and ``study.toml`` in the folders beside this module say what is simulated and
what each study claims; they name simulators and readers by key, so this module knows no
technique.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from consilience.demo.plan import STUDIES, copy_study_file, read_plan
from consilience.demo.simulating import simulate_plan
from consilience.errors import BadInputError, ConsilienceError
from consilience.progress import Progress, no_progress
from consilience.study.building import build_study

__all__ = ["build_one", "run_demo", "write_files"]


def run_demo(
    folder: str | Path,
    *,
    studies: Iterable[str] = STUDIES,
    small: bool = False,
    files_only: bool = False,
    progress: Progress = no_progress,
) -> list[Path]:
    """Write simulated files, register and analyse them, and write the reports.

    Parameters
    ----------
    folder : path
        New or empty; gets for each study ``STUDY/data/``, ``study.toml``, ``study/`` and
        ``report.html``, and what was planted in ``truth/STUDY.json``, which no study reads.
    studies : iterable of str
        Of `STUDIES`.
    small : bool
        Fewer points everywhere, for a look in a fraction of the time.
    files_only : bool
        Write files, study files and what was planted, and build nothing.
    progress : callable
        Hears of the first study; the others are built beside it, each in a process of its own.

    Returns
    -------
    list of Path
        The report of each study; with `files_only` its study file.

    Raises
    ------
    BadInputError
        The folder is not empty.
    NotFoundError
        A plugin that the demonstration needs is not installed.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInputError(
            f"{str(root)!r} exists and is not empty",
            fix="name another folder with --out; a demonstration never overwrites",
            path=root,
        )
    first, *others = studies
    if files_only:
        return [write_files(study, root, small, progress) for study in (first, *others)]
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        beside = [stack.enter_context(_Beside(study, root, small)) for study in others]
        pages = [build_one(first, root, small=small, progress=progress)]
        for one in beside:
            progress(0, 1, f"waiting for {one.study}")
            pages.append(one.report())
    return pages


def write_files(study: str, root: Path, small: bool, progress: Progress = no_progress) -> Path:
    """Simulate the files of one study below `root` and return its study file."""
    home = root / study
    simulate_plan(
        read_plan(study, small=small),
        home / "data",
        truth=root / "truth" / f"{study}.json",
        progress=progress,
    )
    return copy_study_file(study, home)


def build_one(
    study: str, root: Path, *, small: bool = False, progress: Progress = no_progress
) -> Path:
    """Simulate and build one study below `root` and return its report."""
    file, home = write_files(study, root, small, progress), root / study
    return build_study(file, home / "data", home / "study", home / "report.html", progress)[2]


class _Beside:
    """A study that is built in a process of its own, which ends with the block."""

    def __init__(self, study: str, root: Path, small: bool) -> None:
        self.study, self._root = study, root
        self._command = [sys.executable, "-m", "consilience.demo", study, str(root)]
        self._command += ["small"] if small else []

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._said.close()

    def report(self) -> Path:
        """Wait for the study and return its report."""
        if self._process.wait():
            self._said.seek(0)
            raise ConsilienceError(
                f"the study {self.study} of the demonstration could not be built",
                fix="run it again with --debug, which shows what its process said",
                path=self._root / self.study,
                detail=self._said.read().decode("utf-8", "replace"),
            )
        return self._root / self.study / "report.html"
