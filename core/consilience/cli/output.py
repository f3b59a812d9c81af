"""What the terminal shows: tables, progress, errors.  Rich is imported only to draw a table."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import typer

from consilience.errors import ConsilienceError
from consilience.progress import Progress
from consilience.text import one_line

__all__ = [
    "Settings",
    "fail_well",
    "notice_lines",
    "print_json",
    "progress_events",
    "run_notice_lines",
    "say",
    "table",
]

P = ParamSpec("P")
R = TypeVar("R")

IDENTIFIERS = ("finding", "measurement", "verdict", "step", "series", "plugin", "kind", "reader")
"""Headings of columns that are never broken."""
LONG_WORD, LONG_TEXT, LEAST_TEXT = 24, 60, 28
"""Characters: of a word that may be broken, of a cell that is text, and of the room for text."""
LONG_TITLES = 90
"""Characters of titles before the rest of them is counted."""
ProgressStyle = Literal["auto", "bar", "plain", "json", "none"]


@dataclass
class Settings:
    """Global options."""

    study: Path = Path()
    debug: bool = False
    progress: ProgressStyle = "auto"

    @property
    def named(self) -> Path | None:
        """The folder that was named; None where it is the current one."""
        return None if self.study == Path() else self.study


def say(text: str = "", *, err: bool = False) -> None:
    """Print one or more lines; control characters are made visible."""
    typer.echo("\n".join(one_line(line) for line in text.split("\n")), err=err)


def print_json(value: Any) -> None:
    """Print a JSON value, indented; plain ASCII on a terminal, which text could control."""
    ascii_only = sys.stdout.isatty()
    typer.echo(json.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Draw a table on a terminal, or what does not fit row by row; else aligned columns."""
    if not rows:
        say(empty)
        return
    cells = [["unknown" if c is None else one_line(str(c)) for c in row] for row in rows]
    if sys.stdout.isatty():
        _draw(headings, cells)
        return
    widths = [max(len(h), *(len(r[i]) for r in cells)) for i, h in enumerate(headings)]
    for row in [list(headings), *cells]:
        say("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())


def _draw(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    widths = _widths(headings, cells, console.width - 3 * len(headings) - 1)
    if widths is None:
        drawn = Table.grid(padding=(0, 2))
        drawn.add_column(style="bold", no_wrap=True)
        drawn.add_column(overflow="fold")
        for row in cells:
            for heading, cell in zip(headings, row, strict=True):
                if cell:
                    drawn.add_row(heading, escape(cell))
            drawn.add_row()
    else:
        drawn = Table(header_style="bold")
        for heading, width in zip(headings, widths, strict=True):
            # an ID or name that is cut cannot be copied
            drawn.add_column(heading, overflow="fold", width=width)
        for row in cells:
            drawn.add_row(*(escape(cell) for cell in row))
    console.print(drawn)


def _widths(headings: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the width of each column: short ones whole, the rest alike; None if none can be read.

    An ID is never broken, other words only if they are long, and text has room for a few words.
    """
    from rich.cells import cell_len

    widths, most = [], []
    for heading, *column in zip(headings, *cells, strict=True):
        whole = max(cell_len(cell) for cell in (heading, *column))
        word = max(cell_len(word) for cell in (heading, *column) for word in [*cell.split(), ""])
        least = word if heading in IDENTIFIERS else min(word, LONG_WORD)
        widths.append(max(least, LEAST_TEXT) if whole > LONG_TEXT else least)
        most.append(whole)
    if sum(widths) > room:
        return None
    for _ in range(min(room, sum(most)) - sum(widths)):
        narrow = min((w, at) for at, w in enumerate(widths) if w < most[at])[1]
        widths[narrow] += 1
    return widths


def notice_lines(notices: Sequence[Any]) -> Iterator[str]:
    """Return a line (two with the fix) for each notice."""
    for notice in notices:
        where = f" [{notice.where}]" if notice.where else ""
        yield f"  {notice.severity}: {notice.message}{where}"
        if notice.fix:
            yield f"    fix: {notice.fix}"


def run_notice_lines(noticed: Sequence[Any]) -> Iterator[str]:
    """Return what runs noticed, under the signal it speaks of; runs that noticed the same together.

    A message may begin with the name of its signal, which the heading says already.
    """
    alike: dict[tuple[str, tuple[Any, ...]], list[str]] = {}
    for run in noticed:
        notices = tuple(
            n.model_copy(update={"message": n.message.removeprefix(f"{name}: ")})
            for n in run.notices
            for name in [run.titles[0].rpartition(": ")[2]]
        )
        alike.setdefault((run.analysis, notices), []).append(_several(run.titles))
    for (analysis, notices), titles in alike.items():
        yield f"{analysis} on {_several(titles)}"
        yield from notice_lines(notices)


def _several(titles: Sequence[str]) -> str:
    """Titles on about a line: three at most, and the signal once where all have the same."""
    files, signals = zip(*(title.partition(": ")[::2] for title in titles), strict=True)
    after = ""
    if len(titles) > 1 and signals[0] and len(set(signals)) == 1:
        titles, after = files, f": {signals[0]}"
    shown = next(n for n in (3, 2, 1) if n == 1 or sum(map(len, titles[:n])) <= LONG_TITLES)
    more = f" and {len(titles) - shown} more" if len(titles) > shown else ""
    return ", ".join(titles[:shown]) + more + after


@contextmanager
def progress_events(settings: Settings) -> Iterator[Progress]:
    """Give a callable that shows progress as the global option says.

    Bars on a terminal, plain lines otherwise (one for each second at most), JSON
    lines on request, all on standard error.
    """
    style = settings.progress
    if style == "auto":
        style = "bar" if sys.stderr.isatty() else "plain"
    if style == "bar":
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        with Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bars:
            task = bars.add_task("", total=None)

            def draw(done: int, total: int, what: str) -> None:
                bars.update(
                    task, completed=done, total=total or None, description=escape(one_line(what))
                )

            yield draw
        return
    start = last = time.monotonic()

    def write(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if style == "json":
            event = {"done": done, "total": total, "what": what}
            typer.echo(json.dumps(event, ensure_ascii=False), err=True)
        elif style == "plain" and now - last > 1.0:
            last = now
            say(f"{now - start:6.1f} s  {done}/{total}  {what}", err=True)

    yield write


def _show_error(error: ConsilienceError, debug: bool) -> None:
    say(f"error: {error.what}", err=True)
    say(f"  fix: {error.fix}", err=True)
    if error.place is not None:
        say(f"  at:  {error.place}", err=True)
    if debug:
        detail = getattr(error, "detail", None)
        if detail:
            say(str(detail), err=True)
        traceback.print_exc()


def _of_the_system(error: OSError) -> ConsilienceError:
    """Return what the operating system refused, in the words used everywhere else."""
    from consilience.store.durable import mapped_os_errors

    try:
        with mapped_os_errors("finish", "unknown place"):
            raise error
    except ConsilienceError as mapped:
        return mapped


def fail_well(function: Callable[P, R]) -> Callable[P, R]:
    """Turn errors made on purpose into two or three lines and an exit code."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        debug = any(
            isinstance(a, typer.Context) and isinstance(a.obj, Settings) and a.obj.debug
            for a in (*args, *kwargs.values())
        )
        try:
            return function(*args, **kwargs)
        except ConsilienceError as error:
            _show_error(error, debug)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            say("interrupted; what was acknowledged is registered, nothing else", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # a reader such as `head` went away: not an error of ours
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            shown = _of_the_system(error)
            _show_error(shown, debug)
            raise typer.Exit(shown.exit_code) from None

    return wrapped
