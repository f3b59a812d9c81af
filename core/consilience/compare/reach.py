"""Who can speak of what: kinds of finding against techniques, a reason in every empty cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consilience.declarations import Analysis, Kind, Modality
from consilience.model.finding import Finding, Status
from consilience.model.measurement import MeasurementRecord

__all__ = ["Reach", "reach_of"]

_WORDS: dict[Status | None, str] = {
    "present": "present",
    "absent_below_limit": "absent below a limit",
    "not_observable": "not observable",
    None: "not decided",
}


@dataclass(frozen=True)
class Reach:
    """What one technique says of one kind in a study.

    Parameters
    ----------
    kind, technique : str
        Names as declared; a technique of entered findings may be declared nowhere.
    findings : int
    said : str
        Of findings about presence, how many say what; else empty.
    reason : str
        Why there are none; empty where there are some.
    """

    kind: str
    technique: str
    findings: int
    said: str
    reason: str


def reach_of(
    kinds: Mapping[str, Kind],
    techniques: Mapping[str, Modality],
    analyses: Sequence[Analysis],
    runs: Iterable[Mapping[str, Any]],
    records: Sequence[MeasurementRecord],
    findings: Sequence[Finding],
    modality_of: Mapping[str, str],
) -> list[list[Reach]]:
    """Return a row for each kind that was found, with a cell for each technique that is there.

    Parameters
    ----------
    kinds, techniques : mapping
        Declarations by name.
    analyses : sequence of Analysis
        All that are installed.
    runs : iterable of mapping
        The study's current runs, with ``analysis`` and ``measurements``.
    records : sequence of MeasurementRecord
    findings : sequence of Finding
    modality_of : mapping
        Finding ID to technique.

    Returns
    -------
    list of list of Reach
        Rows and columns in the order of their names.
    """
    cells: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        cells[one.kind, modality_of[one.id]].append(one)
    measured: dict[str, list[MeasurementRecord]] = defaultdict(list)
    for record in records:
        measured[record.modality].append(record)
    ran: Counter[str] = Counter()
    for run in runs:
        ran[str(run["analysis"])] += 1
    columns = sorted({*measured, *(technique for _, technique in cells)})
    rows = sorted({kind for kind, _ in cells})

    def cell(kind: str, technique: str) -> Reach:
        here = cells.get((kind, technique), [])
        if here:
            return Reach(kind, technique, len(here), _said(kinds.get(kind), here), "")
        able = [a for a in analyses if a.modality == technique and kind in a.kinds]
        return Reach(
            kind, technique, 0, "", _reason(able, ran, measured[technique], techniques, technique)
        )

    return [[cell(kind, technique) for technique in columns] for kind in rows]


def _said(kind: Kind | None, findings: Sequence[Finding]) -> str:
    if kind is None or kind.about != "presence":
        return ""
    counts = Counter(f.status for f in findings)
    return ", ".join(f"{counts[s]} {word}" for s, word in _WORDS.items() if counts[s])


def _reason(
    able: Sequence[Analysis],
    ran: Mapping[str, int],
    records: Sequence[MeasurementRecord],
    techniques: Mapping[str, Modality],
    technique: str,
) -> str:
    if not records:
        return "no file of it is here, and what was entered of it gives none"
    if not able:
        blind = techniques[technique].blind if technique in techniques else ""
        return "no analysis of it gives this" + (f"; blind to: {blind}" if blind else "")
    done = [a for a in able if ran[a.key]]
    if done:
        times = ", ".join(f"{a.key} ({ran[a.key]}×)" for a in done)
        return f"looked for by {times}, which found none"
    fitting = [a for a in able if any(_has(r, a.requires) for r in records)]
    if fitting:
        return f"{', '.join(a.key for a in fitting)} gives it and was not run, or could not be done"
    needs = "; ".join(f"{a.key} needs {', '.join(a.requires)}" for a in able)
    return f"the files lack what it takes: {needs}"


def _has(record: MeasurementRecord, names: Sequence[str]) -> bool:
    return all(name in record.summary.variables for name in names)
