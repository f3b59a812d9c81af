"""The study from Python: one method for each command of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from consilience.errors import BadInputError, NotFoundError
from consilience.kinds import STATED
from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Caveat, Verdict
from consilience.progress import Progress, no_progress
from consilience.registry import Registry
from consilience.study.entry import Entry

if TYPE_CHECKING:
    from consilience.compare.reach import Reach
    from consilience.custody.account.completeness import Completeness
    from consilience.custody.dose import DoseLedger
    from consilience.custody.dose.plan import DosePlan
    from consilience.rules import Checked
    from consilience.store.verify_report import VerifyReport
    from consilience.study.analysing import AnalysisSummary

__all__ = ["Study"]


class Study(Entry):
    """A folder of registered samples, steps, measurements and findings.

    Use `Study.create` or `Study.open`, and close it (or use ``with``): closing ends
    the worker processes.

    Parameters
    ----------
    store : Store
        An open store.
    registry : Registry, optional
        Plugins; the installed ones are discovered when first needed.
    """

    _environment: tuple[int, str] | None = None
    _verdicts: tuple[tuple[int, str], list[Verdict]] | None = None

    @classmethod
    def create(
        cls, path: str | Path, name: str | None = None, registry: Registry | None = None
    ) -> Self:
        """Make a new study in a folder that does not exist or is empty.

        Raises
        ------
        StudyExistsError
            The folder holds a study or other files.
        """
        from consilience.store import Store

        folder = Path(path)
        return cls(Store.create(folder, name or folder.resolve().name), registry)

    @classmethod
    def open(cls, path: str | Path = ".", registry: Registry | None = None) -> Self:
        """Open the study in a folder.

        Raises
        ------
        NotFoundError
            There is no study.
        NewerStudyError
            A newer version wrote it.
        """
        from consilience.store import Store

        return cls(Store.open(Path(path)), registry)

    def close(self) -> None:
        """End the worker processes and close the index."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def environment(self) -> str:
        """Keep with what versions this process computes; return the hash under which it is kept."""
        import sys

        from consilience.bundle.environment import environment

        # what is imported later is used later: asked again when there is more of it
        if self._environment is None or self._environment[0] != len(sys.modules):
            self._environment = (len(sys.modules), self.store.put_json(environment()))
        return self._environment[1]

    def analyse(
        self,
        analyses: Sequence[str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        samples: Iterable[str] | None = None,
        measurements: Iterable[str] | None = None,
        progress: Progress = no_progress,
    ) -> AnalysisSummary:
        """Run analyses on every measurement they apply to and keep their findings.

        Parameters
        ----------
        analyses : sequence of str, optional
            Keys; all default analyses otherwise.
        params : mapping, optional
            Parameters of the one analysis named.
        samples, measurements : iterable of str, optional
            Only these.

        Notes
        -----
        What was already done with the same input, parameters and version is
        skipped.  An analysis that fails on one measurement is listed in
        ``failures`` with reason and fix; the others go on.
        """
        from consilience.study.analysing import run_analyses

        return run_analyses(
            self,
            analyses,
            params=params,
            samples=samples,
            measurements=measurements,
            progress=progress,
        )

    def caveats(self, findings: Sequence[Finding] | None = None) -> list[Caveat]:
        """Apply all rules to the findings."""
        from consilience.rules import caveats_for

        custody = self.custody()
        chosen = self.findings() if findings is None else findings
        shipped = {rule.id: rule for rule in self.rules(shipped=True)}
        return caveats_for(chosen, custody.records, self.rules(), custody, shipped)

    def unfounded(self, findings: Sequence[Finding]) -> list[Checked]:
        """Say what speaks against the measurements that no finding rests on."""
        custody = self.custody()
        behind = {m for f in findings for m in f.measurements}
        behind |= {told.id for f in findings if (told := custody.told_of(f)) is not None}
        return [m for m in self.judge() if m.measurement not in behind]

    def trust(self) -> str:
        """Count in words what is doubted, left out and contradicted; empty if nothing is."""
        from consilience.rules import trust_words

        findings = self.findings()
        unfounded = self.unfounded(findings)
        return trust_words(self.caveats(findings), len(self.custody().contradictions), unfounded)

    def compare(self) -> list[Verdict]:
        """Compare all findings that can meet; verdicts are derived, never stored."""
        from consilience.compare import compare_findings
        from consilience.study.comparing import modalities_of

        # derived once for a state of the journal: report and export ask several times
        if self._verdicts is not None and self._verdicts[0] == self.head:
            return list(self._verdicts[1])
        head = self.head
        findings = self.findings()
        custody = self.custody()
        places = {r.id: custody.place(r) for r in custody.records.values()}
        verdicts = compare_findings(
            self.registry,
            self.samples(),
            findings,
            modalities_of(self, findings),
            caveats=self.caveats(findings),
            margins=self.margins(),
            steps=self.steps(),
            starts={i: place.time for i, place in places.items()},
            sequences={i: place.sequence for i, place in places.items()},
            homogeneity=self.homogeneity(),
            open_array=self.store.open_dataset,
            associations=self.associations(),
        )
        self._verdicts = (head, verdicts)
        return list(verdicts)

    def reach(self) -> list[list[Reach]]:
        """Say who can speak of what: kinds against techniques, a reason in every empty cell."""
        from consilience.study.comparing import reach

        return reach(self)

    def dose_ledger(self) -> DoseLedger:
        """Return every irradiation, and what each measured region received."""
        from consilience.custody.dose import DoseLedger

        return DoseLedger(self.custody())

    def dose_plan(
        self,
        phase: str,
        rate: float | str,
        *,
        temperature: str | None = None,
        energy: str | None = None,
        sample: str | None = None,
        measurement: str | None = None,
    ) -> DosePlan:
        """Return how many seconds published limits leave for a phase.

        Parameters
        ----------
        phase : str
            As rules name it: ``LiF``.
        rate : float or str
            In e/Å²/s where it is a number.
        temperature, energy : str, optional
            Such as ``"-170 degC"`` and ``"300 kV"``.
        sample, measurement : str, optional
            Hold the limits against the regions that were measured on this sample, or
            against the region of this measurement.

        Raises
        ------
        NotFoundError, BadInputError
        """
        from consilience.custody.dose.plan import plan_dose, used_by

        records = []
        if sample is not None:
            self.sample(sample)
            records = [r for r in self.measurement_records() if r.sample == sample]
        if measurement is not None:
            records = [self.measurement(measurement).record]
            if sample not in (None, records[0].sample):
                raise BadInputError(
                    f"measurement {records[0].id} is of sample {records[0].sample!r}, not of "
                    f"{sample!r}",
                    fix="leave one of the two out",
                )
        used = used_by(self.dose_ledger(), records) if records else []
        return plan_dose(
            self.rules(), phase, rate, temperature=temperature, energy=energy, used=used
        )

    def completeness(
        self, sample: str | None = None, measurement: str | None = None
    ) -> list[Completeness]:
        """Return for each measurement which of what its field asks for is recorded."""
        from consilience.custody.account.completeness import completeness_of
        from consilience.declarations import Modality

        asks = {m.key: m.asks for m in self.registry.all(Modality)}
        return completeness_of(self.custody(), self._chosen(sample, measurement), asks)

    def methods(self, sample: str | None = None, measurement: str | None = None) -> str:
        """Return a paragraph for the methods of a paper, with *not recorded* where it was not."""
        from consilience.custody.account.methods import methods_text
        from consilience.declarations import Modality

        modalities = {m.key: m for m in self.registry.all(Modality)}
        records = self._chosen(sample, measurement)
        if sample is not None or measurement is not None:
            samples: tuple[str, ...] = () if sample is None else (sample,)
        else:
            samples = tuple(dict.fromkeys(step.sample for step in self.steps()))
        return methods_text(self.custody(), records, modalities, samples)

    def _chosen(self, sample: str | None, measurement: str | None) -> list[MeasurementRecord]:
        if measurement is not None:
            return [self.measurement(measurement).record]
        if sample is not None:
            self.sample(sample)
        return [r for r in self.measurement_records() if sample in (None, r.sample)]

    def show(self, record_id: str) -> dict[str, Any]:
        """Return any record by its ID or an unambiguous beginning of it, as JSON.

        Raises
        ------
        NotFoundError, BadInputError
        """
        found = self.store.index.find(record_id)
        exact = [item for item in found if item[1] == record_id]
        if exact:
            found = exact
        if not found:
            for verdict in self.compare():
                if verdict.id.startswith(record_id):
                    return {"type": "verdict", **verdict.to_json()}
            for figure in self.findings(STATED):
                if figure.id.startswith(record_id):
                    return {"type": "finding", **figure.to_json()}
            raise NotFoundError(
                f"nothing in this study has an ID that starts with {record_id!r}",
                fix="list IDs with 'consilience samples', 'measurements', 'findings' or 'compare'",
            )
        if len(found) > 1:
            listing = ", ".join(i for _, i in found[:8])
            raise BadInputError(
                f"{record_id!r} is the beginning of {len(found)} IDs: {listing}",
                fix="write more of it",
            )
        kind, full = found[0]
        entry = self.store.index.get(kind, full)
        body = dict(entry.body) if entry is not None else {}
        return {"type": kind, **body, **self._cuts(kind, full)}

    def _cuts(self, kind: str, record: str) -> dict[str, Any]:
        """Return how a measurement lies to the cuts of children, and a child's to its parents'."""
        from consilience.custody.relations import cut_marks, marks_of_parents

        if kind not in ("measurement", "sample") or not self.holds(kind, record):
            return {}
        custody = self.custody()
        if kind == "measurement":
            return {"cuts": [m.to_json() for m in cut_marks(custody, custody.records[record])]}
        marks = marks_of_parents(custody, record)
        return {"parents_measurements": [m.to_json() for m in marks]} if marks else {}

    def verify(self, head: str | None = None, progress: Progress = no_progress) -> VerifyReport:
        """Check every stored byte against its hash, and the journal against its chain."""

        def in_bytes(done: int, total: int) -> None:
            progress(done, total, "bytes checked")

        return self.store.verify(head, in_bytes)

    def report(self, path: str | Path, progress: Progress = no_progress) -> Path:
        """Write the report: one self-contained HTML file."""
        from consilience.study.reporting import write_report

        return write_report(self, Path(path), progress)

    def export(
        self,
        folder: str | Path,
        progress: Progress = no_progress,
        *,
        tables_only: bool = False,
    ) -> list[Path]:
        """Write a bundle: the study, what it says in open formats, and what it ran with.

        `consilience.bundle.rerun` runs it again; with `tables_only` it holds no study, report
        or figures.
        """
        from consilience.bundle import write_bundle

        return write_bundle(self, Path(folder), progress, tables_only=tables_only)
