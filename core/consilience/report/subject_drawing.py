"""Drawing a strip: labels, one axis for each quantity, and beside it the length scales probed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.notation import unit_text
from consilience.report.drawing import HEIGHTS, fit
from consilience.report.probed import SCALE

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from consilience.model.finding import Finding
    from consilience.report.subjects import Line, Panel

__all__ = ["SubjectDrawing"]

_WIDTH = 8.0
_LEFT, _MIDDLE, _RIGHT = 2.6, 5.85, 7.9
"""Inches: where the values begin, where they end, where the length scales end."""
_GAP = 0.2
_PITCH, _TITLE, _AXIS, _WORDS = 0.25, 0.3, 0.42, 0.1
"""Inches: a line, a heading, the axis under a panel of numbers, the space under one of words."""
_GREY, _INK, _PALE = "#555555", "#222222", "#9a9a9a"
_TICKS = {1e-9: "nm", 1e-6: "µm", 1e-3: "mm", 1.0: "m"}
_FEWEST = 6
"""Decades of that axis, so that two of these names are on it."""


@dataclass
class SubjectDrawing:
    """A strip as `consilience.view.Figure` draws it."""

    panels: Sequence[Panel]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        height = sum(self._height(panel) for panel in self.panels) + 0.35
        return _WIDTH, min(height, HEIGHTS[1])

    @staticmethod
    def _height(panel: Panel) -> float:
        foot = _WORDS if panel.unit is None else _AXIS
        return _TITLE + len(panel.lines) * _PITCH + foot

    def draw(self, figure: MatplotlibFigure) -> None:
        """Draw all panels from the top, and the length scales beside all of them."""
        figure.set_layout_engine("none")
        total = sum(self._height(panel) for panel in self.panels) + 0.35
        colours = self._colours()
        top = total
        places: list[tuple[float, Line]] = []
        for panel in self.panels:
            figure.text(
                0.06 / _WIDTH,
                (top - 0.17) / total,
                fit(panel.title, _LEFT - 0.2, 8.5, bold=True),
                fontsize=8.5,
                weight="bold",
                color=_INK,
                va="center",
            )
            rows = len(panel.lines)
            bottom = top - _TITLE - rows * _PITCH
            axes = figure.add_axes(
                (
                    _LEFT / _WIDTH,
                    bottom / total,
                    (_MIDDLE - _LEFT) / _WIDTH,
                    rows * _PITCH / total,
                )
            )
            axes.set_ylim(rows, 0)
            axes.set_yticks([])
            for i, line in enumerate(panel.lines):
                y = bottom + (rows - i - 0.5) * _PITCH
                places.append((y, line))
                _label(axes, i + 0.5, line)
                mark = {"veto": "✗", "doubt": "⚠"}.get(line.effect, "")
                at = ((_MIDDLE + _GAP / 2 + 0.03) / _WIDTH, y / total)
                figure.text(*at, mark, fontsize=8, color=_GREY, ha="center", va="center")
            if panel.unit is None:
                _words(axes, panel, colours)
            else:
                _numbers(axes, panel, colours)
            top -= self._height(panel)
        _scales(figure, places, total, colours)

    def _colours(self) -> dict[str, str]:
        from consilience.view import palette

        names = sorted({line.technique for panel in self.panels for line in panel.lines})
        return {name: palette()[i % len(palette())] for i, name in enumerate(names)}


def _label(axes: Any, y: float, line: Line) -> None:
    axes.annotate(
        fit(line.label, _LEFT - 0.2, 7.5),
        (0, y),
        xycoords=("axes fraction", "data"),
        xytext=(-8, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=7.5,
        color=_PALE if line.effect == "veto" else _INK,
        annotation_clip=False,
    )


def _words(axes: Any, panel: Panel, colours: dict[str, str]) -> None:
    """Write what each line says, its mark filled (present), open (absent) or hatched (unseen)."""
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for i, line in enumerate(panel.lines):
        y, status = i + 0.5, line.one.status
        colour = _PALE if line.effect == "veto" else colours[line.technique]
        if status == "not_observable":
            axes.barh(
                y,
                0.05,
                left=0.0,
                height=0.5,
                facecolor="white",
                edgecolor=_GREY,
                hatch="////",
                lw=0.6,
            )
        else:
            filled = {"present": colour, "absent_below_limit": "white"}.get(status or "", "#dddddd")
            axes.plot([0.025], [y], "o", ms=5.5, mec=colour, mfc=filled, mew=1.1)
        axes.annotate(
            fit(line.said, _MIDDLE - _LEFT - 0.3, 7.5),
            (0.075, y),
            va="center",
            fontsize=7.5,
            color=_PALE if line.effect == "veto" else _INK,
        )


def _numbers(axes: Any, panel: Panel, colours: dict[str, str]) -> None:
    """Draw values with both errors, limits as arrows, and many values of one line as dots."""
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit_text(panel.unit) or "no unit", labelpad=1.5, fontsize=8)
    for i, line in enumerate(panel.lines):
        colour = _PALE if line.effect == "veto" else colours[line.technique]
        numbers = [f for f in line.findings if f.value is not None]
        if len(numbers) > 1:
            values = [float(f.value or 0.0) for f in numbers]
            axes.plot(values, [i + 0.5] * len(values), "o", ms=2.6, alpha=0.5, color=colour, mew=0)
        elif numbers:
            _value(axes, i + 0.5, numbers[0], colour)
        elif line.one.limit is not None:
            _limit(axes, i + 0.5, line.one.limit, colour)
    axes.margins(x=0.1)
    axes.locator_params(axis="x", nbins=6)


def _value(axes: Any, y: float, finding: Finding, colour: str) -> None:
    value = float(finding.value or 0.0)
    total, stat = finding.std, finding.std_stat
    if finding.interval is not None:
        low = value if finding.interval.low is None else finding.interval.low
        high = value if finding.interval.high is None else finding.interval.high
        axes.plot([low, high], [y, y], color=colour, lw=0.9)
    elif total is not None:
        axes.plot([value - total, value + total], [y, y], color=colour, lw=0.9)
    if stat is not None:
        axes.plot([value - stat, value + stat], [y, y], color=colour, lw=2.8, solid_capstyle="butt")
    known = total is not None
    axes.plot([value], [y], "o", ms=4.6, mec=colour, mfc=colour if known else "white", mew=1.1)
    if total is None and stat is None and finding.std_sys is None and finding.interval is None:
        _beside(axes, value, y, "± unknown")


def _limit(axes: Any, y: float, limit: float, colour: str) -> None:
    axes.plot([limit], [y], "|", ms=9, color=colour, mew=1.4)
    axes.plot([limit], [y], alpha=0)  # the axis reaches to it
    axes.annotate(
        "",
        (0, y),
        xytext=(limit, y),
        arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.0, "shrinkA": 0, "shrinkB": 0},
    )
    axes.plot([0.0], [y], alpha=0)
    _beside(axes, limit, y, "absent below")


def _beside(axes: Any, x: float, y: float, text: str) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=6.8,
        color=_GREY,
    )


def _decades(lengths: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten that hold all lengths: so few that marks lie apart, six at least."""
    low, high = (round(math.log10(x)) for x in SCALE)
    if not lengths:
        return low, high
    first = max(low, math.floor(math.log10(min(lengths))))
    last = min(high, math.ceil(math.log10(max(lengths))))
    while last - first < _FEWEST and (first > low or last < high):
        last, first = (last + 1, first) if last < high else (last, first - 1)
        if last - first < _FEWEST and first > low:
            first -= 1
    return first, last


def _scales(
    figure: MatplotlibFigure,
    places: Sequence[tuple[float, Line]],
    total: float,
    colours: dict[str, str],
) -> None:
    """Draw what was probed beside each line, on one axis over the decades that it takes."""
    left = _MIDDLE + _GAP
    axes = figure.add_axes(
        (left / _WIDTH, 0.32 / total, (_RIGHT - left) / _WIDTH, (total - 0.32 - 0.3) / total)
    )
    low, high = _decades([x for _, line in places for x in line.probed.lengths])
    axes.set_xlim(low - 0.3, high + 0.3)
    axes.set_ylim(0.32, total - 0.3)
    axes.set_yticks([])
    shown = {round(math.log10(x)): name for x, name in _TICKS.items()}
    axes.set_xticks([x for x in shown if low <= x <= high],
                    [name for x, name in shown.items() if low <= x <= high])  # fmt: skip
    axes.set_xticks(range(low, high + 1), minor=True)
    axes.grid(axis="x", color="#e6e6e6", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    figure.text(
        left / _WIDTH, (total - 0.17) / total, "Probed", fontsize=8.5, weight="bold", color=_INK,
        va="center",
    )  # fmt: skip
    for y, line in places:
        colour = _PALE if line.effect == "veto" else colours[line.technique]
        found = line.probed
        if not found.lengths:
            axes.annotate(
                found.words, (low, y), va="center", fontsize=6.8, color=_GREY,
            )  # fmt: skip
            continue
        logs = [min(max(math.log10(x), low), high) for x in found.lengths]
        axes.plot([min(logs), max(logs)], [y, y], color=colour, lw=0.9)
        marks = (found.region, "|"), (found.depth, "v"), (found.lateral, "o"), (found.volume, "s")
        for length, marker in marks:
            if length is not None:
                at = min(max(math.log10(length), low), high)
                axes.plot([at], [y], marker, ms=4.2, mec=colour, mfc="white", mew=1.0)
