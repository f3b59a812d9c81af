"""What cannot be true together: steps, series and measurements that contradict one another.

Each contradiction names both readings and the records they come from; none is corrected here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from consilience.custody.chain import cut_of, instant, order_of
from consilience.custody.conditions import bounds, out_of_bounds
from consilience.custody.conflicts.clocks import Shift, hours_between, series_interval, shifted_onto
from consilience.custody.conflicts.contradiction import Contradiction
from consilience.custody.conflicts.doses import doses_differ
from consilience.custody.conflicts.places import exclusive, overlap_seconds, within
from consilience.custody.metrics.answers import name_of
from consilience.custody.past.spans import precedes, same_extent
from consilience.model.sample import Sample, Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord

__all__ = ["Contradiction", "find_contradictions", "touching"]

_DURATION_SECONDS = 60.0
"""Times are often written to the minute, so durations may differ by that much."""
_TIME_ZONE = "looks like a time zone"
_GONE = ("nothing", "none", "consumed", "used up")


def find_contradictions(custody: Custody) -> tuple[Contradiction, ...]:
    """Return all contradictions of a study; `Custody.contradictions` keeps the answer."""
    return tuple(found for check in _CHECKS for found in check(custody))


def touching(custody: Custody, record: MeasurementRecord) -> list[Contradiction]:
    """Return the contradictions that touch the past of one measurement.

    Those of other measurements do not, nor those of steps that certainly came later.
    """
    links = custody.chain(record).links
    steps = {k.step.id for k in links if k.order != "after"}
    steps |= {s.id for s in custody.measure_steps(record)}
    series = {s.id for s in custody.series if s.step in steps}
    found = []
    for item in custody.contradictions:
        named = set(item.evidence)
        others = named & (set(custody.records) - {record.id})
        if record.id in named or (not others and named & (steps | series)):
            found.append(item)
    return found


def _beginning(custody: Custody, sample: Sample) -> Step | None:
    """Return the cut that made a sample, or the preparation that came before all else."""
    if sample.parent is not None:
        return cut_of(sample.id, [s for s in custody.steps if s.sample == sample.parent])
    # a measurement cannot have come before it, so that one that says so puts nothing first
    own = [s for s in custody.steps if s.sample == sample.id and s.type != "measure"]
    prepared = [s for s in own if s.type == "prepare"]
    return next((p for p in prepared if all(o is p or precedes(p, o) for o in own)), None)


def _made_later(custody: Custody, record: MeasurementRecord) -> Step | None:
    """Return the step that made the sample of a measurement, if it came after that."""
    sample = custody.samples.get(record.sample)
    begun = None if sample is None else _beginning(custody, sample)
    place = custody.place(record)
    # a place in the child's own chain says nothing of the parent's
    if begun is None or instant(place.time) is None or order_of(begun, place) != "after":
        return None
    return begun


def _before_it_existed(custody: Custody) -> Iterator[Contradiction]:
    """Measured or worked on before the cut, or the first preparation, that made it."""
    for record in custody.records.values():
        begun = _made_later(custody, record)
        if begun is None:
            continue
        time = custody.place(record).time
        yield Contradiction(
            "measured-before-sample",
            f"{record.file_name} of {record.sample} was measured at {time}, before the sample was "
            f"made by {name_of(begun)}, {_when(begun)}{_zone(_clock_shift(custody, record))}",
            (f"measurement {record.id}: {time}", f"{name_of(begun)}: {_when(begun)}"),
            (record.id, begun.id),
            (record.sample,),
            "check the clock of the instrument, the sample, and the time of the step",
        )
    for step in custody.steps:
        sample = custody.samples.get(step.sample)
        made = None if sample is None else _beginning(custody, sample)
        start = instant(step.start) or instant(step.end)
        cut = None if made is None else instant(made.start) or instant(made.end)
        if made is not None and start is not None and cut is not None and start < cut:
            yield Contradiction(
                "step-before-sample",
                f"{name_of(step)} of {step.sample} began at {step.start or step.end}, before the "
                f"sample was made by {name_of(made)}, {_when(made)}",
                (f"{name_of(step)}: {_when(step)}", f"{name_of(made)}: {_when(made)}"),
                (step.id, made.id),
                (step.sample, made.sample),
                "correct one of the times"
                if sample is None or sample.parent is None
                else "if it happened to the parent, enter it there; else correct one of the times",
            )


def _after_it_was_used_up(custody: Custody) -> Iterator[Contradiction]:
    """A parent that was used up, or the part that was cut out of it, cannot be used later."""
    for cut in custody.steps:
        if cut.derives is None:
            continue
        child = custody.samples.get(cut.derives)
        gone = cut.remains.strip().lower().rstrip(".") in _GONE
        used = f"{name_of(cut)} made {cut.derives}; what remains: {cut.remains or 'not said'}"
        if gone:
            for step in custody.steps:
                if step.sample != cut.sample or step.id == cut.id:
                    continue
                if precedes(cut, step):
                    yield Contradiction(
                        "used-after-consumed",
                        f"{name_of(step)} happened to {cut.sample} after {name_of(cut)}, which "
                        "left nothing of it",
                        (f"{name_of(step)}: {_when(step)}", f"{used}, {_when(cut)}"),
                        (step.id, cut.id),
                        (cut.sample,),
                        "say what remained, or enter the step for the child",
                    )
        for record in custody.records.values():
            if record.sample != cut.sample or order_of(cut, custody.place(record)) != "before":
                continue
            inside = child is not None and within(record.region, child.cut)
            if gone or inside:
                what = "nothing of it" if gone else "that region no more"
                yield Contradiction(
                    "used-after-consumed",
                    f"{record.file_name} was measured on {cut.sample} after {name_of(cut)}, which "
                    f"left {what}",
                    (f"measurement {record.id}: {record.start or 'by sequence'}", used),
                    (record.id, cut.id),
                    (cut.sample,),
                    "check which sample was measured, and where",
                    "time" if gone else "place",
                )


def _in_two_places(custody: Custody) -> Iterator[Contradiction]:
    """Steps of one sample that overlap in time and exclude each other."""
    for first, second in combinations(custody.steps, 2):
        if first.sample != second.sample:
            continue
        if not exclusive(first, second):
            continue
        overlap = overlap_seconds(first, second)
        if overlap > 0:
            yield Contradiction(
                "steps-overlap",
                f"{first.sample} cannot be in two places at once: {name_of(first)} and "
                f"{name_of(second)} overlap by {_seconds(overlap)}",
                (f"{name_of(first)}: {_when(first)}", f"{name_of(second)}: {_when(second)}"),
                (first.id, second.id),
                (first.sample,),
                "correct the start or end of one of them",
            )


def _clock_shift(custody: Custody, record: MeasurementRecord) -> Shift | None:
    """Return by how many hours a measurement must move to lie in a session that has none."""
    at = instant(record.start)
    if at is None or custody.measure_steps(record):
        return None
    alike = [
        other
        for other in custody.records.values()
        if other.sample == record.sample and other.modality == record.modality
    ]
    taken = {s.id for other in alike for s in custody.measure_steps(other)}
    sessions = [
        s
        for s in custody.steps
        if s.sample == record.sample
        and s.type == "measure"
        and s.conditions.get("modality") == record.modality
        and s.id not in taken
    ]
    return shifted_onto(at, sessions)


def _measured_elsewhere(custody: Custody) -> Iterator[Contradiction]:
    """A measurement whose clock disagrees with the steps of its sample."""
    for record in custody.records.values():
        at = instant(record.start)
        if at is None or custody.measure_steps(record) or _made_later(custody, record):
            continue
        shift = _clock_shift(custody, record)
        if shift is not None:
            yield Contradiction(
                "measurement-outside-step",
                f"{record.file_name} was measured at {record.start}, outside "
                f"{name_of(shift.step)} ({_when(shift.step)}){_zone(shift)}",
                (
                    f"measurement {record.id}: {record.start}",
                    f"{name_of(shift.step)}: {_when(shift.step)}",
                ),
                (record.id, shift.step.id),
                (record.sample,),
                "say 'start' with the right offset for the measurement, or correct the step",
            )
            continue
        for step in custody.steps:
            start, end = instant(step.start), instant(step.end)
            if step.sample != record.sample or step.type not in ("store", "transfer"):
                continue
            if start is not None and end is not None and start < at < end:
                yield Contradiction(
                    "measured-elsewhere",
                    f"{record.file_name} was measured at {record.start}, while {record.sample} "
                    f"was in {name_of(step)}, {_when(step)}",
                    (f"measurement {record.id}: {record.start}", f"{name_of(step)}: {_when(step)}"),
                    (record.id, step.id),
                    (record.sample,),
                    "check the clock of the instrument and the times of the step",
                )


def _zone(shift: Shift | None) -> str:
    return "" if shift is None else f"; it would fit if moved by {shift.hours:+d} h: {_TIME_ZONE}"


def _series_outside(custody: Custody) -> Iterator[Contradiction]:
    """A sensor series that does not lie in its step."""
    steps = {s.id: s for s in custody.steps}
    for series in custody.series:
        step = steps.get(series.step)
        start, end = (None, None) if step is None else (instant(step.start), instant(step.end))
        if step is None or start is None or end is None:
            continue
        logged = series_interval(custody, series)
        if logged is None:
            continue
        hours = hours_between((start, end), logged)
        apart = logged[1] <= start or logged[0] >= end
        # a log may run on before and after its step; it may not leave the step and run beside it
        slack = timedelta(seconds=max(300.0, 0.1 * (end - start).total_seconds()))
        early = start - logged[0] > slack and end - logged[1] > slack
        late = logged[0] - start > slack and logged[1] - end > slack
        alike = abs((logged[0] - start) - (logged[1] - end)) <= slack
        if not (apart or (hours and (early or late) and alike)):
            continue
        by = f"; it would fit if moved by {hours:+d} h: {_TIME_ZONE}" if hours else ""
        span = f"{logged[0].isoformat()} to {logged[1].isoformat()}"
        yield Contradiction(
            "series-outside-step",
            f"the log {series.file} runs from {span}, its step {name_of(step)} is "
            f"{_when(step)}{by}",
            (f"series {series.id}: {span}", f"{name_of(step)}: {_when(step)}"),
            (series.id, step.id),
            (step.sample,),
            "check time zone and clock offset in the mapping of the series; import the log again "
            f"with the right ones and retract {series.id}",
        )


def _within_a_step(custody: Custody) -> Iterator[Contradiction]:
    """Times, durations and values of a step that contradict themselves."""
    for step in custody.steps:
        start, end = instant(step.start), instant(step.end)
        if start is not None and end is not None:
            lasted = (end - start).total_seconds()
            if lasted < 0:
                yield Contradiction(
                    "end-before-start",
                    f"{name_of(step)} of {step.sample} ends before it starts",
                    (f"start: {step.start}", f"end: {step.end}"),
                    (step.id,),
                    (step.sample,),
                    "correct one of the two",
                )
            elif not same_extent(step, max(_DURATION_SECONDS, 0.05 * lasted)):
                low, high = bounds(step.conditions["duration"], "s")
                stated = low if low is not None else high
                assert stated is not None
                hours, rest = divmod(lasted - stated + 60.0, 3600.0)
                zone = f": {_TIME_ZONE}" if hours and rest <= 120.0 and abs(hours) <= 14 else ""
                yield Contradiction(
                    "duration-differs",
                    f"{name_of(step)} of {step.sample} states {_seconds(stated)}, but its start "
                    f"and end are {_seconds(lasted)} apart{zone}",
                    (f"duration: {_seconds(stated)}", f"start and end: {_when(step)}"),
                    (step.id,),
                    (step.sample,),
                    "correct the duration, the start or the end",
                )
        for name, value in step.conditions.items():
            wrong = out_of_bounds(name, value)
            if wrong is not None:
                yield Contradiction(
                    "impossible-value",
                    f"{name_of(step)} of {step.sample}: {wrong}",
                    (f"{name} as entered", "what can be"),
                    (step.id,),
                    (step.sample,),
                    "correct the number or its unit",
                    "value",
                )


def _sequence_against_time(custody: Custody) -> Iterator[Contradiction]:
    """Two steps of one sample whose places in the chain contradict their times."""
    for first, second in combinations(custody.steps, 2):
        if first.sample != second.sample or first.sequence is None or second.sequence is None:
            continue
        early, late = (first, second) if first.sequence < second.sequence else (second, first)
        if early.sequence == late.sequence:
            continue
        begun, ended = instant(early.start), instant(late.end) or instant(late.start)
        if begun is not None and ended is not None and ended < begun:
            yield Contradiction(
                "order-differs",
                f"{name_of(early)} has place {early.sequence} and {name_of(late)} place "
                f"{late.sequence}, but {name_of(late)} was earlier",
                (f"{name_of(early)}: {_when(early)}", f"{name_of(late)}: {_when(late)}"),
                (early.id, late.id),
                (early.sample,),
                "correct 'sequence' or the times",
            )


_CHECKS: tuple[Callable[[Custody], Iterator[Contradiction]], ...] = (
    _before_it_existed,
    _after_it_was_used_up,
    _in_two_places,
    _measured_elsewhere,
    _series_outside,
    _within_a_step,
    doses_differ,
    _sequence_against_time,
)


def _when(step: Step) -> str:
    if step.start is None and step.end is None:
        return "time not known" if step.sequence is None else f"place {step.sequence}"
    return f"{step.start or 'unknown'} to {step.end or 'unknown'}"


def _seconds(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.4g} s"
    return f"{seconds / 60:.4g} min" if seconds < 7200 else f"{seconds / 3600:.4g} h"
