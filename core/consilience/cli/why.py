"""``consilience why``: where a number came from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from consilience.cli.output import fail_well, print_json, say
from consilience.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.tree import Tree

    from consilience.study.why import Ground

__all__ = ["attach"]

DIGITS = 18
"""Characters of an ID or hash that are shown; ``--json`` has all."""


def attach(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("why")(why)


@fail_well
def why(
    context: typer.Context,
    record: Annotated[
        str,
        typer.Argument(metavar="ID", help="A verdict, finding or measurement, or its beginning."),
    ],
    full: Annotated[
        bool, typer.Option("--full", help="All parameters of the analyses too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
) -> None:
    """Walk from a verdict or finding back to analysis, raw files, sample and chain."""
    from consilience.study import Study
    from consilience.study.why import why as grounds

    with Study.open(context.obj.study) as study:
        found = grounds(study, record)
    if as_json:
        print_json(found.to_json())
        return
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(_tree(found, full))
        return
    for line in _lines(found, full):
        say(line)


def _facts(ground: Ground, full: bool) -> list[str]:
    """What is said beside: parameters of an analysis only where they are asked for."""
    if full or ground.what != "analysis" or not ground.facts:
        return list(ground.facts)
    return ["--full shows them"]


def _id(ground: Ground) -> str:
    return "" if ground.what in ("sample", "analysis") else ground.id[:DIGITS]


def _tree(ground: Ground, full: bool, tree: Tree | None = None) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    label = Text(f"{ground.what} ", style="bold")
    label.append(one_line(ground.text), style="not bold")
    if _id(ground):
        label.append(f"  {_id(ground)}", style="not bold dim")
    branch = Tree(label) if tree is None else tree.add(label)
    for fact in _facts(ground, full):
        branch.add(Text(one_line(fact), style="dim"))
    for other in ground.because:
        _tree(other, full, branch)
    return branch


def _lines(ground: Ground, full: bool, depth: int = 0) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}{ground.what} {ground.text}" + (f"  {_id(ground)}" if _id(ground) else "")
    for fact in _facts(ground, full):
        yield f"{indent}  - {fact}"
    for other in ground.because:
        yield from _lines(other, full, depth + 1)
