"""What the report says of custody: contradictions, doses, protocols, completeness, methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.view import Block, Cell, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience.custody.account.completeness import Completeness
    from consilience.custody.protocols.holding import Held
    from consilience.report import Section
    from consilience.rules import Checked
    from consilience.study.study import Study

__all__ = ["custody_sections"]

_ENTRIES = (
    "sample",
    "what",
    "particle",
    "energy",
    "fluence",
    "rate",
    "temperature",
    "source",
    "formula",
)
_SUMS = ("measured region", "sample", "region", "particle", "received", "inherited from", "why")
_RESULTS = {
    "kept": "✓ kept",
    "broken": "✗ broken",
    "unknown": "? unknown",
    "missing": "? not recorded",
    "left out": "left out, as it may be",
}


def custody_sections(
    study: Study, complete: list[Completeness], unfounded: Sequence[Checked] = ()
) -> list[Section]:
    """Return the sections, each only where there is something to say.

    Parameters
    ----------
    study : Study
    complete : list of Completeness
        Of its measurements.
    unfounded : sequence of Checked
        What rules say of measurements that no finding rests on.
    """
    from consilience.report import Section

    found: list[tuple[str, list[Block]]] = [
        ("What cannot be true together", _contradictions(study)),
        ("What rules say before anything is found", _unfounded(unfounded)),
        ("Dose", _dose(study)),
        ("Chains held against their plan", [b for h in _held(study) for b in _protocol(h)]),
        ("What the field asks to be reported", _completeness(complete)),
        ("Methods paragraph", _methods(study)),
    ]
    return [Section(title, blocks, "core", "custody") for title, blocks in found if blocks]


def _contradictions(study: Study) -> list[Block]:
    found = study.custody().contradictions
    if not found:
        return []
    rows = [(c.words, " against ".join(c.readings), c.fix) for c in found]
    return [Table(("what", "the two readings", "what to look at"), rows, "Contradictions")]


def _unfounded(checked: Sequence[Checked]) -> list[Block]:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for one in checked:
        for rule in one.rules:
            key = (f"{one.sample}, {one.modality}", rule.effect, rule.message, rule.clear,
                   f"{rule.rule}: {rule.citation}")  # fmt: skip
            grouped.setdefault(key, []).append(one.name)
    rows: list[tuple[Cell, ...]] = [
        (f"{', '.join(names)} ({key[0]})", *key[1:]) for key, names in grouped.items()
    ]
    if not rows:
        return []
    return [
        Table(
            ("measurement", "effect", "what", "what clears it", "rule"),
            rows,
            "Caveats on measurements that no finding rests on",
            "Rules that ask what a finding is about wait until there is one.",
        )
    ]


def _dose(study: Study) -> list[Block]:
    from consilience.custody.dose.listing import sum_rows, table_rows

    ledger = study.dose_ledger()
    if not ledger.entries:
        return []
    names = {r.id: r.file_name for r in study.measurement_records()}
    sums: list[list[Cell]] = [[names.get(row[0], row[0]), *row[1:]] for row in sum_rows(ledger)]
    blocks: list[Block] = [
        Table(_ENTRIES, table_rows(ledger.entries), "Every irradiation that is recorded"),
    ]
    if sums:
        blocks.append(
            Table(
                _SUMS,
                sums,
                "What each measured region received",
                "Only one particle at like energy is added up; what could not be placed is not "
                "inherited, and leaves the sum unknown.",
            )
        )
    return blocks


def _held(study: Study) -> list[Held]:
    return study.check() if study.protocols() else []


def _protocol(held: Held) -> list[Block]:
    rows: list[tuple[Cell, ...]] = [
        (
            step.title,
            _RESULTS[step.result],
            ", ".join(s.title or s.type.replace("_", " ") for s in step.steps) or "none",
            "; ".join(step.why),
        )
        for step in held.steps
    ]
    beside = ", ".join(s.title or s.type.replace("_", " ") for s in held.beside)
    return [
        Table(
            ("planned", "result", "recorded steps", "why"),
            rows,
            f"{held.sample} against {held.protocol.title or held.protocol.name}: {held.result}",
            f"Not spoken of by the protocol: {beside}." if beside else "",
        )
    ]


def _completeness(found: list[Completeness]) -> list[Block]:
    asked = [c for c in found if c.fields]
    if not asked:
        return []
    rows: list[tuple[Cell, ...]] = []
    for item in asked:
        said = {status: _fields(item, status) for status in ("given", "derived", "missing")}
        known = sum(f.status != "missing" for f in item.fields)
        reported = f"{item.percent:.0f} %, {known} of {len(item.fields)}"
        rows.append((item.file, f"{item.sample}, {item.modality}", reported, *said.values()))
    return [
        Table(
            ("measurement", "sample, technique", "reported", "given", "derived", "missing"),
            rows,
            "Given by the file or a person, derived from what they say, or missing",
        )
    ]


def _fields(item: Completeness, status: str) -> str:
    """Return the fields of one status: ``energy 300 keV; dose rate 50 e/Å²/s``."""
    found = [
        f"{f.name.replace('_', ' ')}"
        + ("" if not f.text else f" ({f.text})" if status == "missing" else f" {f.text}")
        for f in item.fields
        if f.status == status
    ]
    return "; ".join(found) or "none"


def _methods(study: Study) -> list[Block]:
    text = study.methods()
    return [Text(text)] if text.strip() else []
