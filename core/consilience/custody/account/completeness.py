"""What a field asks to be reported of a measurement: given, derived, or missing.

References
----------
.. [1] S. Bai et al., Guidelines for Correlative Imaging and Analysis of Reactive Lithium Metal
   Battery Materials, arXiv:2412.19376: dose, dose rate and beam energy belong into the methods,
   with temperature and handling; of 66 papers, nearly 60 % (liquid) and over 80 % (solid) gave no
   dose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from consilience.custody.chain import Link, instant
from consilience.custody.conditions import bounds
from consilience.custody.dose.entries import DoseEntry
from consilience.custody.dose.units import shown
from consilience.custody.metrics.answers import last_of, name_of, past_of
from consilience.custody.metrics.dose import ledger_of
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["FIELDS", "Completeness", "FieldState", "completeness_of"]

Status = Literal["given", "derived", "missing"]


@dataclass(frozen=True)
class FieldState:
    """One field of a measurement: its status, what was found, and what is missing.

    *given*: a file or a person says it.  *derived*: it follows from what they say.
    """

    name: str
    status: Status
    text: str


@dataclass(frozen=True)
class Completeness:
    """The fields that a technique asks for, of one measurement; none may be asked."""

    measurement: str
    sample: str
    modality: str
    file: str
    fields: tuple[FieldState, ...]

    @property
    def percent(self) -> float | None:
        """Part of the fields that is given or derived; None where nothing is asked."""
        if not self.fields:
            return None
        known = sum(field.status != "missing" for field in self.fields)
        return 100.0 * known / len(self.fields)

    def to_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "measurement": self.measurement,
            "sample": self.sample,
            "modality": self.modality,
            "file": self.file,
            "percent": self.percent,
            "fields": {f.name: {"status": f.status, "text": f.text} for f in self.fields},
        }


def completeness_of(
    custody: Custody, records: Iterable[MeasurementRecord], asks: Mapping[str, Sequence[str]]
) -> list[Completeness]:
    """Return what is recorded of each measurement that was made.

    Parameters
    ----------
    custody : Custody
    records : iterable of MeasurementRecord
        Simulated and entered ones are left out: nobody made them here.
    asks : mapping
        Modality to the names of `FIELDS` that it asks for.

    Raises
    ------
    BadInputError
        A modality asks for a field that is not known.
    """
    found = []
    for record in records:
        if record.origin != "measured":
            continue
        names = asks.get(record.modality, ())
        strange = [name for name in names if name not in FIELDS]
        if strange:
            raise BadInputError(
                f"modality {record.modality!r} asks for {strange[0]!r}, which is not known",
                fix=f"use fields of: {', '.join(FIELDS)}",
            )
        fields = tuple(FIELDS[name](custody, record) for name in names)
        found.append(
            Completeness(record.id, record.sample, record.modality, record.file_name, fields)
        )
    return found


def _own(custody: Custody, record: MeasurementRecord) -> list[DoseEntry]:
    return ledger_of(custody).own(record)


def _of_dose(title: str, field: str, unit: str) -> Callable[..., FieldState]:
    def state(custody: Custody, record: MeasurementRecord) -> FieldState:
        entries = _own(custody, record)
        values = [getattr(entry, field) for entry in entries]
        if not entries or any(value is None for value in values):
            problems = "; ".join(entry.problem for entry in entries if entry.problem)
            return FieldState(title, "missing", problems)
        text = ", ".join(
            shown(value, unit.format(entry.unit))
            for value, entry in zip(values, entries, strict=True)
        )
        derived = [e for e in entries if field in e.derived]
        if not derived:
            return FieldState(title, "given", text)
        return FieldState(title, "derived", "; ".join(f for e in derived for f in e.formulas))

    return state


def _temperature(custody: Custody, record: MeasurementRecord) -> FieldState:
    metric = custody.metric("temperature", record)
    if metric.value is not None:
        return FieldState("temperature", "given", f"{metric.value:g} K")
    ranges = {entry.temperature for entry in _own(custody, record)} - {(None, None)}
    if len(ranges) == 1:
        low, high = next(iter(ranges))
        if low is not None and low == high:
            return FieldState("temperature", "given", f"{low:g} K")
        text = f"up to {high:g} K" if high is not None else f"from {low:g} K"
        return FieldState("temperature", "given", text)
    return FieldState("temperature", "missing", metric.why)


def _atmosphere(custody: Custody, record: MeasurementRecord) -> FieldState:
    said = [
        _gas(name, source[name])
        for source in (record.state, record.metadata)
        for name in ("atmosphere", "pressure")
        if source.get(name) is not None
    ]
    for step in custody.measure_steps(record):
        said += [
            _gas(name, step.conditions[name])
            for name in ("atmosphere", "cover_gas", "pressure")
            if name in step.conditions
        ]
    if not said:
        return FieldState("atmosphere", "missing", "")
    return FieldState("atmosphere", "given", ", ".join(dict.fromkeys(said)))


def _gas(name: str, value: Any) -> str:
    from consilience.custody.account.phrases import span_text

    if name != "pressure" or not isinstance(value, Quantity):
        return f"pressure {_words(value)}" if name == "pressure" else _words(value)
    return span_text(name, value.value, value.value, value.unit)


def _transfer(custody: Custody, record: MeasurementRecord) -> FieldState:
    names = ("carrier", "cover_gas", "atmosphere", "pressure", "temperature")
    return _of_steps(
        custody, record, "transfer", lambda s: _said(s, names), since=_last_cut(custody, record)
    )


def _last_cut(custody: Custody, record: MeasurementRecord) -> Link | None:
    """Return the last cut in the past of a measurement: what came before was another body's way."""
    past = past_of(custody, record)
    made = {cut.id for cut in past.cuts.values() if cut is not None}
    return last_of(
        [k for k in past.certain if k.step.type == "lift_out" or k.step.id in made], past
    )


def _storage(custody: Custody, record: MeasurementRecord) -> FieldState:
    from consilience.custody.account.phrases import time_text

    timed: list[Step] = []

    def told(step: Step) -> str:
        where = _said(step, ("atmosphere", "cover_gas", "carrier", "o2", "h2o"))
        if bounds(step.conditions.get("duration"), "s") != (None, None):
            return f"{where} for {_words(step.conditions['duration'])}" if where else ""
        start, end = instant(step.start), instant(step.end)
        if start is not None and end is not None:
            timed.append(step)
            seconds = (end - start).total_seconds()
            return f"{where} for {time_text(seconds)}" if where else ""
        return ""

    state = _of_steps(custody, record, "store", told)
    if state.status == "given" and timed:
        return FieldState(state.name, "derived", state.text)
    return state


def _of_steps(
    custody: Custody,
    record: MeasurementRecord,
    kind: str,
    told: Callable[[Step], str],
    since: Link | None = None,
) -> FieldState:
    """Return the state of a field that steps answer: every one has to, `since` a cut if given."""
    name = {"store": "storage"}.get(kind, kind)
    past = past_of(custody, record)
    links = [
        k
        for k in custody.chain(record).links
        if k.step.type == kind
        and k.order != "after"
        and (since is None or past.earlier(k, since) is not True)
    ]
    steps = [k.step for k in links if k.order != "unknown"]
    uncertain = [k.step for k in links if k.order == "unknown"]
    silent = [step for step in (*steps, *uncertain) if not told(step)]
    if uncertain:
        return FieldState(
            name, "missing", f"{_many(uncertain, kind)} in an order that is not known"
        )
    if not steps:
        after = "" if since is None else f" since {name_of(since.step)}"
        return FieldState(name, "missing", f"no {kind} is recorded{after}")
    if silent:
        which = ", ".join(repr(step.title or step.id) for step in silent)
        return FieldState(name, "missing", f"{_many(silent, kind)} without its conditions: {which}")
    return FieldState(name, "given", "; ".join(told(step) for step in steps))


def _many(steps: Sequence[Step], kind: str) -> str:
    noun = {"store": "storage"}.get(kind, kind)
    return f"1 {noun}" if len(steps) == 1 else f"{len(steps)} {noun}s"


def _said(step: Step, names: Sequence[str]) -> str:
    return ", ".join(
        f"{name} {_words(step.conditions[name])}"
        if name in ("o2", "h2o")
        else _words(step.conditions[name])
        for name in names
        if name in step.conditions
    )


def _words(value: Any) -> str:
    if isinstance(value, Quantity):
        return f"{value.value:g} {value.unit}"
    if isinstance(value, Mapping) and {"value", "unit"} <= set(value):
        return f"{value['value']:g} {value['unit']}"
    return str(value)


FIELDS: dict[str, Callable[[Any, MeasurementRecord], FieldState]] = {
    "dose": _of_dose("dose", "fluence", "{}"),
    "dose_rate": _of_dose("dose_rate", "fluence_rate", "{}/s"),
    "energy": _of_dose("energy", "energy", "keV"),
    "temperature": _temperature,
    "atmosphere": _atmosphere,
    "transfer": _transfer,
    "storage": _storage,
}
"""Name of a field to what answers it, ``f(custody, record) -> FieldState``."""
