"""Simulate the files of the demonstration, then build its studies like anybody's.

``simulations.toml`` and ``study.toml`` in the folders beside this module say what is simulated and
what each study claims; they name simulators and readers by key, so this module knows no
technique.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from consilience.demo.plan import STUDIES, copy_study_file, read_plan
from consilience.demo.simulating import simulate_plan
from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience.registry import Registry
from consilience.study.building import build_study

__all__ = ["run_demo"]


def run_demo(
    folder: str | Path,
    *,
    studies: Iterable[str] = STUDIES,
    small: bool = False,
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
    progress : callable

    Returns
    -------
    list of Path
        The report of each study.

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
    registry = Registry.discover()
    pages = []
    for study in studies:
        home = root / study
        simulate_plan(
            read_plan(study, small=small),
            home / "data",
            truth=root / "truth" / f"{study}.json",
            registry=registry,
            progress=progress,
        )
        file = copy_study_file(study, home)
        pages.append(
            build_study(file, home / "data", home / "study", home / "report.html", progress)[2]
        )
    return pages
