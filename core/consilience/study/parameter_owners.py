"""Whose parameters are these: said where several analyses would run and one of them takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.declarations import Analysis
from consilience.errors import BadInputError

if TYPE_CHECKING:
    from consilience.model.measurement import Measurement

__all__ = ["not_of_one"]


def not_of_one(
    params: Mapping[str, Any],
    chosen: Sequence[Analysis],
    declared: Iterable[Analysis],
    measurements: Sequence[Measurement],
) -> BadInputError:
    """Return the error for parameters that are given for several analyses.

    Parameters
    ----------
    params : mapping
        As they were given.
    chosen : sequence of Analysis
        That would run.
    declared : iterable of Analysis
        All; those that take one of the measurements are asked for their parameters.
    measurements : sequence of Measurement
        Of the study.
    """
    able = [
        a
        for a in declared
        if any(m.modality == a.modality and m.has(*a.requires) for m in measurements)
    ]
    fields = {a.key: set(a.params.load().model_fields) for a in able}
    said = []
    for name in params:
        owners = [key for key, known in fields.items() if name in known]
        takes = ", ".join(owners) or "nothing that can read these measurements"
        said.append(f"{name!r} is taken by {takes}")
    whole = [key for key, known in fields.items() if known >= set(params)]
    running = [key for key in whole if key in {a.key for a in chosen}]
    what = f"parameters belong to one analysis, and {len(chosen)} would run: {'; '.join(said)}"
    if whole:
        return BadInputError(what, fix=f"name one of them: --analysis {(running or whole)[0]}")
    return BadInputError(
        what,
        fix="name one analysis with --analysis KEY; 'consilience plugins parameters KEY' says what "
        "it takes",
    )
