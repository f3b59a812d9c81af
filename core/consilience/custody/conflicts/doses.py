"""Doses, energies and temperatures that a file states one way and its measure step another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience.custody.conditions import bounds
from consilience.custody.conflicts.contradiction import Contradiction
from consilience.custody.dose.entries import SAME_KELVIN
from consilience.custody.dose.units import Particle, energy_in_kev, quantity_in, shown
from consilience.custody.metrics.answers import name_of
from consilience.errors import BadInputError
from consilience.model.base import Quantity

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.custody.dose.entries import DoseEntry
    from consilience.model.measurement import Exposure, MeasurementRecord
    from consilience.model.sample import Step

__all__ = ["SAME_DOSE", "doses_differ"]

SAME_DOSE = 0.01
"""Two who say a fluence, rate or energy agree if they differ by no more than this part."""


def doses_differ(custody: Custody) -> Iterator[Contradiction]:
    """Yield where the one *measure* step that fits a measurement states another dose.

    A step with several irradiations may state the fluence of each or of all together.
    """
    for record, step, field, written, said in _differing(custody):
        yield Contradiction(
            "dose-differs",
            f"{record.file_name} has the {field} {written}, its step {name_of(step)} states {said}",
            (f"measurement {record.id}: {written}", f"{name_of(step)}: {said}"),
            (record.id, step.id),
            (record.sample,),
            "find out which of the two is wrong; for a dose beside it (searching, focusing) enter "
            "a 'measure' step of its own",
            "value",
        )


def _differing(custody: Custody) -> Iterator[tuple[MeasurementRecord, Step, str, str, str]]:
    """Yield measurement, step, what differs, what the file says of it, what the step says."""
    from consilience.custody.metrics.dose import ledger_of

    ledger = ledger_of(custody)
    fitting = {r.id: custody.measure_steps(r) for r in custody.records.values()}
    for record in custody.records.values():
        steps = fitting[record.id]
        if len(steps) != 1 or not record.exposures:
            continue
        step = steps[0]
        entries = [e for e in ledger.own(record) if e.source != "user" or e.step != step.id]
        beside = [
            entry
            for entry in ledger.entries
            if any(fitting.get(i) == [step] for i in entry.measurements)
        ]
        for field, said, written in _numbers(step, entries, beside):
            yield record, step, field, written, said
        told = bounds(step.conditions.get("temperature"), "K")
        file = _temperature(record)
        if file is not None and _apart(file, told):
            said = _text(step.conditions["temperature"])
            yield record, step, "temperature", f"{file:g} K", said


def _numbers(
    step: Step,
    entries: Sequence[DoseEntry],
    beside: Sequence[DoseEntry],
) -> Iterator[tuple[str, str, str]]:
    """Yield what differs, what the step says of it, and what is known from the file."""
    for entry in entries:
        stated = _stated(step.conditions, entry.particle)
        for field, unit in (
            ("fluence", entry.unit),
            ("fluence_rate", f"{entry.unit}/s"),
            ("energy", "keV"),
        ):
            said, known = stated.get(field), getattr(entry, field)
            if said is None or known is None or _same(said, known):
                continue
            if field == "fluence" and len(beside) > 1:
                each = [e.fluence for e in beside if e.particle == entry.particle]
                all_of_them = sum(f or 0.0 for f in each)
                if any(f is None or _same(said, f) for f in [*each, all_of_them]):
                    continue
            # a rate that follows from fluence and duration says the same thing twice
            if field == "fluence_rate" and field in entry.derived and "fluence" in stated:
                continue
            yield field.replace("_", " "), shown(said, unit), shown(known, unit)


def _stated(conditions: Mapping[str, Any], particle: Particle) -> dict[str, float]:
    from consilience.custody.dose.units import FLUENCE_UNITS

    unit = FLUENCE_UNITS[particle]
    found: dict[str, float] = {}
    energy = conditions.get("energy", conditions.get("voltage"))
    for name, value in (
        ("fluence", conditions.get("fluence")),
        ("fluence_rate", conditions.get("fluence_rate")),
        ("energy", energy),
    ):
        if not isinstance(value, Quantity):
            continue  # a bound states no number
        try:
            if name == "energy":
                number = energy_in_kev(value, particle)
            else:
                number = quantity_in(value, unit if name == "fluence" else f"{unit}/s").value
        except BadInputError:
            continue  # the ledger names what it could not read
        if number is not None:
            found[name] = number
    return found


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_DOSE * max(abs(one), abs(other))


def _temperature(record: MeasurementRecord) -> float | None:
    """Return the temperature that the exposures of a measurement agree on."""
    said = {_kelvin(exposure) for exposure in record.exposures} - {None}
    return next(iter(said)) if len(said) == 1 else None


def _kelvin(exposure: Exposure) -> float | None:
    low, high = bounds(exposure.temperature, "K")
    return low if low == high else None


def _apart(kelvin: float, told: tuple[float | None, float | None]) -> bool:
    low, high = told
    slack = max(SAME_KELVIN, SAME_DOSE * kelvin)
    return (low is not None and kelvin < low - slack) or (
        high is not None and kelvin > high + slack
    )


def _text(value: object) -> str:
    return f"{value.value:g} {value.unit}" if isinstance(value, Quantity) else str(value)
