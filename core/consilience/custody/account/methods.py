"""A paragraph for the methods of a paper, from the record; what is missing is *not recorded*."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from consilience.custody.account.completeness import completeness_of
from consilience.custody.account.phrases import (
    conditions_text,
    list_of,
    noun,
    quantity_text,
    span_text,
)
from consilience.custody.chain import Moment, chain_of, cut_of, instant
from consilience.custody.conditions import ASKED
from consilience.custody.metrics.dose import ledger_of
from consilience.custody.traces import covers, extremes_of
from consilience.lineage import ancestors
from consilience.model.base import Quantity
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Sample, Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.declarations import Modality

__all__ = ["methods_text"]

NOT = "not recorded"
_END, _LAST = "9999-12-31T00:00:00+00:00", 10**9

_VERBS = {
    "prepare": "was prepared",
    "cycle": "was cycled",
    "bias": "was biased",
    "disassemble": "was disassembled",
    "rinse": "was rinsed",
    "dry": "was dried",
    "store": "was stored",
    "transfer": "was transferred",
    "freeze": "was frozen",
    "warm": "was warmed",
    "mill": "was milled",
    "coat": "was coated",
    "expose": "was exposed to air",
}
_FIELDS = {
    "dose": "dose",
    "dose_rate": "dose rate",
    "energy": "energy",
    "temperature": "temperature",
    "atmosphere": "atmosphere",
}


def methods_text(
    custody: Custody,
    records: Iterable[MeasurementRecord],
    modalities: Mapping[str, Modality],
    samples: Sequence[str] = (),
) -> str:
    """Return a paragraph for each sample that was measured, its ancestors' before it.

    Parameters
    ----------
    custody : Custody
    records : iterable of MeasurementRecord
        Of which measurements; simulated and entered ones are said to be so.
    modalities : mapping
        Key to declaration, for titles and for what is asked.
    samples : sequence of str
        Further samples to tell of; all, where no measurement is chosen either.
    """
    chosen = list(records)
    wanted = list(dict.fromkeys([*samples, *(r.sample for r in chosen)]))
    named: list[str] = []
    steps: dict[str, Step] = {}
    for last in wanted or custody.samples:
        line = [*reversed(ancestors(custody.samples, last)), last]
        named += [sample for sample in line if sample not in named]
        # all that happened to it, and to its ancestors until it was cut
        end = Moment(last, _END, sequence=_LAST)
        for link in chain_of(end, custody.samples, custody.steps).links:
            if link.order != "after":
                steps.setdefault(link.step.id, link.step)
    paragraphs = []
    for name in named:
        happened = [step for step in steps.values() if step.sample == name]
        sentences = [*_origin(custody, name), *_steps(custody, name, happened)]
        own = [record for record in chosen if record.sample == name]
        sentences += _measurements(custody, own, modalities)
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs)


def _origin(custody: Custody, name: str) -> list[str]:
    sample = custody.samples.get(name, Sample(id=name))
    what = f"Sample {name}" + (f" ({sample.title})" if sample.title else "")
    if sample.parent is None:
        made = any(s.sample == name and s.type == "prepare" for s in custody.steps)
        return [f"{what}."] if made else [f"{what}: its preparation is {NOT}."]
    cut = cut_of(name, [s for s in custody.steps if s.sample == sample.parent])
    where = NOT if sample.cut is None else _region(sample)
    if cut is None:
        how = f"when and how it was cut is {NOT}"
        return [f"{what} was cut from {sample.parent}; the place of the cut is {where}, {how}."]
    detail = conditions_text(cut)
    by = {"lift_out": "by lift-out", "mill": "by milling"}.get(cut.type, f"by step {cut.type!r}")
    body = f"{what} was cut from {sample.parent} {by}{' ' if detail else ''}{detail}"
    return [_sentence(f"{body}; the place of the cut is {where}", _missing(cut))]


def _region(sample: Sample) -> str:
    cut = sample.cut
    assert cut is not None
    if cut.label:
        return cut.label
    corners = ", ".join(f"({', '.join(f'{x:g}' for x in row)})" for row in cut.coordinates)
    return f"{cut.shape} {corners} {cut.unit} in the frame {cut.frame!r}".replace("  ", " ")


def _steps(custody: Custody, name: str, own: Sequence[Step]) -> list[str]:
    registered = {
        step.id
        for record in custody.records.values()
        if record.sample == name
        for step in custody.measure_steps(record)
    }
    sentences = []
    for step in sorted(own, key=_when):
        if step.derives is not None or step.id in registered:
            continue  # told where the child, or the measurement, is told
        title = f" ({step.title})" if step.title else ""
        detail = conditions_text(_with_duration(step))
        if step.type == "measure":
            by = step.conditions.get("modality")
            head = f"It was examined{title}" + (f" by {str(by).upper()}" if by else "")
        elif step.type == "lift_out":
            head = f"It was lifted out{title}"
        else:
            head = f"It {_VERBS[step.type]}{title}"
        if step.type == "prepare" and step.constituents:
            head += f" from {list_of(_weighed(step))}"
        simulated = " (simulated: it never happened)" if step.origin == "simulated" else ""
        recorded = "".join(f"; {list_of(w)}{by}" for by, w in _seen(custody, step).items())
        body = f"{head}{' ' if detail else ''}{detail}{simulated}{recorded}"
        logged = {name for series in custody.series_of(step) for name in series.columns}
        sentences.append(_sentence(body, _missing(step, logged)))
    return sentences


def _with_duration(step: Step) -> Step:
    """Return a step with its duration by start and end, where that is asked of it."""
    start, end = instant(step.start), instant(step.end)
    if "duration" not in ASKED[step.type] or "duration" in step.conditions or not (start and end):
        return step
    lasted = Quantity(value=(end - start).total_seconds(), unit="s")
    return step.model_copy(update={"conditions": {**step.conditions, "duration": lasted}})


def _seen(custody: Custody, step: Step) -> dict[str, list[str]]:
    """Return what the sensors of a step saw while it lasted: log to conditions in words."""
    found: dict[str, list[str]] = {}
    for series in custody.series_of(step):
        data = custody.open_series(series)
        doubt = ", with gaps or doubtful readings" if series.problems else ""
        doubt += "" if covers(series, data, step) else ", for a part of the time"
        for column, unit in series.columns.items():
            span = extremes_of(series, data, column, step)
            if span is not None:
                words = found.setdefault(f" by its sensor log {series.file}{doubt}", [])
                words.append(span_text(column, *span, unit))
    return found


def _weighed(step: Step) -> list[str]:
    return [
        part.subject.label
        + ("" if part.mass_fraction is None else f" ({100.0 * part.mass_fraction:.3g} wt%)")
        for part in step.constituents
    ]


def _when(step: Step) -> tuple[int, float]:
    at = instant(step.start) or instant(step.end)
    if at is not None:
        return (0, at.timestamp())
    return (1, float(step.sequence or 0))


def _missing(step: Step, logged: Iterable[str] = ()) -> list[str]:
    """Return what the field asks of such a step and nobody said or recorded, in words."""
    said = {*step.conditions, *logged}
    if step.start is not None and step.end is not None:
        said.add("duration")
    asked = [ask.split(" or ") for ask in ASKED[step.type]]
    return [
        " or ".join(noun(name) for name in names)
        for names in asked
        if not said & set(names) and names != ["modality"]
    ]


def _sentence(body: str, missing: Sequence[str]) -> str:
    if not missing:
        return f"{body}."
    verb = "is" if len(missing) == 1 else "are"
    return f"{body}; {list_of(missing)} {verb} {NOT}."


def _measurements(
    custody: Custody,
    records: Sequence[MeasurementRecord],
    modalities: Mapping[str, Modality],
) -> list[str]:
    grouped: dict[tuple[str, str, str], list[MeasurementRecord]] = {}
    for record in records:
        declared = modalities.get(record.modality)
        title = declared.title if declared is not None else record.modality
        asks = declared.asks if declared is not None else ()
        text = _told(custody, record, asks)
        grouped.setdefault((title, record.origin, text), []).append(record)
    sentences = []
    for (title, origin, text), group in grouped.items():
        count = "1 measurement" if len(group) == 1 else f"{len(group)} measurements"
        subject = f"{title[:1].upper()}{title[1:]}: {count}"
        if origin != "measured":
            subject += " (simulated)" if origin == "simulated" else " entered from a publication"
        sentences.append(f"{subject}{'; ' if text else ''}{text}.")
    return sentences


def _told(custody: Custody, record: MeasurementRecord, asks: Sequence[str]) -> str:
    """Return energy, dose, rate, temperature and atmosphere as they belong into a sentence."""
    if record.origin != "measured":
        return ""
    asked = [name for name in asks if name in _FIELDS]
    (found,) = completeness_of(custody, [record], {record.modality: asked})
    states = {field.name: field for field in found.fields}
    parts = []
    missing = []
    for name in ("energy", "dose", "dose_rate", "temperature", "atmosphere"):
        if name not in states:
            continue
        state = states[name]
        if state.status == "missing":
            missing.append(_FIELDS[name])
        else:
            derived = " (derived)" if state.status == "derived" else ""
            said = quantity_text(custody, record, name, state)
            noun_of = "" if said.startswith("pressure ") else f"{_FIELDS[name]} "
            parts.append(f"{noun_of}{said}{derived}")
    before = ledger_of(custody).sum(record, "electron", own=False)
    if before.value:
        parts.append(f"{before.text} of like energy before it on the same region")
    elif before.value is None and before.at_least:
        parts.append(f"electrons before it on the same region: {before.text}")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        parts.append(f"{list_of(missing)} {verb} {NOT}")
    return "; ".join(parts)
