"""The chain of each sample: one column a step, temperature, pressure and gases under it.

Steps last from seconds to weeks, so a column says nothing by its width: within it, time runs
from the step's start to its end.  What was recorded is drawn as a band, what a person stated
as a dashed line, and what nobody knows is hatched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consilience.custody.chain import Link, Moment, chain_of, instant
from consilience.custody.traces import Trace
from consilience.model.sample import Sample, Step
from consilience.notation import number
from consilience.report.chain_columns import PANELS, Column, Threshold, lasted
from consilience.report.chain_drawing import WIDTH, Picture
from consilience.view import Figure, Table

__all__ = ["PANELS", "Threshold", "chain_figures"]

_COLUMNS = 18


def chain_figures(
    samples: Sequence[Sample],
    steps: Sequence[Step],
    traces: Sequence[Trace] = (),
    thresholds: Sequence[Threshold] = (),
) -> list[Figure]:
    """Return the chain of each sample that nothing was cut from, or that has own steps.

    Parameters
    ----------
    samples, steps : sequences
    traces : sequence of Trace
        Sensor series, thinned.
    thresholds : sequence of Threshold
        Limits of rules; readings beyond them are drawn as excursions.
    """
    by_id = {s.id: s for s in samples}
    parents = {s.parent for s in samples if s.parent is not None}
    figures = []
    for sample in samples:
        own = [s for s in steps if s.sample == sample.id]
        if not own or (sample.id in parents and _continued(sample.id, samples, steps)):
            continue
        links = _links(sample.id, by_id, steps)
        if len(links) < 2 and not any(t.step == links[0].step.id for t in traces):
            continue  # one step is no chain; the table has it
        figures += _figures(sample, links, traces, thresholds)
    return figures


def _continued(sample: str, samples: Sequence[Sample], steps: Sequence[Step]) -> bool:
    """Return True where every step of a parent shows in the chain of one of its children."""
    cuts = [s for s in steps if s.sample == sample and s.derives is not None]
    children = {s.id for s in samples if s.parent == sample}
    if not cuts or not {c.derives for c in cuts} & children:
        return False
    return not any(
        s.sample == sample and s.derives is None and all(_later(s, cut) for cut in cuts)
        for s in steps
    )


def _later(step: Step, cut: Step) -> bool:
    first, second = instant(step.start), instant(cut.start or cut.end)
    if first is not None and second is not None:
        return first > second
    return step.sequence is not None and cut.sequence is not None and step.sequence > cut.sequence


def _links(sample: str, samples: Mapping[str, Sample], steps: Sequence[Step]) -> list[Link]:
    """All steps in the chain up to its end, whatever is not known of their order included."""
    chain = chain_of(Moment(sample, "9999-12-31T00:00:00+00:00", 10**9), samples, steps)
    return [link for link in chain.links if link.inherited_from is None or link.order != "after"]


def _figures(
    sample: Sample,
    links: Sequence[Link],
    traces: Sequence[Trace],
    thresholds: Sequence[Threshold],
) -> list[Figure]:
    columns = []
    frozen = False
    for i, link in enumerate(links, start=1):
        frozen = frozen or link.step.type == "freeze"
        here: dict[str, list[Trace]] = {}
        for trace in traces:
            if trace.step == link.step.id:
                here.setdefault(trace.column, []).append(trace)
        columns.append(Column(link, i, frozen, here))
    panels = [
        p for p in PANELS if any(c.traces.get(p[0]) or c.stated(p[0]) is not None for c in columns)
    ]
    lines = list(dict.fromkeys(c.step.sample for c in columns))
    pages = [columns[i : i + _COLUMNS] for i in range(0, len(columns), _COLUMNS)]
    undated = sum(c.step.start is None and c.step.end is None for c in columns)
    figures = []
    for i, page in enumerate(pages):
        part = f" ({i + 1} of {len(pages)})" if len(pages) > 1 else ""
        picture = Picture(page, panels, lines, thresholds)
        figures.append(
            Figure(
                title=f"Chain of {sample.id}{part}",
                caption=_caption(columns, panels, undated, thresholds),
                alt=(
                    f"{len(page)} steps in order, with what is known of temperature, pressure and "
                    "gases in each; the table of steps says the same in numbers."
                ),
                draw=picture.draw,
                table=_table(columns, panels, thresholds) if i == len(pages) - 1 else Table((), ()),
                size=(WIDTH, picture.height),
            )
        )
    return figures


def _caption(
    columns: Sequence[Column],
    panels: Sequence[tuple[str, str, bool]],
    undated: int,
    thresholds: Sequence[Threshold],
) -> str:
    said = (
        "One column is one step, in order; its width says nothing of how long it took. A colour "
        "stands for a sample, the dashed upright for a cut."
    )
    if any(c.in_air for c in columns):
        said += " A red head: in air."
    if undated:
        said += (
            f" {undated} of {len(columns)} steps have no time: they stand in the order that was "
            "stated."
        )
    uncertain = sum(c.link.order == "unknown" for c in columns)
    if uncertain:
        said += f" Of {uncertain} the place in the chain is unknown (marked ?)."
    if panels:
        said += (
            " Black: recorded by a sensor; dashed: stated by a person; hatched: not recorded, so "
            "unknown."
        )
    if any(t.column == p[0] for t in thresholds for p in panels):
        said += " Red: beyond a rule's threshold (dotted, with its rule)."
    return said


def _table(
    columns: Sequence[Column],
    panels: Sequence[tuple[str, str, bool]],
    thresholds: Sequence[Threshold],
) -> Table:
    rows = []
    for column in columns:
        cells: list[str | int | None] = [
            column.number,
            column.step.type.replace("_", " ")
            + (f": {column.step.title}" if column.step.title else ""),
            column.step.sample,
            lasted(column.step) or None,
        ]
        for name, _, _ in panels:
            cells.append(_known(column, name, thresholds))
        rows.append(tuple(cells))
    return Table(
        headings=("no.", "step", "sample", "lasted", *(label for _, label, _ in panels)),
        rows=rows,
        title="The chain in numbers",
    )


def _known(column: Column, name: str, thresholds: Sequence[Threshold]) -> str | None:
    limits = [t for t in thresholds if t.column == name and column.concerns(t)]
    traces = column.traces.get(name, ())
    lows = [v for t in traces for v in t.low if v is not None]
    highs = [v for t in traces for v in t.high if v is not None]
    if lows:
        said = f"{_short(min(lows))} to {_short(max(highs))}, recorded"
        top: float | None = max(highs)
    elif (stated := column.stated(name)) is not None:
        words = {"": "", "<": "at most ", ">": "at least "}[stated.relation]
        said = f"{words}{_short(stated.value)}, stated"
        top = None if stated.relation == "<" else stated.value
    else:
        return None
    broken = [t for t in limits if top is not None and top > t.value]
    if broken:
        said += f"; beyond {_short(broken[0].value)} of rule {broken[0].rule}"
    return said


def _short(value: float) -> str:
    return number(float(f"{value:.4g}"))
