"""What the instrument wrote of a dose, completed by what a person says of the same dose."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.base import Quantity
from consilience.model.measurement import Exposure, Notice
from consilience.quantities import convert

__all__ = ["completed"]

_FIELDS = ("energy", "fluence", "fluence_rate", "duration", "temperature", "region")


def completed(
    file: Sequence[Exposure], user: Sequence[Exposure]
) -> tuple[list[Exposure], list[Notice]]:
    """Join the exposures of a file and of a person.

    Where each side names one exposure by the same particle they are one: what the
    instrument wrote stands, and the person's word fills what it left out.

    Returns
    -------
    exposures : list of Exposure
    notices : list of Notice
        One for each number in which the two contradict each other.
    """
    joined, notices = list(file), []
    for said in user:
        same = [e for e in file if e.particle == said.particle]
        if len(same) != 1 or sum(e.particle == said.particle for e in user) != 1:
            joined.append(said)
            continue
        written = same[0]
        filled = {
            name: getattr(said, name)
            for name in (*_FIELDS, "species", "formula")
            if not getattr(written, name) and getattr(said, name)
        }
        notices += [
            Notice(
                code="dose-contradiction",
                message=(
                    f"the file says {name.replace('_', ' ')} {_text(getattr(written, name))}, the "
                    f"person who registered it {_text(getattr(said, name))}; the file's stands"
                ),
                fix="register it without that number, or find out which of the two is wrong",
            )
            for name in _FIELDS
            if _differ(getattr(written, name), getattr(said, name))
        ]
        if filled:
            filled["source"] = said.source
        joined[joined.index(written)] = written.model_copy(update=filled)
    return joined, notices


def _differ(written: object, said: object) -> bool:
    if not isinstance(written, Quantity) or not isinstance(said, Quantity):
        return written is not None and said is not None and written != said
    value = convert(said.value, said.unit, written.unit)
    return abs(value - written.value) > 1e-6 * max(abs(value), abs(written.value))


def _text(value: object) -> str:
    return f"{value.value:g} {value.unit}" if isinstance(value, Quantity) else str(value)
