"""Every irradiation of a study, once: from files, from the user, or derived with its formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from consilience.custody.chain import Moment
from consilience.custody.conditions import bounds
from consilience.custody.dose import formulas
from consilience.custody.dose.radiation import radiation_of
from consilience.custody.dose.units import (
    FLUENCE_UNITS,
    Particle,
    energy_in_kev,
    quantity_in,
)
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.canonical import canonical_json
from consilience.model.finding import Region
from consilience.model.measurement import Exposure, MeasurementRecord
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["DOSE_CONDITIONS", "DoseEntry", "collect", "doses"]

DOSE_CONDITIONS = (
    "energy",
    "fluence",
    "fluence_rate",
    "current",
    "dwell",
    "frames",
    "step_size",
    "probe_diameter",
    "photon_flux",
    "area",
)
"""Conditions of a *measure* step that say what it put into the sample."""

Range = tuple[float | None, float | None]
SAME_KELVIN = 1.0
"""Two who say a temperature agree if they differ by no more than this."""

Field = Literal["fluence", "fluence_rate", "energy", "temperature"]


@dataclass(frozen=True)
class DoseEntry:
    """One irradiation; None is unknown.

    Parameters
    ----------
    id : str
        ID of the measurement or step that it was.
    sample : str
    measurements : tuple of str
        The registered measurements that came of it: several signals of one file, or none.
    step : str or None
        The step that says so.
    particle, species : str
    fluence, fluence_rate : float or None
        In the particle's unit of `FLUENCE_UNITS`, and that for each second.
    energy : float or None
        keV of one particle.
    duration : float or None
        s.
    temperature : tuple of float or None
        The least and the greatest it can have been, K; the same where it is known.
    region : Region or None
    moment : Moment
    source : {"file", "user", "derived"}
    formulas : tuple of str
        How what was derived came about, with its numbers.
    derived : tuple of str
        Which fields were derived.
    title : str
        What a reader knows it by: file, or title of the step.
    problem : str
        What could not be understood.
    simulated : bool
        It never happened to a real sample.
    """

    id: str
    sample: str
    moment: Moment
    particle: Particle
    measurements: tuple[str, ...] = ()
    step: str | None = None
    species: str = ""
    fluence: float | None = None
    fluence_rate: float | None = None
    energy: float | None = None
    duration: float | None = None
    temperature: tuple[float | None, float | None] = (None, None)
    region: Region | None = None
    source: Literal["file", "user", "derived"] = "user"
    formulas: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    title: str = ""
    problem: str = ""
    simulated: bool = False

    @property
    def unit(self) -> str:
        """The unit of `fluence`."""
        return FLUENCE_UNITS[self.particle]


def collect(custody: Custody) -> list[DoseEntry]:
    """Return every irradiation of the study, each once.

    Notes
    -----
    Signals of one file share one exposure.  A *measure* step that is the one that fits a
    measurement completes what its file leaves out; any other *measure* step with conditions of dose
    counts by itself (searching, focusing, SEM images).  A *mill* puts ions in.
    """
    found: dict[str, DoseEntry] = {}
    spoken: set[str] = set()
    answered: dict[tuple[str, ...], set[str]] = {}
    for record in custody.records.values():
        steps = custody.measure_steps(record)
        only = steps[0] if len(steps) == 1 else None
        for number, exposure in enumerate(record.exposures):
            key, entry = _of_exposure(custody, record, exposure, number, only)
            found[key] = _joined(found.get(key), entry)
            if entry.fluence is not None:
                fitting = tuple(s.id for s in steps)
                answered.setdefault(fitting, set()).add(key)
        if (
            only is not None
            and not record.exposures
            and doses(only)
            and radiation_of(custody, record.modality) != ()
        ):
            entry = _of_step(custody, only, record)
            found[only.id] = _joined(found.get(only.id), entry)
        if only is not None and record.exposures:
            spoken.add(only.id)
    for fitting, irradiations in answered.items():
        # where more steps fit than there are irradiations, some of them came beside (focusing)
        if len(fitting) <= len(irradiations):
            spoken.update(fitting)
    for step in custody.steps:
        if step.id in found or step.id in spoken:
            continue
        if step.type == "measure" and doses(step) and _irradiates(custody, step):
            found[step.id] = _of_step(custody, step, None)
        if step.type == "mill":
            found[step.id] = _of_mill(step)
    return list(found.values())


def doses(step: Step) -> bool:
    """Return True if a *measure* step says anything about its dose."""
    return any(name in step.conditions for name in DOSE_CONDITIONS)


def _irradiates(custody: Custody, step: Step) -> bool:
    modality = step.conditions.get("modality")
    return modality is None or radiation_of(custody, str(modality)) != ()


def _joined(known: DoseEntry | None, new: DoseEntry) -> DoseEntry:
    if known is None:
        return new
    merged = tuple(dict.fromkeys((*known.measurements, *new.measurements)))
    region = known.region if known.region == new.region else None
    return replace(known, measurements=merged, region=region, title=_named(known.title, new.title))


def _named(known: str, new: str) -> str:
    """Return the names of all files that came of one irradiation."""
    names = known.split(" + ")
    return known if new in names else " + ".join([*names, new])


def _of_exposure(
    custody: Custody,
    record: MeasurementRecord,
    exposure: Exposure,
    number: int,
    step: Step | None,
) -> tuple[str, DoseEntry]:
    said: dict[str, Any] = {
        "energy": exposure.energy,
        "fluence": exposure.fluence,
        "fluence_rate": exposure.fluence_rate,
        "duration": exposure.duration,
        "temperature": exposure.temperature,
    }
    formulas_given = (exposure.formula,) if exposure.formula else ()
    from_step: list[str] = []
    if step is not None:
        # several exposures share a step's energy and temperature, not its dose
        shared = len(record.exposures) > 1
        for name, value in _conditions(step).items():
            if said.get(name) is None and (not shared or name in ("energy", "temperature")):
                said[name] = value
                from_step.append(name)
    if exposure.source == "file":
        for name, key in (("current", "probe_current"), ("probe_diameter", "beam_diameter")):
            if said.get(name) is None and exposure.particle == "electron":
                said[name] = _metadata(record, key)
    entry = DoseEntry(
        id=record.id,
        sample=record.sample,
        moment=custody.place(record),
        particle=exposure.particle,
        measurements=(record.id,),
        step=step.id if from_step and step is not None else None,
        species=exposure.species,
        region=exposure.region or record.region,
        source="user" if "fluence" in from_step else exposure.source,
        formulas=formulas_given,
        derived=("fluence",) if exposure.source == "derived" and exposure.fluence else (),
        title=record.file_name,
        simulated=record.origin == "simulated",
    )
    entry = _completed(entry, said)
    if entry.temperature == (None, None):
        said_of_state = record.state.get("temperature") or _metadata(record, "temperature")
        entry = replace(entry, temperature=bounds(said_of_state, "K"))
    if step is not None:
        told = bounds(step.conditions.get("temperature"), "K")
        entry = replace(entry, temperature=_both(entry.temperature, told))
    if step is not None and {"fluence", "fluence_rate", "dwell"} & set(from_step):
        # one step is one irradiation, however many signals were registered of it
        return step.id, entry
    file = record.stored.get("data")
    same = [record.sample, record.start, number, exposure.to_json()]
    if file is None:
        return f"{record.id}#{number}", entry
    return f"{file.sha256}:{canonical_json(same).decode()}", entry


def _both(one: Range, other: Range) -> Range:
    """Return the one temperature, or the interval between two that contradict each other."""
    if other == (None, None) or one == (None, None):
        return other if one == (None, None) else one
    known = [t for t in (*one, *other) if t is not None]
    if None in (*one, *other) or max(known) - min(known) <= SAME_KELVIN:
        return one
    return min(known), max(known)


def _conditions(step: Step) -> dict[str, Any]:
    names = (*DOSE_CONDITIONS, "duration", "temperature", "voltage")
    said = {name: step.conditions[name] for name in names if name in step.conditions}
    if "voltage" in said:
        said.setdefault("energy", said.pop("voltage"))
    return said


def _of_step(custody: Custody, step: Step, record: MeasurementRecord | None) -> DoseEntry:
    particle: Particle = "photon" if "photon_flux" in step.conditions else "electron"
    modality = record.modality if record is not None else step.conditions.get("modality")
    if modality is not None:
        known = radiation_of(custody, str(modality))
        particle = known[0] if known else particle
    entry = DoseEntry(
        id=step.id,
        sample=step.sample,
        moment=Moment(step.sample, step.start or step.end, step.sequence)
        if record is None
        else custody.place(record),
        particle=particle,
        measurements=() if record is None else (record.id,),
        step=step.id,
        region=None if record is None else record.region,
        source="user",
        title=step.title or str(step.conditions.get("modality", "measure")),
        simulated=step.origin == "simulated",
    )
    return _completed(entry, _conditions(step))


def _of_mill(step: Step) -> DoseEntry:
    said = _conditions(step)
    entry = DoseEntry(
        id=step.id,
        sample=step.sample,
        moment=Moment(step.sample, step.start or step.end, step.sequence),
        particle="ion",
        species=str(step.conditions.get("ion", "")),
        step=step.id,
        title=step.title or "mill",
        simulated=step.origin == "simulated",
    )
    return _completed(entry, said)


def _completed(entry: DoseEntry, said: Mapping[str, Any]) -> DoseEntry:
    """Convert what was said, and derive what follows from it."""
    problems: list[str] = []

    def read(name: str, unit: str) -> Quantity | None:
        value = said.get(name)
        if value is None or isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            problems.append(f"{name} {value:g} has no unit")
            return None
        try:
            return quantity_in(value, unit)
        except BadInputError as error:
            problems.append(error.what)
            return None

    unit = entry.unit
    fluence, rate = read("fluence", unit), read("fluence_rate", f"{unit}/s")
    duration = read("duration", "s")
    energy = None
    try:
        energy = energy_in_kev(said.get("energy"), entry.particle)
    except BadInputError as error:
        problems.append(error.what)
    lines, derived, source = list(entry.formulas), list(entry.derived), entry.source
    made: formulas.Derived | None
    for name, made in _derivations(entry.particle, read, said, fluence, rate, duration, problems):
        if made is None:
            continue
        lines.append(made.formula)
        derived.append(name)
        if name == "fluence":
            fluence, source = made.quantity, "derived"
        else:
            rate = made.quantity
    return replace(
        entry,
        fluence=None if fluence is None else fluence.value,
        fluence_rate=None if rate is None else rate.value,
        energy=energy,
        duration=None if duration is None else duration.value,
        temperature=bounds(said.get("temperature"), "K"),
        source=source,
        formulas=tuple(lines),
        derived=tuple(derived),
        problem="; ".join(dict.fromkeys(problems)),
    )


def _derivations(
    particle: Particle,
    read: Any,
    said: Mapping[str, Any],
    fluence: Quantity | None,
    rate: Quantity | None,
    duration: Quantity | None,
    problems: list[str],
) -> list[tuple[Field, formulas.Derived | None]]:
    made: list[tuple[Field, formulas.Derived | None]] = []
    current = read("current", "A")
    try:
        if particle == "electron" and current is not None:
            frames = said.get("frames", 1)
            frames = frames if isinstance(frames, int) and not isinstance(frames, bool) else 1
            probe, dwell = read("probe_diameter", "angstrom"), read("dwell", "s")
            if dwell is not None:
                stem = formulas.stem_fluence(
                    current, dwell, frames, read("step_size", "angstrom"), probe
                )
                if fluence is None and stem.highest is not None:
                    made.append(("fluence", stem.highest))
                    fluence = stem.highest.quantity
            if rate is None and probe is not None:
                made.append(("fluence_rate", formulas.beam_fluence_rate(current, probe)))
                rate = made[-1][1].quantity if made[-1][1] is not None else None
        if fluence is None and rate is not None and duration is not None:
            made.append(("fluence", formulas.fluence_from_rate(rate, duration)))
        area, flux = read("area", "um^2"), read("photon_flux", "1/s")
        time = read("dwell", "s") or duration
        if fluence is None and area is not None and time is not None:
            if particle == "photon" and flux is not None:
                made.append(("fluence", formulas.photon_fluence(flux, area, time)))
                fluence, duration = made[-1][1].quantity if made[-1][1] else None, time
            if particle == "ion" and current is not None:
                made.append(("fluence", formulas.ion_fluence(current, area, time)))
        if rate is None and fluence is not None and duration is not None and duration.value > 0:
            made.append(("fluence_rate", formulas.rate_from_fluence(fluence, duration)))
    except BadInputError as error:
        problems.append(error.what)
    return made


def _metadata(record: MeasurementRecord, name: str) -> Quantity | None:
    value = record.metadata.get(name)
    if isinstance(value, Mapping) and {"value", "unit"} <= set(value):
        return Quantity(value=float(value["value"]), unit=str(value["unit"]))
    return None
