"""The tree of samples: what was cut from what, and what is a control of what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consilience.model.sample import Sample, Step
from consilience.notation import number, unit_text
from consilience.report.drawing import fit
from consilience.view import Figure, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

__all__ = ["Node", "forest", "lineage_figures", "natural"]

_WIDTH = 8.0
_PAGE = 9.2  # inches that a figure may be high to fit on a printed page
_MAKERS = ("lift_out", "mill", "prepare", "disassemble")


@dataclass
class Node:
    """A sample in the tree, with the samples cut from it and its controls below it."""

    sample: Sample
    depth: int = 0
    is_control: bool = False
    made_by: str = ""
    activity: str = ""
    children: list[Node] = field(default_factory=list)

    def rows(self) -> list[Node]:
        """Return this node and all below it, in reading order."""
        found, pending = [], [self]
        while pending:
            node = pending.pop()
            found.append(node)
            pending.extend(reversed(node.children))
        return found


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``chip-2`` before ``chip-10``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"([0-9]{1,18})", text)
        if part
    )


def forest(
    samples: Sequence[Sample],
    steps: Sequence[Step] = (),
    activity: Mapping[str, str] | None = None,
) -> list[Node]:
    """Return the roots of the tree of samples.

    A parent that is not among `samples`, or that would close a circle, makes a root:
    the table says which parent was named.
    """
    nodes: dict[str, Node] = {}
    for sample in sorted(samples, key=lambda s: natural(s.id)):
        cuts: list[str] = [s.type for s in steps if s.derives == sample.id]
        made: list[str] = [s.type for s in steps if s.sample == sample.id and s.type in _MAKERS]
        # where the cut is not recorded, the most telling step, which comes first in _MAKERS
        maker = cuts[0] if cuts else min(made, key=_MAKERS.index, default="")
        nodes.setdefault(
            sample.id,
            Node(sample, made_by=maker, activity=(activity or {}).get(sample.id, "")),
        )
    above: dict[str, str | None] = {}
    for key, node in nodes.items():
        up = node.sample.parent if node.sample.parent in nodes else node.sample.control_of
        above[key] = up if up in nodes else None
        node.is_control = node.sample.control_of is not None
    for key in nodes:
        seen, place = {key}, above[key]
        while place is not None and place not in seen:
            seen.add(place)
            place = above[place]
        if place == key:
            above[key] = None
    roots = []
    for key, node in nodes.items():
        up = above[key]
        if up is None:
            roots.append(node)
        else:
            nodes[up].children.append(node)
    pending = list(roots)
    while pending:
        node = pending.pop()
        node.children.sort(key=lambda n: (n.is_control, natural(n.sample.id)))
        for child in node.children:
            child.depth = node.depth + 1
        pending.extend(node.children)
    return roots


def lineage_figures(
    samples: Sequence[Sample],
    steps: Sequence[Step] = (),
    activity: Mapping[str, str] | None = None,
) -> list[Figure]:
    """Return the tree as figures, each at most a page high; the last carries the whole table.

    Parameters
    ----------
    samples : sequence of Sample
    steps : sequence of Step
        Name the step that made a sample.
    activity : mapping, optional
        Sample ID to what was measured on it, in a few words.
    """
    roots = forest(samples, steps, activity)
    rows = [row for root in roots for row in root.rows()]
    if not rows:
        return []
    columns = 1 + max(row.depth for row in rows)
    leaves = sum(not row.children for row in rows)
    if columns <= 4 and leaves * 0.3 <= _PAGE - 0.2:
        pages = [_columns(roots, columns, leaves)]
    else:
        pages = _indented(rows)
    table = _table(rows, steps)
    figures = []
    for i, page in enumerate(pages):
        part = f" ({i + 1} of {len(pages)})" if len(pages) > 1 else ""
        here = sum(not box.repeated for box in page.boxes)
        samples_here = f"{here} sample" + ("" if here == 1 else "s")
        figures.append(
            Figure(
                title=f"Samples{part}",
                caption=(
                    "A line leads from a sample to what was cut from it. Dashed: a control "
                    "(blank, dry cell, raw material) of the sample it hangs on."
                ),
                alt=f"Tree of {samples_here}; the table below says the same.",
                draw=page.draw,
                table=table if i == len(pages) - 1 else Table((), ()),
                size=(_WIDTH, page.height),
            )
        )
    return figures


@dataclass
class _Box:
    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: int
    repeated: bool = False


@dataclass
class _Page:
    boxes: list[_Box]
    height: float
    indented: bool

    def draw(self, figure: MatplotlibFigure) -> None:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(self.height, 0)
        where = {id(box.node): box for box in self.boxes}
        edges = [
            (box, where[id(child)])
            for box in self.boxes
            for child in box.node.children
            if id(child) in where
        ]
        for parent, child in sorted(edges, key=lambda e: not e[1].node.is_control):
            self._edge(axes, parent, child)
        for box in self.boxes:
            _draw_box(axes, box)

    def _edge(self, axes: Any, parent: _Box, child: _Box) -> None:
        colour = "#8a5a00" if child.node.is_control else "#5b7083"
        dashes = (0, (3, 2)) if child.node.is_control else "-"
        if self.indented:
            bend = parent.x + 0.1
            start = (bend, parent.y + parent.height / 2)
        else:
            bend = parent.x + parent.width + 0.16
            start = (parent.x + parent.width, parent.y)
            axes.plot([start[0], bend], [parent.y] * 2, color=colour, lw=0.9, ls=dashes, zorder=1)
        axes.plot([bend, bend], [start[1], child.y], color=colour, lw=0.9, ls=dashes, zorder=1)
        axes.plot([bend, child.x], [child.y] * 2, color=colour, lw=0.9, ls=dashes, zorder=1)
        label = "control" if child.node.is_control else child.node.made_by.replace("_", " ")
        if label and not self.indented:
            room = child.x - bend - 0.06
            axes.text(
                (bend + child.x) / 2,
                child.y - 0.05,
                fit(label, room, 6.5),
                fontsize=6.5,
                color=colour,
                ha="center",
                va="bottom",
            )


def _draw_box(axes: Any, box: _Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    node, control = box.node, box.node.is_control
    edge = "#8a5a00" if control else "#2f5d8a"
    if box.repeated:
        edge = "#999999"
    axes.add_patch(
        FancyBboxPatch(
            (box.x + 0.04, box.y - box.height / 2 + 0.04),
            box.width - 0.08,
            box.height - 0.08,
            boxstyle="round,pad=0.04,rounding_size=0.06",
            facecolor="#ffffff" if control or box.repeated else "#eef4fa",
            edgecolor=edge,
            linewidth=0.9,
            linestyle=(0, (3, 2)) if control else "-",
            zorder=2,
        )
    )
    room, left = box.width - 0.2, box.x + 0.1
    grey = "#4d4d4d"
    if box.lines == 1:
        name = fit(node.sample.id, room if not node.sample.title else room * 0.6, 7.5, bold=True)
        axes.text(left, box.y, name, fontsize=7.5, weight="bold", va="center", zorder=3)
        used = _width(name) + 0.12
        rest = "continued from above" if box.repeated else _described(node)
        if rest and room - used > 0.4:
            said = fit(rest, room - used, 7)
            axes.text(left + used, box.y, said, fontsize=7, color=grey, va="center", zorder=3)
        return
    texts = [(node.sample.id, 8.0, "bold", "#111111")]
    texts += [(t, 7.0, "normal", grey) for t in (node.sample.title, node.activity) if t]
    step = 0.155
    top = box.y - step * (len(texts) - 1) / 2
    for i, (text, size, weight, colour) in enumerate(texts):
        said = fit(text, room, size, bold=weight == "bold")
        axes.text(
            left,
            top + i * step,
            said,
            fontsize=size,
            weight=weight,
            color=colour,
            va="center",
            zorder=3,
        )


def _width(text: str) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family="DejaVu Sans", size=7.5, weight="bold")
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def _described(node: Node) -> str:
    return "  ·  ".join(part for part in (node.sample.title, node.activity) if part)


def _columns(roots: Sequence[Node], columns: int, leaves: int) -> _Page:
    """Lay the tree out from left to right, one row for each leaf."""
    gap = 0.95 if columns > 1 else 0.0
    width = min((_WIDTH - 0.04 - gap * (columns - 1)) / columns, 2.6)
    lines = 3 if leaves * 0.64 <= _PAGE else 1
    pitch = 0.64 if lines == 3 else 0.3
    boxes: list[_Box] = []
    row = 0

    def place(node: Node) -> float:
        nonlocal row
        if node.children:
            ys = [place(child) for child in node.children]
            y = (ys[0] + ys[-1]) / 2
        else:
            y = (row + 0.5) * pitch + 0.02
            row += 1
        x = 0.02 + node.depth * (width + gap)
        boxes.append(_Box(node, x, y, width, pitch - 0.06, lines))
        return y

    for root in roots:
        place(root)
    return _Page(boxes, row * pitch + 0.04, indented=False)


def _indented(rows: Sequence[Node]) -> list[_Page]:
    """Lay the tree out as an outline, one row for each sample, as many pages as it takes."""
    pitch, most = 0.27, int(_PAGE / 0.27)
    deepest = max(row.depth for row in rows)
    step = min(0.32, 4.5 / max(deepest, 1))
    above = {id(child): row for row in rows for child in row.children}
    pages: list[_Page] = []
    start = 0
    while start < len(rows):
        chain: list[Node] = []
        up = above.get(id(rows[start]))
        while up is not None:
            chain.insert(0, up)
            up = above.get(id(up))
        chain = chain[-most // 2 :] if start else []
        shown = [*chain, *rows[start : start + most - len(chain)]]
        start += most - len(chain)
        boxes = [
            _Box(
                node,
                0.02 + node.depth * step,
                (i + 0.5) * pitch + 0.02,
                _WIDTH - 0.04 - node.depth * step,
                pitch - 0.04,
                1,
                repeated=i < len(chain),
            )
            for i, node in enumerate(shown)
        ]
        pages.append(_Page(boxes, len(shown) * pitch + 0.04, indented=True))
    return pages


def _table(rows: Sequence[Node], steps: Sequence[Step]) -> Table:
    count: dict[str, int] = {}
    for step in steps:
        count[step.sample] = count.get(step.sample, 0) + 1
    known = {row.sample.id for row in rows}

    def relation(node: Node) -> str:
        said = []
        for word, other in (
            ("cut from", node.sample.parent),
            ("control of", node.sample.control_of),
        ):
            if other is not None:
                said.append(f"{word} {other}" + ("" if other in known else " (not in this study)"))
        return "; ".join(said) or "no parent"

    return Table(
        headings=(
            "sample",
            "title",
            "relation",
            "where it was cut",
            "elements",
            "steps",
            "measured by",
        ),
        rows=[
            (
                row.sample.id,
                row.sample.title or "—",
                relation(row),
                "—" if row.sample.parent is None else _cut(row.sample),
                ", ".join(row.sample.elements) or "not said",
                count.get(row.sample.id, 0),
                row.activity or "nothing",
            )
            for row in rows
        ],
        title="Samples, what they were cut from, and what they are controls of",
    )


def _cut(sample: Sample) -> str | None:
    cut = sample.cut
    if cut is None:
        return None
    if cut.shape == "whole":  # has no points, and so no unit
        return f"{cut.label or 'whole'}, frame {cut.frame}"
    points = "; ".join("(" + ", ".join(number(c) for c in p) + ")" for p in cut.coordinates[:6])
    more = " …" if len(cut.coordinates) > 6 else ""
    label = f"{cut.label}: " if cut.label else ""
    return f"{label}{cut.shape} {points}{more} {unit_text(cut.unit)}, frame {cut.frame}"
