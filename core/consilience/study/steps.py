"""Steps as people write them: quantities and times as text, constituents as tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consilience.custody.conditions import checked, missing, unusual
from consilience.errors import BadInputError
from consilience.model.measurement import Notice
from consilience.model.sample import Step
from consilience.study.entering import validated
from consilience.times import parse_time

__all__ = ["notices_of_step", "step_from"]

_SUBJECT = ("formula", "space_group", "element", "label")


def step_from(content: Mapping[str, Any]) -> Step:
    """Build a step from what a person wrote.

    Conditions of `consilience.custody.conditions.GLOSSARY` are converted to the one unit in
    which they are stored; other text with a unit keeps its own.  ``time_zone`` holds for times
    without an offset.

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
    fields["conditions"] = checked(str(fields.get("type")), dict(fields.get("conditions", {})))
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


def notices_of_step(step: Step) -> list[Notice]:
    """Return what the field asks of such a step and was not said, and what is out of place."""
    notices = []
    lacking = missing(step)
    if lacking:
        logged = {"temperature", "pressure", "o2", "h2o", "humidity"}
        sensor = logged & {name for words in lacking for name in words.split(" or ")}
        log = "; a sensor log counts too: 'consilience series import'" if sensor else ""
        notices.append(
            Notice(
                code="not-said",
                message=f"not said, so unknown: {', '.join(lacking)}",
                fix=f"say it if it is known: retract the step and enter it anew{log}",
                severity="info",
            )
        )
    odd = unusual(step)
    if odd:
        notices.append(
            Notice(
                code="unusual-condition",
                message=f"unusual for a step {step.type!r}: {', '.join(odd)}",
                fix="check the type of the step; the condition is kept",
            )
        )
    return notices


def _constituent(part: Any) -> Any:
    if not isinstance(part, Mapping) or "subject" in part:
        return part
    subject = {key: part[key] for key in _SUBJECT if key in part}
    return {"subject": subject, **{k: v for k, v in part.items() if k not in _SUBJECT}}
