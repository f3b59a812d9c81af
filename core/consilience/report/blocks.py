"""What a view returned becomes what the template shows; a fault becomes a visible note.

A plugin's block is drawn here, so this is where one that raises is stopped: the note names
the plugin, the reason and what to do, and the rest of the report stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from consilience.notation import cell
from consilience.report.clouds import CLOUD_SIZE, PackedCloud, pack, still
from consilience.report.drawing import SVG_BUDGET, Picture, draw
from consilience.report.text import one_line
from consilience.view import Block, Cell, Cloud, Figure, Table, Text

__all__ = [
    "Budget",
    "Shown",
    "ShownCloud",
    "ShownFault",
    "ShownFigure",
    "ShownTable",
    "ShownText",
    "show",
]

_TOTAL_PICTURES = 4_500_000
_TOTAL_ROWS = 10_000
_TABLE_ROWS = 1_000


@dataclass(frozen=True)
class Budget:
    """Bytes of each picture and rows of each figure's table, shared out among all figures."""

    svg: int = SVG_BUDGET
    rows: int = 400

    @classmethod
    def among(cls, figures: int) -> Budget:
        """Share a report's size among so many figures."""
        count = max(figures, 1)
        return cls(
            svg=min(SVG_BUDGET, _TOTAL_PICTURES // count),
            rows=min(400, max(16, _TOTAL_ROWS // count)),
        )


@dataclass(frozen=True)
class ShownTable:
    """A table with its cells as text; None is left for the page to call unknown."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    numeric: tuple[bool, ...]
    title: str = ""
    note: str = ""
    what: str = "table"

    @property
    def long(self) -> bool:
        """Too long to be printed in full under a figure."""
        return len(self.rows) > 40


@dataclass(frozen=True)
class ShownFigure:
    """A figure as a picture (None if it could not be drawn) and as a table."""

    title: str
    caption: str
    alt: str
    picture: Picture | None
    table: ShownTable | None
    fault: ShownFault | None = None
    table_open: bool = False
    what: str = "figure"


@dataclass(frozen=True)
class ShownText:
    """A paragraph."""

    text: str
    tone: Literal["plain", "note", "doubt", "fault"]
    what: str = "text"


@dataclass(frozen=True)
class ShownFault:
    """What went wrong in a view, and what to do."""

    text: str
    fix: str
    what: str = "fault"


@dataclass(frozen=True)
class ShownCloud:
    """A cloud as a still picture, with its points for those who can turn it."""

    title: str
    caption: str
    alt: str
    packed: PackedCloud
    picture: Picture
    table: ShownTable | None
    table_open: bool = False
    fault: ShownFault | None = None
    what: str = "cloud"


Shown = ShownFigure | ShownCloud | ShownTable | ShownText | ShownFault


def show(
    block: Block | object, maker: str, budget: Budget | None = None, *, table_open: bool = False
) -> Shown:
    """Return a block as the template shows it; never raises for what a plugin did.

    Parameters
    ----------
    block : Figure, Cloud, Table or Text
    maker : str
        Who made it, for the note on a fault: ``plugin xrd, view xrd.pattern``.
    budget : Budget, optional
    table_open : bool
        Show a figure's table at once instead of folded.
    """
    budget = budget or Budget()
    try:
        if isinstance(block, Text):
            return ShownText(str(block.text), block.tone if block.tone in _TONES else "plain")
        if isinstance(block, Table):
            return _table(block, _TABLE_ROWS, thin=False)
        if isinstance(block, Figure):
            return _figure(block, maker, budget, table_open=table_open)
        if isinstance(block, Cloud):
            return _cloud(block, budget)
    except Exception as error:  # noqa: BLE001  one bad view never stops the report
        return _fault(f"A block of {maker} could not be shown", error, maker)
    return ShownFault(
        f"{maker} returned a {type(block).__name__}, expected Figure, Cloud, Table or Text.",
        "Return only these from the view's build function; report it to the plugin's author.",
    )


_TONES = ("plain", "note", "doubt", "fault")


def _figure(block: Figure, maker: str, budget: Budget, *, table_open: bool) -> ShownFigure:
    fault: ShownFault | None = None
    table: ShownTable | None = None
    picture: Picture | None = None
    if block.table.headings:
        table = _table(block.table, budget.rows, thin=True, title=str(block.title))
    try:
        picture = draw(block.draw, block.size, raster=block.raster, budget=budget.svg)
    except Exception as error:  # noqa: BLE001  one bad picture never stops the report
        named = one_line(block.title, 120)
        fault = _fault(f"The picture “{named}” could not be drawn", error, maker)
    return ShownFigure(
        str(block.title), str(block.caption), str(block.alt), picture, table, fault, table_open
    )


def _cloud(block: Cloud, budget: Budget) -> ShownCloud:
    packed = pack(block)
    table = None
    if block.table.headings:
        table = _table(block.table, budget.rows, thin=True, title=str(block.title))
    picture = draw(still(block), CLOUD_SIZE, raster=True, budget=budget.svg)
    return ShownCloud(str(block.title), str(block.caption), str(block.alt), packed, picture, table)


def _fault(what: str, error: Exception, maker: str) -> ShownFault:
    return ShownFault(
        f"{what}: {type(error).__name__}: {one_line(str(error), 400) or 'no message'}.",
        f"Report it to the author of {maker}; the numbers are not affected.",
    )


def _table(table: Table, most: int, *, thin: bool, title: str = "") -> ShownTable:
    # a number without unit needs no "(1)"
    headings = tuple(str(h).removesuffix(" (1)") for h in table.headings)
    total = len(table.rows)
    note = str(table.note)
    picked: Sequence[Sequence[Cell]] = table.rows
    if total > most:
        if thin:
            chosen = sorted({round(i * (total - 1) / (most - 1)) for i in range(most)})
            picked = [table.rows[i] for i in chosen]
            said = f"{len(picked)} of {total} rows are shown, evenly spaced."
        else:
            picked = table.rows[:most]
            said = f"The first {most} of {total} rows are shown."
        note = f"{note} {said}".strip()
    rows = []
    for i, row in enumerate(picked):
        if len(row) != len(headings):
            raise ValueError(f"row {i} has {len(row)} cells for {len(headings)} headings")
        rows.append(tuple(None if value is None else cell(_plain(value)) for value in row))
    numeric = tuple(
        any(row[i] is not None for row in picked)
        and all(row[i] is None or _is_number(row[i]) for row in picked)
        for i in range(len(headings))
    )
    return ShownTable(headings, tuple(rows), numeric, str(table.title) or title, note)


def _plain(value: object) -> object:
    """Return a numpy scalar as Python's own number."""
    return value.item() if hasattr(value, "item") and not isinstance(value, str) else value


def _is_number(value: object) -> bool:
    return isinstance(_plain(value), int | float) and not isinstance(_plain(value), bool)
