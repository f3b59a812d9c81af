"""A table for a paper: quantities in rows, techniques in columns, verdicts beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from consilience.model.finding import Finding, Subject
from consilience.model.verdict import Verdict
from consilience.notation import measured, number, state, unit_text
from consilience.report.content import ReportContent
from consilience.report.figures import techniques_of
from consilience.report.markup import latex_number, latex_subject, latex_text, markdown_text
from consilience.report.rows import gravest_effects, worst_first
from consilience.report.text import one_line
from consilience.report.words import ANSWERS

__all__ = ["PaperTable", "paper_table", "to_latex", "to_markdown"]

_MARKS = {"simulated": "s", "entered": "e", "doubt": "d", "veto": "x"}
_EXPLAINED = {
    "s": "simulated",
    "e": "entered from a cited source",
    "d": "doubted by a rule",
    "x": "left out of the verdict by a rule",
}


@dataclass(frozen=True)
class Entry:
    """One value as ``1.23 ± 0.01 ± 0.02``, or words, with the marks of its footnotes."""

    text: str
    numeric: bool
    marks: tuple[str, ...] = ()
    apart: str = ""
    """Region, state or sample, where one technique says several things."""


@dataclass(frozen=True)
class PaperRow:
    """What several techniques say of one quantity."""

    subject: Subject | None
    quantity: str
    unit: str
    where: str
    cells: tuple[tuple[Entry, ...], ...]
    verdict: str


@dataclass(frozen=True)
class PaperTable:
    """The table before it has any markup."""

    title: str
    techniques: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    simulated: bool = False
    """Everything in it is: said once, not beside each value."""

    @property
    def notes(self) -> list[str]:
        """What a reader of the table must know."""
        said = (
            "values are given as value ± statistical ± systematic standard deviation; one that is "
            "not known is called unknown"
        )
        entries = [entry for row in self.rows for cell in row.cells for entry in cell]
        marks = {mark for entry in entries for mark in entry.marks}
        everything = ["all of it is simulated"] if self.simulated else []
        return [said, *everything, *(f"{m}: {_EXPLAINED[m]}" for m in _EXPLAINED if m in marks)]


def paper_table(
    content: ReportContent, kind: str | None = None, sample: str | None = None
) -> PaperTable:
    """Return what a study compared as a table, in the order of its samples and subjects.

    Parameters
    ----------
    content : ReportContent
        Only findings, verdicts, caveats, kinds and modalities are used.
    kind, sample : str, optional
        Only these.
    """
    techniques = techniques_of(content.findings, content.measurements)
    titles = {m.key: m.title for m in content.modalities}
    kinds = {k.name: k for k in content.kinds}
    presence = {k.name for k in content.kinds if k.about == "presence"}
    by_id = {f.id: f for f in content.findings}
    effects = gravest_effects([*content.caveats, *(c for v in content.verdicts for c in v.caveats)])
    groups: dict[tuple[str, ...], list[Finding]] = {}
    answers: dict[tuple[str, ...], Counter[str]] = {}
    subjects: dict[tuple[str, ...], Subject | None] = {}
    for verdict in worst_first(content.verdicts):
        for key, found in _quantities(verdict, by_id, presence).items():
            if kind not in (None, key[0]) or sample not in (None, *verdict.samples):
                continue
            group = groups.setdefault(key, [])
            group += [f for f in found if f not in group]
            subjects.setdefault(key, found[0].subject)
            answers.setdefault(key, Counter())[verdict.verdict] += 1
    used = sorted({techniques[f.id] for group in groups.values() for f in group})
    every = [f for group in groups.values() for f in group]
    simulated = bool(every) and all(f.origin == "simulated" for f in every)
    order = {s.id: i for i, s in enumerate(content.samples)}
    rows = []
    for key, group in sorted(groups.items(), key=lambda i: (order.get(i[0][3], 10**9), i[0])):
        name, _, unit, where, condition = key
        cells = []
        for technique in used:
            mine = [f for f in group if techniques[f.id] == technique]
            mine.sort(key=lambda f: (f.sample, state(f.state), f.id))
            cells.append(_cell(mine, presence, effects, simulated=simulated))
        rows.append(
            PaperRow(
                subjects[key],
                kinds[name].title if name in kinds else name.replace("_", " "),
                unit_text(unit),
                f"{where} ({condition})" if condition else where,
                tuple(cells),
                _verdict_words(answers[key]),
            )
        )
    named = tuple(titles.get(t, t) for t in used)
    return PaperTable(content.study, named, tuple(rows), simulated)


def _quantities(
    verdict: Verdict, by_id: Mapping[str, Finding], presence: set[str]
) -> dict[tuple[str, ...], list[Finding]]:
    """Return the findings of a verdict by kind, subject, unit, samples and common state."""
    found = [by_id[i] for i in verdict.findings if i in by_id]
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for f in found:
        unit = "" if f.kind in presence else f.unit or ""
        groups.setdefault((f.kind, f.subject.key if f.subject else "", unit), []).append(f)
    said: dict[tuple[str, ...], list[Finding]] = {}
    for key, group in groups.items():
        states = {state(f.state) for f in group}
        common = next(iter(states)) if len(states) == 1 else ""
        said[(*key, ", ".join(sorted({f.sample for f in group})), common)] = group
    return said


def _cell(
    findings: Sequence[Finding],
    presence: set[str],
    effects: Mapping[str, str],
    *,
    simulated: bool,
) -> tuple[Entry, ...]:
    """Return what one technique says; of several findings each with what tells it apart."""
    entries = []
    for f in findings:
        text, numeric = _said(f, presence)
        told = (f.origin, effects.get(f.id, ""))
        marks = tuple(_MARKS[m] for m in told if m in _MARKS and not (simulated and m == f.origin))
        apart = ""
        if len(findings) > 1:
            apart = f.region.label if f.region is not None and f.region.label else state(f.state)
            apart = apart or (f.sample if len({g.sample for g in findings}) > 1 else "")
        entries.append(Entry(text, numeric, marks, apart))
    return tuple(entries)


def _said(finding: Finding, presence: set[str]) -> tuple[str, bool]:
    """Return what a finding says, and whether it is a number."""
    if finding.status == "not_observable":
        return "not observable", False
    if finding.status == "absent_below_limit" and finding.limit is not None:
        unit = unit_text(finding.unit) if finding.kind in presence else ""
        return f"< {number(finding.limit, 2)} {unit}".rstrip(), False
    if finding.status == "present" or finding.value is None:
        return finding.status or ("not decided" if finding.kind in presence else "no number"), False
    text = measured(finding.value, None, finding.std_stat, finding.std_sys)
    return text.replace(" (stat)", "").replace(" (sys)", ""), True


def _verdict_words(answers: Counter[str]) -> str:
    several = sum(answers.values()) > 1
    return ", ".join(
        f"{answers[w.answer]} {w.word}" if several else w.word for w in ANSWERS if answers[w.answer]
    )


def to_markdown(table: PaperTable) -> str:
    """Return the table in Markdown (GitHub's and Pandoc's pipe tables)."""
    head = ["", "quantity", "sample", *table.techniques, "verdict"]
    lines = [_pipes(head), _pipes(["---"] * len(head), markup=str)]
    for row in table.rows:
        label = row.subject.label if row.subject else ""
        quantity = f"{row.quantity} ({row.unit})" if row.unit else row.quantity
        cells = ["; ".join(_marked(e) for e in cell) or "–" for cell in row.cells]
        lines.append(_pipes([label, quantity, row.where, *cells, row.verdict]))
    notes = "; ".join(table.notes)
    return "\n".join([*lines, "", f"*{markdown_text(f'{table.title}: {notes}')}.*", ""])


def _marked(entry: Entry) -> str:
    apart = f" ({entry.apart})" if entry.apart else ""
    return entry.text + (f" [{','.join(entry.marks)}]" if entry.marks else "") + apart


def _pipes(cells: Sequence[str], markup: Callable[[str], str] = markdown_text) -> str:
    return "| " + " | ".join(markup(cell) for cell in cells) + " |"


def to_latex(table: PaperTable) -> str:
    """Return the table in LaTeX: one ``table`` with a ``tabular``, needing the package booktabs."""
    columns = "lll" + "l" * len(table.techniques) + "l"
    head = ["", "quantity", "sample", *table.techniques, "verdict"]
    body = []
    for row in table.rows:
        unit = f" ({latex_text(row.unit)})" if row.unit else ""
        cells = ["; ".join(_latex_entry(e) for e in cell) or "--" for cell in row.cells]
        body.append(
            " & ".join(
                [
                    latex_subject(row.subject) if row.subject else "",
                    latex_text(row.quantity) + unit,
                    latex_text(row.where),
                    *cells,
                    latex_text(row.verdict),
                ]
            )
            + r" \\"
        )
    notes = "; ".join(table.notes)
    return "\n".join(
        [
            r"% needs \usepackage{booktabs}; made by consilience table",
            r"\begin{table}",
            rf"\caption{{{latex_text(f'{one_line(table.title)}: {notes}.')}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(latex_text(name) for name in head) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_entry(entry: Entry) -> str:
    text = latex_number(entry.text) if entry.numeric else latex_text(entry.text)
    marks = rf"\textsuperscript{{{','.join(entry.marks)}}}" if entry.marks else ""
    return text + marks + (f" ({latex_text(entry.apart)})" if entry.apart else "")
