"""Text for Markdown and LaTeX, in which a sample's name is a name and never a command."""

from __future__ import annotations

import re

from consilience.model.finding import Subject
from consilience.report.text import one_line

__all__ = ["latex_number", "latex_subject", "latex_text", "markdown_text"]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$!^&])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a line it would be taken for an option
    "]": "{]}",
}
_MATHS = {
    "±": r"\pm",
    "×": r"\times",
    "−": "-",
    "·": r"\cdot",
    "°": r"^\circ",
    "∞": r"\infty",
    "≈": r"\approx",
    "≤": r"\leq",
    "≥": r"\geq",
    "→": r"\rightarrow",
    "√": r"\surd",
    **dict(
        zip(
            "αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ",
            [
                rf"\{name}"
                for name in "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi "
                "pi rho sigma tau phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi "
                "Omega".split()
            ],
            strict=True,
        )
    ),
    "µ": r"\mu",
}
_SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True))
_SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_RAISED = re.compile(f"[{''.join(_SUPER)}]+")
_LOWERED = re.compile(f"[{''.join(_SUB)}]+")
_FORMULA = re.compile(r"(?:[A-Z][a-z]?(?:\d+(?:\.\d+)?)?)+")


def markdown_text(text: str) -> str:
    """Return text for a cell of a Markdown table: one line, nothing of it markup."""
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def latex_text(text: str) -> str:
    """Return text for LaTeX: one line, nothing of it a command; symbols as mathematics."""
    pieces = "".join(_piece(part) for part in _parts(one_line(text)))
    return re.sub(r"-(?=-)", "-{}", pieces)  # two hyphens are no dash


def latex_number(text: str) -> str:
    """Return a number with its errors, as the report prints it, as mathematics."""
    words = [_in_maths(word) for word in one_line(text).split()]
    return f"${' '.join(words)}$"


def latex_subject(subject: Subject) -> str:
    """Return an element or phase; a formula with its indices lowered."""
    if subject.label != subject.formula or not _FORMULA.fullmatch(subject.label):
        return latex_text(subject.label)
    lowered = re.sub(r"(\d+(?:\.\d+)?)", r"_{\1}", subject.label)
    return rf"$\mathrm{{{lowered}}}$"


def _parts(text: str) -> list[str]:
    """Split into runs of raised digits, of lowered digits, and single characters."""
    return re.findall(f"{_RAISED.pattern}|{_LOWERED.pattern}|.", text, re.DOTALL)


def _piece(part: str) -> str:
    if part[0] in _SUPER:
        return rf"\textsuperscript{{{''.join(_SUPER[c] for c in part)}}}"
    if part[0] in _SUB:
        return rf"$_{{{''.join(_SUB[c] for c in part)}}}$"
    if part in ("–", "—"):
        return r"\textendash{}" if part == "–" else r"\textemdash{}"
    if part == "Å":
        return r"\AA{}"
    if part in _MATHS:
        return f"${_MATHS[part]}$"
    return _LATEX.get(part, part)


def _in_maths(word: str) -> str:
    found = []
    for part in re.findall(f"{_RAISED.pattern}|[A-Za-z]+|.", word):
        if part[0] in _SUPER:
            found.append(f"^{{{''.join(_SUPER[c] for c in part)}}}")
        elif part.isalpha() and part.isascii():
            found.append(rf"\ \mathrm{{{part}}}")
        else:
            found.append(_MATHS.get(part, part))
    return "".join(found)
