"""Verdict strips: what several measurements say about one quantity, lined up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.model.finding import Finding
from consilience.model.verdict import Margin, Verdict
from consilience.notation import number, state, unit_text
from consilience.report.drawing import fit
from consilience.view import Figure, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["strip_figures"]

_WIDTH = 8.0
_LABELS = 3.1
_PITCH = 0.27
_ROWS = 30

_Key = tuple[str, str, str, str]
"""Kind, subject, unit, samples."""


def strip_figures(
    findings: Sequence[Finding],
    verdicts: Sequence[Verdict],
    titles: Mapping[str, str],
    modality_of: Mapping[str, str],
    most: int = 40,
) -> list[Figure]:
    """Return a strip for each kind and subject with two or more numbers that were compared.

    Parameters
    ----------
    findings : sequence of Finding
    verdicts : sequence of Verdict
        Only quantities that were compared get a strip; the order follows the verdicts.
    titles : mapping
        Kind to what a reader calls it.
    modality_of : mapping
        Finding ID to the technique.
    most : int
        So many strips at most.
    """
    by_id = {f.id: f for f in findings}
    groups: dict[_Key, list[Finding]] = {}
    margins: dict[_Key, Margin] = {}
    for verdict in verdicts:
        for key, numbers in _held_together(verdict, by_id).items():
            group = groups.setdefault(key, [])
            group += [one for one in numbers if one not in group]
            if verdict.margin is not None:
                margins.setdefault(key, verdict.margin)
    figures: list[Figure] = []
    for key, group in groups.items():
        if len(group) < 2:
            continue
        if len(figures) == most:
            break
        figures.append(_strip(key, group, margins.get(key), titles, modality_of))
    return figures


def _held_together(verdict: Verdict, by_id: Mapping[str, Finding]) -> dict[_Key, list[Finding]]:
    """Return the numbers of one quantity that this verdict holds against each other.

    A composition against a phase names many numbers and holds no two of them together.
    """
    found: dict[_Key, list[Finding]] = {}
    for one in (by_id[i] for i in verdict.findings if i in by_id):
        if one.value is not None and one.unit is not None:
            subject = one.subject.key if one.subject else ""
            key = (one.kind, subject, one.unit, ", ".join(sorted(verdict.samples)))
            found.setdefault(key, []).append(one)
    return {key: numbers for key, numbers in found.items() if len(numbers) > 1}


def _strip(
    key: _Key,
    group: Sequence[Finding],
    margin: Margin | None,
    titles: Mapping[str, str],
    modality_of: Mapping[str, str],
) -> Figure:
    kind, _, unit, _ = key
    subject = group[0].subject.label if group[0].subject else ""
    title = f"{titles.get(kind, kind.replace('_', ' '))}{f', {subject}' if subject else ''}"
    title = title[:1].upper() + title[1:]
    shown = sorted(group, key=lambda f: (f.sample, modality_of.get(f.id, ""), f.value or 0.0, f.id))
    labels = [
        " · ".join(
            p for p in (modality_of.get(f.id, f.source.plugin), f.sample, state(f.state)) if p
        )
        for f in shown
    ]
    drawing = _Strip(shown[:_ROWS], labels[:_ROWS], margin, unit)
    caption = "Thick: statistical standard deviation; thin: statistical and systematic together."
    if any(f.std is None for f in shown):
        caption += " An open mark has a deviation that is not known, in whole or in part."
    width = drawing.band
    if width is not None:
        caption += (
            f" Grey: the margin of {number(width, 3)} {unit_text(unit)}".rstrip()
            + ", drawn around the mean; two values closer than that count as equivalent."
        )
    if len(shown) > _ROWS:
        caption += f" The first {_ROWS} of {len(shown)} values are drawn; the table has all."
    simulated = sum(f.origin == "simulated" for f in shown)
    if simulated:
        caption += f" {simulated} of {len(shown)} values are simulated."
    return Figure(
        title=title,
        caption=caption,
        alt=f"{title}: {len(shown)} values with error bars on one axis.",
        draw=drawing.draw,
        table=Table(
            headings=(
                "technique, sample, state",
                f"value ({unit_text(unit) or 'no unit'})",
                "std, statistical",
                "std, systematic",
                "origin",
                "finding",
            ),
            rows=[
                (label, f.value, f.std_stat, f.std_sys, f.origin, f.id)
                for label, f in zip(labels, shown, strict=True)
            ],
        ),
        size=(_WIDTH, drawing.height),
    )


@dataclass
class _Strip:
    findings: Sequence[Finding]
    labels: Sequence[str]
    margin: Margin | None
    unit: str

    @property
    def height(self) -> float:
        return len(self.findings) * _PITCH + 0.62

    @property
    def mean(self) -> float:
        return math.fsum(f.value or 0.0 for f in self.findings) / len(self.findings)

    @property
    def band(self) -> float | None:
        """Width of the margin in the unit of the values; None if it has another unit."""
        if self.margin is None:
            return None
        if self.margin.relative:
            return self.margin.value * abs(self.mean)
        return self.margin.value if self.margin.unit == self.unit else None

    def draw(self, figure: MatplotlibFigure) -> None:
        from consilience.view import palette

        figure.set_layout_engine("none")
        left, bottom = _LABELS / _WIDTH, 0.5 / self.height
        axes = figure.add_axes((left, bottom, 0.98 - left, 0.97 - bottom))
        blue, grey = palette()[0], "#555555"
        axes.set_ylim(len(self.findings), 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit_text(self.unit) or "no unit")
        band = self.band
        if band:
            axes.axvspan(
                self.mean - band / 2, self.mean + band / 2, color="#e3e7eb", lw=0, zorder=0
            )
        axes.grid(axis="x", color="#e6e6e6", lw=0.6)
        axes.set_axisbelow(True)
        for i, (finding, label) in enumerate(zip(self.findings, self.labels, strict=True)):
            y, value = i + 0.5, finding.value or 0.0
            if finding.std is not None:
                axes.plot([value - finding.std, value + finding.std], [y, y], color=blue, lw=0.9)
            if finding.std_stat is not None:
                low, high = value - finding.std_stat, value + finding.std_stat
                axes.plot([low, high], [y, y], color=blue, lw=2.8, solid_capstyle="butt")
            known = finding.std is not None
            axes.plot([value], [y], "o", ms=5, mec=blue, mfc=blue if known else "white", mew=1.1)
            if finding.std_stat is None and finding.std_sys is None:
                axes.annotate(
                    "± unknown",
                    (value, y),
                    xytext=(7, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color=grey,
                )
            axes.annotate(
                fit(label, _LABELS - 0.2, 7.5),
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(-8, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=7.5,
                color="#222222",
            )
        axes.margins(x=0.12)
