"""Entering things into a study: files, series, published lists and tables, findings, claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError, NotFoundError
from consilience.model.base import StateValue
from consilience.model.canonical import content_id
from consilience.model.finding import FindingDraft, Region
from consilience.model.measurement import Exposure
from consilience.progress import Progress, no_progress
from consilience.registry import Registry
from consilience.study.added import Added
from consilience.study.chain_entry import ChainEntry

if TYPE_CHECKING:
    from consilience.claims import Claim
    from consilience.store import Store
    from consilience.workers import WorkerPool

__all__ = ["Entry"]

RETRACTABLE = ("step", "series", "measurement", "reference", "finding")


class Entry(ChainEntry):
    """The registering half of a study; what was acknowledged is in the journal.

    Parameters
    ----------
    store : Store
        An open store.
    registry : Registry, optional
        Plugins; the installed ones are discovered when first needed.
    """

    def __init__(self, store: Store, registry: Registry | None = None) -> None:
        super().__init__(store, registry)
        self._workers: WorkerPool | None = None
        self._limits: tuple[str, ...] = ()

    @property
    def workers(self) -> WorkerPool:
        """The processes in which readers run."""
        if self._workers is None:
            from consilience.workers import Limits, WorkerPool

            self._workers = WorkerPool(Limits().updated(*self._limits))
        return self._workers

    def limit_readers(self, *settings: str) -> None:
        """Set limits for the readers' processes, as in ``"time=300"`` or ``"memory=8GB"``.

        Raises
        ------
        BadInputError
            A limit is not known, or its value cannot be used.
        """
        from consilience.workers import Limits

        Limits().updated(*settings)
        if self._workers is not None:
            self._workers.close()
            self._workers = None
        self._limits = settings

    def add_series(
        self, file: str | Path, step: str, mapping: Mapping[str, Any], *, link: bool = False
    ) -> Added:
        """Import a log of sensors (CSV or HDF5) onto a step; see docs/series.md for the mapping."""
        from consilience.study.series import register_series

        return register_series(self, Path(file), self.step(step), mapping, link=link)

    def add(
        self,
        file: str | Path,
        sample: str,
        *,
        reader: str | None = None,
        options: Mapping[str, Any] | None = None,
        companions: Mapping[str, str | Path] | None = None,
        state: Mapping[str, StateValue] | None = None,
        region: Region | None = None,
        start: str | None = None,
        exposures: Sequence[Exposure] = (),
        link: bool = False,
        progress: Progress = no_progress,
    ) -> list[Added]:
        """Register a file: one measurement for each signal in it.

        Parameters
        ----------
        file : path
        sample : str
            ID of a registered sample.
        reader : str, optional
            Key of the reader; otherwise the one best claim is taken.
        options : mapping, optional
            Options of the reader.
        companions : mapping, optional
            Role to file, for example ``{"geometry": "detector.poni"}``.
        state : mapping, optional
            State of the sample: text, number or Quantity.
        start : str, optional
            When the measurement started, ISO 8601 with offset, where the file does not
            say it or says it wrong.
        link : bool
            Leave the file where it is; it is hashed either way.

        Raises
        ------
        NotFoundError, BadInputError, BadFileError, DiskFullError
            Nothing is registered then.
        """
        from consilience.study.registering import register_file

        added = register_file(
            self,
            Path(file),
            sample,
            reader=reader,
            options=options,
            companions={role: Path(p) for role, p in (companions or {}).items()},
            state=state,
            region=region,
            start=start,
            exposures=exposures,
            link=link,
            progress=progress,
        )
        self.forget()
        return added

    def add_peak_list(
        self,
        sample: str,
        modality: str,
        axis: str,
        unit: str,
        peaks: Sequence[Mapping[str, Any]],
        citation: str,
        *,
        title: str = "",
        state: Mapping[str, StateValue] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Added:
        """Register a published peak list as an *entered* measurement.

        Each peak has ``center`` and may have ``center_std``, ``area``, ``fwhm`` and
        ``label``; `axis` and `unit` are those of the modality.
        """
        from consilience.study.entering import register_peak_list

        return register_peak_list(
            self,
            sample,
            modality,
            axis,
            unit,
            peaks,
            citation,
            title=title,
            state=state,
            metadata=metadata,
        )

    def add_table(
        self,
        sample: str,
        modality: str,
        columns: Mapping[str, Mapping[str, Any]],
        citation: str,
        *,
        title: str = "",
        labels: Sequence[str] = (),
        state: Mapping[str, StateValue] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Added:
        """Register a published table of numbers as an *entered* measurement.

        Each column has ``unit`` and ``values``, one for each row, and may have ``std``, one
        number or one for each row; `labels` name the rows.
        """
        from consilience.study.tables import register_table

        return register_table(
            self,
            sample,
            modality,
            columns,
            citation,
            title=title,
            labels=labels,
            state=state,
            metadata=metadata,
        )

    def add_reference(self, file: str | Path, title: str = "") -> Added:
        """Register a reference file (for example a CIF) for all analyses of the study."""
        path = Path(file)
        if not path.is_file():
            raise NotFoundError(f"there is no file {str(path)!r}", fix="check the path", path=path)
        stored = self.store.put_file(path)
        body = {
            "id": content_id("ref", {"sha256": stored.sha256, "name": stored.name}),
            "name": stored.name,
            "title": title,
            "file": stored.to_dict(),
        }
        appended = self.store.append_unless(
            lambda _: self.holds("reference", str(body["id"])), [("reference", body)]
        )
        return Added("reference", str(body["id"]), bool(appended), stored.name)

    def add_finding(
        self,
        draft: FindingDraft | Mapping[str, Any],
        sample: str,
        citation: str,
        modality: str | None = None,
    ) -> Added:
        """Register a finding that a person enters, with its citation."""
        from consilience.study.entering import entered_finding, validated

        said = (
            draft
            if isinstance(draft, FindingDraft)
            else validated(FindingDraft, draft, f"finding of {sample!r}")
        )
        finding = entered_finding(self, said, sample, citation, modality)
        appended = self.store.append_unless(
            lambda _: self.holds("finding", finding.id), [("finding", finding.to_json())]
        )
        return Added("finding", finding.id, bool(appended), finding.kind)

    def add_claim(self, claim: Claim | Mapping[str, Any], sample: str, citation: str) -> Added:
        """Register a figure of a text, with the formula that it must follow: `claims.Claim`."""
        from consilience.study.claiming import register_claim

        return register_claim(self, claim, sample, citation)

    def retract(self, record: str, reason: str) -> Added:
        """Take back what was entered wrongly: a step, series, measurement, reference or finding.

        The journal keeps it, with the reason; study, comparison and report no longer use it,
        nor what rests on it.  The same thing can be registered again afterwards.

        Parameters
        ----------
        record : str
            ID, or an unambiguous beginning of it.
        reason : str
            Why; printed in the report.

        Raises
        ------
        BadInputError
            No reason is given, or the ID is of something that cannot be retracted.
        """
        found = [(k, i) for k, i in self.store.index.find(record) if k in RETRACTABLE]
        exact = [item for item in found if item[1] == record]
        found = exact or found
        if len(found) != 1:
            listing = ", ".join(i for _, i in found[:8]) or "nothing"
            raise BadInputError(
                f"{record!r} is the beginning of {listing}",
                fix=f"name one {', '.join(RETRACTABLE[:-1])} or {RETRACTABLE[-1]}",
            )
        if not reason.strip():
            raise BadInputError("no reason is given", fix="say what was wrong with it")
        kind, full = found[0]
        seq = self.store.head[0]
        body = {
            "id": content_id("n", {"retracted": full, "at": seq}),
            "about": "retracted",
            "target": full,
            "kind": kind,
            "reason": reason,
        }
        self.store.append([("note", body)])
        self.forget()
        return Added("note", str(body["id"]), True, f"{kind} {full} retracted")
