"""The picture of a chain: names above, one panel for each sensor below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from consilience.custody.chain import instant
from consilience.custody.traces import Trace
from consilience.model.sample import Step
from consilience.report.chain_columns import Column, Threshold, lasted
from consilience.report.drawing import fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["WIDTH", "Picture"]

WIDTH = 8.0
_LEFT, _RIGHT = 0.85, 0.1
_HEADER = 1.75  # inches for the names of the steps
_COLOURS = ("#0072B2", "#009E73", "#8A5A00", "#56307a", "#666666")
_RECORDED, _EXCURSION, _AIR = "#1a1a1a", "#b3261e", "#fbe3e0"
_HEIGHTS = {"temperature": 1.25, "pressure": 1.25}
_GAP = 0.12


@dataclass
class Picture:
    """One page of a chain; `lines` are the samples in it, which give the colours."""

    columns: Sequence[Column]
    panels: Sequence[tuple[str, str, bool]]
    lines: Sequence[str]
    thresholds: Sequence[Threshold]

    @property
    def height(self) -> float:
        """Inches."""
        return 0.35 + _HEADER + sum(_tall(name) + _GAP for name, _, _ in self.panels) + 0.1

    def draw(self, figure: MatplotlibFigure) -> None:
        """Draw names and panels."""
        figure.set_layout_engine("none")
        # a short chain keeps columns of a readable width
        share = (WIDTH - _LEFT - _RIGHT) / WIDTH * min(1.0, len(self.columns) / 9)
        height = self.height
        bottom = height - 0.05 - _HEADER - 0.3
        header = figure.add_axes((_LEFT / WIDTH, bottom / height, share, (_HEADER + 0.3) / height))
        self._header(header)
        for name, label, logarithmic in self.panels:
            bottom -= _tall(name) + _GAP
            axes = figure.add_axes(
                (_LEFT / WIDTH, bottom / height, share, _tall(name) / height), sharex=header
            )
            self._panel(axes, name, label, logarithmic)

    def _header(self, axes: Any) -> None:
        axes.set_xlim(0, len(self.columns))
        axes.set_ylim(0, _HEADER + 0.3)
        axes.axis("off")
        for i, column in enumerate(self.columns):
            colour = _COLOURS[self.lines.index(column.step.sample) % len(_COLOURS)]
            axes.fill_between([i + 0.04, i + 0.96], 0.02, 0.3, color=colour, lw=0)
            if column.in_air:
                axes.fill_between([i + 0.04, i + 0.96], 0.3, _HEADER, color=_AIR, lw=0, zorder=0)
                axes.fill_between([i + 0.04, i + 0.96], 0.3, 0.345, color=_EXCURSION, lw=0)
            mark = "?" if column.link.order == "unknown" else ""
            axes.text(
                i + 0.5, 0.16, f"{column.number}{mark}", ha="center", va="center", color="white",
                fontsize=7.5, fontweight="bold",
            )  # fmt: skip
            name = column.step.type.replace("_", " ")
            text = fit(name, _HEADER - 0.08, 7.5, bold=True)
            axes.text(i + 0.34, 0.38, text, rotation=90, ha="center", va="bottom", fontsize=7.5,
                      fontweight="bold",
                      color=_EXCURSION if column.in_air else "black")  # fmt: skip
            detail = ", ".join(t for t in (lasted(column.step), column.step.title) if t)
            axes.text(i + 0.7, 0.38, fit(detail, _HEADER - 0.3, 6.8), rotation=90, ha="center",
                      va="bottom", fontsize=6.8, color="#444444")  # fmt: skip
        for i in range(1, len(self.columns)):
            if self.columns[i].step.sample != self.columns[i - 1].step.sample:
                axes.axvline(i, color="#444444", lw=0.9, ls=(0, (4, 2)))
        for sample in self.lines:
            places = [i for i, c in enumerate(self.columns) if c.step.sample == sample]
            if places:
                colour = _COLOURS[self.lines.index(sample) % len(_COLOURS)]
                room = (places[-1] + 1 - places[0]) * (WIDTH - _LEFT - _RIGHT)
                room /= max(len(self.columns), 9)
                axes.text(places[0] + 0.06, _HEADER + 0.3, fit(sample, room - 0.1, 8, bold=True),
                          ha="left", va="top", fontsize=8, fontweight="bold",
                          color=colour)  # fmt: skip

    def _panel(self, axes: Any, column: str, label: str, logarithmic: bool) -> None:
        from matplotlib.ticker import LogLocator, NullFormatter

        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(numticks=4))
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel(label, fontsize=7.5)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        axes.spines["bottom"].set_color("#bbbbbb")
        limits = [t for t in self.thresholds if t.column == column]
        low, high = self._range(column, limits, logarithmic)
        axes.set_ylim(low, high)
        named: set[float] = set()
        for i, step in enumerate(self.columns):
            if i:
                axes.axvline(i, color="#e3e3e3", lw=0.6)
            mine = [t for t in limits if step.concerns(t)]
            for threshold in mine:
                axes.plot([i, i + 1], [threshold.value] * 2, ":", color=_EXCURSION, lw=0.9)
                if threshold.value not in named:
                    named.add(threshold.value)
                    rules = {
                        t.rule
                        for t in limits
                        if t.value == threshold.value and any(c.concerns(t) for c in self.columns)
                    }
                    self._name(axes, i, threshold.value, ", ".join(sorted(rules)))
            beyond = min((t.value for t in mine), default=None)
            if step.traces.get(column):
                for trace in step.traces[column]:
                    self._trace(axes, i, step, trace, beyond)
            elif (said := step.stated(column)) is not None and (said.value > 0 or not logarithmic):
                red = beyond is not None and said.beyond(beyond)
                colour = _EXCURSION if red else "#333333"
                axes.plot([i + 0.04, i + 0.96], [said.value] * 2, "--", color=colour, lw=1.2)
                if said.relation:
                    axes.annotate(
                        {"<": "at most", ">": "at least"}[said.relation], (i + 0.5, said.value),
                        xytext=(0, 2), textcoords="offset points", ha="center", fontsize=6,
                        color=colour,
                    )  # fmt: skip
            else:
                _hatched(axes, i, i + 1)

    def _name(self, axes: Any, i: int, limit: float, rules: str) -> None:
        """Name the rules at their limit, where it first holds, so that it fits."""
        last = i > len(self.columns) * 0.6
        axes.annotate(
            rules, (len(self.columns) if last else i, limit),
            xytext=(-2 if last else 2, 1.5), textcoords="offset points",
            ha="right" if last else "left", va="bottom", fontsize=5.5, color=_EXCURSION, zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
        )  # fmt: skip

    def _range(
        self, column: str, limits: Sequence[Threshold], logarithmic: bool
    ) -> tuple[float, float]:
        values = [t.value for t in limits if any(c.concerns(t) for c in self.columns)]
        for step in self.columns:
            stated = step.stated(column)
            values += [] if stated is None else [stated.value]
            for trace in step.traces.get(column, ()):
                values += [v for v in (*trace.low, *trace.high) if v is not None]
        if logarithmic:
            values = [v for v in values if v > 0]
            return (min(values) / 4, max(values) * 4) if values else (0.1, 10.0)
        low, high = min(values), max(values)
        pad = max(0.08 * (high - low), 10.0)
        return max(0.0, low - pad), high + pad

    def _trace(self, axes: Any, i: int, step: Column, trace: Trace, beyond: float | None) -> None:
        import numpy as np

        begin, end = _span(step.step, trace)
        if begin is None or end is None or end <= begin:
            _hatched(axes, i, i + 1)
            return
        first = instant(trace.start)
        offset = 0.0 if first is None else (first - begin).total_seconds()
        length = (end - begin).total_seconds()
        edges = offset + trace.slice_seconds * np.arange(len(trace.low) + 1)
        where = i + np.clip(edges / length, 0.0, 1.0)
        low = np.array([np.nan if v is None else v for v in trace.low], dtype=float)
        high = np.array([np.nan if v is None else v for v in trace.high], dtype=float)
        known = np.isfinite(low) & (edges[1:] > 0) & (edges[:-1] < length)
        # an empty slice is a gap only where the log should have had a reading in it
        bridge = max(trace.gap_seconds or 0.0, trace.slice_seconds)
        seen = np.flatnonzero(known)
        if not seen.size:
            _hatched(axes, i, i + 1)
            return
        runs = np.split(seen, np.flatnonzero(np.diff(edges[seen]) > bridge * 1.5) + 1)
        covered = []
        for run in runs:
            left, right = where[run[0]], max(where[run[-1] + 1], where[run[0]] + 0.004)
            covered.append((left, right))
            x = (where[run] + where[run + 1]) / 2
            axes.fill_between(x, low[run], high[run], color="#9a9a9a", lw=0)
            axes.plot(x, high[run], color=_RECORDED, lw=0.9)
            if beyond is not None:
                over = np.where(high[run] > beyond, high[run], np.nan)
                axes.plot(x, over, color=_EXCURSION, lw=1.8)
        edge = float(i)
        for left, right in [*covered, (i + 1.0, i + 1.0)]:
            if left - edge > 0.02:
                _hatched(axes, edge, left)
            edge = max(edge, right)


def _tall(panel: str) -> float:
    return _HEIGHTS.get(panel, 0.7)


def _span(step: Step, trace: Trace) -> tuple[datetime | None, datetime | None]:
    """The step's own start and end, else those of what was recorded on it."""
    begin, end = instant(step.start), instant(step.end)
    first = instant(trace.start)
    if begin is None:
        begin = first
    if end is None and first is not None:
        end = first + timedelta(seconds=trace.slice_seconds * len(trace.low))
    if begin is None and end is None:
        return None, None
    return begin, end


def _hatched(axes: Any, left: float, right: float) -> None:
    axes.axvspan(left, right, facecolor="#f2efe6", hatch="////", edgecolor="#cfc6ae", lw=0)
