"""All that is known of the past of a study's samples, asked one metric at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from consilience.custody.chain import Chain, Moment, chain_of, instant
from consilience.custody.metric import METRICS, Metric
from consilience.declarations import Ref
from consilience.errors import BadInputError
from consilience.model.finding import Finding
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Sample, SensorSeries, Step

if TYPE_CHECKING:
    import xarray as xr

    from consilience.custody.conflicts.contradictions import Contradiction

__all__ = ["PROVIDERS", "Custody"]

Provider = Callable[["Custody", MeasurementRecord, float | None], Metric]

PROVIDERS: dict[str, Ref] = {
    name: Ref(f"consilience.custody.{module}:{name}")
    for module, names in {
        "metrics.data": ("data_faults",),
        "metrics.cuts": ("storage_hours_before_cut",),
        "metrics.dose": (
            "dose_unknown",
            "electron_fluence",
            "electron_fluence_before",
            "electron_fluence_warm",
            "electron_fluence_rate",
            "electron_energy",
            "photon_fluence",
            "photon_dose",
        ),
        "metrics.steps": (
            "air_seconds",
            "air_seconds_since_mill",
            "unplaced_air_steps",
            "storage_hours",
            "hours_since_cut",
            "warm_reactive_mills",
            "frozen_liquid",
            "slow_freezes",
            "coated",
            "cryo_uhv_transfer",
            "temperature",
            "time_contradictions",
            "value_contradictions",
            "unaccounted_hours",
        ),
        "metrics.series": (
            "o2_ppm_hours",
            "h2o_ppm_hours",
            "peak_pressure",
            "peak_temperature",
            "seconds_above",
            "unrecorded_seconds",
            "suspect_sensors",
        ),
    }.items()
    for name in names
}
"""Metric name to the function that answers it: ``f(custody, record, parameter) -> Metric``."""


class Custody:
    """Samples, steps, series and measurements of a study, and what follows from them.

    Parameters
    ----------
    samples : mapping
    steps : sequence of Step
    series : sequence of SensorSeries
    records : mapping
        Measurement ID to its record.
    open_series : callable
        Opens the data of a series lazily: dimension ``time`` (s since the series' start).
    """

    def __init__(
        self,
        samples: Mapping[str, Sample],
        steps: Sequence[Step],
        series: Sequence[SensorSeries] = (),
        records: Mapping[str, MeasurementRecord] | None = None,
        open_series: Callable[[SensorSeries], xr.Dataset] | None = None,
    ) -> None:
        self.samples = samples
        self.steps = steps
        self.series = series
        self.records = dict(records or {})
        self._open_series = open_series
        self._chains: dict[str, Chain] = {}
        self._answers: dict[tuple[str, str, float | None], Metric] = {}
        self.exposed: dict[tuple[object, ...], Any] = {}
        """What was integrated over series already: measurements share most of their past."""

    @cached_property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """What cannot be true together among steps, series and measurements."""
        from consilience.custody.conflicts.contradictions import find_contradictions

        return find_contradictions(self)

    def series_of(self, step: Step) -> list[SensorSeries]:
        """Return the sensor series that belong to a step."""
        return [s for s in self.series if s.step == step.id]

    def open_series(self, series: SensorSeries) -> xr.Dataset:
        """Open the data of a series lazily.

        Raises
        ------
        BadInputError
            This custody was made without access to the data.
        """
        if self._open_series is None:
            raise BadInputError(
                f"the data of series {series.id} cannot be opened here",
                fix="ask the study itself: Study.custody()",
            )
        return self._open_series(series)

    def measure_steps(self, record: MeasurementRecord) -> list[Step]:
        """Return the *measure* steps that can be this measurement by sample, modality and time."""
        at = instant(record.start)
        found = []
        for step in self.steps:
            if step.type != "measure" or step.sample != record.sample:
                continue
            if step.conditions.get("modality", record.modality) != record.modality:
                continue
            start, end = instant(step.start), instant(step.end)
            if at is not None and start is not None and at < start:
                continue
            if at is not None and end is not None and at > end:
                continue
            found.append(step)
        return found

    def told_of(self, finding: Finding) -> MeasurementRecord | None:
        """Return the measurement behind a finding that a person entered, as far as steps tell.

        A published finding has no file here; but where one *measure* step of its sample and
        technique is recorded, and no registered measurement is it, its past is known as that of
        any measurement is.  The record has the step's ID.
        """
        modality = finding.source.parameters.get("modality")
        if finding.measurements or finding.origin != "entered" or not isinstance(modality, str):
            return None
        steps = [
            s
            for s in self.steps
            if s.type == "measure"
            and s.sample == finding.sample
            and s.conditions.get("modality") == modality
        ]
        if len(steps) != 1 or self._registered(steps[0]):
            return None
        return MeasurementRecord(
            id=steps[0].id,
            name=steps[0].title or modality,
            modality=modality,
            sample=finding.sample,
            state=finding.state,
            region=finding.region,
            origin="measured",
            stored={},
            reader="",
            plugin=finding.source.plugin,
            version=finding.source.version,
            array=None,
            lazy=None,
            summary=DataSummary(variables={}, coordinates={}),
            start=steps[0].start,
            citation=finding.source.citation,
        )

    def _registered(self, step: Step) -> bool:
        return any(
            r.id != step.id and r.modality == step.conditions.get("modality")
            for r in self.records.values()
            if step in self.measure_steps(r)
        )

    def place(self, record: MeasurementRecord) -> Moment:
        """Return when a measurement was made: its start, else the one measure step that fits it."""
        steps = self.measure_steps(record)
        only = steps[0] if len(steps) == 1 else None
        time = record.start
        if instant(time) is None and only is not None:
            time = only.start or only.end or time
        return Moment(record.sample, time, only.sequence if only is not None else None)

    def chain(self, record: MeasurementRecord) -> Chain:
        """Return the chain of the measured sample at the moment of the measurement."""
        if record.id not in self._chains:
            self._chains[record.id] = chain_of(self.place(record), self.samples, self.steps)
        return self._chains[record.id]

    def beside(self, records: Iterable[MeasurementRecord]) -> Custody:
        """Return this custody with further measurements, such as steps alone tell of."""
        more = {**self.records, **{r.id: r for r in records}}
        other = Custody(self.samples, self.steps, self.series, more, self._open_series)
        other.exposed = self.exposed
        return other

    def at(self, chain: Chain, record: MeasurementRecord) -> Custody:
        """Return this custody as if `record` had been measured at the moment of `chain`."""
        moved = Custody(self.samples, self.steps, self.series, self.records, self._open_series)
        moved._chains[record.id] = chain
        return moved

    def metric(
        self, name: str, record: MeasurementRecord, parameter: float | None = None
    ) -> Metric:
        """Return a metric for one measurement.

        Parameters
        ----------
        name : str
            A key of `consilience.custody.metric.METRICS`.
        record : MeasurementRecord
        parameter : float, optional
            For a metric that takes one (a temperature in K).

        Raises
        ------
        BadInputError
            There is no such metric, or its parameter is missing or not wanted.
        """
        spec = METRICS.get(name)
        if spec is None:
            raise BadInputError(
                f"there is no metric {name!r}", fix=f"use one of: {', '.join(sorted(METRICS))}"
            )
        if (spec.parameter is None) != (parameter is None):
            raise BadInputError(
                f"metric {name!r} takes {'no parameter' if spec.parameter is None else 'one'}",
                fix="leave 'at' out"
                if spec.parameter is None
                else f"say at = '90 {spec.parameter}'",
            )
        key = (name, record.id, parameter)
        if key not in self._answers:
            provider: Provider = PROVIDERS[name].load()
            self._answers[key] = provider(self, record, parameter)
        return self._answers[key]
