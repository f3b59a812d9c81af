"""How long a phase may still be irradiated: published limits against what a region has had.

A limit applies at the temperature and voltage at which it was measured.  Between the coldest
temperature at which one was published and the next one nothing is interpolated: the warmer,
lower figure is taken, and the plan says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.custody.dose.ledger import DoseLedger, DoseSum, like
from consilience.custody.dose.units import FLUENCE_UNITS, energy_in_kev, quantity_in, shown
from consilience.errors import BadInputError, NotFoundError
from consilience.model.measurement import MeasurementRecord
from consilience.quantities import parse_quantity

if TYPE_CHECKING:
    from consilience.rules import DoseLimit, Rule

__all__ = ["DosePlan", "PlanLine", "Used", "plan_dose", "rate_of", "used_by"]

_RATE = f"{FLUENCE_UNITS['electron']}/s"
_AIM = 5.0  # K: a temperature this close to that of the publication is taken for it


@dataclass(frozen=True)
class Used:
    """What a region has had so far.

    `total` counts all of it, `warm` what came while it was warmer than the limit's temperature.
    """

    measurement: str
    sample: str
    label: str
    total: DoseSum
    ledger: DoseLedger = field(repr=False)
    record: MeasurementRecord = field(repr=False)

    def warm(self, than: float) -> DoseSum:
        """Return what came while the region was warmer than `than` (K)."""
        return self.ledger.sum(self.record, "electron", later=True, warmer_than=than)


@dataclass(frozen=True)
class PlanLine:
    """One published limit, and what it leaves.

    Parameters
    ----------
    limit : DoseLimit
    seconds : float
        On a fresh region, at the rate asked for; the true limit is `limit.relation` to it.
    used : Used or None
        The region asked for; None: a fresh one.
    left : float or None
        Seconds left on that region; None where its dose is unknown.
    left_at_most : float or None
        What is certain where `left` is unknown.
    remarks : tuple of str
    """

    limit: DoseLimit
    seconds: float
    used: Used | None = None
    left: float | None = None
    left_at_most: float | None = None
    remarks: tuple[str, ...] = ()

    def text(self) -> list[str]:
        """Return the lines that a person reads."""
        limit, basis = self.limit, self.limit.rule.basis
        assert basis is not None
        where = f"{limit.phase}, {_place(limit)}"
        fluence = f"{limit.fluence:g} e/Å²"
        if limit.harmless:
            head = f"{where}: {_time(self.seconds)} were shown harmless ({fluence}); no limit"
        else:
            time = _related(limit.relation, _time(self.seconds))
            head = f"{where}: {time} ({_related(limit.relation, fluence)})"
        lines = [head, f"  published: {basis.published} [{limit.rule.id}; {limit.rule.cited}]"]
        if self.used is not None:
            lines.append(f"  used by {self.used.label}: {self.used.total.text}")
            if self.left is not None:
                lines.append(
                    f"  left there: {_related(limit.relation, _time(self.left), self.left)}"
                )
            else:
                most = self.left_at_most
                sure = "" if most is None else f", at most {_time(most)}"
                lines.append(f"  left there: unknown{sure} ({self.used.total.why})")
        lines += [f"  {remark}" for remark in self.remarks]
        return lines

    def to_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        limit = self.limit
        used = None
        if self.used is not None:
            used = {
                "measurement": self.used.measurement,
                "sample": self.used.sample,
                "fluence": self.used.total.value,
                "at_least": self.used.total.at_least,
                "why": self.used.total.why,
                "seconds_left": self.left,
                "seconds_left_at_most": self.left_at_most,
            }
        return {
            "phase": limit.phase,
            "rule": limit.rule.id,
            "citation": limit.rule.cited,
            "fluence": limit.fluence,
            "relation": limit.relation,
            "harmless": limit.harmless,
            "unit": FLUENCE_UNITS["electron"],
            "seconds": self.seconds,
            "energy_kev": limit.energy,
            "at_most_kelvin": limit.at_most,
            "above_kelvin": limit.above,
            "used": used,
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class DosePlan:
    """The answer to ``dose plan``: rate, temperature and energy asked for, and its lines."""

    phase: str
    rate: float
    temperature: float | None
    energy: float | None
    lines: tuple[PlanLine, ...]
    remarks: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the lines that a person reads."""
        asked = [f"{self.phase} at {self.rate:g} e/Å²/s"]
        if self.temperature is not None:
            asked.append(f"{_celsius(self.temperature)}")
        if self.energy is not None:
            asked.append(f"{self.energy:g} kV")
        head = [", ".join(asked), *self.remarks]
        return "\n".join([*head, *(row for line in self.lines for row in line.text())])

    def to_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "phase": self.phase,
            "fluence_rate": self.rate,
            "unit": _RATE,
            "temperature_kelvin": self.temperature,
            "energy_kev": self.energy,
            "lines": [line.to_json() for line in self.lines],
            "remarks": list(self.remarks),
        }


def plan_dose(
    rules: Iterable[Rule],
    phase: str,
    rate: float | str,
    *,
    temperature: str | None = None,
    energy: str | None = None,
    used: Sequence[Used] = (),
) -> DosePlan:
    """Return how long each published limit lets a phase be irradiated.

    Parameters
    ----------
    rules : iterable of Rule
    phase : str
        As rules name it: ``LiF``, ``Li2CO3``, ``Li metal``.
    rate : float or str
        Fluence rate, in e/Å²/s where it is a number.
    temperature : str, optional
        Of the sample, such as ``"-170 degC"``; all limits otherwise.
    energy : str, optional
        Of the electrons, such as ``"300 kV"``.
    used : sequence of Used
        Regions to hold against the limits; a fresh one otherwise.

    Raises
    ------
    NotFoundError
        No rule has a limit for this phase.
    BadInputError
        A quantity cannot be read, or the rate is not above 0.
    """
    from consilience.rules import dose_limits

    known = list(rules)
    each = rate_of(rate)
    kelvin = None if temperature is None else parse_quantity(temperature, "K").value
    if kelvin is not None and kelvin < 0:
        raise BadInputError(
            f"temperature {temperature!r} is {kelvin:g} K, which cannot be",
            fix="correct the number or its unit",
        )
    kev = energy_in_kev(energy, "electron")
    limits = dose_limits(known, phase)
    if not limits:
        phases = sorted({limit.phase for limit in dose_limits(known)})
        raise NotFoundError(
            f"no rule has a published limit of electron dose for {phase!r}",
            fix=f"limits are known for: {', '.join(phases) or 'nothing'}",
        )
    chosen = [x for x in limits if kelvin is None or x.harmless or x.covers(kelvin)]
    lines = [
        _line(limit, limits, each, kelvin, kev, region)
        for limit in sorted(chosen, key=lambda x: (x.harmless, x.at_most is not None, x.fluence))
        for region in (used or (None,))
    ]
    remarks: tuple[str, ...] = ()
    if kelvin is None and len(chosen) > 1:
        remarks = ("no temperature was given, so every published one is shown",)
    return DosePlan(limits[0].phase, each, kelvin, kev, tuple(lines), remarks)


def used_by(ledger: DoseLedger, records: Iterable[MeasurementRecord]) -> list[Used]:
    """Return what the regions of these measurements have had until now."""
    found = []
    for record in records:
        total = ledger.sum(record, "electron", later=True)
        where = record.region.label if record.region and record.region.label else record.file_name
        label = f"the region of {where} ({record.id}, {record.sample})"
        found.append(Used(record.id, record.sample, label, total, ledger, record))
    return found


def rate_of(said: float | str) -> float:
    """Return a fluence rate of electrons in e/Å²/s; a number alone is in that unit.

    Raises
    ------
    BadInputError
        It is no rate, or not above 0.
    """
    if isinstance(said, str):
        try:
            said = float(said)
        except ValueError:
            said = quantity_in(str(said), _RATE).value
    if not 0 < said < float("inf"):
        raise BadInputError(
            f"the rate is {said:g} e/Å²/s, expected a number above 0",
            fix="write for example --rate 100, in e/Å²/s",
        )
    return said


def _line(
    limit: DoseLimit,
    limits: Sequence[DoseLimit],
    rate: float,
    kelvin: float | None,
    kev: float | None,
    used: Used | None,
) -> PlanLine:
    seconds = limit.fluence / rate
    remarks = _remarks(limit, rate, kelvin, kev)
    if used is None:
        return PlanLine(limit, seconds, remarks=tuple(remarks))
    total, energy = used.total, used.total.energy
    if energy is not None and limit.energy is not None and not like(energy, limit.energy):
        remarks.append(
            f"what was used was used at {energy:g} kV, the limit measured at {limit.energy:g} kV"
        )
    had = max(total.at_least or 0.0, total.beside_at_least or 0.0)
    most = max(0.0, (limit.fluence - had) / rate)
    left = None if total.value is None else most
    if total.beside:
        listed = ", ".join(f"{shown(s.entry.fluence, total.unit)}" for s in total.beside)
        remarks.append(f"beside it, at unlike energies and not added: {listed}")
    for warmer in limits:
        if limit.at_most is None or warmer.above is None or warmer.harmless:
            continue
        warm = used.warm(warmer.above)
        if max(warm.at_least or 0.0, warm.beside_at_least or 0.0) > warmer.fluence:
            left, most = 0.0, 0.0
            remarks.append(
                f"it took {warm.text} while warmer than {_celsius(warmer.above)}, more than the "
                f"{_related(warmer.relation, f'{warmer.fluence:g} e/Å²')} of {warmer.rule.id}"
            )
    return PlanLine(limit, seconds, used, left, most if left is None else None, tuple(remarks))


def _remarks(limit: DoseLimit, rate: float, kelvin: float | None, kev: float | None) -> list[str]:
    basis = limit.rule.basis
    assert basis is not None
    remarks = []
    published = _published_temperature(limit)
    if kelvin is not None and published is not None and abs(kelvin - published) > _AIM:
        if limit.above is not None and limit.above < kelvin < published:
            remarks.append(
                f"no published value between {_celsius(limit.above)} and {_celsius(published)}: "
                f"the figure for {_celsius(published)} is taken"
            )
        elif limit.at_most is None:
            side = "above" if kelvin > published else "below"
            remarks.append(
                f"no published value {side} {_celsius(published)}: the figure for it is taken"
            )
    if limit.energy is not None:
        at = f"measured at {limit.energy:g} kV"
        if kev is not None and not like(kev, limit.energy):
            at += f"; at {kev:g} kV it is an extrapolation"
        remarks.append(at)
    if limit.fluence_rate is not None and not like(rate, limit.fluence_rate):
        remarks.append(
            f"stated for {limit.fluence_rate:g} e/Å²/s; that only the total counts is an assumption"
        )
    if limit.harmless:
        remarks.append("where harm begins is not published")
    remarks += [f"the source also says: {also}" for also in basis.also]
    return remarks


def _published_temperature(limit: DoseLimit) -> float | None:
    basis = limit.rule.basis
    match = re.match(r"^\s*([-+]?[\d.]+\s*\S+)", basis.temperature if basis else "")
    return parse_quantity(match[1], "K").value if match else None


def _place(limit: DoseLimit) -> str:
    published = _published_temperature(limit)
    if limit.at_most is not None:
        return f"{_celsius(limit.at_most)} or colder"
    if limit.above is not None:
        at = "" if published is None else f", measured at {_celsius(published)}"
        return f"warmer than {_celsius(limit.above)}{at}"
    return "any temperature" if published is None else _celsius(published)


def _related(relation: str, text: str, number: float | None = None) -> str:
    if number == 0.0:
        return text
    words = {"<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least "}
    return f"{words.get(relation, '')}{text}"


def _celsius(kelvin: float) -> str:
    return f"{kelvin - 273.15:.4g} °C".replace("-", "−")


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s"
