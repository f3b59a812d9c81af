"""What is in a study: samples, steps, series, measurements, references, findings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.analysis import ReferenceFile
from consilience.declarations import Reader
from consilience.errors import BadInputError, NotFoundError
from consilience.kinds import STATED
from consilience.model.association import AssociationRequest
from consilience.model.finding import Finding
from consilience.model.measurement import Measurement, MeasurementRecord
from consilience.model.sample import Sample, SensorSeries, Step
from consilience.model.stoichiometry import Homogeneity
from consilience.model.verdict import Margin
from consilience.registry import Registry

if TYPE_CHECKING:
    import xarray as xr

    from consilience.custody import Custody
    from consilience.custody.protocols.holding import Held
    from consilience.custody.protocols.protocol import Protocol
    from consilience.custody.protocols.storage import StorageAnswer
    from consilience.rules import Checked, Rule
    from consilience.rules.loading import RuleChange
    from consilience.store import Entry, Store
    from consilience.store.files import StoredFile

__all__ = ["Contents"]

_LISTED = {"sample": "samples", "step": "steps", "series": "steps", "finding": "findings"}
"""Which command lists the IDs of a kind of record."""


class Contents:
    """The reading half of a study; nothing here changes anything.

    Parameters
    ----------
    store : Store
        An open store.
    registry : Registry, optional
        Plugins; the installed ones are discovered when first needed.
    """

    def __init__(self, store: Store, registry: Registry | None = None) -> None:
        self.store = store
        self._registry = registry
        self._runs: dict[tuple[str, tuple[str, ...]], dict[str, Any]] | None = None
        self._retractions: tuple[int, dict[str, int]] | None = None
        self._custody: tuple[tuple[int, str], Custody] | None = None
        self._shipped: list[Rule] | None = None
        self.figures: tuple[tuple[int, str], list[Finding]] | None = None

    @property
    def path(self) -> Path:
        """The folder."""
        return self.store.path

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.store.marker.name

    @property
    def cache(self) -> Path:
        """A folder for what can be computed again."""
        return self.store.layout.cache

    @property
    def registry(self) -> Registry:
        """The plugins."""
        if self._registry is None:
            self._registry = Registry.discover()
        return self._registry

    @property
    def head(self) -> tuple[int, str]:
        """Number of records in the journal, and the hash of the last."""
        return self.store.head

    def forget(self) -> None:
        """Drop what was derived from the journal, because the journal has grown."""
        self._runs = None

    def samples(self) -> dict[str, Sample]:
        """Return all samples by ID, in the order in which they were registered."""
        return {
            str(entry.body["id"]): Sample.model_validate(entry.body)
            for entry in self.store.index.latest("sample")
        }

    def sample(self, sample: str) -> Sample:
        """Return one sample.

        Raises
        ------
        NotFoundError
        """
        entry = self.store.index.get("sample", sample)
        if entry is None:
            known = ", ".join(repr(row.id) for row in self.store.index.samples()[:20])
            raise NotFoundError(
                f"there is no sample {sample!r} in this study",
                fix=f"known samples: {known or 'none yet'}; add it with 'consilience sample add'",
            )
        return Sample.model_validate(entry.body)

    def holding(self, kind: str) -> list[Entry]:
        """Return the latest record of each ID of a kind, without those that were retracted."""
        retracted = self._retracted()
        latest = self.store.index.latest(kind)
        return [e for e in latest if e.seq > retracted.get(str(e.body["id"]), -1)]

    def holds(self, kind: str, record_id: str) -> bool:
        """Return True if a record is there and was not retracted since it was last registered."""
        entry = self.store.index.get(kind, record_id)
        return entry is not None and entry.seq > self._retracted().get(record_id, -1)

    def _retracted(self) -> dict[str, int]:
        """Return target and place in the journal of each retraction."""
        count = self.store.index.count_records("note")
        if self._retractions is None or self._retractions[0] != count:
            notes = self.store.index.entries("note")
            found = {
                str(e.body["target"]): e.seq for e in notes if e.body.get("about") == "retracted"
            }
            self._retractions = (count, found)
        return self._retractions[1]

    def steps(self, sample: str | None = None) -> list[Step]:
        """Return the steps of one sample or of all, in the order of registration."""
        steps = [Step.model_validate(e.body) for e in self.holding("step")]
        return [s for s in steps if sample is None or s.sample == sample]

    def step(self, step: str) -> Step:
        """Return one step by ID (or a beginning of it)."""
        return Step.model_validate(self._body("step", step))

    def series(self, step: str | None = None) -> list[SensorSeries]:
        """Return the sensor series of one step or of all."""
        items = [SensorSeries.model_validate(e.body) for e in self.holding("series")]
        return [s for s in items if step is None or s.step == step]

    def custody(self) -> Custody:
        """Return what is known of the past of the samples, to be asked metric by metric.

        It is made once for a state of the journal: what it has answered it remembers.
        """
        from consilience.custody import Custody

        if self._custody is not None and self._custody[0] == self.head:
            return self._custody[1]

        def opened(series: SensorSeries) -> xr.Dataset:
            if series.array is None:
                raise NotFoundError(
                    f"series {series.id} ({series.file}) has no data in the store",
                    fix="import its file again",
                )
            return self.store.open_dataset(series.array)

        records = {r.id: r for r in self.measurement_records()}
        made = Custody(self.samples(), self.steps(), self.series(), records, opened)
        self._custody = (self.head, made)
        return made

    def measurement_records(self) -> list[MeasurementRecord]:
        """Return all measurements as the journal keeps them; no array is opened."""
        return [MeasurementRecord.model_validate(e.body) for e in self.holding("measurement")]

    def measurements(self) -> list[Measurement]:
        """Return all measurements; data are opened when asked for."""
        return [self._measurement(record) for record in self.measurement_records()]

    def measurement(self, measurement: str) -> Measurement:
        """Return one measurement by ID (or a beginning of it)."""
        return self._measurement(
            MeasurementRecord.model_validate(self._body("measurement", measurement))
        )

    def _measurement(self, record: MeasurementRecord) -> Measurement:
        return Measurement(record, lambda: self._open_data(record))

    def _open_data(self, record: MeasurementRecord) -> xr.Dataset:
        if record.array is not None:
            return self.store.open_dataset(record.array)
        reader = self.registry.get(Reader, record.reader)
        if reader.open is None:
            raise NotFoundError(
                f"measurement {record.id} stays in its raw file, which reader {reader.key!r} "
                "cannot open lazily",
                fix="install the version of the plugin that registered it",
            )
        data = self._stored(record, "data")
        folder = self.cache / "materialised" / record.id
        linked = {
            role.removeprefix("linked:"): self._stored(record, role)
            for role in record.stored
            if role.startswith("linked:")
        }
        if not (folder / data.name).exists():
            self._lay_out({data.name: data, **linked}, folder)
        companions = {
            role: self.store.open_path(self._stored(record, role))
            for role in record.stored
            if role != "data" and not role.startswith("linked:")
        }
        opened: xr.Dataset = reader.open.load()(folder / data.name, companions, record.lazy or {})
        return opened

    def _lay_out(self, files: dict[str, StoredFile], folder: Path) -> None:
        """Lay files side by side in the cache, whole or not at all."""
        temporary = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        self.store.materialise(files, temporary)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.rename(folder)
        except OSError:  # another program was quicker
            shutil.rmtree(temporary, ignore_errors=True)

    @staticmethod
    def _stored(record: MeasurementRecord, role: str) -> StoredFile:
        from consilience.store.files import StoredFile

        return StoredFile.from_dict(record.stored[role].to_json())

    def references(self) -> list[ReferenceFile]:
        """Return the registered reference files."""
        from consilience.store.files import StoredFile

        references = []
        for entry in self.holding("reference"):
            file = StoredFile.from_dict(entry.body["file"])
            path = self.store.open_path(file)
            references.append(
                ReferenceFile(file.name, path, file.sha256, str(entry.body.get("title", "")))
            )
        return references

    def current_runs(self) -> dict[tuple[str, tuple[str, ...]], dict[str, Any]]:
        """Return the newest run for each analysis and group of measurements."""
        if self._runs is None:
            self._runs = {}
            held = {str(e.body["id"]) for e in self.holding("measurement")}
            for entry in self.store.index.latest("run"):
                body = entry.body
                if held.issuperset(body["measurements"]):
                    self._runs[str(body["analysis"]), tuple(body["measurements"])] = dict(body)
        return self._runs

    def findings(self, kind: str | None = None, sample: str | None = None) -> list[Finding]:
        """Return the findings that hold: of the newest runs, and all that were entered."""
        current = {run["id"] for run in self.current_runs().values()}
        steps = {str(e.body["id"]) for e in self.holding("step")}
        findings = []
        for entry in self.holding("finding"):
            body = dict(entry.body)
            run = body.pop("run", None)
            step = body["evidence"].get("step")
            wanted = kind in (None, body["kind"]) and sample in (None, body["sample"])
            if wanted and (run in current if run is not None else step is None or step in steps):
                findings.append(Finding.model_validate(body))
        if any(entry.body["kind"] == STATED for entry in self.holding("finding")):
            from consilience.study.claiming import with_figures

            return with_figures(self, findings, kind, sample)
        return findings

    def notes(self) -> list[dict[str, Any]]:
        """Return the notes of the journal (description, margins, refusals), newest of each ID."""
        newest: dict[str, dict[str, Any]] = {}
        for entry in self.store.index.entries("note"):
            newest[str(entry.body["id"])] = dict(entry.body)
        return list(newest.values())

    def margins(self) -> dict[str, Margin]:
        """Return the margins that the study states itself."""
        margins = {}
        for body in self.notes():
            if body.get("about") == "margin":
                fields = {k: body[k] for k in Margin.model_fields}
                margins[str(body["kind"])] = Margin.model_validate(fields)
        return margins

    def homogeneity(self) -> dict[str, Homogeneity]:
        """Return the ranges of compositions that the study states for phases, by formula."""
        return {
            str(body["formula"]): Homogeneity.model_validate(
                {k: body[k] for k in Homogeneity.model_fields}
            )
            for body in self.notes()
            if body.get("about") == "homogeneity"
        }

    def associations(self) -> list[AssociationRequest]:
        """Return what the study asks of its courses over states."""
        return [
            AssociationRequest.of(body)
            for body in self.notes()
            if body.get("about") == "association"
        ]

    def rule_changes(self) -> list[RuleChange]:
        """Return what the study changes in the shipped rules, and rules of its own."""
        from consilience.rules.loading import RuleChange

        return [
            RuleChange(id=body["rule"], fields=body["fields"], reason=body["reason"])
            for body in self.notes()
            if body.get("about") == "rule"
        ]

    def rules(self, *, shipped: bool = False) -> list[Rule]:
        """Return the rules that hold for this study, or all as they are shipped."""
        from consilience.rules import apply_changes, load_rules

        if self._shipped is None:
            self._shipped = load_rules(self.registry)
        rules = list(self._shipped)
        if shipped:
            return rules
        known = {rule.id for rule in rules}
        # a change of a rule whose plugin is not installed here has nothing to change
        changes = [c for c in self.rule_changes() if c.id in known or c.id.startswith("study.")]
        return apply_changes(rules, changes)

    def protocols(self) -> list[Protocol]:
        """Return the planned chains that the study brings itself."""
        from consilience.custody.protocols.protocol import Protocol

        return [
            Protocol.model_validate(body["plan"])
            for body in self.notes()
            if body.get("about") == "protocol"
        ]

    def judge(self, sample: str | None = None) -> list[Checked]:
        """Say what speaks against each measurement, whatever was found: before any finding.

        Parameters
        ----------
        sample : str, optional
            Only its measurements.

        Returns
        -------
        list of Checked
            Contradictions that touch a measurement, rules that fire on it or cannot be judged, and
            rules that wait for a finding.
        """
        from consilience.rules import check_measurements

        chosen = None if sample is None else self.sample(sample).id
        return check_measurements(self.custody(), self.rules(), chosen)

    def check(self, protocol: str | None = None, sample: str | None = None) -> list[Held]:
        """Hold chains of samples against a protocol: kept, broken, unknown, step by step.

        Parameters
        ----------
        protocol : str, optional
            Name, or a file that ends in .toml; the study's own otherwise.
        sample : str, optional
            Every sample at the end of a chain otherwise.
        """
        from consilience.study.ruling import check_chains

        return check_chains(self, protocol, sample)

    def storage(self, material: str, hours: float) -> StorageAnswer:
        """Say what the rules have on storing a material so long, and what of it is published."""
        from consilience.custody.protocols.storage import storage_answer

        return storage_answer(self.rules(), material, hours)

    def _body(self, kind: str, record_id: str) -> dict[str, Any]:
        entry = self.store.index.get(kind, record_id)
        if entry is not None:
            return dict(entry.body)
        found = [full for k, full in self.store.index.find(record_id) if k == kind]
        if len(found) == 1:
            entry = self.store.index.get(kind, found[0])
            if entry is not None:
                return dict(entry.body)
        if found:
            raise BadInputError(
                f"{record_id!r} begins {len(found)} {kind} IDs: {', '.join(found[:8])}",
                fix="write more of it",
            )
        raise NotFoundError(
            f"there is no {kind} {record_id!r} in this study",
            fix=f"list IDs with 'consilience {_LISTED.get(kind, 'measurements')}'",
        )
