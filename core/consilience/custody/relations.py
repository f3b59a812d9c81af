"""Was a measurement of a sample made before or after a child was cut from it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from consilience.custody.chain import cut_of, order_of
from consilience.lineage import ancestors

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord

__all__ = ["CutMark", "cut_marks", "cut_words", "marks_of_parents"]

Side = Literal["before", "during", "after", "unknown"]


@dataclass(frozen=True)
class CutMark:
    """How a measurement of a sample lies to the cut that made a descendant.

    Parameters
    ----------
    measurement, sample : str
        IDs of the measurement and of the sample that was measured.
    child : str
        The descendant.
    step : str or None
        ID of the step in which the measured sample was cut: it made `child`, or the sample from
        which `child` comes; None: not recorded.
    side : {"before", "during", "after", "unknown"}
        When it was measured: *before* the cut it saw what is now in the child, *after* it did not.
    """

    measurement: str
    sample: str
    child: str
    step: str | None
    side: Side

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "measurement": self.measurement,
            "sample": self.sample,
            "child": self.child,
            "step": self.step,
            "side": self.side,
        }


def cut_marks(custody: Custody, record: MeasurementRecord) -> tuple[CutMark, ...]:
    """Return how a measurement lies to the cut of each descendant of the measured sample."""
    marks = []
    for child in custody.samples:
        line = [child, *ancestors(custody.samples, child)]
        if record.sample not in line[1:]:
            continue
        through = line[line.index(record.sample) - 1]
        own = [s for s in custody.steps if s.sample == record.sample]
        cut = cut_of(through, own)
        side: Side = "unknown"
        if cut is not None:
            # how the step lies to the measurement, turned round
            turned: Mapping[str, Side] = {"before": "after", "after": "before"}
            order = order_of(cut, custody.place(record))
            side = turned.get(order, order)
        marks.append(CutMark(record.id, record.sample, child, cut.id if cut else None, side))
    return tuple(marks)


def marks_of_parents(custody: Custody, sample: str) -> tuple[CutMark, ...]:
    """Return all measurements of what a sample was cut from, before and after the cut."""
    above = ancestors(custody.samples, sample)
    return tuple(
        mark
        for record in custody.records.values()
        if record.sample in above
        for mark in cut_marks(custody, record)
        if mark.child == sample
    )


def cut_words(marks: tuple[CutMark, ...]) -> str:
    """Return marks in words for a cell of a table: ``before lamella-3``."""
    by_side: dict[str, list[str]] = {}
    for mark in marks:
        by_side.setdefault(mark.side, []).append(mark.child)
    return "; ".join(
        f"{'unknown for' if side == 'unknown' else side} {', '.join(children)}"
        for side, children in by_side.items()
    )
