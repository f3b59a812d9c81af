"""A table for a paper: numbers with both errors, and names that are names in any markup."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

from consilience.report.markup import latex_number, latex_subject, latex_text, markdown_text
from consilience.report.paper import paper_table, to_latex, to_markdown


@pytest.fixture
def content(report_samples: ModuleType) -> Any:
    lif = report_samples.LIF
    make = report_samples.finding
    xrd, edx = (report_samples.record(f"{m}.dat", m, "powder_A") for m in ("xrd", "edx"))
    one = make(
        "lattice_parameter",
        lif,
        "powder_A",
        [xrd],
        value=4.02612,
        unit="angstrom",
        std_stat=0.0004,
        std_sys=0.0011,
    )
    other = make(
        "lattice_parameter",
        lif,
        "powder_A",
        [edx],
        value=4.03,
        unit="angstrom",
        std_stat=0.01,
        origin="measured",
    )
    blind = make("element", report_samples.Subject(element="Li"), "powder_A", [edx],
                 status="not_observable", reason="no X-rays")  # fmt: skip
    below = make("element", report_samples.Subject(element="Li"), "powder_A", [xrd],
                 status="absent_below_limit", limit=0.0123, unit="1")  # fmt: skip
    doubt = report_samples.Caveat(
        finding=one.id, rule="r", effect="doubt", message="m", citation="c"
    )
    return report_samples.ReportContent(
        study="100 % & more_of {it}",
        measurements=[xrd, edx],
        findings=[one, other, blind, below],
        verdicts=[
            report_samples.verdict("lattice_parameter", lif, [one, other], "undecided", "r"),
            report_samples.verdict("element", blind.subject, [blind, below], "not_comparable", "r"),
        ],
        caveats=[doubt],
        kinds=report_samples.CORE_KINDS,
    )


def cells(line: str, split: str) -> list[str]:
    return [c.strip() for c in re.split(split, line)]


def test_markdown_has_techniques_in_columns_and_verdicts_beside(content: Any) -> None:
    lines = to_markdown(paper_table(content)).splitlines()
    rows = [cells(line, r"(?<!\\)\|")[1:-1] for line in lines if line.startswith("|")]
    assert rows[0] == ["", "quantity", "sample", "edx", "xrd", "verdict"]
    assert len({len(row) for row in rows}) == 1
    (lattice,) = [row for row in rows if "lattice" in row[1].lower()]
    assert lattice[0] == "LiF"
    assert lattice[1].endswith("(Å)")
    assert lattice[2] == r"powder\_A"
    assert lattice[3] == "4.030 ± 0.010 ± unknown"
    assert lattice[4] == r"4.02612 ± 0.00040 ± 0.00110 \[s,d\]"
    assert lattice[5] == "undecided"
    (element,) = [row for row in rows if row[0] == "Li"]
    assert (element[3], element[5]) == (r"not observable \[s\]", "not comparable")
    assert element[4].startswith(r"\< 0.012")
    assert "d: doubted by a rule" in lines[-1]
    assert "systematic standard deviation" in lines[-1]


def test_latex_is_balanced_and_escaped(content: Any) -> None:
    text = to_latex(paper_table(content))
    check_latex(text, columns=6)
    assert r"100 \% \& more\_of \{it\}" in text
    assert r"$\mathrm{LiF}$" in text
    assert r"\pm" in text
    assert r"powder\_A" in text
    assert r"(\AA{})" in text
    assert r"\textsuperscript{s,d}" in text


def check_latex(text: str, columns: int) -> None:
    """Check what a run of LaTeX would: environments, braces, mathematics, columns, characters."""
    opened = re.findall(r"\\(begin|end)\{(\w+)\}", text)
    assert opened == [
        ("begin", "table"),
        ("begin", "tabular"),
        ("end", "tabular"),
        ("end", "table"),
    ]
    bare = re.sub(r"\\[\\{}$&#%_]", "", "\n".join(text.splitlines()[1:]))
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[#%~]", bare)
    outside = re.sub(r"\$[^$]*\$", "", bare)
    assert not re.search(r"[_^<>|\"]", outside)
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert rows
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == columns - 1, row
        assert not row.startswith("[")


def test_hostile_names_stay_names(report_samples: ModuleType) -> None:
    for payload in report_samples.PAYLOADS:
        label = "".join(c for c in payload if c.isprintable())[:150].strip("/ \\") or "x"
        sample = re.sub(r"[/\\\x00-\x1f\x7f]", "", label).strip() or "x"
        found = [
            report_samples.finding(
                "size", report_samples.Subject(label=label), sample, [], value=v, unit="nm"
            )
            for v in (1.0, 2.0)
        ]
        judged = report_samples.verdict("size", found[0].subject, found, "agree", "r")
        table = paper_table(
            report_samples.ReportContent(study=label, findings=found, verdicts=[judged])
        )
        assert len(table.rows) == 1
        check_latex(to_latex(table), columns=5)
        row = to_markdown(table).splitlines()[2]
        assert len(cells(row, r"(?<!\\)\|")) == 7
        assert not re.search(r"(?<!\\)[<`\[]", row)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & c", r"a\_b \& c"),
        ("x²⁻ of Li₂O", r"x\textsuperscript{2-} of Li$_{2}$O"),
        ("--help", r"-{}-help"),
        ("10 µm ± 5 %", r"10 $\mu$m $\pm$ 5 \%"),
        ("[1]", "{[}1{]}"),
    ],
)
def test_latex_text(text: str, latex: str) -> None:
    assert latex_text(text) == latex


def test_a_line_break_in_a_name_breaks_no_row() -> None:
    assert "\n" not in latex_text("two\nlines")
    assert "\n" not in markdown_text("two\nlines")


def test_what_is_all_simulated_is_said_once(report_samples: ModuleType) -> None:
    found = [
        report_samples.finding("size", None, "chip", [], value=v, unit="nm") for v in (1.0, 2.0)
    ]
    judged = report_samples.verdict("size", None, found, "agree", "r")
    content = report_samples.ReportContent(study="s", findings=found, verdicts=[judged])
    table = paper_table(content)
    assert "all of it is simulated" in table.notes
    assert not any(e.marks for row in table.rows for cell in row.cells for e in cell)


def test_numbers_and_formulas(report_samples: ModuleType) -> None:
    assert latex_number("(1.2 ± 0.3) × 10⁻⁴") == r"$(1.2 \pm 0.3) \times 10^{-4}$"
    assert latex_number("−3.9231 ± 0.0012") == r"$-3.9231 \pm 0.0012$"
    assert "$" not in latex_number("12, uncertainty unknown")[1:-1]
    subject = report_samples.Subject
    assert latex_subject(subject(formula="Li2CO3")) == r"$\mathrm{Li_{2}CO_{3}}$"
    assert latex_subject(subject(formula="LiF", label="LiF_(rock salt)")) == r"LiF\_(rock salt)"
    assert markdown_text("a|b*c_[d](e)") == r"a\|b\*c\_\[d\](e)"
