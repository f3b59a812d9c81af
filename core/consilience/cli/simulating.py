"""Simulated files, before there are measured ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consilience.cli import words
from consilience.cli.output import fail_well, say, table

__all__ = ["attach"]


def attach(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("simulate")(simulate)


@fail_well
def simulate(
    context: typer.Context,  # noqa: ARG001  fail_well looks for --debug in it
    key: Annotated[
        str | None, typer.Argument(help="Key of a simulator; without it they are listed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder; what is there is kept.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="One seed, one set of files.")] = 1,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="Parameter, name=value; repeatable.")
    ] = None,
) -> None:
    """Write simulated files, which say that they are; without KEY, list what can be simulated."""
    from consilience.declarations import Simulator
    from consilience.errors import BadInputError
    from consilience.registry import Registry

    registry = Registry.discover()
    if key is None:
        table(
            ["simulator", "technique", "writes"],
            [[s.key, s.modality, s.title] for s in registry.all(Simulator)],
            "no installed plugin simulates anything",
        )
        say("parameters of one: consilience plugins parameters KEY")
        return
    from consilience.simulating import simulate_files

    registry.get(Simulator, key)
    if out is None:
        raise BadInputError(
            "it is not said where the files shall go",
            fix=f"write consilience simulate {key} --out FOLDER",
        )
    made = simulate_files(registry, key, out, seed=seed, params=words.params(param))
    for path in made.files:
        say(str(path))
    say("they say that they are simulated, and so will every finding and figure made of them")
    for path in made.truth:
        say(f"what was planted: {path}; no reader takes it")
