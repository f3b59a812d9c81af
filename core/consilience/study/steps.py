"""Steps as people write them: quantities and times as text, constituents as tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.sample import Step
from consilience.quantities import UNITS, parse_quantity, parse_value
from consilience.study.entering import validated
from consilience.times import parse_time

__all__ = ["step_from"]

_SUBJECT = ("formula", "space_group", "element", "label")


def step_from(content: Mapping[str, Any]) -> Step:
    """Build a step from what a person wrote.

    Conditions named in `consilience.quantities.UNITS` are converted to the one unit
    in which they are stored; other text with a unit keeps its own.  ``time_zone``
    holds for times without an offset.

    Raises
    ------
    BadInputError
        All problems at once, with their fields.
    """
    fields = dict(content)
    zone = fields.pop("time_zone", None)
    for name in ("start", "end"):
        if fields.get(name) is not None:
            fields[name] = parse_time(str(fields[name]), zone)
    fields["conditions"] = {
        key: _condition(key, value) for key, value in dict(fields.get("conditions", {})).items()
    }
    fields["constituents"] = [_constituent(part) for part in fields.get("constituents", [])]
    if fields.get("start") and fields.get("end"):
        start, end = (datetime.fromisoformat(fields[name]) for name in ("start", "end"))
        if end < start:
            raise BadInputError(
                f"step {fields.get('type')!r} of {fields.get('sample')!r} ends at {fields['end']}, "
                f"before it starts at {fields['start']}",
                fix="correct one of the two",
            )
    return validated(Step, fields, f"step {fields.get('type')!r} of {fields.get('sample')!r}")


def _condition(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    unit = UNITS.get(key)
    if unit is not None:
        quantity = parse_quantity(value, unit)
        if key in ("temperature", "pressure", "duration") and quantity.value < 0:
            raise BadInputError(
                f"{key} {value!r} is {quantity.value:g} {unit}, which cannot be",
                fix="correct the number or its unit",
            )
        return quantity
    parsed = parse_value(value)
    return parsed if isinstance(parsed, Quantity) else value


def _constituent(part: Any) -> Any:
    if not isinstance(part, Mapping) or "subject" in part:
        return part
    subject = {key: part[key] for key in _SUBJECT if key in part}
    return {"subject": subject, **{k: v for k, v in part.items() if k not in _SUBJECT}}
