"""Simulated files by key: into a folder of one's own, where nothing is overwritten.

Every simulator says in its files that they are simulated, which a study then keeps.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from consilience.declarations import Simulator
from consilience.errors import BadInputError, PermissionDeniedError, StudyExistsError
from consilience.model.sample import problems_of
from consilience.registry import Registry

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Simulated", "parameters_for", "simulate_files"]


@dataclass(frozen=True)
class Simulated:
    """Files that a simulator wrote, and those beside them that say what was planted."""

    files: list[Path]
    truth: list[Path]


def simulate_files(
    registry: Registry,
    key: str,
    folder: Path,
    *,
    seed: int,
    params: Mapping[str, Any] | None = None,
) -> Simulated:
    """Run one simulator; its files appear in `folder` together, or none of them does.

    Parameters
    ----------
    registry : Registry
    key : str
        Of a simulator.
    folder : Path
        Made if it is not there.
    seed : int
        Not negative; one seed gives one set of files.
    params : mapping, optional
        See `parameters_for`.

    Returns
    -------
    Simulated
        Sorted by name.

    Raises
    ------
    NotFoundError
        No such simulator.
    BadInputError
        It does not know these parameters, or the seed is negative.
    StudyExistsError
        A file of that name is there already.
    PermissionDeniedError
        The folder cannot be made or written.
    """
    simulator = registry.get(Simulator, key)
    checked = parameters_for(simulator, params or {})
    if seed < 0:
        raise BadInputError(f"the seed {seed} is negative", fix="give 0 or more, such as --seed 1")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".simulating-", dir=folder) as within:
            simulator.run.load()(checked, seed, Path(within))
            made = sorted(Path(within).iterdir())
            there = [path.name for path in made if (folder / path.name).exists()]
            if there:
                raise StudyExistsError(
                    f"{', '.join(there[:3])}{' and more' if len(there) > 3 else ''} "
                    f"{'is' if len(there) == 1 else 'are'} there already, "
                    "and nothing is overwritten",
                    fix="give another folder with --out",
                    path=folder,
                )
            moved = [path.rename(folder / path.name) for path in made]
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise PermissionDeniedError(
            f"no files can be written there: {error.strerror}",
            fix="give another folder with --out",
            path=folder,
        ) from error
    return Simulated(
        [path for path in moved if not path.name.endswith("truth.json")],
        [path for path in moved if path.name.endswith("truth.json")],
    )


def parameters_for(simulator: Simulator, given: Mapping[str, Any]) -> BaseModel:
    """Return the simulator's parameters; what is not given of a part keeps its default.

    Parameters
    ----------
    simulator : Simulator
    given : mapping
        Name to value; a part of the parameters is a mapping itself: ``{"grid": {"rows": 8}}``.

    Raises
    ------
    BadInputError
        A name or a value is not one of the simulator's.
    """
    model: type[BaseModel] = simulator.params.load()
    try:
        return model.model_validate(_over(model().model_dump(), given))
    except ValidationError as error:
        raise BadInputError(
            f"parameters of {simulator.key!r}: {'; '.join(problems_of(error))}",
            fix=f"'consilience plugins parameters {simulator.key}' says what it knows",
        ) from error


def _over(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(before)
    for name, value in given.items():
        old = changed.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            changed[name] = _over(old, value)
        else:
            changed[name] = value
    return changed
