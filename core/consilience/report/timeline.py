"""What happened to the samples, when: one row for each step, dated ones on an axis of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Step
from consilience.notation import cell, time_text
from consilience.report.drawing import fit
from consilience.view import Block, Figure, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["Moment", "moment", "timeline_blocks", "written"]

_WIDTH = 8.0
_LABELS = 2.75  # inches for the labels beside the axis
_PITCH = 0.235
_ROWS = 34


@dataclass(frozen=True)
class Moment:
    """A point in time; `zone` is False where the text named no time zone (drawn as UTC)."""

    when: datetime
    zone: bool


def moment(text: str | None) -> Moment | None:
    """Return an ISO 8601 text as a moment in UTC; None if it is none between 1900 and 2200."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
        if not 1900 <= when.year <= 2200:
            return None
        if when.tzinfo is None:
            return Moment(when.replace(tzinfo=UTC), zone=False)
        return Moment(when.astimezone(UTC), zone=True)
    except (ValueError, OverflowError):
        return None


def written(text: str | None) -> str | None:
    """Return an ISO 8601 text as a reader sees it; what it leaves out is said.

    A time is shown with the offset it was recorded with; its hyphens break no line.
    """
    if text is None:
        return None
    read = moment(text)
    if read is None:
        return f"{text} (no date between 1900 and 2200)"
    date, time, offset = re.fullmatch(  # type: ignore[union-attr]
        r"(.{4}-?..-?..|.*?)(?:[T ]([\d:.,]*)(.*))?", text, re.DOTALL
    ).groups()
    shown = " ".join(part for part in (date.replace("-", "\u2011"), time, offset) if part)
    shown = shown.replace(" -", " −").replace(" Z", " UTC")
    return shown if read.zone else f"{shown} (time zone unknown)"


@dataclass(frozen=True)
class _Row:
    step: Step
    number: int
    start: Moment | None
    end: Moment | None

    @property
    def label(self) -> str:
        what = self.step.type.replace("_", " ") + (
            f": {self.step.title}" if self.step.title else ""
        )
        return f"{self.number}  {self.step.sample} · {what}"


def _ordered(steps: Sequence[Step]) -> list[_Row]:
    """Dated steps by time, then undated ones in the order in which they were entered."""
    read = [(moment(s.start), moment(s.end), i, s) for i, s in enumerate(steps)]
    dated = [r for r in read if r[0] is not None or r[1] is not None]
    dated.sort(key=lambda r: ((r[0] or r[1]).when, r[2]))  # type: ignore[union-attr]
    undated = [r for r in read if r[0] is None and r[1] is None]
    return [_Row(s, n, a, b) for n, (a, b, _, s) in enumerate([*dated, *undated], start=1)]


def timeline_blocks(
    steps: Sequence[Step], measurements: Sequence[MeasurementRecord] = ()
) -> list[Block]:
    """Return the steps as figures, each at most a page high; the last carries the whole table.

    Where nothing has a date the table stands alone.

    Parameters
    ----------
    steps : sequence of Step
        In the order in which they were entered, which is what undated ones are shown in.
    measurements : sequence of MeasurementRecord
        Their starts are marked in a lane of their own.
    """
    rows = _ordered(steps)
    if not rows:
        return []
    starts = [m for m in (moment(r.start) for r in measurements) if m is not None]
    if not starts and all(r.start is None and r.end is None for r in rows):
        return [_table(rows)]  # an axis of time with nothing on it says nothing
    pages = [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]
    moments = [m.when for r in rows for m in (r.start, r.end) if m is not None]
    moments += [m.when for m in starts]
    undated = sum(r.start is None and r.end is None for r in rows)
    caption = (
        "Bars run from start to end; an open dot is a step of which only one of the two is "
        "recorded. Times in UTC."
    )
    if undated:
        caption += (
            f" {undated} of {len(rows)} steps have no date: they stand below, in the order in "
            "which they were entered, and their place among the dated ones is unknown."
        )
    if any(not m.zone for r in rows for m in (r.start, r.end) if m is not None):
        caption += " Where no time zone was recorded the time is drawn as if it were UTC."
    figures: list[Block] = []
    for i, page in enumerate(pages):
        part = f" ({i + 1} of {len(pages)})" if len(pages) > 1 else ""
        lane = starts if i == len(pages) - 1 else []
        drawing = _Page(page, moments, lane)
        figures.append(
            Figure(
                title=f"Steps in time{part}",
                caption=caption,
                alt=f"{len(page)} steps on an axis of time; the table below says the same.",
                draw=drawing.draw,
                table=_table(rows) if i == len(pages) - 1 else Table((), ()),
                size=(_WIDTH, drawing.height),
            )
        )
    return figures


@dataclass
class _Page:
    rows: Sequence[_Row]
    moments: Sequence[datetime]
    lane: Sequence[Moment]

    @property
    def height(self) -> float:
        return (len(self.rows) + bool(self.lane)) * _PITCH + (0.5 if self.moments else 0.1)

    def draw(self, figure: MatplotlibFigure) -> None:
        figure.set_layout_engine("none")
        bottom = (0.42 if self.moments else 0.05) / self.height
        left = _LABELS / _WIDTH
        axes = figure.add_axes((left, bottom, 0.985 - left, 0.99 - bottom))
        count = len(self.rows) + bool(self.lane)
        axes.set_ylim(count, 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        if self.moments:
            low, high = min(self.moments), max(self.moments)
            pad = max((high - low) * 0.03, timedelta(minutes=1))
            axes.set_xlim(_days(low, -pad), _days(high, pad))
            locator = _dates().AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
            axes.xaxis.set_major_locator(locator)
            # numbers only: names of months would depend on the machine's language
            axes.xaxis.set_major_formatter(
                _dates().ConciseDateFormatter(
                    locator,
                    tz=UTC,
                    formats=["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%S.%f"],
                    zero_formats=["", "%Y", "%Y-%m-%d", "%m-%d", "%H:%M", "%H:%M"],
                    offset_formats=["", "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"],
                )
            )
            axes.grid(axis="x", color="#dddddd", lw=0.6)
            axes.set_axisbelow(True)
        else:
            axes.set_xlim(0, 1)
            axes.xaxis.set_visible(False)
            axes.spines["bottom"].set_visible(False)
        for i, row in enumerate(self.rows):
            self._row(axes, i, row)
        if self.lane:
            y = len(self.rows) + 0.5
            times = [_days(m.when) for m in self.lane]
            axes.plot(times, [y] * len(times), "|", color="#000000", ms=8, mew=0.9)
            self._label(axes, y, "starts of measurements", "#333333")

    def _row(self, axes: Any, i: int, row: _Row) -> None:
        y = i + 0.5
        if i % 2:
            axes.axhspan(i, i + 1, color="#f4f6f8", lw=0, zorder=0)
        self._label(axes, y, row.label, "#222222")
        if row.start is None and row.end is None:
            where = axes.get_xlim()[0]
            axes.plot([where], [y], "D", mfc="white", mec="#8a5a00", ms=4.5, clip_on=False)
            axes.annotate(
                "no date recorded",
                (where, y),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                style="italic",
                color="#8a5a00",
            )
            return
        first = _days((row.start or row.end).when)  # type: ignore[union-attr]
        if row.start is not None and row.end is not None:
            axes.plot(
                [first, _days(row.end.when)],
                [y, y],
                color="#0072B2",
                lw=4.5,
                solid_capstyle="butt",
            )
        known = row.start is not None and row.end is not None
        axes.plot([first], [y], "o", mec="#0072B2", mfc="#0072B2" if known else "white", ms=4.2)

    @staticmethod
    def _label(axes: Any, y: float, text: str, colour: str) -> None:
        axes.annotate(
            fit(text, _LABELS - 0.2, 7.5),
            (0, y),
            xycoords=("axes fraction", "data"),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7.5,
            color=colour,
            annotation_clip=False,
        )


def _dates() -> Any:
    """Return matplotlib.dates, which has no types."""
    from matplotlib import dates

    return dates


def _days(when: datetime, pad: timedelta = timedelta(0)) -> float:
    """Days as matplotlib counts them, padded without leaving the calendar."""
    return float(_dates().date2num(when)) + pad / timedelta(days=1)


def _table(rows: Sequence[_Row]) -> Table:
    from consilience.custody.account.phrases import condition_text, noun

    def lasted(row: _Row) -> str | None:
        if row.start is None or row.end is None:
            return None
        seconds = (row.end.when - row.start.when).total_seconds()
        if seconds < 0:
            return "ends before it starts"
        return time_text(seconds, 3)

    def said(step: Step) -> str:
        parts = [
            f"{noun(key)}: {condition_text(key, value, step.type)}"
            for key, value in sorted(step.conditions.items())
        ]
        for c in step.constituents:
            share = {
                "value": c.mass_fraction,
                "unit": "1",
                "std_stat": c.std_stat,
                "std_sys": c.std_sys,
            }
            parts.append(f"{c.subject.label}: mass fraction {cell(share)}")
        if step.constituents:
            parts.append(
                "nothing else was weighed in" if step.complete else "possibly not complete"
            )
        if step.note:
            parts.append(step.note)
        if step.origin != "entered":
            parts.insert(0, step.origin)
        if step.citation:
            parts.append(f"source: {step.citation}")
        return "; ".join(parts) or "nothing recorded"

    dated = any(row.step.start is not None or row.step.end is not None for row in rows)
    times = ("start", "end", "lasted") if dated else ()
    return Table(
        headings=("no.", "step", "sample", *times, "conditions"),
        rows=[
            (
                row.number,
                row.step.type.replace("_", " ") + (f": {row.step.title}" if row.step.title else ""),
                row.step.sample,
                *((written(row.step.start), written(row.step.end), lasted(row)) if dated else ()),
                said(row.step),
            )
            for row in rows
        ],
        title=(
            "Steps, dated ones first; the others in the order in which they were entered"
            if dated
            else "Steps, in the order in which they were entered; no time is recorded of any"
        ),
    )
