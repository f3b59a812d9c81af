"""What of a page is printed: what decides.  The rest stays on the screen, and is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Verdict

__all__ = ["Printed", "printed_of"]

MOST_FINDINGS = 60
"""So many findings are printed; of more, those behind the gravest verdicts."""
MOST_EVIDENCE = 8
"""So many of them with evidence and assumptions."""
MOST_MEASUREMENTS = 6
"""So many measurements are printed with pictures; the others have a line each."""


@dataclass(frozen=True)
class Printed:
    """IDs of what is printed: findings, those with their evidence, measurements with pictures."""

    findings: frozenset[str]
    evidence: frozenset[str]
    measurements: frozenset[str]


def printed_of(
    findings: Sequence[Finding],
    records: Sequence[MeasurementRecord],
    verdicts: Sequence[Verdict],
) -> Printed:
    """Return what is printed of a study: all of a small one, of a large one what verdicts rest on.

    Parameters
    ----------
    findings, records : sequences
        In the order of the page.
    verdicts : sequence of Verdict
        Worst first; comparisons that could not be made count for nothing.
    """
    by_id = {f.id: f for f in findings}
    made = [v for v in verdicts if v.verdict != "not_comparable"]
    behind = [i for v in made for i in v.findings if i in by_id]
    first = [m for i in behind for m in by_id[i].measurements[:1]]
    known = [r.id for r in records]
    return Printed(
        findings=_chosen(list(by_id), behind, MOST_FINDINGS),
        evidence=_chosen(list(by_id), behind, MOST_EVIDENCE),
        measurements=_chosen(known, [m for m in first if m in set(known)], MOST_MEASUREMENTS),
    )


def _chosen(every: Sequence[str], needed: Sequence[str], most: int) -> frozenset[str]:
    """Return all where they are few, else the first of those needed, or of all if none is."""
    if len(every) <= most:
        return frozenset(every)
    return frozenset(list(dict.fromkeys(needed or every))[:most])
